//! The way from a file to all that it is joined with: each file once, by the shortest way.

use std::collections::{HashMap, HashSet, VecDeque};

/// A file that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) file: usize,
    /// The edge by which.
    pub(super) edge: usize,
    /// The file before it, by its place in the list; none for the root.
    pub(super) parent: Option<usize>,
    pub(super) depth: usize,
}

/// All files that edges join to a root, each before those that it leads to.
pub(super) fn reach(root: usize, edges: &[(usize, usize)]) -> Vec<Found> {
    let mut neighbours: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (edge, (source, target)) in edges.iter().enumerate() {
        for (from, to) in [(source, target), (target, source)] {
            neighbours.entry(*from).or_default().push((edge, *to));
        }
    }
    let mut seen = HashSet::from([root]);
    let mut by_distance: Vec<Found> = Vec::new();
    let mut open = VecDeque::from([(root, None, 1)]);
    while let Some((from, parent, depth)) = open.pop_front() {
        for (edge, file) in neighbours.remove(&from).unwrap_or_default() {
            if seen.insert(file) {
                open.push_back((file, Some(by_distance.len()), depth + 1));
                by_distance.push(Found {
                    file,
                    edge,
                    parent,
                    depth,
                });
            }
        }
    }
    in_order(&by_distance)
}

/// The same, with what a file leads to directly behind it.
fn in_order(by_distance: &[Found]) -> Vec<Found> {
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (place, found) in by_distance.iter().enumerate().rev() {
        children.entry(found.parent).or_default().push(place);
    }
    // The last one is taken first, and that is the one found first.
    let mut open = vec![];
    let mut ordered = Vec::new();
    let mut descend = |place: Option<usize>, here: Option<usize>, open: &mut Vec<_>| {
        let below = children.remove(&place).unwrap_or_default();
        open.extend(below.into_iter().map(|child| (child, here)));
    };
    descend(None, None, &mut open);
    while let Some((place, parent)) = open.pop() {
        let Some(found) = by_distance.get(place) else {
            continue;
        };
        descend(Some(place), Some(ordered.len()), &mut open);
        ordered.push(Found { parent, ..*found });
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::reach;

    #[test]
    fn every_file_is_reached_once_by_the_shortest_way() {
        let edges = [
            (1, 2),
            (3, 1),
            (2, 4),
            (4, 3),
            (5, 6),
            (1, 1),
            (4, 7),
            (2, 8),
        ];
        let found = reach(1, &edges);
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.file, found.edge, found.parent, found.depth))
            .collect();
        let expected = [
            (2, 0, None, 1),
            (4, 2, Some(0), 2),
            (7, 6, Some(1), 3),
            (8, 7, Some(0), 2),
            (3, 1, None, 1),
        ];
        assert_eq!(found, expected);
        assert!(reach(9, &edges).is_empty());
    }
}
