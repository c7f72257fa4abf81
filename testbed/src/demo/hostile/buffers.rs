//! Attempts that differ in the input: its length, its fields, what is around it.

use anyhow::Result;
use testbed::status::{STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED};

use super::{Attempt, Bench, CLUSTER, FILE_BYTES, GOOD, range};
use crate::demo::sent::{Form, Source};

/// An offset or a count whose sum with a cluster passes the largest signed number, and that is aligned.
const NEAR_END: i64 = i64::MAX - (CLUSTER - 1);

impl Bench<'_> {
    /// Sends all of them.
    pub(super) fn buffers(&mut self) -> Result<()> {
        let mut attempts = self.malformed();
        attempts.extend(self.arithmetic());
        attempts.extend(self.tolerated());
        self.send_all(attempts)
    }

    /// Buffers that are no request.
    fn malformed(&self) -> Vec<Attempt> {
        let length = self.good("").input.len();
        let mut attempts = vec![
            self.cut("no input at all", 0),
            self.cut("one byte short", length - 1),
        ];
        if self.form == Form::Ex64 {
            attempts.push(self.cut("a 64-bit caller sends the 32-bit structure", 0x28));
            attempts.push(self.cut("the EX code with the plain structure", 0x20));
        }
        for size in [0, 0x20, 0x28, 0x30, 0x38] {
            attempts.extend(self.with_size(size));
        }
        if self.caller.sender().is_kernel {
            attempts.push(Attempt {
                input: Vec::new(),
                claimed_input: u32::try_from(length).ok(),
                ..self
                    .unread("a length without a buffer")
                    .noting(&[2])
                    .ending(STATUS_INVALID_PARAMETER)
            });
        }
        attempts
    }

    /// The first bytes of the good input.
    fn cut(&self, what: &str, length: usize) -> Attempt {
        let mut attempt = self
            .unread(what)
            .noting(&[1])
            .ending(STATUS_BUFFER_TOO_SMALL);
        attempt.input.truncate(length);
        attempt
    }

    /// A request of which the driver cannot read the fields.
    fn unread(&self, what: &str) -> Attempt {
        Attempt {
            claim: None,
            source: Source::Unread,
            ..self.good(what)
        }
    }

    /// A Size field that is not the structure's.
    fn with_size(&self, size: u64) -> Option<Attempt> {
        let mut claim = self.form.claim(GOOD, 0);
        let real = claim.ex_size.filter(|&real| real != size)?;
        claim.ex_size = Some(size);
        Some(Attempt {
            input: self.form.bytes(self.source, &claim),
            claim: Some(claim),
            ..self
                .good(format!("Size says {size:#x}, not {real:#x}"))
                .noting(&[3])
                .ending(STATUS_NOT_SUPPORTED)
        })
    }

    /// Ranges that do not exist.
    fn arithmetic(&self) -> Vec<Attempt> {
        let end = i64::try_from(FILE_BYTES).unwrap_or(i64::MAX);
        let bad = |what, range, rules: &[u8]| {
            self.with_range(what, range)
                .noting(rules)
                .ending(STATUS_INVALID_PARAMETER)
        };
        let past_source = |what, range| {
            self.with_range(what, range)
                .noting(&[50])
                .ending(STATUS_NOT_SUPPORTED)
        };
        vec![
            bad("negative source", range(-CLUSTER, 0, CLUSTER), &[10]),
            bad("negative target", range(0, -CLUSTER, CLUSTER), &[11]),
            bad("negative count", range(0, 0, -CLUSTER), &[12]),
            bad("smallest number", range(i64::MIN, 0, CLUSTER), &[10]),
            bad("source end overflows", range(NEAR_END, 0, CLUSTER), &[13]),
            bad("target end overflows", range(0, NEAR_END, CLUSTER), &[14]),
            bad("unaligned source", range(512, 0, CLUSTER), &[20]),
            bad("unaligned target", range(0, 1, CLUSTER), &[21]),
            bad("unaligned count", range(0, 0, CLUSTER - 1), &[22]),
            bad(
                "nearly everything wrong",
                range(-1, i64::MAX, 1),
                &[20, 21, 22, 10, 14],
            ),
            // The Win32 page on block cloning sets the limit and names no status; this is the model's.
            bad("4 GiB at once", range(0, 0, 1 << 32), &[15, 50, 51]),
            bad("nearly 8 EiB at once", range(0, 0, NEAR_END), &[15, 50, 51]),
            past_source("behind the end of the source", range(end, 0, CLUSTER)),
            past_source(
                "across the end of the source",
                range(end - CLUSTER, 0, 2 * CLUSTER),
            ),
        ]
    }

    /// Odd, and legal.
    fn tolerated(&self) -> Vec<Attempt> {
        let end = i64::try_from(FILE_BYTES).unwrap_or(i64::MAX);
        let mut trailing = self.good("trailing bytes").noting(&[4]);
        trailing.input.extend([0xCC; 8]);
        let mut attempts = vec![
            self.with_range("zero count", range(0, 0, 0)).noting(&[16]),
            Attempt {
                output_length: 64,
                ..self.good("output buffer").noting(&[4])
            },
            trailing,
            // smbtorture dup_extents_len_beyond_dest: what lies behind the end is dropped.
            self.with_range("behind the end of the target", range(0, end, CLUSTER))
                .noting(&[51]),
        ];
        if self.form.claim(GOOD, 0).ex_flags.is_some() {
            for (what, flags, rules) in [
                ("unknown flags", 0xFFFF_FFFC, &[30][..]),
                ("asynchronous", 2, &[31]),
                ("all or nothing", 1, &[32]),
                ("all flags", u32::MAX, &[30, 31, 32]),
            ] {
                let claim = self.form.claim(GOOD, flags);
                attempts.push(Attempt {
                    input: self.form.bytes(self.source, &claim),
                    claim: Some(claim),
                    ..self.good(what).noting(rules)
                });
            }
        }
        attempts
    }
}
