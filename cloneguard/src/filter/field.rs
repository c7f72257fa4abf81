//! The fields that a filter may name, and the values that each can have.

use super::Comparison;
use super::literal::Literal;
use super::pick::STANDING_FOR;
use crate::schema::{self, Shape};

/// Short names for what is asked for most.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("pid", "process_id"),
    ("tid", "thread_id"),
    ("bytes", "claim.byte_count"),
    ("duration", "duration_100ns"),
    ("ppid", "parent_process_id"),
    ("user", "user_sid"),
    ("boot", "boot_id"),
    ("rule", "rules"),
    ("code", "control_code"),
];

/// A field by its path, and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: super::Path,
    name: String,
    sort: Sort,
}

/// What the values of a field have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Word(Vec<&'static str>),
    Number,
    Flag,
    Time,
    /// A number that may have a name: a status, a rule.
    Named,
    /// An object that no one value stands for.
    Parts(Vec<&'static str>),
}

/// The field of a name.
pub(super) fn find(name: &str) -> Result<Place, String> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let full = alias.map_or(name, |(_, full)| full);
    let names: Vec<&str> = full.split('.').collect();
    let path = static_path(&names).ok_or_else(|| unknown(name))?;
    let mut sorts = schema::find(&names).map(|field| sort(field.shape));
    let first = sorts.next().ok_or_else(|| unknown(name))?;
    let sort = sorts.fold(first, Sort::joined);
    let name = name.to_owned();
    Ok(Place { path, name, sort })
}

/// The same names as the table has them.
fn static_path(names: &[&str]) -> Option<super::Path> {
    let ends = 1..=names.len();
    ends.map(|end| Some(schema::find(names.get(..end)?).next()?.name))
        .collect()
}

/// What the values of a shape have in common.
fn sort(shape: Shape) -> Sort {
    match shape {
        Shape::Text | Shape::Hex(_) | Shape::Bytes | Shape::Guid => Sort::Text,
        Shape::Word(words) => Sort::Word(words()),
        Shape::Number | Shape::Signed | Shape::Hex64 => Sort::Number,
        Shape::Code => Sort::Named,
        Shape::Flag => Sort::Flag,
        Shape::Time => Sort::Time,
        Shape::List(of) => sort(*of),
        Shape::Object(members) => {
            let names: Vec<&str> = members.iter().map(|member| member.name).collect();
            let has = |name| names.contains(&name);
            match STANDING_FOR.iter().any(|name| has(name)) {
                false => Sort::Parts(names),
                true if has("code") || has("id") => Sort::Named,
                true => Sort::Text,
            }
        }
    }
}

impl Sort {
    /// What a field can be that is one thing in records of one kind and another in those of another.
    /// A test holds that it is always of the same sort, but perhaps with other words.
    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Word(mut words), Self::Word(more)) => {
                let more = more.into_iter().filter(|word| !words.contains(word));
                let more: Vec<_> = more.collect();
                words.extend(more);
                Self::Word(words)
            }
            (first, _) => first,
        }
    }
}

/// What to say of a name that no field has.
fn unknown(name: &str) -> String {
    let near = schema::every_field().into_iter().map(|(path, _)| path);
    let near = near.chain(ALIASES.iter().map(|(alias, _)| (*alias).to_owned()));
    let near = near.min_by_key(|known| distance(name, known));
    let near = near.filter(|known| distance(name, known) <= 1 + name.len() / 4);
    let advice = near.map_or_else(
        || "`cloneguard schema --fields` lists all".to_owned(),
        |known| format!("is it `{known}`?"),
    );
    format!("no record has a field `{name}`; {advice}")
}

/// How many characters have to be changed, put in or left out (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, left) in left.chars().enumerate() {
        let mut above_left = number;
        let mut before = number + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(&right) {
            let changed = above_left + usize::from(left != *right);
            above_left = *cell;
            before = changed.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = number + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Place {
    /// The field whose value tells that this one is there: of parts, the first, which they all have.
    pub(super) fn told_by(self) -> super::Path {
        let mut path = self.path;
        if let Sort::Parts(parts) = &self.sort {
            path.extend(parts.first());
        }
        path
    }

    /// Whether values of the field can be compared so.
    pub(super) fn allows(&self, comparison: Comparison) -> Result<(), String> {
        let name = &self.name;
        let is_pattern = matches!(comparison, Comparison::Like | Comparison::NotLike);
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        match &self.sort {
            Sort::Parts(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|part| format!("{name}.{part}")).collect();
                let parts = parts.join(", ");
                Err(format!("`{name}` has parts: compare one of {parts}"))
            }
            Sort::Number | Sort::Time if is_pattern => Err(format!(
                "`{name}` is no text and fits no pattern; use = != < <= > >="
            )),
            Sort::Flag if !is_equality => Err(format!("`{name}` is true or false; use = or !=")),
            Sort::Text | Sort::Word(_) if !is_pattern && !is_equality => Err(format!(
                "`{name}` is a text and has no order; use = != ~ !~"
            )),
            _ => Ok(()),
        }
    }

    /// A value as this field reads it.
    pub(super) fn read(&self, literal: Literal, comparison: Comparison) -> Result<Literal, String> {
        let Literal { text, number, time } = literal;
        let is_pattern = matches!(comparison, Comparison::Like | Comparison::NotLike);
        let is_known = match &self.sort {
            Sort::Text | Sort::Parts(_) => true,
            Sort::Word(words) => {
                is_pattern || words.contains(&text.as_str()) || text.starts_with("unknown-")
            }
            Sort::Number => number.is_some(),
            Sort::Flag => text == "true" || text == "false",
            Sort::Time => time.is_some(),
            Sort::Named => {
                let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                is_pattern || is_equality || number.is_some()
            }
        };
        if !is_known {
            let (name, example) = (&self.name, self.example());
            return Err(format!("`{name}` is never `{text}`; {example}"));
        }
        let number = number.filter(|_| matches!(self.sort, Sort::Number | Sort::Named));
        let time = time.filter(|_| self.sort == Sort::Time);
        Ok(Literal { text, number, time })
    }

    /// What values of the field look like.
    pub(super) fn example(&self) -> String {
        match &self.sort {
            Sort::Text => "write a text, in quotes if it has blanks or signs".to_owned(),
            Sort::Word(words) => format!("it is one of {}", words.join(", ")),
            Sort::Number => {
                "write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)"
                    .to_owned()
            }
            Sort::Flag => "write true or false".to_owned(),
            Sort::Time => "write a time: 2026-11-24 or 2026-11-24T09:30:00Z".to_owned(),
            Sort::Named => "write its number or its name".to_owned(),
            Sort::Parts(parts) => format!("it has the parts {}", parts.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sort, find, sort};
    use crate::schema;

    #[test]
    fn a_name_means_the_same_sort_in_every_kind_of_record() {
        for (path, field) in schema::every_field() {
            let names: Vec<&str> = path.split('.').collect();
            let first = sort(field.shape);
            for other in schema::find(&names) {
                let other = sort(other.shape);
                let is_same = core::mem::discriminant(&first) == core::mem::discriminant(&other);
                assert!(is_same, "{path} is {first:?} and {other:?}");
            }
        }
    }

    #[test]
    fn words_of_all_kinds_are_known() {
        let Sort::Word(words) = find("event").unwrap().sort else {
            panic!("no list of words");
        };
        for word in ["applied", "not_attached", "connected"] {
            assert_eq!(
                words.iter().filter(|known| **known == word).count(),
                1,
                "{word}"
            );
        }
    }
}
