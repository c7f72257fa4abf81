//! Mutations of the table of rules: what may go wrong with a rule as a whole.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use syn::visit::Visit as _;
use syn::{Expr, ExprStruct, Item, Lit};

use super::operators::{Site, Walk};
use super::source::{Enums, Source, place};

/// The constant that holds the table.
pub(super) const RULES: &str = "RULES";
/// What another status is taken from.
const STATUSES: [&str; 2] = ["INVALID_PARAMETER", "ACCESS_DENIED"];
/// What another class is taken from; the rules of the policy and about ourselves stand alone.
const CLASSES: [&str; 3] = ["Definite", "Strict", "Note"];

/// A rule as it stands in the source.
struct Rule<'a> {
    name: String,
    syntax: &'a ExprStruct,
}

impl<'a> Rule<'a> {
    fn new(expression: &'a Expr) -> Result<Self> {
        let Expr::Struct(syntax) = expression else {
            anyhow::bail!("a rule of {RULES} is no struct");
        };
        let name = match field(syntax, "name")? {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(name) => name.value(),
                _ => anyhow::bail!("the name of a rule is no string"),
            },
            _ => anyhow::bail!("the name of a rule is no literal"),
        };
        Ok(Self { name, syntax })
    }
}

fn field<'a>(rule: &'a ExprStruct, name: &str) -> Result<&'a Expr> {
    let mut fields = rule.fields.iter();
    let found = fields.find(|field| matches!(&field.member, syn::Member::Named(id) if id == name));
    let found = found.with_context(|| format!("a rule of {RULES} has no {name}"))?;
    Ok(&found.expr)
}

fn rules(source: &Source) -> Result<Vec<Rule<'_>>> {
    let table = source.syntax.items.iter().find_map(|item| match item {
        Item::Const(item) if item.ident == RULES => Some(item.expr.as_ref()),
        _ => None,
    });
    let Some(Expr::Array(array)) = table else {
        anyhow::bail!("{} has no array {RULES}", source.path);
    };
    let rules: Vec<_> = array.elems.iter().map(Rule::new).collect::<Result<_>>()?;
    ensure!(!rules.is_empty(), "{} has no rules", source.path);
    Ok(rules)
}

/// Every mutation of every rule, those of the code in its check included.
pub(super) fn sites(source: &Source, enums: &Enums) -> Result<Vec<Site>> {
    let rules = rules(source)?;
    let mut sites = Vec::new();
    for rule in &rules {
        check(source, rule, &mut sites)?;
        class(rule, &mut sites)?;
        answer(source, rule, &mut sites)?;
        let check = field(rule.syntax, "check")?;
        let mut walk = Walk::new(&source.text, enums);
        walk.within(&rule.name, place(rule.syntax), |walk| {
            walk.visit_expr(check)
        });
        sites.extend(walk.sites);
    }
    for pair in rules.windows(2) {
        if let [one, other] = pair {
            let (first, second) = (place(one.syntax), place(other.syntax));
            let text = |range| source.text.get(range).unwrap_or_default();
            let swapped = [
                text(second.clone()),
                text(first.end..second.start),
                text(first),
            ]
            .concat();
            let range = place(one.syntax).start..place(other.syntax).end;
            sites.push(Site {
                item: range.clone(),
                ..site(one, "order", range, swapped)
            });
        }
    }
    Ok(sites)
}

fn site(
    rule: &Rule<'_>,
    kind: impl Into<String>,
    range: Range<usize>,
    replacement: impl Into<String>,
) -> Site {
    Site {
        context: rule.name.clone(),
        item: place(rule.syntax),
        kind: kind.into(),
        range,
        replacement: replacement.into(),
    }
}

/// The rule never says anything, or always fires.
fn check(source: &Source, rule: &Rule<'_>, sites: &mut Vec<Site>) -> Result<()> {
    let range = place(field(rule.syntax, "check")?);
    for (kind, finding) in [("drop", "Silent"), ("always", "Fires")] {
        let other = format!("|_| Finding::{finding}");
        // A rule that another part of the guard makes fire has nothing to drop.
        if source.text.get(range.clone()) != Some(&other) {
            sites.push(site(rule, kind, range.clone(), other));
        }
    }
    Ok(())
}

fn class(rule: &Rule<'_>, sites: &mut Vec<Site>) -> Result<()> {
    let Expr::Path(path) = field(rule.syntax, "class")? else {
        anyhow::bail!("the class of {} is no path", rule.name);
    };
    let present = path.path.segments.last().context("a class has a name")?;
    let others = CLASSES.into_iter().filter(|other| present.ident != other);
    for other in others.take(2) {
        let kind = format!("class-{}", other.to_lowercase());
        sites.push(site(rule, kind, place(present), other));
    }
    Ok(())
}

fn answer(source: &Source, rule: &Rule<'_>, sites: &mut Vec<Site>) -> Result<()> {
    let range = place(field(rule.syntax, "answer")?);
    let present = source.text.get(range.clone()).unwrap_or_default();
    let status = STATUSES.into_iter().find(|name| !present.contains(name));
    let status = status.context("there are two statuses")?;
    let kind = format!("status-{}", status.to_lowercase());
    let other = format!("Answer::Status({status})");
    sites.push(site(rule, kind, range.clone(), other));
    if present != "Answer::Never" {
        sites.push(site(rule, "status-never", range, "Answer::Never"));
    }
    Ok(())
}
