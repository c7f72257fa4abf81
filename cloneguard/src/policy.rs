//! Policies for people: TOML to the blob that the driver takes, and back.
//!
//! [`compile`] reads a text and gives the blob or every [`Problem`] that it found; [`decompile`]
//! writes a blob as a text that compiles to the same blob; [`replay`] says what a policy would have
//! done to requests that were recorded. The format of the text is `docs/policy.md`.
//!
//! A text becomes a `Policy` (`source.rs`, with `notation.rs` for single values), is searched for
//! rules that contradict each other (`conflict.rs`) and encoded (`encode.rs`). `wire::policy` is
//! the blob, `guard::policy` the evaluation that the driver uses too.

mod conflict;
mod decode;
mod encode;
mod model;
mod notation;
mod problem;
pub mod replay;
mod rule;
mod show;
mod source;
mod strict;

pub use problem::{Problem, Problems};
pub use show::decompile;

use problem::Places;
use wire::policy::PolicyBlob;

/// The longest text that is looked at: four times the largest blob.
pub const TEXT_SIZE_MAX: usize = 4 << 20;

/// A policy that has been checked whole.
pub type Compiled = PolicyBlob<Vec<u8>>;

/// Compiles a text.
///
/// # Errors
///
/// Everything that is wrong with it: all errors of the notation, or if there are none all errors of
/// the policy that it notes.
pub fn compile(text: &str) -> Result<Vec<u8>, Problems> {
    Ok(compile_bytes(text.as_bytes())?.bytes().to_vec())
}

/// Compiles the bytes of a text.
///
/// # Errors
///
/// Those of [`compile`]; bytes that are too many or no UTF-8 are not looked at any further.
pub fn compile_bytes(bytes: &[u8]) -> Result<Compiled, Problems> {
    if bytes.len() > TEXT_SIZE_MAX {
        let what = format!("{} bytes are too many for a policy", bytes.len());
        return Err(Problem::whole(&what, "at most 4 MiB are read").into());
    }
    let text = str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))?;
    let places = Places::new(text);
    let sourced = source::read(text, &places)?;
    let problems = conflict::find(&sourced);
    if !problems.is_empty() {
        return Err(places.problems(problems));
    }
    encode::encode(&sourced.policy).map_err(Problems::from)
}

/// The problem of bytes that stop being UTF-8 at an offset.
fn not_text(bytes: &[u8], offset: usize) -> Problems {
    let before = bytes.get(..offset).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    Problem {
        line: Some(line),
        column: None,
        what: format!("byte {offset} is not UTF-8"),
        advice: "save the policy as UTF-8 text, or give a compiled policy as it is".to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests;
