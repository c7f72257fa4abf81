//! What callers are asked for, in words that any process can send.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

/// What to open, by its NT name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// A file that exists.
    File(String),
    /// A directory, made if it is not there.
    Directory(String),
    /// A volume.
    Volume(String),
    /// A file object of no file system: a new pipe of this Win32 name.
    Pipe(String),
    /// An object that is no file.
    Event,
}

/// What a caller is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Open something with these rights.
    Open {
        /// What.
        what: Opened,
        /// The rights, and none besides.
        access: u32,
    },
    /// Make a second handle, with these rights if given.
    Duplicate {
        /// The first.
        handle: u64,
        /// The rights.
        access: Option<u32>,
    },
    /// Close a handle.
    Close {
        /// Which.
        handle: u64,
    },
    /// Send a file-system control.
    Control {
        /// The handle it is sent to.
        to: u64,
        /// The code.
        code: u32,
        /// The input; none is a NULL buffer.
        input: Option<Vec<u8>>,
        /// Bytes of the output buffer.
        output: u32,
    },
}

/// What came of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The final NTSTATUS.
    pub status: u32,
    /// `IoStatus.Information`.
    pub information: u64,
    /// What arrived in the output buffer.
    pub output: Vec<u8>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A handle value of the caller.
    Handle(u64),
    /// A handle is closed.
    Closed,
    /// A control ended.
    Answered(Answer),
    /// It did not come about, with this NTSTATUS.
    Failed(u32),
}

/// A process that calls.
pub trait Caller: Sync {
    /// Does what is asked.
    ///
    /// # Errors
    /// When the process cannot be asked.
    fn call(&self, call: &Call) -> io::Result<Reply>;
}

/// Does what the lines of `calls` ask for, one after the other, until they end.
///
/// # Errors
/// When the calls cannot be read, or their answers not be written.
pub fn serve(calls: impl BufRead, mut replies: impl Write, caller: &dyn Caller) -> io::Result<()> {
    for line in calls.lines() {
        let reply = caller.call(&serde_json::from_str(&line?)?)?;
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        replies.write_all(text.as_bytes())?;
        replies.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Answer, Call, Caller, Opened, Reply, serve};
    use std::io;

    /// Answers each call with something that depends on it.
    struct Echo;

    impl Caller for Echo {
        fn call(&self, call: &Call) -> io::Result<Reply> {
            Ok(match call {
                Call::Open { access, .. } => Reply::Handle(u64::from(*access)),
                Call::Duplicate { .. } => Reply::Failed(0xC000_0008),
                Call::Close { .. } => Reply::Closed,
                Call::Control { code, input, .. } => Reply::Answered(Answer {
                    status: *code,
                    information: u64::MAX,
                    output: input.clone().unwrap_or_default(),
                }),
            })
        }
    }

    #[test]
    fn every_call_gets_its_reply_in_order() {
        let calls = [
            Call::Open {
                what: Opened::File(r"\??\C:\a".to_owned()),
                access: 7,
            },
            Call::Control {
                to: 4,
                code: 0x9_8344,
                input: Some(vec![1, 0xFF]),
                output: 0,
            },
            Call::Duplicate {
                handle: u64::MAX,
                access: None,
            },
            Call::Close { handle: 4 },
        ];
        let lines: Vec<String> = calls
            .iter()
            .map(|c| serde_json::to_string(c).unwrap())
            .collect();
        let mut replies = Vec::new();
        serve(lines.join("\n").as_bytes(), &mut replies, &Echo).unwrap();
        let replies: Vec<Reply> = String::from_utf8(replies)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let answer = Answer {
            status: 0x9_8344,
            information: u64::MAX,
            output: vec![1, 0xFF],
        };
        let expected = [
            Reply::Handle(7),
            Reply::Answered(answer),
            Reply::Failed(0xC000_0008),
            Reply::Closed,
        ];
        assert_eq!(replies, expected);
    }

    #[test]
    fn a_line_that_is_no_call_ends_it() {
        let mut replies = Vec::new();
        let error = serve(b"hello\n".as_slice(), &mut replies, &Echo).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
        assert!(replies.is_empty());
    }
}
