//! The shipped driver on the test-bed: what it records, and that nobody else notices it.
//!
//! The image is `CLONEGUARD_IMAGE`, or what `./dev image` built last. Records are decoded by `wire` and
//! `cloneguard` alone. [`Bench`] is the machine, [`Watcher`] the program at the port, [`Ask`] a request.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../shared/alone.rs"]
mod alone;
mod ask;
mod blob;
mod blocked;
mod clone;
mod consumers;
#[path = "../shared/driver_image.rs"]
mod driver_image;
mod enforce;
mod faults;
mod fetch;
mod heartbeat;
mod hostile;
mod identity;
mod late;
mod loss;
mod memory;
mod moments;
mod names;
mod overload;
mod policy;
mod port;
mod races;
mod recheck;
mod requestor;
mod seen;
mod shutdown;
mod source;
mod started;
mod status;
mod summaries;
mod tokens;
mod unload;
mod volumes;
mod watch;

use driver_image::image;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloneguard::Event;
use testbed::io::{FsControl, Handle, IoStatus, RequestOptions, VolumeId, VolumeSpec};
use testbed::ntos::token::{Impersonation, Token};
use testbed::volume::{Disposition, FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{BootOptions, ClockSource, Machine, Process, ProcessSpec, UserThread};

use ask::Ask;

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE (MS-FSCC 2.3).
const PLAIN: u32 = 0x0009_8344;
/// FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX (MS-FSCC 2.3).
const EX: u32 = 0x0009_83E8;
/// Clusters of the volume that clones.
const CLUSTER: i64 = 4096;
/// When a clock begins that stands still: 2026-01-01, in 100 ns since 1601.
const START: i64 = 134_116_992_000_000_000;
/// The service.
const SERVICE: &str = "CloneGuard";
/// The program that clones.
const COPY: &str = r"\Device\HarddiskVolume3\Windows\copy.exe";
/// Its user.
const USER: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";
/// Somebody else.
const OTHER: &str = "S-1-5-21-1004336348-1177238915-682003330-1002";

/// A machine with a volume that clones, another one, one that does not clone, and a program.
struct Bench {
    machine: Arc<Machine>,
    refs: VolumeId,
    other: VolumeId,
    ntfs: VolumeId,
    copy: Arc<Process>,
    image: PathBuf,
}

impl Bench {
    /// With the driver loaded; `None` without an image.
    fn start() -> Option<Self> {
        let bench = Self::bare()?;
        bench.load();
        Some(bench)
    }

    /// Without the driver.
    fn bare() -> Option<Self> {
        Self::boot(ClockSource::Host)
    }

    /// With the driver loaded and at rest, on a clock that stands still.
    fn still() -> Option<Self> {
        let bench = Self::bare_still()?;
        bench.load();
        bench.machine.wait_until_idle();
        Some(bench)
    }

    /// Without the driver, on a clock that stands still.
    fn bare_still() -> Option<Self> {
        Self::boot(ClockSource::Manual { start: START })
    }

    fn boot(clock: ClockSource) -> Option<Self> {
        let image = image()?;
        let machine = Machine::boot(BootOptions {
            clock,
            ..BootOptions::default()
        });
        let mount = |spec: VolumeSpec, number| {
            let name = format!(r"\Device\HarddiskVolume{number}");
            machine.mount(spec.name(name)).expect("the volume mounts")
        };
        Some(Self {
            refs: mount(VolumeSpec::refs(4096), 3),
            other: mount(VolumeSpec::refs(0x1_0000).dev_drive().trusted(), 4),
            ntfs: mount(VolumeSpec::ntfs(4096), 5),
            copy: machine.create_process(ProcessSpec::user(COPY).user_sid(USER)),
            machine,
            image,
        })
    }

    /// Whom a thread acts for that serves a program with this token, at this level (`SECURITY_IMPERSONATION_LEVEL`).
    fn client(&self, token: Token, level: u32) -> Impersonation {
        let client = ProcessSpec::user(r"\Device\HarddiskVolume3\Windows\client.exe").token(token);
        Impersonation {
            token: self.machine.create_process(client).token(),
            level,
        }
    }

    /// Moves the clock, and lets the driver do what is due.
    fn pass(&self, seconds: u64) {
        // Who is still at work would begin to wait behind the move, and for as long as before.
        self.machine.wait_until_idle();
        self.machine.advance(Duration::from_secs(seconds));
        self.machine.wait_until_idle();
    }

    fn load(&self) {
        let loaded = self.machine.load_driver(&self.image, SERVICE);
        loaded.unwrap_or_else(|error| panic!("{error}"));
    }

    fn unload(&self) {
        let gone = self.machine.unload(SERVICE);
        gone.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Unloads and ends: the driver must have given back what it took, the volumes must be sound.
    fn end(self) {
        self.unload();
        self.end_bare();
    }

    /// Ends a machine without driver.
    fn end_bare(self) {
        for volume in self.machine.io().volumes() {
            assert_eq!(volume.file_system().check(), Ok(()), "{}", volume.name());
        }
        self.machine.shutdown().expect("nothing is left");
    }
}

/// A file in which every cluster is another, and a file of zeros as long, on `volume`.
fn two_files(thread: &UserThread, volume: VolumeId, clusters: u8) -> (Handle, Handle) {
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let request = OpenRequest {
        disposition: Disposition::OverwriteIf,
        ..OpenRequest::create(access)
    };
    let open = |path| {
        let opened = thread.create_file(volume, path, &request);
        opened.expect("created")
    };
    let (source, target) = (open(r"\Source.bin"), open(r"\Target.bin"));
    let bytes: Vec<u8> = (1..=clusters).flat_map(|fill| [fill; 4096]).collect();
    thread.write(source, 0, &bytes).expect("written");
    let size = bytes.len() as u64;
    thread.set_end_of_file(target, size).expect("extended");
    (source, target)
}

/// What a caller can see of a request: the answer, then both files.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    answer: IoStatus,
    source: Vec<u8>,
    target: Vec<u8>,
}

impl Seen {
    fn after(thread: &UserThread, answer: IoStatus, source: Handle, target: Handle) -> Self {
        let whole = |handle| {
            let size = thread.information(handle).expect("known").end_of_file;
            let size = u32::try_from(size).expect("a small file");
            thread.read(handle, 0, size).expect("read")
        };
        Self {
            answer,
            source: whole(source),
            target: whole(target),
        }
    }
}

/// Runs the same script on a machine without and on one with the driver. What callers see must not
/// differ. Returns it with the events of the driver.
fn both(script: impl Fn(&Bench) -> Vec<Seen>) -> Option<(Vec<Seen>, Vec<Event>)> {
    let bare = Bench::bare()?;
    let expected = script(&bare);
    bare.end_bare();
    let bench = Bench::start()?;
    let seen = script(&bench);
    assert_eq!(seen.len(), expected.len());
    for (number, (with, without)) in seen.iter().zip(&expected).enumerate() {
        assert_eq!(with.answer, without.answer, "answer to request {number}");
        assert!(with == without, "files after request {number}");
    }
    let events = bench.events();
    bench.end();
    Some((seen, events))
}

/// Sends a request for the target handle.
fn send(thread: &UserThread, target: Handle, ask: &Ask, options: RequestOptions) -> IoStatus {
    thread.fs_control_with(&FsControl {
        handle: target,
        code: ask.code,
        input: Some(&ask.bytes()),
        output_length: ask.output,
        options,
    })
}

/// Clones one cluster, successfully, and closes the files.
fn clone_once(thread: &UserThread, volume: VolumeId) {
    let (source, target) = two_files(thread, volume, 16);
    let answer = send(
        thread,
        target,
        &Ask::plain(source),
        RequestOptions::default(),
    );
    assert!(answer.status.is_success(), "{answer:?}");
    let got = thread.read(target, 0, 4096).expect("read");
    assert!(got == [1; 4096], "the target has what was cloned");
    close(thread, &[source, target]);
}

fn close(thread: &UserThread, handles: &[Handle]) {
    for handle in handles {
        thread.close(*handle).expect("closed");
    }
}
