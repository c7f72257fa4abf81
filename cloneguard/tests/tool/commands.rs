//! The commands: what they write, and the codes that they exit with.

use crate::Place;
use cloneguard::policy::{compile, decompile};
use wire::policy::PolicyBlob;

/// A policy with every key.
const FULL: &str = r#"
mode = "enforce"
revision = 7
enforce = ["source-handle", 43]
on-audit-loss = "refuse"
recheck = true
lock-until-reboot = true
summarise = 60
journal-size = "1MiB"

[[rule]]
name = "it's größe"
effect = "allow"
image = '\**\robocopy.exe'
user = "S-1-5-32-544"
source = '\Device\HarddiskVolume3\Größe\**'
target = '\\?\Volume{01234567-89AB-cdef-0123-456789abcdef}\**'
volume = '\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\'
remote = false
min-count = 65537

[[rule]]
name = "the rest"
effect = "deny"
"#;

/// The same in its plainest form.
const PLAIN: &str = r#"mode = "enforce"
revision = 7
enforce = ["source-handle", "source-access"]
on-audit-loss = "refuse"
recheck = true
lock-until-reboot = true
summarise = 60
journal-size = "1MiB"

[[rule]]
name = "it's größe"
effect = 'allow'
image = '*:\**\ROBOCOPY.EXE'
user = 'S-1-5-32-544'
source = '\DEVICE\HARDDISKVOLUME3\GRÖßE\**'
target = '\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\**'
volume = '\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}'
remote = false
min-count = "65537"

[[rule]]
name = 'the rest'
effect = 'deny'
"#;

#[test]
fn a_policy_is_compiled_shown_and_compiled_again() {
    let place = Place::new("compile");
    place.write("p.toml", FULL);
    let compiled = place.run(&["policy", "compile", "p.toml"]);
    let blob = place.read("p.cgpl");
    let line = format!(
        "p.cgpl: written: revision 7, enforce, 2 rules, {} bytes\n",
        blob.len()
    );
    assert_eq!((compiled.code, compiled.out), (Some(0), line));
    assert_eq!(compiled.err, "");
    for file in ["p.cgpl", "p.toml"] {
        let shown = place.run(&["policy", "show", file]);
        assert_eq!((shown.code, shown.out.as_str()), (Some(0), PLAIN), "{file}");
    }
    place.write("q.toml", PLAIN);
    let again = place.run(&["policy", "compile", "q.toml", "-o", "out.bin"]);
    assert_eq!(again.code, Some(0));
    assert_eq!(place.read("out.bin"), blob);
    assert_eq!(place.names(), ["out.bin", "p.cgpl", "p.toml", "q.toml"]);
}

#[test]
fn the_library_does_what_the_program_does() {
    let blob = compile(FULL).unwrap();
    let parsed = PolicyBlob::parse(&blob).unwrap();
    assert_eq!(decompile(&parsed), PLAIN);
    assert_eq!(compile(PLAIN).unwrap(), blob);
    let problems = compile("mode = 'x'\n").unwrap_err();
    assert_eq!(problems.all().len(), 1);
    assert_eq!(
        problems.to_string(),
        "1:8: mode is \"x\"; write observe or enforce"
    );
}

#[test]
fn a_policy_in_order_is_described() {
    let place = Place::new("check");
    place.write(
        "p.toml",
        "mode = 'observe'\n[[rule]]\nname = 'r'\neffect = 'flag'\n",
    );
    let ran = place.run(&["policy", "check", "p.toml"]);
    let line = "p.toml: in order: revision 0, observe, 1 rule, 230 bytes\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), line));
    place.run(&["policy", "compile", "p.toml"]);
    let ran = place.run(&["policy", "check", "p.cgpl"]);
    assert_eq!((ran.code, ran.out), (Some(0), line.replace("toml", "cgpl")));
}

#[test]
fn a_compiled_policy_that_is_damaged_is_refused() {
    let place = Place::new("damaged");
    let mut blob = compile(FULL).unwrap();
    blob[18] = 9;
    place.write("p.cgpl", &blob);
    let ran = place.run(&["policy", "show", "p.cgpl"]);
    let line = "p.cgpl: byte 18: a value is outside its list: compile it again from its text\n";
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.as_str()),
        (Some(4), line, "")
    );
}

#[test]
fn a_text_is_not_replaced_by_what_it_becomes() {
    let place = Place::new("replace");
    place.write("p.cgpl", "mode = 'observe'\n");
    let ran = place.run(&["policy", "compile", "p.cgpl"]);
    let line = "p.cgpl: the compiled policy would replace the text: name another file with -o\n";
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), line));
    place.write("p.bin", compile(FULL).unwrap());
    let ran = place.run(&["policy", "compile", "p.bin"]);
    let line = "p.bin: is compiled already: give the text, or look at it with `policy show`\n";
    assert_eq!((ran.code, ran.err.as_str()), (Some(4), line));
}

#[test]
fn an_error_leaves_the_old_output_as_it_was() {
    let place = Place::new("old");
    place.write("p.toml", "mode = 'x'\n");
    place.write("p.cgpl", "old");
    assert_eq!(place.run(&["policy", "compile", "p.toml"]).code, Some(4));
    assert_eq!(place.read("p.cgpl"), b"old");
    assert_eq!(place.names(), ["p.cgpl", "p.toml"]);
}

#[test]
fn files_that_cannot_be_had_exit_with_8() {
    let place = Place::new("files");
    place.write("p.toml", "mode = 'observe'\n");
    let ran = place.run(&["policy", "check", "none.toml"]);
    assert_eq!(ran.code, Some(8));
    assert!(
        ran.err.starts_with("none.toml: cannot read it: "),
        "{}",
        ran.err
    );
    let ran = place.run(&["policy", "compile", "p.toml", "-o", "no/such/place"]);
    assert_eq!(ran.code, Some(8));
    assert!(
        ran.err.starts_with("no/such/place: cannot write it: "),
        "{}",
        ran.err
    );
    let ran = place.run(&["policy", "test", "p.toml", "none.jsonl"]);
    assert_eq!(ran.code, Some(8));
    assert!(
        ran.err.starts_with("none.jsonl: cannot read it: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_failed_write_leaves_no_draft() {
    let place = Place::new("draft");
    place.write("p.toml", "mode = 'observe'\n");
    place.create_directory("out");
    // A directory cannot be replaced by a file.
    let ran = place.run(&["policy", "compile", "p.toml", "-o", "out"]);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert_eq!(place.names(), ["out", "p.toml"]);
}

#[test]
fn the_document_has_every_key_and_its_examples_compile() {
    let document = include_str!("../../../docs/policy.md");
    let examples: Vec<&str> = document
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        assert_eq!(compile(example).err(), None, "{example}");
    }
    let place = Place::new("document");
    place.write("p.toml", "x = 1\n[[rule]]\nx = 1\n");
    let ran = place.run(&["policy", "check", "p.toml"]);
    let lists = ran
        .err
        .lines()
        .filter_map(|line| line.split_once("the keys are "));
    let keys: Vec<&str> = lists
        .flat_map(|(_, list)| list.split([',', ' ']))
        .filter(|word| !word.is_empty() && *word != "and")
        .collect();
    assert_eq!(keys.len(), 9 + 9, "{keys:?}");
    for key in keys {
        assert!(
            document.contains(&format!("\n| `{key}` |")),
            "docs/policy.md lacks {key}"
        );
    }
}
