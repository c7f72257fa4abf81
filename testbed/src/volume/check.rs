//! Statistics and the consistency check of a volume.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::Count;
use super::names::fold;
use super::runs::{Run, Runs};
use super::state::{Body, Entry, Link, Node, NodeId, ROOT, State, StreamId};
use super::stream::DataStream;

/// Numbers about a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes per cluster.
    pub cluster_size: u64,
    /// Clusters on the disk.
    pub total_clusters: u64,
    /// Clusters nobody uses.
    pub free_clusters: u64,
    /// Clusters that at least one file maps.
    pub used_clusters: u64,
    /// Clusters that are mapped more than once.
    pub shared_clusters: u64,
    /// The sum of all reference counts.
    pub references: u64,
    /// Bytes in clusters that are mapped more than once.
    pub bytes_shared: u64,
    /// Bytes that would be needed in addition if nothing were shared.
    pub bytes_saved: u64,
    /// Data files, each once, however many names and streams it has.
    pub files: u64,
    /// Directories, the root included.
    pub directories: u64,
    /// Opens that are not closed.
    pub opens: u64,
}

/// Counts what there is.
pub(super) fn statistics(state: &State) -> Statistics {
    let disk = &state.disk;
    let mut numbers = Statistics {
        cluster_size: disk.cluster_size(),
        total_clusters: disk.capacity(),
        free_clusters: disk.free_clusters(),
        ..Statistics::default()
    };
    for run in disk.references().iter() {
        numbers.used_clusters += run.length;
        numbers.references += run.length * u64::from(run.value.0);
        if run.value.0 > 1 {
            numbers.shared_clusters += run.length;
        }
    }
    numbers.bytes_shared = numbers.shared_clusters * disk.cluster_size();
    numbers.bytes_saved = (numbers.references - numbers.used_clusters) * disk.cluster_size();
    for node in state.nodes.values() {
        let opens = node.links.iter().map(|link| u64::from(link.opens));
        numbers.opens += opens.sum::<u64>();
        match node.body {
            Body::Data => numbers.files += 1,
            Body::Directory(_) => numbers.directories += 1,
        }
    }
    numbers
}

/// Every contradiction of the volume.
pub(super) fn faults(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    check_counts(state, &mut faults);
    check_free(state, &mut faults);
    faults.extend(state.disk.content_faults());
    for (&id, node) in &state.nodes {
        check_place(state, id, node, &mut faults);
    }
    for (&id, stream) in &state.streams {
        check_owner(state, id, &mut faults);
        check_stream(state, id, &stream.data, &mut faults);
    }
    faults
}

/// Every count equals the number of extents that map the cluster; none is above the limit if the
/// accounting is exact, and only used clusters are marked as full if it is lazy.
fn check_counts(state: &State, faults: &mut Vec<String>) {
    let expected = mapped(state);
    let kept = state.disk.references();
    if &expected != kept {
        let numbers = |runs: &Runs<Count>| -> BTreeSet<(u64, u64, u32)> {
            runs.iter()
                .map(|run| (run.start, run.length, run.value.0))
                .collect()
        };
        let (expected, kept) = (numbers(&expected), numbers(kept));
        for (start, length, count) in kept.difference(&expected) {
            faults.push(format!(
                "{length} clusters from {start} are counted {count} times, not by extents"
            ));
        }
        for (start, length, count) in expected.difference(&kept) {
            faults.push(format!(
                "{length} clusters from {start} are mapped {count} times, not counted so"
            ));
        }
    }
    let Some(full) = state.disk.full() else {
        check_limit(state, faults);
        return;
    };
    for run in full.iter() {
        for gap in kept.gaps(run.range()) {
            faults.push(format!("clusters {gap:?} are marked as full, but free"));
        }
    }
}

fn check_limit(state: &State, faults: &mut Vec<String>) {
    let limit = state.disk.limit();
    for run in state.disk.references().iter() {
        let (start, count) = (run.start, run.value.0);
        if count > limit {
            faults.push(format!(
                "cluster {start} is referenced {count} times, limit {limit}"
            ));
        }
    }
}

