//! Verifies a package, as if somebody else had made it.
//!
//! Digests by two implementations, [`driver_package::digest`] and the crate `authenticode`; signatures by
//! osslsigncode; the INF file by the [`rules`](driver_package::rules); the image by the image rules. What is wrong with which
//! file is said first by whoever can say it best.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use authenticode::{AttributeCertificateIterator, PeTrait, authenticode_digest};
use driver_package::catalog::{Catalog, Member};
use driver_package::digest::Kind;
use driver_package::install;
use object::read::pe::PeFile64;
use sha2::Digest as _;

use super::contents::{self, Contents};
use super::sign::quiet;
use super::stamp;
use crate::build::Arch;
use crate::image;

/// A package to verify, and whom to believe.
pub(super) struct Package<'a> {
    pub(super) directory: &'a Path,
    /// The certificate that its signatures have to lead to, as PEM.
    pub(super) root: &'a Path,
}

/// What was verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) arch: Arch,
    pub(super) stamp: String,
    pub(super) members: Vec<Member>,
}

impl Verified {
    /// A line about it.
    pub(super) fn describe(&self) -> String {
        let files = self.members.iter().map(|member| {
            let digest = member.digests.sha256.iter().take(8);
            let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
            format!("{} {digest}", member.file)
        });
        let files: Vec<_> = files.collect();
        format!(
            "{}, {}: {}",
            self.arch.image_name(),
            self.stamp,
            files.join(", ")
        )
    }
}

impl Package<'_> {
    /// Everything that can be said of a package on this host.
    pub(super) fn verify(&self) -> Result<Verified> {
        let contents = Contents::read(self.directory)?;
        let name = contents.catalog()?.to_owned();
        let path = contents.path(&name);
        let bytes = contents::bytes(&path)
            .with_context(|| format!("{} names the catalogue {name}", contents.inf_name))?;
        let catalog = Catalog::read(&bytes).with_context(|| format!("{name} is no catalogue"))?;
        // Before it is asked about other files: what is wrong with it is not their fault.
        Catalog::refuse_changed(&bytes)
            .with_context(|| format!("{name} is not what was signed"))?;
        compare(&contents, &name, &catalog)?;
        contents::refuse_broken(&contents.inf, &contents.inf_name)?;
        let arch = architecture(&contents)?;
        ensure!(
            catalog.systems == super::systems(arch),
            "{name} is for {}, and the INF file for {}",
            catalog.systems,
            super::systems(arch)
        );
        let is_image = |member: &&Member| member.kind == Kind::Image;
        let images: Vec<_> = catalog.members.iter().filter(is_image).collect();
        ensure!(!images.is_empty(), "{name} is about no image");
        for image in images {
            let file = contents.path(&image.file);
            self.image(&file, image, arch)?;
            self.signature(&path, &file)?;
        }
        let version = contents.inf.section("Version");
        let line = version.and_then(|version| version.all("DriverVer").next());
        Ok(Verified {
            arch,
            stamp: line.map(|line| line.values.join(",")).unwrap_or_default(),
            members: catalog.members,
        })
    }

    /// The image rules, and the digest and the signature by other people's code.
    fn image(&self, path: &Path, member: &Member, arch: Arch) -> Result<()> {
        let file = &member.file;
        let bytes = contents::bytes(path)?;
        image::refuse_broken_bytes(&bytes, arch)
            .with_context(|| format!("{file} breaks the image rules"))?;
        let pe = PeFile64::parse(&*bytes).with_context(|| format!("{file} is no PE image"))?;
        let (sha256, signed) =
            second_opinion(&pe).with_context(|| format!("{file}: its signature is damaged"))?;
        ensure!(
            sha256 == member.digests.sha256,
            "{file}: two implementations come to different digests"
        );
        ensure!(
            signed == [sha256.to_vec()],
            "{file}: what is signed in it is not its own digest"
        );
        let mut verify = Command::new("osslsigncode");
        verify
            .arg("verify")
            .arg("-CAfile")
            .arg(self.root)
            .arg("-in")
            .arg(path);
        quiet(&mut verify).with_context(|| format!("{file}: its own signature does not verify"))
    }

    /// The signature of the catalogue, and the image by its digest in it.
    fn signature(&self, catalog: &Path, image: &Path) -> Result<()> {
        let mut verify = Command::new("osslsigncode");
        verify.arg("verify").arg("-CAfile").arg(self.root);
        verify.arg("-catalog").arg(catalog).arg("-in").arg(image);
        let name = catalog.file_name().unwrap_or_default();
        quiet(&mut verify)
            .with_context(|| format!("{}: its signature does not verify", name.display()))
    }
}

/// Every file is in the catalogue as it is, and nothing else.
pub(super) fn compare(contents: &Contents, name: &str, catalog: &Catalog) -> Result<()> {
    for file in &contents.files {
        let now = contents.member(file)?;
        let mut entries = catalog.members.iter();
        let entry = entries
            .find(|entry| entry.file == now.file)
            .with_context(|| format!("{file} is not in the catalogue"))?;
        ensure!(
            *entry == now,
            "{file} is not the file that the catalogue is about: its digest is another. Who changed it \
             has to make the package again"
        );
    }
    let is_named = |entry: &&Member| {
        let mut files = contents.files.iter();
        files.any(|file| file.eq_ignore_ascii_case(&entry.file))
    };
    match catalog.members.iter().find(|entry| !is_named(entry)) {
        Some(entry) => bail!(
            "{name} is about {} as well, which the INF does not name",
            entry.file
        ),
        None => Ok(()),
    }
}

/// The digest by the crate `authenticode`, and the digests in the signatures of the image.
fn second_opinion(pe: &PeFile64<'_>) -> Result<([u8; 32], Vec<Vec<u8>>)> {
    let mut sha256 = sha2::Sha256::new();
    authenticode_digest(pe as &dyn PeTrait, &mut sha256)?;
    let mut signed = Vec::new();
    if let Some(certificates) = AttributeCertificateIterator::new(pe)? {
        for certificate in certificates {
            let signature = certificate?.get_authenticode_signature()?;
            signed.push(signature.digest().to_vec());
        }
    }
    Ok((sha256.finalize().into(), signed))
}

/// The one architecture that the INF file is for.
fn architecture(contents: &Contents) -> Result<Arch> {
    let ranges = install::ranges(&contents.inf)?;
    let is_for = |arch: &Arch| {
        let own = Some(stamp::decoration(*arch));
        ranges
            .iter()
            .all(|range| range.architecture.as_deref() == own)
    };
    let arch = Arch::ALL.into_iter().find(is_for);
    arch.with_context(|| format!("{} is for more than one architecture", contents.inf_name))
}
