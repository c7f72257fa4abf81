//! `cloneguard schema`.

use super::exit::{EXIT_CODES, End, Trouble};
use cloneguard::schema::{self, Presence, Shape};
use std::io::{self, Write as _};

const HELP: &str = "\
Every line of JSON that this program writes about a record fits the schema (draft 2020-12).

Examples:
  cloneguard schema > cloneguard.schema.json
  cloneguard schema --fields              what a filter can ask for
  cloneguard schema --fields | grep volume";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// List the fields instead, one in each line
    #[arg(long)]
    fields: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.fields {
        for (path, field) in schema::every_field() {
            let kind = describe(field.shape, field.presence);
            writeln!(out, "{path:<32}  {kind:<22}  {}", field.about)?;
        }
    } else {
        serde_json::to_writer_pretty(&mut out, &schema::json_schema()).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(End::Done)
}

/// What a field holds, in a few words.
fn describe(shape: Shape, presence: Presence) -> String {
    let word = match shape {
        Shape::Text => "text".to_owned(),
        Shape::Word(_) => "word".to_owned(),
        Shape::Number | Shape::Signed => "number".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Time => "time".to_owned(),
        Shape::Hex(digits) => format!("{digits} hex digits"),
        Shape::Bytes => "hex digits".to_owned(),
        Shape::Hex64 => "hex number".to_owned(),
        Shape::Guid => "GUID".to_owned(),
        Shape::Code => "code".to_owned(),
        Shape::Object(_) => "object".to_owned(),
        Shape::List(_) => "list".to_owned(),
    };
    match presence {
        Presence::Always => word,
        Presence::Nullable => format!("{word} or null"),
        Presence::Optional => format!("{word}, optional"),
    }
}
