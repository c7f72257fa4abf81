//! The modelled file system by itself, without kernel, filter manager or driver.
//!
//! The `table` files hold the cases of the public specification and of public test suites, `switches`
//! those of every open question; `property` compares with a byte vector, by random `steps`; `sharing` is
//! about what clones do to each other, `copies` about clones of no whole clusters, `limits` about where
//! they stop; `names`, `streams` and `settings` about what else there is in a volume; `callers` about
//! handles under the I/O manager, `threads` about many callers at once. `rig` is what they stand on.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod callers;
mod copies;
mod limits;
mod names;
mod other_sharing;
mod property;
mod rig;
mod settings;
mod sharing;
mod steps;
mod streams;
mod switch_cases;
mod switch_cases_elsewhere;
mod switches;
mod table;
mod table_callers;
mod table_state;
mod threads;
