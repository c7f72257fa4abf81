//! Every order in which two producers and the reader can run, tried out by the model checker loom.
//!
//! The rings here hold one or two records of the smallest size, so that losses and second rounds come
//! about. `./dev test` runs them, with `--cfg loom`; `guard/tests` has long runs of more threads on real
//! processors.
//!
//! Threads are started and joined in the order in which the first execution is to run them: writers, then
//! whoever reads what they write. When loom looks for other orders it remembers one access to each atomic,
//! the last (`last_access` in its `rt/atomic.rs`, version 0.7.3). So after a load of one thread and then a
//! load and a swap of another it has forgotten the first load, and does not try it behind the swap. From the
//! order that it meets first here it finds both. Where both swap, it remembers both.

use super::{Arrival, Cursor, Ended, Found, LOST_WORD, PREFIX_WORDS, REQUEST_WORD, Ring};
use super::{Place, Prefix, STARTED_WORD};
use crate::sync::AtomicU64;
use loom::sync::Arc;
use loom::thread;
use wire::{LossCause, LossClass};

/// Storage for two records: four cells of nine words, and an entry of twelve for a late one.
type Two = Ring<[AtomicU64; 49]>;
/// Storage for one.
type One = Ring<[AtomicU64; 31]>;

/// The word that an end changes.
const END_WORD: usize = 6;
/// What it writes there.
const END: u64 = 0xE0D;
/// A time after every decision.
const OVERDUE: Option<u64> = Some(u64::MAX);

/// Tries all orders in which threads are interrupted in the middle of their steps no more often than that.
/// Orders without this bound are too many where three threads meet. Mistakes of this kind show with two
/// interruptions (Musuvathi and Qadeer, "Iterative context bounding", 2007).
fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(model);
}

fn ring<const N: usize>() -> Arc<Ring<[AtomicU64; N]>> {
    let storage = core::array::from_fn(|_| AtomicU64::new(0xEEEE));
    Arc::new(Ring::new(storage).expect("there are cells"))
}

/// A record of the smallest size: every word says whose it is.
fn record(owner: u64) -> Prefix {
    core::array::from_fn(|word| (owner << 8 | word as u64).to_le_bytes())
}

/// Puts a record in, as a finding: no quota.
fn push<const N: usize>(ring: &Ring<[AtomicU64; N]>, owner: u64, arrival: Arrival) -> Option<u64> {
    ring.push(&record(owner), LossClass::Finding, arrival)
}

/// Ends the request at a position.
fn end<const N: usize>(ring: &Ring<[AtomicU64; N]>, position: u64) -> Option<Ended> {
    let place = Place {
        position,
        is_finding: true,
    };
    ring.end(place, |prefix| prefix[END_WORD] = END.to_le_bytes())
}

/// Asserts that a record is whole and answers with its owner.
fn owner(prefix: &Prefix, has_ended: bool) -> u64 {
    let words = prefix.map(u64::from_le_bytes);
    let owner = words[0] >> 8;
    let whole = record(owner).map(u64::from_le_bytes);
    for (word, (found, put)) in words.iter().zip(whole).enumerate() {
        match word {
            LOST_WORD | REQUEST_WORD => {}
            END_WORD if has_ended => assert_eq!(*found, END),
            _ => assert_eq!(*found, put, "word {word} of {owner}"),
        }
    }
    owner
}

/// Reads what was found.
fn read<const N: usize>(ring: &Ring<[AtomicU64; N]>, found: &Found) -> Prefix {
    assert_eq!(found.length, PREFIX_WORDS);
    let mut prefix = [[0; 8]; PREFIX_WORDS];
    ring.copy(found, &mut prefix);
    prefix
}

/// A reader that gives back what it reads, and what it has read: owners and sequence numbers.
struct Reading {
    cursor: Cursor,
    seen: [(u64, u64); 4],
    count: usize,
}

impl Reading {
    fn new() -> Self {
        Self {
            cursor: Cursor::START,
            seen: [(0, 0); 4],
            count: 0,
        }
    }

