//! Every mutation of a source, each with a name that stays when lines move.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Context as _, Result};
use syn::visit::Visit as _;

use super::operators::{Site, Walk};
use super::source::{Enums, Source};
use super::table;

/// One place of the guard, and what it is exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mutation {
    /// `FILE/PLACE/KIND`, with `#N` for the second and later ones of a kind.
    pub(super) name: String,
    /// The name of the file without its extension.
    pub(super) file: &'static str,
    /// The file, relative to the root.
    pub(super) path: String,
    pub(super) line: usize,
    /// The text of the function, constant or rule that it is in.
    pub(super) item: String,
    range: Range<usize>,
    replacement: String,
}

impl Mutation {
    /// The text with the mutation in it.
    pub(super) fn apply(&self, text: &str) -> Result<String> {
        let parts = text.get(..self.range.start).zip(text.get(self.range.end..));
        let (before, after) = parts.with_context(|| format!("{} has no place", self.name))?;
        Ok([before, &self.replacement, after].concat())
    }

    /// The rule of the table that it is about. The constants beside the table have no rule's name.
    pub(super) fn rule(&self) -> Option<&str> {
        let rest = self.name.strip_prefix("table/")?;
        let (rule, _) = rest.split_once('/')?;
        (!rule.contains(|letter: char| letter.is_ascii_uppercase())).then_some(rule)
    }

