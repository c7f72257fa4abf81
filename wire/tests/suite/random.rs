//! Every record that was written is read back as what was written, whatever its content.
//!
//! A body is filled with random bytes; then only what has to agree is made to agree.

use crate::common::write;
use proptest::prelude::*;
use wire::{
    Body, ConsumerBody, EndHead, EndedBody, FileHead, GapBody, Heading, HeartbeatBody, LossClass,
    Name, NameHead, NameState, PolicyBody, ProcessHead, Record, RecordBody, RecordHead, RecordKind,
    RequestBody, SourceVolumeHead, StartedBody, StoppingBody, SummaryBody, UserHead, VolumeBody,
    VolumeHead, loss_total,
};
use zerocopy::FromBytes as _;

/// Random names, as many as a body has at most.
type Names = [Vec<u16>; 4];

/// What a random record is made of.
#[derive(Clone, Debug)]
struct Seed {
    bytes: Vec<u8>,
    names: Names,
    kind: usize,
    class: u8,
    sequence: u64,
    lost: u64,
    request: u64,
}

fn seed() -> impl Strategy<Value = Seed> {
    let units = || proptest::collection::vec(any::<u16>(), 0..40);
    (
        proptest::collection::vec(any::<u8>(), size_of::<RequestBody>()),
        [units(), units(), units(), units()],
        0..2_usize,
        any::<u8>(),
        1..=u64::MAX,
        any::<u64>(),
        1..=u64::MAX,
    )
        .prop_map(
            |(bytes, names, kind, class, sequence, lost, request)| Seed {
                bytes,
                names,
                kind,
                class,
                sequence,
                lost,
                request,
            },
        )
}

/// Writes and numbers a record with a body of random bytes that `tidy` has made consistent.
fn record<B: RecordBody>(seed: &Seed, about_a_request: bool, tidy: fn(&mut B)) -> (B, Vec<u8>) {
    let (mut body, _) = B::read_from_prefix(&seed.bytes).unwrap();
    tidy(&mut body);
    for (head, name) in body.names_mut().iter_mut().zip(&seed.names) {
        tidy_name(head, name.len());
    }
    let heading = Heading {
        kind: B::KINDS[seed.kind % B::KINDS.len()],
        class: LossClass::from_raw(seed.class),
        time: seed.lost,
        request: if about_a_request { seed.request } else { 0 },
    };
    let mut bytes = write(heading, &seed.names[..B::NAMES], &body);
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.sequence = seed.sequence.into();
    head.lost_before = (seed.lost % seed.sequence).into();
    (body, bytes)
}

fn tidy_name(head: &mut NameHead, units: usize) {
    let length = u16::try_from(units * 2).unwrap();
    head.stored_bytes = length.into();
    head.full_bytes = (length + 2 * u16::from(head.state)).into();
    head.state = head.state.max(1);
    head.reserved = [0; 3];
}

/// Checks the head of a record that was read back.
fn check_head(record: &Record<'_>, seed: &Seed, kinds: &[RecordKind]) -> Result<(), TestCaseError> {
    prop_assert_eq!(record.kind(), kinds[seed.kind % kinds.len()]);
    prop_assert_eq!(record.class(), LossClass::from_raw(seed.class));
    prop_assert_eq!(record.sequence(), seed.sequence);
    prop_assert_eq!(record.lost_before(), seed.lost % seed.sequence);
    prop_assert_eq!(record.time(), seed.lost);
    Ok(())
}

