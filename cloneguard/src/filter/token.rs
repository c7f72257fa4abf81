//! The words and signs of a filter.

use super::{Comparison, FilterError, TEXT_MAX};
use core::ops::Range;

/// A word or sign, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Bytes of the text.
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a value.
    Word(String),
    /// A text in quotes, which is a value.
    Quoted(String),
    Comparison(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
    /// The end of the text.
    End,
}

/// The signs, longer ones before those that they begin with.
const SIGNS: &[(&str, TokenKind)] = &[
    ("&&", TokenKind::And),
    ("||", TokenKind::Or),
    ("==", TokenKind::Comparison(Comparison::Equal)),
    ("!=", TokenKind::Comparison(Comparison::NotEqual)),
    ("!~", TokenKind::Comparison(Comparison::NotLike)),
    ("<=", TokenKind::Comparison(Comparison::LessOrEqual)),
    (">=", TokenKind::Comparison(Comparison::GreaterOrEqual)),
    ("=", TokenKind::Comparison(Comparison::Equal)),
    ("<", TokenKind::Comparison(Comparison::Less)),
    (">", TokenKind::Comparison(Comparison::Greater)),
    ("~", TokenKind::Comparison(Comparison::Like)),
    ("!", TokenKind::Not),
    ("(", TokenKind::Open),
    (")", TokenKind::Close),
    (",", TokenKind::Comma),
];

/// The tokens of a text, the last of which is its end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    if text.len() > TEXT_MAX {
        let what = format!(
            "the filter has {} bytes; at most {TEXT_MAX} are read",
            text.len()
        );
        return Err(FilterError::new(text, TEXT_MAX..TEXT_MAX, what));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let (kind, length) = token(text, at, rest)?;
        let span = at..at + length;
        at = span.end;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { kind, span });
        if is_end {
            return Ok(tokens);
        }
    }
}

/// The first token of what is left, which begins at `at`, and its length.
fn token(text: &str, at: usize, rest: &str) -> Result<(TokenKind, usize), FilterError> {
    let Some(first) = rest.chars().next() else {
        return Ok((TokenKind::End, 0));
    };
    if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((kind.clone(), sign.len()));
    }
    if first == '"' || first == '\'' {
        let inside = rest.get(1..).unwrap_or_default();
        let Some(length) = inside.find(first) else {
            let what = format!("the quote is never closed; end the text with {first}");
            return Err(FilterError::new(text, at..text.len(), what));
        };
        let inside = inside.get(..length).unwrap_or_default();
        return Ok((TokenKind::Quoted(inside.to_owned()), length + 2));
    }
    let length = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
    match rest.get(..length) {
        Some(word @ ("and" | "or" | "not")) => Ok((keyword(word), length)),
        Some(word) if length > 0 => Ok((TokenKind::Word(word.to_owned()), length)),
        _ => {
            let span = at..at + first.len_utf8();
            let what = format!("`{first}` has no meaning here; put a text with it in quotes");
            Err(FilterError::new(text, span, what))
        }
    }
}

/// The sign that a word stands for.
fn keyword(word: &str) -> TokenKind {
    match word {
        "and" => TokenKind::And,
        "or" => TokenKind::Or,
        _ => TokenKind::Not,
    }
}

/// Whether a name or a value without quotes may have a character.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || "_-.:+*?\\/$@%{}[]#".contains(character)
}
