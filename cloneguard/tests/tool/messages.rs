//! Every message about a policy: the line and column, what is wrong, what to do.

use crate::Place;

/// Asserts that a policy is refused with exactly these lines.
fn refused(test: &str, text: impl AsRef<[u8]>, expected: &[&str]) {
    let place = Place::new(test);
    place.write("p.toml", text);
    for words in [
        ["policy", "check", "p.toml"],
        ["policy", "compile", "p.toml"],
    ] {
        let ran = place.run(&words);
        assert_eq!(ran.err.lines().collect::<Vec<_>>(), expected);
        assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""));
    }
    assert_eq!(place.names(), ["p.toml"], "nothing is written on error");
}

/// As `refused`, for one rule that begins in line 2, its keys from line 5 on.
fn rule_refused(test: &str, lines: &str, expected: &[&str]) {
    let rule = format!("mode = 'enforce'\n[[rule]]\nname = 'r'\neffect = 'deny'\n{lines}\n");
    refused(test, rule, expected);
}

const STRICT: &str = "strict rules are source-handle (40), source-kind (41), other-volume (42), \
                      source-access (43)";
const RULE_KEYS: &str =
    "the keys are name, effect, image, user, source, target, volume, remote and min-count";
const BEGINNINGS: &str = r"begin with *:\ or \ for any volume, with \Device\NAME\ (fltmc volumes lists them) or with \\?\Volume{GUID}\ (mountvol lists them)";
const VOLUMES: &str =
    r"write \Device\NAME (fltmc volumes lists them) or \\?\Volume{GUID} (mountvol lists them)";

#[test]
fn keys() {
    refused(
        "keys",
        "mode = 'enforce'\nrevison = 3\n[[rule]]\nname = 'r'\nefect = 'deny'\n",
        &[
            "p.toml:2:1: unknown key \"revison\" in a policy; the keys are mode, revision, enforce, \
             on-audit-loss, recheck, lock-until-reboot, summarise, journal-size and [[rule]]",
            "p.toml:3:1: a rule has no effect; add effect = ..., allow, flag or deny",
            &format!("p.toml:5:1: unknown key \"efect\" in a rule; {RULE_KEYS}"),
        ],
    );
}

#[test]
fn keys_that_must_be_there() {
    refused(
        "missing",
        "[[rule]]\n",
        &[
            "p.toml:1:1: a rule has no name; add name = ..., a text for people, other than those \
             of the other rules",
            "p.toml:1:1: a rule has no effect; add effect = ..., allow, flag or deny",
            "p.toml:1:1: the policy has no mode; add mode = ..., observe or enforce",
        ],
    );
}

#[test]
fn words_and_types() {
    refused(
        "types",
        "mode = 'observ'\non-audit-loss = 5\nrecheck = 'yes'\nsummarise = -1\nrevision = 1.5\n\
         enforce = 'x'\nlock-until-reboot = 0\nrule = 5\njournal-size = '1GB'\n",
        &[
            "p.toml:1:8: mode is \"observ\"; write observe or enforce",
            "p.toml:2:17: on-audit-loss is a TOML integer; write a string",
            "p.toml:3:11: recheck is a TOML string; write true or false",
            "p.toml:4:13: summarise is -1; write 0 to 4294967295",
            "p.toml:5:12: revision is a TOML float; write a whole number",
            "p.toml:6:11: enforce is a TOML string; write a list of rules",
            "p.toml:7:21: lock-until-reboot is a TOML integer; write true or false",
            "p.toml:8:8: rule is a TOML integer; write a list of tables",
            "p.toml:9:16: journal-size: \"1GB\" is no number of bytes; write 65536, \"64KiB\", \
             \"16MiB\", \"4GiB\" or \"1TiB\"",
        ],
    );
    let effect = "mode = 'enforce'\nrule = [5, {name = 'r', effect = 'refuse'}]\n";
    refused(
        "effects",
        effect,
        &[
            "p.toml:2:9: rule is a TOML integer; write a table, [[rule]]",
            "p.toml:2:34: effect is \"refuse\"; write allow or flag or deny",
        ],
    );
}