/// Checks the names of a record that was read back.
fn check_names(
    read: &[Name<'_>],
    heads: &[NameHead],
    names: &[Vec<u16>],
) -> Result<(), TestCaseError> {
    for ((read, head), name) in read.iter().zip(heads).zip(names) {
        prop_assert_eq!(read.units().collect::<Vec<_>>(), &name[..]);
        prop_assert_eq!(read.text().to_string(), String::from_utf16_lossy(name));
        prop_assert_eq!(read.state(), NameState::from_raw(head.state));
        prop_assert_eq!(read.reason(), head.reason.get());
        prop_assert_eq!(read.full_bytes(), head.full_bytes.get());
    }
    Ok(())
}

fn tidy_end(end: &mut EndHead) {
    let rules = end.rules.get() & !1;
    end.rules = rules.into();
    end.deciding_rule = match rules {
        0 => 0,
        _ => u8::try_from(rules.trailing_zeros()).unwrap(),
    };
}

fn tidy_process(process: &mut ProcessHead) {
    process.reserved = [0; 2];
    for flag in [
        &mut process.parent_known,
        &mut process.session_known,
        &mut process.logon_known,
        &mut process.integrity_known,
    ] {
        *flag &= 1;
    }
    if process.parent_known == 0 {
        (process.parent_id, process.parent_start_key) = (0.into(), 0.into());
    }
    if process.session_known == 0 {
        process.session_id = 0.into();
    }
    if process.logon_known == 0 {
        process.logon_id = 0.into();
    }
    if process.integrity_known == 0 {
        process.integrity_level = 0.into();
    }
}

fn tidy_user(user: &mut UserHead) {
    user.reserved = [0; 3];
    user.sid[1] %= 16;
    user.size = 8 + 4 * user.sid[1];
    if user.sid[0] < 32 {
        user.size = 0;
    }
    user.sid[usize::from(user.size)..].fill(0);
}

fn tidy_volume(volume: &mut VolumeHead) {
    volume.reserved = [0; 2];
    volume.guid_known &= 1;
    if volume.guid_known == 0 {
        volume.guid = [0; 16];
    }
    volume.state &= 3;
    if volume.state != 1 {
        volume.attributes = 0.into();
    }
}

fn tidy_source_volume(volume: &mut SourceVolumeHead) {
    volume.reserved = [0; 3];
    volume.guid_known &= 1;
    if volume.guid_known == 0 {
        volume.guid = [0; 16];
    }
}

fn tidy_file(file: &mut FileHead) {
    file.reserved = 0;
    (file.state, file.id_state) = (file.state & 3, file.id_state & 3);
    if file.state != 1 {
        (file.kind, file.attributes) = (0, 0.into());
        (file.end_of_file, file.allocation_size) = (0.into(), 0.into());
    }
    if file.id_state != 1 {
        file.id = [0; 16];
    }
}

fn tidy_request(body: &mut RequestBody) {
    tidy_end(&mut body.end);
    body.grounds = (body.grounds.get() & body.end.rules.get()).into();
    (body.reserved, body.padding) = (0, 0.into());
    body.claim_known &= 1;
    if body.claim_known == 0 {
        (body.source_offset, body.target_offset) = (0.into(), 0.into());
        (body.byte_count, body.ex_size, body.ex_flags) = (0.into(), 0.into(), 0.into());
    }
    tidy_process(&mut body.process);
    body.users.iter_mut().for_each(tidy_user);
    tidy_volume(&mut body.volume);
    tidy_source_volume(&mut body.source_volume);
    body.files.iter_mut().for_each(tidy_file);
}

fn tidy_summary(body: &mut SummaryBody) {
    let parts = [&mut body.completed, &mut body.failed, &mut body.draining];
    body.count = parts
        .into_iter()
        .map(|part| {
            *part = (part.get() >> 2).into();
            part.get()
        })
        .sum::<u64>()
        .into();
    if body.first_time.get() > body.last_time.get() {
        (body.first_time, body.last_time) = (body.last_time, body.first_time);
    }
    tidy_process(&mut body.process);
    body.users.iter_mut().for_each(tidy_user);
    tidy_volume(&mut body.volume);
}

/// Reads back a record without names, which has exactly the bytes that were written.
macro_rules! plain {
    ($seed:expr, $body:ident, $kind:ident, $tidy:expr) => {{
        let (body, bytes) = record::<$body>($seed, false, $tidy);
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, $seed, $body::KINDS)?;
        let Body::$kind(read) = record.body() else {
            panic!("{:?}", record.body());
        };
        prop_assert_eq!(
            zerocopy::IntoBytes::as_bytes(read),
            zerocopy::IntoBytes::as_bytes(&body)
        );
    }};
}

