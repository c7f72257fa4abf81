//! Scripts as bytes: what a fuzzer changes and a corpus keeps.
//!
//! Every input is a script: what is missing at its end is zero, and a number that is too large is taken modulo what
//! there is. What [`write`] writes [`read`] reads again. A byte stands for a choice, so that a changed byte changes
//! one thing.

use super::act::{Act, Block, Odd, Reply};
use super::bounds::{VOLUMES, bounded};
use super::script::{
    Base, Carriage, Change, Drive, Kind, Length, Minor, Number, Request, Script, Source, Step,
    VolumePlan, What, Who,
};
use super::volume::{CLUSTERS, allowed};

/// Steps that are read: enough for any story, and done in milliseconds.
pub(super) const STEPS_MAX: usize = 240;
/// Bytes that one step carries, a policy for instance.
const BYTES_MAX: usize = 1 << 11;

/// The script that some bytes are.
pub(super) fn read(bytes: &[u8]) -> Script {
    let mut input = Input(bytes);
    let main = Who::read(&mut input);
    let volumes = (0..VOLUMES).map(|_| VolumePlan::read(&mut input)).collect();
    let mut steps = Vec::new();
    while !input.0.is_empty() && steps.len() < STEPS_MAX {
        steps.push(bounded(Step::read(&mut input)));
    }
    Script {
        seed: 0,
        main,
        volumes,
        steps,
    }
}

/// The bytes of a script.
pub(super) fn write(script: &Script) -> Vec<u8> {
    let mut output = Vec::new();
    script.main.write(&mut output);
    for volume in &script.volumes {
        volume.write(&mut output);
    }
    for step in script.steps.iter().take(STEPS_MAX) {
        step.write(&mut output);
    }
    output
}

/// What is left of an input.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn index(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// A little-endian number of up to eight bytes.
    fn number(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |number, place| {
            number | u64::from(self.byte()) << (8 * place)
        })
    }
}

/// What has a form in bytes.
trait Coded: Sized {
    fn read(input: &mut Input<'_>) -> Self;
    fn write(&self, output: &mut Vec<u8>);
}

impl Coded for bool {
    fn read(input: &mut Input<'_>) -> Self {
        input.byte() & 1 == 1
    }

    fn write(&self, output: &mut Vec<u8>) {
        output.push(u8::from(*self));
    }
}

impl Coded for u8 {
    fn read(input: &mut Input<'_>) -> Self {
        input.byte()
    }

    fn write(&self, output: &mut Vec<u8>) {
        output.push(*self);
    }
}

/// A byte says how many follow.
impl Coded for u64 {
    fn read(input: &mut Input<'_>) -> Self {
        let bytes = input.index(9);
        input.number(bytes)
    }

    fn write(&self, output: &mut Vec<u8>) {
        let bytes = self.to_le_bytes();
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        output.push((bytes.len() - zeros) as u8);
        output.extend(&bytes[..bytes.len() - zeros]);
    }
}

/// As the unsigned number of which every second one is negative: small ones are short.
impl Coded for i64 {
    fn read(input: &mut Input<'_>) -> Self {
        let folded = u64::read(input);
        (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
    }

    fn write(&self, output: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().write(output);
    }
}

impl Coded for u32 {
    fn read(input: &mut Input<'_>) -> Self {
        u64::read(input) as Self
    }

    fn write(&self, output: &mut Vec<u8>) {
        u64::from(*self).write(output);
    }
}

/// Lengths and indices.
impl Coded for usize {
    fn read(input: &mut Input<'_>) -> Self {
        usize::from(input.byte())
    }

    fn write(&self, output: &mut Vec<u8>) {
        output.push(*self as u8);
    }
}

impl Coded for Vec<u8> {
    fn read(input: &mut Input<'_>) -> Self {
        let length = input.number(2) as usize % (BYTES_MAX + 1);
        let (bytes, rest) = input.0.split_at(length.min(input.0.len()));
        input.0 = rest;
        bytes.to_vec()
    }

