//! The object table: opaque addresses, and reference counts that remember who took them.
//!
//! An [`ObjectAddress`] lies in pages without access: a driver that looks inside faults. Only a
//! `FILE_OBJECT` has a body, which can be read as long as the object lives. Addresses are never used
//! again. Every reference of a driver is kept with its [`CallSite`], and says which routine
//! must release it; what is left at unload is reported with the call that took it (`report`).

mod kind;
mod report;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::boundary::guest::Guest;
use crate::boundary::memory::{Access, BlockSpec, Memory};
use crate::process::Process;
use crate::thread::Thread;
use crate::verifier::{self, CallSite, Rule, Violation};

pub use kind::Kind;

/// The address by which a driver knows an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectAddress(pub u64);

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
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
    /// Whether a block of guarded memory lies at its address.
    has_body: bool,
}

impl Object {
    fn new(kind: Kind, label: String, payload: Payload) -> Self {
        Self {
            kind,
            label,
            payload,
            held_by_host: true,
            handles: 0,
            references: Vec::new(),
            has_body: false,
        }
    }
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
    memory: Arc<Memory>,
    base: u64,
    file_type: ObjectAddress,
}

impl fmt::Debug for ObjectTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectTable({:#x})", self.base)
    }
}

impl ObjectTable {
    pub(crate) fn new(memory: &Arc<Memory>) -> Result<Self, Violation> {
        let base = memory.reserve(ARENA_BYTES)?;
        let mut table = Self {
            table: Mutex::default(),
            memory: Arc::clone(memory),
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
        let object = Object::new(kind, label.into(), payload);
        table.live.insert(address, object);
        ObjectAddress(address)
    }

    /// Creates an object that a driver can look into, and write as `access` says: `body` is what it finds there until
    /// the object is deleted. Otherwise as [`Self::create`].
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] when the host has no memory.
    pub(crate) fn create_with_body(
        &self,
        (kind, label): (Kind, String),
        payload: Payload,
        (body, access): (&[u8], Access),
    ) -> Result<ObjectAddress, Violation> {
        let spec = BlockSpec {
            access,
            ..BlockSpec::new(body.len() as u64, label.clone())
        };
        let address = self.memory.allocate(spec)?;
        Guest::new(&self.memory, 0).host_write(address, body)?;
        let object = Object {
            has_body: true,
            ..Object::new(kind, label, payload)
        };
        self.table().live.insert(address, object);
        Ok(ObjectAddress(address))
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

    /// The payload of an object to which a handle led; `None` if it is of another kind or has gone since. Who looks a handle
    /// up and then at its object may be overtaken by a close: that is the end of the handle, and nobody's fault.
    pub(crate) fn led_to<T: Any + Send + Sync>(
        &self,
        address: ObjectAddress,
        kind: Kind,
    ) -> Option<Arc<T>> {
        let table = self.table();
        let object = table.live.get(&address.0)?;
        let payload = (object.kind == kind).then(|| Arc::clone(&object.payload))?;
        payload.downcast().ok()
    }

    /// The kind of a live object.
    #[must_use]
    pub fn kind(&self, address: ObjectAddress) -> Option<Kind> {
        self.table().live.get(&address.0).map(|object| object.kind)
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

    /// The same of an object to which a handle led; `false` if it has gone since.
    pub(crate) fn reference_led_to(
        &self,
        address: ObjectAddress,
        site: &CallSite,
        release_with: &'static str,
    ) -> bool {
        let mut table = self.table();
        let object = table.live.get_mut(&address.0);
        let is_there = object.is_some();
        if let Some(object) = object {
            object.references.push((site.clone(), release_with));
        }
        is_there
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
        self.delete_if_unused(&mut table, address);
        Ok(left)
    }

    /// The host gives its own reference back: closed, ended, detached.
    pub fn release(&self, address: ObjectAddress) {
        let mut table = self.table();
        if let Some(object) = table.live.get_mut(&address.0) {
            object.held_by_host = false;
        }
        self.delete_if_unused(&mut table, address);
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
        self.delete_if_unused(&mut table, address);
    }

    /// Whether a driver holds a reference of its own to a live object.
    #[must_use]
    pub fn is_referenced_by(&self, address: ObjectAddress, driver: u32) -> bool {
        let table = self.table();
        let object = table.live.get(&address.0);
        object.is_some_and(|object| {
            object
                .references
                .iter()
                .any(|(site, _)| site.driver == driver)
        })
    }

    /// Whether `address` lies in the address space of objects.
    #[must_use]
    pub fn owns(&self, address: u64) -> bool {
        (self.base..self.base + ARENA_BYTES).contains(&address)
    }

    fn delete_if_unused(&self, table: &mut Table, address: ObjectAddress) {
        let unused = |object: &Object| count(object) == 0;
        if !table.live.get(&address.0).is_some_and(unused) {
            return;
        }
        let Some(object) = table.live.remove(&address.0) else {
            return;
        };
        if object.has_body {
            verifier::settle(self.memory.free(address.0, "its last holder"));
        }
        table.deleted.insert(address.0, object.label);
        if table.deleted.len() > REMEMBERED {
            table.deleted.pop_first();
        }
    }

    /// The object type of files.
    #[must_use]
    pub fn file_type(&self) -> ObjectAddress {
        self.file_type
    }

    /// Whether an object to which a handle led is of this object type; `None` if it has gone since.
    ///
    /// # Errors
    ///
    /// [`Rule::UseAfterFree`], [`Rule::BadPointer`] or [`Rule::WrongKind`] for a bad type.
    pub fn has_type(
        &self,
        object: ObjectAddress,
        object_type: ObjectAddress,
    ) -> Result<Option<bool>, Violation> {
        let kind: Arc<Kind> = self.payload(object_type, Kind::Type)?;
        Ok(self.kind(object).map(|found| found == *kind))
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