/// The counts as the extents of all streams say: a sweep over where extents begin and end.
fn mapped(state: &State) -> Runs<Count> {
    let mut edges: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for stream in state.streams.values() {
        for run in stream.data.extents.iter() {
            edges.entry(run.clusters().start).or_default().0 += 1;
            edges.entry(run.clusters().end).or_default().1 += 1;
        }
    }
    let mut counts = Runs::new();
    let (mut since, mut count) = (0, 0);
    for (at, (begin, end)) in edges {
        if count > 0 {
            counts.insert(Run {
                start: since,
                length: at - since,
                value: Count(count),
            });
        }
        count = count + begin - end;
        since = at;
    }
    counts
}

/// Free and used clusters do not meet, and together they are the disk.
fn check_free(state: &State, faults: &mut Vec<String>) {
    let disk = &state.disk;
    for run in disk.free().iter() {
        if run.range().end > disk.capacity() {
            faults.push(format!(
                "free clusters {:?} are behind the end of the disk",
                run.range()
            ));
        }
        for used in disk.references().view(run.range()) {
            faults.push(format!("clusters {:?} are free and used", used.range()));
        }
    }
    let (free, used) = (disk.free().clusters(), disk.references().clusters());
    if free != disk.free_clusters() || free + used != disk.capacity() {
        let (counted, capacity) = (disk.free_clusters(), disk.capacity());
        faults.push(format!(
            "{free} free (counted {counted}) + {used} used is not {capacity}"
        ));
    }
}

/// A node is where its names say, and what it lists is there.
fn check_place(state: &State, id: NodeId, node: &Node, faults: &mut Vec<String>) {
    if node.links.is_empty() {
        faults.push(format!("node {id} has no name and is still there"));
    }
    for link in &node.links {
        check_link(state, id, link, faults);
    }
    for (name, stream) in &node.streams {
        let found = state.streams.get(stream);
        if !found.is_some_and(|stream| stream.node == id && fold(&stream.name) == *name) {
            faults.push(format!("stream \"{name}\" of node {id} leads nowhere"));
        }
    }
    if let Body::Directory(entries) = &node.body {
        for (name, entry) in entries {
            let child = state.nodes.get(&entry.node);
            let link = child.and_then(|n| n.links.iter().find(|link| link.id == entry.link));
            if !link.is_some_and(|link| link.parent == id && fold(&link.name) == *name) {
                faults.push(format!("entry \"{name}\" of node {id} leads nowhere"));
            }
        }
    }
}

fn check_link(state: &State, node: NodeId, link: &Link, faults: &mut Vec<String>) {
    let (name, parent) = (&link.name, link.parent);
    let entry = Entry {
        node,
        link: link.id,
    };
    if node != ROOT && state.find(parent, name) != Some(entry) {
        faults.push(format!(
            "node {node} \"{name}\" is not an entry of node {parent}"
        ));
    }
    if link.deleted && link.opens == 0 {
        faults.push(format!(
            "node {node} \"{name}\" is deleted, has no open and is still there"
        ));
    }
}

/// A stream belongs to a node that lists it, and stays only for a reason.
fn check_owner(state: &State, id: StreamId, faults: &mut Vec<String>) {
    let Some(stream) = state.streams.get(&id) else {
        return;
    };
    let name = &stream.name;
    let node = state.nodes.get(&stream.node);
    if node.and_then(|node| node.streams.get(&fold(name))) != Some(&id) {
        faults.push(format!("stream {id} \"{name}\" belongs to nobody"));
    }
    if stream.deleted && (stream.opens == 0 || name.is_empty()) {
        faults.push(format!("stream {id} \"{name}\" is deleted and still there"));
    }
}

