//! What a program asks for when it opens the port.

use flt::clients::{Clients, Connection};
use flt::status::NtStatus;
use wire::{ConnectRequest, DecodeError, Request};

use crate::CloneGuard;

impl CloneGuard {
    /// Judges a connection: the consumer, or a visitor that wants the policy to be read again.
    pub(crate) fn admit<'c>(
        &self,
        request: &[u8],
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus> {
        match ConnectRequest::parse(request) {
            Ok(Request::Watch {
                boot_id,
                after_sequence,
            }) => {
                let connection = clients.take_consumer()?;
                self.audit.resume(boot_id, after_sequence)?;
                Ok(connection)
            }
            Ok(Request::Reload) => {
                let connection = clients.take_visitor()?;
                self.policy.want();
                Ok(connection)
            }
            Err(DecodeError::Version(_)) => Err(NtStatus::REVISION_MISMATCH),
            Err(error) => {
                wdk::println!("CloneGuard: a connection was refused: {error}");
                Err(NtStatus::INVALID_PARAMETER)
            }
        }
    }
}
