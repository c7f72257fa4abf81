//! What fuzzers feed: for each target a plain function of bytes that panics when a property does not hold.
//!
//! [`TARGETS`] is the list. `fuzz_targets` hands each to libFuzzer (`./dev fuzz`), `corpus` keeps a few inputs of
//! each, and `tests/replay.rs` runs every body over them and over bytes of its own in every `cargo test`.
//!
//! [`image`] is the one that runs the shipped driver; its referee is the machine without it. The others call the
//! libraries of the project, and each has a referee of its own: a plain second reading, or the way back.

#![forbid(unsafe_code)]

pub mod catalog;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod image;
pub mod inf;
pub mod journal;
pub mod pattern;
pub mod policy;
pub mod records;
pub mod request;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of the program of libFuzzer and of the folder in `corpus`.
    pub name: &'static str,
    /// What it does with some bytes.
    pub body: fn(&[u8]),
    /// How many inputs beside its corpus it is fed in each replay: about a second of them.
    pub rounds: u32,
    /// An input of its own kind for each seed, where random bytes alone would not lead far.
    pub drawn: Option<fn(u64) -> Vec<u8>>,
}

/// Every target of this host.
pub const TARGETS: &[Target] = &[
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Target {
        drawn: Some(|seed| image::change(&image::drawn(seed), seed)),
        ..target("image", image::body, 100)
    },
    target("catalog", catalog::body, 500),
    target("inf", inf::body, 300),
    target("journal", journal::body, 1000),
    target("pattern", pattern::body, 5000),
    target("policy", policy::body, 5000),
    target("records", records::body, 5000),
    target("request", request::body, 20_000),
];

const fn target(name: &'static str, body: fn(&[u8]), rounds: u32) -> Target {
    Target {
        name,
        body,
        rounds,
        drawn: None,
    }
}

/// The next bytes of an input; zeros behind its end.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let length = N.min(bytes.len());
    let (head, rest) = bytes.split_at(length);
    taken[..length].copy_from_slice(head);
    *bytes = rest;
    taken
}