/// The sizes agree with each other and with the extents.
fn check_stream(state: &State, id: StreamId, stream: &DataStream, faults: &mut Vec<String>) {
    let (valid, end) = (stream.valid_data_length, stream.end_of_file);
    let allocation = stream.allocation_size;
    let cluster = state.disk.cluster_size();
    if valid > end || end > allocation || !allocation.is_multiple_of(cluster) {
        faults.push(format!(
            "stream {id}: valid {valid}, end {end}, allocation {allocation}"
        ));
    }
    let clusters = allocation / cluster;
    let behind = stream.extents.view(clusters..u64::MAX);
    if let Some(run) = behind.first() {
        faults.push(format!(
            "stream {id}: extent at cluster {} behind the allocation",
            run.start
        ));
    }
    if !stream.sparse
        && let Some(hole) = stream.extents.gaps(0..clusters).first()
    {
        faults.push(format!(
            "stream {id}: hole at clusters {hole:?}, but not sparse"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{faults, statistics};
    use crate::volume::disk::{Disk, Lcn};
    use crate::volume::runs::Run;
    use crate::volume::state::{Body, Entry, ROOT, State};

    /// The only file of a volume, and its stream.
    fn parts(state: &State) -> (Entry, u64) {
        let entry = state.find(ROOT, "file").unwrap();
        (entry, state.nodes[&entry.node].streams[""])
    }

    /// A volume with one file of four clusters.
    fn sound() -> State {
        let mut state = State::new(Disk::new(512, 100, Some(3)));
        state.add((ROOT, "file"), Body::Data, 0);
        let (_, id) = parts(&state);
        let (stream, disk) = state.stream(id).unwrap();
        stream.write(disk, 0, &[1; 2048]).unwrap();
        assert_eq!(faults(&state), [""; 0]);
        state
    }

    fn only(state: &State, expected: &str) {
        let found = faults(state).join("; ");
        assert!(
            found.contains(expected),
            "expected \"{expected}\" in \"{found}\""
        );
    }

    #[test]
    fn a_count_without_an_extent_is_found() {
        let mut state = sound();
        state.disk.share(1..2);
        only(&state, "1 clusters from 1 are counted 2 times");
    }

    #[test]
    fn an_extent_without_a_count_is_found() {
        let mut state = sound();
        state.disk.release(3..4);
        only(&state, "from 0 are mapped 1 times");
        let mut state = sound();
        let (_, id) = parts(&state);
        let (stream, _) = state.stream(id).unwrap();
        stream.extents.insert(Run {
            start: 9,
            length: 1,
            value: Lcn(50),
        });
        only(&state, "extent at cluster 9 behind the allocation");
    }

    #[test]
    fn wrong_sizes_and_holes_are_found() {
        let mut state = sound();
        let (_, id) = parts(&state);
        state.stream(id).unwrap().0.valid_data_length = 4000;
        only(&state, "valid 4000, end 2048");
        let mut state = sound();
        let (_, id) = parts(&state);
        let (stream, disk) = state.stream(id).unwrap();
        stream.extents.take(2..3);
        disk.release(2..3);
        only(&state, "hole at clusters 2..3");
    }

    #[test]
    fn a_lost_entry_is_found() {
        let mut state = sound();
        let (entry, id) = parts(&state);
        state.nodes.get_mut(&entry.node).unwrap().links[0].name = "other".to_owned();
        only(&state, "is not an entry of node 1");
        only(&state, "entry \"FILE\" of node 1 leads nowhere");
        state.streams.get_mut(&id).unwrap().name = "other".to_owned();
        only(&state, "\"other\" belongs to nobody");
        only(&state, "stream \"\" of node");
        state.streams.get_mut(&id).unwrap().deleted = true;
        only(&state, "is deleted and still there");
        state.nodes.get_mut(&entry.node).unwrap().links.clear();
        only(&state, "has no name");
    }

    #[test]
    fn limits_are_of_the_accounting() {
        let mut state = sound();
        let (_, id) = parts(&state);
        let (stream, disk) = state.stream(id).unwrap();
        *disk = Disk::new(512, 100, Some(0));
        stream.extents.take(0..4);
        stream.write(disk, 0, &[1; 2048]).unwrap();
        only(&state, "cluster 0 is referenced 1 times, limit 0");
        let (stream, disk) = state.stream(id).unwrap();
        *disk = Disk::new(512, 100, Some(0)).lazy();
        stream.extents.take(0..4);
        stream.write(disk, 0, &[1; 2048]).unwrap();
        disk.settle();
        assert_eq!(faults(&state), [""; 0]);
    }

    #[test]
    fn counts_what_is_shared() {
        let mut state = sound();
        state.disk.share(0..1);
        let numbers = statistics(&state);
        assert_eq!(
            (
                numbers.used_clusters,
                numbers.shared_clusters,
                numbers.references
            ),
            (4, 1, 5)
        );
        assert_eq!(
            (numbers.bytes_shared, numbers.bytes_saved, numbers.files),
            (512, 512, 1)
        );
    }
}
