//! How the headers are parsed: the settings that `wdk-sys` expects, for mingw-w64's headers.

use std::borrow::Borrow;
use std::fmt;

use bindgen::{Builder, EnumVariation, RustEdition, RustTarget};

use crate::{Config, ConfigError};

/// Adds the project's settings to bindgen's builder.
pub trait BuilderExt {
    /// A builder that is ready for the headers of the kit.
    ///
    /// # Errors
    ///
    /// When the kit is incomplete.
    fn wdk_default(config: impl Borrow<Config> + fmt::Debug) -> Result<Builder, ConfigError>;
}

/// The target for which clang parses, whatever the driver is built for.
///
/// mingw's DDK headers know no ARM64 and stop there with an error. What the project uses of them has
/// the same layout on both processors. With an MSVC target clang would turn on the compatibility
/// mode, in which mingw's definitions clash with clang's built-in ones.
const CLANG_TARGET: &str = "x86_64-w64-windows-gnu";

/// `rust-version` of the workspace: the language that generated code may use.
const RUST_MINOR_VERSION: u64 = 91;

impl BuilderExt for Builder {
    fn wdk_default(config: impl Borrow<Config> + fmt::Debug) -> Result<Self, ConfigError> {
        let config = config.borrow();
        let rust_target =
            RustTarget::stable(RUST_MINOR_VERSION, 0).unwrap_or_else(|_| RustTarget::default());
        Ok(Self::default()
            .use_core()
            .derive_default(true)
            .generate_cstr(true)
            .detect_include_paths(false)
            .default_enum_style(EnumVariation::ModuleConsts)
            .must_use_type("NTSTATUS")
            .must_use_type("HRESULT")
            // Left out by the published crate too: replaced by ExAllocatePool2.
            .blocklist_item("ExAllocatePool(With.*)?")
            // Declared without a definition, in the kit as well.
            .opaque_type("_KGDTENTRY64")
            .opaque_type("_KIDTENTRY64")
            // clang's AMX headers: a vector type that bindgen cannot express.
            .blocklist_item("__tile1024i.*")
            .blocklist_item("_tile1024i.*")
            .rust_target(rust_target)
            .rust_edition(RustEdition::Edition2024)
            .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
            .clang_args(clang_arguments(config)?))
    }
}

fn clang_arguments(config: &Config) -> Result<Vec<String>, ConfigError> {
    let mut arguments: Vec<String> = [
        &format!("--target={CLANG_TARGET}"),
        "-fms-extensions",
        // The layout of bit fields is Microsoft's; older clang does not imply it for this target.
        "-mms-bitfields",
        // With clang's own idea of memcpy and strlen, their size_t would become u64.
        "-fno-builtin",
        // No other include directory than those of the kit.
        "-nostdinc",
        "-w",
    ]
    .map(str::to_owned)
    .into();
    for path in config.include_paths()? {
        arguments.push(format!("-isystem{}", path.display()));
    }
    for (name, value) in config.preprocessor_definitions() {
        let value = value.map_or_else(String::new, |value| format!("={value}"));
        arguments.push(format!("-D{name}{value}"));
    }
    Ok(arguments)
}
