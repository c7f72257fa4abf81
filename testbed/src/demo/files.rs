//! The real files that are cloned.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use testbed::volume::fold;
use walkdir::WalkDir;

/// Directories that hold what tools made, not what people wrote.
const SKIPPED: [&str; 2] = ["target", ".git"];
/// All files together. They are held in memory as they are, and once more on the modelled volume.
const LIMIT: u64 = 1 << 30;

/// A real file and its name on the modelled volume.
#[derive(Debug)]
pub(crate) struct RealFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its name below the root of the modelled volume, with backslashes.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

/// What is below a directory.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every regular file, in the order of the names.
    pub(crate) files: Vec<RealFile>,
    /// Bytes of all.
    pub(crate) bytes: u64,
    /// Directories left out by name.
    pub(crate) directories_left_out: u64,
    /// Symbolic links, which are not followed, and special files.
    pub(crate) specials_left_out: u64,
}

/// Reads every regular file below `directory`.
pub(crate) fn find(directory: &Path) -> Result<Found> {
    ensure!(
        directory.exists(),
        "{}: no such directory",
        directory.display()
    );
    ensure!(
        directory.is_dir(),
        "{}: not a directory",
        directory.display()
    );
    let mut found = Found::default();
    let mut taken = directory_names(directory);
    let mut walk = WalkDir::new(directory).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.with_context(|| format!("{} cannot be read", directory.display()))?;
        let kind = entry.file_type();
        if kind.is_dir() {
            if entry.depth() > 0 && SKIPPED.iter().any(|name| entry.file_name() == *name) {
                found.directories_left_out += 1;
                walk.skip_current_dir();
            }
        } else if kind.is_file() {
            let below = entry.path().strip_prefix(directory);
            let name = windows_name(below.unwrap_or(entry.path()));
            found.add(entry.path(), unique(name, &mut taken))?;
        } else {
            found.specials_left_out += 1;
        }
    }
    if found.files.is_empty() {
        bail!("{}: no files to clone", directory.display());
    }
    Ok(found)
}

/// The names of all directories below `directory`, folded: no file may have one of them. What cannot be
/// read is met again, and named, when the files are.
fn directory_names(directory: &Path) -> HashSet<String> {
    let entries = WalkDir::new(directory).into_iter().filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_type().is_dir())
        .filter_map(|entry| {
            Some(fold(&windows_name(
                entry.path().strip_prefix(directory).ok()?,
            )))
        })
        .collect()
}

impl Found {
    fn add(&mut self, path: &Path, name: String) -> Result<()> {
        let unreadable = || format!("{} cannot be read", path.display());
        // Before reading, so that a file too large is not read first.
        self.check_limit(path, fs::metadata(path).with_context(unreadable)?.len())?;
        let content = fs::read(path).with_context(unreadable)?;
        self.bytes += u64::try_from(content.len())?;
        self.check_limit(path, 0)?;
        self.files.push(RealFile {
            path: path.to_owned(),
            name,
            content,
        });
        Ok(())
    }

    /// About how many requests the files take, rather too many: the smallest chunks are of 32 KiB.
    pub(crate) fn requests(&self) -> usize {
        let chunks = usize::try_from(self.bytes >> 15).unwrap_or(usize::MAX);
        self.files.len().saturating_add(chunks)
    }

    /// Refuses to write to one of the files that are to be cloned.
    pub(crate) fn keep_from(&self, output: &Path) -> Result<()> {
        // What does not exist yet cannot be one of them.
        let Ok(output) = output.canonicalize() else {
            return Ok(());
        };
        let is_input = |file: &RealFile| file.path.canonicalize().is_ok_and(|path| path == output);
        ensure!(
            !self.files.iter().any(is_input),
            "{} is one of the files to be cloned: it would be overwritten",
            output.display()
        );
        Ok(())
    }

    fn check_limit(&self, path: &Path, more: u64) -> Result<()> {
        ensure!(
            self.bytes.saturating_add(more) <= LIMIT,
            "the files up to {} have more than {} MiB together: the modelled volume is held in \
             memory, so choose a smaller directory",
            path.display(),
            LIMIT >> 20
        );
        Ok(())
    }

