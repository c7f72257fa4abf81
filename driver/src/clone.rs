//! One clone request on its way down: captured, judged, named, recorded, passed on.
//!
//! The order is that of ARCHITECTURE.md. Nothing here refuses, waits or changes the request; whatever
//! cannot be found out is recorded as unknown, names and the source with the reason.

use flt::callback::Next;
use flt::fsctl::FsControl;
use flt::instance::Place;
use flt::irql::Passive;
use flt::name::{FileName, Form};
use flt::object::FileObject;
use flt::process::{ImageName, Mode, Process, UserSid};
use flt::status::NtStatus;
use flt::time;
use guard::{
    Bitness, CAPTURE_SIZE, Capture, Claim, ControlCode, Draft, Facts, Name, NameState,
    RequestorMode, SourceState, StructuralFinding, VolumeFacts, judge,
};

use crate::CloneGuard;
use crate::audit::Audit;
use crate::volume::WatchedVolume;

type Request<'op> = FsControl<'op, CloneGuard>;

/// Follows a request if it is one of ours.
pub(crate) fn before(audit: &Audit, request: &Request<'_>) -> Next {
    let Some(code) = ControlCode::from_raw(request.control_code()) else {
        return Next::Ignore;
    };
    let capture = capture(code, request);
    let claim = capture.read();
    let passive = Passive::prove();
    let source = Source::find(request, &claim, passive);
    let requestor = Requestor::identify(request, passive);
    let target = Named::of(|form| request.target_name(form));
    let volume = request.volume().unwrap_or(WatchedVolume::UNKNOWN);
    let facts = Facts {
        cluster_size: volume.cluster_size,
        source: source.state,
    };
    let judgement = judge(&capture, &claim, &facts);
    let draft = Draft {
        capture: &capture,
        claim: &claim,
        judgement: &judgement,
        facts: &facts,
        volume: VolumeFacts {
            file_system: volume.file_system,
            cluster_size: volume.cluster_size,
            flags: volume.setup_flags,
        },
        mode: mode(request),
        process_id: requestor.process_id,
        thread_id: requestor.thread_id,
        time: time::system_time(),
        started: time::monotonic(),
        user_sid: requestor.user.as_ref().map(UserSid::as_bytes),
        image: requestor.image_name(),
        source: source.name.as_name(),
        target: target.as_name(),
    };
    Next::Watch(audit.open(&draft))
}

/// The one reading of the caller's input.
fn capture(code: ControlCode, request: &Request<'_>) -> Capture {
    // The 32-bit layouts are those of user-mode programs; kernel code is 64-bit whoever's thread it runs
    // in (fltkernel.h, FltIs32bitProcess: "32-bit user-mode application").
    let is_32bit = request.mode() == Mode::User && request.is_32bit();
    let bitness = if is_32bit {
        Bitness::Bits32
    } else {
        Bitness::Bits64
    };
    let captured = request.capture::<CAPTURE_SIZE>();
    Capture {
        code,
        bitness,
        input_length: request.input_length(),
        output_length: request.output_length(),
        buffer_present: request.has_buffer(),
        bytes: captured.bytes,
        captured: u32::try_from(captured.length).unwrap_or(0),
    }
}

fn mode(request: &Request<'_>) -> RequestorMode {
    match request.mode() {
        Mode::Kernel => RequestorMode::Kernel,
        Mode::User => RequestorMode::User,
    }
}

/// A name, or why there is none.
struct Named {
    name: Option<FileName>,
    state: NameState,
    /// The status that said no, to any name or to the normalized one; 0 when nobody was asked.
    reason: u32,
}

impl Named {
    const UNASKED: Self = Self::absent(0);

    /// The normalized name if it is at hand, else the name used at open, else why not.
    fn of(query: impl Fn(Form) -> Result<FileName, NtStatus>) -> Self {
        let miss = match query(Form::NormalizedFromCache) {
            Ok(name) => return Self::have(name, NameState::Normalized, 0),
            Err(miss) => miss.bits(),
        };
        match query(Form::Opened) {
            Ok(name) => Self::have(name, NameState::Opened, miss),
            Err(status) => Self::absent(status.bits()),
        }
    }

    const fn have(name: FileName, state: NameState, reason: u32) -> Self {
        Self {
            name: Some(name),
            state,
            reason,
        }
    }

    const fn absent(reason: u32) -> Self {
        Self {
            name: None,
            state: NameState::Absent,
            reason,
        }
    }

    fn as_name(&self) -> Name<'_> {
        Name {
            units: self.name.as_ref().map_or(&[][..], FileName::units),
            state: self.state,
            reason: self.reason,
        }
    }
}

/// The file that the claim names as its source.
///
/// The file system resolves the handle again for itself, and a caller may close and reuse it in
/// between: this is what was seen here, not a promise of what is cloned.
struct Source {
    state: SourceState,
    name: Named,
}

impl Source {
    /// Resolves the claimed handle once, in the requestor's own context and mode only.
    fn find(
        request: &Request<'_>,
        claim: &Result<Claim, StructuralFinding>,
        passive: Option<Passive>,
    ) -> Self {
        let (Ok(claim), Some(passive)) = (claim, passive) else {
            return Self::unknown(SourceState::NotInspected);
        };
        let Some(requestor) = request.in_requestor() else {
            return Self::unknown(SourceState::NotInContext);
        };
        match FileObject::resolve(claim.handle.value(), &requestor, passive) {
            Ok(file) => Self::locate(request, &file),
            Err(status) => Self {
                state: SourceState::HandleRefused(status.bits()),
                name: Named::absent(status.bits()),
            },
        }
    }

    fn locate(request: &Request<'_>, file: &FileObject) -> Self {
        match request.locate(file) {
            Ok(place) => {
                let state = if place.is_same_volume() {
                    SourceState::SameVolume
                } else {
                    SourceState::OtherVolume
                };
                Self {
                    state,
                    name: Self::name(&place, file),
                }
            }
            // The filter manager knows no volume for it: a pipe, a device.
            Err(NtStatus::INVALID_PARAMETER) => Self {
                state: SourceState::OtherVolume,
                name: Named::absent(NtStatus::INVALID_PARAMETER.bits()),
            },
            // Where it lies was not found out, so nothing is said of it.
            Err(status) => Self {
                state: SourceState::NotInspected,
                name: Named::absent(status.bits()),
            },
        }
    }

    fn name(place: &Place<'_>, file: &FileObject) -> Named {
        Named::of(|form| place.name(file, form))
    }

    const fn unknown(state: SourceState) -> Self {
        Self {
            state,
            name: Named::UNASKED,
        }
    }
}

/// Who asks.
struct Requestor {
    process_id: u32,
    thread_id: u32,
    image: Option<Result<ImageName, NtStatus>>,
    user: Option<UserSid>,
}

impl Requestor {
    fn identify(request: &Request<'_>, passive: Option<Passive>) -> Self {
        let process = request.process();
        let asked = process.as_ref().zip(passive);
        Self {
            process_id: process.as_ref().map_or(0, Process::id),
            thread_id: process.as_ref().map_or(0, Process::thread_id),
            image: asked.map(|(process, passive)| process.image(passive)),
            user: asked.and_then(|(process, passive)| process.user(passive).ok()),
        }
    }

    fn image_name(&self) -> Name<'_> {
        match &self.image {
            Some(Ok(image)) => Name {
                units: image.units(),
                state: NameState::Image,
                reason: 0,
            },
            Some(Err(status)) => Name::absent(status.bits()),
            None => Name::absent(0),
        }
    }
}
