//! One case: where it comes from, what it is about, what must come of it, and the body that stages it.
//!
//! Cases are constants, built from [`case`] and the methods of [`Case`]; `cases` holds them all.

use std::fmt;

use serde::Serialize;

use crate::expect::{Expect, passes};
use crate::scene::{Done, Scene};
use crate::side::Side;
use crate::stage::VolumeSpec;
use crate::status::SUCCESS;

/// A control code of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// FSCTL_DUPLICATE_EXTENTS_TO_FILE.
    Plain,
    /// FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX.
    Ex,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Ex => "ex",
        })
    }
}

/// The codes that a case is run with.
pub const PLAIN: &[Code] = &[Code::Plain];
/// See [`PLAIN`].
pub const EX: &[Code] = &[Code::Ex];
/// See [`PLAIN`].
pub const BOTH: &[Code] = &[Code::Plain, Code::Ex];

/// How sure we are that Windows answers so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A specification or page of Microsoft says so.
    Documented,
    /// Source code, a test suite or a bug report shows it.
    Observed,
    /// It follows from the two, and has to be confirmed on ReFS.
    Inferred,
    /// No source says anything; the model takes a side so that the driver can be compared.
    Undocumented,
    /// It is a decision of this project: what a policy makes of a request that is good otherwise.
    Designed,
}

/// One case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its stable name: family, dot, words.
    pub id: &'static str,
    /// Its number in the collection of facts that the list was started from.
    pub reference: Option<u16>,
    /// The codes it is run with.
    pub codes: &'static [Code],
    /// Rules that it stands beside: they do not fire, and nearly would.
    pub near: &'static [u8],
    /// Who says so.
    pub source: &'static str,
    /// How sure that is.
    pub confidence: Confidence,
    /// The volume of both files, and the sides that it takes where sources disagree.
    pub volume: VolumeSpec,
    /// What must come of the request that it is about.
    pub expect: Expect,
    /// Stages it.
    pub body: fn(&mut Scene<'_>) -> Done,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// A case for these codes, which succeeds and fires nothing until said otherwise.
#[must_use]
pub const fn case(
    id: &'static str,
    codes: &'static [Code],
    body: fn(&mut Scene<'_>) -> Done,
) -> Case {
    Case {
        id,
        reference: None,
        codes,
        near: &[],
        source: "",
        confidence: Confidence::Undocumented,
        volume: VolumeSpec::refs(4096),
        expect: passes(SUCCESS),
        body,
    }
}

impl Case {
    /// What must come of it.
    #[must_use]
    pub const fn expects(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }

    /// The number it was collected under.
    #[must_use]
    pub const fn number(self, reference: u16) -> Self {
        Self {
            reference: Some(reference),
            ..self
        }
    }

    /// Microsoft says so, here.
    #[must_use]
    pub const fn documented(self, source: &'static str) -> Self {
        self.from(source, Confidence::Documented)
    }

    /// It was seen, here.
    #[must_use]
    pub const fn observed(self, source: &'static str) -> Self {
        self.from(source, Confidence::Observed)
    }

    /// It follows from this.
    #[must_use]
    pub const fn inferred(self, source: &'static str) -> Self {
        self.from(source, Confidence::Inferred)
    }

    /// Nobody says so; this is the nearest there is.
    #[must_use]
    pub const fn undocumented(self, source: &'static str) -> Self {
        self.from(source, Confidence::Undocumented)
    }

    /// We say so, on this page of `docs`.
    #[must_use]
    pub const fn designed(self, page: &'static str) -> Self {
        self.from(page, Confidence::Designed)
    }

    const fn from(self, source: &'static str, confidence: Confidence) -> Self {
        Self {
            source,
            confidence,
            ..self
        }
    }

    /// Stands beside these rules.
    #[must_use]
    pub const fn near(self, near: &'static [u8]) -> Self {
        Self { near, ..self }
    }

    /// Takes sides: its outcome hangs on these disputes.
    #[must_use]
    pub const fn takes(self, sides: &'static [Side]) -> Self {
        let volume = VolumeSpec {
            sides,
            ..self.volume
        };
        Self { volume, ..self }
    }

    /// Has its files on such a volume.
    #[must_use]
    pub const fn on(self, volume: VolumeSpec) -> Self {
        let volume = VolumeSpec {
            sides: self.volume.sides,
            ..volume
        };
        Self { volume, ..self }
    }

    /// Whether no file system of Windows can stage it: the limit on sharing a cluster is another there.
    #[must_use]
    pub const fn is_for_the_test_bed(&self) -> bool {
        self.volume.reference_limit.is_some()
    }

    /// The rules that it covers: those that fire, and the one that a policy adds.
    pub fn rules(&self) -> impl Iterator<Item = u8> {
        let fires = self.expect.fires.iter().copied();
        fires.chain(self.expect.policy_rule)
    }
}
