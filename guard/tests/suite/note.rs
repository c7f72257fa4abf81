//! What the driver says of itself, as `wire` reads it.

use crate::common::{VOLUME, units};
use guard::policy::PolicyMode;
use guard::{
    ConsumerNote, EncodeError, Fact, GapNote, HeartbeatNote, LossClass, Name, NameState, Note,
    NoteEvent, PolicyEvent, PolicyNote, PreviousLoad, StartedNote, VolumeNote,
};
use wire::{
    Body, ConsumerEvent, Counters, FactState, PreviousStop, Record, RecordKind, VolumeCause,
    VolumeEvent,
};

/// Encodes a note and numbers it.
fn record_of(event: NoteEvent<'_>) -> Vec<u8> {
    let note = Note { time: 5, event };
    let mut bytes = vec![0xEE; note.encoded_size()];
    note.encode(&mut bytes).unwrap();
    bytes[16] = 1;
    bytes
}

/// Parses it; every note has a time, is of its class and about no request.
fn parse(bytes: &[u8], kind: RecordKind) -> Body<'_> {
    let record = Record::parse(bytes).unwrap();
    assert_eq!((record.kind(), record.class()), (kind, LossClass::State));
    assert_eq!((record.time(), record.request_number()), (5, None));
    record.body()
}

/// Counters that all differ.
fn counters() -> Counters {
    let mut counters = Counters::default();
    let bytes = zerocopy::IntoBytes::as_mut_bytes(&mut counters);
    for (value, place) in (1_u64..).zip(bytes.chunks_exact_mut(8)) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    counters
}

/// A start with everything known.
const STARTED: StartedNote = StartedNote {
    driver_version: [1, 2, 3, 4],
    previous: PreviousLoad {
        stop: PreviousStop::Unclean,
        boot_id: [9; 16],
        sequence: 1000,
        undelivered: 17,
    },
    image_hash: Fact::Known([0xAB; 32]),
    policy_mode: PolicyMode::Enforce,
    policy_revision: 6,
    summarise_seconds: 60,
    journal_size: 0x40_0000,
};

#[test]
fn a_start_says_with_what() {
    let bytes = record_of(NoteEvent::Started(&STARTED));
    let Body::Started(body) = parse(&bytes, RecordKind::Started) else {
        panic!();
    };
    assert_eq!(
        body.driver_version.map(zerocopy::little_endian::U16::get),
        [1, 2, 3, 4]
    );
    assert_eq!(body.previous, PreviousStop::Unclean.raw());
    assert_eq!(body.previous_boot_id, [9; 16]);
    assert_eq!(
        (
            body.previous_sequence.get(),
            body.previous_undelivered.get()
        ),
        (1000, 17)
    );
    assert_eq!(
        (body.image_hash_state, body.image_hash),
        (FactState::Known.raw(), [0xAB; 32])
    );
    assert_eq!(body.policy_mode, PolicyMode::Enforce.raw());
    assert_eq!(
        (body.policy_revision.get(), body.summarise_seconds.get()),
        (6, 60)
    );
    assert_eq!(body.journal_size, 0x40_0000);
}

#[test]
fn an_image_that_cannot_be_read_has_no_hash() {
    let note = StartedNote {
        image_hash: Fact::Refused(0xC000_0022),
        ..STARTED
    };
    let bytes = record_of(NoteEvent::Started(&note));
    let Body::Started(body) = parse(&bytes, RecordKind::Started) else {
        panic!();
    };
    assert_eq!(
        (body.image_hash_state, body.image_hash),
        (FactState::Refused.raw(), [0; 32])
    );
    assert_eq!(body.image_hash_reason, 0xC000_0022);
}

#[test]
fn a_policy_is_told_with_its_fault() {
    let note = PolicyNote {
        event: PolicyEvent::Faulty,
        revision: 4,
        mode: PolicyMode::Observe,
        fault: Some((77, 12)),
        status: 8,
    };
    let bytes = record_of(NoteEvent::Policy(note));
    let Body::Policy(body) = parse(&bytes, RecordKind::Policy) else {
        panic!();
    };
    assert_eq!(
        (body.event, body.mode),
        (PolicyEvent::Faulty.raw(), PolicyMode::Observe.raw())
    );
    assert_eq!((body.offset.get(), body.fault.get()), (77, 12));
    assert_eq!((body.revision.get(), body.status.get()), (4, 8));
}