proptest! {
    #[test]
    fn requests(seed in seed()) {
        let (body, bytes) = record(&seed, true, tidy_request);
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, &seed, RequestBody::KINDS)?;
        prop_assert_eq!(record.request_number(), Some(seed.request));
        let request = record.request().unwrap();
        let read = [request.image(), request.parent_image(), request.source(), request.target()];
        check_names(&read, &body.names, &seed.names)?;
        check_request(&request, &body)?;
        check_process(&request, &body)?;
        check_places(&request, &body)?;
        check_files(&request, &body)?;
    }

    #[test]
    fn late_ends(seed in seed()) {
        let (body, bytes) = record::<EndedBody>(&seed, true, |body| tidy_end(&mut body.end));
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, &seed, EndedBody::KINDS)?;
        prop_assert_eq!(record.request_number(), Some(seed.request));
        let Body::Ended(ended) = record.body() else {
            panic!("{:?}", record.body());
        };
        check_end(ended.end(), &body.end)?;
    }

    #[test]
    fn summaries(seed in seed()) {
        let (body, bytes) = record(&seed, false, tidy_summary);
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, &seed, SummaryBody::KINDS)?;
        let Body::Summary(summary) = record.body() else {
            panic!("{:?}", record.body());
        };
        let read = [summary.image(), summary.parent_image(), summary.source(), summary.target()];
        check_names(&read, &body.names, &seed.names)?;
        prop_assert_eq!(summary.body().count, body.count);
        prop_assert_eq!(summary.process(), body.process.read());
        prop_assert_eq!(summary.effective_user(), body.users[0].read());
        prop_assert_eq!(summary.primary_user(), body.users[1].read());
        prop_assert_eq!(summary.volume(), body.volume.read());
    }

    #[test]
    fn volumes(seed in seed()) {
        let (body, bytes) = record::<VolumeBody>(&seed, false, |body| {
            body.reserved = [0; 2];
            tidy_volume(&mut body.volume);
        });
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, &seed, VolumeBody::KINDS)?;
        let Body::Volume(note) = record.body() else {
            panic!("{:?}", record.body());
        };
        check_names(&[note.device()], &body.names, &seed.names)?;
        prop_assert_eq!(note.body().event, body.event);
        prop_assert_eq!(note.body().status, body.status);
        prop_assert_eq!(note.body().volume.read(), body.volume.read());
    }

    #[test]
    fn consumers(seed in seed()) {
        let (body, bytes) = record::<ConsumerBody>(&seed, false, |body| {
            (body.reserved, body.padding) = ([0; 3], 0.into());
        });
        let record = Record::parse(&bytes).unwrap();
        check_head(&record, &seed, ConsumerBody::KINDS)?;
        let Body::Consumer(note) = record.body() else {
            panic!("{:?}", record.body());
        };
        check_names(&[note.image()], &body.names, &seed.names)?;
        prop_assert_eq!(note.body().after_sequence, body.after_sequence);
        prop_assert_eq!(note.body().boot_id, body.boot_id);
    }

    #[test]
    fn records_without_names(seed in seed()) {
        plain!(&seed, PolicyBody, Policy, |body| {
            (body.mode, body.reserved) = (1 + body.mode % 2, 0.into());
            body.event = 3;
        });
        plain!(&seed, StartedBody, Started, |body| {
            (body.reserved, body.padding) = (0, 0.into());
            (body.image_hash_state, body.policy_mode) = (1, 1);
        });
        plain!(&seed, StoppingBody, Stopping, |_| ());
        plain!(&seed, HeartbeatBody, Heartbeat, |_body| ());
        plain!(&seed, GapBody, Gap, |body| {
            for count in body.losses.iter_mut().flatten() {
                *count = (count.get() >> 4).into();
            }
            body.total = loss_total(&body.losses).unwrap().into();
        });
    }
}

/// Compares what is read of an end with the fields.
fn check_end(end: &EndHead, body: &EndHead) -> Result<(), TestCaseError> {
    prop_assert_eq!(end.verdict().raw(), body.verdict);
    prop_assert_eq!(end.outcome().raw(), body.outcome);
    prop_assert_eq!(end.source_after().raw(), body.source_after);
    prop_assert_eq!(end.rules().bits(), body.rules.get());
    let deciding = end.deciding_rule().map_or(0, |rule| rule.number());
    prop_assert_eq!(deciding, body.deciding_rule);
    let ended = matches!(body.outcome, 1 | 3);
    prop_assert_eq!(end.status(), ended.then(|| body.status.get()));
    prop_assert_eq!(end.information(), ended.then(|| body.information.get()));
    let duration = (body.outcome != 0).then(|| body.duration.get());
    prop_assert_eq!(end.duration(), duration);
    Ok(())
}

/// Compares what is read of a request and its judgement with the fields.
fn check_request(request: &wire::Request<'_>, body: &RequestBody) -> Result<(), TestCaseError> {
    check_end(request.end(), &body.end)?;
    prop_assert_eq!(request.requestor_mode().raw(), body.requestor_mode);
    prop_assert_eq!(request.bitness().raw(), body.bitness);
    prop_assert_eq!(request.remote().raw(), body.remote);
    prop_assert_eq!(request.source_state().raw(), body.source_state);
    prop_assert_eq!(request.claim().is_some(), body.claim_known == 1);
    if let Some(claim) = request.claim() {
        prop_assert_eq!(claim.source_offset, body.source_offset.get());
        prop_assert_eq!(claim.target_offset, body.target_offset.get());
        prop_assert_eq!(claim.byte_count, body.byte_count.get());
        prop_assert_eq!(claim.ex_size, body.ex_size.get());
        prop_assert_eq!(claim.ex_flags, body.ex_flags.get());
    }
    prop_assert_eq!(request.grounds().bits(), body.grounds.get());
    prop_assert_eq!(request.control_code(), body.control_code.get());
    prop_assert_eq!(request.input_length(), body.input_length.get());
    prop_assert_eq!(request.output_length(), body.output_length.get());
    prop_assert_eq!(request.refusal().unwrap_or(0), body.refusal.get());
    prop_assert_eq!(request.policy_revision(), body.policy_revision.get());
    prop_assert_eq!(request.policy_match().raw(), body.policy_match);
    prop_assert_eq!(request.policy_rule().unwrap_or(0), body.policy_rule.get());
    Ok(())
}

