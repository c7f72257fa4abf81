//! Tests of `guard` through its public interface, one module for each of its files.

mod common;
mod extent;
mod journal;
mod journal_model;
mod record;
mod request;
mod rules;
mod table;
