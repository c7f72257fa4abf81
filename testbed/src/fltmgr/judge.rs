//! What the answers of pre- and post-operations may be, and what they may leave behind.
//!
//! Sources: `nc-fltkernel-pflt_pre_operation_callback`, `nc-fltkernel-pflt_post_operation_callback`,
//! `ns-fltkernel-_flt_callback_data`, "Returning FLT_PREOP_SYNCHRONIZE".

use super::dispatch::{Completion, Request};
use super::frame::{Contents, UNSET};
use super::instance::Instance;
use super::layout::callback_status as answer;
use crate::boundary::memory::Memory;
use crate::status::{STATUS_FLT_DISALLOW_FAST_IO, STATUS_PENDING};
use crate::verifier::Rule;

/// A broken rule and what the callback did, as the rest of a sentence.
pub(super) type Finding = (Rule, String);

/// Judges the status and the completion context of a pre-operation.
pub(super) fn judge_pre(
    memory: &Memory,
    instance: &Instance,
    request: &Request,
    (outcome, context): (u32, u64),
) -> Result<(), Finding> {
    let finding = |detail: &str| Err((Rule::CallbackStatus, detail.to_owned()));
    match outcome {
        answer::PRE_WITH_CALLBACK | answer::PRE_SYNCHRONIZE => {
            judge_context(memory, context)?;
            if instance.filter.registration.post == 0 {
                return finding("asked for a post-operation, but none is registered");
            }
            if outcome == answer::PRE_SYNCHRONIZE && is_oplock_request(request.code) {
                return finding("returned FLT_PREOP_SYNCHRONIZE for an oplock request");
            }
            Ok(())
        }
        answer::PRE_NO_CALLBACK | answer::PRE_COMPLETE if context != 0 => finding(
            "set a completion context, but asked for no post-operation that would receive it",
        ),
        answer::PRE_NO_CALLBACK | answer::PRE_COMPLETE => Ok(()),
        answer::PRE_PENDING => finding(
            "returned FLT_PREOP_PENDING, but no routine exists here that could resume the request",
        ),
        answer::PRE_DISALLOW_FASTIO => {
            finding("returned FLT_PREOP_DISALLOW_FASTIO for an operation that is not fast I/O")
        }
        answer::PRE_DISALLOW_FSFILTER_IO => {
            finding("returned FLT_PREOP_DISALLOW_FSFILTER_IO, which is for QueryOpen only")
        }
        other => finding(&format!(
            "returned {other:#x}, which is no FLT_PREOP_CALLBACK_STATUS"
        )),
    }
}

/// Requests that must not be synchronised ("Returning FLT_PREOP_SYNCHRONIZE", Windows driver
/// documentation): the FSCTL_*OPLOCK* codes of ntifs.h.
fn is_oplock_request(code: u32) -> bool {
    const CODES: [u32; 9] = [
        0x90000, 0x90004, 0x90008, 0x9000C, 0x90010, 0x90014, 0x90050, 0x9005C, 0x90240,
    ];
    CODES.contains(&code)
}

/// Judges what a pre-operation changed in what it was given.
pub(super) fn judge_edits(
    request: &Request,
    (before, after): (&Contents, &Contents),
    completes: bool,
) -> Result<(), Finding> {
    if let Some(what) = before.changes(after) {
        let detail = format!("changed {what}; edited requests are not modelled");
        return Err((Rule::CallbackData, detail));
    }
    if !completes {
        if before.io_status_changed(after) {
            let detail = "set IoStatus, but did not complete the request".to_owned();
            return Err((Rule::CallbackData, detail));
        }
        return Ok(());
    }
    judge_completion(after.io_status(), request.output_length)
}

