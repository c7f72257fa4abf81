//! Random requests, and how a request becomes bytes.

use super::draw::Draw;
use super::generate::Table;
use super::script::{
    Base, Carriage, EX, Length, Minor, Number, PLAIN, Request, SEEN, SLOTS, Source, What, Who,
};

/// Codes that are none of the driver's: sparse, zero data, integrity, and the neighbours of its own.
const UNRELATED: [u32; 7] = [
    0x0009_00C4,
    0x0009_80C8,
    0x0009_027C,
    0x0009_C280,
    PLAIN + 4,
    EX - 4,
    0,
];

/// FILE_READ_DATA and FILE_WRITE_DATA.
const READ_DATA: u32 = 1;
const WRITE_DATA: u32 = 2;

/// Bytes of the structure: plain, EX of a 32-bit program, EX (MS-FSCC 2.3.7.1 and 2.3.9.1, winioctl.h).
pub(super) const fn layout_size(code: u32, narrow: bool) -> usize {
    match (code == EX, narrow) {
        (false, _) => 0x20,
        (true, true) => 0x28,
        (true, false) => 0x30,
    }
}

/// A request that is right, then up to three changes.
pub(super) fn draw_request(draw: &mut Draw, table: &Table) -> Request {
    let who = if draw.chance(85) {
        table.main
    } else {
        draw.pick(&Who::ALL)
    };
    let mut request = Request {
        who,
        impersonates: draw.chance(5),
        to: draw_slot(draw, table, (who, WRITE_DATA)),
        code: draw.pick(&[PLAIN, EX]),
        narrow: who == Who::User32,
        source: Source::Slot(draw_slot(draw, table, (who, READ_DATA)), 0),
        source_offset: Number::clusters(draw.below(4) as i64),
        target_offset: Number::clusters(draw.below(4) as i64),
        count: Number::clusters(1 + draw.below(3) as i64),
        size: None,
        flags: draw.pick(&[0, 0, 0, 1, 1, 2, 3, 0xFFFF_FFFC]),
        length: Length::Exact,
        output: 0,
        carriage: Carriage::default(),
    };
    if draw.chance(15) {
        // What programs send: the whole file, the last cluster rounded up.
        request.source_offset = Number::clusters(0);
        request.target_offset = Number::clusters(0);
        request.count.clusters = 0;
        request.count.base = Base::SourceClusters;
    }
    for _ in 0..draw.pick(&[0, 0, 0, 1, 1, 1, 1, 2, 2, 3]) {
        mutate(draw, table, &mut request);
    }
    request
}

/// A slot with a file that this caller can name, with these rights; now and then any slot.
fn draw_slot(draw: &mut Draw, table: &Table, (who, rights): (Who, u32)) -> usize {
    let is_own = |slot: &usize| {
        table.slots[*slot].is_some_and(|(owner, what, access)| {
            owner == who && matches!(what, What::File(0, _)) && access & rights == rights
        })
    };
    let own: Vec<usize> = (0..SLOTS).filter(is_own).collect();
    if own.is_empty() || draw.chance(4) {
        draw.index(SLOTS)
    } else {
        draw.pick(&own)
    }
}

fn mutate(draw: &mut Draw, table: &Table, request: &mut Request) {
    match draw.below(100) {
        0..=15 => request.source_offset = draw_number(draw),
        16..=31 => request.target_offset = draw_number(draw),
        32..=47 => request.count = draw_number(draw),
        48..=55 => request.size = Some(draw_size(draw)),
        56..=64 => request.length = draw_length(draw, request),
        65..=74 => request.source = draw_source(draw),
        75..=77 => request.output = draw.pick(&[1, 16, 0x28, 4096]),
        78..=93 => mutate_carriage(draw, &mut request.carriage),
        94 => request.narrow = !request.narrow,
        95 => request.to = draw.index(SLOTS),
        96 => request.source = Source::Slot(request.to, 0),
        97 => request.who = draw.pick(&[Who::KernelIn64, Who::KernelIn32, table.main]),
        98 => request.code = draw.pick(&UNRELATED),
        _ => request.code = draw.pick(&SEEN),
    }
}

fn mutate_carriage(draw: &mut Draw, carriage: &mut Carriage) {
    match draw.below(16) {
        0..=2 => carriage.pending = true,
        3..=4 => carriage.at_dispatch = true,
        5..=6 => carriage.at_apc = true,
        7..=8 => carriage.posted = true,
        9..=10 => carriage.top_level = true,
        11 => carriage.writable = true,
        12 => carriage.nameless = true,
        13..=14 => carriage.minor = Minor::KernelCall,
        _ => carriage.minor = Minor::VerifyVolume,
    }
}

fn draw_number(draw: &mut Draw) -> Number {
    Number {
        base: draw.pick(&[
            Base::Zero,
            Base::Zero,
            Base::SourceEnd,
            Base::SourceClusters,
            Base::SourceAllocation,
            Base::TargetEnd,
            Base::TargetClusters,
            Base::FourGiB,
            Base::LastStart,
            Base::LastStart,
            Base::Max,
            Base::Min,
        ]),
        clusters: draw.pick(&[0, 0, 0, 1, -1, 2, -2]),
        bytes: draw.pick(&[0, 0, 0, 1, -1, 512, 4096, 0x1234]),
    }
}

