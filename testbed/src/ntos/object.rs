//! The object table: opaque addresses, and reference counts that remember who took them.
//!
//! An [`ObjectAddress`] lies in pages without access: a driver that looks inside faults. Addresses are
//! never used again. Every reference of a driver is kept with its [`CallSite`], and says which routine
//! must release it; what is left at unload is reported with the call that took it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::boundary::guest::Guest;
use crate::boundary::memory::{Access, BlockSpec, Memory};
use crate::process::Process;
use crate::thread::Thread;
use crate::verifier::{CallSite, Rule, Violation};

/// The address by which a driver knows an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectAddress(pub u64);

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the Windows structure of its name")]
pub enum Kind {
    File,
    Process,
    Thread,
    Token,
    Event,
    Type,
    Device,
    Driver,
    Filter,
    Instance,
    Volume,
    ServerPort,
    ClientPort,
}

impl Kind {
    /// The name of the Windows structure.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "FILE_OBJECT",
            Self::Process => "EPROCESS",
            Self::Thread => "ETHREAD",
            Self::Token => "TOKEN",
            Self::Event => "KEVENT",
            Self::Type => "OBJECT_TYPE",
            Self::Device => "DEVICE_OBJECT",
            Self::Driver => "DRIVER_OBJECT",
            Self::Filter => "FLT_FILTER",
            Self::Instance => "FLT_INSTANCE",
            Self::Volume => "FLT_VOLUME",
            Self::ServerPort => "FLT_SERVER_PORT",
            Self::ClientPort => "FLT_PORT",
        }
    }
}

/// What the host keeps behind an object.
pub type Payload = Arc<dyn Any + Send + Sync>;

/// The routine that releases references taken with `Ob` routines.
pub const OB: &str = "ObfDereferenceObject";

