//! INF files: sections of lines, with the strings put in.
//!
//! [`Inf`] is a file that could be read, [`Section`] and [`Line`] its parts. What they mean is for
//! [`install`](super::install) and [`rules`](super::rules) to say. The syntax:
//! <https://learn.microsoft.com/windows-hardware/drivers/install/general-syntax-rules-for-inf-files>

mod text;

use std::collections::BTreeMap;

use crate::problem::Problem;

/// An INF file.
#[derive(Debug)]
pub struct Inf {
    sections: Vec<Section>,
    /// Tokens that stand in the file and have no value, each with its line.
    pub undefined: Vec<(usize, String)>,
}

/// A section. If the file begins it several times, these are one.
#[derive(Debug)]
pub struct Section {
    /// What stands between the brackets.
    pub name: String,
    /// The number of the line that begins it.
    pub number: usize,
    /// Its lines, but for empty ones and comments.
    pub lines: Vec<Line>,
}

/// `key = value, value`, or the values alone.
#[derive(Debug)]
pub struct Line {
    /// Its number, from 1; that of the first if it goes on.
    pub number: usize,
    /// What stands before the equals sign, if there is one.
    pub key: Option<String>,
    /// What stands behind it, or all of it. Never empty: of nothing the one value is empty.
    pub values: Vec<String>,
}

impl Inf {
    /// Reads a file. Its encoding is ANSI without letters beyond ASCII, or UTF-16 with a mark.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let text = text::decode(bytes)?;
        let raw = sections(&text)?;
        let strings = strings(&raw);
        let mut undefined = Vec::new();
        let sections = raw
            .iter()
            .map(|section| section.resolved(&strings, &mut undefined))
            .collect();
        Ok(Self {
            sections,
            undefined,
        })
    }

    /// All sections, in the order in which they begin.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// A section by name. Names have no case.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.name.eq_ignore_ascii_case(name))
    }
}

impl Section {
    /// The lines with this key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.has_key(key))
    }

    /// The first value of the first line with this key.
    pub fn value<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        let line = self.all(key).next()?;
        line.values.first().map(String::as_str)
    }
}

impl Line {
    fn has_key(&self, key: &str) -> bool {
        self.key
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(key))
    }

    /// A value, or nothing where the line has none.
    pub fn get(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }
}

/// A section before its strings are put in.
struct Raw {
    name: String,
    number: usize,
    lines: Vec<RawLine>,
}

struct RawLine {
    number: usize,
    text: String,
}

impl Raw {
    fn resolved(
        &self,
        strings: &BTreeMap<String, String>,
        undefined: &mut Vec<(usize, String)>,
    ) -> Section {
        let lines = self.lines.iter().map(|line| {
            let mut tokens = text::Tokens {
                strings,
                undefined: Vec::new(),
            };
            let (key, values) = text::fields(&line.text, &mut tokens);
            undefined.extend(tokens.undefined.into_iter().map(|name| (line.number, name)));
            Line {
                number: line.number,
                key,
                values,
            }
        });
        let lines = lines.collect();
        Section {
            name: self.name.clone(),
            number: self.number,
            lines,
        }
    }
}

fn sections(text: &str) -> Result<Vec<Raw>, Problem> {
    let mut sections: Vec<Raw> = Vec::new();
    let mut current = None;
    for (number, line) in text::logical_lines(text)? {
        if line.is_empty() {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').map(str::trim);
            let name = name.filter(|name| !name.is_empty() && !name.contains(['[', ']']));
            let name = name.ok_or_else(|| Problem::at(number, "no name of a section"))?;
            current = Some(begin(&mut sections, name, number));
            continue;
        }
        let section = current.and_then(|index: usize| sections.get_mut(index));
        let section = section.ok_or_else(|| Problem::at(number, "no section has begun"))?;
        section.lines.push(RawLine { number, text: line });
    }
    if sections.is_empty() {
        return Err(Problem::whole("there is no section"));
    }
    Ok(sections)
}

/// The place of a section in the list, entered if it is new.
fn begin(sections: &mut Vec<Raw>, name: &str, number: usize) -> usize {
    let known = sections
        .iter()
        .position(|section| section.name.eq_ignore_ascii_case(name));
    known.unwrap_or_else(|| {
        sections.push(Raw {
            name: name.to_owned(),
            number,
            lines: Vec::new(),
        });
        sections.len() - 1
    })
}

/// The strings of the file, by name in small letters. They hold no tokens themselves.
fn strings(sections: &[Raw]) -> BTreeMap<String, String> {
    let none = BTreeMap::new();
    let is_strings = |section: &&Raw| section.name.eq_ignore_ascii_case("Strings");
    let lines = sections.iter().filter(is_strings).flat_map(|s| &s.lines);
    let pairs = lines.filter_map(|line| {
        let mut tokens = text::Tokens {
            strings: &none,
            undefined: Vec::new(),
        };
        let (key, values) = text::fields(&line.text, &mut tokens);
        Some((key?.to_ascii_lowercase(), values.join(",")))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "; a comment\r\n[Version]\r\nSignature = \"$Windows NT$\" ; another\r\n\
        Provider=%who%\r\n[Files]\r\na.sys\r\n[version]\r\nTwice = 1, \"b;c\",, \\\r\n 3\r\n\
        [Strings]\r\nWho = \"The \"\"authors\"\"\"\r\n";

    fn read(text: &str) -> Inf {
        Inf::read(text.as_bytes()).unwrap()
    }

    fn complaint(text: &str) -> String {
        Inf::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn sections_keys_and_values() {
        let inf = read(SMALL);
        let version = inf.section("VERSION").unwrap();
        assert_eq!(version.value("signature"), Some("$Windows NT$"));
        assert_eq!(version.value("Provider"), Some("The \"authors\""));
        let twice = version.all("Twice").next().unwrap();
        assert_eq!(twice.values, ["1", "b;c", "", "3"]);
        assert_eq!((twice.number, twice.get(9)), (8, ""));
        let files = &inf.section("Files").unwrap().lines;
        assert_eq!((files[0].key.as_deref(), files[0].get(0)), (None, "a.sys"));
        assert!(inf.section("File").is_none());
        assert_eq!(inf.sections().len(), 3);
    }

    #[test]
    fn tokens_are_put_in_beside_quotes_and_percent_signs_stay() {
        let inf = read(
            "[A]\nHKR,\"Instances\\\"%Name%,\"Alt\"\nx = %12%\\a.sys, %%windir%%, %none%\n\
             [Strings]\nname = \"Top one\"\n",
        );
        let lines = &inf.section("A").unwrap().lines;
        assert_eq!(lines[0].values, ["HKR", "Instances\\Top one", "Alt"]);
        assert_eq!(lines[1].values, ["%12%\\a.sys", "%windir%", "%none%"]);
        assert_eq!(inf.undefined, [(3, "none".to_owned())]);
    }

    #[test]
    fn utf_16_with_a_mark_is_read_and_other_letters_are_not() {
        let wide: Vec<u8> = "\u{FEFF}[Ä]\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(Inf::read(&wide).unwrap().section("Ä").is_some());
        assert!(complaint("[Ä]").contains("UTF-16"));
        assert!(Inf::read(&wide[..wide.len() - 1]).is_err());
    }

    #[test]
    fn bad_lines_are_told_by_number() {
        assert_eq!(complaint("a = 1\n"), "line 1: no section has begun");
        assert_eq!(complaint("\n[A\n"), "line 2: no name of a section");
        assert_eq!(complaint("[A]\nb = \"c\n"), "line 2: a quote does not end");
        assert_eq!(complaint("; nothing\n"), "there is no section");
    }
}
