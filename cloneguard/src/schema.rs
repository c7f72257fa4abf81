//! What the JSON lines of records may contain: one table, from which come the JSON Schema, the fields
//! of filters and the list in `docs/tool.md`.
//!
//! [`KINDS`] names the fields of each kind of record, [`json_schema`] writes them as a JSON Schema, and
//! [`find`] looks one up. The JSON itself is written by `serde` from [`crate::Entry`]; tests hold
//! every golden record against the table, so neither can change alone.

mod json;
mod kinds;
mod parts;

pub use json::json_schema;
pub use kinds::KINDS;

/// A kind of record, as its `kind` says it, and its fields in the order of the JSON.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What `kind` is; nothing for the kinds that have no name yet.
    pub names: &'static [&'static str],
    /// What it is about.
    pub about: &'static str,
    /// The fields, in pieces.
    pub fields: &'static [&'static [Field]],
}

/// A member of a JSON object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it is there.
    pub presence: Presence,
    /// What it holds.
    pub shape: Shape,
    /// What it says.
    pub about: &'static str,
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always, with a value.
    Always,
    /// Always, but it may be null: unknown.
    Nullable,
    /// Only if there is something to say.
    Optional,
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// One of these words, or `unknown-N` for a value that this build has no word for.
    Word(fn() -> Vec<&'static str>),
    /// A whole number from 0.
    Number,
    /// A whole number that may be negative.
    Signed,
    /// Yes or no.
    Flag,
    /// RFC 3339 in UTC with seven digits.
    Time,
    /// So many hexadecimal digits, in lower case.
    Hex(usize),
    /// Hexadecimal digits, in lower case.
    Bytes,
    /// `0x` and hexadecimal digits, in lower case.
    Hex64,
    /// A GUID in lower case, without braces.
    Guid,
    /// `0x` and eight hexadecimal digits, in upper case.
    Code,
    /// An object.
    Object(&'static [Field]),
    /// A list.
    List(&'static Self),
}

impl Kind {
    /// All fields.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().copied().flatten()
    }
}

/// The fields that are found by the names on the way to them, one for each kind of record that has it.
pub fn find(path: &[&str]) -> impl Iterator<Item = &'static Field> {
    KINDS.iter().filter_map(move |kind| {
        let (first, rest) = path.split_first()?;
        let mut fields = kind.all_fields();
        let mut field = fields.find(|field| field.name == *first)?;
        for name in rest {
            let mut members = field.shape.members().iter();
            field = members.find(|member| member.name == *name)?;
        }
        Some(field)
    })
}

impl Shape {
    /// The members of the object, or of the objects in the list.
    #[must_use]
    pub const fn members(self) -> &'static [Field] {
        match self {
            Self::Object(members) => members,
            Self::List(of) => of.members(),
            _ => &[],
        }
    }
}

/// Every field with its path, members behind the object that they are in, each path once.
#[must_use]
pub fn every_field() -> Vec<(String, &'static Field)> {
    let mut fields: Vec<(String, &'static Field)> = Vec::new();
    for kind in KINDS {
        for field in kind.all_fields() {
            collect("", field, &mut fields);
        }
    }
    fields
}

/// Adds a field and its members.
fn collect(parent: &str, field: &'static Field, into: &mut Vec<(String, &'static Field)>) {
    let path = format!("{parent}{}", field.name);
    if !into.iter().any(|(known, _)| *known == path) {
        into.push((path.clone(), field));
    }
    for member in field.shape.members() {
        collect(&format!("{path}."), member, into);
    }
}
