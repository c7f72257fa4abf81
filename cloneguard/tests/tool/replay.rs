//! `cloneguard policy test`: what a policy would change.

use crate::Place;

/// A record with a target and a verdict; the rules that fired are all grounds.
fn record(sequence: u32, target: &str, verdict: &str, rules: &str) -> String {
    format!(
        r#"{{"kind":"clone","sequence":{sequence},"verdict":"{verdict}","rules":[{rules}],"grounds":[{rules}],"policy":{{"match":"no_match"}},"process_id":42,"user_sid":"S-1-5-18","claim":{{"byte_count":4096}},"image":{{"text":"\\Device\\C\\bin\\copy.exe"}},"source":{{"text":"\\Device\\D\\a\\x"}},"target":{{"text":"\\Device\\D\\{target}"}}}}
"#
    )
}

/// A line without the blanks that make columns.
fn single_spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

const POLICY: &str = r"
mode = 'enforce'
[[rule]]
name = 'no secrets'
effect = 'deny'
target = '\secret\**'
[[rule]]
name = 'from afar'
effect = 'flag'
target = '\afar\**'
remote = true
";

#[test]
fn what_would_change_is_a_line_each_and_a_summary() {
    let place = Place::new("changes");
    place.write("p.toml", POLICY);
    let lines = [
        record(1, r"secret\\a", "passed", ""),
        record(2, r"open\\a", "passed", ""),
        "\n".to_owned(),
        record(3, r"open\\a", "would_refuse", r#"{"id":22}"#),
        record(4, r"afar\\a", "flagged", r#"{"id":32}"#),
        record(5, r"open\\a", "refused", r#"{"id":60}"#),
        record(6, r"secret\\a", "passed", "").replace("Device\\\\D", "Device\\\\HarddiskVolume3"),
        record(7, r"secret\\a", "passed", "")
            .replace(":42", ":4")
            .replace(r#"\\Device\\C\\bin\\copy.exe"#, ""),
    ];
    place.write("r.jsonl", lines.concat());
    let ran = place.run(&["policy", "test", "p.toml", "r.jsonl"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(7), ""));
    let found: Vec<String> = ran.out.lines().map(single_spaced).collect();
    assert_eq!(
        found,
        [
            "SEQ PROCESS SOURCE -> TARGET BEFORE -> AFTER BECAUSE",
            r#"1 copy.exe:42 \Device\D\a\x -> \Device\D\secret\a passed -> refused policy "no secrets""#,
            r"3 copy.exe:42 \Device\D\a\x -> \Device\D\open\a would refuse -> refused rule 22 unaligned-count",
            r#"4 copy.exe:42 \Device\D\a\x -> \Device\D\afar\a flagged -> not inspected policy "from afar""#,
            r"5 copy.exe:42 \Device\D\a\x -> \Device\D\open\a refused -> passed",
            r#"6 copy.exe:42 V3:\a\x -> V3:\secret\a passed -> refused policy "no secrets""#,
            r#"7 System:4 \Device\D\a\x -> \Device\D\secret\a passed -> refused policy "no secrets""#,
            "6 of 7 requests would be decided otherwise",
            "3 passed -> refused",
            "1 flagged -> not inspected",
            "1 would refuse -> refused",
            "1 refused -> passed",
            "1 could be decided otherwise for a fact that is not recorded; the policy left them alone",
            "requests by the rule of the policy that they match",
            "3 deny no secrets",
            "0 flag from afar",
        ]
    );
}

#[test]
fn nothing_that_changes_exits_with_0() {
    let place = Place::new("same");
    place.write("p.toml", "mode = 'observe'\n");
    place.write("r.jsonl", record(1, "a", "passed", ""));
    let ran = place.run(&["policy", "test", "p.toml", "r.jsonl"]);
    let line = "0 of 1 requests would be decided otherwise\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), line));
}

#[test]
fn lines_that_are_no_records_are_named() {
    let place = Place::new("lines");
    place.write("p.toml", "mode = 'observe'\n");
    let good = record(1, "a", "passed", "");
    for (line, start) in [
        (
            "{}".to_owned(),
            "this is no record of CloneGuard (missing field `kind`",
        ),
        (
            "x".to_owned(),
            "this is no record of CloneGuard (expected value",
        ),
        (
            good.replace("passed", "odd"),
            "verdict \"odd\" is not one that this build knows",
        ),
        (good.replace("S-1-5-18", "me"), "user_sid \"me\" is no SID"),
        (
            good.replace(r#""rules":[]"#, r#""rules":[{"id":200}]"#),
            "there is no rule 200",
        ),
        (" ".repeat(2 << 20), "the line is longer than 1 MiB"),
    ] {
        place.write("r.jsonl", format!("{good}{line}"));
        let ran = place.run(&["policy", "test", "p.toml", "r.jsonl"]);
        assert_eq!(ran.code, Some(4), "{start}");
        assert!(
            ran.err.starts_with(&format!("r.jsonl:2: {start}")),
            "{}",
            ran.err
        );
    }
    place.write("r.jsonl", b"\xFF\n");
    let ran = place.run(&["policy", "test", "p.toml", "r.jsonl"]);
    assert_eq!(ran.err, "r.jsonl:1: the line is not UTF-8\n");
}
