//! Which files share blocks, from records of clones.

use crate::build::{BOOT, Draft, clone, numbered, units, write};
use crate::kinds;
use cloneguard::Entry;
use cloneguard::lineage::{Lineage, LineageReport, Relatives};
use wire::{EndedBody, Heading, LossClass, Record, RecordKind};

/// A volume of its own for each test file set.
const VOLUME: [u8; 16] = [0xA1; 16];
const VOLUME_TEXT: &str = "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1";

/// The journal of a test: records in order.
#[derive(Default)]
struct Story {
    entries: Vec<Entry>,
}

impl Story {
    /// A clone between two files, known by a byte of their id, in units of 4 KiB.
    fn clone(
        &mut self,
        (source, from): (u8, i64),
        (target, to): (u8, i64),
        count: i64,
    ) -> &mut Self {
        let mut draft = self.draft((source, from), (target, to));
        draft.body.byte_count = (count * 4096).into();
        self.add(&draft, RecordKind::Clone)
    }

    fn draft(&self, (source, from): (u8, i64), (target, to): (u8, i64)) -> Draft {
        let mut draft = clone(self.entries.len() as u64 + 1, 0);
        let body = &mut draft.body;
        (body.volume.guid_known, body.volume.guid) = (1, VOLUME);
        (body.source_volume.guid_known, body.source_volume.guid) = (1, VOLUME);
        for (file, id) in body.files.iter_mut().zip([source, target]) {
            (file.state, file.kind, file.id_state) = (1, 1, 1);
            file.id[0] = id;
        }
        body.source_offset = (from * 4096).into();
        body.target_offset = (to * 4096).into();
        body.byte_count = 4096.into();
        draft
    }

    fn add(&mut self, draft: &Draft, kind: RecordKind) -> &mut Self {
        let [source, target] = draft.body.files.map(|file| file.id[0]);
        let name = |id| units(&format!(r"\Device\HarddiskVolume4\files\{id}.bin"));
        let names = [
            units(r"\Device\X\copy.exe"),
            Vec::new(),
            name(source),
            name(target),
        ];
        let bytes = write(heading(kind, draft.sequence), &draft.body, &names);
        self.push(numbered(bytes, draft.sequence, draft.lost_before))
    }

    /// The late end of the request that its record calls by this number.
    fn end(&mut self, request: u64, status: u32) -> &mut Self {
        let mut end = clone(0, 0).body.end;
        end.status = status.into();
        let bytes = write(heading(RecordKind::Ended, request), &EndedBody { end }, &[]);
        let sequence = self.entries.len() as u64 + 1;
        self.push(numbered(bytes, sequence, 0))
    }

    fn push(&mut self, bytes: Vec<u8>) -> &mut Self {
        self.entries
            .push(Entry::new(BOOT, &Record::parse(&bytes).unwrap()));
        self
    }

    /// What shares blocks with a file.
    fn report(&self, file: &str) -> LineageReport {
        let mut relatives = Relatives::new(file.parse().unwrap());
        self.entries.iter().for_each(|entry| relatives.add(entry));
        let mut lineage: Lineage = relatives.lineage();
        self.entries.iter().for_each(|entry| lineage.add(entry));
        lineage.report()
    }

    /// The same of the file with this byte in its id: file, KiB shared now, KiB shared ever, depth.
    fn shares(&self, file: u8) -> Vec<(u8, u64, u64, usize)> {
        let report = self.report(&id(file));
        let [root] = report.files.as_slice() else {
            assert!(report.files.is_empty());
            return Vec::new();
        };
        let shares = root.shares.iter();
        shares
            .map(|share| {
                let name = share.file.names.last().unwrap();
                let id = name.rsplit(['\\', '.']).nth(1).unwrap().parse().unwrap();
                (
                    id,
                    share.shared_now / 4096,
                    share.shared_ever / 4096,
                    share.depth,
                )
            })
            .collect()
    }
}

fn heading(kind: RecordKind, request: u64) -> Heading {
    Heading {
        kind,
        class: LossClass::Routine,
        time: 134_399_108_967_890_123 + request,
        request,
    }
}

/// The digits of the id of a file.
fn id(file: u8) -> String {
    format!("{file:032x}")
}

