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
