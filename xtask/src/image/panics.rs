//! The calls in an image that can still end in a panic.
//!
//! The linker's map names every function that was not discarded. Machine code is then searched for
//! direct calls and jumps, conditional ones included, whose destination is one of the functions that
//! core and alloc panic through, or the kernel's bug check, in which wdk-panic ends. What the
//! optimiser proved impossible has no such call. Not seen: calls through a pointer. More than are known
//! ([`KNOWN`]) break the image.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use object::pe;

use super::facts::{Facts, Section};

/// A name in the linker's map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) address: u32,
}

/// Calls from one function into one way to panic, by names.
pub(super) type Calls = BTreeMap<(String, String), usize>;

/// The ways to panic to which calls remain, and how many: as many as there were, in the image that has more, when somebody
/// last looked why the optimiser cannot see that they are impossible. By way and not by caller, because what is inlined
/// into what changes with every change.
const KNOWN: [(&str, usize); 6] = [
    // Allocations of `alloc` that `flt::memory` has reserved before.
    ("alloc::alloc::handle_alloc_error", 2),
    // The crate wdk, as it writes to the debugger.
    ("core::panicking::panic_bounds_check", 1),
    ("core::panicking::panic_const::panic_const_sub_overflow", 1),
    ("core::panicking::panic_nounwind_fmt", 6),
    ("core::slice::index::slice_index_fail", 1),
    // The same, and the counts of blocks in the crate sha2.
    ("core::panicking::panic_const::panic_const_add_overflow", 8),
];

/// Reads the names and addresses of a map, as lld and Microsoft's linker write it: section and
/// offset, name, address with the preferred base, object file.
pub(super) fn symbols(map: &str) -> Vec<Symbol> {
    let base = map
        .lines()
        .find_map(|line| line.trim().strip_prefix("Preferred load address is "))
        .and_then(|base| u64::from_str_radix(base.trim(), 16).ok())
        .unwrap_or_default();
    let symbol = |line: &str| {
        let mut words = line.split_whitespace();
        let place = words.next()?;
        let name = words.next()?;
        let address = words.next().filter(|word| word.len() == 16)?;
        let address = u64::from_str_radix(address, 16).ok()?.checked_sub(base)?;
        let is_symbol = place.len() == 13 && place.as_bytes()[4] == b':';
        is_symbol.then_some(())?;
        Some(Symbol {
            name: name.to_owned(),
            address: u32::try_from(address).ok()?,
        })
    };
    map.lines().filter_map(symbol).collect()
}

/// Finds the calls into panicking functions from all others.
pub(super) fn remaining(facts: &Facts, symbols: &[Symbol]) -> Calls {
    let mut functions: BTreeMap<u32, String> = BTreeMap::new();
    for symbol in symbols {
        if facts
            .sections
            .iter()
            .any(|code| code.is_executable() && code.holds(symbol.address))
        {
            let name = format!("{:#}", rustc_demangle::demangle(&symbol.name));
            functions.entry(symbol.address).or_insert(name);
        }
    }
    let panicking: BTreeSet<u32> = functions
        .iter()
        .filter(|(_, name)| is_panicking(name))
        .map(|(address, _)| *address)
        .collect();
    let mut calls = Calls::new();
    for code in facts
        .sections
        .iter()
        .filter(|section| section.is_executable())
    {
        for (from, to) in branches(facts.machine, code) {
            if !panicking.contains(&to) {
                continue;
            }
            let Some((_, caller)) = functions.range(..=from).next_back() else {
                continue;
            };
            if !is_panicking(caller) {
                *calls
                    .entry((caller.clone(), functions[&to].clone()))
                    .or_default() += 1;
            }
        }
    }
    calls
}

/// The lines of the report, and how many ways there are to panic that more calls lead to than are known.
pub(super) fn describe(calls: &Calls) -> (String, usize) {
    if calls.is_empty() {
        return ("  ok      panic paths     none\n".to_owned(), 0);
    }
    let total: usize = calls.values().sum();
    let more = unknown(calls);
    let mark = if more.is_empty() { "note  " } else { "BROKEN" };
    let mut text = format!("  {mark}  panic paths     {total} calls remain\n");
    for line in &more {
        _ = writeln!(text, "            {line}");
    }
    for ((from, to), count) in calls {
        _ = writeln!(text, "            {from} -> {to} ({count})");
    }
    (text, more.len())
}

/// The ways that more calls lead to than are known, each in words.
fn unknown(calls: &Calls) -> Vec<String> {
    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    for ((_, way), count) in calls {
        *ways.entry(way).or_default() += count;
    }
    let known = |way: &str| {
        let known = KNOWN.iter().find(|(known, _)| *known == way);
        known.map_or(0, |(_, count)| *count)
    };
    let more = ways.into_iter().filter(|(way, count)| *count > known(way));
    let in_words = |(way, count): (&str, usize)| {
        let known = known(way);
        format!(
            "to {way}: {count} calls, and {known} are known (KNOWN in xtask/src/image/panics.rs)"
        )
    };
    more.map(in_words).collect()
}

