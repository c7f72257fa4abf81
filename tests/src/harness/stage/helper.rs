//! The 32-bit caller: a process of the program `conformance32.exe`, which calls as it is told.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use caller::{Call, Caller, Reply};

/// See the module. It ends when this value is dropped.
pub(super) struct Helper {
    child: Child,
    line: Mutex<Option<Line>>,
}

/// Both directions.
struct Line {
    calls: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts one.
    pub(super) fn start(program: &Path) -> Result<Self, String> {
        let wrong = |error: io::Error| format!("no 32-bit caller: {}: {error}", program.display());
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(wrong)?;
        let line = child.stdin.take().zip(child.stdout.take());
        let line = line.map(|(calls, replies)| Line {
            calls,
            replies: BufReader::new(replies),
        });
        Ok(Self {
            child,
            line: Mutex::new(line),
        })
    }

    /// By which the driver names it.
    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Caller for Helper {
    fn call(&self, call: &Call) -> io::Result<Reply> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let line = line.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut text = serde_json::to_string(call)?;
        text.push('\n');
        line.calls.write_all(text.as_bytes())?;
        line.calls.flush()?;
        let mut reply = String::new();
        if line.replies.read_line(&mut reply)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&reply)?)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // What it ended with was seen by the call that failed.
        let _ended = self.child.wait();
    }
}
