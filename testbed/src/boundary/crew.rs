//! Host threads that are used again: starting one for every modelled thread costs more than most of
//! them do.
//!
//! [`run`] lends one thread of the crew to a closure and waits for its end. The crew grows to the
//! largest number of closures that ran at one time, and stays.
#![expect(
    unsafe_code,
    reason = "hands a closure that borrows to a thread that outlives it"
)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{preemption, steps};
use crate::verifier::{Rule, Violation};

/// Does the work and gives back what tells the waiting thread so.
type Job<'a> = Box<dyn FnOnce() -> Announcement<'a> + Send + 'a>;
type Announcement<'a> = Box<dyn FnOnce() + 'a>;
/// What a thread ended with: its value or its panic.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Where the threads that have nothing to do wait for work.
static IDLE: Mutex<Vec<Sender<Job<'static>>>> = Mutex::new(Vec::new());

/// Image code runs on the host's stack together with the host's frames: more than Windows gives.
pub(crate) const STACK_BYTES: usize = 1 << 20;

/// Runs `body` on a thread of the crew and waits for its end.
///
/// # Errors
///
/// [`Rule::Testbed`] when the host starts no thread.
pub(crate) fn run<T: Send>(body: impl FnOnce() -> T + Send) -> Result<Ended<T>, Violation> {
    let (ended, wait) = sync_channel(1);
    let (counted, meant) = (steps::is_counted(), preemption::is_meant());
    let job: Job<'_> = Box::new(move || {
        let body = || steps::counted_too(counted, || preemption::meant(meant, body));
        let result = catch_unwind(AssertUnwindSafe(body));
        Box::new(move || {
            // The other side waits, so it is there.
            let _sent = ended.send(result);
        })
    });
    // SAFETY: 1. only the lifetime changes. 2. This function returns only after `recv`: either the
    // announcement has been made, for which `body` was consumed before and its value handed over, or
    // both closures are dropped. Nothing that they borrow is touched afterwards: what is left of the
    // announcement is an empty channel.
    let job = unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
    give(job)?;
    wait.recv()
        .map_err(|_dropped| Violation::new(Rule::Testbed, "a host thread ended with its work"))
}

fn idle() -> MutexGuard<'static, Vec<Sender<Job<'static>>>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the work to a thread that has none, or to a new one.
fn give(job: Job<'static>) -> Result<(), Violation> {
    let waiting = idle().pop();
    let member = match waiting {
        Some(member) => member,
        None => enlist()?,
    };
    let gone = || Violation::new(Rule::Testbed, "a host thread has ended");
    member.send(job).map_err(|_job| gone())
}

fn enlist() -> Result<Sender<Job<'static>>, Violation> {
    let (member, work) = channel::<Job<'static>>();
    let again = member.clone();
    let started = std::thread::Builder::new()
        .name("modelled".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            while let Ok(job) = work.recv() {
                let announce = job();
                // Before the announcement: whoever waits for it finds this thread idle.
                idle().push(again.clone());
                announce();
            }
        });
    started.map(|_handle| member).map_err(|error| {
        let detail = format!("the host starts no thread: {error}");
        Violation::new(Rule::Testbed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_may_borrow_and_answer() {
        let numbers = [1, 2, 3];
        let sum = run(|| numbers.iter().sum::<i32>()).expect("a thread");
        assert_eq!(sum.expect("no panic"), 6);
    }

    #[test]
    fn a_thread_is_used_again_and_lends_others() {
        let me = || std::thread::current().id();
        let first = run(|| (me(), run(me).expect("a thread").expect("no panic")));
        let (outer, inner) = first.expect("a thread").expect("no panic");
        assert_ne!(outer, inner, "a closure that waits keeps its thread");
        assert_ne!(outer, me());
        let threads: std::collections::BTreeSet<_> = (0..64)
            .map(|_| format!("{:?}", run(me).expect("a thread").expect("no panic")))
            .collect();
        // Other tests use the crew too, so it need not be the very same one each time.
        assert!(threads.len() < 64, "{threads:?}");
    }

    #[test]
    fn a_panic_goes_to_the_waiting_thread() {
        let panic = run(|| panic!("on purpose")).expect("a thread").unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
        assert!(run(|| ()).expect("a thread").is_ok(), "the crew goes on");
    }
}
