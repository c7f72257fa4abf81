//! An installation of Wine of our own, and what can be done in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use driver_package::install::{DRIVER_STORE, DRIVERS};

use super::hive::Hive;
use crate::files;
use crate::package::contents;

/// For each thing that Wine is asked to do. All together take a quarter of a minute; this is for a machine that
/// has better things to do.
const LIMIT: Duration = Duration::from_secs(300);
/// Where Wine 8 puts files for directories that it does not know, the driver store among them.
const UNKNOWN: &str = "C:\\windows\\system32\\unknown";

/// The path that Wine makes of a numbered directory and a file in it.
pub(super) fn windows_path(directory: u32, file: &str) -> String {
    match directory {
        DRIVERS => format!("C:\\windows\\system32\\drivers\\{file}"),
        DRIVER_STORE => format!("{UNKNOWN}\\{file}"),
        // The rules for INF files let no other pass.
        other => format!("C:\\directory {other}\\{file}"),
    }
}

/// How the directory of a prefix begins its name; the number of the process follows.
const NAME: &str = "wine-";

/// The installation. It goes when the value goes.
pub(super) struct Prefix {
    directory: PathBuf,
}

impl Prefix {
    /// Makes a fresh one below a directory.
    pub(super) fn create(parent: &Path) -> Result<Self> {
        remove_abandoned(parent)?;
        let directory = parent.join(format!("{NAME}{}", std::process::id()));
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let prefix = Self { directory };
        prefix.run(&["wineboot", "--init"])?;
        // With a debugger that does not exist a driver that crashes ends at once.
        let crashes = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug";
        let none = ["/v", "Debugger", "/t", "REG_SZ", "/d", "none", "/f"];
        prefix.run(&[["reg", "add", crashes].as_slice(), &none].concat())?;
        Ok(prefix)
    }

    /// Lets the SetupAPI process the section with this name, decorated as it sees fit.
    pub(super) fn install(&self, inf: &Path, section: &str) -> Result<()> {
        // The drive Z is the root of this host. 128: never restart. Its caller learns nothing of errors.
        let inf = format!("Z:{}", inf.display()).replace('/', "\\");
        self.run(&[
            "rundll32",
            "setupapi,InstallHinfSection",
            section,
            "128",
            &inf,
        ])
    }

    /// Everything in the registry and on the drive that names a word, given in small letters. Wine itself writes here and
    /// there whenever it runs, so that before and after cannot be compared as a whole.
    pub(super) fn mentions(&self, word: &str) -> Result<Vec<String>> {
        let mut found = self.registry()?.mentions(word);
        let drive = self.directory.join("drive_c");
        let mut files = Vec::new();
        below(&drive, &mut files)?;
        let relative = files
            .iter()
            .map(|file| file.strip_prefix(&drive).unwrap_or(file));
        let names = relative.map(|file| file.display().to_string());
        let named = names.filter(|name| name.to_lowercase().contains(word));
        found.extend(named.map(|name| format!("the file {name}")));
        Ok(found)
    }

    /// The machine's part of the registry.
    pub(super) fn registry(&self) -> Result<Hive> {
        Hive::read(&files::read_text(&self.directory.join("system.reg"))?)
    }

    /// Where a file of a numbered directory lies on this host.
    pub(super) fn file(&self, directory: u32, name: &str) -> PathBuf {
        let path = windows_path(directory, name);
        let below = path.trim_start_matches("C:\\").replace('\\', "/");
        self.directory.join("drive_c").join(below)
    }

    /// An empty directory that goes with the prefix.
    pub(super) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// Runs a program of Wine's to its end, and what it has started. Then the registry is on disk.
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut wine = self.wine("-all");
        wine.args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = wine.spawn().context(MISSING)?;
        let status = wait(&mut child, LIMIT);
        self.stop()?;
        let status = status.with_context(|| format!("wine {}", arguments.join(" ")))?;
        ensure!(
            status.success(),
            "wine {} ended with {status}",
            arguments.join(" ")
        );
        Ok(())
    }

    /// Runs a program of Wine's and shows what it and its services trace, until `is_enough` or the time is over.
    pub(super) fn watch(
        &self,
        arguments: &[&str],
        seconds: u64,
        mut is_enough: impl FnMut(&str) -> bool,
    ) -> Result<()> {
        let mut wine = self.wine("-all,+loaddll,+ntoskrnl");
        wine.args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = wine.spawn().context(MISSING)?;
        let output = child.stderr.take().context("wine has no output")?;
        let (sender, lines) = channel();
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    break;
                }
            }
        });
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if is_enough(&line) => break,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(lines);
        self.stop()?;
        wait(&mut child, LIMIT)?;
        ensure!(
            reader.join().is_ok(),
            "the output of wine could not be read"
        );
        Ok(())
    }

    fn wine(&self, traces: &str) -> Command {
        let mut wine = Command::new("wine");
        self.environment(&mut wine);
        wine.env("WINEDEBUG", traces);
        wine
    }

    /// No windows, and nothing of whoever runs this.
    fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", &self.directory)
            .env("WINEARCH", "win64")
            // Wine links the user's folders to those below it.
            .env("HOME", &self.directory)
            // What Wine would offer to download.
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
    }

    /// Ends all programs of the prefix, and waits until its registry is written.
    fn stop(&self) -> Result<()> {
        for argument in ["-k", "-w"] {
            let mut server = Command::new("wineserver");
            self.environment(&mut server);
            server
                .arg(argument)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut child = server.spawn().context(MISSING)?;
            // With -k it fails if there is nothing to end.
            wait(&mut child, LIMIT)?;
        }
        Ok(())
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // Both are for the next one's sake; what went wrong before has been told.
        drop(self.stop());
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// What to do without Wine.
const MISSING: &str = "cannot run wine, which has to install the package: ./dev package wine gets it \
    (Debian packages wine and wine64)";

fn wait(child: &mut Child, limit: Duration) -> Result<std::process::ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Removes what was left by runs that were ended before they could: prefixes of processes that are no more.
fn remove_abandoned(parent: &Path) -> Result<()> {
    for name in contents::names(parent)? {
        let process = name
            .strip_prefix(NAME)
            .filter(|id| id.parse::<u32>().is_ok());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            let directory = parent.join(&name);
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
    }
    Ok(())
}

/// All files below a directory. Links are files: below one lies the whole of this host.
fn below(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("cannot read {}", directory.display());
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if entry.file_type().with_context(unreadable)?.is_dir() {
            below(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
