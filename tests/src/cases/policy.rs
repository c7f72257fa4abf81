//! Requests that the rules of a policy are about. On every stage but "policy" nothing comes of them; the
//! policy of that stage is bed/policy.toml.

use crate::ask::Ask;
use crate::case::{BOTH, Case, case};
use crate::expect::{Verdict, definite, flagged, passes, strict};
use crate::scene::{ActorRef, Scene, Stop};
use crate::side::side;
use crate::stage::{FileSystemKind, VolumeSpec, Who};
use crate::status::{
    INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS,
};
use crate::windows::{SOURCE_ACCESS, TARGET_ACCESS};

const FIRST: &str = "docs/policy.md: the first rule that matches decides";
const ALL: &str = "docs/policy.md: a rule matches if all its conditions hold";
const ORDER: &str = "docs/rules.md: definite and strict rules decide before the policy's";

const C: i64 = 4096;

/// A good request of the program to this target.
fn to(s: &mut Scene<'_>, target: &str) -> Result<Ask, Stop> {
    let volume = s.volume();
    let file = s.add_file(volume, target, 8 * C)?;
    let handle = s.open_file(ActorRef::PROGRAM, file, TARGET_ACCESS)?;
    Ok(s.ask().to(handle))
}

/// The same from this source.
fn between(s: &mut Scene<'_>, source: &str, target: &str) -> Result<Ask, Stop> {
    let ask = to(s, target)?;
    let volume = s.volume();
    let file = s.add_file(volume, source, 8 * C)?;
    let handle = s.open_file(ActorRef::PROGRAM, file, SOURCE_ACCESS)?;
    Ok(ask.from(handle))
}

pub(super) const CASES: &[Case] = &[
    case("policy.denied-target", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask)
    })
    .designed(ALL)
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.denied-target-in-upper-case", BOTH, |s| {
        let ask = to(s, r"\POLICY-Denied")?;
        s.send(ask)
    })
    .designed("docs/policy.md: names are compared without regard to case")
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.a-longer-name-is-another", BOTH, |s| {
        let ask = to(s, r"\policy-denied-not")?;
        s.send(ask)
    })
    .designed("docs/policy.md: a pattern is about the whole name")
    .near(&[60]),
    case("policy.flagged-target", BOTH, |s| {
        let ask = to(s, r"\policy-flagged")?;
        s.send(ask)
    })
    .designed(ALL)
    .expects(passes(SUCCESS).with_policy(60, Verdict::Flagged)),
    case("policy.flagged-target-with-a-note", BOTH, |s| {
        let ask = to(s, r"\policy-flagged")?;
        s.send(ask.output(8))
    })
    .designed(ALL)
    .expects(flagged(SUCCESS, &[4]).with_policy(60, Verdict::Flagged)),
    case("policy.secret-source", BOTH, |s| {
        let ask = between(s, r"\policy-secret1", r"\policy-open")?;
        s.send(ask)
    })
    .designed(ALL)
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.no-secret-source", BOTH, |s| {
        let ask = between(s, r"\policy-secret", r"\policy-open")?;
        s.send(ask)
    })
    .designed("docs/policy.md: a question mark is one character")
    .near(&[60]),
    case("policy.a-user-who-may-not", BOTH, |s| {
        let ask = s.ask_by(Who::ProgramOfAnother)?;
        let volume = s.volume();
        let file = s.add_file(volume, r"\policy-open", 8 * C)?;
        let target = s.open_file(ask.by, file, TARGET_ACCESS)?;
        s.send(ask.to(target))
    })
    .designed(ALL)
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.a-user-who-may", BOTH, |s| {
        let ask = to(s, r"\policy-open")?;
        s.send(ask)
    })
    .designed(ALL)
    .near(&[60]),
    case("policy.a-client-from-elsewhere", BOTH, |s| {
        let ask = s.ask_by(Who::Server)?;
        let volume = s.volume();
        let file = s.add_file(volume, r"\policy-local", 8 * C)?;
        let target = s.open_file(ask.by, file, TARGET_ACCESS)?;
        s.send(ask.to(target))
    })
    .designed(ALL)
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.a-client-from-here", BOTH, |s| {
        let ask = to(s, r"\policy-local")?;
        s.send(ask)
    })
    .designed(ALL)
    .near(&[60]),
    case("policy.too-much", BOTH, |s| {
        let ask = to(s, r"\policy-open")?;
        s.send(ask.range(0, 0, 8 * C))
    })
    .designed("docs/policy.md: min-count is at least so many bytes")
    .expects(passes(SUCCESS).denied_by_policy()),
    case("policy.just-little-enough", BOTH, |s| {
        let ask = to(s, r"\policy-open")?;
        s.send(ask.range(0, 0, 7 * C))
    })
    .designed("docs/policy.md: min-count is at least so many bytes")
    .near(&[60]),
    // The program of a case is named after it: this one is what the first rule allows.
    case("policy.allowed-before-denied", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask)
    })
    .designed(FIRST)
    .near(&[60]),
    case("policy.allowed-is-still-checked", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask.range(0, 0, 1))
    })
    .designed("docs/policy.md: allow ends the search for rules of the policy, and no more")
    .expects(definite(INVALID_PARAMETER, &[22])),
    case("policy.unaligned-to-a-denied-target", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask.range(1, 0, C))
    })
    .designed(ORDER)
    .expects(definite(INVALID_PARAMETER, &[20]).with_policy(60, Verdict::Refused)),
    case("policy.closed-source-to-a-denied-target", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.close(s.source())?;
        s.send(ask)
    })
    .takes(&[side("bad_handle", "Passed")])
    .designed(ORDER)
    .expects(strict(INVALID_HANDLE, &[40]).with_policy(60, Verdict::Refused)),
    case("policy.nothing-to-a-denied-target", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask.range(0, 0, 0))
    })
    .designed(ALL)
    .expects(flagged(SUCCESS, &[16]).denied_by_policy()),
    case("policy.overlap-in-a-denied-target", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        let own = ask.to;
        s.send(ask.from(own))
    })
    .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
    .designed(ALL)
    .expects(flagged(NOT_SUPPORTED, &[52]).denied_by_policy()),
    case("policy.denied-target-on-ntfs", BOTH, |s| {
        let ask = to(s, r"\policy-denied")?;
        s.send(ask)
    })
    .on(VolumeSpec::of(FileSystemKind::Ntfs))
    .designed(ALL)
    .expects(passes(INVALID_DEVICE_REQUEST).denied_by_policy()),
];
