//! Requests to start from: a valid one, of which a test changes one thing.

use core::sync::atomic::AtomicU64;
use guard::policy::PolicyMode;
use guard::{
    Bitness, CAPTURE_SIZE, Capture, Claim, ClusterSize, ControlCode, Draft, Fact, Facts, FileFacts,
    FileKind, Identity, Journal, Judged, Judgement, Matter, Name, NameState, Names, Note,
    NoteEvent, Outcome, OutcomeKind, Parent, Places, PolicyEvent, PolicyMark, PolicyMatch,
    PolicyNote, Powers, Process, Reader, Requestor, RequestorMode, SourceAfter, SourceState,
    StructuralFinding, Subject, TokenFacts, User, VolumeAttributes, VolumeFacts, VolumeGuid,
    decide, find, journal_words,
};

/// The fields of a request before they are laid out for a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Which request.
    pub(crate) code: ControlCode,
    /// The caller's pointer width.
    pub(crate) bitness: Bitness,
    /// `Size` of the EX structure.
    pub(crate) size: u64,
    /// Handle value.
    pub(crate) handle: u64,
    /// Source offset, target offset, count.
    pub(crate) range: [i64; 3],
    /// `Flags` of the EX structure.
    pub(crate) flags: u32,
}

impl Request {
    /// A request that breaks no rule.
    pub(crate) fn valid(code: ControlCode, bitness: Bitness) -> Self {
        let size = u64::from(code.input_size(bitness));
        Self {
            code,
            bitness,
            size,
            handle: 0x1c4,
            range: [0x1_0000, 0x2_0000, 0x3_0000],
            flags: 0,
        }
    }

    /// The bytes of the caller's structure, its padding filled with garbage.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let narrow = |value: u64| value.to_le_bytes()[..4].to_vec();
        let wide = |value: u64| value.to_le_bytes().to_vec();
        let garbage = vec![0xA5; 4];
        let range: Vec<u8> = self
            .range
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let flags = self.flags.to_le_bytes().to_vec();
        match (self.code, self.bitness) {
            (ControlCode::Duplicate, Bitness::Bits64) => [wide(self.handle), range].concat(),
            (ControlCode::Duplicate, Bitness::Bits32) => {
                [narrow(self.handle), garbage, range].concat()
            }
            (ControlCode::DuplicateEx, Bitness::Bits64) => {
                [wide(self.size), wide(self.handle), range, flags, garbage].concat()
            }
            (ControlCode::DuplicateEx, Bitness::Bits32) => [
                narrow(self.size),
                narrow(self.handle),
                range,
                flags,
                garbage,
            ]
            .concat(),
        }
    }

    /// The request as the driver captures it.
    pub(crate) fn capture(&self) -> Capture {
        capture(self.code, self.bitness, &self.bytes())
    }
}

/// A capture of these input bytes, without output.
pub(crate) fn capture(code: ControlCode, bitness: Bitness, input: &[u8]) -> Capture {
    let mut capture = Capture::empty(code, bitness);
    let captured = input.len().min(CAPTURE_SIZE);
    capture.bytes[..captured].copy_from_slice(&input[..captured]);
    capture.captured = u32::try_from(captured).unwrap();
    capture.input_length = u32::try_from(input.len()).unwrap();
    capture.buffer_present = !input.is_empty();
    capture
}

/// Both codes for both bitnesses.
pub(crate) const CALLERS: [(ControlCode, Bitness); 4] = [
    (ControlCode::Duplicate, Bitness::Bits64),
    (ControlCode::Duplicate, Bitness::Bits32),
    (ControlCode::DuplicateEx, Bitness::Bits64),
    (ControlCode::DuplicateEx, Bitness::Bits32),
];

/// Rights that a source needs: `FILE_READ_DATA`, `FILE_READ_ATTRIBUTES`.
pub(crate) const READ: u32 = 0x81;
/// A volume that clones: `FILE_SUPPORTS_BLOCK_REFCOUNTING`, and that it keeps the case of names.
pub(crate) const CLONES: u32 = 0x0800_0002;
/// `FILE_READ_ONLY_VOLUME`.
pub(crate) const READ_ONLY: u32 = 0x0008_0000;

/// A plain file of 16 clusters.
pub(crate) const FILE: FileFacts = FileFacts {
    kind: FileKind::Data,
    attributes: 0x20,
    end_of_file: 0x10_0000,
    allocation_size: 0x10_0000,
};

/// Facts under which a valid request breaks no rule: a writable volume of 64 KiB clusters that
/// clones, a program that may read the source, two plain files.
pub(crate) fn facts() -> Facts {
    Facts {
        mode: RequestorMode::User,
        is_refs: true,
        cluster_size: ClusterSize::try_new(0x1_0000),
        volume: Fact::Known(VolumeAttributes(CLONES)),
        source: SourceState::SameVolume(READ),
        source_file: Fact::Known(FILE),
        target_file: Fact::Known(FILE),
        same_stream: Some(false),
    }
}

/// Everything that is judged about a capture, in observe mode and without a policy.
pub(crate) fn judged(capture: &Capture, facts: &Facts) -> Judgement {
    let findings = find(&Subject {
        capture,
        claim: &capture.read(),
        facts,
        policy: PolicyMatch::NoMatch,
    });
    decide(&findings, facts.source.status(), &Powers::OBSERVE)
}

/// When every draft here starts.
pub(crate) const STARTED: u64 = 0x77_0000_0000;

/// The wall clock then.
pub(crate) const TIME: u64 = 0x01DC_5C00_1234_5678;