    fn write(&self, output: &mut Vec<u8>) {
        let bytes = &self[..self.len().min(BYTES_MAX)];
        output.extend((bytes.len() as u16).to_le_bytes());
        output.extend(bytes);
    }
}

impl<T: Coded> Coded for Option<T> {
    fn read(input: &mut Input<'_>) -> Self {
        bool::read(input).then(|| T::read(input))
    }

    fn write(&self, output: &mut Vec<u8>) {
        self.is_some().write(output);
        if let Some(value) = self {
            value.write(output);
        }
    }
}

impl<T: Coded> Coded for Box<T> {
    fn read(input: &mut Input<'_>) -> Self {
        Self::new(T::read(input))
    }

    fn write(&self, output: &mut Vec<u8>) {
        (**self).write(output);
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn read(input: &mut Input<'_>) -> Self {
        (A::read(input), B::read(input))
    }

    fn write(&self, output: &mut Vec<u8>) {
        self.0.write(output);
        self.1.write(output);
    }
}

/// Structures, field by field.
macro_rules! structures {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Coded for $name {
            fn read(input: &mut Input<'_>) -> Self {
                Self { $($field: Coded::read(input)),* }
            }

            fn write(&self, output: &mut Vec<u8>) {
                $(self.$field.write(output);)*
            }
        }
    )*};
}

/// Enums: a byte for the variant, then its parts.
macro_rules! choices {
    ($($name:ident {
        $($number:literal $variant:ident $(($($part:ident),*))? $({ $($field:ident),* })?,)*
    })*) => {$(
        impl Coded for $name {
            fn read(input: &mut Input<'_>) -> Self {
                const VARIANTS: &[u8] = &[$($number),*];
                match VARIANTS[input.index(VARIANTS.len())] {
                    $($number => {
                        $($(let $part = Coded::read(input);)*)?
                        $($(let $field = Coded::read(input);)*)?
                        Self::$variant $(($($part),*))? $({ $($field),* })?
                    })*
                    _ => unreachable!("the list has every number"),
                }
            }

            fn write(&self, output: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($part),*))? $({ $($field),* })? => {
                        output.push($number);
                        $($($part.write(output);)*)?
                        $($($field.write(output);)*)?
                    })*
                }
            }
        }
    )*};
}

structures! {
    Request {
        who, impersonates, to, code, narrow, source, source_offset, target_offset, count, size, flags, length,
        output, carriage
    }
    Number { base, clusters, bytes }
    Carriage {
        pending, held, at_dispatch, at_apc, posted, top_level, writable, nameless, minor
    }
}

choices! {
    Who { 0 User64, 1 User32, 2 Other64, 3 System, 4 KernelIn64, 5 KernelIn32, }
    Kind { 0 Refs, 1 OldRefs, 2 Ntfs, 3 ThirdParty, }
    Drive { 0 Ordinary, 1 Trusted, 2 Untrusted, }
    Step {
        0 Send(request),
        1 Act(act),
        2 Open { slot, who, what, access, remote },
        3 Close { slot },
        4 Duplicate { from, to, access },
        5 Change { volume, file, change },
        6 Protect { volume, on },
        7 Settle { volume },
        8 Release,
    }
    What {
        0 File(volume, file), 1 Directory(volume), 2 Volume(volume), 3 Pipe, 4 Event, 5 Process, 6 Thread,
        7 Token,
    }
    Change {
        0 Write { at, bytes, fill },
        1 SetEnd(clusters, bytes),
        2 SetAllocation(clusters),
        3 Trim,
        4 Sparse(on),
        5 Integrity(on),
        6 Zero { from, to },
        7 Lock { at, exclusive },
        8 ReadOnlyAttribute,
        9 Delete,
        10 Recreate,
    }
    Source { 0 Slot(slot, flipped), 1 Raw(value), }
    Base {
        0 Zero, 1 SourceEnd, 2 SourceClusters, 3 SourceAllocation, 4 TargetEnd, 5 TargetClusters, 6 FourGiB,
        7 LastStart, 8 Max, 9 Min,
    }
    Length { 0 Exact, 1 Of(length), 2 Null, 3 Claimed(length), }
    Minor { 0 Usual, 1 KernelCall, 2 VerifyVolume, }
    Act {
        0 Nothing,
        1 Store(blob),
        2 Reload,
        3 Join,
        4 Take(reply),
        5 Leave(killed),
        6 Knock(context),
        7 Detach(volume),
        8 Dismount(volume),
        9 Pass(seconds),
        10 Unload,
        11 Stop,
        12 Load,
        13 Fail(number),
        14 ShutDown(at_apc),
        15 Restart,
        16 Spoil(odd),
        17 Block(blocked),
    }
    Odd { 0 Number, 1 Text, 2 Huge, }
    Block { 0 Nothing, 1 Open, 2 Query, }
    Reply { 0 Acknowledged, 1 None, 2 Again, 3 Ahead(by), 4 OtherLoad, 5 Other(bytes), }
}

