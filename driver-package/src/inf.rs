//! INF files: sections of lines, with the strings put in.
//!
//! [`Inf`] is a file that could be read, [`Section`] and [`Line`] its parts. What they mean is for
//! [`install`](super::install) and [`rules`](super::rules) to say. The syntax:
//! <https://learn.microsoft.com/windows-hardware/drivers/install/general-syntax-rules-for-inf-files>

mod fields;
mod text;

use std::collections::BTreeMap;

use crate::problem::Problem;
use fields::Tokens;

/// "A section name has a maximum length of 255 characters".
const NAME_MAX: usize = 255;

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
        let strings = strings(&raw)?;
        let mut undefined = Vec::new();
        let sections = raw
            .iter()
            .map(|section| section.resolved(&strings, &mut undefined))
            .collect::<Result<_, _>>()?;
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
    ) -> Result<Section, Problem> {
        let lines = self.lines.iter().map(|line| {
            let number = line.number;
            let mut tokens = Tokens::of(strings);
            let (key, values) = fields::read(number, &line.text, &mut tokens)?;
            undefined.extend(tokens.undefined.into_iter().map(|name| (number, name)));
            Ok(Line {
                number,
                key,
                values,
            })
        });
        Ok(Section {
            name: self.name.clone(),
            number: self.number,
            lines: lines.collect::<Result<_, Problem>>()?,
        })
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
            let name = name(rest).map_err(|what| Problem::at(number, what))?;
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

/// The name in a line that begins a section, of which the first bracket is gone.
fn name(rest: &str) -> Result<&str, &'static str> {
    let name = rest.strip_suffix(']').map(str::trim).unwrap_or_default();
    if name.is_empty() || name.contains(['[', ']', '%', '"']) || name.ends_with('\\') {
        return Err("no name of a section");
    }
    if name.encode_utf16().count() > NAME_MAX {
        return Err("the name of a section has more than 255 letters");
    }
    Ok(name)
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
fn strings(sections: &[Raw]) -> Result<BTreeMap<String, String>, Problem> {
    let none = BTreeMap::new();
    let is_strings = |section: &&Raw| section.name.eq_ignore_ascii_case("Strings");
    let lines = sections.iter().filter(is_strings).flat_map(|s| &s.lines);
    let mut strings = BTreeMap::new();
    for line in lines {
        let wrong = |what| Problem::at(line.number, what);
        let (key, values) = fields::read(line.number, &line.text, &mut Tokens::of(&none))?;
        let [value] = values.as_slice() else {
            return Err(wrong("a string with a comma has to be quoted"));
        };
        let key = key.ok_or_else(|| wrong("a string has no name"))?;
        // "Each string key in an INF file must specify a unique name" (INF Strings Section).
        if strings
            .insert(key.to_ascii_lowercase(), value.clone())
            .is_some()
        {
            return Err(wrong("a string of this name was there before"));
        }
    }
    Ok(strings)
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
        assert_eq!(complaint("[%A%]\n"), "line 1: no name of a section");
    }

    #[test]
    fn what_readers_may_take_for_different_things_is_refused() {
        // Windows ends a line there, and the comment in it.
        assert!(complaint("[A]\n; b\rc = 1\n").starts_with("line 2: a control character"));
        for strange in ["\0", "\u{B}", "\u{1A}"] {
            let said = complaint(&format!("[A]\nb = {strange}\n"));
            assert!(said.starts_with("line 2: a control character"), "{said}");
        }
        for token in ["%a;b%", "50% ; more", "\"50%\"", "%a"] {
            let said = complaint(&format!("[A]\nb = {token}\n"));
            assert_eq!(said, "line 2: a token does not end");
        }
        let said = complaint("[A]\nb = c\\\\ ; more\n,d\n");
        assert_eq!(
            said,
            "line 2: of two backslashes at the end Windows ignores one"
        );
        let said = "the line that begins a section cannot go on";
        assert_eq!(complaint("[A]\\\n"), format!("line 1: {said}"));
        assert_eq!(complaint("\\\n[A]\n"), format!("line 2: {said}"));
    }

    #[test]
    fn a_string_has_one_name_and_one_value() {
        let said = |line| complaint(&format!("[Strings]\na = \"b\"\n{line}\n"));
        assert_eq!(
            said("A = \"c\""),
            "line 3: a string of this name was there before"
        );
        assert_eq!(
            said("b = c, d"),
            "line 3: a string with a comma has to be quoted"
        );
        assert_eq!(said("c"), "line 3: a string has no name");
    }

    #[test]
    fn names_fields_and_files_have_a_longest() {
        let name = |length| format!("[{}]\n", "n".repeat(length));
        assert_eq!(read(&name(255)).sections().len(), 1);
        assert!(complaint(&name(256)).contains("more than 255 letters"));
        let field = |length| format!("[A]\n%b%\n[Strings]\nb = {}\n", "x".repeat(length));
        assert_eq!(read(&field(4095)).section("a").unwrap().lines.len(), 1);
        assert_eq!(
            complaint(&field(4096)),
            "line 4: a field of more than 4095 letters"
        );
        let put = field(4095).replace("%b%", "%b%%b%");
        assert_eq!(complaint(&put), "line 2: a field of more than 4095 letters");
        let file = |length: usize| format!("[A]\n{}", "\n".repeat(length - 4));
        assert_eq!(read(&file(64 << 10)).sections().len(), 1);
        assert_eq!(complaint(&file((64 << 10) + 1)), "it is longer than 64 KiB");
    }
}