/// Whether a function of this name exists to panic.
fn is_panicking(name: &str) -> bool {
    const PARTS: [&str; 6] = [
        "core::panicking::",
        "panic_already_",
        "slice_error_fail",
        "alloc_error_handler",
        "rust_begin_unwind",
        "rust_ke_bugcheck",
    ];
    const ENDS: [&str; 6] = [
        "unwrap_failed",
        "expect_failed",
        "_fail",
        "handle_alloc_error",
        "capacity_overflow",
        "alloc::raw_vec::handle_error",
    ];
    name == "KeBugCheckEx"
        || PARTS.iter().any(|part| name.contains(part))
        || ENDS.iter().any(|end| name.ends_with(end))
}

/// Every direct branch of a section: from where to where. On x86-64 all offsets are tried, since
/// instructions are not decoded: a chance hit on the exact address of a function is next to
/// impossible.
fn branches(machine: u16, code: &Section) -> Vec<(u32, u32)> {
    match machine {
        pe::IMAGE_FILE_MACHINE_ARM64 => arm64_branches(code),
        _ => x64_branches(code),
    }
}

fn x64_branches(code: &Section) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for (offset, window) in (0_u32..).zip(code.bytes.windows(6)) {
        // CALL, JMP; 0F 80 to 0F 8F are the conditional jumps.
        let length = match window {
            [0xE8 | 0xE9, ..] => 5,
            [0x0F, 0x80..=0x8F, ..] => 6,
            _ => continue,
        };
        let mut distance = [0; 4];
        distance.copy_from_slice(&window[length - 4..length]);
        let from = code.address.wrapping_add(offset);
        let next = from.wrapping_add(if length == 5 { 5 } else { 6 });
        found.push((from, next.wrapping_add_signed(i32::from_le_bytes(distance))));
    }
    found
}

fn arm64_branches(code: &Section) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for (index, bytes) in (0_u32..).zip(code.bytes.chunks_exact(4)) {
        let instruction = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        // B and BL: 26 bits, signed, in units of four bytes.
        if instruction & 0x7C00_0000 != 0x1400_0000 {
            continue;
        }
        let distance = (instruction << 6).cast_signed() >> 4;
        let from = code.address.wrapping_add(index * 4);
        found.push((from, from.wrapping_add_signed(distance)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Calls, KNOWN, Symbol, describe, is_panicking, symbols};

    /// From one function, as many calls as are known.
    fn known() -> Calls {
        let call = |(way, count): (&str, usize)| (("f".to_owned(), way.to_owned()), count);
        KNOWN.into_iter().map(call).collect()
    }

    #[test]
    fn as_many_calls_as_are_known_are_only_told() {
        assert_eq!(
            describe(&Calls::new()),
            ("  ok      panic paths     none\n".to_owned(), 0)
        );
        let (text, breaches) = describe(&known());
        assert!(text.starts_with("  note    panic paths     19 calls remain\n"));
        assert_eq!(breaches, 0);
    }

    #[test]
    fn one_more_breaks_the_image_and_is_named() {
        for (way, count) in KNOWN
            .into_iter()
            .chain([("core::option::unwrap_failed", 0)])
        {
            let mut calls = known();
            calls.insert(("g".to_owned(), way.to_owned()), 1);
            let (text, breaches) = describe(&calls);
            let named = format!(
                "            to {way}: {} calls, and {count} are known",
                count + 1
            );
            assert!(text.contains(&named), "{text}");
            assert!(
                text.contains(&format!("            g -> {way} (1)\n")),
                "{text}"
            );
            assert!(text.starts_with("  BROKEN  panic paths"), "{text}");
            assert_eq!(breaches, 1);
        }
    }

    #[test]
    fn a_map_gives_names_and_addresses_without_the_base() {
        let map = " cloneguard\n\n Preferred load address is 0000000180000000\n\n \
                   0001:00000000 00000ff6H .text                   CODE\n \
                   0001:00001000       DriverEntry                0000000180002000     a.o\n";
        let expected = Symbol {
            name: "DriverEntry".to_owned(),
            address: 0x2000,
        };
        assert_eq!(symbols(map), [expected]);
    }

    #[test]
    fn ways_to_panic_are_known_by_name() {
        for name in [
            "core::panicking::panic_bounds_check",
            "core::option::expect_failed",
            "core::slice::index::slice_end_index_len_fail",
            "alloc::raw_vec::handle_error",
            "core::cell::panic_already_borrowed",
            "KeBugCheckEx",
        ] {
            assert!(is_panicking(name), "{name}");
        }
        for name in [
            "driver::clone::fail_open",
            "DriverEntry",
            "core::fmt::write",
        ] {
            assert!(!is_panicking(name), "{name}");
        }
    }
}
