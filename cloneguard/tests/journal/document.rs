//! The tables of `docs/journal.md` against the types, field by field.

use cloneguard::journal::{
    AnchorHead, FindingCause, FindingNote, FrameHead, FrameKind, LoadNote, SealNote, SealReason,
    SegmentHead, TornNote,
};
use std::mem::offset_of;

const DOCUMENT: &str = include_str!("../../../docs/journal.md");

/// Offset, size and name of each field of a type, and the size of the type.
type Layout = (&'static str, usize, Vec<(usize, usize, &'static str)>);

/// Size of the field that a function returns.
const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// The layout of a type whose fields are named in full: a field that is left out does not compile.
macro_rules! layout {
    ($name:ident { $($field:ident),+ $(,)? }) => {{
        let _complete = |value: $name| {
            let $name { $($field: _),+ } = value;
        };
        let fields = Vec::from([$((
            offset_of!($name, $field),
            size_of_field(|value: &$name| &value.$field),
            stringify!($field),
        )),+]);
        (stringify!($name), size_of::<$name>(), fields)
    }};
}

#[rustfmt::skip]
fn layouts() -> Vec<Layout> {
    Vec::from([
        layout!(SegmentHead {
            magic, version, head_size, reserved, number, created, journal_id, frames_before,
            records_before, removed_through, removed_count, boot_id, sequence, previous_hash, hash,
        }),
        layout!(FrameHead {
            size, kind, reserved, index, written, boot_id, sequence, lost_before, hash,
        }),
        layout!(LoadNote { sequence, lost_before, earlier }),
        layout!(FindingNote {
            cause, reserved, after, before, missing, explained, segment, offset,
        }),
        layout!(TornNote { segment, offset, byte_count }),
        layout!(SealNote { frames, records, reason, reserved }),
        layout!(AnchorHead {
            magic, version, size, reserved, journal_id, segment, length, frames, records, written,
            boot_id, sequence, hash, checksum,
        }),
    ])
}

/// The table of a type in the document, without its two lines of heading.
fn rows(name: &str) -> Vec<&'static str> {
    let heading = format!("### `{name}`");
    let section = DOCUMENT
        .lines()
        .skip_while(|line| !line.starts_with(&heading));
    let section: Vec<_> = section
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .collect();
    assert!(
        !section.is_empty(),
        "docs/journal.md has no section {heading}"
    );
    section
        .into_iter()
        .filter(|line| line.starts_with("| "))
        .skip(2)
        .collect()
}

#[test]
fn the_document_has_every_field_at_its_place() {
    for (name, size, fields) in layouts() {
        let rows = rows(name);
        assert_eq!(rows.len(), fields.len(), "rows for {name}");
        let mut end = 0;
        for (row, (offset, size, field)) in rows.iter().zip(fields) {
            let expected = format!("| {offset} | {size} | `{field}` |");
            assert!(
                row.starts_with(&expected),
                "{name}: {expected} is not the start of {row}"
            );
            assert_eq!(offset, end, "{name} has a hole before {field}");
            end = offset + size;
        }
        assert_eq!(end, size, "{name} has bytes behind its last field");
        let heading = format!("### `{name}`, {size} bytes");
        assert!(
            DOCUMENT.contains(&heading),
            "docs/journal.md lacks: {heading}"
        );
    }
}

/// Asserts that the table of a list has exactly these numbers and names.
fn check_list(name: &str, values: impl Iterator<Item = (u16, &'static str)>) {
    let expected: Vec<String> = values
        .map(|(raw, text)| format!("| {raw} | `{text}` |"))
        .collect();
    let rows = rows(name);
    assert_eq!(rows.len(), expected.len(), "{name}");
    for (row, expected) in rows.iter().zip(expected) {
        assert!(
            row.starts_with(&expected),
            "{expected} is not the start of {row}"
        );
    }
}

#[test]
fn the_document_has_every_value_of_the_lists() {
    check_list(
        "FrameKind",
        FrameKind::ALL.iter().map(|(_, raw, name)| (*raw, *name)),
    );
    check_list(
        "FindingCause",
        FindingCause::ALL.iter().map(|(_, raw, name)| (*raw, *name)),
    );
    check_list(
        "SealReason",
        SealReason::ALL
            .iter()
            .map(|(_, raw, name)| (u16::from(*raw), *name)),
    );
    for raw in 0..=u16::MAX {
        let known = FrameKind::ALL.iter().find(|(_, number, _)| *number == raw);
        assert_eq!(FrameKind::from_raw(raw), known.map(|(kind, ..)| *kind));
        let known = FindingCause::ALL
            .iter()
            .find(|(_, number, _)| *number == raw);
        assert_eq!(FindingCause::from_raw(raw), known.map(|(cause, ..)| *cause));
    }
}
