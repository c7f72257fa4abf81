//! What the driver tells of itself: that it tells all of it, once, and nothing that did not happen.

use cloneguard::{
    ConsumerChange, CounterValues, Entry, Hex64, PolicyChange, Started, Stopping, VolumeChange,
};
use wire::{ConsumerEvent, PreviousStop, VolumeEvent};

use super::{Records, Setting};

/// Everything that is wrong with it. So many requests reached the driver.
pub(super) fn faults(setting: &Setting, requests: usize, records: &Records) -> Vec<String> {
    let own = records.own.as_slice();
    let mut faults: Vec<String> = own.iter().filter_map(out_of_place).collect();
    faults.extend(started(own));
    faults.extend(policy(own));
    faults.extend(volumes(setting, own));
    faults.extend(consumer(setting, own));
    faults.extend(stopping(requests as u64, records));
    faults
}

/// A record that nothing in the demo can be the reason of.
fn out_of_place(entry: &Entry) -> Option<String> {
    let what = match entry {
        Entry::Gap(_) => "a loss",
        Entry::Summary(_) => "a summary, which no policy asks for",
        Entry::Ended(_) => "the end of a request that did not take long",
        Entry::Unknown(_) => "something that nobody knows",
        Entry::Request(_)
        | Entry::Started(_)
        | Entry::Stopping(_)
        | Entry::Policy(_)
        | Entry::Volume(_)
        | Entry::Consumer(_)
        | Entry::Heartbeat(_) => return None,
    };
    Some(format!("record {} tells of {what}", entry.sequence()))
}

/// The entries of one kind.
macro_rules! all {
    ($own:expr, $kind:ident: $type:ty) => {{
        let of_kind = $own.iter().filter_map(|entry| match entry {
            Entry::$kind(entry) => Some(entry),
            _ => None,
        });
        of_kind.collect::<Vec<&$type>>()
    }};
}

/// One beginning, and nothing before it. The machine has never seen the driver before.
fn started(own: &[Entry]) -> Option<String> {
    let [started] = all!(own, Started: Started)[..] else {
        return Some("the driver does not tell once that it started".to_owned());
    };
    let facts = (
        started.head.sequence,
        started.previous_stop,
        started.policy_mode.as_str(),
        started.policy_revision,
        started.image_hash.is_some(),
    );
    let expected = (1, PreviousStop::FirstStart, "observe", 0, true);
    (facts != expected).then(|| format!("the driver started as {started:?}"))
}

/// Nobody stored a policy, and that the default is in force the first record says.
fn policy(own: &[Entry]) -> Option<String> {
    let found = all!(own, Policy: PolicyChange);
    (!found.is_empty()).then(|| format!("the driver tells of policies: {found:?}"))
}

/// Every volume was attached, once.
fn volumes(setting: &Setting, own: &[Entry]) -> Vec<String> {
    let found = all!(own, Volume: VolumeChange);
    let others = found
        .iter()
        .filter(|change| change.event != VolumeEvent::Attached)
        .map(|change| format!("the driver tells of a volume: {change:?}"));
    let mut faults: Vec<String> = others.collect();
    let key = |change: &&VolumeChange| (change.device.text.clone(), change.volume.guid.clone());
    let mut attached: Vec<_> = found.iter().map(key).collect();
    let volumes = setting.volumes.iter().cloned();
    let mut expected: Vec<_> = volumes
        .map(|(device, guid)| (Some(device), Some(guid)))
        .collect();
    attached.sort_unstable();
    expected.sort_unstable();
    if faults.is_empty() && attached != expected {
        faults.push(format!(
            "the driver attached to {attached:?}, not {expected:?}"
        ));
    }
    faults
}

/// One program connected, and none was turned away. That it is gone is nobody's to read.
fn consumer(setting: &Setting, own: &[Entry]) -> Option<String> {
    let found = all!(own, Consumer: ConsumerChange);
    let (id, key, image) = &setting.tool;
    let is_tool = |change: &ConsumerChange| {
        change.event == ConsumerEvent::Connected
            && change.process_id.map(u64::from) == Some(*id)
            && change.process_start_key == Some(Hex64(*key))
            && change.image.text.as_ref() == Some(image)
    };
    let is_right = matches!(found[..], [change] if is_tool(change));
    (!is_right).then(|| format!("the driver tells of these consumers: {found:?}"))
}

/// One end, behind everything else, with counters that say what was sent.
fn stopping(requests: u64, records: &Records) -> Option<String> {
    let [stopping] = all!(records.own, Stopping: Stopping)[..] else {
        return Some("the driver does not tell once that it stops".to_owned());
    };
    let counters = &stopping.counters;
    let requests_counted = counters.completed + counters.failed;
    let expected = CounterValues {
        seen: requests,
        refused: 0,
        not_inspected: 0,
        in_flight: 0,
        lost: 0,
        summarised: 0,
        refused_unaudited: 0,
        ..*counters
    };
    let is_last = Some(stopping.head.sequence) == records.own.last().map(Entry::sequence)
        && records
            .events
            .iter()
            .all(|event| event.head.sequence < stopping.head.sequence);
    if !is_last {
        return Some("records come behind the last one of the driver".to_owned());
    }
    let is_right = *counters == expected && requests_counted == requests;
    (!is_right).then(|| format!("after {requests} requests the driver counts {counters:?}"))
}
