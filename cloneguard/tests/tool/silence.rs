//! Nobody reads what is printed: the exit code says the same.

use crate::journal::{damage, write_journal};
use crate::{Place, Ran};
use std::io;
use std::process::{Command, Output, Stdio};

/// Runs `cloneguard` with an output that nobody reads.
fn run(place: &Place, words: &[&str], deaf: impl Fn(&mut Command, Stdio)) -> Output {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloneguard"));
    command.args(words).current_dir(place.path());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    deaf(&mut command, writer.into());
    command.output().unwrap()
}

#[test]
fn nobody_reads_the_messages() {
    let place = Place::new("silent-errors");
    write_journal(&place);
    damage(&place);
    place.write("policy.toml", "mode = 'x'");
    for (words, code) in [
        (&["no-such-command"][..], 1),
        (&["verify", "gone"], 8),
        (&["verify", "journal"], 5),
        (&["search", "journal"], 5),
        (&["search", "journal", "--filter", "nonsense=1"], 4),
        (&["export", "journal"], 5),
        (&["export", "journal", "--format", "ecs"], 5),
        (&["stats", "journal"], 5),
        (&["doctor", "journal"], 5),
        (&["policy", "check", "policy.toml"], 4),
    ] {
        let Ran { code: heard, .. } = place.run(words);
        assert_eq!(heard, Some(code), "{words:?}");
        let unheard = run(&place, words, |command, deaf| {
            command.stderr(deaf);
        });
        assert_eq!(unheard.status.code(), Some(code), "{words:?}");
    }
}

#[test]
fn what_was_found_stands_though_nobody_reads_it() {
    let place = Place::new("silent-output");
    write_journal(&place);
    for (is_damaged, code) in [(false, 0), (true, 5)] {
        if is_damaged {
            damage(&place);
        }
        for words in [
            &["verify", "journal"][..],
            &["verify", "journal", "--json"],
            &["stats", "journal"],
            &["doctor", "journal"],
            &["doctor", "journal", "--json"],
            &["lineage", "1", "journal"],
        ] {
            let words: Vec<&str> = words
                .iter()
                .map(|word| {
                    if *word == "1" {
                        crate::journal::SOURCE_ID
                    } else {
                        word
                    }
                })
                .collect();
            let unheard = run(&place, &words, |command, deaf| {
                command.stdout(deaf);
            });
            assert_eq!(unheard.status.code(), Some(code), "{words:?}");
        }
    }
    for words in [&["schema"][..], &["export", "journal", "--format", "csv"]] {
        let unheard = run(&place, words, |command, deaf| {
            command.stdout(deaf);
        });
        assert!(
            matches!(unheard.status.code(), Some(0 | 5)),
            "{words:?}: {unheard:?}"
        );
    }
}
