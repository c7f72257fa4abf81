//! A machine with one volume, one file and one attached filter, for tests of single routines.
//!
//! The filter belongs to driver 0, which is the host: its callbacks are absent, so no image is needed.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

use super::altitude::Altitude;
use super::instance::Instance;
use super::layout::context_registration::INSTANCE;
use super::lock;
use super::registration::{ContextDefinition, Registration};
use super::registry::{Filter, FilterPhase};
use crate::boundary::import::Call;
use crate::boundary::memory::BlockSpec;
use crate::io::VolumeSpec;
use crate::machine::{BootOptions, Machine};
use crate::ntos::handle;
use crate::ntos::object::Kind;
use crate::thread::{KernelThread, Mode};
use crate::volume::{FILE_GENERIC_READ, OpenRequest};

/// Addresses of what there is.
pub(super) struct Fixture {
    pub(super) machine: Arc<Machine>,
    pub(super) filter: u64,
    pub(super) instance: u64,
    pub(super) volume: u64,
    pub(super) file: u64,
    pub(super) attached: Arc<Instance>,
}

impl Fixture {
    /// Runs `body` on a kernel thread of the System process; `routine` names the call in reports.
    pub(super) fn run(routine: &'static str, body: impl FnOnce(&Call, &Self) + Send) {
        let machine = Machine::boot(BootOptions::default());
        machine.system().run_kernel(|thread| {
            let fixture = Self::set_up(&machine, thread);
            body(&Call::by_host(thread.thread(), routine), &fixture);
        });
    }

    fn set_up(machine: &Arc<Machine>, thread: &KernelThread) -> Self {
        let id = machine.mount(VolumeSpec::refs(65536)).expect("mounted");
        let volume = machine.io().volume(id).expect("just mounted");
        let filter = filter(machine);
        let attached = Instance::create(machine, &filter, &volume);
        attached.attached();
        lock(volume.instances()).push(Arc::clone(&attached));
        let request = OpenRequest::create(FILE_GENERIC_READ);
        let handle = thread
            .create_file(id, r"\File.txt", &request)
            .expect("created");
        let entry = handle::lookup(machine, &machine.system(), Mode::Kernel, handle.0);
        let file = entry.expect("just opened").object;
        Self {
            machine: Arc::clone(machine),
            filter: filter.address.0,
            instance: attached.address.0,
            volume: volume.address().0,
            file: file.0,
            attached,
        }
    }

    /// Memory that a driver could pass, zeroed.
    pub(super) fn buffer(&self, size: u64) -> u64 {
        let spec = BlockSpec {
            align: 8,
            ..BlockSpec::new(size, "buffer of the test")
        };
        self.machine.memory().allocate(spec).expect("memory")
    }
}

fn filter(machine: &Machine) -> Arc<Filter> {
    let context = ContextDefinition {
        kind: INSTANCE,
        size: Some(24),
        inexact: false,
        cleanup: 0,
    };
    let registration = Registration {
        contexts: vec![context],
        ..Registration::default()
    };
    let call_site = crate::verifier::CallSite {
        driver: 0,
        driver_name: Arc::from("host"),
        symbols: Arc::default(),
        routine: "FltRegisterFilter",
        rva: 0,
    };
    Arc::new_cyclic(|me: &Weak<Filter>| Filter {
        driver: 0,
        name: Arc::from("host"),
        address: machine
            .objects()
            .create(Kind::Filter, "FLT_FILTER", Arc::new(me.clone())),
        altitude: Altitude::parse("1").expect("an altitude"),
        registration,
        phase: Mutex::new(FilterPhase::Started),
        instances: Mutex::default(),
        must_go: AtomicBool::new(false),
        registered_by: call_site,
    })
}
