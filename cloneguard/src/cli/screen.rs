//! The terminal: whether there are colours on it, and how far long work has come.
//!
//! What is printed with `anstream::stdout` keeps its colours as [`set_colours`] says.

use clap::{ColorChoice, ValueEnum as _};
use cloneguard::table::printable;
use indicatif::{ProgressBar, ProgressStyle};
use std::ffi::OsString;
use std::io::{self, Write as _};

/// Colours for everything that is printed from now on.
pub(super) fn set_colours(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// What `--color` says among words that have not been parsed; the last one counts.
pub(super) fn choice_among(words: impl Iterator<Item = OsString>) -> ColorChoice {
    let words: Vec<OsString> = words.take_while(|word| word != "--").collect();
    let parse = |value: &str| ColorChoice::from_str(value, false).ok();
    let mut values = words.iter().enumerate().filter_map(|(at, word)| {
        let word = word.to_str()?;
        if word == "--color" {
            parse(words.get(at + 1)?.to_str()?)
        } else {
            parse(word.strip_prefix("--color=")?)
        }
    });
    values.next_back().unwrap_or_default()
}

/// Columns of a table on the standard output.
pub(super) fn width() -> usize {
    /// Where there is no terminal, and the most where there is one: further columns only spread the paths.
    const WIDTH: usize = 180;
    let terminal = console::Term::stdout();
    let columns = terminal.size_checked().filter(|_| terminal.is_term());
    columns.map_or(WIDTH, |(_, columns)| usize::from(columns).min(WIDTH))
}

/// Prints a line for people on the standard error output. Nobody need listen: the exit code says it too.
pub(super) fn say(line: &str) {
    let _unheard = writeln!(io::stderr(), "{}", printable(line));
}

/// A bar for work on so many bytes. It is on the standard error output, and only if that is a terminal.
pub(super) fn bytes_bar(total: u64) -> ProgressBar {
    let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::choice_among;
    use clap::ColorChoice::{Always, Auto, Never};

    #[test]
    fn the_last_choice_on_the_command_line_counts() {
        let among = |line: &str| choice_among(line.split(' ').map(Into::into));
        assert_eq!(among("policy check x"), Auto);
        assert_eq!(among("--color never policy"), Never);
        assert_eq!(among("policy --color=always x --help"), Always);
        assert_eq!(among("--color always --color never"), Never);
        assert_eq!(among("--color purple"), Auto);
        assert_eq!(among("x --color"), Auto);
        assert_eq!(among("x -- --color never"), Auto);
    }
}
