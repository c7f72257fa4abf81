//! The corpora that are made: of the conformance cases, of which what a case does becomes a script of the target
//! `image`, and what it sends an input of the target `request`; of the shipped INF file, and of a catalogue with it.
//!
//! They lie in the repository, so that a fuzzer begins with them; here they are made again and compared. After a change
//! of the cases, or of the form of an input: CLONEGUARD_WRITE_SEEDS=1 cargo test -p fuzz --test seeds
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use conformance::property::{Seed, Sent, drawn, seeds, stories};
use driver_package::catalog::Catalog;
use driver_package::inf::Inf;
use driver_package::rules;

/// What all of a kind are called.
const CASE: &str = "case-";
const DRAWN: &str = "drawn-";
const MADE: &str = "made-";
const STORY: &str = "story-";
/// Random scripts beside those of the cases: in them an administrator acts, under each kind of policy and none.
const SCRIPTS_DRAWN: u64 = 10;

/// Files by their names.
type Corpus = BTreeMap<String, Vec<u8>>;

fn folder(target: &str) -> PathBuf {
    let corpora = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    corpora.join(target)
}

/// The files of a corpus whose names begin so.
fn kept(target: &str, prefixes: &[&str]) -> Corpus {
    let entries = fs::read_dir(folder(target)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(path).unwrap())
    });
    let is_ours = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
    files.filter(|(name, _)| is_ours(name)).collect()
}

/// Compares a corpus with what it has to be, or writes it.
fn hold(target: &str, prefixes: &[&str], made: &Corpus) {
    let kept = kept(target, prefixes);
    if std::env::var_os("CLONEGUARD_WRITE_SEEDS").is_some() {
        for name in kept.keys() {
            fs::remove_file(folder(target).join(name)).unwrap();
        }
        for (name, bytes) in made {
            fs::write(folder(target).join(name), bytes).unwrap();
        }
        return;
    }
    let names = |corpus: &Corpus| corpus.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&kept),
        names(made),
        "{target}: see the head of this file"
    );
    for (name, bytes) in made {
        assert!(
            kept[name] == *bytes,
            "{target}/{name}: see the head of this file"
        );
    }
}

#[test]
fn scripts_are_those_of_the_cases() {
    let cases = seeds();
    assert!(cases.len() > 50, "{} cases", cases.len());
    let mut made: Corpus = (0..SCRIPTS_DRAWN)
        .map(|seed| (format!("{DRAWN}{seed}"), drawn(seed)))
        .collect();
    made.extend(
        cases
            .into_iter()
            .map(|Seed { id, script, .. }| (format!("{CASE}{id}"), script)),
    );
    made.extend(
        stories()
            .into_iter()
            .map(|(name, script)| (format!("{STORY}{name}"), script)),
    );
    hold("image", &[CASE, DRAWN, STORY], &made);
}

#[test]
fn requests_are_those_of_the_cases() {
    let mut made = Corpus::new();
    for seed in seeds() {
        // The last one is what the case is about.
        if let Some(sent) = seed.requests.last() {
            let bytes = request(sent);
            if !made.values().any(|known| *known == bytes) {
                made.insert(format!("{CASE}{}", seed.id), bytes);
            }
        }
    }
    assert!(made.len() > 20, "{} requests", made.len());
    hold("request", &[CASE], &made);
}

#[test]
fn files_of_a_package_are_those_of_the_shipped_one() {
    for (target, seeds) in [
        ("inf", fuzz::inf::seeds()),
        ("catalog", fuzz::catalog::seeds()),
    ] {
        let named = seeds.into_iter();
        let made = named.map(|(name, bytes)| (format!("{MADE}{name}"), bytes));
        hold(target, &[MADE], &made.collect());
    }
}

#[test]
fn those_that_are_to_be_good_are() {
    let raw = |seeds: Vec<(&str, Vec<u8>)>, name: &str| {
        let mut seeds = seeds.into_iter();
        let (_, bytes) = seeds.find(|(known, _)| *known == name).unwrap();
        // The first byte says that the others are a file.
        assert_eq!(bytes[0], 0);
        bytes[1..].to_vec()
    };
    let inf = Inf::read(&raw(fuzz::inf::seeds(), "bare")).unwrap();
    assert!(rules::breaches(&inf).is_empty());
    let signed = raw(fuzz::catalog::seeds(), "package-signed");
    assert_eq!(Catalog::refuse_changed(&signed), Ok(()));
    for name in ["package", "package-signed"] {
        let catalog = Catalog::read(&raw(fuzz::catalog::seeds(), name)).unwrap();
        assert!(!catalog.members.is_empty(), "{name}");
    }
}

/// A request in the form that the target reads: its first bytes are choices.
fn request(sent: &Sent) -> Vec<u8> {
    let bit = |place: u8, on: bool| u8::from(on) << place;
    let choices = bit(0, sent.is_ex)
        | bit(1, sent.is_narrow)
        | bit(2, sent.input.is_none())
        | bit(4, sent.output > 0)
        | bit(5, sent.is_refs)
        | bit(6, sent.is_kernel);
    let cluster = (sent.cluster / 256).trailing_zeros() as u8;
    let mut bytes = vec![choices, cluster, 0, 0];
    bytes.extend(sent.input.iter().flatten());
    bytes
}