#[test]
fn a_copy_of_a_copy_shares_with_the_first() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 10).clone((2, 0), (3, 100), 10);
    assert_eq!(story.shares(1), [(2, 10, 10, 1), (3, 10, 10, 2)]);
    assert_eq!(story.shares(3), [(2, 10, 10, 1), (1, 10, 10, 2)]);
    assert_eq!(story.shares(2), [(1, 10, 10, 1), (3, 10, 10, 1)]);
}

#[test]
fn two_copies_share_with_each_other_through_their_source() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 10).clone((1, 5), (3, 0), 10);
    assert_eq!(story.shares(2), [(1, 10, 10, 1), (3, 5, 5, 2)]);
}

#[test]
fn other_ranges_of_a_file_are_not_shared() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 10).clone((2, 20), (3, 0), 10);
    assert_eq!(story.shares(1), [(2, 10, 10, 1)]);
    assert_eq!(story.shares(3), [(2, 10, 10, 1)]);
}

#[test]
fn what_is_cloned_over_was_shared_earlier() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 10).clone((3, 0), (2, 0), 10);
    assert_eq!(story.shares(1), [(2, 0, 10, 1)]);
    assert_eq!(story.shares(3), [(2, 10, 10, 1)]);
    let report = story.report(&id(1));
    assert!(report.to_string().contains("no longer shared"), "{report}");
}

#[test]
fn a_file_can_share_blocks_with_itself_and_that_is_no_relation() {
    let mut story = Story::default();
    story.clone((1, 0), (1, 5), 10).clone((1, 12), (2, 0), 2);
    assert_eq!(story.shares(2), [(1, 2, 2, 1)]);
    let clones = &story.report(&id(1)).files[0].clones;
    assert_eq!(clones.len(), 2);
}

#[test]
fn what_failed_or_was_refused_shares_nothing() {
    let mut story = Story::default();
    let mut failed = story.draft((1, 0), (2, 0));
    failed.body.end.status = 0xC000_0022.into();
    story.add(&failed, RecordKind::Clone);
    let mut empty = story.draft((1, 0), (3, 0));
    empty.body.byte_count = 0.into();
    story.add(&empty, RecordKind::Clone);
    assert!(story.shares(1).is_empty());
    let report = story.report(&id(1));
    assert_eq!(
        report.to_string(),
        "no clone of this file that went well is in the journal\n"
    );
}

#[test]
fn a_late_end_decides() {
    for (status, expected) in [(0, vec![(2, 1, 1, 1)]), (0xC000_0001, vec![])] {
        let mut story = Story::default();
        let mut pending = story.draft((1, 0), (2, 0));
        pending.body.end.outcome = 0;
        story.add(&pending, RecordKind::Clone);
        assert_eq!(story.report(&id(1)).limits.unknown_ends, 1);
        story.end(1, status);
        assert_eq!(story.shares(1), expected);
        assert_eq!(story.report(&id(1)).limits.unknown_ends, 0);
    }
}

#[test]
fn streams_and_volumes_are_files_of_their_own() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 1);
    let mut other = story.draft((1, 0), (3, 0));
    other.body.volume.guid = [0xB1; 16];
    other.body.source_volume.guid = [0xB1; 16];
    story.add(&other, RecordKind::Clone);
    let report = story.report(&id(1));
    let volumes: Vec<_> = report
        .files
        .iter()
        .map(|root| root.file.key.volume.as_str())
        .collect();
    assert_eq!(
        volumes,
        [VOLUME_TEXT, "b1b1b1b1-b1b1-b1b1-b1b1-b1b1b1b1b1b1"]
    );
    assert_eq!(report.files[0].shares.len(), 1);
}

#[test]
fn a_file_is_found_by_its_name() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 1).clone((5, 0), (6, 0), 1);
    for name in [
        r"C:\files\1.bin",
        r"\device\harddiskvolume4\FILES\1.BIN",
        r"*\1.bin",
    ] {
        let report = story.report(name);
        assert_eq!(report.files.len(), 1, "{name}");
        assert_eq!(report.files[0].file.key.id, id(1));
    }
    assert_eq!(story.report(r"*\files\?.bin").files.len(), 4);
}

