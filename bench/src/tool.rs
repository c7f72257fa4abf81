//! The tool on a large journal: how fast its commands are, beside what does the least that they have to.

use std::ffi::OsStr;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::ring::Speed;
use crate::time::quantile;

/// Turns; every command once in each.
const TURNS: usize = 5;

/// The tool and a journal for it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The tool to measure
    #[arg(long, value_name = "FILE", requires = "journal")]
    tool: Option<PathBuf>,
    /// The journal to measure it on
    #[arg(long, value_name = "DIR", requires_all = ["tool", "records"])]
    journal: Option<PathBuf>,
    /// How many records that has
    #[arg(long, value_name = "N")]
    records: Option<u64>,
}

/// What is run, and what it is compared with.
struct Job {
    what: &'static str,
    command: Command,
    /// The index of the job to compare with.
    beside: Option<usize>,
}

/// Measures; nothing without a journal.
pub(crate) fn measure(options: &Options) -> Result<Vec<Speed>> {
    let (Some(tool), Some(journal), Some(records)) =
        (&options.tool, &options.journal, options.records)
    else {
        return Ok(Vec::new());
    };
    let files = segments(journal)?;
    let bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let mut jobs = jobs(tool, journal, &files);
    // Kept until all has run.
    let text = Text::for_jq(tool, journal)?;
    jobs.extend(text.iter().flat_map(Text::jobs));
    let mut seconds = vec![Vec::new(); jobs.len()];
    for _ in 0..TURNS {
        for (job, seconds) in jobs.iter_mut().zip(&mut seconds) {
            seconds.push(run(job)?);
        }
    }
    let medians: Vec<f64> = seconds
        .iter()
        .map(|seconds| quantile(seconds, 0.5))
        .collect();
    let mut speeds: Vec<Speed> = jobs
        .iter()
        .zip(&medians)
        .map(|(job, median)| {
            let beside = job.beside.and_then(|at| medians.get(at));
            Speed {
                what: job.what.to_owned(),
                records_per_second: records as f64 / median,
                bytes_per_second: bytes as f64 / median,
                times: beside.map(|beside| median / beside),
                compared_with: job
                    .beside
                    .and_then(|at| jobs.get(at))
                    .map_or("", |job| job.what),
            }
        })
        .collect();
    speeds.push(read_and_copy(&files, (records, bytes))?);
    Ok(speeds)
}

fn segments(journal: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let unreadable = || format!("{} cannot be read", journal.display());
    for entry in std::fs::read_dir(journal).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let size = entry.metadata().with_context(unreadable)?.len();
        // The anchor and the lock are a few bytes.
        if size > 4096 {
            files.push((entry.path(), size));
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} has no segments", journal.display());
    Ok(files)
}

fn jobs(tool: &Path, journal: &Path, files: &[(PathBuf, u64)]) -> Vec<Job> {
    let mut hash = Command::new("sha256sum");
    hash.args(files.iter().map(|(file, _)| file));
    let of_tool = |command: &str, rest: &[&str]| {
        let mut job = Command::new(tool);
        job.arg(command).arg(journal);
        job.args(rest.iter().map(OsStr::new));
        job
    };
    let job = |what, command| Job {
        what,
        command,
        beside: Some(0),
    };
    vec![
        Job {
            what: "sha256sum",
            command: hash,
            beside: None,
        },
        job("verify", of_tool("verify", &[])),
        job(
            "search, nothing fits",
            of_tool("search", &["--filter", "image.text = \"nothing\""]),
        ),
        job("stats", of_tool("stats", &[])),
        job(
            "export --format jsonl",
            of_tool("export", &["--format", "jsonl"]),
        ),
        job(
            "export --format csv",
            of_tool("export", &["--format", "csv"]),
        ),
    ]
}

/// The journal as lines of JSON, for jq, which people take for such questions. Without jq its rows are missing.
struct Text(tempfile::NamedTempFile);

impl Text {
    fn for_jq(tool: &Path, journal: &Path) -> Result<Option<Self>> {
        let is_there = Command::new("jq")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if !is_there.is_ok_and(|status| status.success()) {
            eprintln!("jq is missing, so nothing is compared with it");
            return Ok(None);
        }
        Self::export(tool, journal).map(Some)
    }

    fn export(tool: &Path, journal: &Path) -> Result<Self> {
        let file = tempfile::NamedTempFile::new().context("no room for the journal as text")?;
        let mut export = Command::new(tool);
        export.arg("export").arg(journal);
        export.args(["--format", "jsonl"]).stdout(file.reopen()?);
        let status = export.status().context("cannot run export")?;
        ensure!(status.success(), "export: {status}");
        Ok(Self(file))
    }

    fn jobs(&self) -> [Job; 2] {
        let job = |what, filter: &str| {
            let mut command = Command::new("jq");
            command.args(["-c", filter]).arg(self.0.path());
            Job {
                what,
                command,
                beside: Some(0),
            }
        };
        [
            job("jq, nothing fits", "select(.image.text == \"nothing\")"),
            job("jq, all as they are", "."),
        ]
    }
}

fn run(job: &mut Job) -> Result<f64> {
    let began = Instant::now();
    let output = job
        .command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = output.output();
    let seconds = began.elapsed().as_secs_f64();
    let output = output.with_context(|| format!("cannot run {}", job.what))?;
    ensure!(
        output.status.success(),
        "{}: {}: {}",
        job.what,
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(seconds)
}

/// Reads everything and copies it once: what nothing that reads can beat.
fn read_and_copy(files: &[(PathBuf, u64)], (records, bytes): (u64, u64)) -> Result<Speed> {
    let mut seconds = Vec::new();
    for _ in 0..TURNS {
        let began = Instant::now();
        for (file, _) in files {
            let content = std::fs::read(file)?;
            black_box(content.clone());
        }
        seconds.push(began.elapsed().as_secs_f64());
    }
    let median = quantile(&seconds, 0.5);
    Ok(Speed {
        what: "read and memcpy".to_owned(),
        records_per_second: records as f64 / median,
        bytes_per_second: bytes as f64 / median,
        times: None,
        compared_with: "",
    })
}
