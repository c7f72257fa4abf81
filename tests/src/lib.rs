//! Package `conformance`: one list of cases, run on every stage.
//!
//! [`cases::all`] is the list; a [`case::Case`] says where it comes from, what must come of it
//! ([`expect::Expect`]) and how it is staged, in the words of [`scene::Scene`]. [`stage::Stage`] is where
//! cases run; `bed` is the test-bed as a stage. [`run`] runs and compares, [`stages`] says which
//! stages there are, [`program`] is the program.
//!
//! The cases are judges, like the test-bed: this package has no dependency on `guard` or `flt` and so cannot
//! name them. Through `cloneguard`, which reads the records, `guard` is compiled in all the same
//! (docs/decisions/0005-one-evaluator.md).
//!
//! On Windows the program does more: `harness` is the one for a test-signed machine (docs/vm.md).

pub mod ask;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod bed;
pub mod case;
pub mod cases;
pub mod expect;
#[cfg(any(windows, test))]
mod harness;
mod oracle;
pub mod program;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod property;
mod records;
mod report;
pub mod run;
pub mod scene;
mod selection;
pub mod side;
pub mod stage;
pub mod stages;
pub mod status;
mod trace;
pub mod windows;