#[test]
fn what_the_records_leave_open_is_counted_from_the_first_clone_on() {
    let mut story = Story::default();
    story.entries.push(kinds::golden("gap"));
    story.clone((1, 0), (2, 0), 1);
    for name in ["gap", "summary", "seen"] {
        story.entries.push(kinds::golden(name));
    }
    let mut lost = story.draft((8, 0), (9, 0));
    lost.lost_before = 5;
    story.add(&lost, RecordKind::Clone);
    let mut nameless = story.draft((1, 0), (4, 0));
    nameless.body.files[1].id_state = 0;
    nameless.body.files[1].id = [0; 16];
    story.add(&nameless, RecordKind::Clone);
    let mut gone = story.draft((1, 0), (4, 0));
    gone.body.end.outcome = 2;
    story.add(&gone, RecordKind::Clone);
    let limits = story.report(&id(1)).limits;
    assert_eq!(
        (limits.gaps, limits.lost_records, limits.summarised),
        (1, 3 + 5, 11)
    );
    assert_eq!(
        (limits.other_codes, limits.without_id, limits.unknown_ends),
        (1, 1, 1)
    );
    let text = story.report(&id(1)).to_string();
    assert!(
        text.contains("8 records were lost (since 2026-11-23T12:34:56.7890125Z)"),
        "{text}"
    );
}

#[test]
fn the_tree_is_drawn_with_who_did_it() {
    let mut story = Story::default();
    story
        .clone((1, 0), (2, 0), 1)
        .clone((2, 0), (3, 0), 1)
        .clone((2, 0), (4, 0), 1);
    story.clone((5, 0), (1, 8), 2).clone((5, 0), (1, 8), 2);
    let text = story.report(&id(1)).to_string();
    let expected = format!(
        r"\Device\HarddiskVolume4\files\1.bin
file id {}, volume {VOLUME_TEXT}
shares blocks with 4 files, shared some with 0 more
├─ \Device\HarddiskVolume4\files\2.bin: got 4K in 1 clone from 2026-11-23T12:34:56.7890124Z by copy.exe; 4K shared
│  ├─ \Device\HarddiskVolume4\files\3.bin: got 4K in 1 clone from 2026-11-23T12:34:56.7890125Z by copy.exe; 4K shared
│  └─ \Device\HarddiskVolume4\files\4.bin: got 4K in 1 clone from 2026-11-23T12:34:56.7890126Z by copy.exe; 4K shared
└─ \Device\HarddiskVolume4\files\5.bin: gave 16K in 2 clones from 2026-11-23T12:34:56.7890127Z by copy.exe; 8K shared

What the journal cannot tell:
  whether a file was written to, cut or deleted since: its blocks part then
",
        id(1)
    );
    assert_eq!(text, expected);
}

#[test]
fn the_graph_is_in_dot() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 1);
    let node = |file| format!(r#""{VOLUME_TEXT}\n{}\n""#, id(file));
    let label = |file: u8| {
        format!(
            r#""\\Device\\HarddiskVolume4\\files\\{file}.bin\n{}""#,
            id(file)
        )
    };
    let expected = format!(
        "digraph lineage {{\n  rankdir=LR;\n  node [shape=box];\n  {} [label={}];\n  {} [label={}, style=bold];\n  {} -> {} [label=\"4K, 1 clones\"];\n}}\n",
        node(2),
        label(2),
        node(1),
        label(1),
        node(1),
        node(2),
    );
    assert_eq!(story.report(&id(1)).dot(), expected);
}

#[test]
fn the_json_has_every_number() {
    let mut story = Story::default();
    story.clone((1, 0), (2, 0), 1);
    let json = serde_json::to_value(story.report(&id(1))).unwrap();
    let share = &json["files"][0]["shares"][0];
    assert_eq!(share["file"]["id"], id(2));
    assert_eq!(share["clone"]["first_sequence"], 1);
    assert_eq!(share["clone"]["source"]["volume"], VOLUME_TEXT);
    assert_eq!(
        (&share["shared_now"], &share["has_received"]),
        (&4096.into(), &true.into())
    );
    assert_eq!(json["limits"]["gaps"], 0);
}
