//! The one list of what a driver may import, from the two files that hold it.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::files;

/// What the wdk crates and the compiler need: `name since source`.
const WDK_LIST: &str = "kit/imports/ntoskrnl.txt";
/// What flt-sys and flt need: `dll name since source`.
const FLT_LIST: &str = "flt-sys/imports.txt";

/// The kernel, as import tables spell it.
pub(crate) const KERNEL: &str = "ntoskrnl.exe";
/// The filter manager, as import tables spell it.
pub(crate) const FILTER_MANAGER: &str = "fltmgr.sys";

/// Versions of Windows in the words of the documentation, up to the oldest one that is supported.
const RELEASES: [&str; 16] = [
    "2000", "XP", "2003", "Vista", "7", "8", "8.1", "1507", "1511", "1607", "1703", "1709", "1803",
    "1809", "1903", "1909",
];
/// The oldest Windows that is supported: Windows 10 2004, for `ExAllocatePool2`.
pub(crate) const OLDEST_WINDOWS: &str = "2004";

/// Every function a driver may import, by DLL and name, with the Windows version it came with.
#[derive(Debug, Default, Clone)]
pub(crate) struct AllowedImports(BTreeMap<(String, String), String>);

impl AllowedImports {
    /// Reads both lists.
    pub(crate) fn read() -> Result<Self> {
        let root = files::root();
        let mut allowed = Self::default();
        allowed.add(
            WDK_LIST,
            Some(KERNEL),
            &files::read_text(&root.join(WDK_LIST))?,
        )?;
        allowed.add(FLT_LIST, None, &files::read_text(&root.join(FLT_LIST))?)?;
        Ok(allowed)
    }

    /// The names that the kernel exports for us, sorted.
    #[cfg(unix)]
    pub(crate) fn kernel_names(&self) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter(|(dll, _)| dll == KERNEL)
            .map(|(_, name)| name.as_str())
    }

    /// The Windows version that `name` came with, if it may be imported at all.
    pub(crate) fn since(&self, dll: &str, name: &str) -> Option<&str> {
        self.0
            .get(&(dll.to_ascii_lowercase(), name.to_owned()))
            .map(String::as_str)
    }

    /// Adds the lines of one list. `dll` is the DLL of all of them, or else their first column.
    pub(crate) fn add(&mut self, list: &str, dll: Option<&str>, text: &str) -> Result<()> {
        for (index, line) in text.lines().enumerate() {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let Some(first) = words.next() else { continue };
            let (dll, name) = match dll {
                Some(dll) => (dll, Some(first)),
                None => (first, words.next()),
            };
            let (Some(name), Some(since)) = (name, words.next()) else {
                bail!("{list}:{}: a column is missing in {line:?}", index + 1);
            };
            self.0.insert(
                (dll.to_ascii_lowercase(), name.to_owned()),
                since.to_owned(),
            );
        }
        Ok(())
    }
}

/// Whether every supported Windows has what came with version `since`.
pub(crate) fn is_old_enough(since: &str) -> bool {
    since == OLDEST_WINDOWS || RELEASES.contains(&since)
}

#[cfg(test)]
mod tests {
    use super::{AllowedImports, KERNEL, is_old_enough};

    #[test]
    fn a_name_is_known_by_its_dll_in_any_case() {
        let mut allowed = AllowedImports::default();
        allowed
            .add("list", None, "# heading\nFLTMGR.SYS FltClose 2000 ddi\n")
            .expect("valid");
        assert_eq!(allowed.since("fltMgr.sys", "FltClose"), Some("2000"));
        assert_eq!(allowed.since(KERNEL, "FltClose"), None);
    }

    #[test]
    fn a_line_without_a_version_is_refused_by_number() {
        let error = AllowedImports::default()
            .add("list", Some(KERNEL), "\nDbgPrint\n")
            .expect_err("no version");
        assert!(error.to_string().starts_with("list:2:"), "{error}");
    }

    #[test]
    fn only_releases_up_to_the_oldest_supported_one_are_old_enough() {
        for since in ["2000", "Vista", "8.1", "1909", "2004"] {
            assert!(is_old_enough(since), "{since}");
        }
        for since in ["21H2", "11", "24H2", ""] {
            assert!(!is_old_enough(since), "{since}");
        }
    }
}