    /// What was left out, for people; nothing if nothing was.
    pub(crate) fn left_out(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.directories_left_out > 0 {
            parts.push(format!(
                "{} directories named {}",
                self.directories_left_out,
                SKIPPED.join(" or ")
            ));
        }
        if self.specials_left_out > 0 {
            parts.push(format!(
                "{} links and special files",
                self.specials_left_out
            ));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// A name that Windows accepts: characters it forbids become "%" and their number. A space or a dot
/// at the end of a name is dropped there, so it counts as forbidden ("Naming Files, Paths, and
/// Namespaces", Win32).
fn windows_name(path: &Path) -> String {
    let part = |part: std::path::Component<'_>| {
        let text = part.as_os_str().to_string_lossy().into_owned();
        let mut name: String = text.chars().map(legal).collect();
        if let Some(last) = name.pop() {
            name.push_str(&if matches!(last, ' ' | '.') {
                escaped(last)
            } else {
                last.to_string()
            });
        }
        name
    };
    path.components().map(part).collect::<Vec<_>>().join("\\")
}

fn legal(character: char) -> String {
    let forbidden = r#"<>:"/\|?*%"#.contains(character) || character.is_control();
    if forbidden {
        escaped(character)
    } else {
        character.to_string()
    }
}

fn escaped(character: char) -> String {
    format!("%{:02X}", u32::from(character))
}

/// Windows does not tell upper from lower case, Linux does.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !taken.insert(fold(&candidate)) {
        candidate = format!("{name}~{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_legal_and_stay_apart() {
        assert_eq!(windows_name(Path::new("a/b:c?.txt")), r"a\b%3Ac%3F.txt");
        assert_eq!(windows_name(Path::new("dir./x ")), r"dir%2E\x%20");
        let mut taken = HashSet::new();
        assert_eq!(unique("README".to_owned(), &mut taken), "README");
        assert_eq!(unique("readme".to_owned(), &mut taken), "readme~2");
        assert_eq!(unique("i".to_owned(), &mut taken), "i");
        assert_eq!(unique("ı".to_owned(), &mut taken), "ı~2");
    }

    #[test]
    fn a_file_does_not_take_the_name_of_a_directory() {
        let root = std::env::temp_dir().join(format!("names-{}", std::process::id()));
        fs::create_dir_all(root.join("A")).unwrap();
        fs::write(root.join("A/f"), "x").unwrap();
        fs::write(root.join("a"), "y").unwrap();
        let found = find(&root);
        fs::remove_dir_all(&root).unwrap();
        let names: Vec<_> = found
            .unwrap()
            .files
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(names, [r"A\f", "a~2"]);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = find(Path::new("/no/such/place")).unwrap_err();
        assert_eq!(error.to_string(), "/no/such/place: no such directory");
        let error = find(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.to_string(), "/dev/null: not a directory");
    }

    #[test]
    fn an_input_is_not_written_to() {
        let path = std::env::current_exe().unwrap();
        let mut found = Found::default();
        assert!(found.keep_from(&path).is_ok());
        found.files.push(RealFile {
            path: path.clone(),
            name: String::new(),
            content: Vec::new(),
        });
        assert!(found.keep_from(&path).is_err());
        assert!(found.keep_from(Path::new("/no/such/file")).is_ok());
    }

    #[test]
    fn chunks_count_as_requests() {
        let mut found = Found::default();
        assert_eq!(found.requests(), 0);
        found.bytes = 50 << 20;
        assert_eq!(found.requests(), 1600);
    }

    #[test]
    fn too_much_is_refused_before_it_is_read() {
        let found = Found {
            bytes: LIMIT - 1,
            ..Found::default()
        };
        assert!(found.check_limit(Path::new("x"), 1).is_ok());
        let error = found.check_limit(Path::new("/big/file"), 2).unwrap_err();
        assert!(error.to_string().contains("/big/file"), "{error}");
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(Found::default().left_out(), None);
        let found = Found {
            directories_left_out: 2,
            specials_left_out: 1,
            ..Found::default()
        };
        let text = found.left_out().unwrap_or_default();
        assert_eq!(
            text,
            "2 directories named target or .git, 1 links and special files"
        );
    }
}
