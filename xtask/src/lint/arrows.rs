//! The arrows between members, and the lint table that every member inherits.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::files;

/// Every member with all the members it may itself depend on, also for its tests and build script, and
/// why not on more. Those decide what its sources can name; what comes along with them is not looked at
/// (docs/decisions/0005: `guard` comes to the judges with `cloneguard`). A new arrow is a new word here.
const ARROWS: [(&str, &[&str], &str); 13] = [
    ("wire", &[], "it is what both sides share"),
    (
        "guard",
        &["wire"],
        "the portable core asks no system anything",
    ),
    ("flt-sys", &[], "it declares an ABI and nothing else"),
    ("flt", &["flt-sys"], "the wrappers know nothing of clones"),
    (
        "driver",
        &["flt", "guard", "wire"],
        "the driver names no raw function",
    ),
    (
        "cloneguard",
        &["guard", "wire"],
        "it sees what crosses the port, and tries out policies with the driver's own evaluator",
    ),
    (
        "testbed",
        &["cloneguard", "wire"],
        "the judge may not borrow the defendant's parser",
    ),
    (
        "conformance",
        &["caller", "cloneguard", "testbed", "wire"],
        "the cases are judges too",
    ),
    (
        "bench",
        &["cloneguard", "guard", "testbed", "wire"],
        "it measures what ships, and the journal by itself",
    ),
    (
        "caller",
        &[],
        "it is built for 32 bits too, and guard is not",
    ),
    (
        "driver-package",
        &[],
        "it knows of a driver what every package says",
    ),
    (
        "fuzz",
        &[
            "cloneguard",
            "conformance",
            "driver-package",
            "guard",
            "wire",
        ],
        "it feeds every library; its referee for the driver is the test-bed, which sees none of it",
    ),
    (
        "xtask",
        &["driver-package"],
        "automation must build when nothing else does, but for what it makes packages with",
    ),
];

/// What `wire` may take from outside the workspace, but for its tests.
const OUTSIDE_WIRE: &str = "zerocopy";

/// A member of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Member {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    /// What the manifest says; not part of Cargo's answer.
    #[serde(skip)]
    manifest: String,
}

#[derive(Debug, Clone, Deserialize)]
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
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(files::root())
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .context("cannot read the answer of cargo metadata")?;
    let mut members = metadata.packages;
    for member in &mut members {
        member.manifest = files::read_text(&member.manifest_path)?;
    }
    Ok(members)
}

/// Every arrow that may not be there, and members that do not inherit the lints.
pub(super) fn check(members: &[Member]) -> Vec<String> {
    let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
    members
        .iter()
        .flat_map(|member| {
            let mut breaches = arrows(member, &names);
            if !inherits_lints(&member.manifest) {
                breaches.push(format!(
                    "{} does not inherit the lints of the workspace",
                    member.name
                ));
            }
            breaches
        })
        .collect()
}

fn arrows(member: &Member, names: &[&str]) -> Vec<String> {
    let name = member.name.as_str();
    let Some((_, allowed, why)) = ARROWS.iter().find(|(from, ..)| *from == name) else {
        return vec![format!(
            "{name} is new: say in xtask/src/lint/arrows.rs what it may depend on"
        )];
    };
    let forbidden = member.dependencies.iter().filter(|dependency| {
        let to = dependency.name.as_str();
        let is_inside = names.contains(&to) && !allowed.contains(&to);
        let is_outside = name == "wire" && dependency.kind.is_none() && to != OUTSIDE_WIRE;
        is_inside || is_outside
    });
    forbidden
        .map(|dependency| format!("{name} may not depend on {}: {why}", dependency.name))
        .collect()
}

/// Whether the table of lints says "that of the workspace". Cargo refuses to mix it with others.
fn inherits_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(str::trim);
    let mut table = lines.skip_while(|line| *line != "[lints]").skip(1);
    table.next() == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with every arrow that may be there.
    fn base() -> Vec<Member> {
        let member = |(name, allowed, _): &(&str, &[&str], _)| Member {
            name: (*name).to_owned(),
            manifest_path: PathBuf::new(),
            dependencies: allowed.iter().map(|to| dependency(to, None)).collect(),
            manifest: "[package]\n\n[lints]\nworkspace = true\n".to_owned(),
        };
        ARROWS.iter().map(member).collect()
    }

    fn dependency(name: &str, kind: Option<&str>) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
        }
    }

    /// The breaches once `from` also depends on `to`.
    fn with_arrow(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let mut members = base();
        let member = members
            .iter_mut()
            .find(|member| member.name == from)
            .unwrap();
        member.dependencies.push(dependency(to, kind));
        check(&members)
    }

    #[test]
    fn the_base_is_in_order() {
        assert!(check(&base()).is_empty());
    }

    #[test]
    fn the_arrows_that_must_not_be_there_are_found() {
        for (from, to) in [
            ("driver", "flt-sys"),
            ("testbed", "guard"),
            ("testbed", "flt"),
            ("testbed", "flt-sys"),
            ("cloneguard", "flt"),
            ("guard", "flt"),
            ("wire", "guard"),
            ("flt", "wire"),
            ("conformance", "guard"),
            ("fuzz", "flt"),
        ] {
            for kind in [None, Some("dev"), Some("build")] {
                let breaches = with_arrow(from, to, kind);
                assert_eq!(breaches.len(), 1, "{from} -> {to}");
                let start = format!("{from} may not depend on {to}: ");
                assert!(
                    breaches.first().unwrap().starts_with(&start),
                    "{breaches:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_depends_on_the_automation() {
        for (from, ..) in ARROWS {
            assert_eq!(with_arrow(from, "xtask", None).len(), 1, "{from}");
        }
    }

    #[test]
    fn wire_depends_on_zerocopy_alone_but_may_test_with_more() {
        assert!(with_arrow("wire", "zerocopy", None).is_empty());
        assert!(with_arrow("wire", "proptest", Some("dev")).is_empty());
        assert_eq!(with_arrow("wire", "serde", None).len(), 1);
        assert!(with_arrow("cloneguard", "serde", None).is_empty());
    }

    #[test]
    fn a_new_member_has_to_be_entered() {
        let mut members = base();
        members.first_mut().unwrap().name = "shell".to_owned();
        assert!(
            check(&members)
                .iter()
                .any(|breach| breach.starts_with("shell is new"))
        );
    }

    #[test]
    fn lints_are_inherited_by_the_usual_two_lines() {
        for manifest in [
            "[package]\n\n[lints]\nworkspace = false\n",
            "[package]\nworkspace = true\n",
            "[lints.rust]\nworkspace = true\n",
            "[lints]\n",
        ] {
            let mut members = base();
            manifest.clone_into(&mut members.first_mut().unwrap().manifest);
            let expected = "wire does not inherit the lints of the workspace";
            assert_eq!(check(&members), [expected], "{manifest}");
        }
    }
}
