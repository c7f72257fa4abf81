//! Mutations of any code: one operator, literal, variant, condition or statement is exchanged.
//!
//! [`Walk`] visits the syntax and notes a [`Site`] wherever something can be exchanged; attributes, types
//! and tests are passed by, and of patterns only the numbers are looked at. What type-checks is
//! not decided here: a mutation that does not build is reported as such.

use std::mem;
use std::ops::Range;

use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMethodCall, Lit, ReturnType, Stmt, UnOp};

use super::source::{Enums, is_test, place};

/// A part of a text and what takes its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The name of the function, constant or rule.
    pub(super) context: String,
    /// Where that stands.
    pub(super) item: Range<usize>,
    /// What is exchanged for what, in a word.
    pub(super) kind: String,
    pub(super) range: Range<usize>,
    pub(super) replacement: String,
}

/// A walk through a part of a text.
pub(super) struct Walk<'a> {
    text: &'a str,
    enums: &'a Enums,
    context: String,
    item: Range<usize>,
    /// The type whose methods are walked through.
    self_type: Option<String>,
    pattern_depth: usize,
    pub(super) sites: Vec<Site>,
}

/// Methods that can take each other's place.
const METHODS: [(&str, &str); 8] = [
    ("is_some_and", "is_none_or"),
    ("is_some", "is_none"),
    ("any", "all"),
    ("min", "max"),
    ("insert", "remove"),
    ("checked_add", "checked_sub"),
    ("saturating_add", "saturating_sub"),
    ("wrapping_sub", "wrapping_add"),
];
/// Methods that can be left out of a chain.
const LEFT_OUT: [&str; 5] = ["filter", "or_else", "skip", "copied", "saturating_add"];

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub(super) fn new(text: &'a str, enums: &'a Enums) -> Self {
        Self {
            text,
            enums,
            context: String::new(),
            item: 0..text.len(),
            self_type: None,
            pattern_depth: 0,
            sites: Vec::new(),
        }
    }

    fn add(
        &mut self,
        kind: impl Into<String>,
        range: Range<usize>,
        replacement: impl Into<String>,
    ) {
        self.sites.push(Site {
            context: self.context.clone(),
            item: self.item.clone(),
            kind: kind.into(),
            range,
            replacement: replacement.into(),
        });
    }

    fn written(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Walks through something that has a name.
    pub(super) fn within(&mut self, name: &str, item: Range<usize>, walk: impl FnOnce(&mut Self)) {
        let name = match &self.self_type {
            Some(self_type) => format!("{self_type}::{name}"),
            None => name.to_owned(),
        };
        let context = mem::replace(&mut self.context, name);
        let item = mem::replace(&mut self.item, item);
        walk(self);
        (self.context, self.item) = (context, item);
    }

    /// The whole of a function gives way to a value of its type.
    fn body(&mut self, output: &ReturnType, block: &syn::Block) {
        let ReturnType::Type(_, output) = output else {
            return;
        };
        let values: &[&str] = match self.written(place(output)) {
            "bool" => &["true", "false"],
            "Option<bool>" => &["None", "Some(true)", "Some(false)"],
            output if output.starts_with("Option<") => &["None"],
            _ => &[],
        };
        for value in values {
            let kind = format!("returns-{value}");
            self.add(kind, place(block), format!("{{ {value} }}"));
        }
    }

    /// An operator between two operands gives way to others.
    fn operator(&mut self, binary: &syn::ExprBinary) {
        let others: &[(&str, &str)] = match binary.op {
            BinOp::Lt(_) => &[("lt-le", "<="), ("lt-ge", ">=")],
            BinOp::Le(_) => &[("le-lt", "<"), ("le-gt", ">")],
            BinOp::Gt(_) => &[("gt-ge", ">="), ("gt-le", "<=")],
            BinOp::Ge(_) => &[("ge-gt", ">"), ("ge-lt", "<")],
            BinOp::Eq(_) => &[("eq-ne", "!=")],
            BinOp::Ne(_) => &[("ne-eq", "==")],
            BinOp::BitAnd(_) => &[("bitand-bitor", "|")],
            BinOp::BitOr(_) => &[("bitor-bitand", "&")],
            BinOp::And(_) if !binds(binary) => &[("and-or", "||")],
            BinOp::Or(_) => &[("or-and", "&&")],
            _ => &[],
        };
        for (kind, other) in others {
            self.add(*kind, place(&binary.op), *other);
        }
        if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
            let (left, right) = (place(&binary.left), place(&binary.right));
            self.add("left-alone", left.end..right.end, "");
            if !binds(binary) {
                self.add("right-alone", left.start..right.start, "");
            }
        }
    }

    /// A number gives way to its neighbours, and a mask to one with another bit.
    fn number(&mut self, number: &syn::LitInt) {
        let Ok(value) = number.base10_parse::<u128>() else {
            return;
        };
        let text = number.token().to_string();
        let is_hex = text.starts_with("0x");
        let bits = [value & value.wrapping_sub(1), value | value.wrapping_add(1)];
        let neighbours = [value.checked_add(1), value.checked_sub(1)];
        let bits = bits.into_iter().filter(|_| is_hex && value != 0);
        let mut others: Vec<u128> = neighbours.into_iter().flatten().chain(bits).collect();
        others.sort_unstable();
        others.dedup();
        for other in others {
            let other = match is_hex {
                true => format!("{other:#x}"),
                false => other.to_string(),
            };
            let kind = format!("{}-{other}", text.to_lowercase().replace('_', ""));
            self.add(kind, place(number), format!("{other}{}", number.suffix()));
        }
    }

    /// A method gives way to its counterpart, or is left out.
    fn method(&mut self, call: &ExprMethodCall) {
        let method = call.method.to_string();
        for (one, other) in METHODS {
            if method == one {
                self.add(format!("{one}-{other}"), place(&call.method), other);
            } else if method == other {
                self.add(format!("{other}-{one}"), place(&call.method), one);
            }
        }
        if LEFT_OUT.contains(&method.as_str()) {
            let range = place(&call.receiver).end..place(call).end;
            self.add(format!("{method}-dropped"), range, "");
        }
        if method == "is_empty" || method == "contains" {
            let start = place(call).start;
            self.add(format!("{method}-not"), start..start, "!");
        }
        if let Some(wrapping) = method.strip_prefix("checked_") {
            let (receiver, arguments) = (place(&call.receiver), place(&call.args));
            let (receiver, arguments) = (self.written(receiver), self.written(arguments));
            let wrapped = format!("Some({receiver}.wrapping_{wrapping}({arguments}))");
            self.add(format!("{method}-wrapping"), place(call), wrapped);
        }
    }

    /// A variant gives way to the next ones of its enum.
    fn variant(&mut self, path: &syn::Path) {
        let mut names = path.segments.iter().rev();
        let (Some(variant), Some(name)) = (names.next(), names.next()) else {
            return;
        };
        let name = match &self.self_type {
            Some(self_type) if name.ident == "Self" => self_type.clone(),
            _ => name.ident.to_string(),
        };
        let written = variant.ident.to_string();
        let enums = self.enums;
        for other in enums.others(&name, &written) {
            self.add(format!("{written}-{other}"), place(&variant.ident), other);
        }
    }

    /// A condition is always or never met.
    fn condition(&mut self, word: &str, condition: &Expr) {
        if !has_let(condition) {
            for value in ["true", "false"] {
                self.add(format!("{word}-{value}"), place(condition), value);
            }
        }
    }
}

