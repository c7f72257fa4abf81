//! Signatures for tests, by osslsigncode, with a chain of certificates of our own.
//!
//! A root and a publisher below it are made by openssl when they are first needed, and stay below `target`. No
//! machine trusts them until an administrator says so (docs/install.md); a product is signed by Microsoft.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::files;

/// Ten years: nothing stamps the time of a signature, so it lasts as long as its certificate.
const DAYS: u32 = 3650;
/// What openssl is told about the root.
const ROOT: &str = "[req]\ndistinguished_name = name\nx509_extensions = root\nprompt = no\n\
    [name]\nO = The CloneGuard authors\nCN = CloneGuard Test Root (tests only)\n\
    [root]\nbasicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign\n\
    subjectKeyIdentifier = hash\n";
/// And about the publisher. A signature of code needs that extended use.
const PUBLISHER: &str = "[req]\ndistinguished_name = name\nprompt = no\n\
    [name]\nO = The CloneGuard authors\nCN = CloneGuard Test Publisher (tests only)\n\
    [publisher]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n\
    extendedKeyUsage = critical, codeSigning\nsubjectKeyIdentifier = hash\n\
    authorityKeyIdentifier = keyid\n";

/// A chain of certificates, and the key of its last.
#[derive(Debug)]
pub(super) struct Signer {
    directory: PathBuf,
}

impl Signer {
    /// The project's own, made now if need be.
    pub(super) fn for_tests() -> Result<Self> {
        Self::in_directory(files::root().join("target/package/certificates"))
    }

    /// A chain in a directory. It is made elsewhere and moved there whole, so that one cut short is none.
    fn in_directory(directory: PathBuf) -> Result<Self> {
        if !directory.exists() {
            let unfinished = directory.with_extension(std::process::id().to_string());
            fs::create_dir_all(&unfinished)
                .with_context(|| format!("cannot create {}", unfinished.display()))?;
            Self {
                directory: unfinished.clone(),
            }
            .make()?;
            let moved = fs::rename(&unfinished, &directory);
            // Somebody else may have been quicker: theirs is as good.
            if moved.is_err() && directory.exists() {
                fs::remove_dir_all(&unfinished)?;
            } else {
                moved.with_context(|| format!("cannot create {}", directory.display()))?;
            }
        }
        Ok(Self { directory })
    }

    fn make(&self) -> Result<()> {
        fs::write(self.file("root.cnf"), ROOT)?;
        fs::write(self.file("publisher.cnf"), PUBLISHER)?;
        for name in ["root", "publisher"] {
            self.openssl(&format!(
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out {name}.key"
            ))?;
        }
        self.openssl(&format!(
            "req -x509 -new -sha256 -days {DAYS} -config root.cnf -key root.key -out root.pem"
        ))?;
        self.openssl("req -new -config publisher.cnf -key publisher.key -out publisher.csr")?;
        self.openssl(&format!(
            "x509 -req -sha256 -days {DAYS} -in publisher.csr -CA root.pem -CAkey root.key \
             -CAcreateserial -extfile publisher.cnf -extensions publisher -out publisher.pem"
        ))?;
        for name in ["root", "publisher"] {
            self.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.cer"))?;
        }
        // The root's key has done its work: nothing else shall ever be signed with it.
        fs::remove_file(self.file("root.key"))?;
        Ok(())
    }

    /// Signs an image or a catalogue. The root stays outside, as SignTool has it: in the signature nothing would
    /// vouch for its bytes.
    pub(super) fn sign(&self, from: &Path, to: &Path) -> Result<()> {
        if to.exists() {
            fs::remove_file(to).with_context(|| format!("cannot replace {}", to.display()))?;
        }
        let mut sign = Command::new("osslsigncode");
        sign.args(["sign", "-h", "sha256", "-certs"])
            .arg(self.file("publisher.pem"))
            .arg("-key")
            .arg(self.file("publisher.key"))
            .args(["-n", "CloneGuard", "-in"])
            .arg(from)
            .arg("-out")
            .arg(to);
        quiet(&mut sign).with_context(|| format!("{} was not signed", from.display()))
    }

    /// The root, as openssl reads it.
    pub(super) fn root(&self) -> PathBuf {
        self.file("root.pem")
    }

    /// The certificates as Windows imports them: the root's and the publisher's.
    pub(super) fn certificates(&self) -> [PathBuf; 2] {
        ["root.cer", "publisher.cer"].map(|name| self.file(name))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn openssl(&self, arguments: &str) -> Result<()> {
        let mut openssl = Command::new("openssl");
        openssl
            .current_dir(&self.directory)
            .args(arguments.split_whitespace());
        quiet(&mut openssl).context("the certificates for tests were not made")
    }
}

/// Runs a program to its end. What it said is told only if it fails.
pub(super) fn quiet(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| {
        format!("cannot run {program}: ./dev package installs it (kit/packages.txt)")
    })?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "{program} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&said).trim()
    );
    Ok(())
}
