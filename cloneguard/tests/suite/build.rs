//! Records and batches as the driver would send them.

use cloneguard::Event;
use wire::{BOOT_ID_SIZE, BatchHead, Counters, NAMES, NameState, Record, RecordHead};
use zerocopy::IntoBytes as _;

/// The load of the driver that most tests are about.
pub(crate) const BOOT: [u8; BOOT_ID_SIZE] = [0xB0; BOOT_ID_SIZE];

/// The three names of a record.
pub(crate) type Names = [Vec<u16>; NAMES];

/// The units of a text.
pub(crate) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Names as they usually are.
pub(crate) fn names() -> Names {
    let texts = [
        r"\Device\HarddiskVolume4\Windows\System32\robocopy.exe",
        r"\Device\HarddiskVolume4\projects\firmware\2026\images\release-candidate-7\disk.vhdx",
        r"\Device\HarddiskVolume4\backup\weekly\2026-11-23\disk.vhdx",
    ];
    texts.map(units)
}

/// The head of a record of a plain clone that went well.
pub(crate) fn head(sequence: u64, lost_before: u64) -> RecordHead {
    let mut head = RecordHead::zeroed();
    head.kind = 1;
    head.verdict = 1;
    head.requestor_mode = 1;
    head.bitness = 64;
    head.outcome = 1;
    head.source_state = 1;
    head.claim_known = 1;
    head.sequence = sequence.into();
    head.lost_before = lost_before.into();
    // 2026-11-23T12:34:56.7890123Z
    head.time = 134_399_108_967_890_123_u64.into();
    head.duration = 4567.into();
    head.control_code = 0x0009_8344.into();
    head.input_length = 0x20.into();
    head.source_offset = 0.into();
    head.target_offset = 0x1_0000.into();
    head.byte_count = 0x4000_0000.into();
    head.process_id = 4321.into();
    head.thread_id = 8765.into();
    head.file_system = 28.into();
    head.cluster_size = 4096.into();
    head.volume_flags = 0x31.into();
    head.user_sid_size = 12;
    head.user_sid[..12].copy_from_slice(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
    head.names[0].state = 3;
    head.names[1].state = 1;
    head.names[2].state = 1;
    head
}

/// The bytes of a record.
pub(crate) fn record(mut head: RecordHead, names: &Names) -> Vec<u8> {
    for (name_head, name) in head.names.iter_mut().zip(names) {
        let bytes = u16::try_from(name.len() * 2).unwrap();
        name_head.full_bytes = name_head.full_bytes.get().max(bytes).into();
        if bytes == 0 {
            name_head.state = NameState::Absent.raw();
        }
    }
    let slices = names.each_ref().map(Vec::as_slice);
    let mut bytes = vec![0; wire::record_size(&slices).unwrap()];
    wire::write_record(&head, &slices, &mut bytes).unwrap();
    bytes
}

/// The event of a record.
pub(crate) fn event(head: RecordHead, names: &Names) -> Event {
    let bytes = record(head, names);
    Event::new(BOOT, &Record::parse(&bytes).unwrap())
}

/// Counters of a driver that has handed out these numbers and lost so many.
pub(crate) fn counters(last_sequence: u64, lost: u64) -> Counters {
    Counters {
        seen: last_sequence.into(),
        completed: last_sequence.into(),
        lost: lost.into(),
        held: (last_sequence - lost).into(),
        ..Counters::default()
    }
}

/// A batch of records by number and losses before, from this load, with these counters.
pub(crate) fn batch(boot_id: [u8; 16], counters: Counters, records: &[(u64, u64)]) -> Vec<u8> {
    let mut head = BatchHead::new(boot_id, counters);
    let names: Names = [const { Vec::new() }; NAMES];
    let records: Vec<Vec<u8>> = records
        .iter()
        .map(|(sequence, lost)| record(self::head(*sequence, *lost), &names))
        .collect();
    let body = records.concat();
    head.byte_count = u32::try_from(120 + body.len()).unwrap().into();
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
