//! Matching a name against a pattern, in work that is bounded by the product of their lengths.
//!
//! A pattern is literal units, `?` (one unit but no separator), `*` (any run without a separator)
//! and `**` (any run). The name is what a program chose, so the tempting recursion over the
//! wildcards, which is exponential, is not an option. Two places to return to are enough:
//!
//! - *The last `*`.* When a later `*` is reached, an earlier one need not grow any more: what the
//!   earlier one could still swallow has no separator in it, so the later one can swallow it too.
//! - *The last `**`.* It swallows anything, so nothing before it is ever tried again. Behind it the
//!   rest is tried at every place of the component where it stands, as behind a `*`; once a separator
//!   has been passed, all places of that component lead to the same one, and the next component is
//!   next. So each component of the pattern meets each component of the name at most once.

use wire::policy::{QUESTION, SEPARATOR, STAR, upcase};
use zerocopy::little_endian::U16;

/// Whether a name fits a pattern. A name that is cut (`is_cut`) may go on in any way; `None` if the
/// answer depends on how.
pub(super) fn fits(pattern: &[U16], name: &[u16], is_cut: bool) -> Option<bool> {
    let mut search = Search::new(pattern, name);
    loop {
        match search.step() {
            Step::On => {}
            Step::Fits => return Some(true),
            Step::Differs => return Some(false),
            Step::FitsAtEnd | Step::DiffersAtEnd if is_cut => return None,
            Step::FitsAtEnd => return Some(true),
            Step::DiffersAtEnd => return Some(false),
        }
    }
}

/// A place in the pattern and one in the name: what lies before them fits.
#[derive(Clone, Copy)]
struct Place {
    pattern: usize,
    name: usize,
}

impl Place {
    /// The place behind so many units of the pattern and of the name.
    const fn after(self, pattern: usize, name: usize) -> Self {
        Self {
            pattern: self.pattern.saturating_add(pattern),
            name: self.name.saturating_add(name),
        }
    }
}

/// A match under way.
struct Search<'a> {
    pattern: &'a [U16],
    name: &'a [u16],
    at: Place,
    /// Behind the last `*`, or the last `**` in the component where it stands.
    star: Option<Place>,
    /// Behind the last `**`.
    run: Option<Place>,
}

/// What one step found out.
enum Step {
    /// Nothing yet.
    On,
    /// The name fits, whatever may follow its units.
    Fits,
    /// The name does not fit, whatever may follow its units.
    Differs,
    /// The units are used up, and they fit if nothing follows.
    FitsAtEnd,
    /// The units are used up, and they do not fit if nothing follows.
    DiffersAtEnd,
}

impl<'a> Search<'a> {
    /// A match at its beginning.
    const fn new(pattern: &'a [U16], name: &'a [u16]) -> Self {
        Self {
            pattern,
            name,
            at: Place {
                pattern: 0,
                name: 0,
            },
            star: None,
            run: None,
        }
    }

    /// Takes one unit of the pattern, or goes back to a wildcard.
    fn step(&mut self) -> Step {
        let wanted = self.wanted(0);
        if wanted == Some(STAR) && self.wanted(1) == Some(STAR) {
            self.at = self.at.after(2, 0);
            if self.wanted(0).is_none() {
                return Step::Fits;
            }
            self.run = Some(self.at);
            self.star = Some(self.at);
            return Step::On;
        }
        if wanted == Some(STAR) {
            self.at = self.at.after(1, 0);
            self.star = Some(self.at);
            return Step::On;
        }
        let Some(unit) = self.name.get(self.at.name).copied() else {
            // No place to return to helps: from there even fewer units would be left.
            return match wanted {
                Some(_) => Step::DiffersAtEnd,
                None => Step::FitsAtEnd,
            };
        };
        let is_met = match wanted {
            Some(QUESTION) => unit != SEPARATOR,
            Some(literal) => upcase(unit) == literal,
            None => false,
        };
        if !is_met {
            return self.go_back();
        }
        self.at = self.at.after(1, 1);
        Step::On
    }

    /// The unit of the pattern that is so many units ahead.
    fn wanted(&self, ahead: usize) -> Option<u16> {
        let place = self.at.pattern.checked_add(ahead)?;
        self.pattern.get(place).map(|unit| unit.get())
    }

    /// Lets the last wildcard that still can swallow more.
    fn go_back(&mut self) -> Step {
        let unit = |place: Place| self.name.get(place.name).copied();
        if let Some(star) = self.star
            && unit(star).is_some_and(|unit| unit != SEPARATOR)
        {
            self.at = star.after(0, 1);
            self.star = Some(self.at);
            return Step::On;
        }
        let Some(run) = self.run else {
            return Step::Differs;
        };
        let rest = self.name.get(run.name..).unwrap_or(&[]);
        let Some(separator) = rest.iter().position(|unit| *unit == SEPARATOR) else {
            return Step::DiffersAtEnd;
        };
        self.at = run.after(0, separator.saturating_add(1));
        self.run = Some(self.at);
        self.star = Some(self.at);
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps until the answer, and whether it is that the name fits.
    fn count(pattern: &str, name: &[u16]) -> (usize, bool) {
        let mut units = [U16::ZERO; 64];
        let places = units.iter_mut().zip(pattern.encode_utf16());
        let length = places.map(|(place, unit)| place.set(unit)).count();
        let mut search = Search::new(&units[..length], name);
        for steps in 1.. {
            match search.step() {
                Step::On => {}
                Step::Fits | Step::FitsAtEnd => return (steps, true),
                Step::Differs | Step::DiffersAtEnd => return (steps, false),
            }
        }
        (0, false)
    }

    #[test]
    fn no_name_makes_a_match_take_more_steps_than_the_product_of_the_lengths() {
        let long = [0x41; 4000];
        let mut deep = [0x41; 4000];
        deep.iter_mut()
            .step_by(2)
            .for_each(|unit| *unit = SEPARATOR);
        for pattern in [
            r"\**A*A*A*A*A*A*A*A*B",
            r"\**A**A**A**A**A**B",
            r"\**\A*\A*\A*\A*\A*\B",
            r"\**\*A*\*A*\**\*A*\*B",
            r"**A?A?A?A?A?A?A?A?B",
        ] {
            for name in [&long[..], &deep[..]] {
                let (steps, is_fit) = count(pattern, name);
                assert!(!is_fit, "{pattern}");
                assert!(steps <= 4000 * pattern.len(), "{pattern}: {steps}");
            }
        }
    }
}
