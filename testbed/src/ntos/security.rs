//! References to tokens: `Se*SubjectContext*` and the token routines of `Ps*`. What a token says is in
//! [`super::token_query`].
//!
//! Each family of references is released by its own routine; mixing them up is a violation.

use crate::boundary::import::Call;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::token::TokenObject;
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
    objects.payload::<TokenObject>(ObjectAddress(token), Kind::Token)?;
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

/// "SeReleaseSubjectContext function (ntifs.h)", Microsoft Learn: it "releases a subject security context captured by an
/// earlier call". One that was captured holds the token of a process until then.
pub(crate) fn se_release_subject_context(call: &Call, context: u64) -> Result<(), Violation> {
    let guest = call.guest();
    if guest.read_u64(context + PRIMARY_TOKEN, "SubjectContext")? == 0 {
        let detail = "the subject context was never captured, or has been released before";
        return Err(call.violation(Rule::Reference, detail));
    }
    for offset in [CLIENT_TOKEN, PRIMARY_TOKEN] {
        let token = guest.read_u64(context + offset, "SubjectContext")?;
        if token != 0 {
            release(call, token, SUBJECT)?;
        }
        guest.write_u64(context + offset, 0, "SubjectContext")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::test_call::{block, broken, in_user};
    use super::*;
    use std::sync::Arc;

    use crate::ntos::token::{Impersonation, Token};

    /// Makes the calling thread impersonate the user with this SID.
    fn impersonate(call: &Call, sid: &str) -> ObjectAddress {
        let token = Arc::new(TokenObject::new(Token::of(sid)));
        let address = call
            .machine()
            .objects()
            .create(Kind::Token, "a client's token", token);
        call.thread().set_impersonation(Some(Impersonation {
            token: address,
            level: 2,
        }));
        address
    }

    #[test]
    fn a_thread_that_does_not_impersonate_has_no_impersonation_token() {
        in_user(|call| {
            let (out, thread) = (block(call, 16), call.thread().object().0);
            let token = ps_reference_impersonation_token(call, thread, out, out + 1, out + 4);
            assert_eq!(token, Ok(0));
            assert_eq!(ps_dereference_impersonation_token(call, 0), Ok(()));
        });
    }

    #[test]
    fn an_impersonation_token_is_released_by_its_own_routine() {
        in_user(|call| {
            let client = impersonate(call, "S-1-5-21-1-2-3-1005");
            let (out, thread) = (block(call, 16), call.thread().object().0);
            let token = ps_reference_impersonation_token(call, thread, out, out + 1, out + 4);
            assert_eq!(token, Ok(client.0));
            assert_eq!(call.guest().read_u32(out + 4, "level"), Ok(2));
            assert_eq!(
                broken(ps_dereference_primary_token(call, client.0)),
                Rule::Reference
            );
            assert_eq!(ps_dereference_impersonation_token(call, client.0), Ok(()));
            assert_eq!(
                broken(ps_dereference_impersonation_token(call, client.0)),
                Rule::Reference
            );
        });
    }

    #[test]
    fn a_subject_context_holds_both_tokens_until_it_is_released() {
        in_user(|call| {
            let client = impersonate(call, "S-1-5-21-1-2-3-1005");
            let (context, objects) = (block(call, 32), call.machine().objects());
            let (thread, process) = (call.thread().object().0, call.thread().process());
            se_capture_subject_context_ex(call, thread, process.object().0, context)
                .expect("captured");
            let guest = call.guest();
            assert_eq!(guest.read_u64(context, "client"), Ok(client.0));
            assert_eq!(guest.read_u32(context + 8, "level"), Ok(2));
            assert_eq!(
                guest.read_u64(context + 16, "primary"),
                Ok(process.token().0)
            );
            assert_eq!(objects.leaks(0).len(), 2);
            se_release_subject_context(call, context).expect("released");
            assert_eq!(objects.leaks(0).len(), 0);
            assert_eq!(
                broken(se_release_subject_context(call, context)),
                Rule::Reference
            );
        });
    }
}
