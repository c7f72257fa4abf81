//! Records in which the driver tells of itself.
//!
//! Each says what happened and when; [`Note::encode`] writes it for [`crate::Journal::note`].

use crate::{EncodeError, Name, VolumeFacts};
use wire::policy::PolicyMode;
use wire::{
    BOOT_ID_SIZE, ConsumerBody, ConsumerEvent, Counters, GapBody, Heading, HeartbeatBody,
    IMAGE_HASH_SIZE, Losses, PolicyBody, PolicyEvent, PreviousStop, RecordBody, RecordKind,
    StartedBody, StoppingBody, VolumeBody, VolumeCause, VolumeEvent, loss_total,
};
use zerocopy::little_endian::{U16, U32, U64};

use crate::Fact;

/// Something that happened to the driver.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// When: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
    /// What.
    pub event: NoteEvent<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum NoteEvent<'a> {
    /// The driver was loaded. The first record of a load.
    Started(&'a StartedNote),
    /// It is about to be unloaded, with these counters. Only what is still under way comes behind it.
    Stopping(&'a Counters),
    /// A policy was loaded, or was not.
    Policy(PolicyNote),
    /// A volume is watched, is not, or is no longer.
    Volume(VolumeNote<'a>),
    /// A program wanted the records.
    Consumer(ConsumerNote<'a>),
    /// It runs.
    Heartbeat(HeartbeatNote<'a>),
    /// Records were lost.
    Gap(&'a GapNote),
}

/// With what the driver was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartedNote {
    /// Its version: major, minor, patch, build.
    pub driver_version: [u16; 4],
    /// The load before.
    pub previous: PreviousLoad,
    /// SHA-256 of the driver's file.
    pub image_hash: Fact<[u8; IMAGE_HASH_SIZE]>,
    /// Mode of the policy in force.
    pub policy_mode: PolicyMode,
    /// Its revision; 0 for the default.
    pub policy_revision: u64,
    /// Window in which passed requests are summarised, in seconds; 0 for never.
    pub summarise_seconds: u32,
    /// Bytes of memory that the journal was given.
    pub journal_size: u64,
}

/// What is known of the load before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousLoad {
    /// How it ended.
    pub stop: PreviousStop,
    /// Its boot id; zero if unknown.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// The last sequence number that it is known to have handed out; 0 if unknown.
    pub sequence: u64,
    /// How many of its numbers nobody had acknowledged: of records that it took with it, and of losses of which nobody
    /// had been told; 0 if unknown.
    pub undelivered: u64,
}

/// A policy that was loaded, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyNote {
    /// What became of it.
    pub event: PolicyEvent,
    /// Revision of the policy in force afterwards; 0 for the default.
    pub revision: u64,
    /// Its mode.
    pub mode: PolicyMode,
    /// Of a faulty one: the byte at which it is wrong, and the number of its fault.
    pub fault: Option<(u32, u16)>,
    /// Of an unreadable one: NTSTATUS.
    pub status: u32,
}

/// What happened to a volume.
#[derive(Clone, Copy, Debug)]
pub struct VolumeNote<'a> {
    /// Whether it is watched now.
    pub event: VolumeEvent,
    /// Why it is not.
    pub cause: VolumeCause,
    /// NTSTATUS of the driver's own set-up; 0 unless that failed.
    pub status: u32,
    /// The volume.
    pub volume: VolumeFacts,
    /// Its device name.
    pub device: Name<'a>,
}

/// What happened to a program that wanted the records.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerNote<'a> {
    /// Whether it is connected now.
    pub event: ConsumerEvent,
    /// NTSTATUS: why it was refused; 0 if it was not.
    pub status: u32,
    /// Its process; 0 if unknown.
    pub process_id: u32,
    /// A number of the process that is never used again within a boot; 0 if unknown.
    pub start_key: u64,
    /// The last sequence number that it said it has.
    pub after_sequence: u64,
    /// The load of the driver that it said this number belongs to.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Image of its process.
    pub image: Name<'a>,
}

/// The counters, at regular intervals.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatNote<'a> {
    /// The counters.
    pub counters: &'a Counters,
    /// Since the driver was loaded, in 100 ns.
    pub uptime: u64,
    /// From one heartbeat to the next.
    pub interval_seconds: u32,
    /// Programs at the port that no record tells of, since the driver was loaded.
    pub untold: u32,
}

/// Losses since the note of this kind before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapNote {
    /// Records, by class and cause.
    pub losses: Losses,
    /// Requests that were meanwhile refused because nothing could be recorded of them.
    pub refused: u64,
}

