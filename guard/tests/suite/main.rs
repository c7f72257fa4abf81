//! Tests of `guard` through its public interface, one module for each of its files.

mod blob;
mod common;
mod definition;
mod extent;
mod files;
mod gap;
mod glob;
mod identity;
mod journal;
mod journal_model;
mod journal_threads;
mod keyed;
mod linear;
mod names;
mod note;
mod outcome;
mod policy;
mod policy_index;
mod record;
mod request;
mod rules;
mod summary;
mod summary_model;
mod table;
mod ticket;
mod verdict;
