//! Package `conformance`: the one list of cases, to be run on every stage. It holds none yet.
#![forbid(unsafe_code)]
