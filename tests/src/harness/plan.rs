//! What each command needs before it may begin, and the exit statuses that only they have.

use super::preflight::Id;

/// Everything passed, or was skipped with a reason; everything was done.
pub(crate) const DONE: u8 = 0;
/// The machine is not ready: what is missing was said, and nothing was changed.
pub(crate) const NOT_READY: u8 = 4;

/// The commands that need something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `preflight`: everything.
    Preflight,
    /// `prepare`.
    Prepare,
    /// `install`.
    Install,
    /// `run` or `soak` on prepared volumes without the driver.
    Bare,
    /// `run` or `soak` with the driver.
    Driver,
    /// `uninstall` and `cleanup`.
    Undo,
}

impl Step {
    /// The checks that may not fail.
    pub(crate) const fn needs(self) -> &'static [Id] {
        match self {
            Self::Preflight => Id::ALL,
            Self::Prepare => &[
                Id::Administrator,
                Id::Processor,
                Id::Build,
                Id::Refs,
                Id::DiskSpace,
                Id::Leftovers,
            ],
            Self::Install => &[
                Id::Administrator,
                Id::Processor,
                Id::Build,
                Id::SecureBoot,
                Id::TestSigning,
                Id::Package,
                Id::Leftovers,
            ],
            Self::Bare => &[Id::Administrator, Id::Processor, Id::Leftovers],
            Self::Driver => &[
                Id::Administrator,
                Id::Processor,
                Id::Build,
                Id::TestSigning,
                Id::Leftovers,
            ],
            Self::Undo => &[Id::Administrator, Id::Leftovers],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Step;
    use crate::harness::preflight::Id;

    #[test]
    fn whatever_changes_the_machine_needs_an_administrator_and_a_readable_record() {
        for step in [
            Step::Prepare,
            Step::Install,
            Step::Bare,
            Step::Driver,
            Step::Undo,
        ] {
            for id in [Id::Administrator, Id::Leftovers] {
                assert!(step.needs().contains(&id), "{step:?}");
            }
            let all = Step::Preflight.needs();
            assert!(step.needs().iter().all(|id| all.contains(id)), "{step:?}");
        }
    }
}