struct Object {
    kind: Kind,
    label: String,
    payload: Payload,
    /// Whether the host's own reference stands: until the object is closed, ended, detached.
    held_by_host: bool,
    /// Open handles.
    handles: u64,
    /// References of drivers: who took it, which routine releases it.
    references: Vec<(CallSite, &'static str)>,
}

#[derive(Default)]
struct Table {
    live: BTreeMap<u64, Object>,
    /// Labels of deleted objects, for reports.
    deleted: BTreeMap<u64, String>,
    next: u64,
    file_type_cell: Option<u64>,
}

/// Bytes between objects: more than the largest structure that a driver could look into.
const SPACING: u64 = 0x1000;
/// Address space of a machine for objects.
const ARENA_BYTES: u64 = 16 << 30;
/// Deleted objects that are remembered by name.
const REMEMBERED: usize = 1 << 16;

/// All objects of a machine.
pub struct ObjectTable {
    table: Mutex<Table>,
    base: u64,
    file_type: ObjectAddress,
}

impl fmt::Debug for ObjectTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectTable({:#x})", self.base)
    }
}

impl ObjectTable {
    pub(crate) fn new(memory: &Memory) -> Result<Self, Violation> {
        let base = memory.reserve(ARENA_BYTES)?;
        let mut table = Self {
            table: Mutex::default(),
            base,
            file_type: ObjectAddress(0),
        };
        table.file_type = table.create(Kind::Type, "OBJECT_TYPE File", Arc::new(Kind::File));
        Ok(table)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates an object on which the host holds one reference. `label` names it in reports.
    pub fn create(&self, kind: Kind, label: impl Into<String>, payload: Payload) -> ObjectAddress {
        let mut table = self.table();
        table.next += SPACING;
        let address = self.base + table.next % ARENA_BYTES;
        let label = label.into();
        let object = Object {
            kind,
            label,
            payload,
            held_by_host: true,
            handles: 0,
            references: Vec::new(),
        };
        table.live.insert(address, object);
        ObjectAddress(address)
    }

    /// The payload of an object of this kind.
    ///
    /// # Errors
    ///
    /// [`Rule::UseAfterFree`], [`Rule::BadPointer`], [`Rule::WrongKind`].
    pub fn payload<T: Any + Send + Sync>(
        &self,
        address: ObjectAddress,
        kind: Kind,
    ) -> Result<Arc<T>, Violation> {
        let table = self.table();
        let object = find(&table, address)?;
        if object.kind != kind {
            let detail = format!("{} is used as {}", object.label, kind.name());
            return Err(Violation::new(Rule::WrongKind, detail));
        }
        Arc::clone(&object.payload).downcast().map_err(|_other| {
            Violation::new(
                Rule::Testbed,
                format!("{} holds something else", object.label),
            )
        })
    }

    /// The kind of a live object.
    #[must_use]
    pub fn kind(&self, address: ObjectAddress) -> Option<Kind> {
        self.table().live.get(&address.0).map(|object| object.kind)
    }

    /// The label of an object, deleted ones included.
    #[must_use]
    pub fn label(&self, address: ObjectAddress) -> Option<String> {
        let table = self.table();
        let live = table
            .live
            .get(&address.0)
            .map(|object| object.label.clone());
        live.or_else(|| table.deleted.get(&address.0).cloned())
    }

    /// A driver takes a reference that the routine `release_with` must give back.
    ///
    /// # Errors
    ///
    /// [`Rule::UseAfterFree`] or [`Rule::BadPointer`].
    pub fn reference(
        &self,
        address: ObjectAddress,
        site: &CallSite,
        release_with: &'static str,
    ) -> Result<u64, Violation> {
        let mut table = self.table();
        find(&table, address)?;
        let Some(object) = table.live.get_mut(&address.0) else {
            return Err(unknown(address));
        };
        object.references.push((site.clone(), release_with));
        Ok(count(object))
    }

    /// A driver gives a reference back through the routine `release_with`. The newest one of this
    /// driver and routine is taken off; the object goes when nobody holds it.
    ///
    /// # Errors
    ///
    /// [`Rule::Reference`] when the driver holds none that this routine releases;
    /// [`Rule::UseAfterFree`] or [`Rule::BadPointer`].
    pub fn dereference(
        &self,
        address: ObjectAddress,
        site: &CallSite,
        release_with: &'static str,
    ) -> Result<u64, Violation> {
        let mut table = self.table();
        find(&table, address)?;
        let Some(object) = table.live.get_mut(&address.0) else {
            return Err(unknown(address));
        };
        let own =
            |(taken, with): &(CallSite, &str)| taken.driver == site.driver && *with == release_with;
        let Some(index) = object.references.iter().rposition(own) else {
            let others: Vec<_> = object
                .references
                .iter()
                .map(|(site, _)| site.to_string())
                .collect();
            let detail = format!(
                "{site} releases {}, on which it holds no such reference (held: {others:?})",
                object.label
            );
            return Err(Violation::new(Rule::Reference, detail));
        };
        object.references.remove(index);
        let left = count(object);
        delete_if_unused(&mut table, address);
        Ok(left)
    }

    /// The host gives its own reference back: closed, ended, detached.
    pub fn release(&self, address: ObjectAddress) {
        let mut table = self.table();
        if let Some(object) = table.live.get_mut(&address.0) {
            object.held_by_host = false;
        }
        delete_if_unused(&mut table, address);
    }

    /// A handle to the object was made.
    pub(super) fn add_handle(&self, address: ObjectAddress) {
        if let Some(object) = self.table().live.get_mut(&address.0) {
            object.handles += 1;
        }
    }

    /// A handle to the object was closed.
    pub(super) fn remove_handle(&self, address: ObjectAddress) {
        let mut table = self.table();
        if let Some(object) = table.live.get_mut(&address.0) {
            object.handles = object.handles.saturating_sub(1);
        }
        delete_if_unused(&mut table, address);
    }

    /// What a driver still references, as violations that name the calls.
    #[must_use]
    pub fn leaks(&self, driver: u32) -> Vec<Violation> {
        let table = self.table();
        let held = table.live.values().flat_map(|object| {
            object
                .references
                .iter()
                .filter(|(site, _)| site.driver == driver)
                .map(|(site, with)| {
                    let detail = format!(
                        "{} was referenced by {site} and never released with {with}",
                        object.label
                    );
                    Violation::new(Rule::Leak, detail)
                })
        });
        held.collect()
    }

    /// Whether `address` lies in the address space of objects.
    #[must_use]
    pub fn owns(&self, address: u64) -> bool {
        (self.base..self.base + ARENA_BYTES).contains(&address)
    }

    /// Says which object `address` lies in.
    #[must_use]
    pub fn describe(&self, address: u64) -> Option<String> {
        if !self.owns(address) {
            return None;
        }
        let table = self.table();
        let named = |map: &BTreeMap<u64, String>| {
            let (start, label) = map.range(..=address).next_back()?;
            (address - start < SPACING)
                .then(|| format!("byte {:#x} of the deleted {label}", address - start))
        };
        let live = table
            .live
            .range(..=address)
            .next_back()
            .and_then(|(start, object)| {
                let offset = address - start;
                (offset < SPACING)
                    .then(|| format!("byte {offset:#x} of the opaque {}", object.label))
            });
        live.or_else(|| named(&table.deleted))
            .or_else(|| Some("no object at all".to_owned()))
    }

    /// The object type of files.
    #[must_use]
    pub fn file_type(&self) -> ObjectAddress {
        self.file_type
    }

    /// Whether an object is of this object type.
    ///
    /// # Errors
    ///
    /// [`Rule::UseAfterFree`], [`Rule::BadPointer`] or [`Rule::WrongKind`] for a bad type.
    pub fn has_type(
        &self,
        object: ObjectAddress,
        object_type: ObjectAddress,
    ) -> Result<bool, Violation> {
        let kind: Arc<Kind> = self.payload(object_type, Kind::Type)?;
        let table = self.table();
        Ok(find(&table, object)?.kind == *kind)
    }

    /// Address of the variable `IoFileObjectType`, which holds the address of the type.
    pub(crate) fn file_type_cell(&self, memory: &Memory) -> Result<u64, Violation> {
        if let Some(cell) = self.table().file_type_cell {
            return Ok(cell);
        }
        let spec = BlockSpec {
            access: Access::ReadOnly,
            ..BlockSpec::new(8, "variable IoFileObjectType")
        };
        let cell = memory.allocate(BlockSpec { align: 8, ..spec })?;
        Guest::new(memory, 0).host_write(cell, &self.file_type.0.to_le_bytes())?;
        self.table().file_type_cell = Some(cell);
        Ok(cell)
    }

    /// The process behind an `EPROCESS`.
    ///
    /// # Errors
    ///
    /// As [`Self::payload`].
    pub fn process(&self, address: u64) -> Result<Arc<Process>, Violation> {
        let weak: Arc<Weak<Process>> = self.payload(ObjectAddress(address), Kind::Process)?;
        weak.upgrade()
            .ok_or_else(|| unknown(ObjectAddress(address)))
    }

    /// The thread behind an `ETHREAD`; `None` when it has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::payload`].
    pub fn thread(&self, address: u64) -> Result<Option<Arc<Thread>>, Violation> {
        let weak: Arc<Weak<Thread>> = self.payload(ObjectAddress(address), Kind::Thread)?;
        Ok(weak.upgrade())
    }
}

fn find(table: &Table, address: ObjectAddress) -> Result<&Object, Violation> {
    table
        .live
        .get(&address.0)
        .ok_or_else(|| match table.deleted.get(&address.0) {
            Some(label) => {
                Violation::new(Rule::UseAfterFree, format!("{label} is deleted already"))
            }
            None => unknown(address),
        })
}

fn unknown(address: ObjectAddress) -> Violation {
    Violation::new(
        Rule::BadPointer,
        format!("{address} is not the address of an object"),
    )
}

fn count(object: &Object) -> u64 {
    u64::from(object.held_by_host) + object.handles + object.references.len() as u64
}

fn delete_if_unused(table: &mut Table, address: ObjectAddress) {
    if table
        .live
        .get(&address.0)
        .is_some_and(|object| count(object) == 0)
        && let Some(object) = table.live.remove(&address.0)
    {
        table.deleted.insert(address.0, object.label);
        if table.deleted.len() > REMEMBERED {
            table.deleted.pop_first();
        }
    }
}
