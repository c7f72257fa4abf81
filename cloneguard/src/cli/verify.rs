//! `cloneguard verify`.

mod show;

use super::entries::trouble;
use super::{EXIT_CODES, End, Trouble, exit, screen};
use cloneguard::journal::{Expectation, Folder, Report, Walk, verify};
use std::io::{self, Write as _};
use std::path::PathBuf;

const HELP: &str = "\
Reads the whole journal in DIR and says what is not as it was written: a changed byte, a frame or segment that
is gone, doubled, moved or brought in, a cut end, numbers that are missing without an explanation, counters that
do not add up. Losses that the driver has counted are told, and are an error only with --strict.

The chain is not signed. Note the last frame and its hash elsewhere, and ask for them later with --expect:
then whoever wrote the journal anew in between is found out.

Examples:
  cloneguard verify journal
  cloneguard verify journal --json
  cloneguard verify journal --expect 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The journal
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Losses are an error too, even those that the driver has counted
    #[arg(long)]
    strict: bool,
    /// A frame and its hash that must be there
    #[arg(long, value_name = "FRAME:HASH", value_parser = expectation)]
    expect: Option<Expectation>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let walk = Walk::open(Folder::new(&args.directory)).map_err(trouble)?;
    let bar = screen::bytes_bar(walk.byte_count());
    let report = verify(walk, args.expect, |bytes| bar.inc(bytes)).map_err(trouble)?;
    bar.finish_and_clear();
    let is_sound = report.is_sound() && !(args.strict && report.counted_missing() != 0);
    let end = if is_sound { End::Done } else { End::Missing };
    exit::printed(end, print(&report, is_sound, args.json))
}

/// Prints the report.
fn print(report: &Report, is_sound: bool, is_json: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if is_json {
        cloneguard::json::write_line(&mut out, &show::json(report, is_sound))?;
    } else {
        for line in show::lines(report, is_sound) {
            writeln!(out, "{}", cloneguard::table::printable(&line))?;
        }
    }
    out.flush()
}

/// Reads a frame and its hash.
fn expectation(text: &str) -> Result<Expectation, String> {
    let parsed = || {
        let (frame, digits) = text.split_once(':')?;
        let mut hash = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let pair = str::from_utf8(pair).ok()?;
            // `from_str_radix` would take a sign.
            let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)?;
        }
        let frame = frame.parse().ok()?;
        Some(Expectation { frame, hash })
    };
    parsed()
        .ok_or_else(|| "write the number of a frame, a colon and 64 hexadecimal digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::expectation;

    #[test]
    fn a_frame_and_a_hash_are_read_and_nothing_else() {
        let digits = "0aFF".repeat(16);
        let read = expectation(&format!("17:{digits}")).unwrap();
        assert_eq!((read.frame, read.hash[0], read.hash[1]), (17, 0x0A, 0xFF));
        let plus = format!("1:+1{}", &digits[2..]);
        for wrong in [
            "",
            "17",
            "17:",
            &digits,
            "x:00",
            &plus,
            &format!("1:{digits}00"),
        ] {
            assert!(expectation(wrong).is_err(), "{wrong}");
        }
    }
}
