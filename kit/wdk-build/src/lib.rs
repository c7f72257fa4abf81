//! Stand-in for `wdk-build` on a host without a Windows Driver Kit.
//!
//! The published crate finds a WDK through the Windows registry and does not compile elsewhere. This
//! one has the part of its interface that the build scripts of `wdk-sys` 0.5.2, `wdk` 0.5.0,
//! `wdk-alloc` 0.4.2, `wdk-panic` 0.5.0 and our own drivers call, and finds its headers and libraries
//! in the directory that `cargo xtask` has laid out and names in `WDKContentRoot`.
//!
//! Only drivers of the Windows Driver Model are supported. Names, signatures and the effects on Cargo
//! follow the documentation of `wdk-build` 0.6.0 (<https://docs.rs/wdk-build/0.6.0>).

mod bindings;
mod error;

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

pub use bindings::BuilderExt;
pub use error::{ConfigError, IoError};

/// The kind of driver that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverConfig {
    /// Windows Driver Model: the only kind this crate ever makes.
    Wdm,
    /// Kernel-Mode Driver Framework: named because the build script of `wdk-sys` matches on it.
    Kmdf(KmdfConfig),
    /// User-Mode Driver Framework: named because the build script of `wdk-sys` matches on it.
    Umdf(UmdfConfig),
}

/// Versions of a KMDF driver; never made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KmdfConfig {
    /// Major version.
    pub kmdf_version_major: u8,
    /// Minor version the driver is built for.
    pub target_kmdf_version_minor: u8,
    /// Oldest minor version it runs on.
    pub minimum_kmdf_version_minor: Option<u8>,
}

/// Versions of a UMDF driver; never made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UmdfConfig {
    /// Major version.
    pub umdf_version_major: u8,
    /// Minor version the driver is built for.
    pub target_umdf_version_minor: u8,
    /// Oldest minor version it runs on.
    pub minimum_umdf_version_minor: Option<u8>,
}

/// The processor the driver is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuArchitecture {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl CpuArchitecture {
    /// The name of this architecture below a kit's `Lib/<version>/km`.
    #[must_use]
    pub const fn as_windows_str(&self) -> &str {
        match self {
            Self::Amd64 => "x64",
            Self::Arm64 => "ARM64",
        }
    }

    /// Reads Cargo's name of an architecture.
    #[must_use]
    pub fn try_from_cargo_str<S: AsRef<str>>(cargo_str: S) -> Option<Self> {
        match cargo_str.as_ref() {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// Groups of headers that `wdk-sys` can bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiSubset {
    /// What every driver needs.
    Base,
    /// The driver frameworks: empty for a WDM driver.
    Wdf,
}

/// What is built, for which processor, and from which headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    kit_root: PathBuf,
    cpu_architecture: CpuArchitecture,
    /// The kind of driver.
    pub driver_config: DriverConfig,
}

impl Config {
    /// Reads the configuration from the manifests of the workspace being built and from the
    /// environment that Cargo gives to a build script.
    ///
    /// # Errors
    ///
    /// When `cargo metadata` fails, when no manifest or more than one kind of driver is configured,
    /// and when the environment is not that of a build started by `cargo xtask`.
    pub fn from_env_auto() -> Result<Self, ConfigError> {
        let manifest = find_top_level_cargo_manifest();
        // Without dependencies: the configuration stands in the workspace or in one of its members,
        // and every build script of the graph comes through here.
        let metadata = MetadataCommand::new()
            .current_dir(manifest.parent().unwrap_or_else(|| Path::new(".")))
            .manifest_path(&manifest)
            .no_deps()
            .exec()?;
        let driver_config = driver_config(&metadata)?;
        println!("cargo::rerun-if-changed={}", manifest.display());
        println!("cargo::rerun-if-env-changed={KIT_ROOT_VARIABLE}");
        Ok(Self {
            kit_root: kit_root()?,
            cpu_architecture: target_architecture()?,
            driver_config,
        })
    }

    /// Tells rustc which `cfg` settings may occur.
    pub fn emit_check_cfg_settings() {
        println!(
            "cargo::rustc-check-cfg=cfg({DRIVER_TYPE_CFG}, values(\"WDM\", \"KMDF\", \"UMDF\"))"
        );
    }