impl Note<'_> {
    /// Bytes of the record.
    #[must_use]
    pub fn encoded_size(&self) -> usize {
        let size = match &self.event {
            NoteEvent::Started(_) => wire::record_size::<StartedBody>(&[]),
            NoteEvent::Stopping(_) => wire::record_size::<StoppingBody>(&[]),
            NoteEvent::Policy(_) => wire::record_size::<PolicyBody>(&[]),
            NoteEvent::Volume(note) => wire::record_size::<VolumeBody>(&[note.device.stored()]),
            NoteEvent::Consumer(note) => wire::record_size::<ConsumerBody>(&[note.image.stored()]),
            NoteEvent::Heartbeat(_) => wire::record_size::<HeartbeatBody>(&[]),
            NoteEvent::Gap(_) => wire::record_size::<GapBody>(&[]),
        };
        // `None` would take a name beyond 65534 bytes, and stored names end at NAME_UNITS_MAX.
        size.unwrap_or(0)
    }

    /// Writes the record at the start of `out`, and answers with it.
    ///
    /// # Errors
    ///
    /// `WrongSize` if `out` is shorter than [`Note::encoded_size`].
    pub fn encode<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], EncodeError> {
        match &self.event {
            NoteEvent::Started(note) => {
                self.write(out, RecordKind::Started, &[], |body| note.put(body))
            }
            NoteEvent::Stopping(counters) => {
                self.write(out, RecordKind::Stopping, &[], |body: &mut StoppingBody| {
                    body.counters = **counters;
                })
            }
            NoteEvent::Policy(note) => {
                self.write(out, RecordKind::Policy, &[], |body| note.put(body))
            }
            NoteEvent::Volume(note) => {
                let names = [note.device.stored()];
                self.write(out, RecordKind::Volume, &names, |body| note.put(body))
            }
            NoteEvent::Consumer(note) => {
                let names = [note.image.stored()];
                self.write(out, RecordKind::Consumer, &names, |body| note.put(body))
            }
            NoteEvent::Heartbeat(note) => {
                self.write(out, RecordKind::Heartbeat, &[], |body| note.put(body))
            }
            NoteEvent::Gap(note) => self.write(out, RecordKind::Gap, &[], |body| note.put(body)),
        }
    }

    fn write<'o, B: RecordBody>(
        &self,
        out: &'o mut [u8],
        kind: RecordKind,
        names: &[&[u16]],
        fill: impl FnOnce(&mut B),
    ) -> Result<&'o [u8], EncodeError> {
        let heading = Heading::state(kind, self.time);
        wire::write_record(out, heading, names, fill).ok_or(EncodeError::WrongSize)
    }
}

impl StartedNote {
    fn put(&self, body: &mut StartedBody) {
        let (state, reason) = self.image_hash.to_wire();
        body.driver_version = self.driver_version.map(U16::new);
        body.previous = self.previous.stop.raw();
        body.previous_boot_id = self.previous.boot_id;
        body.previous_sequence = U64::new(self.previous.sequence);
        body.previous_undelivered = U64::new(self.previous.undelivered);
        body.image_hash_state = state.raw();
        body.image_hash_reason = U32::new(reason);
        body.image_hash = self.image_hash.known().unwrap_or([0; IMAGE_HASH_SIZE]);
        body.policy_mode = self.policy_mode.raw();
        body.policy_revision = U64::new(self.policy_revision);
        body.summarise_seconds = U32::new(self.summarise_seconds);
        body.journal_size = U64::new(self.journal_size);
    }
}

impl PolicyNote {
    fn put(&self, body: &mut PolicyBody) {
        let (offset, fault) = self.fault.unwrap_or((0, 0));
        body.revision = U64::new(self.revision);
        body.status = U32::new(self.status);
        body.offset = U32::new(offset);
        body.fault = U16::new(fault);
        body.event = self.event.raw();
        body.mode = self.mode.raw();
    }
}

impl VolumeNote<'_> {
    fn put(&self, body: &mut VolumeBody) {
        body.event = self.event.raw();
        body.cause = self.cause.raw();
        body.status = U32::new(self.status);
        self.volume.put(&mut body.volume);
        let [device] = &mut body.names;
        self.device.put(device);
    }
}

impl ConsumerNote<'_> {
    fn put(&self, body: &mut ConsumerBody) {
        body.event = self.event.raw();
        body.status = U32::new(self.status);
        body.process_id = U32::new(self.process_id);
        body.start_key = U64::new(self.start_key);
        body.after_sequence = U64::new(self.after_sequence);
        body.boot_id = self.boot_id;
        let [image] = &mut body.names;
        self.image.put(image);
    }
}

impl HeartbeatNote<'_> {
    fn put(&self, body: &mut HeartbeatBody) {
        body.counters = *self.counters;
        body.uptime = U64::new(self.uptime);
        body.interval_seconds = U32::new(self.interval_seconds);
        body.untold = U32::new(self.untold);
    }
}

impl GapNote {
    fn put(&self, body: &mut GapBody) {
        body.total = U64::new(loss_total(&self.losses).unwrap_or(u64::MAX));
        body.losses = self.losses;
        body.refused = U64::new(self.refused);
    }
}
