use std::fs;
use std::path::{Path, PathBuf};

use super::{Change, Group, Ledger, Undo};

/// A folder of its own for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("conformance-ledger-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("below").join("ledger.jsonl")
    }

    fn disk(&self, name: &str) -> Change {
        Change::Disk {
            path: self.file().with_file_name(name),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Notes what it is asked to undo, and cannot undo some of it.
#[derive(Default)]
struct Notes {
    asked: Vec<Change>,
    stuck: Vec<Change>,
}

impl Undo for Notes {
    fn undo(&mut self, change: &Change) -> Result<(), String> {
        self.asked.push(change.clone());
        if self.stuck.contains(change) {
            return Err("in use".to_owned());
        }
        Ok(())
    }
}

fn open(path: &Path) -> Vec<Change> {
    Ledger::read(path).unwrap().open().cloned().collect()
}

#[test]
fn a_change_is_on_the_disk_before_it_is_made() {
    let folder = Folder::new("before");
    let mut ledger = Ledger::read(&folder.file()).unwrap();
    assert_eq!(ledger.open().count(), 0);
    assert!(!folder.0.exists(), "reading changes nothing");
    ledger.record(folder.disk("a")).unwrap();
    // As another run sees it that starts now.
    assert_eq!(open(&folder.file()), [folder.disk("a")]);
    ledger.record(Change::Loaded).unwrap();
    assert_eq!(open(&folder.file()), [folder.disk("a"), Change::Loaded]);
}

#[test]
fn changes_are_undone_backwards_and_the_file_goes_with_the_last() {
    let folder = Folder::new("backwards");
    let mut ledger = Ledger::read(&folder.file()).unwrap();
    for change in [folder.disk("a"), folder.disk("b"), Change::Loaded] {
        ledger.record(change).unwrap();
    }
    let mut notes = Notes::default();
    assert_eq!(ledger.undo(None, &mut notes).unwrap(), []);
    assert_eq!(
        notes.asked,
        [Change::Loaded, folder.disk("b"), folder.disk("a")]
    );
    assert!(!folder.file().exists());
    // Again, with nothing to do.
    assert_eq!(ledger.undo(None, &mut notes).unwrap(), []);
    assert_eq!(notes.asked.len(), 3);
}

#[test]
fn what_is_stuck_stays_on_record_and_holds_nothing_else_up() {
    let folder = Folder::new("stuck");
    let mut ledger = Ledger::read(&folder.file()).unwrap();
    for change in [folder.disk("a"), folder.disk("b"), folder.disk("c")] {
        ledger.record(change).unwrap();
    }
    let mut notes = Notes {
        stuck: vec![folder.disk("b")],
        ..Notes::default()
    };
    let stuck = ledger.undo(None, &mut notes).unwrap();
    assert_eq!(stuck.len(), 1);
    assert_eq!(
        (&stuck[0].change, stuck[0].why.as_str()),
        (&folder.disk("b"), "in use")
    );
    assert_eq!(open(&folder.file()), [folder.disk("b")]);
    // A later run, in which it can be undone, does not take up a used number.
    let mut later = Ledger::read(&folder.file()).unwrap();
    later.record(folder.disk("d")).unwrap();
    let mut notes = Notes::default();
    assert_eq!(later.undo(None, &mut notes).unwrap(), []);
    assert_eq!(notes.asked, [folder.disk("d"), folder.disk("b")]);
}

#[test]
fn a_stuck_driver_keeps_what_it_can_be_removed_by() {
    let folder = Folder::new("driver");
    let mut ledger = Ledger::read(&folder.file()).unwrap();
    let copy = folder.file().with_file_name("package");
    let package = Change::Package {
        inf: copy.join("a.inf"),
    };
    let certificate = Change::Certificate {
        store: "Root".to_owned(),
        file: copy.join("a.cer"),
    };
    let copy = Change::PackageCopy { path: copy };
    let driver = [copy.clone(), certificate.clone(), package.clone()];
    for change in [folder.disk("a")].iter().chain(&driver) {
        ledger.record(change.clone()).unwrap();
    }
    let mut notes = Notes {
        stuck: vec![package.clone()],
        ..Notes::default()
    };
    let stuck = ledger.undo(Some(Group::Driver), &mut notes).unwrap();
    assert_eq!(stuck.len(), 1);
    assert_eq!(notes.asked, driver[2..]);
    // Another group is not held up.
    let stuck = ledger.undo(None, &mut notes).unwrap();
    assert_eq!(stuck.len(), 1);
    assert_eq!(notes.asked[1..], [package.clone(), folder.disk("a")]);
    assert_eq!(open(&folder.file()), driver);
    let mut notes = Notes::default();
    assert_eq!(ledger.undo(None, &mut notes).unwrap(), []);
    assert_eq!(notes.asked, [package, certificate, copy]);
    assert!(!folder.file().exists());
}

#[test]
fn a_group_is_undone_alone() {
    let folder = Folder::new("group");
    let mut ledger = Ledger::read(&folder.file()).unwrap();
    let policy = Change::Policy {
        previous: Some(vec![1, 2]),
    };
    for change in [
        folder.disk("a"),
        policy.clone(),
        folder.disk("b"),
        Change::Loaded,
    ] {
        ledger.record(change).unwrap();
    }
    let mut notes = Notes::default();
    ledger.undo(Some(Group::Run), &mut notes).unwrap();
    assert_eq!(notes.asked, [Change::Loaded, policy]);
    assert_eq!(open(&folder.file()), [folder.disk("a"), folder.disk("b")]);
}

/// The power can fail at every byte of a line: all that was whole before is there, and the next line is whole.
#[test]
fn a_line_torn_at_any_byte_is_one_that_had_not_begun() {
    let folder = Folder::new("torn");
    let path = folder.file();
    let mut ledger = Ledger::read(&path).unwrap();
    ledger.record(folder.disk("a")).unwrap();
    let whole = fs::read(&path).unwrap();
    ledger.record(Change::Loaded).unwrap();
    let both = fs::read(&path).unwrap();
    for length in whole.len()..both.len() {
        fs::write(&path, &both[..length]).unwrap();
        let mut torn = Ledger::read(&path).unwrap();
        assert_eq!(
            torn.open().cloned().collect::<Vec<_>>(),
            [folder.disk("a")],
            "{length}"
        );
        torn.record(folder.disk("b")).unwrap();
        assert_eq!(
            open(&path),
            [folder.disk("a"), folder.disk("b")],
            "{length}"
        );
    }
}

#[test]
fn a_damaged_line_is_named_and_nothing_is_forgotten() {
    let folder = Folder::new("damaged");
    let path = folder.file();
    let mut ledger = Ledger::read(&path).unwrap();
    for name in ["a", "b"] {
        ledger.record(folder.disk(name)).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("disk", "dusk", 1)).unwrap();
    let error = Ledger::read(&path).unwrap_err();
    assert!(error.contains("ledger.jsonl line 1:"), "{error}");
}

/// Whoever can write a line must not choose what an administrator removes.
#[test]
fn a_path_elsewhere_is_refused() {
    let folder = Folder::new("elsewhere");
    let path = folder.file();
    let below = path.parent().unwrap();
    for outside in [
        folder.0.clone(),
        below.to_path_buf(),
        below.join("..").join("a"),
        below.join("a").join("..").join("..").join("b"),
        folder.0.join("below-not").join("a"),
        PathBuf::from("a"),
    ] {
        for change in [
            Change::PackageCopy {
                path: outside.clone(),
            },
            Change::Disk {
                path: outside.clone(),
            },
            Change::Package {
                inf: outside.clone(),
            },
            Change::Certificate {
                store: "Root".to_owned(),
                file: outside.clone(),
            },
        ] {
            drop(fs::remove_file(&path));
            let mut ledger = Ledger::read(&path).unwrap();
            ledger.record(folder.disk("a")).unwrap();
            ledger.record(change).unwrap();
            let error = Ledger::read(&path).unwrap_err();
            assert!(
                error.contains("ledger.jsonl line 2:") && error.contains("is not below"),
                "{error}"
            );
        }
    }
}
