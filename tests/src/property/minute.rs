//! When the driver does what is asked of it: from one heartbeat to the next it tells of so many programs at its port and
//! of policies that it read again; whoever asks for more waits for the minute to end (docs/wire.md).

/// From one heartbeat to the next, in seconds.
const INTERVAL: u64 = 60;
/// How many are told of in between.
const TOLD_MAX: u32 = 32;

/// The minute of a load.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Minute {
    /// Seconds since the driver was loaded, and when the next heartbeat is due.
    now: u64,
    due: u64,
    told: u32,
    /// Whether the policy is to be read again when the minute ends.
    is_wanted: bool,
}

impl Minute {
    /// The driver is loaded.
    pub(super) const fn first() -> Self {
        Self {
            now: 0,
            due: INTERVAL,
            told: 0,
            is_wanted: false,
        }
    }

    /// There is something to tell; whether it is told.
    pub(super) const fn tell(&mut self) -> bool {
        let may = self.told < TOLD_MAX;
        if may {
            self.told += 1;
        }
        may
    }

    /// The policy is to be read again; whether it is at once.
    pub(super) const fn wish(&mut self) -> bool {
        let is_read = self.tell();
        self.is_wanted |= !is_read;
        is_read
    }

    /// Time passes; whether the policy is read again at the end of a minute.
    pub(super) fn pass(&mut self, seconds: u64) -> bool {
        self.now += seconds;
        if self.now < self.due {
            return false;
        }
        self.due = self.now.max(self.due + INTERVAL);
        self.told = 0;
        std::mem::take(&mut self.is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::Minute;

    #[test]
    fn who_asks_too_often_waits_for_the_minute_to_end() {
        let mut minute = Minute::first();
        assert!((0..31).all(|_| minute.tell()));
        assert!(minute.wish());
        assert!(!minute.tell() && !minute.wish());
        assert!(!minute.pass(59));
        assert!(!minute.wish());
        assert!(minute.pass(1), "one look answers all");
        assert!(minute.wish());
        assert!(!minute.pass(200));
    }
}
