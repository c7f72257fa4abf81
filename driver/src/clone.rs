//! One request on its way down: captured, judged, named, recorded, and then passed on or refused.
//!
//! The order is that of ARCHITECTURE.md. Nothing here waits or changes the request; whatever cannot be
//! found out is recorded as unknown, with the reason. Only enforce mode refuses.

use flt::callback::Next;
use flt::fsctl::FsControl;
use flt::irql::Passive;
use flt::reentry::Asking;
use flt::status::NtStatus;
use flt::token::Token;
use guard::policy::PolicySubject;
use guard::{
    CAPTURE_SIZE, Capture, Claim, ControlCode, Draft, Fact, Facts, Judged, Judgement, Matter,
    Names, Places, PolicyMark, Seen, SeenCode, StructuralFinding, Subject, VolumeAttributes,
    VolumeFacts, decide, find,
};

use crate::CloneGuard;
use crate::audit::{Opened, UNAUDITED};
use crate::names::Named;
use crate::policy::Policy;
use crate::requestor::Asker;
use crate::source::{Source, target_facts, target_id};
use crate::volume::{self, REFS};

type Request<'op> = FsControl<'op, CloneGuard>;

/// Follows a request if it is one of ours.
pub(crate) fn before(guard: &CloneGuard, request: &Request<'_>) -> Next {
    if let Some(code) = ControlCode::from_raw(request.control_code()) {
        return inspect(guard, request, code);
    }
    match SeenCode::from_raw(request.control_code()) {
        Some(code) => see(guard, request, code),
        None => Next::Ignore,
    }
}

/// Records a request with another code by which files come to share blocks; it is not looked into.
// Not inlined, like the steps below: each has the stack for itself, and gives it back before the next.
#[inline(never)]
fn see(guard: &CloneGuard, request: &Request<'_>, code: SeenCode) -> Next {
    let passive = Passive::prove();
    let asker = Asker::identify(request, &guard.processes, passive);
    let target = Named::of(|form| request.target_name(form));
    let asking = passive.map(Asking::look);
    let volume = volume_of(request, asking);
    let opened = guard.audit.open(&Draft {
        matter: Matter::Seen(Seen {
            code,
            input_length: request.input_length(),
            output_length: request.output_length(),
        }),
        requestor: &asker.as_requestor(),
        places: &Places {
            volume,
            source_volume: Fact::NotAsked,
            source_id: Fact::NotAsked,
            target_id: target_id(request, asking),
        },
        names: &Names {
            image: asker.image_name(),
            parent: asker.parent_name(),
            source: Named::UNASKED.as_name(),
            target: target.as_name(),
        },
    });
    Next::Watch(opened.token)
}

/// Looks into a clone request, judges it, and passes it on or refuses it. The input is read once, the handle resolved
/// once.
#[inline(never)]
fn inspect(guard: &CloneGuard, request: &Request<'_>, code: ControlCode) -> Next {
    let passive = Passive::prove();
    let asker = Asker::identify(request, &guard.processes, passive);
    let capture = capture(code, request, &asker);
    let claim = capture.read();
    let asking = passive.map(Asking::look);
    let mut source = Source::find(request, &claim, asking);
    let volume = volume_of(request, asking);
    let places = Places {
        source_volume: source.volume_beside(&volume),
        source_id: source.id,
        target_id: target_id(request, asking),
        volume,
    };
    let inspection = Inspection {
        asking,
        capture: &capture,
        claim: &claim,
        asker: &asker,
        target: &Named::of(|form| request.target_name(form)),
        places: &places,
        facts: Facts {
            mode: asker.mode(),
            is_refs: places.volume.file_system == REFS,
            cluster_size: places.volume.cluster_size,
            volume: Fact::NotAsked,
            source: source.state,
            source_file: source.facts,
            target_file: target_facts(request, asking),
            same_stream: source.is_target,
        },
        source: &mut source,
    };
    inspection.conclude(guard, request)
}

/// All that was found out about one clone request. Most of it is borrowed: each part is made where it stays.
struct Inspection<'a> {
    asking: Option<Asking>,
    capture: &'a Capture,
    claim: &'a Result<Claim, StructuralFinding>,
    asker: &'a Asker,
    source: &'a mut Source,
    target: &'a Named,
    places: &'a Places,
    facts: Facts,
}

