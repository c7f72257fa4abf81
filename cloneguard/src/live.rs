//! The connection to a running driver.
//!
//! A [`Source`] is where a driver can be reached: its port on Windows ([`windows`]), or the test-bed's
//! socket ([`socket`], whose bytes are [`frame`]). Connecting gives a [`Port`], which yields messages
//! and takes replies. A [`Session`] joins a source and a [`Consumer`](crate::Consumer): what comes in
//! goes to a [`Sink`], and only what the sink has made durable is acknowledged; a [`Store`] keeps it in a
//! journal. [`Status`] asks how things stand. [`Stop`] ends all of it from another thread, at any instant.
//!
//! Nothing here decides what a record means.

mod error;
pub mod frame;
mod session;
#[cfg(unix)]
pub mod socket;
mod status;
mod stop;
mod store;
#[cfg(windows)]
pub mod windows;

pub use error::{ConnectError, PortError};
pub use session::{Ended, Failure, Notice, Session, Sink};
pub use status::{PATIENCE, Status, reload};
pub use stop::{OnRequest, Stop};
pub use store::Store;

/// A message of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By which a reply names it.
    pub id: u64,
    /// What the driver sent.
    pub body: Vec<u8>,
}

/// A connection to the driver. Dropping it closes it.
pub trait Port {
    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// [`PortError::Ended`] once either side has closed the connection or a [`Stop`] was requested.
    fn get_message(&mut self) -> Result<Message, PortError>;

    /// Answers a message.
    ///
    /// # Errors
    ///
    /// [`PortError::NobodyWaits`] when the driver has given up waiting for this answer; it will send the
    /// message again.
    fn reply(&mut self, id: u64, body: &[u8]) -> Result<(), PortError>;
}

/// Where a driver can be reached.
pub trait Source {
    /// Connects, with the bytes of a connect context (`wire::ConnectRequest`). A request to stop ends the
    /// connection.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    fn connect(&self, context: &[u8], stop: &Stop) -> Result<Box<dyn Port>, ConnectError>;
}
