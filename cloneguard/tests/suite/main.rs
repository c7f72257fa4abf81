//! Tests of `cloneguard` through its public interface, on records built by hand.

mod build;
mod consumer;
mod event;
mod table;
