//! A recorded request: the fields of a line of JSON that a policy asks for.
//!
//! Lines of all other kinds have other fields, and are left out.

use crate::policy::notation::guid_bytes;
use crate::sid::sid_bytes;
use guard::policy::{PathName, PolicySubject};
use guard::{Findings, PolicyMatch};
use serde::Deserialize;
use wire::{RecordKind, RuleId, RuleSet, Verdict};

/// A request as it was recorded. What the line does not say is unknown.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Number of the record.
    pub sequence: u64,
    /// Process of the requestor.
    pub process_id: Option<u32>,
    /// What was decided.
    pub verdict: Verdict,
    /// The rules that fired, and those of them that may be a reason to refuse.
    pub findings: Findings,
    /// Whether the policy of then was undecided, and that alone made rule 70 fire.
    pub was_undecided: bool,
    /// With what the object manager refused the source handle; 0 if it did not.
    pub source_status: u32,
    /// Image of the process.
    pub image: Option<RecordedName>,
    /// Source file.
    pub source: Option<RecordedName>,
    /// Target file.
    pub target: Option<RecordedName>,
    /// Binary SID of the user.
    pub user: Option<Vec<u8>>,
    /// GUID of the target's volume.
    pub volume_guid: Option<[u8; 16]>,
    /// Whether the source is on the target's volume.
    pub is_one_volume: bool,
    /// Whether the request came over the network.
    pub remote: Option<bool>,
    /// How many bytes were to be cloned.
    pub byte_count: Option<i64>,
}

/// A recorded name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedName {
    /// Its units, as many as the record holds.
    pub units: Vec<u16>,
    /// Whether the record holds less than the whole name.
    pub is_cut: bool,
}

/// The System process always has this id, and no image.
const SYSTEM_PROCESS: u32 = 4;

/// What the line of a record of any kind has.
#[derive(Deserialize)]
struct LineKind {
    kind: String,
}

/// The fields of a line about a request; all others are ignored, those of a newer build too.
#[derive(Deserialize)]
struct Line {
    sequence: u64,
    verdict: String,
    rules: Vec<LineRule>,
    grounds: Vec<LineRule>,
    policy: LinePolicy,
    source_status: Option<LineStatus>,
    process_id: Option<u32>,
    user_sid: Option<String>,
    image: Option<LineName>,
    source: Option<LineName>,
    target: Option<LineName>,
    source_state: Option<String>,
    volume: Option<LineVolume>,
    remote: Option<bool>,
    claim: Option<LineClaim>,
}

#[derive(Deserialize)]
struct LineRule {
    id: u8,
}

#[derive(Deserialize)]
struct LinePolicy {
    r#match: String,
}

#[derive(Deserialize)]
struct LineStatus {
    code: String,
}

#[derive(Deserialize)]
struct LineName {
    text: Option<String>,
    utf16: Option<Vec<u16>>,
    #[serde(default)]
    is_truncated: bool,
}

#[derive(Deserialize)]
struct LineVolume {
    guid: Option<String>,
}

#[derive(Deserialize)]
struct LineClaim {
    byte_count: i64,
}

impl Recorded {
    /// Reads a line of JSON; `None` for a record that is about no clone.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, for people.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        let LineKind { kind } = read(line)?;
        if RecordKind::Clone.name() == Some(kind.as_str()) {
            Self::of(read(line)?).map(Some)
        } else {
            Ok(None)
        }
    }

    fn of(line: Line) -> Result<Self, String> {
        let (fired, grounds) = (rules(&line.rules)?, rules(&line.grounds)?);
        if !grounds.is_subset(fired) {
            return Err("a ground to refuse did not fire: the line was edited".to_owned());
        }
        let source_status = line.source_status.map(|status| code(&status.code));
        let user = line.user_sid.as_deref().map(|sid| {
            sid_bytes(sid).map_err(|_| format!("user_sid \"{sid}\" is no SID: the line was edited"))
        });
        let guid = line.volume.and_then(|volume| volume.guid);
        let volume_guid = guid.map(|guid| {
            guid_bytes(guid.trim_matches(['{', '}']))
                .ok_or_else(|| format!("volume GUID \"{guid}\" is no GUID: the line was edited"))
        });
        let no_image = RecordedName {
            units: Vec::new(),
            is_cut: false,
        };
        let is_system = line.process_id == Some(SYSTEM_PROCESS);
        Ok(Self {
            sequence: line.sequence,
            process_id: line.process_id,
            verdict: verdict(&line.verdict)?,
            findings: Findings { fired, grounds },
            was_undecided: PolicyMatch::Undecided.name() == Some(line.policy.r#match.as_str()),
            source_status: source_status.transpose()?.unwrap_or(0),
            image: name(line.image).or(is_system.then_some(no_image)),
            source: name(line.source),
            target: name(line.target),
            user: user.transpose()?,
            volume_guid: volume_guid.transpose()?,
            is_one_volume: line.source_state.as_deref() == Some("same_volume"),
            remote: line.remote,
            byte_count: line.claim.map(|claim| claim.byte_count),
        })
    }

    /// The facts as the evaluator takes them.
    #[must_use]
    pub fn subject(&self) -> PolicySubject<'_> {
        let target = path_name(self.target.as_ref(), self.volume_guid);
        let source_guid = self.volume_guid.filter(|_| self.is_one_volume);
        PolicySubject {
            image: path_name(self.image.as_ref(), None),
            user: self.user.as_deref(),
            source: path_name(self.source.as_ref(), source_guid),
            target,
            volume_device: target.map(|target| target.device),
            volume_guid: self.volume_guid,
            remote: self.remote,
            byte_count: self.byte_count,
        }
    }
}

/// Some fields of a line.
fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        format!("this is no record of CloneGuard ({error}): give a file of JSON lines")
    })
}

/// A name taken apart; unknown if it is none that the kernel gives.
fn path_name(name: Option<&RecordedName>, volume_guid: Option<[u8; 16]>) -> Option<PathName<'_>> {
    let name = name?;
    let parts = PathName::split(&name.units)?;
    // A name that was cut inside its device says nothing about the volume.
    let is_whole_device = !name.is_cut || !parts.rest.is_empty();
    is_whole_device.then_some(PathName {
        volume_guid,
        is_cut: name.is_cut,
        ..parts
    })
}

/// The units of a name that is there.
fn name(line: Option<LineName>) -> Option<RecordedName> {
    let line = line?;
    let text = line.text.map(|text| text.encode_utf16().collect());
    let units = line.utf16.or(text)?;
    Some(RecordedName {
        units,
        is_cut: line.is_truncated,
    })
}

/// The verdict of a word.
fn verdict(word: &str) -> Result<Verdict, String> {
    let known = Verdict::KNOWN.iter();
    let found = known.copied().find(|verdict| verdict.name() == Some(word));
    found.ok_or_else(|| {
        format!("verdict \"{word}\" is not one that this build knows: use a newer cloneguard")
    })
}

/// A status: `0x` and hexadecimal digits.
fn code(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x");
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.ok_or_else(|| format!("status \"{text}\" is no status: the line was edited"))
}

/// The set of some rules.
fn rules(rules: &[LineRule]) -> Result<RuleSet, String> {
    let mut set = RuleSet::EMPTY;
    for rule in rules {
        let id = RuleId::new(rule.id);
        set.insert(id.ok_or_else(|| format!("there is no rule {}: the line was edited", rule.id))?);
    }
    Ok(set)
}
