//! The output of `cargo test`, cut down to what a reader needs.
//!
//! Of a test binary that passed one line is left, `test result: ok. ..`; of one that failed, all it
//! said.

use std::fmt;
use std::io::{self, BufRead, Write};

/// How libtest begins the last line of every binary.
const LAST_LINE: &str = "test result: ";

/// What all binaries together ran.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    binaries: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            binaries,
            passed,
            failed,
            ignored,
        } = self;
        write!(
            f,
            "{passed} passed, {failed} failed, {ignored} ignored in {binaries} binaries"
        )
    }
}

/// Copies what matters of `from` to `to`, line by line, and adds up.
pub(super) fn copy(mut from: impl BufRead, mut to: impl Write) -> io::Result<Totals> {
    let mut totals = Totals::default();
    let mut held = Vec::new();
    loop {
        let start = held.len();
        if from.read_until(b'\n', &mut held)? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&held[start..]);
        let Some(result) = line.strip_prefix(LAST_LINE) else {
            continue;
        };
        totals.add(result);
        let shown = if result.starts_with("ok.") {
            &held[start..]
        } else {
            &held
        };
        to.write_all(shown)?;
        held.clear();
    }
    // A binary that ended without its last line did not end well.
    to.write_all(&held)?;
    to.flush()?;
    Ok(totals)
}

impl Totals {
    /// Adds a line such as `ok. 3 passed; 0 failed; 1 ignored; 0 measured; ..`.
    fn add(&mut self, result: &str) {
        self.binaries += 1;
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\nrunning 2 tests\ntest a ... ok\ntest b ... ignored\n\n\
        test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
    const BAD: &str = "\nrunning 1 test\ntest c ... FAILED\n---- c stdout ----\nleft: 1\n\
        test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";

    fn copied(text: &str) -> (String, Totals) {
        let mut to = Vec::new();
        let totals = copy(text.as_bytes(), &mut to).unwrap();
        (String::from_utf8(to).unwrap(), totals)
    }

    #[test]
    fn of_a_good_binary_the_last_line_is_left() {
        let (shown, totals) = copied(GOOD);
        assert_eq!(shown, GOOD.lines().last().unwrap().to_owned() + "\n");
        assert_eq!(
            totals,
            Totals {
                binaries: 1,
                passed: 1,
                failed: 0,
                ignored: 1
            }
        );
    }

    #[test]
    fn of_a_bad_binary_everything_is_left() {
        let (shown, totals) = copied(&[GOOD, BAD, GOOD].concat());
        assert!(shown.contains(BAD));
        assert!(!shown.contains("test a"));
        assert_eq!(
            totals,
            Totals {
                binaries: 3,
                passed: 2,
                failed: 1,
                ignored: 2
            }
        );
    }

    #[test]
    fn what_a_binary_said_before_it_died_is_left() {
        let (shown, totals) = copied(&[GOOD, "\nrunning 1 test\nfatal\n"].concat());
        assert!(shown.ends_with("\nrunning 1 test\nfatal\n"));
        assert_eq!(totals.binaries, 1);
    }

    #[test]
    fn a_test_that_prints_no_text_is_no_obstacle() {
        let mut to = Vec::new();
        let totals = copy(
            [b"\xff\xfe\n", GOOD.as_bytes()].concat().as_slice(),
            &mut to,
        )
        .unwrap();
        assert_eq!(totals.passed, 1);
    }
}
