use super::*;
use crate::boundary::guest::Guest;

fn memory() -> Arc<Memory> {
    Memory::new().expect("address space")
}

#[test]
fn a_block_ends_where_its_page_ends() {
    let memory = memory();
    for (size, align, rest) in [
        (48, 16, 0),
        (45, 1, 0),
        (45, 16, 3),
        (4096, 16, 0),
        (5000, 8, 0),
    ] {
        let block = memory
            .allocate(BlockSpec {
                align,
                ..BlockSpec::new(size, "block")
            })
            .expect("memory");
        assert_eq!((block + size + rest) % PAGE, 0, "{size} {align}");
        assert_eq!(block % align, 0);
        assert_eq!(memory.size_of(block), Ok(size));
    }
}

#[test]
fn the_host_reaches_a_block_that_the_driver_may_not_touch() {
    let memory = memory();
    let block = memory.allocate(BlockSpec::new(8, "block")).expect("memory");
    let guest = Guest::new(&memory, 0);
    memory.set_access(block, Access::None).expect("a block");
    guest.host_write(block, &[1; 8]).expect("a block");
    assert_eq!(
        guest.read_u8(block, "b").expect_err("taken away").rule,
        Rule::BadPointer
    );
    memory.set_access(block, Access::ReadOnly).expect("a block");
    assert_eq!(guest.read_u8(block, "b"), Ok(1));
    assert_eq!(
        guest.write_u8(block, 2, "b").expect_err("read-only").rule,
        Rule::BadPointer
    );
    let outside = guest.host_write(block, &[1; 9]).expect_err("too long");
    assert_eq!(outside.rule, Rule::Testbed);
}

#[test]
fn a_freed_block_is_remembered_and_not_used_again() {
    let memory = memory();
    let block = memory.allocate(BlockSpec::new(8, "block")).expect("memory");
    memory.free(block, "the test").expect("a block");
    assert_eq!(
        memory.free(block, "again").expect_err("freed").rule,
        Rule::UseAfterFree
    );
    let text = memory.describe(block + 3);
    assert!(
        text.ends_with("byte 3 of the 8-byte block (freed by the test)"),
        "{text}"
    );
    let next = memory.allocate(BlockSpec::new(8, "block")).expect("memory");
    assert_ne!(next, block);
}

#[test]
fn bytes_written_around_a_block_are_found_when_it_is_freed() {
    let memory = memory();
    for offset in [-1_i64, 45] {
        let block = memory
            .allocate(BlockSpec::new(45, "block"))
            .expect("memory");
        memory.arena.set(block.wrapping_add_signed(offset), 1, 0);
        assert_eq!(
            memory.free(block, "the test").expect_err("overrun").rule,
            Rule::Overrun
        );
    }
}

#[test]
fn a_block_of_no_bytes_can_be_freed_but_not_touched() {
    let memory = memory();
    let block = memory
        .allocate(BlockSpec::new(0, "nothing"))
        .expect("memory");
    let guest = Guest::new(&memory, 0);
    assert_eq!(
        guest.read_u8(block, "b").expect_err("no bytes").rule,
        Rule::BadPointer
    );
    memory.free(block, "the test").expect("a block");
}

#[test]
fn paged_memory_is_out_of_reach_at_dispatch_level() {
    let memory = memory();
    let spec = BlockSpec {
        paged: true,
        ..BlockSpec::new(8, "block")
    };
    let block = memory.allocate(spec).expect("memory");
    assert_eq!(Guest::new(&memory, 1).read_u8(block, "b"), Ok(0));
    assert_eq!(
        Guest::new(&memory, 2)
            .read_u8(block, "b")
            .expect_err("paged")
            .rule,
        Rule::Irql
    );
}

/// Freed pages go back to the host in runs; whatever lives between them keeps its bytes.
#[test]
fn live_blocks_among_freed_ones_keep_what_they_hold() {
    let memory = memory();
    let guest = Guest::new(&memory, 0);
    let blocks: Vec<(u64, u8)> = (0..4 * DISCARDED_AT_ONCE)
        .map(|number| {
            let (size, byte) = (1 + number as u64 * 37 % 9000, number as u8);
            let spec = BlockSpec {
                fill: byte,
                ..BlockSpec::new(size, "block")
            };
            (memory.allocate(spec).expect("memory"), byte)
        })
        .collect();
    let (live, freed): (Vec<_>, Vec<_>) = blocks.iter().partition(|(_, byte)| byte % 3 == 0);
    for (block, _) in freed {
        memory.free(block, "the test").expect("a block");
    }
    assert!(memory.map().discarded.len() < DISCARDED_AT_ONCE);
    for (block, byte) in live {
        let size = memory.size_of(block).expect("it lives");
        let bytes = guest.bytes(block, size, "block").expect("readable");
        assert!(bytes.iter().all(|held| *held == byte), "block {byte}");
    }
}

#[test]
fn what_does_not_last_is_known() {
    let memory = memory();
    let [live, freed] = [(); 2].map(|()| {
        memory
            .allocate(BlockSpec::new(32, "block"))
            .expect("memory")
    });
    memory.free(freed, "the test").expect("a block");
    memory.add_stack(0x10_0000, 0x1000, "stack of a thread".to_owned());
    for lasting in [0, 1, 0x77, live, live + 31] {
        assert_eq!(memory.why_fleeting(lasting), None, "{lasting:#x}");
    }
    for (address, why) in [
        (freed + 8, "freed by the test"),
        (0x10_0800, "stack of a thread"),
    ] {
        let found = memory.why_fleeting(address);
        assert!(
            found.as_ref().is_some_and(|text| text.contains(why)),
            "{found:?}"
        );
    }
}
