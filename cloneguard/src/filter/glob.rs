//! Patterns with `*` (any characters) and `?` (one character), in upper and lower case alike.

/// Whether a text fits a pattern as a whole. Takes at most as many steps as both are long, multiplied.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text, pattern);
    // Where to go on after the last `*` if what follows it does not fit: one character further.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let (wanted, after_wanted) = split(pattern);
        if wanted == Some('*') {
            retry = Some((text, after_wanted));
            pattern = after_wanted;
            continue;
        }
        let (found, after_found) = split(text);
        let fits = match (found, wanted) {
            (None, None) => return true,
            (Some(found), Some(wanted)) => wanted == '?' || is_same(found, wanted),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits {
            (text, pattern) = (after_found, after_wanted);
            continue;
        }
        let Some((from, after_star)) = retry else {
            return false;
        };
        let (Some(_), next) = split(from) else {
            return false;
        };
        retry = Some((next, after_star));
        (text, pattern) = (next, after_star);
    }
}

/// Whether two texts are the same but for upper and lower case.
pub(super) fn is_same_text(left: &str, right: &str) -> bool {
    let mut right = right.chars();
    let same = |left| right.next().is_some_and(|right| is_same(left, right));
    left.chars().all(same) && right.next().is_none()
}

/// The first character and what follows it.
fn split(text: &str) -> (Option<char>, &str) {
    let mut characters = text.chars();
    let first = characters.next();
    (first, characters.as_str())
}

/// Whether two characters are the same but for upper and lower case.
fn is_same(left: char, right: char) -> bool {
    left == right || upper(left) == upper(right)
}

/// The upper case of a character, as long as that is one character, as for names of files.
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_like, is_same_text};
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (text, pattern) in [
            ("", ""),
            ("", "*"),
            ("", "***"),
            (r"\a\B.exe", r"\A\b.EXE"),
            (r"\a\b.exe", "*.exe"),
            (r"\a\b.exe", r"*\b*"),
            ("größe", "GRÖ?E"),
            ("aab", "*ab"),
            ("mississippi", "*iss*ip*"),
            ("ß", "ß"),
        ] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("", "?"),
            ("a", ""),
            (r"\a\b.exe.txt", "*.exe"),
            ("ab", "a?b"),
            ("mississippi", "*iss*ipx*"),
            ("ß", "ss"),
        ] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn the_same_text_is_as_long() {
        assert!(is_same_text("Größe", "gRÖßE"));
        assert!(!is_same_text("a", "ab"));
        assert!(!is_same_text("ab", "a"));
        assert!(!is_same_text("ab", "ac"));
    }

    #[test]
    fn a_pattern_that_fits_in_many_ways_is_decided_soon() {
        // With a step for each way this would not end in the life of the machine.
        let text = "a".repeat(2000);
        assert!(!is_like(&text, &format!("{}b", "*a".repeat(500))));
    }

    /// The definition, in as many steps as there are ways.
    fn is_like_by_definition(text: &[char], pattern: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(('*', rest)), first) => {
                is_like_by_definition(text, rest)
                    || first.is_some_and(|(_, after)| is_like_by_definition(after, pattern))
            }
            (Some(_), None) => false,
            (Some((wanted, rest)), Some((found, after))) => {
                (*wanted == '?' || wanted == found) && is_like_by_definition(after, rest)
            }
        }
    }

    proptest! {
        #[test]
        fn every_pattern_is_decided_by_the_definition(text in "[ab]{0,8}", pattern in "[ab*?]{0,8}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = is_like_by_definition(&characters(&text), &characters(&pattern));
            prop_assert_eq!(is_like(&text, &pattern), expected);
        }
    }
}
