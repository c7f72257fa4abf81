//! Everything that crosses to the kernel has a referee, or stands on a list with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flt_sys::LAYOUTS;

use crate::{windows_sys, wine};

/// Constants that neither referee knows, and where their value comes from.
const CONSTANTS_WITHOUT_REFEREE: &[(&str, &str)] = &[
    (
        "FLTFL_INSTANCE_SETUP_DEV_VOLUME",
        "newer than both; page nc-fltkernel-pflt_instance_setup_callback",
    ),
    (
        "FLTFL_INSTANCE_SETUP_TRUSTED_VOLUME",
        "newer than both; page nc-fltkernel-pflt_instance_setup_callback",
    ),
    (
        "FLT_PORT_ALL_ACCESS",
        "a sum; page nf-fltkernel-fltbuilddefaultsecuritydescriptor",
    ),
    (
        "FLT_VARIABLE_SIZED_CONTEXTS",
        "a cast of -1; page ns-fltkernel-_flt_context_registration",
    ),
];

/// The names of the public constants, from the source text: a constant cannot be listed by the compiler.
fn declared_constants() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = fs::read_dir(source).expect("the crate has a src directory");
    files
        .map(|file| file.expect("src can be listed").path())
        .filter(|path| !path.ends_with("imports.rs") && !path.ends_with("layout.rs"))
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("sources are text");
            let lines = text
                .lines()
                .filter_map(|line| line.strip_prefix("pub const "));
            lines
                .map(|rest| rest.split(':').next().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_constant_has_a_referee_or_a_reason() {
    let mut judged: BTreeSet<String> = windows_sys::CONSTANTS
        .iter()
        .map(|constant| constant.name.to_owned())
        .collect();
    judged.extend(wine::CONSTANTS.iter().map(|(name, _)| (*name).to_owned()));
    for (name, reason) in CONSTANTS_WITHOUT_REFEREE {
        assert!(!reason.is_empty(), "{name}: no reason");
        assert!(
            judged.insert((*name).to_owned()),
            "{name} has a referee: take it off the list"
        );
    }
    let declared = declared_constants();
    let unjudged: Vec<_> = declared.difference(&judged).collect();
    let gone: Vec<_> = judged.difference(&declared).collect();
    assert!(
        unjudged.is_empty(),
        "without a referee and without a reason: {unjudged:?}"
    );
    assert!(
        gone.is_empty(),
        "judged here but no longer declared: {gone:?}"
    );
}

#[test]
fn every_layout_has_a_referee() {
    let by_windows_sys: BTreeSet<&str> = windows_sys::THEIR_LAYOUTS
        .iter()
        .map(|layout| layout.name)
        .collect();
    for layout in LAYOUTS {
        let by_wine = !wine::LAYOUTS_NOT_IN_WINE.contains(&layout.name);
        assert!(
            by_wine || by_windows_sys.contains(layout.name),
            "{} has no referee",
            layout.name
        );
    }
}
