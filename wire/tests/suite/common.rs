//! The golden records, and writing a record again from its parts.

use wire::{
    Body, ConsumerBody, DecodeError, EndedBody, GapBody, Heading, HeartbeatBody, LossClass,
    PolicyBody, Record, RecordBody, RecordHead, RecordKind, RequestBody, StartedBody, StoppingBody,
    SummaryBody, VolumeBody,
};
use zerocopy::FromBytes as _;

/// Size of the head of a record.
pub(crate) const HEAD: usize = size_of::<RecordHead>();

pub(crate) const CLONE: &[u8] = include_bytes!("../golden/record-clone.bin");
pub(crate) const PENDING: &[u8] = include_bytes!("../golden/record-clone-pending.bin");
pub(crate) const SEEN: &[u8] = include_bytes!("../golden/record-seen.bin");
pub(crate) const POLICY: &[u8] = include_bytes!("../golden/record-policy.bin");
pub(crate) const UNREADABLE: &[u8] = include_bytes!("../golden/record-policy-unreadable.bin");
pub(crate) const STARTED: &[u8] = include_bytes!("../golden/record-started.bin");
pub(crate) const SHUT_DOWN: &[u8] = include_bytes!("../golden/record-started-shutdown.bin");
pub(crate) const STOPPING: &[u8] = include_bytes!("../golden/record-stopping.bin");
pub(crate) const ATTACHED: &[u8] = include_bytes!("../golden/record-volume-attached.bin");
pub(crate) const NOT_ATTACHED: &[u8] = include_bytes!("../golden/record-volume-not-attached.bin");
pub(crate) const CONSUMER: &[u8] = include_bytes!("../golden/record-consumer.bin");
pub(crate) const HEARTBEAT: &[u8] = include_bytes!("../golden/record-heartbeat.bin");
pub(crate) const GAP: &[u8] = include_bytes!("../golden/record-gap.bin");
pub(crate) const SUMMARY: &[u8] = include_bytes!("../golden/record-summary.bin");
pub(crate) const ENDED: &[u8] = include_bytes!("../golden/record-ended.bin");
pub(crate) const UNKNOWN: &[u8] = include_bytes!("../golden/record-unknown.bin");

/// Every place among so many; under Miri, where a look at one takes thousands of times as long, the first and one in 211
/// behind it. That is prime, so in a long table it falls on each field in turn; of what is shorter only the first is left.
pub(crate) fn places(size: usize) -> impl Iterator<Item = usize> {
    (0..size).step_by(if cfg!(miri) { 211 } else { 1 })
}

/// The golden records of kinds that have a name.
pub(crate) const RECORDS: [&[u8]; 15] = [
    CLONE,
    PENDING,
    SEEN,
    POLICY,
    UNREADABLE,
    STARTED,
    SHUT_DOWN,
    STOPPING,
    ATTACHED,
    NOT_ATTACHED,
    CONSUMER,
    HEARTBEAT,
    GAP,
    SUMMARY,
    ENDED,
];

/// The boot id of all golden files.
pub(crate) fn boot_id() -> [u8; 16] {
    rising(0x10)
}

/// Bytes that rise from one.
pub(crate) fn rising<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

/// The error of a golden record with a changed head and body.
pub(crate) fn changed<B: RecordBody>(
    golden: &[u8],
    change: impl FnOnce(&mut RecordHead, &mut B),
) -> Option<DecodeError> {
    let mut bytes = golden.to_vec();
    let (head, rest) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    let (body, _) = B::mut_from_prefix(rest).unwrap();
    change(head, body);
    Record::parse(&bytes).err()
}

/// The same record, put together from its parts.
pub(crate) fn again(bytes: &[u8]) -> Vec<u8> {
    let record = Record::parse(bytes).unwrap();
    match record.body() {
        Body::Request(_) => again_as::<RequestBody>(bytes),
        Body::Policy(_) => again_as::<PolicyBody>(bytes),
        Body::Started(_) => again_as::<StartedBody>(bytes),
        Body::Stopping(_) => again_as::<StoppingBody>(bytes),
        Body::Volume(_) => again_as::<VolumeBody>(bytes),
        Body::Consumer(_) => again_as::<ConsumerBody>(bytes),
        Body::Heartbeat(_) => again_as::<HeartbeatBody>(bytes),
        Body::Gap(_) => again_as::<GapBody>(bytes),
        Body::Summary(_) => again_as::<SummaryBody>(bytes),
        Body::Ended(_) => again_as::<EndedBody>(bytes),
        other => panic!("nobody writes {other:?}"),
    }
}

fn again_as<B: RecordBody>(bytes: &[u8]) -> Vec<u8> {
    let (head, rest) = RecordHead::read_from_prefix(bytes).unwrap();
    let (mut body, mut rest) = B::read_from_prefix(rest).unwrap();
    let mut names = Vec::new();
    for name in body.names_mut() {
        let (units, after) = rest.split_at(usize::from(name.stored_bytes.get()));
        let pairs = units.chunks_exact(2);
        names.push(Vec::from_iter(
            pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])),
        ));
        name.stored_bytes = 0.into();
        rest = after;
    }
    let heading = Heading {
        kind: RecordKind::from_raw(head.kind),
        class: LossClass::from_raw(head.class),
        time: head.time.get(),
        request: head.request.get(),
    };
    let mut out = write(heading, &names, &body);
    let (place, _) = RecordHead::mut_from_prefix(&mut out).unwrap();
    assert_eq!(place.sequence.get() | place.lost_before.get(), 0);
    (place.sequence, place.lost_before) = (head.sequence, head.lost_before);
    out
}

/// The bytes of a record without a number.
pub(crate) fn write<B: RecordBody>(heading: Heading, names: &[Vec<u16>], body: &B) -> Vec<u8> {
    let names: Vec<&[u16]> = names.iter().map(Vec::as_slice).collect();
    let mut out = vec![0xEE; wire::record_size::<B>(&names).unwrap()];
    let fill = |place: &mut B| place.as_mut_bytes().copy_from_slice(body.as_bytes());
    let size = wire::write_record(&mut out, heading, &names, fill).map(<[u8]>::len);
    assert_eq!(size, Some(out.len()));
    out
}
