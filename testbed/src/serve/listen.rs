//! The socket: one server for each path, and nobody but its owner gets in.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, bail};

use super::link::Links;

/// A bound socket.
pub(crate) struct Listener {
    path: PathBuf,
    socket: UnixListener,
    closed: Arc<AtomicBool>,
    accepting: std::cell::OnceCell<JoinHandle<()>>,
    /// Locked as long as this server runs, also if it is killed: then the lock ends with it.
    _lock: File,
}

impl Listener {
    /// Binds. A socket file that a killed server has left is replaced; a running server is not.
    pub(crate) fn bind(path: &Path) -> Result<Self> {
        let lock = lock(path)?;
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                bail!("{} is there already and no socket", path.display())
            }
            Ok(_) | Err(_) => {}
        }
        let socket =
            bind_private(path).with_context(|| format!("cannot listen on {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            socket,
            closed: Arc::default(),
            accepting: std::cell::OnceCell::new(),
            _lock: lock,
        })
    }

    /// Lets clients in from now on.
    pub(crate) fn accept(&self, links: &Arc<Links>) -> Result<()> {
        let socket = self.socket.try_clone().context("cannot use the socket")?;
        let (closed, links) = (Arc::clone(&self.closed), Arc::clone(links));
        let accepting = thread::Builder::new()
            .name("accept".to_owned())
            .spawn(move || {
                for stream in socket.incoming() {
                    if closed.load(Ordering::SeqCst) {
                        return;
                    }
                    match stream {
                        Ok(stream) => links.add(stream),
                        Err(error) => links.cannot_accept(&error),
                    }
                }
            })
            .context("cannot start a thread")?;
        // There is one thread: this is called once.
        let _first = self.accepting.set(accepting);
        Ok(())
    }
}

impl Drop for Listener {
    /// Lets nobody in any more, and removes the socket.
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts. If it fails, nobody listens: that is what is wanted.
        drop(UnixStream::connect(&self.path));
        if let Some(accepting) = self.accepting.take() {
            // It does not panic, and if it did, it has ended.
            drop(accepting.join());
        }
        // Somebody may have removed it.
        drop(fs::remove_file(&self.path));
    }
}

/// Takes the place of the server of this path.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let mut options = File::options();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .with_context(|| format!("cannot open {}", name.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another test-bed serves on {}", path.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", name.display()))
        }
    }
}

/// Binds in a directory of our own and moves the socket to its place, so that there is no instant at which it is
/// there and open to others.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent
        .unwrap_or(Path::new("."))
        .join(format!(".s{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&directory)?;
    let draft = directory.join("s");
    let bound = UnixListener::bind(&draft).and_then(|socket| {
        fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
        fs::rename(&draft, path)?;
        Ok(socket)
    });
    // The socket has left it, or there is none; the error that counts is the first one.
    drop(fs::remove_dir_all(&directory));
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of a test's own.
    fn scratch(name: &str) -> PathBuf {
        let name = format!("cloneguard-listen-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn a_socket_is_its_owners_alone_and_of_one_server() {
        let directory = scratch("one");
        let path = directory.join("socket");
        let first = Listener::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Listener::bind(&path).err().unwrap().to_string();
        assert!(second.contains("another test-bed"), "{second}");
        assert!(
            UnixStream::connect(&path).is_ok(),
            "the first still listens"
        );
        drop(first);
        assert!(!path.exists());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_a_killed_server_has_left_is_replaced_and_nothing_else() {
        let directory = scratch("stale");
        let path = directory.join("socket");
        // Dropping a listener leaves its file, as a kill does.
        drop(UnixListener::bind(&path).unwrap());
        assert!(UnixStream::connect(&path).is_err());
        let again = Listener::bind(&path).unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        drop(again);
        fs::write(&path, "precious").unwrap();
        let refused = Listener::bind(&path).err().unwrap().to_string();
        assert!(refused.contains("no socket"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_dir_all(directory).unwrap();
    }
}
