//! Files that are read with a limit and written whole or not at all.

use super::Trouble;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Reads a file of at most `limit` bytes. Of a larger one no more is read than that.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Trouble> {
    let failed = |error| file_trouble("cannot read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let one_more = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    let mut bytes = Vec::new();
    file.take(one_more)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > limit {
        return Err(too_large(path, &bytes));
    }
    Ok(bytes)
}

/// Opens a file to be read bit by bit.
pub(super) fn open(path: &Path) -> Result<io::BufReader<File>, Trouble> {
    let file = File::open(path);
    file.map(io::BufReader::new)
        .map_err(|error| file_trouble("cannot read", path, &error))
}

/// Writes a file: whoever opens `path` sees what was there before or all of `bytes`.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let draft = draft_path(path);
    let written = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // The draft may not exist; the error that counts is the first one.
        drop(fs::remove_file(&draft));
        file_trouble("cannot write", path, &error)
    })
}

/// Writes a file bit by bit: whoever opens `path` sees what was there before or all that `fill` wrote.
pub(super) fn write_with<T>(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<File>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let draft = draft_path(path);
    let failed = |error| file_trouble("cannot write", path, &error);
    let whole = || {
        let file = create_private(&draft).map_err(failed)?;
        let mut out = io::BufWriter::new(file);
        let value = fill(&mut out)?;
        out.flush().map_err(failed)?;
        out.get_ref().sync_all().map_err(failed)?;
        drop(out);
        fs::rename(&draft, path).map_err(failed)?;
        Ok(value)
    };
    whole().inspect_err(|_| {
        // The draft may not exist; the error that counts is the first one.
        drop(fs::remove_file(&draft));
    })
}

/// A new file that only its owner may read, where the system has such a thing: records have paths and users.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes the bytes to a new file and waits until they are on the disk.
fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name beside `path`, since a file is moved at once only within a directory's volume.
fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.draft", std::process::id()));
    path.with_file_name(name)
}

/// An error of the system about a file.
pub(super) fn file_trouble(what: &str, path: &Path, error: &io::Error) -> Trouble {
    let line = format!("{}: {what} it: {error}", path.display());
    if error.kind() == io::ErrorKind::PermissionDenied {
        Trouble::Denied(line)
    } else {
        Trouble::File(line)
    }
}

/// A file that goes on after the bytes that are read.
fn too_large(path: &Path, read: &[u8]) -> Trouble {
    let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
    Trouble::Wrong(vec![format!(
        "{}:{line}: byte {} is on this line, and a policy must end before it; is this the right file?",
        path.display(),
        read.len() - 1
    )])
}
