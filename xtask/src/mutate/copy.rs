//! A private copy of the workspace below `target/mutate`, in which the mutations are tried.
//!
//! It is a copy and no set of links: nothing that runs in it can reach the checkout through it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files;

/// The copy.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Makes `to` the same as `from`, also after a run that was interrupted in it.
    pub(super) fn prepare(from: &Path, to: &Path) -> Result<Self> {
        files::copy_sources(from, to)?;
        Ok(Self {
            root: to.to_path_buf(),
        })
    }

    /// The root of the copy.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs `work` while one file has another text.
    pub(super) fn with<T>(
        &self,
        path: &str,
        text: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let path = self.root.join(path);
        let original = files::read_text(&path)?;
        files::write_if_changed(&path, text.as_bytes())?;
        let result = work();
        files::write_if_changed(&path, original.as_bytes())?;
        result
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A directory of this process, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("cloneguard-mutate-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            files::write_if_changed(&path, text.as_bytes()).unwrap();
        }

        fn read(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.0.join(path)).ok()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            // What is left over in the directory for temporary files harms no other run.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn the_copy_is_mutated_and_the_checkout_is_not() {
        let (checkout, to) = (Scratch::new("from"), Scratch::new("to"));
        checkout.write("guard/src/a.rs", "one");
        checkout.write("target/b", "left out");
        let copy = Copy::prepare(&checkout.0, &to.0).unwrap();
        assert_eq!(to.read("target/b"), None);
        copy.with("guard/src/a.rs", "two", || {
            assert_eq!(to.read("guard/src/a.rs").unwrap(), "two");
            assert_eq!(checkout.read("guard/src/a.rs").unwrap(), "one");
            Ok(())
        })
        .unwrap();
        assert_eq!(to.read("guard/src/a.rs").unwrap(), "one");
    }

    #[test]
    fn a_failure_takes_the_mutation_back_too() {
        let (checkout, to) = (Scratch::new("failing"), Scratch::new("failed"));
        checkout.write("guard/a.rs", "one");
        let copy = Copy::prepare(&checkout.0, &to.0).unwrap();
        let result: Result<()> = copy.with("guard/a.rs", "two", || anyhow::bail!("failed"));
        assert!(result.is_err());
        assert_eq!(to.read("guard/a.rs").unwrap(), "one");
    }

    #[test]
    fn what_an_interrupted_run_left_is_put_right() {
        let (checkout, to) = (Scratch::new("original"), Scratch::new("stale"));
        checkout.write("guard/src/a.rs", "one");
        to.write("guard/src/a.rs", "mutated");
        to.write("guard/src/gone.rs", "stale");
        to.write("guard/gone/b.rs", "stale");
        to.write("target/kept", "built");
        Copy::prepare(&checkout.0, &to.0).unwrap();
        assert_eq!(to.read("guard/src/a.rs").unwrap(), "one");
        assert_eq!(to.read("guard/src/gone.rs"), None);
        assert_eq!(to.read("guard/gone/b.rs"), None);
        assert_eq!(to.read("target/kept").unwrap(), "built");
    }
}
