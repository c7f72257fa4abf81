//! The functions of the image by their addresses, from the linker's map beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where functions begin; empty without a map.
#[derive(Debug, Default)]
pub struct Symbols {
    by_rva: BTreeMap<u64, String>,
}

impl Symbols {
    /// Those of an image. They only make a report easier to read, so a map that is missing is no error.
    #[must_use]
    pub fn of(image: &Path) -> Self {
        let map = fs::read_to_string(image.with_extension("map")).unwrap_or_default();
        Self::parse(&map)
    }

    fn parse(map: &str) -> Self {
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
        Self { by_rva }
    }

    /// The place of an address within its function, or the address.
    #[must_use]
    pub fn name(&self, rva: u64) -> String {
        match self.by_rva.range(..=rva).next_back() {
            Some((start, name)) => format!("{name}+{:#x}", rva - start),
            None => format!("{rva:#x}"),
        }
    }

    /// The function in which an address lies.
    #[must_use]
    pub fn function(&self, rva: u64) -> Option<&str> {
        let before = self.by_rva.range(..=rva).next_back();
        before.map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "
 Preferred load address is 0000000180000000

 Start         Length     Name                   Class
 0001:00000000 000182b1H .text                   CODE

  Address         Publics by Value              Rva+Base               Lib:Object

 0001:00000000       DriverEntry                0000000180001000     a.o
 0001:00010d50       _ZN3flt6memory10try_zeroed17h52f58c2832e53523E 0000000180011d50     a.o
";

    #[test]
    fn an_address_is_named_by_the_function_before_it() {
        let symbols = Symbols::parse(MAP);
        assert_eq!(symbols.name(0x1000), "DriverEntry+0x0");
        assert_eq!(symbols.name(0x11d4f), "DriverEntry+0x10d4f");
        assert_eq!(symbols.name(0x11d60), "flt::memory::try_zeroed+0x10");
        assert_eq!(symbols.name(0x10), "0x10");
        assert_eq!(Symbols::default().name(0x1234), "0x1234");
    }
}
