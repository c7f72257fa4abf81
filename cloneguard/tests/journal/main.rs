//! The durable journal, through its public interface: on a file system that crashes when it is told
//! to, on every possible damage of a small journal, and on the real file system.

mod bytes;
mod crash;
mod disk;
mod document;
mod edits;
mod ends;
mod flips;
mod folder;
mod golden;
mod hostile;
mod numbers;
mod opening;
mod retention;
mod sample;
mod truncation;
