//! Edits of the shipped INF file: 5 bytes each.

use crate::take;

/// Edits to begin with: some of lines, and some that a rule or a reader has to notice.
pub(super) fn seeds(text: &str) -> Vec<(&'static str, Vec<[u8; 5]>)> {
    let exchange = |line, word, with| exchange(text, line, word, with);
    let default = "HKR,\"Parameters\\Instances\",\"Def";
    let directory = vec![
        exchange("CloneGuard.DriverFiles  ", "13", "12"),
        exchange("ServiceBinary  = %13%", "13", "12"),
    ];
    vec![
        ("line-gone", vec![[0, 9, 0, 0, 0]]),
        ("line-doubled", vec![[1, 40, 41, 0, 0]]),
        ("line-repeated", vec![[3, 36, 0, 0, 10]]),
        ("continued", vec![append(text, "Dependencies", 0, "\\")]),
        ("blank-kept", vec![append(text, "Description = \"", 1, " ")]),
        ("lockdown", vec![exchange("PnpLockdown", "1", "0x1")]),
        ("altitude", vec![exchange("Altitude  ", "369999", "390000")]),
        ("flags", vec![exchange(default, "0x00000000", "+3")]),
        ("directory", directory),
    ]
}

/// The edit that makes a word of the line with this beginning one of [`WORDS`].
fn exchange(text: &str, line: &str, word: &str, with: &str) -> [u8; 5] {
    let (number, text) = found(text, line);
    let place = words(text).position(|(_, own)| own == word);
    [4, number, 0, place.expect("the word") as u8, known(with)]
}

/// The edit that adds one of [`WORDS`] to the line with this beginning, so many letters before its end.
fn append(text: &str, line: &str, before: usize, word: &str) -> [u8; 5] {
    let (number, text) = found(text, line);
    [6, number, 0, (text.len() - before) as u8, known(word)]
}

fn found<'a>(text: &'a str, begin: &str) -> (u8, &'a str) {
    let mut lines = text.lines().enumerate();
    let (number, line) = lines
        .find(|(_, line)| line.starts_with(begin))
        .unwrap_or_else(|| panic!("no line begins with {begin}"));
    (number as u8, line)
}

fn known(word: &str) -> u8 {
    let place = WORDS.iter().position(|known| *known == word);
    place.expect("one of the words") as u8
}

/// What an editor would not think of.
const WORDS: [&str; 24] = [
    "\\",
    "%",
    "\"",
    ";",
    ",",
    "=",
    "[",
    "]",
    "\r",
    " ",
    "+3",
    "0x1",
    "0x00010001",
    "%13%",
    "12",
    "HKLM",
    "390000",
    "AddReg",
    "DelReg",
    "CopyFiles",
    "Needs",
    "[Manufacturer]",
    "\u{A0}",
    "1",
];
/// Edits of one input.
const EDITS_MAX: usize = 32;
/// Lines of a file are not repeated beyond this length.
const TEXT_MAX: usize = 24 << 10;

/// The file with the edits that the bytes stand for.
pub(super) fn edited(text: &str, mut bytes: &[u8]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..EDITS_MAX {
        if bytes.is_empty() {
            break;
        }
        edit(&mut lines, take(&mut bytes));
    }
    lines.join("\n")
}

fn edit(lines: &mut Vec<String>, [kind, line, other, at, value]: [u8; 5]) {
    let count = lines.len().max(1);
    let (line, other) = (usize::from(line) % count, usize::from(other) % count);
    let Some(text) = lines.get(line).cloned() else {
        return;
    };
    let changed = match kind % 8 {
        0 => {
            lines.remove(line);
            return;
        }
        1 => {
            lines.insert(other, text);
            return;
        }
        2 => {
            lines.swap(line, other);
            return;
        }
        3 => {
            repeat(lines, line, 1 << (value % 12));
            return;
        }
        4 => exchanged(&text, at, WORDS[usize::from(value) % WORDS.len()]),
        5 => {
            let from = lines.get(other).map_or("", String::as_str);
            let words: Vec<_> = words(from).collect();
            let word = words.get(usize::from(value) % words.len().max(1));
            exchanged(&text, at, word.map_or("", |(_, word)| word))
        }
        6 => inserted(&text, at, WORDS[usize::from(value) % WORDS.len()]),
        _ => inserted(&text, at, char::from(value).encode_utf8(&mut [0; 4])),
    };
    lines[line] = changed;
}

fn repeat(lines: &mut Vec<String>, line: usize, times: usize) {
    let text = lines[line].clone();
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    let room = TEXT_MAX.saturating_sub(length) / (text.len() + 1);
    let again = std::iter::repeat_n(text, times.min(room));
    lines.splice(line..line, again);
}

/// The words of a line, with their places.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = [' ', ',', '=', '\\', '"', '%', '[', ']', '.'];
    let mut next = 0;
    let placed = line.split_inclusive(ends).map(move |part| {
        let at = next;
        next += part.len();
        (at, part.trim_end_matches(ends))
    });
    placed.filter(|(_, word)| !word.is_empty())
}

/// The line with another word.
fn exchanged(line: &str, number: u8, with: &str) -> String {
    let known: Vec<_> = words(line).collect();
    match known.get(usize::from(number) % known.len().max(1)) {
        Some((at, word)) => [&line[..*at], with, &line[at + word.len()..]].concat(),
        None => with.to_owned(),
    }
}

/// The line with something more.
fn inserted(line: &str, place: u8, more: &str) -> String {
    let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
    let at = usize::from(place) % (places.len() + 1);
    let at = places.get(at).copied().unwrap_or(line.len());
    [&line[..at], more, &line[at..]].concat()
}
