//! The macro that declares imported names, and the list of all of them.
//!
//! `imports!` writes a name once and makes both from it: the foreign declaration (Windows targets only)
//! and a row of the list (any host). [`IMPORTS`] joins the tables of the families.

/// One imported name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// The image that exports it, as it stands in the import table.
    pub dll: &'static str,
    /// The exported name.
    pub name: &'static str,
    /// The first client version of Windows that has it, as its documentation page says: `2000`, `XP` (for
    /// the filter manager, its service pack 2), `Vista`, `8`, `8.1`, and from Windows 10 on the release, `1703`.
    pub since: &'static str,
    /// The highest IRQL at which it may be called or read.
    pub irql: Irql,
}

/// The highest IRQL a documentation page allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irql {
    /// `PASSIVE_LEVEL` only.
    Passive,
    /// `APC_LEVEL` and below.
    Apc,
    /// `DISPATCH_LEVEL` and below.
    Dispatch,
    /// Any level.
    Any,
}

impl Irql {
    /// The word that stands for the level in `imports.txt`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Apc => "apc",
            Self::Dispatch => "dispatch",
            Self::Any => "any",
        }
    }
}

/// Every imported name, one inner slice a family.
pub const IMPORTS: &[&[Import]] = &[
    crate::registration::REGISTRATION_IMPORTS,
    crate::callback::CALLBACK_IMPORTS,
    crate::context::CONTEXT_IMPORTS,
    crate::name::NAME_IMPORTS,
    crate::volume::VOLUME_IMPORTS,
    crate::file::FILE_IMPORTS,
    crate::port::PORT_IMPORTS,
    crate::nt::NT_IMPORTS,
    crate::process::PROCESS_IMPORTS,
    crate::file::FILE_NT_IMPORTS,
    crate::registry::REGISTRY_IMPORTS,
    crate::nt::NT_DATA_IMPORTS,
];

/// Declares the names imported from one image and lists them.
///
/// A row is `[since, Irql] fn name(arguments) -> result;` or `[since, Irql] static name: type;`; a table
/// holds rows of one sort.
macro_rules! imports {
    (
        $table:ident from $dll:literal:
        $(
            $(#[$meta:meta])*
            [$since:literal, $irql:ident]
            fn $name:ident($($arg:ident: $arg_type:ty),* $(,)?) $(-> $result:ty)?;
        )+
    ) => {
        #[cfg(windows)]
        #[link(name = $dll, kind = "raw-dylib", modifiers = "+verbatim")]
        unsafe extern "system" {
            $(
                $(#[$meta])*
                pub fn $name($($arg: $arg_type),*) $(-> $result)?;
            )+
        }
        // The types are checked on every host, so that a host without Windows targets sees a broken row.
        $(const _: Option<unsafe extern "system" fn($($arg_type),*) $(-> $result)?> = None;)+
        imports!(@list $table $dll $([$since, $irql, $name])+);
    };
    (
        $table:ident from $dll:literal:
        $(
            $(#[$meta:meta])*
            [$since:literal, $irql:ident]
            static $name:ident: $type:ty;
        )+
    ) => {
        #[cfg(windows)]
        #[link(name = $dll, kind = "raw-dylib", modifiers = "+verbatim")]
        unsafe extern "system" {
            $(
                $(#[$meta])*
                pub static $name: $type;
            )+
        }
        $(const _: Option<$type> = None;)+
        imports!(@list $table $dll $([$since, $irql, $name])+);
    };
    (@list $table:ident $dll:literal $([$since:literal, $irql:ident, $name:ident])+) => {
        pub(crate) const $table: &[crate::Import] = &[
            $(crate::Import {
                dll: $dll,
                name: stringify!($name),
                since: $since,
                irql: crate::Irql::$irql,
            },)+
        ];
    };
}