/// The volume of every draft, but for its cluster size.
pub(crate) const VOLUME: VolumeFacts = VolumeFacts {
    file_system: 28,
    cluster_size: None,
    flags: 0x30,
    cluster_reason: 0x11,
    guid: Some(VolumeGuid([0xA7; 16])),
    guid_reason: 0x12,
};

/// Who every draft is from.
pub(crate) const IDENTITY: Identity<'static> = Identity {
    process: &Process {
        process_id: 4321,
        start_key: 0x0777_0000_0000_0042,
        create_time: 0x01DC_5C00_1234_0000,
        parent: Some(Parent {
            process_id: 1234,
            start_key: 0x0777_0000_0000_0041,
        }),
    },
    thread_id: 8765,
    token: &TokenFacts {
        session_id: Some(2),
        logon_id: Some(0x3E7),
        integrity_level: Some(0x3000),
        elevated: Some(true),
        impersonating: Some(false),
        reason: 0x14,
    },
    effective: User {
        sid: Some(&SYSTEM),
        reason: 0,
    },
    primary: User {
        sid: None,
        reason: 0x13,
    },
};

/// S-1-5-18.
pub(crate) const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];

/// A journal of so many bytes over memory that is not clean, and its reader.
pub(crate) fn journal(size: usize) -> (Journal<Box<[AtomicU64]>>, Reader) {
    let words = (0..journal_words(size)).map(|_| AtomicU64::new(0xEEEE_EEEE_EEEE_EEEE));
    Journal::new(words.collect()).unwrap()
}

/// The bytes of a draft, as the driver hands them to the journal.
pub(crate) fn encoded(parts: &Parts<'_>) -> Vec<u8> {
    let draft = parts.as_draft();
    let mut bytes = vec![0xEE; draft.encoded_size()];
    draft.encode(&mut bytes).unwrap();
    bytes
}

/// What a draft is made of, to be changed before one is made.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// The request.
    pub(crate) matter: Matter<'a>,
    /// Who asked.
    pub(crate) requestor: Requestor<'a>,
    /// Volumes and files.
    pub(crate) places: Places,
    /// The names.
    pub(crate) names: Names<'a>,
}

impl Parts<'_> {
    /// The draft.
    pub(crate) const fn as_draft(&self) -> Draft<'_> {
        Draft {
            matter: self.matter,
            requestor: &self.requestor,
            places: &self.places,
            names: &self.names,
        }
    }
}

/// A judged request with everything a draft borrows.
pub(crate) struct Case {
    /// The captured input.
    pub(crate) capture: Capture,
    /// What was read from it.
    pub(crate) claim: Result<Claim, StructuralFinding>,
    /// The facts.
    pub(crate) facts: Facts,
    /// What followed.
    pub(crate) judgement: Judgement,
}

impl Case {
    /// Reads and judges a capture.
    pub(crate) fn new(capture: Capture) -> Self {
        let (claim, facts) = (capture.read(), facts());
        let judgement = judged(&capture, &facts);
        Self {
            capture,
            claim,
            facts,
            judgement,
        }
    }

    /// A draft with these three names and everything else fixed.
    pub(crate) fn draft<'a>(&'a self, names: [&'a [u16]; 3]) -> Parts<'a> {
        let name = |units| Name {
            units,
            more: 0,
            state: NameState::Normalized,
            reason: 0,
        };
        let [image, source, target] = names.map(name);
        Parts {
            matter: Matter::Clone(self.judged()),
            requestor: Requestor {
                mode: RequestorMode::User,
                bitness: self.capture.bitness,
                remote: Some(true),
                time: TIME,
                started: STARTED,
                identity: IDENTITY,
            },
            places: Places {
                volume: VolumeFacts {
                    cluster_size: self.facts.cluster_size,
                    ..VOLUME
                },
                source_volume: Fact::Known(VolumeGuid([0xB8; 16])),
                source_id: Fact::Known(u128::from_le_bytes([0x51; 16])),
                target_id: Fact::Refused(0xC000_0010),
            },
            names: Names {
                image: Name {
                    state: NameState::Image,
                    ..image
                },
                parent: Name::absent(0),
                source,
                target,
            },
        }
    }

    fn judged(&self) -> Judged<'_> {
        Judged {
            capture: &self.capture,
            claim: &self.claim,
            facts: &self.facts,
            judgement: &self.judgement,
            policy: PolicyMark {
                revision: 9,
                answer: PolicyMatch::Allow,
                rule: 3,
            },
        }
    }
}

/// A completion with this status.
pub(crate) const fn ended(status: u32) -> Outcome {
    Outcome {
        status,
        information: 7,
        ended: STARTED + 1234,
        time: TIME + 1234,
        kind: OutcomeKind::Completed,
        source_after: SourceAfter::Unasked,
    }
}

/// Encodes a draft and gives it the numbers of record and request that a journal would: before that
/// nobody can read it.
pub(crate) fn numbered(parts: &Parts<'_>) -> Vec<u8> {
    let mut bytes = encoded(parts);
    (bytes[16], bytes[40]) = (1, 1);
    bytes
}

/// Some note, told apart by its revision and its status.
pub(crate) fn note(revision: u64, status: u32) -> Vec<u8> {
    let note = Note {
        time: 1,
        event: NoteEvent::Policy(PolicyNote {
            event: PolicyEvent::Applied,
            revision,
            mode: PolicyMode::Observe,
            fault: None,
            status,
        }),
    };
    let mut bytes = vec![0xEE; note.encoded_size()];
    note.encode(&mut bytes).unwrap();
    bytes
}

/// The record of a request in these bytes.
pub(crate) fn request(bytes: &[u8]) -> wire::Request<'_> {
    wire::Record::parse(bytes).unwrap().request().unwrap()
}

/// The units of a text.
pub(crate) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}
