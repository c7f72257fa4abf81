//! Rust sources as a flat list of tokens, so that words in comments and strings are not code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::sources::Source;

/// A word, a punctuation character, a bracket, or a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As it is written.
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The tokens of a source, comments left out; `Err` is the breach that it is no Rust.
pub(super) fn read(source: &Source) -> Result<Vec<Token>, String> {
    let stream: TokenStream = source
        .text
        .parse()
        .map_err(|error| format!("{}: no Rust: {error}", source.path))?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let TokenTree::Group(group) = tree else {
            let text = tree.to_string();
            tokens.push(Token { text, line });
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let bracket = |text: &str, line| Token {
            text: text.to_owned(),
            line,
        };
        tokens.push(bracket(open, line));
        flatten(group.stream(), tokens);
        tokens.push(bracket(close, group.span_close().end().line));
    }
}

/// The lines on which the tokens `pattern` follow one another.
pub(super) fn lines_of<'a>(
    tokens: &'a [Token],
    pattern: &'a [&str],
) -> impl Iterator<Item = usize> + 'a {
    tokens
        .windows(pattern.len())
        .filter(move |window| {
            window
                .iter()
                .map(|token| &token.text)
                .eq(pattern.iter().copied())
        })
        .filter_map(|window| Some(window.first()?.line))
}

/// An attribute's list around one of its words: `level(.., word, ..)`.
#[derive(Debug)]
pub(super) struct List<'a> {
    /// The word before the parenthesis.
    pub(super) level: &'a str,
    /// What stands between the parentheses.
    pub(super) content: &'a [Token],
    /// Where the word stands.
    pub(super) line: usize,
}

/// Every list in parentheses that has `word` directly in it.
pub(super) fn lists_with<'a>(
    tokens: &'a [Token],
    word: &'a str,
) -> impl Iterator<Item = List<'a>> + 'a {
    let hits = tokens.iter().enumerate();
    hits.filter(move |(_, token)| token.text == word)
        .filter_map(|(at, token)| {
            let before = tokens.get(..at)?;
            let open = before.len() - 1 - unmatched(before.iter().rev(), ")", "(")?;
            let end = at + unmatched(tokens.get(at..)?.iter(), "(", ")")?;
            Some(List {
                level: &tokens.get(open.checked_sub(1)?)?.text,
                content: tokens.get(open + 1..end)?,
                line: token.line,
            })
        })
}

/// How far the first `closing` is that no `opening` belongs to.
fn unmatched<'a>(
    mut tokens: impl Iterator<Item = &'a Token>,
    opening: &str,
    closing: &str,
) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.position(|token| {
        let is_closing = token.text == closing;
        let found = is_closing && depth == 0;
        if is_closing {
            depth = depth.saturating_sub(1);
        } else if token.text == opening {
            depth += 1;
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        read(&Source::new("a.rs", text)).unwrap()
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = "// unsafe {\n/* unsafe { */ fn a() { \"unsafe {\"; r#\"unsafe {\"#; }\n";
        assert_eq!(lines_of(&tokens(text), &["unsafe", "{"]).count(), 0);
        let text = "// a comment\nfn a() {\n    unsafe\n    { b(\"c\") }\n}\n";
        let lines: Vec<_> = lines_of(&tokens(text), &["unsafe", "{"]).collect();
        assert_eq!(lines, [3]);
    }

    #[test]
    fn a_list_is_found_by_a_word_in_it() {
        let tokens =
            tokens("#![cfg_attr(windows, expect(a(b), word, reason = \"c\"))] fn f() { word }");
        let lists: Vec<_> = lists_with(&tokens, "word").collect();
        let [list] = lists.as_slice() else {
            panic!("{lists:?}");
        };
        assert_eq!(list.level, "expect");
        assert_eq!(list.content.first().unwrap().text, "a");
        assert_eq!(list.content.last().unwrap().text, "\"c\"");
    }

    #[test]
    fn what_is_no_rust_is_a_breach() {
        let breach = read(&Source::new("a.rs", "fn f( {")).unwrap_err();
        assert!(breach.starts_with("a.rs: no Rust"), "{breach}");
    }
}
