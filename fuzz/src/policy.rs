//! Policies: a blob from anywhere as the driver reads it, and a text from anywhere as the tool compiles it.
//!
//! The first byte chooses. What is taken is evaluated and shown as text, and the text compiles to the same again.

use cloneguard::policy::{compile_bytes, decompile};
use guard::Powers;
use guard::policy::{PathName, PolicySubject};
use wire::policy::{PolicyBlob, PolicyMode};

#[path = "../../guard/tests/suite/linear.rs"]
mod linear;

use linear::decide;

/// Reads the rest of the input.
///
/// # Panics
/// If something taken does not come back the same, or is decided in another way than without the index.
pub fn body(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else {
        return;
    };
    if choice % 2 == 0 {
        if let Ok(policy) = PolicyBlob::parse(rest) {
            foreign(&policy, rest);
        }
    } else if let Ok(policy) = compile_bytes(rest) {
        evaluate(&policy, rest);
        let text = decompile(&policy);
        let again = compile_bytes(text.as_bytes());
        let again = again.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert_eq!(again.bytes(), policy.bytes(), "{text}");
    }
}

/// A blob that is no compiler's may say what no text can; what can be said comes back as it was shown.
fn foreign(policy: &PolicyBlob<&[u8]>, bytes: &[u8]) {
    assert_eq!(policy.bytes(), bytes);
    let powers = Powers::of(policy);
    assert_eq!(powers.enforce, policy.mode() == PolicyMode::Enforce);
    evaluate(policy, bytes);
    let text = decompile(policy);
    if let Ok(again) = compile_bytes(text.as_bytes()) {
        assert_eq!(decompile(&again), text);
    }
}

/// Asks about requests of which less and less is known. What is not known can only leave a question open: it makes
/// no answer into another.
fn evaluate<S: AsRef<[u8]>>(policy: &PolicyBlob<S>, bytes: &[u8]) {
    let units: Vec<u16> = r"\Device\V1\a\B.vhdx".encode_utf16().collect();
    let name = PathName::split(&units);
    let known = PolicySubject {
        image: name,
        user: Some(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]),
        source: name,
        target: name,
        volume_device: name.map(|name| name.device),
        volume_guid: bytes.first_chunk().copied(),
        remote: Some(bytes.len().is_multiple_of(2)),
        byte_count: Some(1 << 20),
    };
    let cut = name.map(|name| PathName {
        is_cut: true,
        ..name
    });
    let less = PolicySubject {
        image: None,
        source: cut,
        user: None,
        volume_guid: None,
        ..known
    };
    let rules = policy.rules().count();
    // Each is compared with the rules one after the other.
    for subject in [known, less, PolicySubject::default()] {
        let decision = decide(policy, &subject);
        let number = usize::try_from(decision.number());
        assert!(
            number.is_ok_and(|number| number <= rules),
            "{decision:?} of {rules}"
        );
    }
}
