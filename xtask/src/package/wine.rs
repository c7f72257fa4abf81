//! Installs the x64 package for real where there is no Windows: by the SetupAPI of Wine.
//!
//! Wine chooses a range of the INF file, and what it wrote is compared with what the INF promises for it
//! ([`compare`]); its `winedevice` loads the signed image; the uninstall section is run, and nothing may be left. The
//! other range is installed from a copy of the INF file that has no other ([`derive`]). [`prefix`] is the installation
//! of Wine that all this happens in, a fresh one each time, and [`hive`] reads its registry.
//!
//! Wine's SetupAPI knows no driver store and takes no notice of catalogues; its filter manager registers nothing. That
//! is for Windows to show.

mod compare;
mod derive;
mod hive;
mod prefix;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use driver_package::inf::Inf;
use driver_package::install::{self, Promise, Range};

use super::contents::Contents;
use crate::files;
use prefix::Prefix;

/// What everything that the package brings has in its name.
const NAME: &str = "cloneguard";
/// Longer than Wine takes on a busy machine to load a driver or to give up.
const START_SECONDS: u64 = 180;

/// Installs, starts, uninstalls, and says in a line what was seen.
pub(super) fn run(package: &Path) -> Result<String> {
    let contents = Contents::read(package)?;
    let prefix = Prefix::create(&files::root().join("target/package"))?;
    let foreign = prefix.mentions(NAME)?;
    ensure!(
        foreign.is_empty(),
        "a fresh Wine knows {}",
        foreign.join(", ")
    );
    let inf = contents.path(&contents.inf_name);
    prefix.install(&inf, install::INSTALL)?;
    let ranges = install::ranges(&contents.inf)?;
    let installed = Installed {
        prefix: &prefix,
        contents: &contents,
    };
    let chosen = installed.chosen(&ranges)?;
    let reached = installed.start(chosen)?;
    ensure!(
        !prefix.mentions(NAME)?.is_empty(),
        "what was installed leaves no trace that could be looked for"
    );
    prefix.install(&inf, install::UNINSTALL)?;
    let left = prefix.mentions(NAME)?;
    ensure!(
        left.is_empty(),
        "uninstalling left something behind:\n  {}",
        left.join("\n  ")
    );
    let mut others = Vec::new();
    for range in ranges.iter().filter(|range| *range != chosen) {
        installed.alone(range)?;
        others.push(range.section.as_str());
    }
    Ok(format!(
        "[{}] and alone [{}] as promised; {reached}; uninstalled without a trace",
        chosen.section,
        others.join("], [")
    ))
}

/// The package in the prefix.
struct Installed<'a> {
    prefix: &'a Prefix,
    contents: &'a Contents,
}

