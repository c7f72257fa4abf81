//! Checks of a driver that runs, by the report that it gives of itself.

use super::check::{Check, Fault};
use cloneguard::Timestamp;
use cloneguard::live::{ConnectError, PATIENCE, Source, Stop};
use wire::policy::PolicyMode;
use wire::{ConnectRequest, StatusReport};
use zerocopy::IntoBytes as _;

/// Everything about a driver.
pub(super) fn checks(source: &impl Source) -> Vec<Check> {
    match ask(source) {
        Ok(report) => of_report(&report),
        Err(check) => vec![check, Check::unchecked("volumes", "needs a driver")],
    }
}

/// Asks a driver how it is.
fn ask(source: &impl Source) -> Result<StatusReport, Check> {
    let (report, _) = Stop::new().within(PATIENCE, |stop| receive(source, stop));
    report
}

/// Connects for the one message of a status connection.
fn receive(source: &impl Source, stop: &Stop) -> Result<StatusReport, Check> {
    let context = ConnectRequest::status();
    let port = source.connect(context.as_bytes(), stop);
    let mut port = port.map_err(|error| unreachable_driver(&error))?;
    let silent = |what: String| {
        let mend = "unload the driver and load it again; if it stays silent, report it";
        Check::bad("driver", Fault::NotConnected, what, mend)
    };
    let message = port
        .get_message()
        .map_err(|error| silent(format!("no answer: {error}")))?;
    let report = StatusReport::parse(&message.body);
    report
        .copied()
        .map_err(|error| silent(format!("its answer is no report: {error}")))
}

/// Why there is no connection.
fn unreachable_driver(error: &ConnectError) -> Check {
    let (fault, mend) = match error {
        ConnectError::Denied(_) => (Fault::Denied, "run this as an administrator"),
        ConnectError::OtherVersion => (
            Fault::NotConnected,
            "install driver and tool of the same version",
        ),
        ConnectError::Busy => (
            Fault::NotConnected,
            "end another program that asks the driver",
        ),
        ConnectError::Broken(_) => (Fault::File, "try again; see what the system says"),
        ConnectError::Silent => (
            Fault::NotConnected,
            "unload the driver and load it again; if it stays silent, report it",
        ),
        ConnectError::NotLoaded(_) | ConnectError::Refused(_) | ConnectError::Stopped => (
            Fault::NotConnected,
            "load the driver: `sc start cloneguard`; a test-bed: `./dev serve`",
        ),
    };
    Check::bad("driver", fault, error.to_string(), mend)
}

/// What a report says.
fn of_report(report: &StatusReport) -> Vec<Check> {
    vec![
        driver(report),
        volumes(report),
        consumer(report),
        room(report),
        losses(report),
        policy(report),
    ]
}

fn driver(report: &StatusReport) -> Check {
    let version = report.driver_version.map(|part| part.get().to_string());
    let started = Timestamp::from_filetime(report.started.get());
    let says = format!("version {}, loaded at {started}", version.join("."));
    Check::fine("driver", says)
}

fn volumes(report: &StatusReport) -> Check {
    let (attached, missed) = (
        report.volumes_attached.get(),
        report.volumes_not_attached.get(),
    );
    let says = format!("{attached} are watched, {missed} are not");
    if missed == 0 {
        return Check::fine("volumes", says);
    }
    let mend = "`cloneguard search JOURNAL --filter 'event=not_attached'` has the causes; a Dev Drive needs \
                `fsutil devdrv setFiltersAllowed CloneGuard`, another volume `fltmc attach CloneGuard`";
    Check::bad("volumes", Fault::Unprotected, says, mend)
}

fn consumer(report: &StatusReport) -> Check {
    if report.consumer == 1 {
        return Check::fine("consumer", "a program receives the records");
    }
    let mend = "run `cloneguard watch --journal DIR`, best as a service";
    Check::note("consumer", "nobody receives the records", mend)
}

/// How full the driver's own journal is.
fn room(report: &StatusReport) -> Check {
    let (used, size) = (report.journal_used.get(), report.journal_size.get());
    let says = format!("{used} of {size} bytes are in use");
    // The last quarter is kept for findings and for what the driver says of itself.
    if used < size - size / 4 {
        return Check::fine("room", says);
    }
    let mend = "see that the consumer keeps up, or raise journal-size in the policy";
    Check::note(
        "room",
        format!("{says}: passed clones are being lost"),
        mend,
    )
}