impl Inspection<'_> {
    /// Judges, records, and passes on or refuses.
    #[inline(never)]
    fn conclude(mut self, guard: &CloneGuard, request: &Request<'_>) -> Next {
        let policy = guard.policy.current();
        let mark = policy.ask(|| self.as_subject());
        let judgement = self.judge(request, &policy, mark);
        let draft = Draft {
            matter: Matter::Clone(Judged {
                capture: self.capture,
                claim: self.claim,
                facts: &self.facts,
                judgement: &judgement,
                policy: mark,
            }),
            requestor: &self.asker.as_requestor(),
            places: self.places,
            names: &self.names(),
        };
        if let Some(token) = summarise(guard, &policy, &draft) {
            return Next::Watch(token);
        }
        let opened = guard.audit.open(&draft);
        let judged = judgement.refusal.filter(|_| policy.powers().enforce);
        if let Some(status) = judged.and_then(NtStatus::from_bits) {
            guard.audit.refuse(opened.token, status);
            guard.deliver_soon();
            return Next::Refuse(status);
        }
        if refuses_unrecorded(&policy, &opened) {
            guard.audit.refuse_unaudited(opened.token);
            return Next::Refuse(UNAUDITED);
        }
        let kept = policy.rechecks().then(|| self.source.keep()).flatten();
        match kept {
            Some(Ok(kept)) => Next::Recheck(opened.token, kept),
            Some(Err(_)) => Next::Unseen(opened.token),
            None => Next::Watch(opened.token),
        }
    }

    /// Runs the rules. Whether the volume clones and takes writes matters only if a definite rule fired,
    /// so only then the volume is asked, and the rules are run again with its answer.
    fn judge(&mut self, request: &Request<'_>, policy: &Policy, mark: PolicyMark) -> Judgement {
        let mut findings = find(&self.as_findable(mark));
        if findings.depend_on_volume() {
            self.facts.volume = ask_volume(request, self.asking);
            findings = find(&self.as_findable(mark));
        }
        decide(&findings, self.facts.source.status(), &policy.powers())
    }

    const fn as_findable(&self, mark: PolicyMark) -> Subject<'_> {
        Subject {
            capture: self.capture,
            claim: self.claim,
            facts: &self.facts,
            policy: mark.answer,
        }
    }

    /// What the policy's rules are compared with.
    fn as_subject(&self) -> PolicySubject<'_> {
        let guid = self.places.volume.guid.map(|guid| guid.0);
        let source_guid = self.places.source_volume.known().map(|guid| guid.0);
        let target = self.target.as_path(guid);
        PolicySubject {
            image: self.asker.image_path(),
            user: self.asker.user(),
            source: self.source.name.as_path(source_guid),
            target,
            volume_device: target.map(|target| target.device),
            volume_guid: guid,
            remote: Some(self.asker.is_remote()),
            byte_count: self.claim.as_ref().ok().map(|claim| claim.byte_count),
        }
    }

    fn names(&self) -> Names<'_> {
        Names {
            image: self.asker.image_name(),
            parent: self.asker.parent_name(),
            source: self.source.name.as_name(),
            target: self.target.as_name(),
        }
    }
}

/// The one reading of the caller's input.
fn capture(code: ControlCode, request: &Request<'_>, asker: &Asker) -> Capture {
    let captured = request.capture::<CAPTURE_SIZE>();
    Capture {
        code,
        bitness: asker.bitness(),
        input_length: request.input_length(),
        output_length: request.output_length(),
        buffer_present: request.has_buffer(),
        bytes: captured.bytes,
        captured: u32::try_from(captured.length).unwrap_or(0),
    }
}

/// What is known of the volume of the request. Inlined, so that it lies where the caller keeps it at once.
#[inline]
fn volume_of(request: &Request<'_>, asking: Option<Asking>) -> VolumeFacts {
    let mut volume = request.volume().unwrap_or(VolumeFacts::UNKNOWN);
    if let Some(asking) = asking {
        volume::complete(&mut volume, || request.volume_guid(asking));
    }
    volume
}

/// What the volume of the request says of itself now.
fn ask_volume(request: &Request<'_>, asking: Option<Asking>) -> Fact<VolumeAttributes> {
    match asking.map(|asking| request.volume_attributes(asking)) {
        Some(Ok(attributes)) => Fact::Known(VolumeAttributes(attributes)),
        Some(Err(status)) => Fact::Refused(status.bits()),
        None => Fact::NotAsked,
    }
}

/// Takes a passed request into a summary, if the policy asks for that. One whose source is to be looked at again may
/// turn out a finding, and has a record of its own. If what cannot be recorded is to be refused, so is one that there is
/// no room for now: it goes on to have a record of its own, and has none.
fn summarise(guard: &CloneGuard, policy: &Policy, draft: &Draft<'_>) -> Option<Token> {
    let window_seconds = policy.summarise_seconds();
    if window_seconds == 0 || policy.rechecks() {
        return None;
    }
    if refuses_unaudited(policy) && !guard.audit.has_room(draft) {
        return None;
    }
    guard
        .audit
        .summaries
        .begin(&guard.audit, draft, window_seconds)
}

/// Whether a request for whose record there was no room is to be refused.
fn refuses_unrecorded(policy: &Policy, opened: &Opened) -> bool {
    opened.is_lost && refuses_unaudited(policy)
}

/// Whether a request that cannot be audited is to be refused.
fn refuses_unaudited(policy: &Policy) -> bool {
    let powers = policy.powers();
    powers.enforce && powers.refuse_unaudited
}
