//! Sending a request, and all that is looked at around it.

use crate::ask::Ask;
use crate::expect::{Expect, passes};
use crate::stage::{Answer, Arrivals, Carriage, Control, Sizes, Trouble};
use crate::status::{SUCCESS, Status};
use crate::trace::{File, Passage, Sent, Snapshot, Step, compare, snapshot, way_down};
use crate::windows::{DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX};

use super::{Done, FileRef, Scene, Stop, unsigned};

impl Scene<'_> {
    /// Sends the request that the case is about.
    ///
    /// # Errors
    /// Skips where the stage cannot carry it.
    pub fn send(&mut self, ask: Ask) -> Done {
        self.send_expecting(ask, self.case.expect)
    }

    /// Sends a good request that prepares something: it succeeds and fires nothing.
    ///
    /// # Errors
    /// Skips where the stage cannot carry it.
    pub fn prepare(&mut self, ask: Ask) -> Done {
        self.send_expecting(ask, passes(SUCCESS))
    }

    /// Sends a request of which something else is expected.
    ///
    /// # Errors
    /// Skips where the stage cannot carry it.
    pub fn send_expecting(&mut self, ask: Ask, expect: Expect) -> Done {
        let what = format!("request {}", self.run.sent.len() + 1);
        let (sizes, before) = (self.sizes(), self.arrivals()?);
        let untouched = expect.is_refused(self.mode).then(|| self.snapshots());
        let (who, actor) = &self.actors[ask.by.0];
        let (who, input) = (*who, ask.input());
        let control = Control {
            to: ask.to.raw,
            code: ask.code,
            input: input.as_deref(),
            output: ask.output,
            carriage: ask.carriage,
        };
        let answer = actor.control(&control)?;
        let after = self.arrivals()?;
        let passage = after.map(|after| Passage::of(&control, &after));
        if let (Some(before), Some(after)) = (before, passage) {
            let (is_refused, ways) = (expect.is_refused(self.mode), (before.count, after));
            let fault = way_down((&expect, is_refused), ask.carriage, ways);
            self.run
                .faults
                .extend(fault.map(|fault| format!("{what}: {fault}")));
        }
        self.judge(&what, &ask, &expect, &answer);
        if let Some(untouched) = untouched {
            self.refuse_spoilt(&what, &untouched);
        }
        self.apply(&ask, &expect, answer.status);
        self.look(&what, (Some(answer.clone()), passage), &sizes);
        self.run.sent.push(Sent {
            ask,
            who,
            expect,
            answer,
        });
        Ok(())
    }

    /// What arrived at the case's volume until now; nothing where the stage has no way to see that.
    pub(super) fn arrivals(&self) -> Result<Option<Arrivals>, Stop> {
        match self.stage.arrivals(self.volume) {
            Ok(arrivals) => Ok(Some(arrivals)),
            Err(Trouble::Unable(_)) => Ok(None),
            Err(trouble @ Trouble::Failed(_)) => Err(trouble.into()),
        }
    }

    /// Holds the answer against what is expected.
    pub(super) fn judge(&mut self, what: &str, ask: &Ask, expect: &Expect, answer: &Answer) {
        let expected = expect.status(self.mode);
        if answer.status != expected {
            let fault = format!("{what}: ended with {}, not {expected}", answer.status);
            self.run.faults.push(fault);
        }
        let is_empty = answer.information == 0 && answer.output.is_empty();
        if is_clone(ask.code) && !is_empty {
            let fault = format!(
                "{what}: Information {} and {} bytes of output, where there are none",
                answer.information,
                answer.output.len()
            );
            self.run.faults.push(fault);
        }
    }

    /// Every file as it is.
    fn snapshots(&self) -> Vec<Snapshot> {
        self.files.iter().map(snapshot).collect()
    }

    /// A refused request leaves every file as it was. The oracle, which follows the case's side of a dispute, is not asked.
    fn refuse_spoilt(&mut self, what: &str, before: &[Snapshot]) {
        let after = self.snapshots();
        let files = self.files.iter().zip(before.iter().zip(&after));
        let spoilt = files.filter(|(_, (before, after))| before != after);
        let describe = |(file, _): (&File, _)| {
            format!(
                "{what}: {}: it was refused and has changed the file",
                file.path
            )
        };
        self.run.spoilt.extend(spoilt.map(describe));
    }

    /// Does to the oracle what the request did to the files.
    pub(super) fn apply(&mut self, ask: &Ask, expect: &Expect, status: Status) {
        let has_structure = match ask.carriage {
            Carriage::Usual | Carriage::Posted | Carriage::AtApcLevel | Carriage::KernelCall => {
                true
            }
            Carriage::WithoutBuffer(_) | Carriage::VerifyVolume => false,
        };
        let (Some(FileRef(from)), Some(FileRef(to))) = (ask.from.file, ask.to.file) else {
            return;
        };
        if !is_clone(ask.code) || !has_structure {
            return;
        }
        let (source, target, count) = ask.range;
        let count = match expect.cloned {
            _ if expect.is_refused(self.mode) => 0,
            Some(bytes) => bytes,
            None if status.is_success() => unsigned(count),
            None => 0,
        };
        if count > 0 {
            let brought = self.files[from].content.clone();
            let range = (unsigned(source), unsigned(target), count);
            self.files[to].content.copy(&brought, range);
        }
    }

    pub(super) fn sizes(&self) -> Vec<Result<Sizes, Status>> {
        self.files.iter().map(|file| file.owned.sizes()).collect()
    }

    /// Compares every file with its oracle, and its sizes with those before.
    pub(super) fn look(
        &mut self,
        what: &str,
        (answer, passage): (Option<Answer>, Option<Passage>),
        before: &[Result<Sizes, Status>],
    ) {
        let mut files = Vec::new();
        for (file, before) in self.files.iter().zip(before) {
            match compare(file, before) {
                Ok(seen) => files.push(seen),
                Err(fault) => {
                    let fault = format!("{what}: {}: {fault}", file.path);
                    self.run.faults.push(fault);
                }
            }
        }
        self.run.steps.push(Step {
            answer,
            passage,
            files,
        });
    }
}

const fn is_clone(code: u32) -> bool {
    matches!(code, DUPLICATE_EXTENTS | DUPLICATE_EXTENTS_EX)
}
