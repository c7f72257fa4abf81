//! Drivers that are nearly right: the demo must fail, and say why.

use super::patch::Patch;
use super::{Ended, Scratch, demo};

/// Runs the demo with a changed image; `None` without an image.
fn run(change: impl FnOnce(&mut Patch)) -> Option<Ended> {
    let mut patch = Patch::of_image()?;
    change(&mut patch);
    let scratch = Scratch::with_a_file();
    let image = patch.write(&scratch);
    Some(demo(&image, &scratch.input(), &[]))
}

/// Reference counting that never gives back: found when the driver is unloaded.
#[test]
fn references_that_are_kept() {
    let change = |patch: &mut Patch| {
        patch.rename_import("ObfDereferenceObject", "KeGetCurrentIrql");
    };
    let Some(ended) = run(change) else {
        return;
    };
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in ["fault: left behind: leak: ", "FILE_OBJECT"] {
        assert!(ended.error.contains(part), "no {part:?} in {}", ended.error);
    }
    assert!(!ended.out.contains("every clone equals"), "{}", ended.out);
}

/// A lock that is never released: the run is stopped on the spot.
#[test]
fn a_lock_that_is_kept() {
    let change = |patch: &mut Patch| {
        patch.rename_import("KeReleaseSpinLock", "KeGetCurrentIrql");
    };
    let Some(ended) = run(change) else {
        return;
    };
    assert_eq!(ended.code, Some(86), "{ended:?}");
    // A callback that returns with the lock, or a wait under it: whichever thread comes first.
    let named = ["spin-lock", "irql"]
        .map(|rule| ended.error.contains(&format!("VIOLATION of rule {rule}\n")));
    assert!(named.contains(&true), "{}", ended.error);
}

/// A driver that does not know the EX code: its records are missing.
#[test]
fn requests_that_are_not_recorded() {
    let change = |patch: &mut Patch| {
        let (ex, other) = (0x0009_83E8_u32.to_le_bytes(), 0x0009_83EC_u32.to_le_bytes());
        assert!(
            patch.replace(&ex, &other) > 0,
            "the image compares with the EX code"
        );
    };
    let Some(ended) = run(change) else {
        return;
    };
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.error.contains("requests passed the driver, "),
        "{}",
        ended.error
    );
    assert!(
        ended.error.contains("control code: recorded"),
        "{}",
        ended.error
    );
}

/// Messages that are none: the consumer says so, and nothing hangs.
#[test]
fn messages_that_do_not_decode() {
    let change = |patch: &mut Patch| {
        assert!(
            patch.replace(b"CGBT", b"XXXX") > 0,
            "the image writes the magic number"
        );
    };
    let Some(ended) = run(change) else {
        return;
    };
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .error
            .contains("the consumer gave up: a batch does not decode"),
        "{}",
        ended.error
    );
}

/// A driver whose port has another name.
#[test]
fn no_port() {
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    let change = |patch: &mut Patch| {
        let count = patch.replace(&wide(r"\CloneGuardPort"), &wide(r"\CloneGuardPorX"));
        assert!(count > 0, "the image names the port");
    };
    let Some(ended) = run(change) else {
        return;
    };
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for part in [r"\CloneGuardPort", "STATUS_OBJECT_NAME_NOT_FOUND"] {
        assert!(ended.error.contains(part), "no {part:?} in {}", ended.error);
    }
}