#[test]
fn rules_that_cannot_be_enforced() {
    let twenty_two = format!(
        "p.toml:2:16: rule 22, unaligned-count, is not strict: it is definite, and refuses in \
         enforce mode without being listed; leave it out; {STRICT}"
    );
    let fifteen = format!(
        "p.toml:2:20: rule 15, huge-count, is not strict: it only notes, and never refuses; \
         leave it out; {STRICT}"
    );
    refused(
        "enforce",
        "mode = 'enforce'\nenforce = [42, 22, 'huge-count', 'other-volume', 99, 'x', 0, -1, true]\n",
        &[
            &twenty_two,
            &fifteen,
            "p.toml:2:34: rule 42 is listed twice; leave one of them out",
            &format!("p.toml:2:50: there is no rule 99; {STRICT}"),
            &format!("p.toml:2:54: there is no rule \"x\"; {STRICT}"),
            &format!("p.toml:2:59: there is no rule 0; {STRICT}"),
            &format!("p.toml:2:62: there is no rule -1; {STRICT}"),
            "p.toml:2:66: a rule in enforce is a TOML boolean; write a name or a number",
        ],
    );
}

#[test]
fn patterns() {
    rule_refused(
        "patterns",
        "image = 'abc'\nsource = '\\a//b'\ntarget = '*:\\größe\\***'",
        &[
            &format!(
                "p.toml:5:9: image: the pattern \"abc\" does not name a volume or a path at \
                 character 1; {BEGINNINGS}"
            ),
            "p.toml:6:10: source: the pattern \"\\a//b\" has a slash at character 3; write \\ \
             between directories",
            "p.toml:7:10: target: the pattern \"*:\\größe\\***\" has more than two stars in a row \
             at character 12; write * for a part of one name, ** for any number of directories",
        ],
    );
    let follows = r"write one \ between names; end with \** for everything below a directory";
    rule_refused(
        "separators",
        r#"image = '\a\'
source = '\a\\b'
target = "\\a\tb""#,
        &[
            &format!(
                r#"p.toml:5:9: image: the pattern "\a\" has a \ behind which no name follows at character 3; {follows}"#
            ),
            &format!(
                r#"p.toml:6:10: source: the pattern "\a\\b" has a \ behind which no name follows at character 4; {follows}"#
            ),
            "p.toml:7:10: target: the pattern \"\\a\u{FFFD}b\" has the character '\\t' at character \
             3; write names in single quotes, 'like \\this', where \\ is an ordinary character",
        ],
    );
}

#[test]
fn patterns_with_the_type_of_a_stream() {
    let advice = "names are compared without it: leave out ::$DATA, or :$DATA behind a stream";
    rule_refused(
        "streams",
        r"source = '\a::$Data'",
        &[&format!(
            r#"p.toml:5:10: source: the pattern "\a::$Data" ends with the type of a stream; {advice}"#
        )],
    );
}

#[test]
fn patterns_of_a_wrong_length() {
    let long = "x".repeat(1024);
    rule_refused(
        "lengths",
        &format!("image = ''\nsource = '\\{long}'"),
        &[
            "p.toml:5:9: image: the pattern \"\" is empty or too long at character 1; write 1 to \
             1024 characters",
            &format!(
                "p.toml:6:10: source: the pattern \"\\{long}\" is empty or too long at character \
                 1025; write 1 to 1024 characters"
            ),
        ],
    );
}

