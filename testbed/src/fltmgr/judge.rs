//! What the answers of pre- and post-operations may be, and what they may leave behind.
//!
//! Sources: `nc-fltkernel-pflt_pre_operation_callback`, `nc-fltkernel-pflt_post_operation_callback`,
//! `ns-fltkernel-_flt_callback_data`.

use super::dispatch::Request;
use super::frame::{Contents, UNSET_STATUS};
use super::instance::Instance;
use super::layout::callback_status as answer;
use crate::status::STATUS_PENDING;
use crate::verifier::Rule;

/// A broken rule and what the callback did, as the rest of a sentence.
pub(super) type Finding = (Rule, String);

/// Judges the status and the completion context of a pre-operation.
pub(super) fn judge_pre(
    instance: &Instance,
    request: &Request,
    outcome: u32,
    context: u64,
) -> Result<(), Finding> {
    let finding = |detail: &str| Err((Rule::CallbackStatus, detail.to_owned()));
    match outcome {
        answer::PRE_WITH_CALLBACK | answer::PRE_SYNCHRONIZE => {
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
    before: &Contents,
    after: &Contents,
    completes: bool,
) -> Result<(), Finding> {
    if let Some(what) = before.changes(after) {
        let detail = format!("changed {what}; edited requests are not modelled");
        return Err((Rule::CallbackData, detail));
    }
    let status = after.io_status().status;
    if !completes {
        if before.io_status_changed(after) {
            let detail = "set IoStatus, but did not complete the request".to_owned();
            return Err((Rule::CallbackData, detail));
        }
        return Ok(());
    }
    if status.0 == UNSET_STATUS {
        let detail = "completed the request without setting IoStatus.Status".to_owned();
        return Err((Rule::CallbackStatus, detail));
    }
    if status == STATUS_PENDING {
        let detail = "completed the request with STATUS_PENDING".to_owned();
        return Err((Rule::CallbackStatus, detail));
    }
    Ok(())
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
