//! Everything that crosses the port, and the way back: records, batches, connect contexts, acknowledgements, status.
//!
//! The first byte chooses what the others are. A record that is taken is written again from what was read of it and
//! has to come out the same, byte by byte; then it goes through everything that shows records.

use cloneguard::table::Table;
use cloneguard::{Consumer, Entry};
use wire::{
    Ack, Batch, Body, ConnectKind, ConnectRequest, ConsumerBody, EndedBody, Heading, LossClass,
    Name, Record, RecordBody, RequestBody, StatusReport, SummaryBody, VolumeBody, record_size,
    write_record,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Reads the rest of the input.
///
/// # Panics
/// If something comes back changed, or cannot be shown.
pub fn body(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else {
        return;
    };
    match choice % 5 {
        0 => record(rest),
        1 => batch(rest),
        2 => connect(rest),
        3 => ack(rest),
        _ => status(rest),
    }
}

fn connect(bytes: &[u8]) {
    let again = match ConnectRequest::parse(bytes) {
        Ok(ConnectKind::Watch {
            boot_id,
            after_sequence,
        }) => ConnectRequest::watch(boot_id, after_sequence),
        Ok(ConnectKind::Reload) => ConnectRequest::reload(),
        Ok(ConnectKind::Status) => ConnectRequest::status(),
        Err(_) => return,
    };
    assert_eq!(again.as_bytes(), bytes);
}

fn ack(bytes: &[u8]) {
    if let Ok(ack) = Ack::parse(bytes) {
        assert_eq!(
            Ack::new(ack.boot_id(), ack.through_sequence()).bytes(),
            bytes
        );
    }
}

fn status(bytes: &[u8]) {
    if let Ok(report) = StatusReport::parse(bytes) {
        assert_eq!(report.as_bytes(), bytes);
    }
}

fn batch(bytes: &[u8]) {
    let Ok(batch) = Batch::parse(bytes) else {
        assert!(Consumer::new().feed(bytes).is_err());
        return;
    };
    let records: Vec<_> = batch.records().collect();
    assert_eq!(records.len(), batch.record_count() as usize);
    let mut consumer = Consumer::new();
    let first = consumer.feed(bytes).expect("the same bytes");
    assert_eq!(first.entries.len(), records.len());
    for entry in &first.entries {
        show(entry);
    }
    // What came again is not told again.
    let again = consumer.feed(bytes).expect("the same bytes");
    assert!(again.entries.is_empty());
    for each in records {
        record(each.bytes());
    }
}

fn record(bytes: &[u8]) {
    let Ok(record) = Record::parse(bytes) else {
        return;
    };
    assert_eq!(record.bytes(), bytes);
    if let Some(again) = rewrite(&record) {
        assert_eq!(again, bytes);
    }
}

/// The record written anew from what was read; `None` for one of a kind that nobody knows.
fn rewrite(record: &Record<'_>) -> Option<Vec<u8>> {
    Some(match record.body() {
        Body::Request(view) => {
            let names = [
                view.image(),
                view.parent_image(),
                view.source(),
                view.target(),
            ];
            write::<RequestBody>(record, view.body(), &names)
        }
        Body::Summary(view) => {
            let names = [
                view.image(),
                view.parent_image(),
                view.source(),
                view.target(),
            ];
            write::<SummaryBody>(record, view.body(), &names)
        }
        Body::Volume(view) => write::<VolumeBody>(record, view.body(), &[view.device()]),
        Body::Consumer(view) => write::<ConsumerBody>(record, view.body(), &[view.image()]),
        Body::Ended(view) => write::<EndedBody>(record, view.body(), &[]),
        Body::Policy(body) => write(record, body, &[]),
        Body::Started(body) => write(record, body, &[]),
        Body::Stopping(body) => write(record, body, &[]),
        Body::Heartbeat(body) => write(record, body, &[]),
        Body::Gap(body) => write(record, body, &[]),
        Body::Unknown(_) => return None,
    })
}

fn write<B: RecordBody>(record: &Record<'_>, body: &B, names: &[Name<'_>]) -> Vec<u8> {
    let units: Vec<Vec<u16>> = names.iter().map(|name| name.units().collect()).collect();
    let names: Vec<&[u16]> = units.iter().map(Vec::as_slice).collect();
    let heading = Heading {
        kind: record.kind(),
        class: LossClass::from_raw(record.class().raw()),
        time: record.time(),
        request: record.request_number().unwrap_or(0),
    };
    let mut bytes = vec![0; record_size::<B>(&names).expect("names that were read")];
    let fill = |out: &mut B| out.as_mut_bytes().copy_from_slice(body.as_bytes());
    write_record(&mut bytes, heading, &names, fill).expect("a body and a kind that were read");
    let (head, _) = wire::RecordHead::mut_from_prefix(&mut bytes).expect("a head is there");
    head.sequence = record.sequence().into();
    head.lost_before = record.lost_before().into();
    bytes
}

/// Shows an entry in every way.
fn show(entry: &Entry) {
    let mut line = Vec::new();
    entry.write_json_line(&mut line).expect("memory takes it");
    assert!(line.ends_with(b"\n") && !line[..line.len() - 1].contains(&b'\n'));
    for width in [0, 80, 200] {
        let mut text = Vec::new();
        let written = Table::new(width).write(&mut text, entry);
        written.expect("memory takes it");
        // What a file's name could do to a terminal (docs/tool.md).
        assert!(!text.contains(&0x1B) && !text.contains(&b'\r'));
    }
}