#[test]
fn names_that_the_kernel_does_not_know() {
    let early = "begins with a name that the kernel replaces early";
    rule_refused(
        "drives",
        r"image = 'C:\x'
source = '\\server\share\x'
target = '\??\C:\x'
volume = 'D:'",
        &[
            &format!(
                r#"p.toml:5:9: image: "C:\x" begins with a drive letter, which the kernel does not know; {BEGINNINGS}"#
            ),
            &format!(r#"p.toml:6:10: source: "\\server\share\x" {early}; {BEGINNINGS}"#),
            &format!(r#"p.toml:7:10: target: "\??\C:\x" {early}; {BEGINNINGS}"#),
            &format!(
                r#"p.toml:8:10: volume: "D:" is a drive letter, which the kernel does not know; {VOLUMES}"#
            ),
        ],
    );
}

#[test]
fn volumes() {
    let guid = r"write \\?\Volume{01234567-89ab-cdef-0123-456789abcdef}, as mountvol shows it";
    let named = r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}";
    rule_refused(
        "volumes",
        &format!(
            "image = '{named}\\x'\nsource = '\\\\?\\Volume{{12}}\\x'\ntarget = '\\Device\\X'\nvolume = '\\x'"
        ),
        &[
            &format!(
                r#"p.toml:5:9: image: the pattern "{named}\x" names the volume of an image by GUID; images are known by device: begin with \ or *:\ for any volume, or with \Device\NAME\"#
            ),
            &format!(
                r#"p.toml:6:10: source: "\\?\Volume{{12}}\x" has no well-formed GUID; {guid}"#
            ),
            r#"p.toml:7:10: target: the pattern "\Device\X" names a volume and no path; add \** for everything on the volume"#,
            &format!(r#"p.toml:8:10: volume: "\x" names no volume; {VOLUMES}"#),
        ],
    );
    rule_refused(
        "devices",
        "source = '\\Device\\X*\\a'\ntarget = '\\Device\\\\a'\nvolume = '\\Device\\X\\a'\nimage = '\\Device\\X<\\a'",
        &[
            r#"p.toml:5:10: source: the device in "\Device\X*\a" has a wildcard at character 10; name one device, or begin with *:\ for any volume"#,
            r#"p.toml:6:10: target: "\Device\\a" names no device; write \Device\NAME; *:\Device\ is a directory"#,
            r#"p.toml:7:10: volume: the volume "\Device\X\a" goes on with a path, "\a"; name the volume alone; paths belong into source and target"#,
            r#"p.toml:8:9: image: the device in "\Device\X<\a" has the character '<' at character 10; no file name on Windows has it: take it out"#,
        ],
    );
}

#[test]
fn users_sizes_and_names() {
    let sid = "write it like S-1-5-32-544; whoami /user and whoami /groups list SIDs";
    rule_refused(
        "users",
        "user = 'S-1-5-x'\nremote = 1\nmin-count = '64KB'",
        &[
            &format!("p.toml:5:8: user: \"S-1-5-x\" is no SID, as character 7 shows; {sid}"),
            "p.toml:6:10: remote is a TOML integer; write true or false",
            "p.toml:7:13: min-count: \"64KB\" is no number of bytes; write 65536, \"64KiB\", \
             \"16MiB\", \"4GiB\" or \"1TiB\"",
        ],
    );
    let range = "write 1 to 9223372036854775807, or leave it out";
    rule_refused(
        "ranges",
        "min-count = 0",
        &[&format!("p.toml:5:13: min-count is out of range; {range}")],
    );
    rule_refused(
        "large",
        "min-count = '8388608TiB'",
        &[&format!("p.toml:5:13: min-count is out of range; {range}")],
    );
    refused(
        "names",
        "mode = 'enforce'\nrule = [{name = '', effect = 'deny'}, {name = \"a\\nb\", effect = 'flag', remote = true}]",
        &[
            "p.toml:2:17: name: it is empty or too long; write 1 to 1024 characters",
            "p.toml:2:47: name: it has a control character (a character cannot stand in this text); \
             write one line of text",
        ],
    );
}

#[test]
fn options_without_effect() {
    refused(
        "options",
        "mode = 'observe'\non-audit-loss = 'refuse'\n",
        &[
            "p.toml:2:17: on-audit-loss is refuse, but observe mode refuses nothing; write count, \
             or set mode = \"enforce\"",
        ],
    );
}

#[test]
fn contradictions() {
    let rule = |name: &str, effect: &str, lines: &str| {
        format!("[[rule]]\nname = '{name}'\neffect = '{effect}'\n{lines}\n")
    };
    let volume = |last: &str| format!(r"\\?\Volume{{01234567-89ab-cdef-0123-456789abcde{last}}}");
    let text = [
        "mode = 'enforce'\n".to_owned(),
        rule("a", "deny", r"source = '\Data\**'"),
        rule("b", "allow", r"source = '*:\data\**'"),
        rule("a", "deny", "source = '\\data\\sub\\*.x'\nmin-count = 1"),
        rule(
            "c",
            "flag",
            &format!(
                "target = '{}\\**'\nvolume = '{}\\'",
                volume("f"),
                volume("e")
            ),
        ),
    ];
    refused(
        "rules",
        text.concat(),
        &[
            "p.toml:6:1: rule \"b\" says allow where rule \"a\" in line 2 says deny under the same \
             conditions; keep one of them",
            "p.toml:10:1: rule \"a\" never matches: rule \"a\" in line 2 matches all that it would; \
             put the narrower rule first, or drop it",
            "p.toml:11:8: the name \"a\" is that of the rule in line 2 too; give each rule its own \
             name, which the audit shows",
            "p.toml:15:1: rule \"c\" names one volume in volume and another in target; volume is \
             that of the target: name the same one, or leave volume out",
        ],
    );
}

#[test]
fn notation() {
    refused(
        "notation",
        "mode = 'observe\nrevision = = 1\n",
        &[
            "p.toml:1:16: invalid literal string, expected `'`; correct the TOML; docs/policy.md \
             has examples",
            "p.toml:2:12: extra `=`, expected nothing; correct the TOML; docs/policy.md has examples",
            "p.toml:2:14: unexpected key or value, expected newline, `#`; correct the TOML; \
             docs/policy.md has examples",
        ],
    );
    refused(
        "escapes",
        "mode = 'observe'\n[[rule]]\nname = 'r'\neffect = 'flag'\nimage = \"*:\\dir\\x\"\n",
        &[
            "p.toml:5:13: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\\`, `\"`, `x`, `u`, `U`; write \
             names in single quotes, 'like \\this', where \\ is an ordinary character",
            "p.toml:5:18: too few unicode value digits, expected unicode hexadecimal value; write \
             names in single quotes, 'like \\this', where \\ is an ordinary character",
        ],
    );
}

#[test]
fn bytes_that_are_no_policy() {
    refused(
        "utf8",
        b"mode = 'observe'\nrevision = 1\n# gr\xF6\xDFe\n",
        &[
            "p.toml:3: byte 34 is not UTF-8; save the policy as UTF-8 text, or give a compiled \
             policy as it is",
        ],
    );
    let garbage: Vec<u8> = (0..10_000_000_u32).map(|at| (at * 7 % 251) as u8).collect();
    refused(
        "garbage",
        garbage,
        &[
            "p.toml:16711: byte 4194304 is on this line, and a policy must end before it; is this the right file?",
        ],
    );
}

#[test]
fn too_much() {
    let rules: Vec<String> = (0..16385)
        .map(|count| {
            format!(
                "[[rule]]\nname='{count}'\neffect='deny'\nmin-count={}\n",
                20_000 - count
            )
        })
        .collect();
    refused(
        "many",
        format!("mode = 'enforce'\n{}", rules.concat()),
        &["p.toml:65538:1: there are 16385 rules; at most 16384 fit: merge or drop some"],
    );
    let path = "x".repeat(1000);
    let rules: Vec<String> = (0..2400)
        .map(|at| format!("[[rule]]\nname='{at}'\neffect='deny'\nsource='\\{at}{path}'\n"))
        .collect();
    refused(
        "big",
        format!("mode = 'enforce'\n{}", rules.concat()),
        &[
            "p.toml: the policy is larger than 4 MiB once compiled; merge rules, or use wildcards \
             in place of lists of names",
        ],
    );
}

#[test]
fn more_errors_than_a_person_reads_are_counted() {
    let place = Place::new("count");
    let lines: Vec<String> = (0..60).map(|at| format!("x{at:02} = 1\n")).collect();
    place.write("p.toml", format!("mode = 'observe'\n{}", lines.concat()));
    let ran = place.run(&["policy", "check", "p.toml"]);
    assert_eq!(ran.err.lines().count(), 51);
    assert!(
        ran.err.ends_with("\n... and 10 more errors\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.starts_with("p.toml:2:1: unknown key \"x00\""));
}

#[test]
fn nothing_in_a_policy_moves_the_cursor() {
    let place = Place::new("cursor");
    place.write("p.toml", "mode = \"\\u001b[2J\"\n");
    let ran = place.run(&["policy", "check", "p.toml"]);
    assert!(ran.err.contains("mode is \"\u{FFFD}[2J\""), "{:?}", ran.err);
}
