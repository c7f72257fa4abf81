//! How the driver is reached, the same for every command that does.

use super::Trouble;
use cloneguard::live::{ConnectError, Failure, Source};

/// Where the driver is.
#[derive(clap::Args)]
pub(super) struct Driver {
    /// The socket of a test-bed (`./dev serve`)
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    socket: std::path::PathBuf,
}

impl Driver {
    /// The way to it.
    #[cfg(unix)]
    pub(super) fn source(&self) -> impl Source {
        cloneguard::live::socket::Socket::new(self.socket.clone())
    }

    /// The way to it.
    #[cfg(windows)]
    pub(super) fn source(&self) -> impl Source {
        cloneguard::live::windows::FilterManager
    }
}

/// What a connection that did not come about means for the program.
pub(super) fn not_connected(error: &ConnectError) -> Trouble {
    let text = error.to_string();
    match error {
        ConnectError::Denied(_) => Trouble::Denied(text),
        ConnectError::Broken(_) => Trouble::File(text),
        ConnectError::NotLoaded(_)
        | ConnectError::Busy
        | ConnectError::OtherVersion
        | ConnectError::Refused(_)
        | ConnectError::Silent
        | ConnectError::Stopped => Trouble::NotConnected(text),
    }
}

/// What the end of a connection means for the program; what was not kept is the command's own.
pub(super) fn trouble<E>(failure: Failure<E>, of_sink: impl FnOnce(E) -> Trouble) -> Trouble {
    match failure {
        Failure::Sink(error) => of_sink(error),
        Failure::Connect(error) => not_connected(&error),
        Failure::Lost(error) => {
            Trouble::NotConnected(format!("{error}, before everything had come"))
        }
        Failure::Batch(error) => Trouble::Wrong(vec![format!(
            "what the driver sent cannot be understood: {error}"
        )]),
    }
}
