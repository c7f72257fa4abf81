//! The kinds of objects, each a Windows structure.

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the Windows structure of its name")]
pub enum Kind {
    File,
    Process,
    Thread,
    Token,
    Event,
    Key,
    Type,
    Device,
    Driver,
    Filter,
    Instance,
    Volume,
    ServerPort,
    ClientPort,
}

impl Kind {
    /// The name of the Windows structure.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "FILE_OBJECT",
            Self::Process => "EPROCESS",
            Self::Thread => "ETHREAD",
            Self::Token => "TOKEN",
            Self::Event => "KEVENT",
            Self::Key => "registry key",
            Self::Type => "OBJECT_TYPE",
            Self::Device => "DEVICE_OBJECT",
            Self::Driver => "DRIVER_OBJECT",
            Self::Filter => "FLT_FILTER",
            Self::Instance => "FLT_INSTANCE",
            Self::Volume => "FLT_VOLUME",
            Self::ServerPort => "FLT_SERVER_PORT",
            Self::ClientPort => "FLT_PORT",
        }
    }
}