    /// Takes all that is ready. Numbers rise by one and what was lost.
    fn drain<const N: usize>(&mut self, ring: &Ring<[AtomicU64; N]>, has_ended: bool) {
        while let Some(found) = ring.find(self.cursor, None) {
            let owner = owner(&read(ring, &found), has_ended);
            let last = self.sequence();
            assert_eq!(found.sequence, last + 1 + found.lost_before);
            self.seen[self.count] = (owner, found.sequence);
            self.count += 1;
            let stock = ring.stock();
            let lost: u64 = stock.losses.iter().flatten().sum();
            assert!(
                found.sequence <= stock.records + lost,
                "a number not handed out"
            );
            ring.give_back(&found);
            self.cursor = found.next;
            ring.advance(self.cursor);
        }
    }

    fn sequence(&self) -> u64 {
        self.count
            .checked_sub(1)
            .map_or(0, |last| self.seen[last].1)
    }

    fn has(&self, owner: u64) -> Option<u64> {
        let seen = &self.seen[..self.count];
        let mut of = seen.iter().filter(|(who, _)| *who == owner);
        let found = of.next().map(|(_, sequence)| *sequence);
        assert!(of.next().is_none(), "delivered twice");
        found
    }
}

/// The reader, in a thread of its own: takes all that is ready, once.
fn read_meanwhile<const N: usize>(
    ring: &Arc<Ring<[AtomicU64; N]>>,
    has_ended: bool,
) -> thread::JoinHandle<Reading> {
    let ring = Arc::clone(ring);
    thread::spawn(move || {
        let mut reading = Reading::new();
        reading.drain(&ring, has_ended);
        reading
    })
}

/// What the reader does when everything is overdue: takes the record at the start, if it can.
fn take_over(ring: &One) -> Option<Found> {
    let found = ring.find(Cursor::START, OVERDUE)?;
    assert_eq!(owner(&read(ring, &found), !found.is_late), 1);
    let again = ring.find(Cursor::START, None);
    assert_eq!(again, Some(found), "the same again");
    ring.give_back(&found);
    ring.advance(found.next);
    Some(found)
}

/// Asserts that a record behind that one can be taken over: the entry for it is free.
fn assert_entry_is_free(ring: &One, found: &Found) {
    push(ring, 9, Arrival::Open).expect("there is room");
    let next = ring.find(found.next, OVERDUE);
    assert!(next.is_some_and(|found| found.is_late));
}

/// Two producers put a record in each and end it; the reader reads meanwhile.
#[test]
fn two_producers_and_the_reader() {
    check(3, || {
        let ring: Arc<Two> = ring();
        let producers = [1, 2].map(|who| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let position = push(&ring, who, Arrival::Open).expect("there is room for both");
                assert_eq!(end(&ring, position), Some(Ended::InPlace));
            })
        });
        let reader = read_meanwhile(&ring, true);
        for producer in producers {
            producer.join().unwrap();
        }
        let mut reading = reader.join().unwrap();
        reading.drain(&ring, true);
        assert_eq!(reading.count, 2);
        assert!(reading.has(1).is_some() && reading.has(2).is_some());
        assert_eq!(ring.usage(), (0, 4));
    });
}

/// Room for one: each producer is in or lost, and the numbers say exactly how many are lost.
#[test]
fn a_loss_has_a_number_too() {
    check(2, || {
        let ring: Arc<One> = ring();
        let producers = [1, 2].map(|who| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || push(&ring, who, Arrival::Whole).is_some())
        });
        let reader = read_meanwhile(&ring, false);
        let came = producers.map(|producer| producer.join().unwrap());
        let mut reading = reader.join().unwrap();
        reading.drain(&ring, false);
        let lost = came.iter().filter(|came| !**came).count() as u64;
        assert!(lost < 2, "the first always finds room");
        assert_eq!([reading.has(1).is_some(), reading.has(2).is_some()], came);
        // All is over now, so the next record comes after every loss.
        assert!(push(&ring, 3, Arrival::Whole).is_some());
        reading.drain(&ring, false);
        assert_eq!(reading.has(3), Some(3));
    });
}

