use std::path::PathBuf;

use super::facts::{Build, Verifier};
use super::{Check, Facts, Id, Package, State, json, judge, obstacles, text};

/// A machine on which nothing is in the way and nothing is to be advised.
fn ready() -> Facts {
    Facts {
        elevated: Ok(true),
        processors: Ok(("x64".to_owned(), "x64".to_owned())),
        build: Ok(Build {
            number: 26100,
            edition: "ServerStandardEval".to_owned(),
        }),
        secure_boot: Ok(false),
        code_integrity: Ok(0x3),
        refs_missing: Ok(Vec::new()),
        disk_space: Ok(8 << 30),
        dev_drive_filters: Ok(Some(vec!["bindFlt".to_owned(), "cloneguard".to_owned()])),
        verifier: Ok(Verifier {
            drivers: "other.sys CloneGuard.sys".to_owned(),
            level: Some(0x0002_09BB),
        }),
        package: Package {
            folder: PathBuf::from("package"),
            missing: Vec::new(),
        },
        leftovers: Ok(Vec::new()),
    }
}

fn check(facts: &Facts, id: Id) -> Check {
    let checks = judge(facts);
    checks.into_iter().find(|check| check.id == id).unwrap()
}

#[test]
fn a_machine_that_is_ready_has_nothing_to_mend() {
    let checks = judge(&ready());
    let not_good: Vec<&Check> = checks.iter().filter(|c| c.state != State::Good).collect();
    assert!(not_good.is_empty(), "{not_good:#?}");
    assert!(text(&checks).contains("\nready; nothing was changed\n"));
    assert!(json(&checks).unwrap().contains("\"ready\": true"));
}

/// Makes one fact bad.
type Spoil = fn(&mut Facts);

/// What becomes bad, how its check ends, and what the mending must name.
const SPOILT: [(Id, State, Spoil, &str); 15] = [
    (
        Id::Administrator,
        State::Needed,
        |f| f.elevated = Ok(false),
        "Run as administrator",
    ),
    (
        Id::Processor,
        State::Needed,
        |f| f.processors = Ok(("arm64".to_owned(), "x64".to_owned())),
        "folder for arm64",
    ),
    (
        Id::Build,
        State::Needed,
        |f| {
            f.build = Ok(Build {
                number: 19040,
                edition: "Server".to_owned(),
            })
        },
        "19041",
    ),
    (
        Id::SecureBoot,
        State::Needed,
        |f| f.secure_boot = Ok(true),
        "Set-VMFirmware",
    ),
    (
        Id::TestSigning,
        State::Needed,
        |f| f.code_integrity = Ok(0x1),
        "bcdedit /set testsigning on",
    ),
    (
        Id::MemoryIntegrity,
        State::Advice,
        |f| f.code_integrity = Ok(0x403),
        "Core isolation",
    ),
    (
        Id::Refs,
        State::Needed,
        |f| f.refs_missing = Ok(vec!["refs.sys".to_owned()]),
        "Windows Server 2022",
    ),
    (
        Id::Refs,
        State::Advice,
        |f| {
            f.build = Ok(Build {
                number: 26100,
                edition: "Professional".to_owned(),
            })
        },
        "Pro for Workstations",
    ),
    (
        Id::DiskSpace,
        State::Needed,
        |f| f.disk_space = Ok((8 << 30) - 1),
        "larger disk",
    ),
    (
        Id::DevDrive,
        State::Advice,
        |f| f.dev_drive_filters = Ok(Some(vec!["bindFlt".to_owned()])),
        "setFiltersAllowed \"bindFlt, CloneGuard\"",
    ),
    (
        Id::Verifier,
        State::Advice,
        |f| f.verifier = Ok(Verifier::default()),
        "verifier /standard /driver cloneguard.sys",
    ),
    (
        Id::Verifier,
        State::Advice,
        |f| {
            f.verifier = Ok(Verifier {
                drivers: "x.sys".to_owned(),
                level: Some(1),
            })
        },
        "verifier /reset",
    ),
    (
        Id::Package,
        State::Needed,
        |f| f.package.missing = vec!["cloneguard.cat"],
        "./dev package --harness",
    ),
    (
        Id::Leftovers,
        State::Advice,
        |f| f.leftovers = Ok(vec!["a file".to_owned()]),
        "conformance cleanup",
    ),
    (
        Id::Leftovers,
        State::Unknown,
        |f| f.leftovers = Err("line 3 is damaged".to_owned()),
        "conformance cleanup",
    ),
];

