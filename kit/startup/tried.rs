//! A program that needs what startup.rs brings: words of the command line, threads, their storage and its end, an exit
//! status. The tests link it for x86-64 as the programs for ARM64 are linked, and run it under Wine.
#![forbid(unsafe_code)]

use std::cell::Cell;

/// Says when its thread has ended.
struct Last(Cell<u32>);

impl Drop for Last {
    fn drop(&mut self) {
        println!("the end of a thread with {}", self.0.get());
    }
}

thread_local! {
    static LAST: Last = const { Last(Cell::new(40)) };
}

fn main() {
    let words = std::env::args().count();
    let thread = std::thread::spawn(|| {
        LAST.with(|last| last.0.set(last.0.get() + 2));
    });
    let has_ended = thread.join().is_ok();
    let here = LAST.with(|last| last.0.get());
    println!("{words} words, {has_ended}, {here} here");
    std::process::exit(7);
}