/// What one thread lost before lies below what it puts in later, whatever the other does.
#[test]
fn a_loss_lies_below_what_comes_after_it() {
    loom::model(|| {
        let ring: Arc<One> = ring();
        assert!(push(&ring, 1, Arrival::Whole).is_some());
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let first = push(&ring, 2, Arrival::Whole).is_some();
                let second = push(&ring, 3, Arrival::Whole).is_some();
                (first, second)
            })
        };
        let reader = read_meanwhile(&ring, false);
        let (first, second) = producer.join().unwrap();
        let mut reading = reader.join().unwrap();
        reading.drain(&ring, false);
        assert_eq!(
            (reading.has(2).is_some(), reading.has(3).is_some()),
            (first, second)
        );
        assert_eq!(reading.has(1), Some(1));
        if first {
            assert_eq!(reading.has(2), Some(2));
        }
        if second {
            assert_eq!(reading.has(3), Some(3), "of three, however many were lost");
        }
    });
}

/// What was lost by somebody who saw a record's place taken lies above that record.
#[test]
fn a_loss_lies_above_what_came_before_it() {
    loom::model(|| {
        let ring: Arc<One> = ring();
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || push(&ring, 1, Arrival::Whole).is_some())
        };
        let other = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                if ring.usage().0 > 0 {
                    ring.lose(LossClass::Finding, LossCause::Fault);
                }
            })
        };
        assert!(producer.join().unwrap());
        other.join().unwrap();
        let mut reading = Reading::new();
        reading.drain(&ring, false);
        assert_eq!(reading.has(1), Some(1));
    });
}

/// A producer that read the losses long before it takes its place comes behind one that knows of more.
#[test]
fn numbers_rise_whatever_a_record_knows_of() {
    check(2, || {
        let ring: Arc<One> = ring();
        assert!(push(&ring, 1, Arrival::Whole).is_some());
        let slow = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || push(&ring, 2, Arrival::Whole).is_some())
        };
        let quick = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || [3, 4].map(|who| push(&ring, who, Arrival::Whole).is_some()))
        };
        let reader = read_meanwhile(&ring, false);
        let came = [slow.join().unwrap(), quick.join().unwrap()[1]];
        let mut reading = reader.join().unwrap();
        reading.drain(&ring, false);
        assert_eq!([2, 4].map(|who| reading.has(who).is_some()), came);
    });
}

/// The reader takes over what takes long. The end then finds what was kept, and only one of both has it.
#[test]
fn the_end_and_the_reader_want_one_record() {
    check(3, || {
        let ring: Arc<One> = ring();
        let position = push(&ring, 1, Arrival::Open).unwrap();
        let ender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || end(&ring, position).expect("the ticket is good once"))
        };
        let taken = take_over(&ring).map(|found| {
            // Another record comes to lie in its place.
            push(&ring, 2, Arrival::Open);
            found.is_late
        });
        match ender.join().unwrap() {
            Ended::InPlace => assert_ne!(taken, Some(true)),
            Ended::Late(prefix) => {
                assert_eq!(taken, Some(true));
                assert_eq!(owner(&prefix, true), 1);
            }
            Ended::Unkept => panic!("an entry was free"),
        }
        assert_eq!(end(&ring, position), None, "the ticket is good once");
    });
}

/// Two ends with one ticket: one is right, the other is stale.
#[test]
fn two_ends_with_one_ticket() {
    loom::model(|| {
        let ring: Arc<One> = ring();
        let position = push(&ring, 1, Arrival::Open).unwrap();
        let ends = two_ends(&ring, position).map(|ender| ender.join().unwrap());
        assert_eq!(
            ends.into_iter().flatten().collect::<Only>().0,
            Some(Ended::InPlace)
        );
    });
}

/// The same and the reader, which takes the record over.
#[test]
fn two_ends_with_one_ticket_and_the_reader() {
    check(2, || {
        let ring: Arc<One> = ring();
        let position = push(&ring, 1, Arrival::Open).unwrap();
        let enders = two_ends(&ring, position);
        let taken = take_over(&ring);
        let late = taken.is_some_and(|found| found.is_late);
        let ends = enders.map(|ender| ender.join().unwrap());
        match ends.into_iter().flatten().collect::<Only>().0 {
            Some(Ended::InPlace) => assert!(!late),
            Some(Ended::Late(prefix)) => {
                assert!(late);
                assert_eq!(owner(&prefix, true), 1);
            }
            Some(Ended::Unkept) => panic!("an entry was free"),
            None => panic!("the ticket is good"),
        }
        let taken = taken.or_else(|| take_over(&ring)).expect("it has ended");
        assert_entry_is_free(&ring, &taken);
    });
}

