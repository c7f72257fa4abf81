//! A file of Wine's registry.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

/// How such a file begins.
const HEAD: &str = "WINE REGISTRY Version 2";

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u32),
    /// Of another type, as it stands in the file.
    Other(String),
}

/// The keys of a file, and their values. Names are in small letters, as the registry makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hive {
    keys: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Hive {
    pub(super) fn read(text: &str) -> Result<Self> {
        ensure!(
            text.starts_with(HEAD),
            "this is no registry of Wine's that is known here"
        );
        let mut keys: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut current = None;
        let joined = text.replace("\\\r\n  ", "").replace("\\\n  ", "");
        for line in joined.lines() {
            if let Some(rest) = line.strip_prefix('[') {
                let (name, _) = rest.rsplit_once(']').context("a key without an end")?;
                let name = unescaped(name).to_lowercase();
                keys.entry(name.clone()).or_default();
                current = Some(name);
            } else if line.starts_with(['"', '@']) {
                let values = current.as_ref().and_then(|name| keys.get_mut(name));
                let (name, value) = value(line)
                    .with_context(|| format!("a value that is not understood: {line}"))?;
                values
                    .context("a value in no key")?
                    .insert(name.to_lowercase(), value);
            }
        }
        Ok(Self { keys })
    }

    /// The values of a key; nothing if there is no such key.
    pub(super) fn key(&self, name: &str) -> Option<&BTreeMap<String, Value>> {
        self.keys.get(&name.to_lowercase())
    }

    /// The keys below one, at whatever depth.
    pub(super) fn below<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let begin = format!("{}\\", name.to_lowercase());
        let names = self.keys.keys();
        names.filter_map(move |key| key.strip_prefix(&begin))
    }

    /// Every key and value in whose name or data a word stands. The word is in small letters.
    pub(super) fn mentions(&self, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (key, values) in &self.keys {
            if key.contains(word) {
                found.push(format!("the key {key}"));
            }
            let named = values.iter().filter(|(name, value)| {
                name.contains(word) || value.text().to_lowercase().contains(word)
            });
            found.extend(named.map(|(name, _)| format!("the value {name} of {key}")));
        }
        found
    }
}

impl Value {
    /// What can be read in it.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Other(text) => text,
            Self::Number(_) => "",
        }
    }
}

/// `"name"=...`, or `@=...` for the one without a name.
fn value(line: &str) -> Option<(String, Value)> {
    let (name, data) = match line.strip_prefix('@') {
        Some(rest) => (String::new(), rest),
        None => quoted(line)?,
    };
    let data = data.strip_prefix('=')?;
    let value = if data.starts_with('"') {
        Value::Text(quoted(data)?.0)
    } else if let Some(digits) = data.strip_prefix("dword:") {
        Value::Number(u32::from_str_radix(digits, 16).ok()?)
    } else {
        Value::Other(data.to_owned())
    };
    Some((name, value))
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (index, letter) in inner.char_indices() {
        match letter {
            '"' if !is_escaped => {
                let rest = inner.get(index + 1..)?;
                return Some((unescaped(inner.get(..index)?), rest));
            }
            _ => is_escaped = letter == '\\' && !is_escaped,
        }
    }
    None
}

/// Takes the backslash from letters that have one before them.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.extend(letters.next()),
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "WINE REGISTRY Version 2\n;; All keys relative to REGISTRY\\\\Machine\n\n#arch=win64\n\n\
        [System\\\\Services\\\\A b] 1795668732\n#time=1dd7d61e6c7e882\n@=\"none\"\n\
        \"Image\\\\Path\"=\"C:\\\\win \\\"x\\\"\\\\a.sys\"\n\"Type\"=dword:0000000f\n\
        \"List\"=str(7):\"a\\0b\\0\"\n\"Bytes\"=hex:00,01,\\\n  02\n\n[System\\\\Services\\\\A b\\\\Parameters] 1\n";

    fn hive() -> Hive {
        Hive::read(FILE).unwrap()
    }

    #[test]
    fn keys_and_values() {
        let hive = hive();
        let values = hive.key("SYSTEM\\services\\a B").unwrap();
        assert_eq!(values[""], Value::Text("none".to_owned()));
        assert_eq!(
            values["image\\path"],
            Value::Text("C:\\win \"x\"\\a.sys".to_owned())
        );
        assert_eq!(values["type"], Value::Number(15));
        assert_eq!(values["bytes"], Value::Other("hex:00,01,02".to_owned()));
        assert_eq!(values.len(), 5);
        assert_eq!(
            hive.below("System\\Services").collect::<Vec<_>>(),
            ["a b", "a b\\parameters"]
        );
        assert!(hive.key("System").is_none());
    }

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        assert_eq!(
            hive().mentions("a.sys"),
            ["the value image\\path of system\\services\\a b"]
        );
        assert_eq!(
            hive().mentions("bytes"),
            ["the value bytes of system\\services\\a b"]
        );
        assert_eq!(
            hive().mentions("parameters"),
            ["the key system\\services\\a b\\parameters"]
        );
        assert_eq!(hive().mentions("cloneguard"), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(Hive::read("REGEDIT4\n").is_err());
        assert!(Hive::read("WINE REGISTRY Version 2\n\"a\"=dword:1\n").is_err());
        assert!(Hive::read("WINE REGISTRY Version 2\n[A] 1\n\"a\n").is_err());
    }
}
