//! Paths: `\dir\name`, compared without regard to case.
//!
//! Components follow \[MS-FSCC\] 2.1.5.2. Named streams are not modelled: ReFS limits them to 128 KB and
//! the sources disagree whether they can be cloned; a path with a colon is STATUS_OBJECT_NAME_INVALID,
//! as on a file system without them (\[MS-FSA\] note 47). Names are Rust strings, so a name with an
//! unpaired surrogate cannot be modelled either.

use super::status::Status;

/// A path, split and found well formed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// The components; none for the root.
    pub(super) components: Vec<&'a str>,
    /// Whether the path ended in a backslash.
    pub(super) trailing: bool,
}

/// Splits a path at its backslashes; the leading one is optional.
///
/// # Errors
/// STATUS_OBJECT_NAME_INVALID for an empty component, one longer than 255 UTF-16 units, `.` or `..`,
/// and for a character that a name cannot have.
pub(super) fn split(path: &str) -> Result<Path<'_>, Status> {
    let inner = path.strip_prefix('\\').unwrap_or(path);
    if inner.is_empty() {
        return Ok(Path {
            components: Vec::new(),
            trailing: false,
        });
    }
    let trailing = inner.ends_with('\\');
    let inner = inner.strip_suffix('\\').unwrap_or(inner);
    let components: Vec<&str> = inner.split('\\').collect();
    if components.iter().all(|component| is_valid(component)) {
        Ok(Path {
            components,
            trailing,
        })
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

    #[test]
    fn splits_at_backslashes() {
        assert_eq!(
            split(r"\"),
            Ok(Path {
                components: vec![],
                trailing: false
            })
        );
        assert_eq!(
            split(r"\a\B c"),
            Ok(Path {
                components: vec!["a", "B c"],
                trailing: false
            })
        );
        assert_eq!(
            split(r"a\b\"),
            Ok(Path {
                components: vec!["a", "b"],
                trailing: true
            })
        );
    }

    #[test]
    fn refuses_what_a_name_cannot_have() {
        let long = "x".repeat(256);
        for path in [
            r"\a\\b",
            r"\..\a",
            r"\.",
            r"\a:s",
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
