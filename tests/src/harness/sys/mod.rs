//! The calls of Windows: the one home of unsafe code in this package. What the functions here give back is plain data and
//! handles that close themselves; none of them decides anything.
//!
//! [`disk`] makes and attaches virtual disks; [`machine`] asks what the machine is like, and [`folders`] where things are;
//! [`driver`] installs, loads and removes; [`store`] says what is installed.
#![expect(unsafe_code, reason = "calls Windows")]

pub(crate) mod disk;
pub(crate) mod driver;
pub(crate) mod folders;
pub(crate) mod machine;
pub(crate) mod store;

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;

/// A string as Windows takes it: UTF-16 that ends in a zero.
fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}
