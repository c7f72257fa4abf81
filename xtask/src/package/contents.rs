//! The files of a package: what the INF names, and what of it lies there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use driver_package::catalog::Member;
use driver_package::digest::{Digests, Kind};
use driver_package::inf::Inf;
use driver_package::{install, rules};

/// A package in a directory.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) directory: PathBuf,
    /// The name of the INF file.
    pub(super) inf_name: String,
    pub(super) inf: Inf,
    /// The files that the catalogue is about: the INF file and those it names.
    pub(super) files: Vec<String>,
}

impl Contents {
    /// Reads the INF file of a package, and refuses one that names files which are not there, or one twice.
    pub(super) fn read(directory: &Path) -> Result<Self> {
        let inf_name = only_inf(directory)?;
        let inf = Inf::read(&bytes(&directory.join(&inf_name))?)
            .with_context(|| format!("cannot read {inf_name}"))?;
        refuse_decorated(&inf, &inf_name)?;
        let mut files = vec![inf_name.clone()];
        let sources = inf.section("SourceDisksFiles");
        let lines = sources.map(|section| section.lines.as_slice());
        for line in lines.unwrap_or_default() {
            let name = line.key.clone().unwrap_or_default();
            let is_it = |file: &String| file.eq_ignore_ascii_case(&name);
            ensure!(
                !files.iter().any(is_it),
                "{inf_name}, line {}: {name} is listed twice",
                line.number
            );
            ensure!(
                line.get(1).is_empty() && !name.contains(['\\', '/']),
                "{inf_name}, line {}: {name} lies in another directory, which is not understood here",
                line.number
            );
            ensure!(
                directory.join(&name).is_file(),
                "{inf_name}, line {}: {name} is not in {}",
                line.number,
                directory.display()
            );
            files.push(name);
        }
        Ok(Self {
            directory: directory.to_owned(),
            inf_name,
            inf,
            files,
        })
    }

    /// The name of the catalogue.
    pub(super) fn catalog(&self) -> Result<&str> {
        let version = self.inf.section("Version");
        let name = version.and_then(|version| version.value("CatalogFile"));
        name.filter(|name| !name.is_empty())
            .with_context(|| format!("{} names no catalogue", self.inf_name))
    }

    /// What a catalogue says of a file as it is now.
    pub(super) fn member(&self, file: &str) -> Result<Member> {
        let bytes = bytes(&self.path(file))?;
        let kind = Kind::of(&bytes);
        let digests =
            Digests::of(kind, &bytes).with_context(|| format!("{file} cannot be digested"))?;
        Ok(Member {
            file: file.to_ascii_lowercase(),
            kind,
            digests,
        })
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }
}

/// The content of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The names of the files in a directory, sorted.
pub(super) fn names(directory: &Path) -> Result<Vec<String>> {
    let unreadable = || format!("cannot read {}", directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let name = entry.with_context(unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Refuses a file that breaks a rule. `name` is what the message calls it.
pub(super) fn refuse_broken(inf: &Inf, name: &str) -> Result<()> {
    let breaches = rules::breaches(inf);
    let lines: Vec<_> = breaches.iter().map(ToString::to_string).collect();
    ensure!(
        lines.is_empty(),
        "{name} breaks the rules for INF files:\n  {}",
        lines.join("\n  ")
    );
    Ok(())
}

/// What the plain section lists is all that the package has.
fn refuse_decorated(inf: &Inf, inf_name: &str) -> Result<()> {
    match install::decorated_sources(inf).next() {
        Some(section) => bail!(
            "{inf_name}, line {}: [{}] is for one architecture, which is not understood here: list \
             the files in the section without an ending",
            section.number,
            section.name
        ),
        None => Ok(()),
    }
}

fn only_inf(directory: &Path) -> Result<String> {
    let mut names = names(directory)?;
    names.retain(|name| name.to_ascii_lowercase().ends_with(".inf"));
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => bail!("there is no INF file in {}", directory.display()),
        _ => bail!("there are several INF files in {}", directory.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of a test, which goes when the test ends.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let own = format!("cloneguard-contents-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(own);
            fs::create_dir_all(&path).unwrap();
            for (name, content) in files {
                fs::write(path.join(name), content).unwrap();
            }
            Self(path)
        }

        fn complaint(&self) -> String {
            Contents::read(&self.0).unwrap_err().to_string()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            // Nobody minds what is left of a test that failed.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    const INF: &str = "[Version]\nCatalogFile = a.cat\n[SourceDisksFiles]\na.sys = 1\n";

    #[test]
    fn the_inf_file_and_what_it_names() {
        let directory = Directory::new("good", &[("a.inf", INF), ("a.sys", "MZ"), ("a.pdb", "")]);
        let contents = Contents::read(&directory.0).unwrap();
        assert_eq!(contents.files, ["a.inf", "a.sys"]);
        assert_eq!(contents.catalog().unwrap(), "a.cat");
        let member = contents.member("a.inf").unwrap();
        assert_eq!(member.digests, Digests::of_bytes(INF.as_bytes()));
        let error = contents.member("a.sys").unwrap_err().to_string();
        assert_eq!(error, "a.sys cannot be digested");
    }

    #[test]
    fn a_file_that_is_missing_is_told() {
        let directory = Directory::new("missing", &[("a.inf", INF)]);
        let said = directory.complaint();
        assert!(
            said.starts_with("a.inf, line 4: a.sys is not in "),
            "{said}"
        );
    }

    #[test]
    fn a_file_that_is_listed_twice_is_told() {
        let twice = format!("{INF}A.SYS = 1\n");
        let directory = Directory::new("twice", &[("a.inf", &twice), ("a.sys", "MZ")]);
        assert_eq!(
            directory.complaint(),
            "a.inf, line 5: A.SYS is listed twice"
        );
    }

    #[test]
    fn a_list_for_one_architecture_is_refused_by_name() {
        for name in ["SourceDisksFiles.amd64", "sourcedisksnames.ARM64"] {
            let inf = format!("{INF}[{name}]\nb.sys = 1\n");
            let directory = Directory::new("decorated", &[("a.inf", &inf), ("a.sys", "MZ")]);
            let said = directory.complaint();
            let begin = format!("a.inf, line 5: [{name}] is for one architecture, ");
            assert!(said.starts_with(&begin), "{said}");
        }
    }

    #[test]
    fn a_package_has_one_inf_file() {
        let none = Directory::new("none", &[("a.sys", "MZ")]);
        assert!(none.complaint().starts_with("there is no INF file in "));
        let two = Directory::new("two", &[("a.inf", INF), ("b.INF", INF)]);
        assert!(
            two.complaint()
                .starts_with("there are several INF files in ")
        );
    }
}
