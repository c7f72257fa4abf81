//! `SeQueryInformationToken`: what a token says of itself.

use std::sync::Arc;

use crate::boundary::import::Call;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::pool::{self, SYSTEM_TAG};
use crate::ntos::token::{Token, TokenObject, TokenState, sid_bytes};
use crate::status::{
    NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_INFO_CLASS, STATUS_SUCCESS,
};
use crate::verifier::{Rule, Violation};

// TOKEN_INFORMATION_CLASS (ntifs.h).
const USER: u32 = 1;
const STATISTICS: u32 = 10;
const SESSION_ID: u32 = 12;
const ELEVATION: u32 = 20;
const INTEGRITY_LEVEL: u32 = 25;
/// The first class that no version of Windows has.
const NO_CLASS: u32 = 50;

/// TOKEN_TYPE (ntifs.h), and the level at which clients of the model are impersonated.
const PRIMARY: u32 = 1;
const IMPERSONATION: u32 = 2;

/// "SeQueryInformationToken function (ntifs.h)", Microsoft Learn: the answer is paged pool that the
/// caller frees with ExFreePool, but for "a DWORD value (not a pointer to it)" of the classes TokenSessionId
/// and TokenIntegrityLevel.
pub(crate) fn se_query_information_token(
    call: &Call,
    address: u64,
    class: u32,
    information: u64,
) -> Result<NtStatus, Violation> {
    let objects = call.machine().objects();
    let object: Arc<TokenObject> = objects.payload(ObjectAddress(address), Kind::Token)?;
    let TokenState { token, modified_id } = object.state();
    let guest = call.guest();
    guest.check_aligned(information, 8, "TokenInformation")?;
    let in_place = |value| {
        guest.write_u32(information, value, "TokenInformation")?;
        Ok(STATUS_SUCCESS)
    };
    match class {
        USER => answer_user(call, &token.user, information),
        STATISTICS => {
            let is_primary = call.machine().is_primary_token(ObjectAddress(address));
            let bytes = statistics(is_primary, &token, [object.id(), modified_id]);
            answer(call, &bytes, information)
        }
        ELEVATION => {
            // TOKEN_ELEVATION: TokenIsElevated.
            let elevated = u32::from(token.elevated).to_le_bytes();
            answer(call, &elevated, information)
        }
        SESSION_ID => in_place(token.session),
        INTEGRITY_LEVEL => in_place(token.integrity),
        0 | NO_CLASS.. => Ok(STATUS_INVALID_INFO_CLASS),
        other => Err(call.violation(
            Rule::NotModelled,
            format!("token information class {other}"),
        )),
    }
}

/// Puts `bytes` into a block of paged pool and the block's address into `information`.
fn answer(call: &Call, bytes: &[u8], information: u64) -> Result<NtStatus, Violation> {
    let Some(block) = pool::allocate_for_driver(call, bytes.len() as u64, SYSTEM_TAG)? else {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    };
    call.guest().host_write(block, bytes)?;
    call.guest()
        .write_u64(information, block, "TokenInformation")?;
    Ok(STATUS_SUCCESS)
}

/// TOKEN_USER: SID_AND_ATTRIBUTES (Sid 0, Attributes 8), then the SID it points to.
fn answer_user(call: &Call, sid: &str, information: u64) -> Result<NtStatus, Violation> {
    let Some(sid) = sid_bytes(sid) else {
        return Err(call.violation(Rule::Testbed, format!("{sid} is no SID")));
    };
    let mut bytes = vec![0; 16];
    bytes.extend_from_slice(&sid);
    let status = answer(call, &bytes, information)?;
    if status == STATUS_SUCCESS {
        let guest = call.guest();
        let block = guest.read_u64(information, "TokenInformation")?;
        guest.host_write(block, &(block + 16).to_le_bytes())?;
    }
    Ok(status)
}

