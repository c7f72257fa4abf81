//! Where unsafe may live, and how a module opts in.

use super::sources::Source;
use super::tokens::{self, List, Token};

/// The only places with unsafe code (CONTRIBUTING.md, `unsafe-one-home`), and why each is one. A
/// folder ends in a slash.
const HOMES: [(&str, &str); 10] = [
    ("flt/src/", "calls the kernel"),
    (
        "flt/tests/orders/",
        "the sources of flt under a model checker, and the kernel that they call",
    ),
    (DECLARATIONS, "foreign declarations, which the lint counts"),
    (
        "testbed/src/boundary/",
        "crosses the calling convention in both directions, memory shared with the image",
    ),
    ("cloneguard/src/live/windows.rs", "Win32 calls of the port"),
    ("tests/caller/src/nt", "calls ntdll"),
    (
        "tests/src/harness/sys/",
        "Win32 calls of the program for Windows",
    ),
    ("kit/startup/", "what a C runtime does before main"),
    ("kit/wine/", "a function of Windows that Wine lacks"),
    (
        "testbed/tests/images/",
        "drivers of a single file, data to the test-bed, some broken on purpose",
    ),
];

/// The home that may declare but not do: no unsafe blocks.
const DECLARATIONS: &str = "flt-sys/src/";

/// Every breach of a rule about unsafe.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let rust = sources.iter().filter(|source| source.is_rust());
    rust.flat_map(|source| match tokens::read(source) {
        Ok(tokens) => check_one(source, &tokens),
        Err(breach) => vec![breach],
    })
    .collect()
}

fn check_one(source: &Source, tokens: &[Token]) -> Vec<String> {
    let at = |line: usize, what: &str| format!("{}:{line}: {what}", source.path);
    let has_home = HOMES.iter().any(|(home, _)| source.path.starts_with(home));
    let mut breaches = Vec::new();
    if !has_home {
        let lines = tokens::lines_of(tokens, &["unsafe"]);
        breaches.extend(lines.map(|line| at(line, "unsafe outside its homes")));
    }
    if source.path.starts_with(DECLARATIONS) {
        let lines = tokens::lines_of(tokens, &["unsafe", "{"]);
        breaches
            .extend(lines.map(|line| at(line, "an unsafe block where only declarations may be")));
    }
    for list in tokens::lists_with(tokens, "unsafe_code") {
        breaches.extend(opt_in(&list, has_home).map(|what| at(list.line, what)));
    }
    if is_safe_root(&source.path) && !forbids(tokens) {
        breaches.push(at(
            1,
            "the crate does not open with #![forbid(unsafe_code)]",
        ));
    }
    breaches
}

/// What is wrong with an attribute that sets the level of the lint.
fn opt_in(list: &List<'_>, has_home: bool) -> Option<&'static str> {
    let says_why = list
        .content
        .windows(3)
        .any(|words| matches!(words, [a, b, c] if a.text == "reason" && b.text == "=" && c.text.len() > 2));
    match list.level {
        "forbid" | "deny" => None,
        "expect" if !has_home => Some("opts in to unsafe outside its homes"),
        "expect" if !says_why => Some("opts in to unsafe without a reason"),
        "expect" => None,
        _ => Some("opts in to unsafe by something else than expect"),
    }
}

/// Whether the file is the root of a library or program of a member without a home.
fn is_safe_root(path: &str) -> bool {
    let root = ["src/lib.rs", "src/main.rs"]
        .iter()
        .find_map(|root| path.strip_suffix(root));
    root.is_some_and(|member| {
        // The stand-in under kit/ is no member; its own manifest forbids.
        let has_home = HOMES.iter().any(|(home, _)| home.starts_with(member));
        !has_home && !member.starts_with("kit/")
    })
}

fn forbids(tokens: &[Token]) -> bool {
    tokens::lines_of(
        tokens,
        &["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"],
    )
    .next()
    .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The breaches of one file, without its name.
    fn breaches(path: &str, text: &str) -> Vec<String> {
        let found = check(&[Source::new(path, text)]);
        let prefix = format!("{path}:");
        let rest = |breach: &String| breach.strip_prefix(&prefix).unwrap().to_owned();
        found.iter().map(rest).collect()
    }

    const BLOCK: &str = "fn f(p: *const u8) -> u8 {\n    unsafe { g(\"text\", *p) }\n}\n";

    #[test]
    fn unsafe_has_its_homes() {
        for home in ["flt/src/a.rs", "testbed/src/boundary/b/c.rs"] {
            assert!(breaches(home, BLOCK).is_empty(), "{home}");
        }
        for other in [
            "driver/src/a.rs",
            "testbed/src/image.rs",
            "testbed/src/io/a.rs",
            "build.rs",
            "kit/wdk-build/src/a.rs",
        ] {
            assert_eq!(
                breaches(other, BLOCK),
                ["2: unsafe outside its homes"],
                "{other}"
            );
        }
    }

    #[test]
    fn every_form_of_unsafe_counts() {
        for form in [
            "unsafe impl Send for A {}",
            "unsafe fn f() {}",
            "unsafe extern \"C\" {}",
            "#[unsafe(no_mangle)] fn f() {}",
        ] {
            assert_eq!(breaches("driver/src/a.rs", form).len(), 1, "{form}");
        }
    }

    #[test]
    fn the_declarations_have_no_blocks() {
        assert!(breaches("flt-sys/src/a.rs", "unsafe extern \"system\" { fn f(); }").is_empty());
        assert_eq!(
            breaches("flt-sys/src/a.rs", BLOCK),
            ["2: an unsafe block where only declarations may be"]
        );
    }

    #[test]
    fn an_opt_in_is_an_expectation_with_a_reason_in_a_home() {
        let base = "#![expect(\n    unsafe_code,\n    reason = \"calls\"\n)]\n";
        assert!(breaches("flt/src/a.rs", base).is_empty());
        assert_eq!(
            breaches("driver/src/a.rs", base),
            ["2: opts in to unsafe outside its homes"]
        );
        for (from, to, what) in [
            ("reason = \"calls\"", "dead_code", "without a reason"),
            ("\"calls\"", "\"\"", "without a reason"),
            ("expect", "allow", "by something else than expect"),
            ("expect", "warn", "by something else than expect"),
        ] {
            let flipped = base.replace(from, to);
            let expected = format!("2: opts in to unsafe {what}");
            assert_eq!(breaches("flt/src/a.rs", &flipped), [expected]);
        }
    }

    #[test]
    fn the_second_opt_in_of_a_file_is_seen_too() {
        let text =
            "#[expect(unsafe_code, reason = \"a\")]\nmod a {}\n#[expect(unsafe_code)]\nmod b {}\n";
        assert_eq!(
            breaches("flt/src/a.rs", text),
            ["3: opts in to unsafe without a reason"]
        );
    }

    #[test]
    fn a_crate_without_a_home_forbids() {
        let forbidding = "//! A crate.\n#![forbid(unsafe_code)]\n";
        for root in ["guard/src/lib.rs", "xtask/src/main.rs"] {
            assert!(breaches(root, forbidding).is_empty());
            assert_eq!(breaches(root, "//! #![forbid(unsafe_code)]\n").len(), 1);
        }
        for exempt in [
            "flt/src/lib.rs",
            "guard/src/rules.rs",
            "kit/wdk-build/src/lib.rs",
        ] {
            assert!(breaches(exempt, "//! A crate.\n").is_empty(), "{exempt}");
        }
    }
}
