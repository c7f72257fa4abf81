//! What `verify` prints.

use cloneguard::journal::{Damage, FindingNote, Gap, Listed, LoadReport, LoadSums, Place, Report};
use serde_json::{Value, json};

/// The report for people.
pub(super) fn lines(report: &Report, is_sound: bool) -> Vec<String> {
    let mut lines = problems(report);
    if let Some(torn) = &report.torn {
        lines.push(torn.to_string());
    }
    let Report {
        segments,
        sealed,
        frames,
        records,
        ..
    } = report;
    let open = if sealed == segments { "sealed" } else { "open" };
    lines.push(format!("segments  {segments}, the last one is {open}"));
    lines.push(format!("frames    {frames}, {records} of them records"));
    if let Some((first, last)) = report.first_time.zip(report.last_time) {
        lines.push(format!("time      {first} to {last}"));
    }
    if report.removed_frames != 0 {
        let (frames, records) = (report.removed_frames, report.removed_records);
        lines.push(format!(
            "removed   {frames} frames by retention, {records} of them records"
        ));
    }
    if report.torn_bytes != 0 {
        let bytes = report.torn_bytes;
        lines.push(format!(
            "cut off   {bytes} bytes of writes that were not finished nor acknowledged"
        ));
    }
    lines.extend(older_loads(&report.older_loads));
    lines.extend(report.loads.iter().map(load));
    if let Some(end) = &report.end {
        lines.push(format!("end       {}:{}", end.frame, hex(&end.hash)));
    }
    lines.push(verdict(report, is_sound));
    lines
}

/// Everything that is wrong, in the order of the journal.
fn problems(report: &Report) -> Vec<String> {
    let mut found: Vec<(Place, String)> = Vec::new();
    let damages = report.damages.first.iter();
    found.extend(damages.map(|damage| (damage.place, damage.to_string())));
    let gaps = report.gaps.first.iter();
    found.extend(gaps.map(|gap| (gap.place, gap.to_string())));
    let findings = report.findings.first.iter();
    found.extend(findings.map(|(place, note)| (*place, note.to_string())));
    found.sort_by_key(|(place, _)| *place);
    let mut lines: Vec<String> = found
        .into_iter()
        .map(|(_, line)| format!("! {line}"))
        .collect();
    let all = report.damages.count + report.gaps.count + report.findings.count;
    let shown = lines.len() as u64;
    if all > shown {
        lines.push(format!("! and {} more", all - shown));
    }
    if report.is_as_expected == Some(false) {
        lines.push("! the frame that --expect names is not there with this hash".to_owned());
    }
    lines
}

/// The loads that are not listed.
fn older_loads(sums: &LoadSums) -> Option<String> {
    let LoadSums {
        loads,
        lost,
        undelivered,
        ..
    } = sums;
    (*loads != 0).then(|| {
        format!(
            "loads     {loads} before those below; {lost} records lost by the driver's count, {undelivered} \
             undelivered"
        )
    })
}

/// A load in a line.
fn load(load: &LoadReport) -> String {
    let LoadReport {
        records,
        first,
        last,
        lost,
        missing,
        earlier,
        undelivered,
        ..
    } = load;
    let mut line = format!(
        "load      {}: {records} records, {first} to {last}; {lost} lost by the driver's count",
        hex(&load.boot_id)
    );
    if *missing != 0 {
        line = format!("{line}, {missing} missing");
    }
    if *earlier != 0 {
        line = format!("{line}, {earlier} before the journal was begun");
    }
    if *undelivered != 0 {
        line = format!("{line}; {undelivered} behind the last never came: it took them with it");
    }
    if load.end.is_some_and(|end| !end.is_in_order) {
        line = format!("{line}; it was not unloaded, and may have taken more with it");
    }
    line
}

/// The last line.
fn verdict(report: &Report, is_sound: bool) -> String {
    let lost = report.counted_missing();
    match (is_sound, lost) {
        (true, 0) if report.open_ends() != 0 => {
            let loads = report.open_ends();
            format!(
                "sound: everything is as it was written, and nothing known is missing; what {loads} loads took \
                 with them is not known"
            )
        }
        (true, 0) => "sound: everything is as it was written, and nothing is missing".to_owned(),
        (true, lost) => format!(
            "sound: everything is as it was written; {lost} records are missing, as the driver counted"
        ),
        (false, _) if report.is_sound() => {
            format!("not complete: {lost} records are missing, as the driver counted")
        }
        (false, _) if report.damages.count == 0 && report.gaps.count == 0 => {
            "not sound: see above".to_owned()
        }
        (false, _) if report.damages.count == 0 => {
            "not complete: records are missing that nobody counted".to_owned()
        }
        (false, _) => "not sound: the journal is not as it was written".to_owned(),
    }
}

/// The report for machines.
pub(super) fn json(report: &Report, is_sound: bool) -> Value {
    json!({
        "schema_version": 1,
        "is_sound": is_sound,
        "segments": report.segments,
        "sealed_segments": report.sealed,
        "frames": report.frames,
        "records": report.records,
        "removed_frames": report.removed_frames,
        "removed_records": report.removed_records,
        "first_time": report.first_time,
        "last_time": report.last_time,
        "lost": report.lost(),
        "undelivered": report.undelivered(),
        "open_ends": report.open_ends(),
        "torn_bytes": report.torn_bytes,
        "unfinished_bytes": report.torn.map_or(0, |torn| torn.byte_count),
        "end": report.end.map(|end| json!({ "frame": end.frame, "hash": hex(&end.hash) })),
        "is_as_expected": report.is_as_expected,
        "load_count": report.older_loads.loads + report.loads.len() as u64,
        "loads": report.loads.iter().map(load_json).collect::<Vec<_>>(),
        "damage_count": report.damages.count,
        "damages": list(&report.damages, damage_json),
        "gap_count": report.gaps.count,
        "gaps": list(&report.gaps, gap_json),
        "finding_count": report.findings.count,
        "findings": list(&report.findings, finding_json),
    })
}

/// The items of a list that were kept.
fn list<T>(items: &Listed<T>, show: impl Fn(&T) -> Value) -> Vec<Value> {
    items.first.iter().map(show).collect()
}

fn load_json(load: &LoadReport) -> Value {
    json!({
        "boot_id": hex(&load.boot_id),
        "records": load.records,
        "first": load.first,
        "last": load.last,
        "lost": load.lost,
        "missing": load.missing,
        "earlier": load.earlier,
        "last_of_driver": load.end.map(|end| end.last),
        "undelivered": load.end.map(|end| end.undelivered),
        "undelivered_missing": load.undelivered,
    })
}

fn damage_json(damage: &Damage) -> Value {
    json!({
        "segment": damage.place.segment,
        "offset": damage.place.offset,
        "frame": damage.place.frame,
        "boot_id": damage.boot_id.map(|boot_id| hex(&boot_id)),
        "sequence": damage.sequence,
        "text": damage.to_string(),
    })
}

fn gap_json(gap: &Gap) -> Value {
    json!({
        "segment": gap.place.segment,
        "offset": gap.place.offset,
        "frame": gap.place.frame,
        "boot_id": hex(&gap.boot_id),
        "after": gap.after,
        "before": gap.before,
        "missing": gap.missing,
        "explained": gap.explained,
        "text": gap.to_string(),
    })
}

fn finding_json((place, note): &(Place, FindingNote)) -> Value {
    json!({
        "segment": place.segment,
        "offset": place.offset,
        "frame": place.frame,
        "cause": note.cause().map(cloneguard::journal::FindingCause::name),
        "text": note.to_string(),
    })
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