fn losses(report: &StatusReport) -> Check {
    match report.counters.lost.get() {
        0 => Check::fine(
            "losses now",
            "the driver has lost no record since it was loaded",
        ),
        lost => {
            let says = format!("{lost} records since the driver was loaded");
            Check::note(
                "losses now",
                says,
                "see `room`; `cloneguard stats` has the causes",
            )
        }
    }
}

fn policy(report: &StatusReport) -> Check {
    let revision = report.policy_revision.get();
    let mode = PolicyMode::from_raw(report.policy_mode).map_or("unknown", PolicyMode::name);
    let locked = if report.locked == 1 { ", locked" } else { "" };
    Check::fine("policy", format!("revision {revision}, {mode}{locked}"))
}

#[cfg(test)]
mod tests {
    use super::super::check::{Check, Fault, State};
    use super::{checks, of_report};
    use cloneguard::NtStatus;
    use cloneguard::live::{ConnectError, Message, Port, PortError, Source, Stop};
    use std::io;
    use wire::StatusReport;
    use zerocopy::{FromZeros as _, IntoBytes as _};

    /// A driver that lets nobody in, or sends one message.
    struct Fake(fn() -> Result<Vec<u8>, ConnectError>);

    impl Source for Fake {
        fn connect(&self, _: &[u8], _: &Stop) -> Result<Box<dyn Port>, ConnectError> {
            Ok(Box::new(Sent(Some((self.0)()?))))
        }
    }

    struct Sent(Option<Vec<u8>>);

    impl Port for Sent {
        fn get_message(&mut self) -> Result<Message, PortError> {
            let body = self.0.take().ok_or(PortError::Ended)?;
            Ok(Message { id: 1, body })
        }

        fn reply(&mut self, _: u64, _: &[u8]) -> Result<(), PortError> {
            Err(PortError::NobodyWaits)
        }
    }

    fn report() -> StatusReport {
        let mut report = StatusReport::new_zeroed();
        report.begin([7; 16]);
        report.policy_mode = 1;
        report.volumes_attached = 2.into();
        report.journal_size = 1000.into();
        report.consumer = 1;
        report
    }

    fn state(checks: &[Check], name: &str) -> State {
        checks
            .iter()
            .find(|check| check.name == name)
            .unwrap()
            .state
    }

    #[test]
    fn a_driver_in_order_is_fine() {
        let checks = checks(&Fake(|| Ok(report().as_bytes().to_vec())));
        assert!(
            checks.iter().all(|check| check.state == State::Fine),
            "{checks:?}"
        );
        assert_eq!(checks.len(), 6);
    }

    #[test]
    fn what_is_not_as_it_should_be_is_said() {
        let mut report = report();
        report.volumes_not_attached = 1.into();
        report.consumer = 0;
        report.journal_used = 750.into();
        report.counters.lost = 5.into();
        let checks = of_report(&report);
        assert_eq!(state(&checks, "volumes"), State::Bad(Fault::Unprotected));
        for name in ["consumer", "room", "losses now"] {
            assert_eq!(state(&checks, name), State::Note, "{name}");
        }
        let without_mend = |check: &&Check| check.state != State::Fine && check.mend.is_none();
        assert_eq!(checks.iter().find(without_mend), None);
        report.journal_used = 749.into();
        assert_eq!(state(&of_report(&report), "room"), State::Fine);
    }

    #[test]
    fn a_driver_that_cannot_be_asked_is_a_fault_of_its_kind() {
        let cases: [(Fake, Fault); 6] = [
            (
                Fake(|| Err(ConnectError::NotLoaded("no driver".to_owned()))),
                Fault::NotConnected,
            ),
            (
                Fake(|| Err(ConnectError::Denied("no".to_owned()))),
                Fault::Denied,
            ),
            (
                Fake(|| Err(ConnectError::OtherVersion)),
                Fault::NotConnected,
            ),
            (
                Fake(|| Err(ConnectError::Refused(NtStatus::new(0xC000_0001)))),
                Fault::NotConnected,
            ),
            (
                Fake(|| Err(ConnectError::Broken(io::ErrorKind::ConnectionReset.into()))),
                Fault::File,
            ),
            (Fake(|| Ok(vec![1, 2, 3])), Fault::NotConnected),
        ];
        for (driver, fault) in cases {
            let checks = checks(&driver);
            assert_eq!(state(&checks, "driver"), State::Bad(fault), "{checks:?}");
            assert_eq!(state(&checks, "volumes"), State::Unchecked);
        }
    }
}
