//! An installation of Wine of one test's own, with the programs for Windows beside what it lacks.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where `./dev test` built the programs.
const PROGRAMS: &str = "CLONEGUARD_PROGRAMS";
/// Makes a test that cannot run fail.
const REQUIRE: &str = "CLONEGUARD_REQUIRE_REFEREES";
/// Longer than any program of these tests takes on a busy machine: what has not ended then never will.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether a program has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// See the module. It goes when the value goes.
pub(crate) struct Wine {
    folder: PathBuf,
}

impl Wine {
    /// Makes one; none without Wine or the programs, which is said, and allowed only where nobody requires it.
    pub(crate) fn create() -> Option<Self> {
        let missing = match std::env::var_os(PROGRAMS).map(PathBuf::from) {
            Some(programs) if programs.is_dir() => {
                match Command::new("wine").arg("--version").output() {
                    Ok(_) => return Some(Self::with(&programs)),
                    Err(error) => format!("wine: {error}"),
                }
            }
            Some(programs) => format!("no programs in {}", programs.display()),
            None => format!("{PROGRAMS} is not set"),
        };
        assert!(
            std::env::var_os(REQUIRE).is_none(),
            "required, and {missing}"
        );
        println!("not run: {missing}");
        None
    }

    fn with(programs: &Path) -> Self {
        let name = format!("conformance-wine-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let wine = Self { folder };
        let here = wine.programs();
        fs::create_dir_all(&here).expect("a folder");
        for from in [&programs.join("x64"), programs] {
            for entry in fs::read_dir(from).expect("the programs") {
                let path = entry.expect("an entry").path();
                if path.is_file() {
                    let name = path.file_name().expect("a name");
                    fs::copy(&path, here.join(name)).expect("a copy");
                }
            }
        }
        wine
    }

    /// Where the programs are, on this host.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join("programs")
    }

    /// A path of the machine that Wine plays, on this host.
    pub(crate) fn drive_c(&self, path: &str) -> PathBuf {
        self.folder.join("prefix/drive_c").join(path)
    }

    /// Runs a program with words and input to its end. One that does not end is ended, and the test with it.
    pub(crate) fn run(&self, program: &str, words: &[&str], input: &str) -> Output {
        // Not through pipes: what Wine keeps running holds them open, and a reader would wait for its end.
        let (out, err) = (self.folder.join("stdout"), self.folder.join("stderr"));
        let mut wine = Command::new("wine");
        self.environment(&mut wine);
        let child = wine
            .current_dir(self.programs())
            .arg(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&err).expect("a file"))
            .spawn()
            .expect("wine runs");
        let ended = fed(child, input).and_then(|child| ended_within(PATIENCE, child));
        let read = |path: &Path| fs::read(path).expect("what it said");
        let (stdout, stderr) = (read(&out), read(&err));
        let status = ended.unwrap_or_else(|why| {
            let said = [stdout.as_slice(), &stderr].concat();
            let said = String::from_utf8_lossy(&said);
            panic!(
                "{program} {}: {why}; until then it said: {said}",
                words.join(" ")
            )
        });
        Output {
            status,
            stdout,
            stderr,
        }
    }

    /// All files of the machine with their sizes, once nothing runs that may still write.
    pub(crate) fn files(&self) -> Vec<String> {
        self.server(&["-w"]).expect("an idle machine");
        let mut found = Vec::new();
        below(&self.drive_c(""), &mut found);
        found.sort();
        found
    }

    /// The lines of the machine's registry that have this word, once it is written.
    pub(crate) fn registry(&self, word: &str) -> Vec<String> {
        self.server(&["-w"]).expect("an idle machine");
        let registry = fs::read_to_string(self.folder.join("prefix/system.reg"));
        let registry = registry.expect("a registry");
        let lines = registry.lines().map(str::to_lowercase);
        lines.filter(|line| line.contains(word)).collect()
    }

    /// No windows, no downloads, and nothing of whoever runs this.
    fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.folder.join("prefix"))
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
    }

    /// Ends what Wine keeps running (-k), waits until it has ended by itself (-w).
    fn server(&self, arguments: &[&str]) -> Result<(), String> {
        for argument in arguments {
            // As Debian calls it, and as others do.
            let mut servers = ["wineserver-stable", "wineserver"].into_iter();
            let started = servers.find_map(|server| {
                let mut server = Command::new(server);
                self.environment(&mut server);
                let nothing = || Stdio::null();
                let server = server.stdin(nothing()).stdout(nothing()).stderr(nothing());
                server.arg(argument).spawn().ok()
            });
            let server = started.ok_or("there is no wineserver")?;
            // With -k it fails if there is nothing to end.
            let _status = ended_within(PATIENCE, server)
                .map_err(|why| format!("wineserver {argument}: {why}"))?;
        }
        Ok(())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // A test that fails drops this too, and a panic on top of its own would end the whole process.
        if let Err(why) = self.server(&["-k", "-w"]) {
            eprintln!("Wine goes on in {}: {why}", self.folder.display());
        }
        // For the next one's sake; what a test found has been told.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Gives a program its input. One that reads nothing may end first.
fn fed(mut child: Child, input: &str) -> Result<Child, String> {
    let mut stdin = child.stdin.take().ok_or("it has no input")?;
    let bytes = input.as_bytes().to_vec();
    // From a thread: a program that neither reads nor ends would hold the test up here.
    thread::spawn(move || drop(stdin.write_all(&bytes)));
    Ok(child)
}

/// Waits for the end of a program, and ends it if there is none in time.
pub(crate) fn ended_within(patience: Duration, mut child: Child) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
            Ok(None) => break,
            Err(error) => return Err(format!("its end: {error}")),
        }
    }
    let killed = child.kill().and_then(|()| child.wait());
    Err(match killed {
        Ok(_) => format!(
            "it did not end within {} s and was killed",
            patience.as_secs()
        ),
        Err(error) => format!("it did not end within {} s: {error}", patience.as_secs()),
    })
}

/// All files below a folder. Links are files: below one lies the whole of this host.
fn below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        if entry.file_type().expect("a type").is_dir() {
            below(&path, found);
        } else {
            let size = entry.metadata().expect("a size").len();
            found.push(format!("{} {size}", path.display()));
        }
    }
}