/// Sizes around the three layouts, with something in the upper half, and the extremes.
fn draw_size(draw: &mut Draw) -> u64 {
    draw.pick(&[
        0,
        0x20,
        0x27,
        0x28,
        0x29,
        0x2F,
        0x30,
        0x31,
        0x38,
        0x1_0000_0030,
        0x1_0000_0028,
        u64::MAX,
    ])
}

fn draw_length(draw: &mut Draw, request: &Request) -> Length {
    let whole = layout_size(request.code, request.narrow);
    match draw.below(8) {
        0..=2 => Length::Of(draw.index(whole)),
        3 => Length::Of(whole - 1),
        4..=5 => Length::Of(whole + 1 + draw.index(64)),
        6 => Length::Null,
        _ => Length::Claimed(draw.pick(&[1, 0x1F, 0x20, 0x27, 0x28, 0x2F, 0x30, 0x1000])),
    }
}

fn draw_source(draw: &mut Draw) -> Source {
    let slot = draw.index(SLOTS);
    match draw.below(10) {
        0..=4 => Source::Slot(slot, 0),
        5..=6 => Source::Slot(slot, draw.pick(&[1, 2, 3])),
        // The upper half of a value that has 32 bits, and the bits of kernel handles.
        7 => Source::Slot(slot, draw.pick(&[0xDEAD << 32, 0xFFFF_FFFF_8000_0000])),
        _ => Source::Raw(draw.pick(&[
            0,
            4,
            8,
            0x100,
            u64::MAX,
            u64::MAX - 1,
            u64::MAX - 5,
            0xFFFF_FFFF_8000_0004,
            0x7FFF_FFFC,
            0xFFFF_FFFC,
        ])),
    }
}

/// A request whose numbers and handle are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) handle: u64,
    pub(super) source_offset: i64,
    pub(super) target_offset: i64,
    pub(super) count: i64,
}

/// The input; `None` is no buffer. Padding is garbage, as an uninitialised one is.
pub(super) fn encode(request: &Request, sent: &Sent) -> Option<Vec<u8>> {
    let whole = layout_size(request.code, request.narrow);
    let length = match request.length {
        Length::Exact => whole,
        Length::Of(length) => length,
        Length::Null | Length::Claimed(_) => return None,
    };
    let mut bytes = Vec::with_capacity(whole);
    let word = |bytes: &mut Vec<u8>, value: u64| {
        let wide = value.to_le_bytes();
        bytes.extend_from_slice(if request.narrow { &wide[..4] } else { &wide });
    };
    if request.code == EX {
        word(&mut bytes, request.size.unwrap_or(whole as u64));
    }
    word(&mut bytes, sent.handle);
    bytes.resize(bytes.len().next_multiple_of(8), 0xEE);
    for value in [sent.source_offset, sent.target_offset, sent.count] {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    if request.code == EX {
        bytes.extend_from_slice(&request.flags.to_le_bytes());
    }
    bytes.resize(length, 0xEE);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{EX, Length, PLAIN, Request, Sent, Who, encode};
    use crate::property::script::{Carriage, Number, Source};

    fn request(code: u32, narrow: bool) -> Request {
        Request {
            who: Who::User64,
            impersonates: false,
            to: 0,
            code,
            narrow,
            source: Source::Raw(0),
            source_offset: Number::clusters(0),
            target_offset: Number::clusters(0),
            count: Number::clusters(0),
            size: None,
            flags: 0x0403_0201,
            length: Length::Exact,
            output: 0,
            carriage: Carriage::default(),
        }
    }

    const SENT: Sent = Sent {
        handle: 0x8877_6655_4433_2211,
        source_offset: 1,
        target_offset: 2,
        count: 3,
    };

    /// The offsets of winioctl.h, by hand.
    #[test]
    fn every_layout_has_its_fields_where_they_belong() {
        let handle = 0x11_u8;
        for (code, narrow, size, at_handle, at_range) in [
            (PLAIN, false, 0x20, 0, 8),
            (PLAIN, true, 0x20, 0, 8),
            (EX, false, 0x30, 8, 16),
            (EX, true, 0x28, 4, 8),
        ] {
            let bytes = encode(&request(code, narrow), &SENT).unwrap();
            assert_eq!(bytes.len(), size);
            assert_eq!(bytes[at_handle], handle);
            for field in 0..3_u8 {
                assert_eq!(bytes[at_range + usize::from(field) * 8], field + 1);
            }
            if code == EX {
                assert_eq!(usize::from(bytes[0]), size);
                assert_eq!(bytes[at_range + 24..at_range + 28], [1, 2, 3, 4]);
            }
        }
    }

    #[test]
    fn lengths_are_what_was_asked_for() {
        for length in [0, 1, 0x1F, 0x20, 0x21, 100] {
            let cut = Request {
                length: Length::Of(length),
                ..request(EX, false)
            };
            assert_eq!(encode(&cut, &SENT).unwrap().len(), length);
        }
        let null = Request {
            length: Length::Null,
            ..request(EX, false)
        };
        assert_eq!(encode(&null, &SENT), None);
    }
}
