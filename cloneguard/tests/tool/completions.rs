//! `cloneguard completions`.

use crate::Place;
use std::process::Command;

#[test]
fn every_shell_gets_every_command() {
    let place = Place::new("completions");
    let help = place.run(&["--help"]).out;
    let commands = help
        .split_once("Commands:\n")
        .unwrap()
        .1
        .split_once("\n\n")
        .unwrap()
        .0;
    let commands: Vec<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"lineage"), "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = place.run(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{shell}");
        for command in &commands {
            assert!(ran.out.contains(command), "{shell} lacks {command}");
        }
        assert!(ran.out.contains("prometheus"), "{shell} lacks an option");
    }
}

#[test]
fn bash_takes_the_script() {
    let place = Place::new("completions-bash");
    place.write("script", place.run(&["completions", "bash"]).out);
    let checked = Command::new("bash")
        .args(["-n", "script"])
        .current_dir(place.path())
        .output();
    // A host without bash cannot say.
    let Ok(checked) = checked else {
        return;
    };
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn another_shell_is_a_wrong_command_line() {
    let place = Place::new("completions-wrong");
    for words in [&["completions"][..], &["completions", "tcsh"]] {
        let ran = place.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}");
    }
}
