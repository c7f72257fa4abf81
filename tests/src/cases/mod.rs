//! Every case, by family.
//!
//! Sources are named in full in each case: MS-FSA is 2.1.5.10.4 (plain) and 2.1.5.10.5 (EX), MS-FSCC is
//! 2.3.7 to 2.3.10; smbtorture is Samba's source4/torture/smb2/ioctl.c, CopyOnWrite is
//! microsoft/CopyOnWrite, reflink-copy is cargo-bins/reflink-copy, WinBtrfs is maharmstone/btrfs.

mod callers;
mod disputes;
mod ends;
mod files;
mod numbers;
mod others;
mod policy;
mod sharing;
mod sources;
mod streams;
mod structure;
mod targets;
mod zero;

use crate::case::Case;

/// Every case, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Case> {
    let families: &[&[Case]] = &[
        structure::CASES,
        numbers::CASES,
        zero::CASES,
        ends::CASES,
        streams::CASES,
        sources::CASES,
        targets::CASES,
        others::CASES,
        callers::CASES,
        sharing::CASES,
        policy::CASES,
        files::CASES,
        disputes::CASES,
    ];
    families.iter().copied().flatten()
}
