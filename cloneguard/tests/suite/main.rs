//! Tests of `cloneguard` through its public interface, on records built by hand.

mod build;
mod consumer;
mod ecs;
mod event;
mod kinds;
mod lineage;
mod live;
mod notice;
mod ocsf;
mod schema;
mod stats;
mod table;
