//! The counts that the repository keeps, so that a change that costs is seen when it is made.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use console::style;

use crate::cost::{self, RequestCost};
use crate::growth;
use crate::operation::Operation;
use crate::rig::{Filter, Images};

/// By how many parts of a hundred a count may rise or fall: another version of the compiler moves it a little.
const TOLERANCE: u64 = 3;

/// What is kept of one kind of request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Row {
    operation: String,
    instructions: u64,
    calls: u64,
    allocated: u64,
}

impl Row {
    fn of(cost: &RequestCost) -> Self {
        Self {
            operation: cost.operation.name().to_owned(),
            instructions: cost.instructions,
            calls: cost.calls.values().sum(),
            allocated: cost.allocated,
        }
    }

    /// What of it is not as it was, in words.
    fn changes(&self, kept: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let far = kept.instructions.saturating_mul(TOLERANCE) / 100;
        if self.instructions.abs_diff(kept.instructions) > far {
            changes.push(format!(
                "{} instructions, were {}",
                self.instructions, kept.instructions
            ));
        }
        if self.calls != kept.calls {
            changes.push(format!("{} calls, were {}", self.calls, kept.calls));
        }
        if self.allocated != kept.allocated {
            changes.push(format!("{} bytes, were {}", self.allocated, kept.allocated));
        }
        changes
    }
}

/// Counts, and compares or keeps.
pub(crate) fn check(images: &Images, path: &Path, accept: bool) -> Result<()> {
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        let cost = cost::of(images, operation, Filter::CloneGuard, &operation.setting())?;
        rows.push(Row::of(&cost));
    }
    if accept {
        let mut text = serde_json::to_string_pretty(&rows)?;
        text.push('\n');
        return fs::write(path, text)
            .with_context(|| format!("{} cannot be written", path.display()));
    }
    let kept = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let kept: Vec<Row> = serde_json::from_slice(&kept)
        .with_context(|| format!("{} is no table of costs", path.display()))?;
    let (lines, changed) = compare(&rows, &kept);
    println!("{}", lines.join("\n"));
    ensure!(changed == 0, "{}", how_to_accept(path));
    growth::check(images)
}

/// A line for each kind of request, and how much has changed.
fn compare(rows: &[Row], kept: &[Row]) -> (Vec<String>, usize) {
    let mut changed = 0;
    let mut lines = Vec::new();
    for row in rows {
        let same = kept.iter().find(|kept| kept.operation == row.operation);
        let changes = same.map_or_else(|| vec!["is new".to_owned()], |kept| row.changes(kept));
        changed += changes.len();
        let verdict = if changes.is_empty() {
            style("ok".to_owned()).green()
        } else {
            style(changes.join("; ")).red()
        };
        lines.push(format!(
            "{:26} {:>6} instructions  {verdict}",
            row.operation, row.instructions
        ));
    }
    (lines, changed)
}

fn how_to_accept(path: &Path) -> String {
    format!(
        "the cost of requests has changed by more than {TOLERANCE} % (calls and bytes: at all). If that is meant, run ./dev \
         bench --accept and commit {}",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(instructions: u64, calls: u64, allocated: u64) -> Row {
        Row {
            operation: "clone".to_owned(),
            instructions,
            calls,
            allocated,
        }
    }

    #[test]
    fn a_little_more_is_no_change_and_much_more_is() {
        let kept = row(1000, 7, 64);
        assert_eq!(row(1030, 7, 64).changes(&kept), Vec::<String>::new());
        assert_eq!(row(970, 7, 64).changes(&kept), Vec::<String>::new());
        assert_eq!(
            row(1031, 7, 64).changes(&kept),
            ["1031 instructions, were 1000"]
        );
        assert_eq!(
            row(969, 7, 64).changes(&kept),
            ["969 instructions, were 1000"]
        );
    }

    #[test]
    fn a_kind_of_request_that_is_not_kept_is_a_change() {
        let (lines, changed) = compare(&[row(5, 0, 0)], &[]);
        assert_eq!((lines.len(), changed), (1, 1));
        assert!(lines.concat().contains("is new"), "{lines:?}");
        let (lines, changed) = compare(&[row(5, 0, 0)], &[row(5, 0, 0)]);
        assert_eq!(changed, 0, "{lines:?}");
        assert!(how_to_accept(Path::new("costs.json")).contains("./dev bench --accept"));
    }

    #[test]
    fn a_call_or_a_byte_more_is_a_change() {
        let kept = row(1000, 7, 64);
        assert_eq!(row(1000, 8, 64).changes(&kept), ["8 calls, were 7"]);
        assert_eq!(row(1000, 7, 63).changes(&kept), ["63 bytes, were 64"]);
    }
}
