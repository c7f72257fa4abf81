//! Whether this machine can run the driver and its cases, and how to mend what is in the way. Looking changes nothing.
//!
//! [`Facts`] is what was found; `gather` asks a Windows for it. [`judge`] turns facts into [`Check`]s, so all
//! that is said is decided here and tested on any host. A command names the checks that it cannot do without
//! ([`Id`]); [`obstacles`] are those that fail.

mod boot;
mod facts;
#[cfg(windows)]
pub(crate) mod gather;
mod system;
mod text;

pub(crate) use facts::{Facts, Package};
pub(crate) use text::{json, text};

use serde::{Serialize, Serializer};

/// A check by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// Elevated.
    Administrator,
    /// This program is of the machine's processor.
    Processor,
    /// A Windows that the driver loads on.
    Build,
    /// What a test signature cannot live with.
    SecureBoot,
    /// Test signatures are taken.
    TestSigning,
    /// HVCI.
    MemoryIntegrity,
    /// ReFS is there.
    Refs,
    /// There is room for the virtual disks.
    DiskSpace,
    /// The filter is let onto Dev Drives.
    DevDrive,
    /// Driver Verifier watches the driver.
    Verifier,
    /// The package is beside the program.
    Package,
    /// Nothing is left of an earlier run.
    Leftovers,
}

impl Id {
    /// All of them, in the order in which to mend.
    pub(crate) const ALL: &[Self] = &[
        Self::Administrator,
        Self::Processor,
        Self::Build,
        Self::SecureBoot,
        Self::TestSigning,
        Self::MemoryIntegrity,
        Self::Refs,
        Self::DiskSpace,
        Self::DevDrive,
        Self::Verifier,
        Self::Package,
        Self::Leftovers,
    ];

    /// Its name, as the report has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Processor => "processor",
            Self::Build => "build",
            Self::SecureBoot => "secure-boot",
            Self::TestSigning => "test-signing",
            Self::MemoryIntegrity => "memory-integrity",
            Self::Refs => "refs",
            Self::DiskSpace => "disk-space",
            Self::DevDrive => "dev-drive",
            Self::Verifier => "driver-verifier",
            Self::Package => "package",
            Self::Leftovers => "leftovers",
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// It can stay so; there is something better.
    Advice,
    /// It must be mended.
    Needed,
    /// It could not be found out, and must be known.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) id: Id,
    pub(crate) state: State,
    /// What was found.
    pub(crate) found: String,
    /// What to do, step by step; empty where nothing is to be done.
    pub(crate) mend: Vec<String>,
}

impl Check {
    fn good(id: Id, found: impl Into<String>) -> Self {
        Self {
            id,
            state: State::Good,
            found: found.into(),
            mend: Vec::new(),
        }
    }

    fn advice(id: Id, found: impl Into<String>, mend: &[&str]) -> Self {
        Self::with(id, State::Advice, found.into(), mend)
    }

    fn needed(id: Id, found: impl Into<String>, mend: &[&str]) -> Self {
        Self::with(id, State::Needed, found.into(), mend)
    }

    fn unknown(id: Id, why: &str, mend: &[&str]) -> Self {
        Self::with(id, State::Unknown, format!("unknown: {why}"), mend)
    }

    fn with(id: Id, state: State, found: String, mend: &[&str]) -> Self {
        Self {
            id,
            state,
            found,
            mend: mend.iter().map(|step| (*step).to_owned()).collect(),
        }
    }

    /// Whether a command that depends on it cannot go on.
    pub(crate) const fn is_in_the_way(&self) -> bool {
        matches!(self.state, State::Needed | State::Unknown)
    }
}

/// Every check, in the order in which to mend.
pub(crate) fn judge(facts: &Facts) -> Vec<Check> {
    vec![
        system::administrator(facts),
        system::processor(facts),
        system::build(facts),
        boot::secure_boot(facts),
        boot::test_signing(facts),
        boot::memory_integrity(facts),
        system::refs(facts),
        system::disk_space(facts),
        system::dev_drive(facts),
        boot::verifier(facts),
        system::package(facts),
        system::leftovers(facts),
    ]
}

/// What of these checks keeps a command from beginning.
pub(crate) fn obstacles(checks: &[Check], needs: &[Id]) -> Vec<Check> {
    let is_obstacle = |check: &&Check| needs.contains(&check.id) && check.is_in_the_way();
    checks.iter().filter(is_obstacle).cloned().collect()
}

#[cfg(test)]
mod tests;