/// A size and a limit are as one of the generator's, and only answers that such a volume can give are switched.
impl Coded for VolumePlan {
    fn read(input: &mut Input<'_>) -> Self {
        let kind = Kind::read(input);
        Self {
            kind,
            cluster: CLUSTERS[input.index(CLUSTERS.len())],
            capacity: Option::<u8>::read(input).map(|more| 8 + u64::from(more)),
            reference_limit: Option::<u8>::read(input).map(|more| 1 + u32::from(more)),
            drive: Drive::read(input),
            switches: allowed(kind, Vec::read(input)),
        }
    }

    fn write(&self, output: &mut Vec<u8>) {
        self.kind.write(output);
        let size = CLUSTERS.iter().position(|size| *size == self.cluster);
        size.unwrap_or(0).write(output);
        let less = |value: u64, by: u64| value.saturating_sub(by) as u8;
        self.capacity
            .map(|capacity| less(capacity, 8))
            .write(output);
        self.reference_limit
            .map(|limit| less(limit.into(), 1))
            .write(output);
        self.drive.write(output);
        let pairs = self.switches.iter();
        let pairs: Vec<u8> = pairs
            .flat_map(|(switch, value)| [*switch as u8, *value as u8])
            .collect();
        pairs.write(output);
    }
}

#[cfg(test)]
mod tests {
    use super::{STEPS_MAX, read, write};
    use crate::property::Mode;
    use crate::property::draw::Draw;
    use crate::property::generate::{change, draw_eventful, draw_script};
    use crate::property::volume::Answers;

    const ANSWERS: Answers = Answers {
        mode: Mode::Enforce,
        forced: None,
    };

    #[test]
    fn a_script_comes_back_as_it_was_written() {
        for seed in 0..300 {
            let mut script = draw_eventful(seed, &ANSWERS);
            for script in [draw_script(seed, &ANSWERS), script.clone()] {
                let again = read(&write(&script));
                assert_eq!(again.main, script.main);
                assert_eq!(again.to_string(), script.to_string(), "seed {seed}");
            }
            change(&mut script, seed);
            let again = read(&write(&script));
            script.steps.truncate(STEPS_MAX);
            assert_eq!(
                again.to_string(),
                script.to_string(),
                "seed {seed}, changed"
            );
        }
    }

    /// What is read of any bytes is a script that is written and read again the same.
    #[test]
    fn any_bytes_are_a_script() {
        let mut draw = Draw::new(1);
        for _ in 0..2000 {
            let length = draw.index(400);
            let bytes: Vec<u8> = (0..length).map(|_| draw.below(256) as u8).collect();
            let script = read(&bytes);
            assert_eq!(
                read(&write(&script)).to_string(),
                script.to_string(),
                "{bytes:x?}"
            );
        }
        assert!(read(&[]).steps.is_empty());
    }
}
