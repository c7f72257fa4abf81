//! Makes a failing script smaller: steps are taken out, then requests made plainer, as long as it fails.

use super::script::{Carriage, Length, Number, Request, Script, Source, Step};

/// No more runs than this; a script has a few hundred steps at most.
const TRIES: usize = 2000;

/// The smallest script that was found, and how it fails. `fails` runs a script.
pub(super) fn shrink(
    script: Script,
    failure: String,
    fails: &mut dyn FnMut(&Script) -> Option<String>,
) -> (Script, String) {
    let mut best = (script, failure);
    let mut left = TRIES;
    let mut attempt = |candidate: Script, best: &mut (Script, String)| {
        if left == 0 {
            return false;
        }
        left -= 1;
        let failure = fails(&candidate);
        failure.is_some_and(|failure| {
            *best = (candidate, failure);
            true
        })
    };
    drop_steps(&mut best, &mut attempt);
    for number in 0..best.0.steps.len() {
        for plainer in PLAINER {
            let mut candidate = best.0.clone();
            let Step::Send(request) = &mut candidate.steps[number] else {
                break;
            };
            if plainer(request) {
                attempt(candidate, &mut best);
            }
        }
    }
    for volume in 0..best.0.volumes.len() {
        for switch in (0..best.0.volumes[volume].switches.len()).rev() {
            let mut candidate = best.0.clone();
            candidate.volumes[volume].switches.remove(switch);
            attempt(candidate, &mut best);
        }
    }
    drop_steps(&mut best, &mut attempt);
    best
}

/// Takes out ever shorter runs of steps, from the end, until no single one can go.
fn drop_steps(
    best: &mut (Script, String),
    attempt: &mut dyn FnMut(Script, &mut (Script, String)) -> bool,
) {
    let mut length = best.0.steps.len().div_ceil(2);
    while length > 0 {
        let mut end = best.0.steps.len();
        let mut shorter = false;
        while end > 0 {
            let start = end.saturating_sub(length);
            let mut candidate = best.0.clone();
            candidate.steps.drain(start..end);
            shorter |= attempt(candidate, best);
            end = start;
        }
        if length > 1 || !shorter {
            length /= 2;
        }
    }
}

/// Ways to make a request plainer; each says whether it changed something.
const PLAINER: [fn(&mut Request) -> bool; 10] = [
    |request| replace(&mut request.carriage, Carriage::default()),
    |request| replace(&mut request.impersonates, false),
    |request| replace(&mut request.flags, 0),
    |request| replace(&mut request.output, 0),
    |request| replace(&mut request.length, Length::Exact),
    |request| replace(&mut request.size, None),
    |request| replace(&mut request.source, Source::Raw(0)),
    |request| replace(&mut request.source_offset, Number::clusters(0)),
    |request| replace(&mut request.target_offset, Number::clusters(0)),
    |request| replace(&mut request.count, Number::clusters(1)),
];

fn replace<T: PartialEq>(field: &mut T, value: T) -> bool {
    if *field == value {
        return false;
    }
    *field = value;
    true
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::property::Mode;
    use crate::property::generate::draw_script;
    use crate::property::script::{Script, Step};
    use crate::property::volume::Answers;

    /// A fault that needs one request with a size and a change before it.
    fn fails(script: &Script) -> Option<String> {
        let sized = |step: &Step| matches!(step, Step::Send(request) if request.size.is_some());
        let at = script.steps.iter().position(sized)?;
        let mut before = script.steps[..at].iter();
        before
            .any(|step| matches!(step, Step::Change { .. }))
            .then(|| "found".to_owned())
    }

    #[test]
    fn what_is_left_is_what_is_needed() {
        let answers = Answers {
            mode: Mode::Observe,
            forced: None,
        };
        let mut scripts = (0..50).map(|seed| draw_script(seed, &answers));
        let script = scripts.find(|script| fails(script).is_some()).unwrap();
        let (small, _) = shrink(script, "found".to_owned(), &mut |script| fails(script));
        assert_eq!(small.steps.len(), 2, "{small}");
        assert!(matches!(small.steps[0], Step::Change { .. }), "{small}");
        assert!(matches!(small.steps[1], Step::Send(_)), "{small}");
    }
}