/// Judges how a pre-operation completed a request. "It must set .. IoStatus.Status .. to the final
/// NTSTATUS value .. cannot be STATUS_PENDING"; STATUS_FLT_DISALLOW_FAST_IO is for fast I/O. Stricter:
/// Information must be set too, to zero with an error, to no more than the caller has room for
/// otherwise ("IO_STATUS_BLOCK structure (wdm.h)").
fn judge_completion(completion: Completion, output_length: u32) -> Result<(), Finding> {
    /// The lowest status of severity error.
    const ERROR: u32 = 0xC000_0000;
    let Completion {
        status,
        information,
    } = completion;
    let finding = |rule, what: String| Err((rule, format!("completed the request {what}")));
    if status == UNSET.status {
        let what = "without setting IoStatus.Status".to_owned();
        return finding(Rule::CallbackStatus, what);
    }
    if status == STATUS_PENDING || status == STATUS_FLT_DISALLOW_FAST_IO {
        return finding(Rule::CallbackStatus, format!("with {status}"));
    }
    if information == UNSET.information {
        let what = "without setting IoStatus.Information".to_owned();
        return finding(Rule::CallbackData, what);
    }
    let most = if status.0 < ERROR {
        u64::from(output_length)
    } else {
        0
    };
    if information > most {
        let what = format!("with {status} and Information {information}, at most {most} here");
        return finding(Rule::CallbackData, what);
    }
    Ok(())
}

/// Judges a completion context, which is a number or leads to memory that outlives the callback: not
/// to the stack of a thread, and to nothing that is freed.
pub(super) fn judge_context(memory: &Memory, context: u64) -> Result<(), Finding> {
    match memory.why_fleeting(context) {
        None => Ok(()),
        Some(where_) => Err((
            Rule::UseAfterFree,
            format!("has a completion context that leads to {where_}"),
        )),
    }
}

/// Judges the status of a post-operation.
pub(super) fn judge_post(outcome: u32, draining: bool) -> Result<(), Finding> {
    let detail = match outcome {
        answer::POST_FINISHED => return Ok(()),
        answer::POST_MORE_PROCESSING if draining => {
            "returned FLT_POSTOP_MORE_PROCESSING_REQUIRED while draining".to_owned()
        }
        answer::POST_MORE_PROCESSING => "returned FLT_POSTOP_MORE_PROCESSING_REQUIRED without \
             having posted the operation anywhere"
            .to_owned(),
        answer::POST_DISALLOW_FSFILTER_IO => {
            "returned FLT_POSTOP_DISALLOW_FSFILTER_IO, which is for QueryOpen only".to_owned()
        }
        other => format!("returned {other:#x}, which is no FLT_POSTOP_CALLBACK_STATUS"),
    };
    Err((Rule::CallbackStatus, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{
        NtStatus, STATUS_ACCESS_DENIED, STATUS_BUFFER_OVERFLOW, STATUS_INVALID_PARAMETER,
        STATUS_SUCCESS,
    };

    /// The rule that a completion breaks, of a request with room for 8 bytes.
    fn broken(status: NtStatus, information: u64) -> Option<Rule> {
        let completion = Completion {
            status,
            information,
        };
        judge_completion(completion, 8).err().map(|(rule, _)| rule)
    }

    #[test]
    fn a_completion_sets_both_members_to_what_they_can_be() {
        for (status, information) in [
            (STATUS_SUCCESS, 0),
            (STATUS_SUCCESS, 8),
            (STATUS_BUFFER_OVERFLOW, 8),
            (STATUS_ACCESS_DENIED, 0),
        ] {
            assert_eq!(broken(status, information), None, "{status} {information}");
        }
        for status in [UNSET.status, STATUS_PENDING, STATUS_FLT_DISALLOW_FAST_IO] {
            assert_eq!(broken(status, 0), Some(Rule::CallbackStatus), "{status}");
        }
        for (status, information) in [
            (STATUS_SUCCESS, 9),
            (STATUS_SUCCESS, UNSET.information),
            (STATUS_BUFFER_OVERFLOW, 9),
            (STATUS_INVALID_PARAMETER, 1),
        ] {
            let rule = broken(status, information);
            assert_eq!(rule, Some(Rule::CallbackData), "{status} {information}");
        }
    }
}
