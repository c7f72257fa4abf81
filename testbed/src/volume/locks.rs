//! Byte-range locks of a stream: \[MS-FSA\] 2.1.1.8 and 2.1.4.10.
//!
//! A lock belongs to the open that took it. Lock keys and waiting for a lock are not modelled.

/// A range of bytes that cannot wrap: 2.1.5.8 refuses such a lock, reads and writes are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Bytes {
    /// An empty range meets nothing.
    const fn meets(self, other: Self) -> bool {
        self.length > 0
            && other.length > 0
            && self.offset <= other.offset + (other.length - 1)
            && other.offset <= self.offset + (self.length - 1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    bytes: Bytes,
    exclusive: bool,
    owner: u64,
}

/// The locks of one stream.
#[derive(Debug, Default)]
pub(super) struct LockList(Vec<Lock>);

impl LockList {
    /// Takes a lock; `false` if another one is in the way, the owner's own included.
    pub(super) fn take(&mut self, bytes: Bytes, exclusive: bool, owner: u64) -> bool {
        let in_the_way = |lock: &Lock| lock.bytes.meets(bytes) && (exclusive || lock.exclusive);
        if self.0.iter().any(in_the_way) {
            return false;
        }
        self.0.push(Lock {
            bytes,
            exclusive,
            owner,
        });
        true
    }

    /// Gives one lock of exactly this range back; `false` if the owner has none.
    pub(super) fn give_back(&mut self, bytes: Bytes, owner: u64) -> bool {
        let own = |lock: &Lock| lock.bytes == bytes && lock.owner == owner;
        let Some(at) = self.0.iter().position(own) else {
            return false;
        };
        self.0.remove(at);
        true
    }

    /// Gives back whatever the owner has (2.1.5.5, phase 9).
    pub(super) fn forget(&mut self, owner: u64) {
        self.0.retain(|lock| lock.owner != owner);
    }

    /// Whether `owner` may not read these bytes: somebody else has them exclusively.
    pub(super) fn forbids_reading(&self, bytes: Bytes, owner: u64) -> bool {
        let forbids = |lock: &Lock| lock.exclusive && lock.owner != owner;
        self.0
            .iter()
            .any(|lock| lock.bytes.meets(bytes) && forbids(lock))
    }

    /// Whether `owner` may not write these bytes: somebody else has them, or they are shared, which
    /// forbids writing to their owner too (Win32, "LockFileEx function").
    pub(super) fn forbids_writing(&self, bytes: Bytes, owner: u64) -> bool {
        let forbids = |lock: &Lock| !lock.exclusive || lock.owner != owner;
        self.0
            .iter()
            .any(|lock| lock.bytes.meets(bytes) && forbids(lock))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, LockList};

    const fn bytes(offset: u64, length: u64) -> Bytes {
        Bytes { offset, length }
    }

    #[test]
    fn an_exclusive_lock_is_its_owners_alone() {
        let mut locks = LockList::default();
        assert!(locks.take(bytes(10, 10), true, 1));
        assert!(!locks.take(bytes(19, 1), false, 1) && !locks.take(bytes(19, 5), true, 2));
        assert!(locks.take(bytes(20, 1), true, 2) && locks.take(bytes(0, 10), true, 2));
        assert!(
            !locks.forbids_reading(bytes(10, 10), 1) && !locks.forbids_writing(bytes(10, 10), 1)
        );
        assert!(locks.forbids_reading(bytes(0, 11), 3) && locks.forbids_writing(bytes(20, 1), 1));
    }

    #[test]
    fn a_shared_lock_lets_everybody_read_and_nobody_write() {
        let mut locks = LockList::default();
        assert!(locks.take(bytes(0, 8), false, 1) && locks.take(bytes(4, 8), false, 2));
        assert!(!locks.take(bytes(7, 1), true, 1));
        for owner in 1..4 {
            assert!(!locks.forbids_reading(bytes(0, 12), owner));
            assert!(locks.forbids_writing(bytes(3, 2), owner));
        }
    }

    #[test]
    fn only_an_exact_range_is_given_back() {
        let mut locks = LockList::default();
        assert!(locks.take(bytes(0, 8), true, 1));
        assert!(!locks.give_back(bytes(0, 7), 1) && !locks.give_back(bytes(0, 8), 2));
        assert!(locks.give_back(bytes(0, 8), 1) && !locks.give_back(bytes(0, 8), 1));
        assert!(locks.take(bytes(0, 8), true, 2) && locks.take(bytes(8, 8), true, 1));
        locks.forget(2);
        assert!(locks.take(bytes(0, 8), true, 3) && !locks.take(bytes(8, 1), true, 3));
    }

    #[test]
    fn an_empty_range_meets_nothing_and_the_last_byte_counts() {
        let mut locks = LockList::default();
        assert!(locks.take(bytes(5, 0), true, 1) && !locks.forbids_writing(bytes(5, 1), 2));
        assert!(locks.take(bytes(u64::MAX, 1), true, 1));
        assert!(locks.forbids_reading(bytes(u64::MAX - 1, 2), 2));
    }
}
