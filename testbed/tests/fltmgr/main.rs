//! The modelled filter manager and I/O manager, driven by a small minifilter: what a well-behaved one
//! sees, and how each kind of misbehaviour stops the run.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../shared/alone.rs"]
mod alone;
mod cost;
#[path = "../shared/fault.rs"]
mod fault;
mod faults;
mod files;
mod going;
mod image;
mod moments;
mod ports;
mod refusals;
mod requests;
mod unload;

use std::sync::Arc;

use testbed::fltmgr::{Callback, TraceEntry};
use testbed::io::{FsControl, Handle, RequestOptions, VolumeId, VolumeSpec};
use testbed::volume::{
    FILE_GENERIC_READ, FILE_GENERIC_WRITE, FSCTL_DUPLICATE_EXTENTS_TO_FILE, OpenRequest,
};
use testbed::{BootOptions, Machine, NtStatus, Process, ProcessSpec, UserThread};

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE.
const CLONE: u32 = FSCTL_DUPLICATE_EXTENTS_TO_FILE;
const CLUSTER: usize = 4096;

/// A machine with a volume that clones and a filter on it.
struct Bench {
    machine: Arc<Machine>,
    volume: VolumeId,
    copy: Arc<Process>,
}

impl Bench {
    /// Boots, mounts and loads; `None` without the compiler target for the image.
    fn start(flags: &[&str]) -> Option<Self> {
        let image = image::filter(flags)?;
        let machine = Machine::boot(BootOptions::default());
        let volume = machine
            .mount(VolumeSpec::refs(4096))
            .expect("the volume mounts");
        machine.filter_manager().start_trace();
        machine
            .load_driver(&image.path(), "Filter")
            .expect("the driver loads");
        let copy = machine.create_process(ProcessSpec::user(r"\Device\HarddiskVolume1\copy.exe"));
        Some(Self {
            machine,
            volume,
            copy,
        })
    }

    /// Ends everything; the driver must have given back what it took.
    fn end(self) {
        self.machine.unload("Filter").expect("the driver unloads");
        self.machine.shutdown().expect("nothing is left");
    }

    fn printed(&self, text: &str) -> usize {
        let lines = self.machine.debug_output();
        lines
            .iter()
            .filter(|line| line.trim_end_matches(['\0', '\n']) == text)
            .count()
    }

    /// Names of the filters on a volume, from the top down.
    fn attached(&self, volume: VolumeId) -> Vec<String> {
        let volume = self.machine.io().volume(volume);
        volume.expect("mounted").attached_filters()
    }

    /// The callbacks since the last look, each with its filter.
    fn order(&self) -> Vec<(Callback, String)> {
        let trace = self.machine.filter_manager().take_trace();
        let pair = |entry: TraceEntry| (entry.callback, entry.filter.to_string());
        trace.into_iter().map(pair).collect()
    }

    fn calls(&self, callback: Callback) -> Vec<TraceEntry> {
        let trace = self.machine.filter_manager().take_trace();
        trace
            .into_iter()
            .filter(|entry| entry.callback == callback)
            .collect()
    }
}

/// A source of two clusters and a target of the same size, both open.
fn two_files(thread: &UserThread, volume: VolumeId) -> (Handle, Handle) {
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let open = |path| {
        thread
            .create_file(volume, path, &OpenRequest::create(access))
            .expect("created")
    };
    let (source, target) = (open(r"\Source.bin"), open(r"\Target.bin"));
    thread.write(source, 0, &[7; 2 * CLUSTER]).expect("written");
    thread
        .set_end_of_file(target, 2 * CLUSTER as u64)
        .expect("extended");
    (source, target)
}

/// The two files again, whether they are there or not; the target is empty of the source's bytes.
fn existing_or_new(thread: &UserThread, volume: VolumeId) -> (Handle, Handle) {
    let request = OpenRequest::existing(FILE_GENERIC_READ | FILE_GENERIC_WRITE);
    let open = |path| thread.create_file(volume, path, &request);
    let (Ok(source), Ok(target)) = (open(r"\Source.bin"), open(r"\Target.bin")) else {
        return two_files(thread, volume);
    };
    thread.write(target, 0, &[1; 2 * CLUSTER]).expect("written");
    (source, target)
}

fn close_both(thread: &UserThread, source: Handle, target: Handle) {
    thread.close(source).expect("closed");
    thread.close(target).expect("closed");
}

/// Sends the clone code with `options` and room for `output_length` bytes of output.
fn send(
    thread: &UserThread,
    target: Handle,
    input: &[u8],
    (options, output_length): (RequestOptions, u32),
) -> NtStatus {
    let control = FsControl {
        handle: target,
        code: CLONE,
        input: Some(input),
        output_length,
        options,
    };
    thread.fs_control_with(&control).status
}

/// The input of the clone code for a 64-bit caller: one cluster from the start to the start.
fn clone_input(source: Handle) -> Vec<u8> {
    let mut input = source.0.to_le_bytes().to_vec();
    input.extend([0; 16]);
    input.extend((CLUSTER as u64).to_le_bytes());
    input
}

/// Sends one good clone request and expects this status.
fn clone_once(thread: &UserThread, volume: VolumeId, expected: NtStatus) {
    let (source, target) = two_files(thread, volume);
    let answer = thread.fs_control(target, CLONE, Some(&clone_input(source)), 0);
    assert_eq!((answer.status, answer.information), (expected, 0));
    if expected.is_success() {
        assert_eq!(thread.read(target, 0, 16).expect("read"), [7; 16]);
    }
    thread.close(source).expect("closed");
    thread.close(target).expect("closed");
}
