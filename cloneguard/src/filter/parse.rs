//! The grammar of filters, by recursive descent:
//!
//! ```text
//! any     = all { ("||" | "or") all }
//! all     = one { ("&&" | "and") one }
//! one     = ("!" | "not") one | "(" any ")" | test
//! test    = FIELD [ COMPARISON value | "in" "(" value { "," value } ")" ]
//! value   = WORD | QUOTED
//! ```

use super::field::{self, Place};
use super::literal::Literal;
use super::token::{Token, TokenKind, tokens};
use super::{Comparison, DEPTH_MAX, FilterError, Node};
use core::ops::Range;

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?.into_iter().peekable(),
        depth: 0,
    };
    let node = parser.any()?;
    match parser.next()? {
        Token {
            kind: TokenKind::End,
            ..
        } => Ok(node),
        token => Err(parser.wrong(&token, "expected `&&`, `||` or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: core::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all()?];
        while self.takes(&TokenKind::Or) {
            nodes.push(self.all()?);
        }
        Ok(one_or(nodes, Node::Any))
    }

    fn all(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.one()?];
        while self.takes(&TokenKind::And) {
            nodes.push(self.one()?);
        }
        Ok(one_or(nodes, Node::All))
    }

    fn one(&mut self) -> Result<Node, FilterError> {
        let token = self.next()?;
        match &token.kind {
            TokenKind::Not => {
                let node = self.deeper(&token, Self::one)?;
                Ok(Node::Not(Box::new(node)))
            }
            TokenKind::Open => {
                let node = self.deeper(&token, Self::any)?;
                self.close()?;
                Ok(node)
            }
            TokenKind::Word(name) => self.test(name, &token.span),
            _ => Err(self.wrong(
                &token,
                "expected the name of a field, for example verdict=refused",
            )),
        }
    }

    /// Reads something within the token before it, unless that is too deep.
    fn deeper(
        &mut self,
        token: &Token,
        read: impl FnOnce(&mut Self) -> Result<Node, FilterError>,
    ) -> Result<Node, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let what = format!("more than {DEPTH_MAX} parentheses and negations within each other");
            return Err(self.error(&token.span, what));
        }
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    /// Reads what follows the name of a field.
    fn test(&mut self, name: &str, span: &Range<usize>) -> Result<Node, FilterError> {
        let place = field::find(name).map_err(|what| self.error(span, what))?;
        match self.tokens.peek().map(|token| token.kind.clone()) {
            Some(TokenKind::Comparison(comparison)) => {
                let sign = self.next()?;
                let allowed = place.allows(comparison);
                allowed.map_err(|what| self.error(&sign.span, what))?;
                let literal = self.value(&place, comparison)?;
                Ok(Node::Test(place.path, comparison, literal))
            }
            Some(TokenKind::Word(word)) if word == "in" => {
                let sign = self.next()?;
                let allowed = place.allows(Comparison::Equal);
                allowed.map_err(|what| self.error(&sign.span, what))?;
                self.list(&place)
            }
            _ => Ok(Node::Present(place.told_by())),
        }
    }

    /// Reads a list of values in parentheses.
    fn list(&mut self, place: &Place) -> Result<Node, FilterError> {
        let token = self.next()?;
        if token.kind != TokenKind::Open {
            return Err(self.wrong(&token, "expected a list, for example pid in (4, 42)"));
        }
        let mut nodes = Vec::new();
        loop {
            let literal = self.value(place, Comparison::Equal)?;
            nodes.push(Node::Test(place.path.clone(), Comparison::Equal, literal));
            if !self.takes(&TokenKind::Comma) {
                break;
            }
        }
        self.close()?;
        Ok(one_or(nodes, Node::Any))
    }

    fn value(&mut self, place: &Place, comparison: Comparison) -> Result<Literal, FilterError> {
        let token = self.next()?;
        let literal = match &token.kind {
            TokenKind::Word(text) => Literal::bare(text),
            TokenKind::Quoted(text) => Literal::quoted(text),
            _ => return Err(self.wrong(&token, &format!("expected a value: {}", place.example()))),
        };
        let read = place.read(literal, comparison);
        read.map_err(|what| self.error(&token.span, what))
    }

    fn close(&mut self) -> Result<(), FilterError> {
        match self.next()? {
            Token {
                kind: TokenKind::Close,
                ..
            } => Ok(()),
            token => Err(self.wrong(&token, "expected `)`")),
        }
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, kind: &TokenKind) -> bool {
        self.tokens.next_if(|token| token.kind == *kind).is_some()
    }

    /// Takes the next token. The last one is the end, and nobody reads on behind it.
    fn next(&mut self) -> Result<Token, FilterError> {
        let end = self.text.len()..self.text.len();
        self.tokens
            .next()
            .ok_or_else(|| self.error(&end, "expected more".to_owned()))
    }

    /// An error about a token that should not be there.
    fn wrong(&self, token: &Token, expected: &str) -> FilterError {
        let found = match (&token.kind, self.text.get(token.span.clone())) {
            (TokenKind::End, _) | (_, None) => "the filter ends here".to_owned(),
            (_, Some(text)) => format!("`{text}` cannot stand here"),
        };
        self.error(&token.span, format!("{found}; {expected}"))
    }

    fn error(&self, span: &Range<usize>, what: String) -> FilterError {
        FilterError::new(self.text, span.clone(), what)
    }
}

/// The one node there is, or all of them together.
fn one_or(mut nodes: Vec<Node>, together: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match (nodes.pop(), nodes.is_empty()) {
        (Some(node), true) => node,
        (Some(node), false) => {
            nodes.push(node);
            together(nodes)
        }
        (None, _) => together(nodes),
    }
}
