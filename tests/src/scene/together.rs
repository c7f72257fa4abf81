//! Requests of several threads at once.

use crate::ask::Ask;
use crate::stage::{Answer, Control, Trouble};
use crate::trace::{Passage, Sent};

use super::{Done, Scene};

impl Scene<'_> {
    /// Sends each request so many times, each from a thread of its own and all at once. They must be
    /// such that their order makes no difference, and have the same numbers, because the driver's
    /// records come in any order.
    ///
    /// # Errors
    /// Skips where the stage cannot carry them.
    pub fn send_together(&mut self, asks: &[Ask], times: usize) -> Done {
        let sizes = self.sizes();
        let send = |ask: &Ask| -> Result<Vec<Answer>, Trouble> {
            let input = ask.input();
            let control = Control {
                to: ask.to.raw,
                code: ask.code,
                input: input.as_deref(),
                output: ask.output,
                carriage: ask.carriage,
            };
            let (_, actor) = &self.actors[ask.by.0];
            (0..times).map(|_| actor.control(&control)).collect()
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let start = |ask| scope.spawn(move || send(ask));
            let threads: Vec<_> = asks.iter().map(start).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join();
            threads.into_iter().map(join).collect()
        });
        let expect = self.case.expect;
        for (ask, answers) in asks.iter().zip(answers) {
            let died = |_| Trouble::Failed("a thread of the case ended early".to_owned());
            for answer in answers.map_err(died)?? {
                self.judge("one of many requests", ask, &expect, &answer);
                self.apply(ask, &expect, answer.status);
                let who = self.actors[ask.by.0].0;
                self.run.sent.push(Sent {
                    ask: ask.clone(),
                    who,
                    expect,
                    answer,
                });
            }
        }
        // Which of them arrived last is chance; how many, is not.
        let passage = self.arrivals()?.map(|arrivals| Passage {
            count: arrivals.count,
            is_untouched: false,
        });
        self.look("after many requests", (None, passage), &sizes);
        Ok(())
    }
}
