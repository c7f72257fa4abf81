//! Blocks for audit records are lent to requests and come back (`flt/src/lending.rs`).
//!
//! A borrower leaves his number in every byte. Whoever has the block next finds it, so of all numbers each is found once: by one
//! borrower, or at the end.

use std::collections::BTreeSet;

use crate::lending::{Lender, Lent};
use crate::model::{Arc, check, thread};

/// Bytes of a block; how many there are of them is not what is tried out here.
const SIZE: usize = 4;

type Blocks = Arc<Lender<SIZE>>;

/// What a borrower found in his block, and what he left there.
struct Use {
    found: u8,
    left: u8,
}

fn blocks(count: u32) -> Blocks {
    Arc::new(Lender::try_new(count).expect("there is memory"))
}

fn work(block: &mut Lent<'_, SIZE>, number: u8) -> Use {
    let found = block[0];
    assert_eq!(**block, [found; SIZE], "it is whole");
    block.fill(number);
    Use {
        found,
        left: number,
    }
}

/// Borrows a block and gives it back, for each of the numbers, if there is one to be had.
fn borrow(blocks: &Blocks, numbers: &'static [u8]) -> thread::JoinHandle<Vec<Use>> {
    let blocks = Arc::clone(blocks);
    let borrow = move |number: &u8| {
        let mut block = blocks.lend()?;
        let used = work(&mut block, *number);
        assert_eq!(*block, [*number; SIZE], "nobody else has it");
        Some(used)
    };
    thread::spawn(move || numbers.iter().filter_map(borrow).collect())
}

fn join<const N: usize>(borrowers: [thread::JoinHandle<Vec<Use>>; N]) -> Vec<Use> {
    let uses = borrowers.map(|borrower| borrower.join().expect("no panic"));
    uses.into_iter().flatten().collect()
}

/// More blocks than there can be.
const TOO_MANY: usize = 66;

/// Borrows all blocks that there are; what was left in them.
fn all(blocks: &Blocks) -> Vec<u8> {
    let lent = std::iter::from_fn(|| blocks.lend());
    let lent: Vec<_> = lent.take(TOO_MANY).collect();
    let places: BTreeSet<_> = lent.iter().map(|block| block.as_ptr()).collect();
    assert_eq!(places.len(), lent.len(), "each is another block");
    lent.iter().map(|block| block[0]).collect()
}

/// All blocks are there, and what was left in one was found once.
fn assert_nothing_is_lost(blocks: &Blocks, count: usize, uses: &[Use]) {
    let at_the_end = all(blocks);
    assert_eq!(at_the_end.len(), count, "blocks");
    let found = uses.iter().map(|used| used.found).chain(at_the_end);
    // Before anybody left something, there was a zero in each.
    let left = uses.iter().map(|used| used.left);
    let left = left.chain(std::iter::repeat_n(0, count));
    let sorted = |mut numbers: Vec<u8>| {
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(sorted(found.collect()), sorted(left.collect()));
}

/// As many as were asked for, and no more than there are bits; and all of them again.
#[test]
fn each_block_is_lent_once() {
    for (count, given) in [(0, 0), (1, 1), (2, 2), (63, 63), (64, 64), (65, 64)] {
        check(0, move || {
            let blocks = blocks(count);
            assert_eq!(all(&blocks).len(), given);
            assert_eq!(all(&blocks).len(), given, "they came back");
        });
    }
}

/// Three want one block: who comes while it is lent goes without, and one at least does not.
#[test]
fn one_block_is_lent_to_one_after_the_other() {
    check(2, || {
        let blocks = blocks(1);
        let uses = join([&[1], &[2], &[3]].map(|number| borrow(&blocks, number)));
        assert!(!uses.is_empty(), "nobody had it");
        assert_nothing_is_lost(&blocks, 1, &uses);
    });
}

/// Two who borrow again and again: there is a block for each, so nobody goes without.
#[test]
fn with_a_block_for_each_nobody_goes_without() {
    check(3, || {
        let blocks = blocks(2);
        let uses = join([&[1, 2], &[3, 4]].map(|numbers| borrow(&blocks, numbers)));
        assert_eq!(uses.len(), 4);
        assert_nothing_is_lost(&blocks, 2, &uses);
    });
}

/// One that was lent before comes back while others are lent and come back.
#[test]
fn a_block_comes_back_meanwhile() {
    check(3, || {
        let blocks = blocks(3);
        let mut kept = blocks.lend().expect("there is one");
        let borrowers = [&[1, 2], &[3, 4]].map(|numbers| borrow(&blocks, numbers));
        let used = work(&mut kept, 5);
        drop(kept);
        let mut uses = join(borrowers);
        uses.push(used);
        assert_eq!(uses.len(), 5, "there is one for each");
        assert_nothing_is_lost(&blocks, 3, &uses);
    });
}
