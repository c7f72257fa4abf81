//! Tests of `wire` through its public interface.

mod any_bytes;
mod flip;
mod golden;
mod policy;
