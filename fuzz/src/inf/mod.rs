//! INF files through the reader and the rules of `driver-package`.
//!
//! Input: how the rest is meant, then the bytes of a file, a text, or edits of the shipped file ([`edits`]). The
//! referee for what is read is a second reading ([`plain`]); for what the rules let pass, what has to be there
//! ([`promise`]); for what they say, the same file in other clothes.

mod edits;
mod plain;
mod promise;

use driver_package::inf::Inf;
use driver_package::problem::Problem;
use driver_package::rules::{self, RULES};
use driver_package::stamp;

use crate::take;
use plain::Plain;

/// The file as it is in the repository.
const INX: &str = include_str!("../../../inf/cloneguard.inx");
/// Any stamp will do.
const STAMP: &str = "11/26/2026,0.1.0.0";

/// Reads and judges a file.
///
/// # Panics
/// If the two readings differ, or the judgement has no ground.
pub fn body(mut bytes: &[u8]) {
    let [choice] = take(&mut bytes);
    let file = match choice % 4 {
        0 => bytes.to_vec(),
        1 => wide(&String::from_utf8_lossy(bytes)),
        2 => narrow_or_wide(&edits::edited(&shipped("amd64"), bytes)),
        _ => narrow_or_wide(&edits::edited(&shipped("arm64"), bytes)),
    };
    let read = Inf::read(&file);
    let text = plain::letters(&file);
    let plain = text.as_deref().and_then(plain::read);
    let judgement = Judgement::of(read.as_ref());
    if let Some(text) = &text {
        judgement.points_into(text);
        dressed_otherwise(text, &judgement);
    }
    match (&read, &plain) {
        (Ok(inf), Some(plain)) => assert_eq!(read_of(inf), *plain),
        (Err(_), None) => return,
        (Ok(inf), None) => panic!("it has to be refused: {inf:#?}"),
        (Err(problem), Some(plain)) => panic!("{problem}: {plain:#?}"),
    }
    if judgement.is_good() {
        promise::kept(&plain.unwrap_or_default());
    }
}

/// The INF file for an architecture.
#[must_use]
pub fn shipped(architecture: &str) -> String {
    let stamp = STAMP.parse().expect("a stamp");
    stamp::inf(INX, architecture, stamp).expect("one place for a stamp")
}

/// Inputs to begin with: the shipped file as it is, without its comments as bytes and as a text, and a few edits.
///
/// # Panics
/// If there is no such file.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let shipped = shipped("amd64");
    let lines = shipped.lines();
    let lines = lines.map(|line| line.split(';').next().unwrap_or_default().trim());
    // The descriptor has semicolons of its own.
    let security = shipped.lines();
    let security = security.filter(|line| line.starts_with("Security = \"D:"));
    let lines = lines.filter(|line| !line.is_empty() && !line.contains("\"D:"));
    let bare: Vec<&str> = lines.chain(security).collect();
    let bare = bare.join("\r\n");
    let form = |choice: u8, rest: &[u8]| [&[choice], rest].concat();
    let mut seeds = vec![
        ("shipped-amd64", form(2, &[])),
        ("shipped-arm64", form(3, &[])),
        ("bare", form(0, bare.as_bytes())),
        ("bare-wide", form(1, bare.as_bytes())),
    ];
    let edited = edits::seeds(&shipped).into_iter();
    seeds.extend(edited.map(|(name, edits)| (name, form(2, &edits.concat()))));
    seeds
}

/// A text as UTF-16 with a mark.
fn wide(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn narrow_or_wide(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        text.as_bytes().to_vec()
    } else {
        wide(text)
    }
}

/// What the library read, in the form of the second reading.
fn read_of(inf: &Inf) -> Plain {
    let sections = inf.sections().iter().map(|section| {
        let lines = section.lines.iter();
        let lines = lines.map(|line| (line.number, line.key.clone(), line.values.clone()));
        (section.name.clone(), section.number, lines.collect())
    });
    Plain {
        sections: sections.collect(),
        undefined: inf.undefined.clone(),
    }
}

/// What is said of a file.
#[derive(Debug, PartialEq, Eq)]
struct Judgement(Vec<(&'static str, Problem)>);

impl Judgement {
    fn of(read: Result<&Inf, &Problem>) -> Self {
        let inf = match read {
            Err(problem) => return Self(vec![("", problem.clone())]),
            Ok(inf) => inf,
        };
        let found = rules::breaches(inf);
        // A rule has something to say of a line, a value, a range; not of each with each.
        let values = |lines: &[driver_package::inf::Line]| -> usize {
            lines.iter().map(|line| line.values.len() + 1).sum()
        };
        let size: usize = inf
            .sections()
            .iter()
            .map(|own| values(&own.lines) + 1)
            .sum();
        assert!(
            found.len() <= RULES.len() * (size + 1),
            "{} of {size}",
            found.len()
        );
        let found = found.into_iter();
        Self(
            found
                .map(|breach| (breach.rule.id, breach.problem))
                .collect(),
        )
    }

    fn is_good(&self) -> bool {
        self.0.is_empty()
    }

    /// Each line that is blamed is one of the file.
    fn points_into(&self, text: &str) {
        let lines = text.split('\n').count();
        let mut blamed = self.0.iter().filter_map(|(_, problem)| problem.line);
        assert!(blamed.all(|line| (1..=lines).contains(&line)), "{self:?}");
    }

    /// The same, said of a file with so many lines before it.
    fn moved(&self, by: usize) -> Self {
        let moved = self.0.iter().map(|(rule, problem)| {
            let mut problem = problem.clone();
            problem.line = problem.line.map(|line| line + by);
            (*rule, problem)
        });
        Self(moved.collect())
    }
}

/// Of the same file with other ends of lines, in another encoding, with comments and blanks, the same is said.
fn dressed_otherwise(text: &str, judgement: &Judgement) {
    let unix = text.replace("\r\n", "\n");
    // With a few bytes more for each line, and two for each letter, it must not become too long.
    let longest = 2 * (unix.len() + 8 * (unix.split('\n').count() + 1));
    if longest > plain::FILE_MAX || unix.contains('\r') {
        return;
    }
    let say = |file: &[u8]| Judgement::of(Inf::read(file).as_ref());
    let dressed: Vec<&str> = unix.split('\n').collect();
    let each = |dress: fn(&str) -> String| {
        let lines = dressed.iter().map(|line| dress(line));
        say(&narrow_or_wide(&lines.collect::<Vec<_>>().join("\r\n")))
    };
    assert_eq!(say(&wide(&unix)), *judgement, "as UTF-16");
    assert_eq!(each(str::to_owned), *judgement, "with returns");
    assert_eq!(
        each(|line| format!("\t {line} ")),
        *judgement,
        "with blanks"
    );
    let above = format!("; [one] % \" \\\n\n{unix}");
    assert_eq!(
        say(&narrow_or_wide(&above)),
        judgement.moved(2),
        "further down"
    );
    // Behind a quote or a token that does not end it would be no comment.
    if judgement.0.iter().all(|(rule, _)| !rule.is_empty()) {
        assert_eq!(
            each(|line| format!("{line};%\"=\\")),
            *judgement,
            "with comments"
        );
    }
}