/// Each fact alone, turned bad: its check alone changes, says how to mend it, and names what to type.
#[test]
fn each_failure_is_named_with_its_mending() {
    for (id, state, spoil, words) in SPOILT {
        let mut facts = ready();
        spoil(&mut facts);
        let changed: Vec<Check> = judge(&facts)
            .into_iter()
            .filter(|check| check.state != State::Good)
            .collect();
        assert_eq!(changed.len(), 1, "{id:?}: {changed:#?}");
        assert_eq!((changed[0].id, changed[0].state), (id, state));
        let mend = changed[0].mend.join("\n");
        assert!(mend.contains(words), "{id:?}: {mend}");
    }
}

#[test]
fn what_is_not_known_is_in_the_way_where_it_must_be_known() {
    let why = || "no such value".to_owned();
    let facts = Facts {
        elevated: Err(why()),
        processors: Err(why()),
        build: Err(why()),
        secure_boot: Err(why()),
        code_integrity: Err(why()),
        refs_missing: Err(why()),
        disk_space: Err(why()),
        dev_drive_filters: Err(why()),
        verifier: Err(why()),
        ..ready()
    };
    for check in judge(&facts) {
        let state = match check.id {
            Id::Package | Id::Leftovers => State::Good,
            Id::DevDrive | Id::Verifier => State::Advice,
            _ => State::Unknown,
        };
        assert_eq!(check.state, state, "{:?}", check.id);
        if state != State::Good {
            assert!(check.found.contains("no such value"), "{check:?}");
            assert!(!check.mend.is_empty(), "{check:?}");
        }
    }
}

#[test]
fn a_command_stops_at_what_it_needs_and_at_nothing_else() {
    let facts = Facts {
        elevated: Ok(false),
        code_integrity: Ok(0),
        verifier: Ok(Verifier::default()),
        ..ready()
    };
    let checks = judge(&facts);
    let ids = |needs: &[Id]| -> Vec<Id> {
        let found = obstacles(&checks, needs);
        found.into_iter().map(|check| check.id).collect()
    };
    assert_eq!(ids(&[Id::Administrator, Id::Refs]), [Id::Administrator]);
    assert_eq!(
        ids(&[Id::TestSigning, Id::Administrator, Id::Verifier]),
        [Id::Administrator, Id::TestSigning],
        "in the order in which to mend; advice is no obstacle"
    );
    assert!(ids(&[]).is_empty());
    let unknown = judge(&Facts {
        secure_boot: Err("no answer".to_owned()),
        ..ready()
    });
    assert_eq!(
        obstacles(&unknown, &[Id::SecureBoot]).len(),
        1,
        "it must be known"
    );
    assert!(text(&unknown).contains("in this order: secure-boot\n"));
    let told = text(&checks);
    assert!(
        told.contains("in this order: administrator, test-signing\n"),
        "{told}"
    );
    assert!(json(&checks).unwrap().contains("\"ready\": false"));
}

#[test]
fn a_folder_is_a_package_when_every_file_is_there() {
    let missing = Package::look(PathBuf::from("no such folder")).missing;
    assert_eq!(missing, Package::FILES);
    let check = check(
        &Facts {
            package: Package::look(PathBuf::from("no such folder")),
            ..ready()
        },
        Id::Package,
    );
    assert!(
        check
            .found
            .starts_with("no such folder lacks cloneguard.sys, "),
        "{check:?}"
    );
}