    /// What is done to the place: the last part of the name.
    pub(super) fn kind(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// Every mutation of one source.
pub(super) fn of(source: &Source, enums: &Enums) -> Result<Vec<Mutation>> {
    let mut walk = Walk::new(&source.text, enums);
    walk.visit_file(&source.syntax);
    let mut sites = walk.sites;
    if source.name == "table" {
        sites.extend(table::sites(source, enums)?);
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    Ok(sites
        .into_iter()
        .map(|site| named(source, site, &mut seen))
        .collect())
}

fn named(source: &Source, site: Site, seen: &mut HashMap<String, usize>) -> Mutation {
    let name = format!("{}/{}/{}", source.name, site.context, site.kind);
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    let name = match *count {
        1 => name,
        count => format!("{name}#{count}"),
    };
    Mutation {
        name,
        file: source.name,
        path: source.path.clone(),
        line: source.line(site.range.start),
        item: source.text.get(site.item).unwrap_or_default().to_owned(),
        range: site.range,
        replacement: site.replacement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::{self, source};

    /// The kinds of mutations of a text, in the order of their places.
    fn mutations(name: &'static str, text: &str) -> Vec<(String, String)> {
        let source = Source::new(name, text.to_owned()).unwrap();
        let mut enums = Enums::default();
        enums.add(&source.syntax);
        let mutations = of(&source, &enums).unwrap();
        let described = mutations.iter().map(|mutation| {
            let mutated = mutation.apply(text).unwrap();
            syn::parse_file(&mutated).unwrap();
            (mutation.name.clone(), mutated)
        });
        described.collect()
    }

    /// What becomes of the one line of a function of these two, by the kind of mutation.
    fn of_line(line: &str) -> Vec<(String, String)> {
        let text =
            |line: &str| format!("enum E {{ A, B, C }} fn f(a: u8, b: E) -> u8 {{ {line} }}");
        let (start, end) = text("|")
            .split_once('|')
            .map(|(s, e)| (s.len(), e.len()))
            .unwrap();
        let found = mutations("check", &text(line)).into_iter();
        found
            .map(|(name, mutated)| {
                let kind = name.strip_prefix("check/f/").unwrap().to_owned();
                (kind, mutated[start..mutated.len() - end].to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn expect(line: &str, expected: &[(&str, &str)]) {
        let found = of_line(line);
        let found: Vec<_> = found
            .iter()
            .map(|(k, m)| (k.as_str(), m.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn comparisons_are_moved_by_one_and_turned_round() {
        expect(
            "g(a < b)",
            &[("lt-le", "g(a <= b)"), ("lt-ge", "g(a >= b)")],
        );
        expect("g(a == b)", &[("eq-ne", "g(a != b)")]);
        expect("g(!a)", &[("not-dropped", "g(a)")]);
    }

    #[test]
    fn each_operand_of_a_condition_is_left_out() {
        let expected = [
            ("and-or", "g(a || b)"),
            ("left-alone", "g(a)"),
            ("right-alone", "g(b)"),
        ];
        expect("g(a && b)", &expected);
        let expected = [
            ("if-true", "if true { g() }"),
            ("if-false", "if false { g() }"),
        ];
        expect("if a { g() }", &expected);
        // Without its name the rest would not build.
        expect(
            "if let Some(c) = a && c { g() }",
            &[("left-alone", "if let Some(c) = a { g() }")],
        );
    }

    #[test]
    fn numbers_and_bits_change_by_one() {
        expect("g(7)", &[("7-6", "g(6)"), ("7-8", "g(8)")]);
        expect("g(0)", &[("0-1", "g(1)")]);
        let expected = [
            ("0x60-0x40", "g(0x40)"),
            ("0x60-0x5f", "g(0x5f)"),
            ("0x60-0x61", "g(0x61)"),
        ];
        expect("g(0x60)", &expected);
    }

    #[test]
    fn variants_are_exchanged_where_they_are_values() {
        expect("g(E::C)", &[("C-A", "g(E::A)"), ("C-B", "g(E::B)")]);
        let expected = [
            ("0-1", "match b { E::A if a => 1, _ => x }"),
            ("guard-true", "match b { E::A if true => 0, _ => x }"),
            ("guard-false", "match b { E::A if false => 0, _ => x }"),
        ];
        let mut found = of_line("match b { E::A if a => 0, _ => x }");
        found.sort();
        let mut expected = expected.map(|(kind, line)| (kind.to_owned(), line.to_owned()));
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn calls_are_exchanged_and_left_out() {
        expect("g(a.is_some())", &[("is_some-is_none", "g(a.is_none())")]);
        expect("g(a.filter(h))", &[("filter-dropped", "g(a)")]);
        expect("g(Some(a))", &[("Some-None", "g(None)")]);
        expect("a.set(b); b", &[("statement-dropped", " b")]);
        expect(
            "g(matches!(a, E::A))",
            &[("matches-not", "g(!matches!(a, E::A))")],
        );
    }

    #[test]
    fn tests_attributes_types_and_comments_are_passed_by() {
        let text = "/// a < 1\n#[repr(align(8))] struct S([u8; 4]);\n// b == 2\n\
            const _: () = assert!(1 < 2);\n#[cfg(test)] mod tests { fn f() -> bool { 1 < 2 } }\n\
            #[test] fn g() { h(1 < 2); }";
        assert_eq!(mutations("check", text), []);
    }

    #[test]
    fn a_name_says_where_and_counts_from_the_second_on() {
        let text = "impl A { fn f(self) -> bool { self.b < 1 || self.c < 1 } }";
        let found = mutations("extent", text);
        let has = |name: &str| found.iter().any(|(found, _)| found == name);
        assert!(has("extent/A::f/lt-le") && has("extent/A::f/lt-le#2"));
        assert!(has("extent/A::f/returns-true") && !has("extent/A::f/lt-le#3"));
    }

    #[test]
    fn each_rule_is_dropped_fired_reclassed_reanswered_and_exchanged() {
        let rule = |name: &str, class: &str, answer: &str| {
            format!(
                "Rule {{ name: \"{name}\", class: Class::{class}, answer: Answer::{answer}, check: |s| s.a }}"
            )
        };
        let one = rule("one", "Definite", "Status(ACCESS_DENIED)");
        let other = rule("other", "Note", "Never");
        let text = format!("const RULES: [Rule; 2] = [{one}, {other}];");
        let found = mutations("table", &text);
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "table/one/drop",
            "table/one/always",
            "table/one/class-strict",
            "table/one/class-note",
            "table/one/status-invalid_parameter",
            "table/one/status-never",
            "table/other/drop",
            "table/other/always",
            "table/other/class-definite",
            "table/other/class-strict",
            "table/other/status-invalid_parameter",
            "table/one/order",
        ];
        assert_eq!(names, expected);
        let dropped = text.replacen("|s| s.a", "|_| Finding::Silent", 1);
        assert_eq!(found[0].1, dropped);
        assert_eq!(
            found[11].1,
            format!("const RULES: [Rule; 2] = [{other}, {one}];")
        );
    }

    #[test]
    fn no_two_mutations_of_the_repository_have_one_name() {
        let sources = source::read().unwrap();
        let mutations = mutate::mutations(&sources).unwrap();
        let mut names: Vec<_> = mutations.iter().map(|mutation| &mutation.name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
