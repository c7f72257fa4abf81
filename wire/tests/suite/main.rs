//! Tests of `wire` through its public interface.

mod any_bytes;
mod common;
mod flip;
mod flip_body;
mod flip_record;
mod golden;
mod golden_own;
mod golden_request;
mod policy;
mod random;