#[test]
fn a_volume_is_told_with_its_device() {
    let device = units(r"\Device\HarddiskVolume7");
    let bytes = record_of(NoteEvent::Volume(VolumeNote {
        event: VolumeEvent::NotAttached,
        cause: VolumeCause::NotOffered,
        status: 3,
        volume: VOLUME,
        device: Name {
            units: &device,
            more: 0,
            state: NameState::Normalized,
            reason: 0,
        },
    }));
    let Body::Volume(note) = parse(&bytes, RecordKind::Volume) else {
        panic!();
    };
    let body = note.body();
    assert_eq!(body.event, VolumeEvent::NotAttached.raw());
    assert_eq!(
        (body.cause, body.status.get()),
        (VolumeCause::NotOffered.raw(), 3)
    );
    let volume = body.volume.read();
    assert_eq!((volume.file_system, volume.guid), (28, Some([0xA7; 16])));
    assert_eq!(volume.state, FactState::NotAsked);
    assert_eq!(note.device().units().collect::<Vec<_>>(), device);
}

#[test]
fn a_consumer_is_told_with_its_image() {
    let image = units("cloneguard.exe");
    let bytes = record_of(NoteEvent::Consumer(ConsumerNote {
        event: ConsumerEvent::Refused,
        status: 0xC000_0022,
        process_id: 77,
        start_key: 78,
        after_sequence: 79,
        boot_id: [3; 16],
        image: Name {
            units: &image,
            more: 0,
            state: NameState::Image,
            reason: 0,
        },
    }));
    let Body::Consumer(note) = parse(&bytes, RecordKind::Consumer) else {
        panic!();
    };
    let body = note.body();
    assert_eq!(
        (body.event, body.status.get()),
        (ConsumerEvent::Refused.raw(), 0xC000_0022)
    );
    assert_eq!((body.process_id.get(), body.start_key.get()), (77, 78));
    assert_eq!((body.after_sequence.get(), body.boot_id), (79, [3; 16]));
    assert_eq!(note.image().units().collect::<Vec<_>>(), image);
}

#[test]
fn counters_arrive_with_heartbeats_and_at_the_stop() {
    let counters = counters();
    let bytes = record_of(NoteEvent::Heartbeat(HeartbeatNote {
        counters: &counters,
        uptime: 600,
        interval_seconds: 60,
        untold: 9,
    }));
    let Body::Heartbeat(body) = parse(&bytes, RecordKind::Heartbeat) else {
        panic!();
    };
    assert_eq!(body.counters, counters);
    assert_eq!((body.uptime.get(), body.interval_seconds.get()), (600, 60));
    assert_eq!(body.untold.get(), 9);
    let bytes = record_of(NoteEvent::Stopping(&counters));
    let Body::Stopping(body) = parse(&bytes, RecordKind::Stopping) else {
        panic!();
    };
    assert_eq!(body.counters, counters);
}

#[test]
fn a_gap_is_told_with_its_sum() {
    let note = GapNote {
        losses: [[1, 2, 3], [4, 5, 6], [7, 8, 9]].map(|causes| causes.map(Into::into)),
        refused: 10,
    };
    let bytes = record_of(NoteEvent::Gap(&note));
    let Body::Gap(body) = parse(&bytes, RecordKind::Gap) else {
        panic!();
    };
    assert_eq!(body.losses, note.losses);
    assert_eq!((body.total.get(), body.refused.get()), (45, 10));
}

#[test]
fn a_record_lies_at_the_start_of_its_place_and_a_smaller_one_is_refused() {
    let gap = GapNote::default();
    let note = Note {
        time: 1,
        event: NoteEvent::Gap(&gap),
    };
    let size = note.encoded_size();
    for smaller in [0, size - 1] {
        assert_eq!(
            note.encode(&mut vec![0; smaller]),
            Err(EncodeError::WrongSize)
        );
    }
    let mut place = vec![0xEE; size + 8];
    assert_eq!(note.encode(&mut place).map(<[u8]>::len), Ok(size));
    assert_eq!(place[size..], [0xEE; 8], "nothing is touched behind it");
}
