//! Tells of a run while it goes on, so that what is known is told even if the run ends early.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{HEADER, line, run_json, run_junit, summary};
use crate::run::Verdict;
use crate::stages::{StageKind, StageReport};

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line for each run that did not pass as it ends, and one for each stage.
    Text,
    /// One JSON document.
    Json,
    /// JUnit XML.
    Junit,
}

/// Where the report goes.
enum Place {
    /// It grows there: text.
    Stream(Box<dyn Write>),
    /// This file is written anew after each stage: a document.
    File(PathBuf),
    /// It is written there at the end: a document.
    AtTheEnd,
}

/// See the module.
pub(crate) struct Progress {
    format: Format,
    place: Place,
    reports: Vec<StageReport>,
    written: io::Result<()>,
}

impl Progress {
    /// Begins, and finds out whether the file can be written.
    pub(crate) fn begin(format: Format, path: Option<&Path>) -> io::Result<Self> {
        let place = match (format, path) {
            (Format::Text, None) => Place::Stream(Box::new(io::stdout())),
            (Format::Text, Some(path)) => Place::Stream(Box::new(File::create(path)?)),
            (Format::Json | Format::Junit, None) => Place::AtTheEnd,
            (Format::Json | Format::Junit, Some(path)) => Place::File(path.to_path_buf()),
        };
        let mut progress = Self::at(format, place);
        progress.write_file()?;
        Ok(progress)
    }

    fn at(format: Format, place: Place) -> Self {
        let mut progress = Self {
            format,
            place,
            reports: Vec::new(),
            written: Ok(()),
        };
        progress.tell(HEADER);
        progress
    }

    /// A case ended.
    pub(crate) fn case(&mut self, stage: StageKind, verdict: &Verdict) {
        if let Some(line) = line(stage, verdict) {
            self.tell(&(line + "\n"));
        }
    }

    /// A stage ended.
    pub(crate) fn stage(&mut self, report: StageReport) -> io::Result<()> {
        self.tell(&summary(&report));
        self.reports.push(report);
        std::mem::replace(&mut self.written, Ok(()))?;
        self.write_file()
    }

    /// No stage follows. The reports of those that ended.
    pub(crate) fn end(self) -> io::Result<Vec<StageReport>> {
        if matches!(self.place, Place::AtTheEnd) {
            io::stdout().write_all(self.document()?.as_bytes())?;
        }
        self.written.map(|()| self.reports)
    }

    /// Appends to a text. The first error is kept for the end of the stage.
    fn tell(&mut self, text: &str) {
        if let (Place::Stream(stream), Ok(())) = (&mut self.place, &self.written) {
            self.written = stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.flush());
        }
    }

    fn write_file(&mut self) -> io::Result<()> {
        match &self.place {
            Place::File(path) => fs::write(path, self.document()?),
            Place::Stream(_) | Place::AtTheEnd => Ok(()),
        }
    }

    fn document(&self) -> io::Result<String> {
        match self.format {
            Format::Text => Ok(String::new()),
            Format::Json => Ok(run_json(&self.reports).map_err(io::Error::other)? + "\n"),
            Format::Junit => run_junit(&self.reports).map_err(io::Error::other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{Format, Place, Progress};
    use crate::case::Case;
    use crate::cases;
    use crate::run::{Outcome, Verdict};
    use crate::stages::StageKind;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_told_before_the_next_case_runs() {
        let sink = Shared::default();
        let place = Place::Stream(Box::new(sink.clone()));
        let mut progress = Progress::at(Format::Text, place);
        let is_disputed = |case: &&Case| case.id == "dispute.overlap-allowed";
        let case = *cases::all().find(is_disputed).unwrap();
        let verdict = Verdict {
            case,
            code: case.codes[0],
            outcome: Outcome::Failed(vec!["for a reason".to_owned()]),
            duration: Duration::ZERO,
        };
        progress.case(StageKind::Bare, &verdict);
        let told = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(told.ends_with("for a reason\n"), "{told}");
        assert!(told.contains("disputed: overlap = Allowed\n"), "{told}");
    }
}
