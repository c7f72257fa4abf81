//! Requests on their way: packed for a thread of any caller, and those that the file system keeps for a while.
//!
//! A request that is held has done its work in the file system, which has not said so yet. It comes back when a later
//! step lets it; until then handles are closed, volumes go, the driver is unloaded.

use testbed::io::{FsControl, Handle, Hold, IoStatus, RequestOptions};
use testbed::ntos::token::Impersonation;
use testbed::process::Running;
use testbed::status::STATUS_PENDING;

use super::carry::{claimed, options};
use super::place::{Caller, ask};
use super::play::{Play, Seen};
use super::request::{Sent, encode};
use super::script::{Request, Who};

/// A request with all that it needs.
pub(super) struct Parcel {
    handle: Handle,
    code: u32,
    input: Option<Vec<u8>>,
    output: u32,
    options: RequestOptions,
    is_pending: bool,
    impersonated: Option<Impersonation>,
}

impl Parcel {
    /// Sends it and waits for its end.
    pub(super) fn send(&self, caller: Caller<'_>) -> IoStatus {
        let control = FsControl {
            handle: self.handle,
            code: self.code,
            input: self.input.as_deref(),
            output_length: self.output,
            options: self.options.clone(),
        };
        let send = || {
            ask!(caller, thread => if self.is_pending {
                thread.start_fs_control(&control).wait()
            } else {
                thread.fs_control_with(&control)
            })
        };
        match self.impersonated {
            Some(whom) => ask!(caller, thread => thread.impersonate(whom, send)),
            None => send(),
        }
    }
}

/// A request that has not come back.
pub(super) struct Held {
    /// Its step.
    number: usize,
    hold: Hold,
    running: Running<IoStatus>,
}

impl Play<'_> {
    pub(super) fn pack(&self, request: &Request, sent: &Sent, handle: Handle) -> Parcel {
        let claimed = claimed(request);
        Parcel {
            handle,
            code: request.code,
            input: encode(request, sent),
            output: if claimed.is_some() { 0 } else { request.output },
            options: options(request.carriage, claimed),
            is_pending: request.carriage.pending,
            impersonated: request.impersonates.then(|| self.place.other_user()),
        }
    }

    /// Sends a request of step `number` that the file system holds, and answers that it is pending; or its status, if it
    /// does not come that far.
    pub(super) fn send_and_hold(&mut self, number: usize, who: Who, parcel: Parcel) -> IoStatus {
        let hold = Hold::new();
        let parcel = Parcel {
            options: parcel.options.hold(&hold),
            ..parcel
        };
        let ended = hold.clone();
        let running = self.place.start(who, move |caller| {
            let status = parcel.send(caller);
            ended.release();
            status
        });
        if !hold.wait_for_one_or_release() {
            return running.join();
        }
        self.held.push_back(Held {
            number,
            hold,
            running,
        });
        IoStatus {
            status: STATUS_PENDING,
            information: 0,
            output: Vec::new(),
        }
    }

    /// Lets the request go that was held longest, and puts its end with its step; `false` if there is none.
    pub(super) fn release(&mut self, seen: &mut [Seen]) -> bool {
        let Some(held) = self.held.pop_front() else {
            return false;
        };
        held.hold.release();
        let status = held.running.join();
        if let Some(Seen::Answer(answer)) = seen.get_mut(held.number) {
            answer.status = status;
        }
        true
    }

    /// Lets all go, if the driver looks at some of them again when they end: who takes an instance away waits for those.
    pub(super) fn release_synchronized(&mut self, seen: &mut [Seen]) {
        let mut held = self.held.iter();
        if held.any(|held| self.place.is_synchronized(held.number)) {
            while self.release(seen) {}
        }
    }
}
