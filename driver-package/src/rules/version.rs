//! `[Version]`.

use super::when;
use crate::inf::Inf;
use crate::problem::Problem;
use crate::stamp::Stamp;

/// What a section says, or nothing.
fn value<'a>(inf: &'a Inf, key: &'a str) -> &'a str {
    let version = inf.section("Version");
    version.and_then(|version| version.value(key)).unwrap_or("")
}

pub(super) fn signature(inf: &Inf) -> Vec<Problem> {
    let is_right = value(inf, "Signature").eq_ignore_ascii_case("$Windows NT$");
    when(!is_right, || {
        "[Version] needs Signature = \"$Windows NT$\"".to_owned()
    })
}

pub(super) fn provider(inf: &Inf) -> Vec<Problem> {
    let is_theirs = value(inf, "Provider")
        .to_ascii_lowercase()
        .contains("microsoft");
    when(is_theirs, || "Provider cannot be Microsoft".to_owned())
}

pub(super) fn catalog(inf: &Inf) -> Vec<Problem> {
    let name = value(inf, "CatalogFile");
    when(!name.to_ascii_lowercase().ends_with(".cat"), || {
        format!("CatalogFile names no catalogue, but \"{name}\"")
    })
}

/// A primitive driver's version section "must be complete, just like PnP drivers".
pub(super) fn complete(inf: &Inf) -> Vec<Problem> {
    let needed = ["Provider", "Class", "ClassGuid"];
    let missing = needed.iter().filter(|key| value(inf, key).is_empty());
    missing
        .map(|key| Problem::whole(format!("{key} is missing")))
        .collect()
}

pub(super) fn stamp(inf: &Inf) -> Vec<Problem> {
    let version = inf.section("Version");
    let line = version.and_then(|version| version.all("DriverVer").next());
    let text = line.map(|line| line.values.join(",")).unwrap_or_default();
    let error = text.parse::<Stamp>().err();
    let what = error.map(|error| format!("DriverVer = {text}: {error}"));
    let number = line.map(|line| line.number);
    what.map(|what| Problem { line: number, what })
        .into_iter()
        .collect()
}

/// Keeps anybody but Windows from changing the files of the package.
pub(super) fn lockdown(inf: &Inf) -> Vec<Problem> {
    when(value(inf, "PnpLockdown") != "1", || {
        "PnpLockdown is not 1".to_owned()
    })
}