/// TOKEN_STATISTICS: TokenId 0, AuthenticationId 8, ExpirationTime 16, TokenType 24, ImpersonationLevel
/// 28, four counts, ModifiedId 48. Expiration is "not currently supported": never.
fn statistics(is_primary: bool, token: &Token, [id, modified_id]: [u64; 2]) -> Vec<u8> {
    const NEVER: i64 = i64::MAX;
    let (kind, level) = if is_primary {
        // "valid only if the TokenType is TokenImpersonation": what stands there means nothing.
        (PRIMARY, u32::MAX)
    } else {
        (IMPERSONATION, IMPERSONATION)
    };
    let mut bytes = Vec::new();
    bytes.extend(id.to_le_bytes());
    bytes.extend(token.logon.to_le_bytes());
    bytes.extend(NEVER.to_le_bytes());
    bytes.extend(
        [kind, level, 0, 0, 0, 0]
            .into_iter()
            .flat_map(u32::to_le_bytes),
    );
    bytes.extend(modified_id.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::test_call::{block, broken, in_system, in_user};
    use super::*;
    use crate::ntos::pool::ex_free_pool;
    use crate::process::ProcessSpec;

    fn own_token(call: &Call) -> u64 {
        call.thread().process().token().0
    }

    #[test]
    fn the_user_of_a_token_comes_in_a_block_of_paged_pool() {
        in_system(|call| {
            let out = block(call, 8);
            let asked = se_query_information_token(call, own_token(call), USER, out);
            assert_eq!(asked, Ok(STATUS_SUCCESS));
            let guest = call.guest();
            let user = guest.read_u64(out, "user").expect("a pointer");
            let sid = guest.read_u64(user, "Sid").expect("a pointer");
            let expected = sid_bytes("S-1-5-18").expect("a SID");
            assert_eq!(guest.bytes(sid, 12, "SID"), Ok(expected));
            assert_eq!(call.machine().pool().leaks(0).len(), 1);
            ex_free_pool(call, user).expect("it is pool");
        });
    }

    #[test]
    fn session_and_integrity_come_in_place_of_the_pointer() {
        in_user(|call| {
            let (out, token, guest) = (block(call, 8), own_token(call), call.guest());
            for (class, value) in [(SESSION_ID, 1), (INTEGRITY_LEVEL, 0x2000)] {
                guest.write_u64(out, u64::MAX, "value").expect("writable");
                let asked = se_query_information_token(call, token, class, out);
                assert_eq!(asked, Ok(STATUS_SUCCESS));
                let expected = 0xFFFF_FFFF_0000_0000 | value;
                assert_eq!(guest.read_u64(out, "value"), Ok(expected), "four bytes");
            }
            let none = se_query_information_token(call, token, 0, out);
            assert_eq!(none, Ok(STATUS_INVALID_INFO_CLASS));
            let group = se_query_information_token(call, token, 2, out);
            assert_eq!(broken(group), Rule::NotModelled);
        });
    }

    /// Asks for a class that answers in pool, and frees the block.
    fn words<const N: usize>(call: &Call, token: u64, class: u32) -> [u32; N] {
        let (out, guest) = (block(call, 8), call.guest());
        let asked = se_query_information_token(call, token, class, out);
        assert_eq!(asked, Ok(STATUS_SUCCESS));
        let answer = guest.read_u64(out, "answer").expect("a pointer");
        let past = guest.read_u32(answer + 4 * N as u64, "past the end");
        assert!(past.is_err(), "{N} words and no more");
        let words = std::array::from_fn(|at| {
            guest
                .read_u32(answer + 4 * at as u64, "answer")
                .expect("readable")
        });
        ex_free_pool(call, answer).expect("it is pool");
        words
    }

    #[test]
    fn logon_kind_and_elevation_come_in_blocks_too() {
        in_system(|call| {
            let machine = call.machine();
            let token = Token {
                elevated: true,
                logon: 0x0123_4567_89AB_CDEF,
                ..Token::of("S-1-5-21-1-2-3-500")
            };
            let copy = machine.create_process(ProcessSpec::user("copy.exe").token(token.clone()));
            let client = machine.objects().create(
                Kind::Token,
                "a client's token",
                Arc::new(TokenObject::new(token)),
            );
            for (address, kind) in [(copy.token().0, PRIMARY), (client.0, IMPERSONATION)] {
                let statistics: [u32; 14] = words(call, address, STATISTICS);
                assert_eq!(statistics[2..4], [0x89AB_CDEF, 0x0123_4567]);
                assert_eq!(statistics[6], kind);
                assert_eq!(words(call, address, ELEVATION), [1]);
            }
            let plain = machine.create_process(ProcessSpec::user("copy.exe"));
            assert_eq!(words(call, plain.token().0, ELEVATION), [0]);
        });
    }

    #[test]
    fn a_token_that_is_changed_is_the_same_and_tells_of_it() {
        in_system(|call| {
            let machine = call.machine();
            let [one, other] =
                [1, 2].map(|_| machine.create_process(ProcessSpec::user("copy.exe")));
            let ask = |process: &crate::Process| -> [u32; 14] {
                words(call, process.token().0, STATISTICS)
            };
            let (before, beside) = (ask(&one), ask(&other));
            assert_eq!(ask(&one), before, "asking changes nothing");
            assert_ne!(before[..2], beside[..2], "another token");
            one.modify_token(|token| token.elevated = true);
            let after = ask(&one);
            assert_eq!(after[..12], before[..12]);
            assert_ne!(after[12..], before[12..], "it was modified");
            assert_eq!(words(call, one.token().0, ELEVATION), [1]);
            assert_eq!(ask(&other), beside);
        });
    }
}
