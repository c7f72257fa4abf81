//! What a program asks for when it opens the port.

use flt::clients::{Clients, Connection};
use flt::port::Caller;
use flt::status::NtStatus;
use wire::{BOOT_ID_SIZE, ConnectKind, ConnectRequest, DecodeError};

use crate::CloneGuard;
use crate::consumer::Program;

impl CloneGuard {
    /// Judges a connection: the consumer, or a visitor that wants the policy to be read again or to be told how things
    /// stand.
    pub(crate) fn admit<'c>(
        &self,
        request: &[u8],
        caller: &Caller<'_>,
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus> {
        match ConnectRequest::parse(request) {
            Ok(ConnectKind::Watch {
                boot_id,
                after_sequence,
            }) => self.admit_consumer((boot_id, after_sequence), caller, clients),
            Ok(ConnectKind::Reload) => {
                let connection = clients.take_visitor()?;
                self.policy.want();
                self.housekeeping.wake();
                Ok(connection)
            }
            Ok(ConnectKind::Status) => clients.take_asker(),
            Err(DecodeError::Version(_)) => Err(NtStatus::REVISION_MISMATCH),
            Err(error) => {
                wdk::println!("CloneGuard: a connection was refused: {error}");
                Err(NtStatus::INVALID_PARAMETER)
            }
        }
    }

    /// Whoever comes first has the place; what it says it has must not be more than was ever sent.
    fn admit_consumer<'c>(
        &self,
        has: ([u8; BOOT_ID_SIZE], u64),
        caller: &Caller<'_>,
        clients: &'c Clients,
    ) -> Result<Connection<'c>, NtStatus> {
        let program = Program::of(caller, &self.processes, has);
        let (boot_id, after_sequence) = has;
        let granted = clients.take_consumer().and_then(|connection| {
            self.audit.resume(boot_id, after_sequence)?;
            Ok(connection)
        });
        match granted {
            Ok(connection) => {
                self.consumers.come(&self.audit, program);
                Ok(connection)
            }
            Err(status) => {
                self.consumers.turn_away(&self.audit, &program, status);
                self.deliver_soon();
                Err(status)
            }
        }
    }
}
