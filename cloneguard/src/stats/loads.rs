//! How many loads of the driver records are of.

use crate::BootId;
use std::collections::VecDeque;

/// Loads that are known again. Records of a load stand together, so one would do in a sound journal.
const RECENT: usize = 1000;

/// A count of loads.
#[derive(Clone, Debug, Default)]
pub(super) struct Loads {
    /// The latest ones, the latest last.
    recent: VecDeque<BootId>,
    count: u64,
}

impl Loads {
    /// Takes in the load of a record.
    pub(super) fn add(&mut self, boot_id: BootId) {
        if self.recent.back() == Some(&boot_id) || self.recent.contains(&boot_id) {
            return;
        }
        self.count += 1;
        self.recent.push_back(boot_id);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// How many there were.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::{Loads, RECENT};

    #[test]
    fn each_load_counts_once_and_memory_is_bounded() {
        let mut loads = Loads::default();
        for number in [1, 1, 2, 1, 3] {
            loads.add([number; 16]);
        }
        assert_eq!(loads.count(), 3);
        for number in 0..5000_u32 {
            let mut boot_id = [0xFF; 16];
            boot_id[..4].copy_from_slice(&number.to_le_bytes());
            loads.add(boot_id);
        }
        assert_eq!((loads.count(), loads.recent.len()), (5003, RECENT));
    }
}