impl Installed<'_> {
    /// The range whose promises were kept.
    fn chosen<'a>(&self, ranges: &'a [Range]) -> Result<&'a Range> {
        let mut complaints = Vec::new();
        for range in ranges {
            let broken = self.broken(&self.contents.inf, range)?;
            if broken.is_empty() {
                return Ok(range);
            }
            let broken = broken.join("\n    ");
            complaints.push(format!("[{}]:\n    {broken}", range.section));
        }
        bail!(
            "what Wine installed is what no section promises:\n  {}",
            complaints.join("\n  ")
        )
    }

    /// What of the promises of a section was not kept.
    fn broken(&self, inf: &Inf, range: &Range) -> Result<Vec<String>> {
        let promise = Promise::of(inf, range)?;
        let registry = self.prefix.registry()?;
        let mut broken = compare::service(&promise.service, &registry);
        for file in &promise.files {
            let installed = self.prefix.file(file.directory, &file.name);
            let source = self.contents.path(&file.name);
            if fs::read(&installed).ok() != Some(super::contents::bytes(&source)?) {
                broken.push(format!(
                    "{} is not the file of the package",
                    installed.display()
                ));
            }
        }
        Ok(broken)
    }

    /// Starts the service. Wine has not all that the driver imports, so its DriverEntry ends early.
    fn start(&self, range: &Range) -> Result<String> {
        let service = Promise::of(&self.contents.inf, range)?.service.name;
        let mut seen = Loading::default();
        self.prefix
            .watch(&["net", "start", &service], START_SECONDS, |line| {
                seen.take(line);
                seen.end.is_some()
            })?;
        ensure!(
            seen.is_loaded,
            "winedevice did not load the image. Wine said:\n{}",
            seen.said.join("\n")
        );
        seen.end
            .context("winedevice loaded the image, and nothing tells that it ran")
    }

    /// Installs a range from an INF file that has no other. What it leaves goes with the prefix.
    fn alone(&self, range: &Range) -> Result<()> {
        let directory = self.prefix.scratch("alone")?;
        let text = files::read_text(&self.contents.path(&self.contents.inf_name))?;
        let text = derive::only(&text, range);
        for file in &self.contents.files {
            fs::copy(self.contents.path(file), directory.join(file))?;
        }
        let path = directory.join(&self.contents.inf_name);
        fs::write(&path, &text)?;
        self.prefix.install(&path, install::INSTALL)?;
        let inf = Inf::read(text.as_bytes())?;
        let ranges = install::ranges(&inf)?;
        let [only] = ranges.as_slice() else {
            bail!("[{}] is not alone", range.section);
        };
        let broken = self.broken(&inf, only)?;
        ensure!(
            broken.is_empty(),
            "[{}], installed alone, breaks its promises:\n  {}",
            range.section,
            broken.join("\n  ")
        );
        Ok(())
    }
}

/// What Wine tells of a driver that it loads.
#[derive(Default)]
struct Loading {
    is_loaded: bool,
    /// How far it came, once that is known.
    end: Option<String>,
    /// The lines about it.
    said: Vec<String>,
}

impl Loading {
    fn take(&mut self, line: &str) {
        let lower = line.to_ascii_lowercase();
        if lower.contains("cloneguard") || lower.contains("unimplemented") {
            self.said.push(line.to_owned());
        }
        if lower.contains("build_module loaded") && lower.contains("cloneguard.sys") {
            self.is_loaded = true;
        }
        if !self.is_loaded {
            return;
        }
        // Nobody but the driver was just loaded, and a function is called when its code runs.
        let function = lower.contains("unimplemented function ntoskrnl.exe.")
            || lower.contains("unimplemented function fltmgr.sys.");
        if function {
            let name = line
                .split_once("unimplemented function ")
                .map_or("", |(_, rest)| rest);
            let name = name.split([',', ' ']).next().unwrap_or_default();
            self.end = Some(format!(
                "the signed image was loaded and ran until it called {name}, which Wine lacks"
            ));
        } else if lower.contains("init_driver init done") && lower.contains("cloneguard") {
            self.end = Some("the signed image was loaded and its DriverEntry returned".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADED: &str = "0118:trace:loaddll:build_module Loaded \
        L\"C:\\\\windows\\\\system32\\\\drivers\\\\cloneguard.sys\" at 0000000180000000: native";
    const CALL: &str = "wine: Call from 000000017002D3F8 to unimplemented function \
        ntoskrnl.exe.ExAllocatePool2, aborting";

    fn loading(lines: &[&str]) -> Loading {
        let mut loading = Loading::default();
        for line in lines {
            loading.take(line);
        }
        loading
    }

    #[test]
    fn a_function_that_is_missing_shows_that_the_driver_ran() {
        let end = loading(&[LOADED, CALL]).end.unwrap();
        assert!(end.contains("ntoskrnl.exe.ExAllocatePool2,"), "{end}");
    }

    #[test]
    fn without_the_image_nothing_counts() {
        let early = loading(&[CALL]);
        assert!(!early.is_loaded && early.end.is_none());
        assert!(loading(&[LOADED]).end.is_none());
    }
}
