//! Records and batches as the driver would send them.

use cloneguard::Entry;
use wire::{
    BOOT_ID_SIZE, BatchHead, Counters, EndedBody, Heading, LossClass, NameHead, NameState,
    REQUEST_NAMES, Record, RecordBody, RecordHead, RecordKind, RequestBody,
};
use zerocopy::{FromBytes as _, FromZeros as _, IntoBytes as _};

/// The load of the driver that most tests are about.
pub(crate) const BOOT: [u8; BOOT_ID_SIZE] = [0xB0; BOOT_ID_SIZE];

/// The names of a record: image, parent's image, source, target.
pub(crate) type Names = [Vec<u16>; REQUEST_NAMES];

/// No names.
pub(crate) const NAMELESS: Names = [const { Vec::new() }; REQUEST_NAMES];

/// A record of a request, to be changed and written.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) sequence: u64,
    pub(crate) lost_before: u64,
    pub(crate) body: RequestBody,
}

/// The units of a text.
pub(crate) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Names as they usually are.
pub(crate) fn names() -> Names {
    let texts = [
        r"\Device\HarddiskVolume4\Windows\System32\robocopy.exe",
        r"\Device\HarddiskVolume4\Windows\System32\cmd.exe",
        r"\Device\HarddiskVolume4\projects\firmware\2026\images\release-candidate-7\disk.vhdx",
        r"\Device\HarddiskVolume4\backup\weekly\2026-11-23\disk.vhdx",
    ];
    texts.map(units)
}

/// A plain clone that went well.
pub(crate) fn clone(sequence: u64, lost_before: u64) -> Draft {
    let mut body = RequestBody::new_zeroed();
    (body.end.verdict, body.end.outcome) = (1, 1);
    body.end.duration = 4567.into();
    (body.requestor_mode, body.bitness) = (1, 64);
    (body.source_state, body.claim_known) = (1, 1);
    body.control_code = 0x0009_8344.into();
    body.input_length = 0x20.into();
    body.target_offset = 0x1_0000.into();
    body.byte_count = 0x4000_0000.into();
    body.process.process_id = 4321.into();
    body.process.thread_id = 8765.into();
    body.volume.file_system = 28.into();
    body.volume.cluster_size = 4096.into();
    body.volume.setup_flags = 0x31.into();
    let user = &mut body.users[0];
    user.size = 12;
    user.sid[..12].copy_from_slice(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
    for (name, state) in body.names.iter_mut().zip([3, 3, 1, 1]) {
        name.state = state;
    }
    Draft {
        sequence,
        lost_before,
        body,
    }
}

/// The bytes of the record of a request.
pub(crate) fn record(draft: &Draft, names: &Names) -> Vec<u8> {
    let heading = Heading {
        kind: RecordKind::Clone,
        class: LossClass::Routine,
        // 2026-11-23T12:34:56.7890123Z
        time: 134_399_108_967_890_123,
        request: 77,
    };
    let bytes = write(heading, &draft.body, names);
    numbered(bytes, draft.sequence, draft.lost_before)
}

/// The bytes of a record with its number, and what was lost before it.
pub(crate) fn numbered(mut bytes: Vec<u8>, sequence: u64, lost_before: u64) -> Vec<u8> {
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.sequence = sequence.into();
    head.lost_before = lost_before.into();
    bytes
}

/// The bytes of the record that a request has ended.
pub(crate) fn ended(sequence: u64, draft: &Draft) -> Vec<u8> {
    let heading = Heading {
        kind: RecordKind::Ended,
        class: LossClass::Routine,
        time: 134_399_108_967_890_123,
        request: 77,
    };
    let end = draft.body.end;
    let mut bytes = write(heading, &EndedBody { end }, &[]);
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.sequence = sequence.into();
    bytes
}

/// The bytes of a record without a number.
pub(crate) fn write<B: RecordBody>(heading: Heading, body: &B, names: &[Vec<u16>]) -> Vec<u8> {
    let slices: Vec<&[u16]> = names.iter().map(Vec::as_slice).collect();
    let mut bytes = vec![0; wire::record_size::<B>(&slices).unwrap()];
    let fill = |place: &mut B| {
        place.as_mut_bytes().copy_from_slice(body.as_bytes());
        place
            .names_mut()
            .iter_mut()
            .zip(names)
            .for_each(|(head, name)| fit(head, name));
    };
    wire::write_record(&mut bytes, heading, &slices, fill).unwrap();
    bytes
}

/// Makes the head of a name agree with it.
fn fit(head: &mut NameHead, name: &[u16]) {
    let bytes = u16::try_from(name.len() * 2).unwrap();
    head.full_bytes = head.full_bytes.get().max(bytes).into();
    if bytes == 0 {
        head.state = NameState::Absent.raw();
    }
}

/// The entry of a request.
pub(crate) fn entry(draft: &Draft, names: &Names) -> Entry {
    let bytes = record(draft, names);
    Entry::new(BOOT, &Record::parse(&bytes).unwrap())
}

/// Counters of a driver that has handed out these numbers and lost so many.
pub(crate) fn counters(last_sequence: u64, lost: u64) -> Counters {
    Counters {
        seen: last_sequence.into(),
        completed: last_sequence.into(),
        lost: lost.into(),
        held: (last_sequence - lost).into(),
        losses: [
            [0.into(), lost.into(), 0.into()],
            Default::default(),
            Default::default(),
        ],
        ..Counters::default()
    }
}

/// A batch of records by number and losses before, from this load, with these counters.
pub(crate) fn batch(boot_id: [u8; 16], counters: Counters, records: &[(u64, u64)]) -> Vec<u8> {
    let records: Vec<Vec<u8>> = records
        .iter()
        .map(|(sequence, lost)| record(&clone(*sequence, *lost), &NAMELESS))
        .collect();
    batch_of(boot_id, counters, &records)
}

/// A batch of these records.
pub(crate) fn batch_of(boot_id: [u8; 16], counters: Counters, records: &[Vec<u8>]) -> Vec<u8> {
    let mut head = BatchHead::new(boot_id, counters);
    let body = records.concat();
    head.byte_count = u32::try_from(size_of::<BatchHead>() + body.len())
        .unwrap()
        .into();
    head.record_count = u32::try_from(records.len()).unwrap().into();
    if let Some((first, last)) = records.first().zip(records.last()) {
        head.first_sequence = Record::parse(first).unwrap().sequence().into();
        head.last_sequence = Record::parse(last).unwrap().sequence().into();
    }
    [head.as_bytes(), &body].concat()
}

/// A batch of the usual load with counters that agree with it.
pub(crate) fn sound(records: &[(u64, u64)]) -> Vec<u8> {
    let last = records.last().map_or(0, |(sequence, _)| *sequence);
    let lost = records.iter().map(|(_, lost)| lost).sum::<u64>();
    batch(BOOT, counters(last, lost), records)
}
