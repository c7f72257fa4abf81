//! The real file system.

use crate::sample::{append, at, small};
use cloneguard::journal::{
    Disk, Folder, JournalError, Limits, Step, Walk, Writer, segment_name, verify,
};
use std::path::{Path, PathBuf};

/// A path where nothing is; `name` is the test's.
fn place(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("journal")
        .join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    path
}

/// What is wrong, and how many records there are.
fn look(path: &Path) -> (bool, u64) {
    let report = verify(Walk::open(Folder::new(path)).unwrap(), None, |_| {}).unwrap();
    (report.is_sound(), report.records)
}

#[test]
fn a_journal_is_begun_gone_on_with_and_read() {
    let path = place("whole").join("and/deeper");
    let (mut writer, opened) = Writer::open(&path, small(), at(1)).unwrap();
    assert!(opened.is_new);
    append(&mut writer, &[(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]).unwrap();
    drop(writer);
    let (mut writer, opened) = Writer::open(&path, small(), at(2)).unwrap();
    assert_eq!(opened, Default::default());
    assert_eq!(writer.resume().unwrap().sequence, 5);
    // A reader while it is written.
    assert_eq!(look(&path), (true, 5));
    append(&mut writer, &[(6, 0)]).unwrap();
    assert_eq!(look(&path), (true, 6));
    assert!(path.join(segment_name(2)).exists());
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let path = place("two");
    let first = Writer::open(&path, small(), at(1)).unwrap();
    let error = Writer::open(&path, small(), at(1)).unwrap_err();
    assert!(matches!(error, JournalError::Busy { .. }), "{error}");
    if cfg!(unix) {
        let process = std::process::id();
        let end = format!("another process writes this journal: process {process}");
        assert!(error.to_string().ends_with(&end), "{error}");
    }
    drop(first);
    Writer::open(&path, small(), at(1)).unwrap();
}

#[test]
fn a_torn_tail_is_cut_off() {
    let path = place("torn");
    let (mut writer, _) = Writer::open(&path, Limits::default(), at(1)).unwrap();
    append(&mut writer, &[(1, 0)]).unwrap();
    drop(writer);
    let segment = path.join(segment_name(1));
    let mut bytes = std::fs::read(&segment).unwrap();
    let length = bytes.len() as u64;
    bytes.extend([0xAA; 100]);
    std::fs::write(&segment, bytes).unwrap();
    let (mut writer, opened) = Writer::open(&path, Limits::default(), at(2)).unwrap();
    let torn = opened.torn.unwrap();
    assert_eq!((torn.place.offset, torn.byte_count), (length, 100));
    append(&mut writer, &[(2, 0)]).unwrap();
    assert_eq!(look(&path), (true, 2));
}

#[test]
fn what_is_no_journal_is_said() {
    let path = place("nothing");
    let error = Walk::open(Folder::new(&path)).unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound));
    std::fs::create_dir_all(&path).unwrap();
    let error = Walk::open(Folder::new(&path)).unwrap_err();
    assert!(
        error.to_string().ends_with("there is no journal in it"),
        "{error}"
    );
    std::fs::write(path.join("file"), "").unwrap();
    let error = Writer::open(&path.join("file"), small(), at(1)).unwrap_err();
    assert!(error.to_string().contains("cannot create it"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_look() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = place("private");
    let (mut writer, _) = Writer::open(&path, small(), at(1)).unwrap();
    append(&mut writer, &[(1, 0)]).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in Folder::new(&path).names().unwrap() {
        assert_eq!(mode(&path.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn segments_that_retention_takes_while_somebody_reads_are_no_damage() {
    let path = place("meanwhile");
    let limits = Limits {
        keep_count: Some(1),
        ..small()
    };
    let (mut writer, _) = Writer::open(
        &path,
        Limits {
            keep_count: None,
            ..limits
        },
        at(1),
    )
    .unwrap();
    for number in 1..=20 {
        append(&mut writer, &[(number, 0)]).unwrap();
    }
    drop(writer);
    let mut walk = Walk::open(Folder::new(&path)).unwrap();
    assert!(matches!(walk.step().unwrap(), Some(Step::Segment(_))));
    let (mut writer, _) = Writer::open(&path, limits, at(2)).unwrap();
    for number in 21..=30 {
        append(&mut writer, &[(number, 0)]).unwrap();
    }
    while let Some(step) = walk.step().unwrap() {
        assert!(!matches!(step, Step::Damage(_)), "{step:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    use std::os::unix::fs::symlink;
    for (name, is_there) in [("cloneguard.lock", true), ("cloneguard.lock", false)] {
        let path = place(&format!("link-{is_there}"));
        std::fs::create_dir_all(&path).unwrap();
        let other = path.join("other");
        if is_there {
            std::fs::write(&other, "untouched").unwrap();
        }
        symlink(&other, path.join(name)).unwrap();
        let error = Writer::open(&path, small(), at(1)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("cloneguard.lock: cannot open it"), "{text}");
        assert_eq!(other.exists(), is_there);
        if is_there {
            assert_eq!(std::fs::read(&other).unwrap(), b"untouched");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_segment_that_is_a_link_is_not_written() {
    let path = place("link-segment");
    drop(Writer::open(&path, small(), at(1)).unwrap());
    let (segment, moved) = (path.join(segment_name(1)), path.join("moved"));
    std::fs::rename(&segment, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &segment).unwrap();
    let before = std::fs::read(&moved).unwrap();
    Writer::open(&path, small(), at(1)).unwrap_err();
    assert_eq!(std::fs::read(&moved).unwrap(), before);
    // Reading changes nothing.
    assert_eq!(look(&path), (true, 0));
}