/// Somebody guesses the ticket before it is handed out. Then either the guess is good or the ticket, as if
/// there were two of it.
#[test]
fn a_guessed_ticket_is_no_second_one() {
    check(2, || {
        let ring: Arc<One> = ring();
        let guess = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || end(&ring, 0))
        };
        let position = push(&ring, 1, Arrival::Open).unwrap();
        let ender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || end(&ring, position))
        };
        let late = take_over(&ring).is_some_and(|found| found.is_late);
        let ends = [guess.join().unwrap(), ender.join().unwrap()];
        let end = ends.into_iter().flatten().collect::<Only>().0;
        match end.expect("the ticket is good") {
            Ended::InPlace => assert!(!late),
            Ended::Late(prefix) => assert!(late && owner(&prefix, true) == 1),
            Ended::Unkept => panic!("an entry was free"),
        }
    });
}

/// Two threads that end the request at a position.
fn two_ends(ring: &Arc<One>, position: u64) -> [thread::JoinHandle<Option<Ended>>; 2] {
    [(); 2].map(|()| {
        let ring = Arc::clone(ring);
        thread::spawn(move || end(&ring, position))
    })
}

/// At most one of something.
struct Only(Option<Ended>);

impl FromIterator<Ended> for Only {
    fn from_iter<I: IntoIterator<Item = Ended>>(ends: I) -> Self {
        let mut ends = ends.into_iter();
        let only = Self(ends.next());
        assert!(ends.next().is_none(), "the ticket is good once");
        only
    }
}

/// A late record's entry is used again: no end finds what was kept for another. Without an entry the record
/// goes all the same.
#[test]
fn an_entry_is_used_again() {
    check(3, || {
        let ring: Arc<Two> = ring();
        let positions = [1, 2].map(|who| push(&ring, who, Arrival::Open).unwrap());
        let first = ring.find(Cursor::START, OVERDUE).expect("it is overdue");
        let enders = positions.map(|position| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || end(&ring, position).expect("the ticket is good once"))
        });
        // There is one entry, which the first has until its end has come.
        let second = ring.find(first.next, OVERDUE);
        let [one, two] = enders.map(|ender| ender.join().unwrap());
        assert!(matches!(one, Ended::Late(prefix) if owner(&prefix, true) == 1));
        let is_late = second.is_some_and(|found| found.is_late);
        match two {
            Ended::InPlace => assert!(!is_late),
            Ended::Late(prefix) => assert!(is_late && owner(&prefix, true) == 2),
            Ended::Unkept => assert!(is_late),
        }
        for position in positions {
            assert_eq!(end(&ring, position), None, "the ticket is good once");
        }
    });
}

/// The only entry is taken: the reader takes the record over without it, gives its cells back, and another
/// record comes to lie there. The end, whenever it comes, is told once what became of the record.
#[test]
fn a_record_is_taken_over_without_an_entry() {
    check(3, || {
        let ring: Arc<Two> = ring();
        let [_, position] = [1, 2].map(|who| push(&ring, who, Arrival::Open).unwrap());
        let first = ring.find(Cursor::START, OVERDUE).expect("it is overdue");
        let ender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || end(&ring, position).expect("the ticket is good once"))
        };
        let second = ring.find(first.next, OVERDUE);
        if let Some(found) = &second {
            assert_eq!(owner(&read(&ring, found), !found.is_late), 2);
            ring.give_back(&first);
            ring.give_back(found);
            ring.advance(found.next);
            push(&ring, 3, Arrival::Whole).expect("there is room");
            push(&ring, 4, Arrival::Whole).expect("there is room");
        }
        let is_late = second.is_some_and(|found| found.is_late);
        match ender.join().unwrap() {
            Ended::InPlace => assert!(!is_late),
            Ended::Unkept => assert!(is_late),
            Ended::Late(_) => panic!("no entry was free"),
        }
        assert_eq!(end(&ring, position), None, "the ticket is good once");
    });
}

/// Where a request's start lies is no word that the test gives another meaning.
const _: () = assert!(STARTED_WORD != END_WORD && END_WORD < PREFIX_WORDS);
