//! Paths: `\dir\name`, compared without regard to case.
//!
//! Components follow \[MS-FSCC\] 2.1.5.2, stream names 2.1.5.3: the last component can end in `:stream`,
//! `:stream:$DATA` or `::$DATA`; other stream types are not modelled, and neither is that ReFS limits a
//! named stream to 128 KB. Names are Rust strings, so a name with an unpaired surrogate cannot be
//! modelled either.

use super::status::Status;

/// A path, split and found well formed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// The components; none for the root.
    pub(super) components: Vec<&'a str>,
    /// Whether the path ended in a backslash.
    pub(super) trailing: bool,
    /// The stream named behind the last component; empty for the unnamed one, said outright.
    pub(super) stream: Option<&'a str>,
}

/// Splits a path at its backslashes; the leading one is optional.
///
/// # Errors
/// STATUS_OBJECT_NAME_INVALID for an empty component, one longer than 255 UTF-16 units, `.` or `..`,
/// for a character that a name cannot have, and for a stream that is not a data stream.
pub(super) fn split(path: &str) -> Result<Path<'_>, Status> {
    let (path, stream) = split_stream(path)?;
    let inner = path.strip_prefix('\\').unwrap_or(path);
    if inner.is_empty() {
        return Ok(Path {
            components: Vec::new(),
            trailing: false,
            stream,
        });
    }
    let trailing = inner.ends_with('\\');
    let inner = inner.strip_suffix('\\').unwrap_or(inner);
    let components: Vec<&str> = inner.split('\\').collect();
    let valid = components.iter().all(|component| is_valid(component));
    if valid && !(trailing && stream.is_some()) {
        Ok(Path {
            components,
            trailing,
            stream,
        })
    } else {
        Err(Status::OBJECT_NAME_INVALID)
    }
}

/// Cuts the stream off a path.
fn split_stream(path: &str) -> Result<(&str, Option<&str>), Status> {
    let Some((path, stream)) = path.split_once(':') else {
        return Ok((path, None));
    };
    let (name, kind) = stream.split_once(':').unwrap_or((stream, ""));
    let typed = kind.eq_ignore_ascii_case("$DATA");
    let short = !name.contains(['\\', '/', '\0']) && name.encode_utf16().count() <= 255;
    if short && (typed || kind.is_empty() && !name.is_empty() && !stream.ends_with(':')) {
        Ok((path, Some(name)))
    } else {
        Err(Status::OBJECT_NAME_INVALID)
    }
}

fn is_valid(component: &str) -> bool {
    let length = component.encode_utf16().count();
    let forbidden = |c: char| c < ' ' || "\"\\/:|<>*?".contains(c);
    (1..=255).contains(&length)
        && component != "."
        && component != ".."
        && !component.contains(forbidden)
}

/// The form under which a name is found: every character in upper case that has one single such
/// character, as the file systems' upcase tables do.
#[must_use]
pub fn fold(name: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(single), None) => single,
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::{Path, Status, fold, split};

    fn path<'a>(
        components: &[&'a str],
        trailing: bool,
        stream: Option<&'a str>,
    ) -> Result<Path<'a>, Status> {
        Ok(Path {
            components: components.to_vec(),
            trailing,
            stream,
        })
    }

    #[test]
    fn splits_at_backslashes_and_colons() {
        assert_eq!(split(r"\"), path(&[], false, None));
        assert_eq!(split(r"\a\B c"), path(&["a", "B c"], false, None));
        assert_eq!(split(r"a\b\"), path(&["a", "b"], true, None));
        assert_eq!(split(r"\a:s*"), path(&["a"], false, Some("s*")));
        assert_eq!(split(r"\a:s:$data"), path(&["a"], false, Some("s")));
        assert_eq!(split(r"\a::$DATA"), path(&["a"], false, Some("")));
        assert_eq!(split(r"\:s"), path(&[], false, Some("s")));
    }

    #[test]
    fn refuses_what_a_name_cannot_have() {
        let long = "x".repeat(256);
        for path in [
            r"\a\\b",
            r"\..\a",
            r"\.",
            r"\a:",
            r"\a::",
            r"\a:s:",
            r"\a:s:$INDEX_ALLOCATION",
            r"\a:s\b",
            r"\a\:s",
            r"\a*",
            "\\a\u{1}",
            r"\a/b",
            long.as_str(),
        ] {
            assert_eq!(split(path), Err(Status::OBJECT_NAME_INVALID), "{path}");
        }
    }

    #[test]
    fn folds_one_character_to_one() {
        assert_eq!(fold("aé.Txt"), "AÉ.TXT");
        assert_eq!(fold("straße"), "STRAßE");
    }
}
