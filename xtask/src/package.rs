//! `package`: from source to a signed driver package, `cloneguard_package`, for both architectures.
//!
//! [`driver_package`] stamps the INF file, checks it against [`rules`] and writes the catalogue: with [`sign`] it does
//! what Inf2Cat and SignTool do where there is no WDK. [`make`] has it done, [`verify`] takes nothing for granted,
//! [`reproduce`] does it all twice, [`wine`] installs the result. On Windows the WDK's own tools make the package
//! (`cargo make`), and [`rules`] run beside InfVerif.

mod contents;
mod infverif;
mod make;
mod reproduce;
mod sign;
mod stamp;
mod tamper;
mod verify;
mod wine;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use driver_package::inf::Inf;
use driver_package::rules;
use driver_package::stamp::Stamp;

use crate::build::Arch;
use crate::{files, harness};
use verify::Package;

/// The source of the INF file.
const INX: &str = "inf/cloneguard.inx";

/// For packages that are made to be tested, wherever their sources come from.
const SOME_DAY: &str = "01/31/2026";

/// The command line.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    make: MakeOptions,
    /// Also build the programs for a test-signed Windows, and put the packages beside them
    #[arg(long)]
    harness: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Verify a package: the INF file, every digest, both signatures
    Verify {
        /// The directory with the package
        directory: PathBuf,
        /// The root certificate that the signatures have to lead to, as PEM; else that of this machine's tests
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Make what is to be signed and no more: image, INF file, catalogue
    Unsigned(MakeOptions),
    /// Make that twice, each time from a copy of the sources and from nothing, and compare the bytes; takes minutes
    Reproduce(MakeOptions),
    /// Make the x64 package, install it by Wine's SetupAPI, compare, start, uninstall
    Wine(MakeOptions),
    /// Check an INF file, or the INX file of this repository, against the rules; InfVerif too if it is there
    Inf {
        /// The file; without it, the repository's own for both architectures
        file: Option<PathBuf>,
    },
}

#[derive(Args, Clone)]
struct MakeOptions {
    /// For one architecture only
    #[arg(long)]
    arch: Option<Architecture>,
    /// The date for DriverVer, month/day/year; else STAMPINF_DATE, else the day of the commit
    #[arg(long)]
    date: Option<String>,
    /// The version for DriverVer; else STAMPINF_VERSION, else that of the workspace
    #[arg(long, value_name = "A.B.C.D")]
    driver_version: Option<String>,
}

impl MakeOptions {
    /// Without a question to git, which a copy of the sources may not be under.
    fn for_tests() -> Self {
        Self {
            arch: None,
            date: Some(SOME_DAY.to_owned()),
            driver_version: None,
        }
    }

    fn for_arch(&self, arch: Architecture) -> Self {
        Self {
            arch: Some(arch),
            ..self.clone()
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Architecture {
    X64,
    Arm64,
}

impl Architecture {
    /// As the command line has it.
    const fn name(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::Arm64 => "arm64",
        }
    }
}

/// Makes the package, or does what else is asked.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.action {
        Some(Action::Verify { directory, root }) => verify(directory, root.as_deref()),
        Some(Action::Unsigned(make)) => make::unsigned_files(make),
        Some(Action::Reproduce(make)) => reproduce::run(make),
        Some(Action::Wine(make)) => {
            let x64 = make.for_arch(Architecture::X64);
            wine_installs(&x64).map(|line| println!("Wine: {line}"))
        }
        Some(Action::Inf { file: Some(file) }) => check_inf(file),
        Some(Action::Inf { file: None }) => check_inx(),
        None => {
            let made = make::packages(&options.make)?;
            if options.harness {
                for made in &made {
                    harness::build_with_package(made.arch, &made.directory)?;
                }
            }
            Ok(())
        }
    }
}

/// Makes both packages, and demands that no byte of either can be changed unseen.
pub(crate) fn check() -> Result<String> {
    let root = sign::Signer::for_tests()?.root();
    let mut count = 0;
    for made in make::packages(&MakeOptions::for_tests())? {
        let name = format!("target/package/tamper-{}", std::process::id());
        let scratch = files::root().join(name);
        count += tamper::every_change_is_seen(&made.directory, &root, &scratch)?;
    }
    Ok(format!("x64, arm64; {count} changed bytes seen"))
}

/// What is seen of the x64 package under Wine.
pub(crate) fn install_under_wine() -> Result<String> {
    wine_installs(&MakeOptions::for_tests().for_arch(Architecture::X64))
}

fn wine_installs(x64: &MakeOptions) -> Result<String> {
    let made = make::packages(x64)?;
    let package = made.first().context("no package was made")?;
    wine::run(&package.directory)
}

fn verify(directory: &Path, root: Option<&Path>) -> Result<()> {
    let own = match root {
        Some(root) => root.to_owned(),
        None => sign::Signer::for_tests()?.root(),
    };
    let package = Package {
        directory,
        root: &own,
    };
    let verified = package
        .verify()
        .with_context(|| format!("{} does not verify", directory.display()))?;
    println!("{}: {}", directory.display(), verified.describe());
    Ok(())
}

fn check_inf(file: &Path) -> Result<()> {
    let name = file.display().to_string();
    let inf = Inf::read(&contents::bytes(file)?).with_context(|| format!("cannot read {name}"))?;
    contents::refuse_broken(&inf, &name)?;
    println!("{name}: {} rules hold", rules::RULES.len());
    infverif::run(file)
}

/// The file as it will be on some day.
fn check_inx() -> Result<()> {
    let inx = files::read_text(&files::root().join(INX))?;
    let stamp = Stamp {
        date: SOME_DAY.parse()?,
        version: stamp::version_of_workspace()?,
    };
    for arch in Arch::ALL {
        let folder = files::root()
            .join("target/package/inf")
            .join(arch.image_name());
        let file = folder.join("cloneguard.inf");
        files::write_if_changed(&file, stamp::inf(&inx, arch, stamp)?.as_bytes())?;
        check_inf(&file)?;
    }
    Ok(())
}

/// What Inf2Cat calls the systems of an architecture: Windows 10 and later. For x64 it was seen so in its catalogues; for
/// ARM64 only with a release behind it, `_v100_ARM64_22H2`.
fn systems(arch: Arch) -> &'static str {
    match arch {
        Arch::X64 => "_v100_X64",
        Arch::Arm64 => "_v100_ARM64",
    }
}
