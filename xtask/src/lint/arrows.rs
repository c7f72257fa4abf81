//! The dependencies that must not exist, and the lint table that every member inherits.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::files;

/// Whoever is judged may not lend the judge its parser, and the layers only look down.
const FORBIDDEN: &[(&str, &str)] = &[
    ("driver", "flt-sys"),
    ("testbed", "guard"),
    ("testbed", "flt"),
    ("testbed", "flt-sys"),
    ("guard", "flt"),
    ("guard", "flt-sys"),
    ("cloneguard", "guard"),
    ("cloneguard", "flt"),
];

/// What `wire` may depend on.
const WIRE_MAY: &[&str] = &["zerocopy"];

/// A member of the workspace.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `None` for an ordinary dependency, else "dev" or "build".
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

/// Asks Cargo for the members.
pub(super) fn read() -> Result<Vec<Member>> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(files::root())
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages)
}

/// The arrows that must not be there, and members that do not inherit the lints.
pub(super) fn check(members: &[Member]) -> Vec<String> {
    let mut breaches = Vec::new();
    for member in members {
        for dependency in &member.dependencies {
            if is_forbidden(&member.name, dependency) {
                breaches.push(format!(
                    "{} may not depend on {}",
                    member.name, dependency.name
                ));
            }
        }
        if !std::fs::read_to_string(&member.manifest_path).is_ok_and(|text| inherits_lints(&text)) {
            breaches.push(format!(
                "{} does not inherit the lints of the workspace",
                member.name
            ));
        }
    }
    breaches
}

fn is_forbidden(from: &str, to: &Dependency) -> bool {
    let named = |(a, b): &(&str, &str)| *a == from && *b == to.name;
    let only_zerocopy =
        from == "wire" && to.kind.is_none() && !WIRE_MAY.contains(&to.name.as_str());
    FORBIDDEN.iter().any(named) || to.name == "xtask" || only_zerocopy
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1);
    lines.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, kind: Option<&str>) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
        }
    }

    #[test]
    fn the_layers_look_down_only() {
        for (from, to) in FORBIDDEN {
            assert!(is_forbidden(from, &dependency(to, None)), "{from} -> {to}");
            assert!(
                is_forbidden(from, &dependency(to, Some("dev"))),
                "{from} -> {to} in tests"
            );
        }
        assert!(!is_forbidden("driver", &dependency("flt", None)));
        assert!(!is_forbidden("flt", &dependency("flt-sys", None)));
        assert!(is_forbidden("tests", &dependency("xtask", None)));
    }

    #[test]
    fn wire_depends_on_zerocopy_alone_but_may_test_with_more() {
        assert!(!is_forbidden("wire", &dependency("zerocopy", None)));
        assert!(is_forbidden("wire", &dependency("serde", None)));
        assert!(!is_forbidden("wire", &dependency("proptest", Some("dev"))));
    }

    #[test]
    fn lints_are_inherited_by_the_usual_two_lines() {
        assert!(inherits_lints(
            "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"
        ));
        assert!(!inherits_lints("[package]\n\n[lints]\nworkspace = false\n"));
        assert!(!inherits_lints("[package]\nworkspace = true\n"));
    }
}
