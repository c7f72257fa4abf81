//! Tests of `guard` through its public interface, one module for each of its files.

mod blob;
mod common;
mod extent;
mod files;
mod glob;
mod journal;
mod journal_model;
mod policy;
mod record;
mod request;
mod rules;
mod table;
mod verdict;