    /// Header directories, in the order of search.
    ///
    /// # Errors
    ///
    /// When one of them is missing from the kit.
    pub fn include_paths(&self) -> Result<impl Iterator<Item = PathBuf>, ConfigError> {
        // clang's own headers come first: mingw's <intrin.h> and its relatives are written for GCC.
        let include = self.kit_root.join("Include");
        let paths = ["clang", "overlay", "km", "shared"].map(|name| include.join(name));
        existing(paths.into()).map(Vec::into_iter)
    }

    /// Directories of import libraries.
    ///
    /// # Errors
    ///
    /// When one of them is missing from the kit.
    pub fn library_paths(&self) -> Result<impl Iterator<Item = PathBuf>, ConfigError> {
        let km = self.kit_root.join("Lib").join("km");
        let paths = vec![km.join(self.cpu_architecture.as_windows_str())];
        existing(paths).map(Vec::into_iter)
    }

    /// Macros that are defined while headers are parsed.
    pub fn preprocessor_definitions(&self) -> impl Iterator<Item = (String, Option<String>)> {
        // The same for both processors: see `bindings::CLANG_TARGET`. The versions are those of
        // Windows 10 2004 (sdkddkver.h: NTDDI_WIN10_VB), the oldest system the driver runs on.
        [
            ("_WIN64", None),
            ("_AMD64_", None),
            ("AMD64", None),
            ("_KERNEL_MODE", None),
            ("_WIN32_WINNT", Some("0x0A00")),
            ("WINVER", Some("0x0A00")),
            ("NTDDI_VERSION", Some("0x0A000008")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
    }

    /// The text of a header that includes all headers of the given subsets.
    ///
    /// # Errors
    ///
    /// Never here; the signature is that of the published crate.
    pub fn bindgen_header_contents(
        &self,
        api_subsets: impl IntoIterator<Item = ApiSubset> + fmt::Debug,
    ) -> Result<String, ConfigError> {
        let headers = api_subsets.into_iter().flat_map(|subset| match subset {
            ApiSubset::Base => ["ntifs.h", "ntddk.h", "ntstrsafe.h"].as_slice(),
            ApiSubset::Wdf => &[],
        });
        Ok(headers
            .map(|header| format!("#include \"{header}\"\n"))
            .collect())
    }

    /// The link attributes that the generated bindings carry.
    #[must_use]
    pub fn bindgen_library_link_raw_lines(&self, api_subset: ApiSubset) -> Option<String> {
        if api_subset != ApiSubset::Base {
            return None;
        }
        let mut libraries = vec!["BufferOverflowFastFailK", "ntoskrnl", "hal", "wmilib"];
        if self.cpu_architecture == CpuArchitecture::Arm64 {
            libraries.push("arm64rt");
        }
        Some(libraries.into_iter().map(link_attribute).collect())
    }

    /// The name of the table of framework functions: none for a WDM driver.
    #[must_use]
    pub fn compute_wdffunctions_symbol_name(&self) -> Option<String> {
        None
    }

    /// Configures the build of a library crate.
    ///
    /// # Errors
    ///
    /// Never here; the signature is that of the published crate.
    pub fn configure_library_build(&self) -> Result<(), ConfigError> {
        Self::emit_check_cfg_settings();
        println!("cargo::rustc-cfg={DRIVER_TYPE_CFG}=\"WDM\"");
        Ok(())
    }

    /// Configures the build of a driver image: library search path, linker arguments and `cfg`s.
    ///
    /// # Errors
    ///
    /// When the C runtime is not linked statically, or the kit's library directory is missing.
    pub fn configure_binary_build(&self) -> Result<(), ConfigError> {
        let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
        if !features.split(',').any(|feature| feature == "crt-static") {
            return Err(ConfigError::StaticCrtNotEnabled);
        }
        for path in self.library_paths()? {
            println!("cargo::rustc-link-search={}", path.display());
        }
        for argument in LINKER_ARGUMENTS {
            println!("cargo::rustc-cdylib-link-arg={argument}");
        }
        self.configure_library_build()
    }
}

/// The manifest beside the nearest `Cargo.lock` above the build script's `OUT_DIR`.
///
/// # Panics
///
/// When called from anything but a build script, or when there is no lock file.
#[must_use]
pub fn find_top_level_cargo_manifest() -> PathBuf {
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    out_dir
        .ancestors()
        .find(|directory| directory.join("Cargo.lock").exists())
        .expect("a Cargo.lock stands above the target directory")
        .join("Cargo.toml")
}

/// Configures the build of a library crate that depends on the WDK.
///
/// # Errors
///
/// As [`Config::from_env_auto`], except that a workspace without any driver is accepted.
pub fn configure_wdk_library_build() -> Result<(), ConfigError> {
    configure_wdk_library_build_and_then(|_| Ok(()))
}

/// Configures the build of a library crate, then runs `then` with the configuration found.
///
/// # Errors
///
/// As [`configure_wdk_library_build`], and whatever `then` returns.
pub fn configure_wdk_library_build_and_then<F, E>(mut then: F) -> Result<(), E>
where
    F: FnMut(Config) -> Result<(), E>,
    E: From<ConfigError>,
{
    match Config::from_env_auto() {
        Ok(config) => {
            config.configure_library_build()?;
            then(config)
        }
        // A library may be built without a driver: then it has no bindings and no `cfg`.
        Err(ConfigError::NoDriverModel) => {
            Config::emit_check_cfg_settings();
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Configures the build of a driver image.
///
/// # Errors
///
/// As [`Config::from_env_auto`] and [`Config::configure_binary_build`].
pub fn configure_wdk_binary_build() -> Result<(), ConfigError> {
    Config::from_env_auto()?.configure_binary_build()
}

/// The environment variable that a kit's command prompt sets as well.
const KIT_ROOT_VARIABLE: &str = "WDKContentRoot";

/// The one `cfg` that the wdk crates test.
const DRIVER_TYPE_CFG: &str = "driver_model__driver_type";

/// What the linker is told for a WDM driver, as documented for `configure_binary_build`.
const LINKER_ARGUMENTS: [&str; 12] = [
    "/DRIVER",
    "/NODEFAULTLIB",
    "/SUBSYSTEM:NATIVE",
    "/KERNEL",
    "/ENTRY:DriverEntry",
    "/NXCOMPAT",
    "/DYNAMICBASE",
    "/MAP",
    "/MAPINFO:EXPORTS",
    "/OPT:REF,ICF",
    "/INTEGRITYCHECK",
    "/MANIFEST:NO",
];

/// The one kind of driver that the manifests configure.
fn driver_config(metadata: &Metadata) -> Result<DriverConfig, ConfigError> {
    let tables = metadata
        .packages
        .iter()
        .map(|package| &package.metadata)
        .chain([&metadata.workspace_metadata]);
    let kinds: BTreeSet<String> = tables
        .map(|table| &table["wdk"]["driver-model"]["driver-type"])
        .filter(|kind| !kind.is_null())
        .map(|kind| kind.as_str().unwrap_or_default().to_owned())
        .collect();
    match kinds.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Err(ConfigError::NoDriverModel),
        ["WDM"] => Ok(DriverConfig::Wdm),
        _ => Err(ConfigError::UnsupportedDriverModel(
            kinds.into_iter().collect(),
        )),
    }
}

fn kit_root() -> Result<PathBuf, ConfigError> {
    env::var_os(KIT_ROOT_VARIABLE)
        .map(PathBuf::from)
        .ok_or(ConfigError::KitNotFound)
}

fn target_architecture() -> Result<CpuArchitecture, ConfigError> {
    let name = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    CpuArchitecture::try_from_cargo_str(&name).ok_or(ConfigError::UnsupportedArchitecture(name))
}

fn existing(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, ConfigError> {
    match paths.iter().find(|path| !path.is_dir()) {
        Some(missing) => Err(ConfigError::DirectoryNotFound(missing.clone())),
        None => Ok(paths),
    }
}

/// `wdk-sys` declares the feature named here; test builds and the feature leave the library out.
fn link_attribute(library: &str) -> String {
    format!(
        "#[cfg(not(any(test, feature = \"suppress-wdk-linking\")))]\n\
         #[link(name = \"{library}\", kind = \"static\", modifiers = \"-bundle\")]\n\
         unsafe extern \"C\" {{}}\n"
    )
}
