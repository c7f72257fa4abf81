//! Which cases and stages a run is about, by the words of the command line.

use glob::Pattern;

use crate::case::Case;
use crate::stages::StageKind;

/// How many near names an error names.
const SUGGESTIONS: usize = 3;

/// The cases that any of the patterns names, in the order of the list; all of them without a pattern.
///
/// # Errors
/// The pattern that names none, with the nearest ids.
pub(crate) fn cases(
    all: impl Iterator<Item = &'static Case>,
    patterns: &[String],
) -> Result<Vec<&'static Case>, String> {
    let all: Vec<&'static Case> = all.collect();
    if patterns.is_empty() {
        return Ok(all);
    }
    let mut globs = Vec::new();
    for text in patterns {
        let glob = Pattern::new(text).map_err(|error| format!("case \"{text}\": {error}"))?;
        if !all.iter().any(|case| glob.matches(case.id)) {
            let ids = all.iter().map(|case| case.id);
            return Err(unknown("case", text, ids));
        }
        globs.push(glob);
    }
    let is_named = |case: &&'static Case| globs.iter().any(|glob| glob.matches(case.id));
    Ok(all.into_iter().filter(is_named).collect())
}

/// The stages of these names, in the order of the list; all of them without a name.
///
/// # Errors
/// The name that no stage has, with the nearest ones.
pub(crate) fn stages(names: &[String]) -> Result<Vec<StageKind>, String> {
    for name in names {
        let mut known = StageKind::ALL.iter().map(|stage| stage.name());
        if !known.any(|known| known == name) {
            let known = StageKind::ALL.iter().map(|stage| stage.name());
            return Err(unknown("stage", name, known));
        }
    }
    let is_named = |stage: &StageKind| names.is_empty() || names.iter().any(|n| n == stage.name());
    Ok(StageKind::ALL.iter().copied().filter(is_named).collect())
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<(usize, &str)> = known
        .map(|known| (strsim::levenshtein(name, known), known))
        .collect();
    near.sort_unstable();
    let near: Vec<&str> = near.iter().take(SUGGESTIONS).map(|(_, id)| *id).collect();
    format!(
        "there is no {what} \"{name}\"; the nearest: {}",
        near.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{cases, stages};
    use crate::cases::all;
    use crate::stages::StageKind;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn patterns_name_families_and_the_order_is_that_of_the_list() {
        let named = cases(all(), &words(&["structure.ex-*", "structure.empty"])).unwrap();
        let ids: Vec<&str> = named.iter().map(|case| case.id).collect();
        assert_eq!(ids.first(), Some(&"structure.empty"));
        assert!(ids.len() > 3 && ids[1..].iter().all(|id| id.starts_with("structure.ex-")));
        assert_eq!(cases(all(), &[]).unwrap().len(), all().count());
    }

    #[test]
    fn an_unknown_name_is_answered_with_near_ones() {
        let error = cases(all(), &words(&["structure.plain-trailin"])).unwrap_err();
        assert!(error.contains("\"structure.plain-trailin\""), "{error}");
        assert!(error.contains("structure.plain-trailing"), "{error}");
        let error = stages(&words(&["bar"])).unwrap_err();
        assert!(error.contains("nearest: bare"), "{error}");
        assert!(cases(all(), &words(&["["])).is_err());
    }

    #[test]
    fn stages_run_in_their_order_and_once() {
        let named = stages(&words(&["observe", "bare", "bare"])).unwrap();
        assert_eq!(named, [StageKind::Bare, StageKind::Observe]);
        assert_eq!(stages(&[]).unwrap(), StageKind::ALL);
    }
}