/// Whether one of the operands is a `let`, whose name the rest may need.
fn binds(binary: &syn::ExprBinary) -> bool {
    has_let(&binary.left) || has_let(&binary.right)
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => binds(binary),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        // A constant without a name is an assertion, and the rules are mutated by themselves.
        if item.ident != "_" && item.ident != super::table::RULES {
            self.within(&item.ident.to_string(), place(item), |walk| {
                visit::visit_item_const(walk, item)
            });
        }
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(&item.ident.to_string(), place(item), |walk| {
            visit::visit_impl_item_const(walk, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(path) = item.self_ty.as_ref() else {
            return;
        };
        let name = path.path.segments.last().map(|last| last.ident.to_string());
        let outer = mem::replace(&mut self.self_type, name);
        visit::visit_item_impl(self, item);
        self.self_type = outer;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.within(&item.sig.ident.to_string(), place(item), |walk| {
                walk.body(&item.sig.output, &item.block);
                visit::visit_item_fn(walk, item);
            });
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.within(&item.sig.ident.to_string(), place(item), |walk| {
            walk.body(&item.sig.output, &item.block);
            visit::visit_impl_item_fn(walk, item);
        });
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        self.operator(binary);
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if let UnOp::Not(not) = unary.op {
            self.add("not-dropped", place(&not), "");
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.method(call);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if matches!(call.func.as_ref(), Expr::Path(path) if path.path.is_ident("Some")) {
            self.add("Some-None", place(call), "None");
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_macro(&mut self, item: &'ast syn::ExprMacro) {
        if item.mac.path.is_ident("matches") {
            let start = place(item).start;
            self.add("matches-not", start..start, "!");
        }
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        self.condition("if", &item.cond);
        visit::visit_expr_if(self, item);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.condition("guard", guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        self.pattern_depth += 1;
        visit::visit_pat(self, pattern);
        self.pattern_depth -= 1;
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if self.pattern_depth == 0 {
            self.variant(&path.path);
        }
    }

    fn visit_expr_lit(&mut self, literal: &'ast syn::ExprLit) {
        match &literal.lit {
            Lit::Int(number) => self.number(number),
            Lit::Bool(value) if self.pattern_depth == 0 => {
                let other = !value.value;
                self.add(
                    format!("{}-{other}", value.value),
                    place(value),
                    other.to_string(),
                );
            }
            _ => {}
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let dropped = |expression: &Expr| {
            matches!(
                expression,
                Expr::MethodCall(_) | Expr::Assign(_) | Expr::Call(_)
            )
        };
        if let Stmt::Expr(expression, Some(_)) = statement
            && dropped(expression)
        {
            self.add("statement-dropped", place(statement), "");
        }
        visit::visit_stmt(self, statement);
    }
}
