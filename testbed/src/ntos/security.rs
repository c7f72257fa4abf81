//! `Se*` and the token routines of `Ps*`.
//!
//! Each family of references is released by its own routine; mixing them up is a violation.

use std::sync::Arc;

use crate::boundary::import::Call;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::pool::{self, SYSTEM_TAG};
use crate::ntos::token::{Token, sid_bytes};
use crate::status::{
    NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_INFO_CLASS, STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};

const PRIMARY: &str = "PsDereferencePrimaryToken";
const IMPERSONATION: &str = "PsDereferenceImpersonationToken";
const SUBJECT: &str = "SeReleaseSubjectContext";

/// `SECURITY_SUBJECT_CONTEXT` (wdm.h): ClientToken 0, ImpersonationLevel 8, PrimaryToken 16,
/// ProcessAuditId 24.
const CLIENT_TOKEN: u64 = 0;
const IMPERSONATION_LEVEL: u64 = 8;
const PRIMARY_TOKEN: u64 = 16;
const AUDIT_ID: u64 = 24;

/// "PsReferencePrimaryToken function (ntifs.h)", Microsoft Learn.
pub(crate) fn ps_reference_primary_token(call: &Call, process: u64) -> Result<u64, Violation> {
    let objects = call.machine().objects();
    let token = objects.process(process)?.token();
    objects.reference(token, call.site(), PRIMARY)?;
    Ok(token.0)
}

/// "PsDereferencePrimaryToken function (ntifs.h)", Microsoft Learn.
pub(crate) fn ps_dereference_primary_token(call: &Call, token: u64) -> Result<(), Violation> {
    release(call, token, PRIMARY)
}

/// "PsReferenceImpersonationToken function (ntifs.h)", Microsoft Learn: NULL when the thread does not
/// impersonate.
pub(crate) fn ps_reference_impersonation_token(
    call: &Call,
    thread: u64,
    copy_on_open: u64,
    effective_only: u64,
    level: u64,
) -> Result<u64, Violation> {
    let objects = call.machine().objects();
    let Some(whom) = objects
        .thread(thread)?
        .and_then(|thread| thread.impersonation())
    else {
        return Ok(0);
    };
    let guest = call.guest();
    guest.write_u8(copy_on_open, 0, "CopyOnOpen")?;
    guest.write_u8(effective_only, 0, "EffectiveOnly")?;
    guest.write_u32(level, whom.level, "ImpersonationLevel")?;
    objects.reference(whom.token, call.site(), IMPERSONATION)?;
    Ok(whom.token.0)
}

/// "PsDereferenceImpersonationToken function (ntifs.h)", Microsoft Learn: NULL is allowed.
pub(crate) fn ps_dereference_impersonation_token(call: &Call, token: u64) -> Result<(), Violation> {
    if token == 0 {
        Ok(())
    } else {
        release(call, token, IMPERSONATION)
    }
}

fn release(call: &Call, token: u64, with: &'static str) -> Result<(), Violation> {
    let objects = call.machine().objects();
    objects.payload::<Token>(ObjectAddress(token), Kind::Token)?;
    objects
        .dereference(ObjectAddress(token), call.site(), with)
        .map(drop)
}

/// "SeCaptureSubjectContextEx function (ntifs.h)", Microsoft Learn.
pub(crate) fn se_capture_subject_context_ex(
    call: &Call,
    thread: u64,
    process: u64,
    context: u64,
) -> Result<(), Violation> {
    let objects = call.machine().objects();
    let owner = objects.process(process)?;
    let client = if thread == 0 {
        None
    } else {
        objects.thread(thread)?.and_then(|t| t.impersonation())
    };
    let guest = call.guest();
    guest.check_aligned(context, 8, "SubjectContext")?;
    for token in client.iter().map(|whom| whom.token).chain([owner.token()]) {
        objects.reference(token, call.site(), SUBJECT)?;
    }
    let (client_token, level) = client.map_or((0, 0), |whom| (whom.token.0, whom.level));
    guest.write_u64(context + CLIENT_TOKEN, client_token, "SubjectContext")?;
    guest.write_u32(context + IMPERSONATION_LEVEL, level, "SubjectContext")?;
    guest.write_u64(context + PRIMARY_TOKEN, owner.token().0, "SubjectContext")?;
    guest.write_u64(context + AUDIT_ID, owner.id(), "SubjectContext")
}

/// "SeReleaseSubjectContext function (ntifs.h)", Microsoft Learn.
pub(crate) fn se_release_subject_context(call: &Call, context: u64) -> Result<(), Violation> {
    let guest = call.guest();
    for offset in [CLIENT_TOKEN, PRIMARY_TOKEN] {
        let token = guest.read_u64(context + offset, "SubjectContext")?;
        if token != 0 {
            release(call, token, SUBJECT)?;
        }
        guest.write_u64(context + offset, 0, "SubjectContext")?;
    }
    Ok(())
}

/// "SeQueryInformationToken function (ntifs.h)", Microsoft Learn: the answer is paged pool that the
/// caller frees with ExFreePool, but for classes that answer in the pointer itself.
pub(crate) fn se_query_information_token(
    call: &Call,
    token: u64,
    class: u32,
    information: u64,
) -> Result<NtStatus, Violation> {
    let token: Arc<Token> = call
        .machine()
        .objects()
        .payload(ObjectAddress(token), Kind::Token)?;
    let guest = call.guest();
    guest.check_aligned(information, 8, "TokenInformation")?;
    // TOKEN_INFORMATION_CLASS (ntifs.h).
    match class {
        1 => answer_user(call, &token.user, information),
        // A DWORD in the place of the pointer: TokenSessionId, TokenIntegrityLevel.
        12 | 25 => {
            let value = if class == 12 {
                token.session
            } else {
                token.integrity
            };
            guest.write_u32(information, value, "TokenInformation")?;
            Ok(STATUS_SUCCESS)
        }
        0 | 50.. => Ok(STATUS_INVALID_INFO_CLASS),
        other => Err(call.violation(
            Rule::NotModelled,
            format!("token information class {other}"),
        )),
    }
}

/// TOKEN_USER: SID_AND_ATTRIBUTES (Sid 0, Attributes 8), then the SID it points to.
fn answer_user(call: &Call, sid: &str, information: u64) -> Result<NtStatus, Violation> {
    let Some(sid) = sid_bytes(sid) else {
        return Err(call.violation(Rule::Testbed, format!("{sid} is no SID")));
    };
    let size = 16 + sid.len() as u64;
    let Some(block) = pool::allocate_for_driver(call, size, SYSTEM_TAG)? else {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    };
    let mut bytes = (block + 16).to_le_bytes().to_vec();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&sid);
    let guest = call.guest();
    guest.host_write(block, &bytes)?;
    guest.write_u64(information, block, "TokenInformation")?;
    Ok(STATUS_SUCCESS)
}
