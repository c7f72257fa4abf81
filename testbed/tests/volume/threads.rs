//! Many callers at once. Nothing here depends on time: a deadlock hangs the test, everything else is
//! judged by what is left at the end.

use std::sync::Arc;
use std::thread;

use testbed::volume::{FILE_ALL_ACCESS, FileSystem, FsSpec, OpenFile, Status};

use crate::rig::{content, file, pattern};
use crate::sharing::clone;

const C: u64 = 4096;

fn volume() -> FileSystem {
    FileSystem::new(FsSpec::refs(4096)).unwrap()
}

/// Concurrent A -> B and B -> A: every cluster is one of the two originals at its own place.
#[test]
fn clones_in_both_directions() {
    let fs = volume();
    let patterns = [pattern(1, 16 * 4096), pattern(2, 16 * 4096)];
    let a = file(&fs, r"\a", FILE_ALL_ACCESS, &patterns[0]);
    let b = file(&fs, r"\b", FILE_ALL_ACCESS, &patterns[1]);
    thread::scope(|scope| {
        for worker in 0..8_u64 {
            let (from, to) = if worker % 2 == 0 { (&a, &b) } else { (&b, &a) };
            scope.spawn(move || {
                for turn in 0..300 {
                    let at = (worker * 7 + turn * 5) % 13 * C;
                    let status = clone((from, at), (to, at), 3 * C, u32::from(turn % 2 == 0));
                    assert_eq!(status, Status::SUCCESS);
                }
            });
        }
    });
    for open in [&a, &b] {
        for (i, cluster) in content(open).chunks(4096).enumerate() {
            let place = i * 4096..(i + 1) * 4096;
            assert!(
                patterns.iter().any(|p| p[place.clone()] == *cluster),
                "cluster {i}"
            );
        }
    }
    assert_eq!(fs.check(), Ok(()));
}

/// Two volumes, each the wrong source of the other: no lock is taken while the other is held.
#[test]
fn refusals_in_both_directions_between_volumes() {
    let (left, right) = (volume(), volume());
    let a = file(&left, r"\a", FILE_ALL_ACCESS, &pattern(1, 4096));
    let b = file(&right, r"\b", FILE_ALL_ACCESS, &pattern(2, 4096));
    let refused = |from: &Arc<OpenFile>, to: &OpenFile| {
        for _ in 0..2000 {
            assert_eq!(clone((from, 0), (to, 0), C, 0), Status::INVALID_PARAMETER);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| refused(&a, &b));
        scope.spawn(|| refused(&b, &a));
    });
    assert_eq!(
        (content(&a), content(&b)),
        (pattern(1, 4096), pattern(2, 4096))
    );
}

/// The shape of the public program that once showed clones full of zeros: 25 threads, one source.
#[test]
fn many_clones_of_one_source() {
    let fs = volume();
    let bytes = pattern(5, 3 * 4096 + 700);
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &bytes);
    thread::scope(|scope| {
        for worker in 0..25 {
            let (fs, source, bytes) = (&fs, &source, &bytes);
            scope.spawn(move || {
                for turn in 0..20 {
                    let path = format!(r"\target {worker} {turn}");
                    let target = file(fs, &path, FILE_ALL_ACCESS, b"");
                    target.set_end_of_file(bytes.len() as u64).unwrap();
                    assert_eq!(clone((source, 0), (&target, 0), 4 * C, 0), Status::SUCCESS);
                    assert!(content(&target) == *bytes, "{path}");
                    target.set_delete(turn % 2 == 0).unwrap();
                }
            });
        }
    });
    assert_eq!(
        (fs.statistics().files, fs.statistics().used_clusters),
        (251, 4)
    );
    assert_eq!(fs.check(), Ok(()));
}

/// Writers break sharing while others make it; a file nobody writes to never changes.
#[test]
fn writes_against_clones() {
    let fs = volume();
    let bytes = pattern(1, 8 * 4096);
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &bytes);
    thread::scope(|scope| {
        for worker in 0..4_u8 {
            let (fs, source) = (&fs, &source);
            scope.spawn(move || {
                let path = format!(r"\own {worker}");
                let own = file(fs, &path, FILE_ALL_ACCESS, &[worker; 8 * 4096]);
                for turn in 0..200_u64 {
                    let at = turn * 3 % 8 * C;
                    assert_eq!(clone((source, at), (&own, at), C, 0), Status::SUCCESS);
                    own.write(at + turn, &[worker; 9]).unwrap();
                    own.set_end_of_file((turn % 8 + 1) * C).unwrap();
                    own.set_end_of_file(8 * C).unwrap();
                }
            });
        }
    });
    assert!(content(&source) == bytes);
    assert_eq!(fs.check(), Ok(()));
}