/// Compares what is read of the process with the fields.
fn check_process(request: &wire::Request<'_>, body: &RequestBody) -> Result<(), TestCaseError> {
    let (process, head) = (request.process(), &body.process);
    prop_assert_eq!(process.process_id, head.process_id.get());
    prop_assert_eq!(process.thread_id, head.thread_id.get());
    prop_assert_eq!(process.start_key.unwrap_or(0), head.start_key.get());
    prop_assert_eq!(process.create_time.unwrap_or(0), head.create_time.get());
    prop_assert_eq!(process.parent_id.is_some(), head.parent_known == 1);
    prop_assert_eq!(process.parent_id.unwrap_or(0), head.parent_id.get());
    let parent = process.parent_start_key.unwrap_or(0);
    prop_assert_eq!(parent, head.parent_start_key.get());
    prop_assert_eq!(process.session_id.unwrap_or(0), head.session_id.get());
    prop_assert_eq!(process.logon_id.unwrap_or(0), head.logon_id.get());
    let level = process.integrity_level.unwrap_or(0);
    prop_assert_eq!(level, head.integrity_level.get());
    prop_assert_eq!(process.token_reason, head.token_reason.get());
    prop_assert_eq!(process.elevated.raw(), head.elevated);
    prop_assert_eq!(process.impersonating.raw(), head.impersonating);
    Ok(())
}

/// Compares what is read of users and volumes with the fields.
fn check_places(request: &wire::Request<'_>, body: &RequestBody) -> Result<(), TestCaseError> {
    let users = [request.effective_user(), request.primary_user()];
    for (user, head) in users.iter().zip(&body.users) {
        let sid = &head.sid[..usize::from(head.size)];
        prop_assert_eq!(user.sid, Some(sid).filter(|sid| !sid.is_empty()));
        prop_assert_eq!(user.reason, head.reason.get());
    }
    let (volume, head) = (request.volume(), &body.volume);
    prop_assert_eq!(volume.file_system, head.file_system.get());
    prop_assert_eq!(volume.setup_flags, head.setup_flags.get());
    prop_assert_eq!(volume.cluster_size.unwrap_or(0), head.cluster_size.get());
    prop_assert_eq!(volume.cluster_reason, head.cluster_reason.get());
    prop_assert_eq!(volume.state.raw(), head.state);
    prop_assert_eq!(volume.attributes.unwrap_or(0), head.attributes.get());
    prop_assert_eq!(volume.attributes_reason, head.attributes_reason.get());
    prop_assert_eq!(volume.guid.unwrap_or([0; 16]), head.guid);
    prop_assert_eq!(volume.guid_reason, head.guid_reason.get());
    let source = request.source_volume();
    prop_assert_eq!(source.guid.unwrap_or([0; 16]), body.source_volume.guid);
    prop_assert_eq!(source.reason, body.source_volume.reason.get());
    Ok(())
}

/// Compares what is read of the files with the fields.
fn check_files(request: &wire::Request<'_>, body: &RequestBody) -> Result<(), TestCaseError> {
    for (read, file) in [request.source_file(), request.target_file()]
        .iter()
        .zip(&body.files)
    {
        prop_assert_eq!(read.state.raw(), file.state);
        prop_assert_eq!(read.kind.raw(), file.kind);
        prop_assert_eq!(read.reason, file.reason.get());
        prop_assert_eq!(read.attributes, file.attributes.get());
        prop_assert_eq!(read.end_of_file, file.end_of_file.get());
        prop_assert_eq!(read.allocation_size, file.allocation_size.get());
        prop_assert_eq!(read.id_state.raw(), file.id_state);
        prop_assert_eq!(read.id.unwrap_or([0; 16]), file.id);
        prop_assert_eq!(read.id_reason, file.id_reason.get());
    }
    Ok(())
}
