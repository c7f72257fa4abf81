//! The checks as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Check, State};

/// A line for each check, with what to do below it, and a summary.
pub(crate) fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Good => "ok",
            State::Advice => "advice",
            State::Needed => "NEEDED",
            State::Unknown => "UNKNOWN",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{state:<8} {:<17} {}", check.id.name(), check.found);
        for (step, number) in check.mend.iter().zip(1..) {
            let _ = writeln!(text, "         {number}. {step}");
        }
    }
    let open: Vec<&str> = in_the_way(checks).map(|check| check.id.name()).collect();
    text.push_str(&if open.is_empty() {
        "\nready; nothing was changed\n".to_owned()
    } else {
        format!(
            "\nnot ready, and nothing was changed; to mend, in this order: {}\n",
            open.join(", ")
        )
    });
    text
}

/// One document.
pub(crate) fn json(checks: &[Check]) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'a> {
        ready: bool,
        checks: &'a [Check],
    }
    serde_json::to_string_pretty(&Document {
        ready: in_the_way(checks).next().is_none(),
        checks,
    })
}

fn in_the_way(checks: &[Check]) -> impl Iterator<Item = &Check> {
    checks.iter().filter(|check| check.is_in_the_way())
}
