//! The functions of the image by their addresses, from the linker's map beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where functions begin; none without a map. The map is read when somebody asks for the first time: few runs have
/// anything to report.
#[derive(Debug, Default)]
pub struct Symbols {
    map: PathBuf,
    read: OnceLock<BTreeMap<u64, String>>,
}

impl Symbols {
    /// Those of an image. They only make a report easier to read, so a map that is missing is no error.
    #[must_use]
    pub fn of(image: &Path) -> Self {
        Self {
            map: image.with_extension("map"),
            read: OnceLock::new(),
        }
    }

    fn by_rva(&self) -> &BTreeMap<u64, String> {
        let read = || Self::parse(&fs::read_to_string(&self.map).unwrap_or_default());
        self.read.get_or_init(read)
    }

    fn parse(map: &str) -> BTreeMap<u64, String> {
        let mut base = 0;
        let mut by_rva = BTreeMap::new();
        for line in map.lines() {
            if let Some(rest) = line.trim().strip_prefix("Preferred load address is ") {
                base = u64::from_str_radix(rest, 16).unwrap_or(0);
            }
            let mut columns = line.split_whitespace();
            let (Some(place), Some(name), Some(address)) =
                (columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let address = u64::from_str_radix(address, 16).ok();
            let rva = address.and_then(|address| address.checked_sub(base));
            if let (true, Some(rva)) = (place.contains(':'), rva) {
                let name = format!("{:#}", rustc_demangle::demangle(name));
                by_rva.insert(rva, name);
            }
        }
        by_rva
    }

    /// The place of an address within its function, or the address.
    #[must_use]
    pub fn name(&self, rva: u64) -> String {
        match self.by_rva().range(..=rva).next_back() {
            Some((start, name)) => format!("{name}+{:#x}", rva - start),
            None => format!("{rva:#x}"),
        }
    }

    /// The function in which an address lies.
    #[must_use]
    pub fn function(&self, rva: u64) -> Option<&str> {
        let before = self.by_rva().range(..=rva).next_back();
        before.map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::verifier::CallSite;

    const MAP: &str = "
 Preferred load address is 0000000180000000

 Start         Length     Name                   Class
 0001:00000000 000182b1H .text                   CODE

  Address         Publics by Value              Rva+Base               Lib:Object

 0001:00000000       DriverEntry                0000000180001000     a.o
 0001:00010d50       _ZN3flt6memory10try_zeroed17h52f58c2832e53523E 0000000180011d50     a.o
";

    fn symbols() -> Symbols {
        Symbols {
            map: PathBuf::new(),
            read: Symbols::parse(MAP).into(),
        }
    }

    #[test]
    fn a_call_is_named_by_the_function_that_makes_it() {
        let call = |rva, symbols| CallSite {
            driver: 1,
            driver_name: "D".into(),
            symbols: Arc::new(symbols),
            routine: "ExFreePool",
            rva,
        };
        let named = call(0x11d60, symbols()).to_string();
        assert_eq!(
            named,
            "ExFreePool from D+0x11d60 in flt::memory::try_zeroed"
        );
        // It returns to where the next function begins.
        let last = call(0x11d50, symbols()).to_string();
        assert_eq!(last, "ExFreePool from D+0x11d50 in DriverEntry");
        let unnamed = call(0x11d60, Symbols::default()).to_string();
        assert_eq!(unnamed, "ExFreePool from D+0x11d60");
    }

    #[test]
    fn an_address_is_named_by_the_function_before_it() {
        let symbols = symbols();
        assert_eq!(symbols.name(0x1000), "DriverEntry+0x0");
        assert_eq!(symbols.name(0x11d4f), "DriverEntry+0x10d4f");
        assert_eq!(symbols.name(0x11d60), "flt::memory::try_zeroed+0x10");
        assert_eq!(symbols.name(0x10), "0x10");
        assert_eq!(symbols.function(0x11d4f), Some("DriverEntry"));
        assert_eq!(symbols.function(0x10), None);
        assert_eq!(Symbols::default().name(0x1234), "0x1234");
    }
}
