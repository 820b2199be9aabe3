//! Every finding of this crate, in words.

use migr_diagnostics::{Applicability, Code, Diagnostic, Edit, Fix};
use migr_source::Span;

use crate::grammar::Rule;
use crate::words::words;

/// Text that does not follow the grammar.
pub(crate) fn syntax_error(expected: &str, found: &str, at: Span) -> Diagnostic {
    let label = if at.start == at.end { "something is missing here" } else { "not expected here" };
    Diagnostic::new(Code::E0101, format!("expected {expected}, found {found}"), at, label)
}

/// A change that puts one text in place of another.
pub(crate) fn replacement(span: Span, text: String, applicability: Applicability) -> Fix {
    let title = match text.trim() {
        "" => "remove it".to_owned(),
        shown => format!("write `{shown}`"),
    };
    Fix { title, edits: vec![Edit { span, text }], applicability }
}

/// `{` in a text, without its `}`; whole is a value behind which the text ends.
pub(crate) fn hole_not_closed(brace: Span, ends: Span, is_whole: bool) -> Diagnostic {
    let finding =
        Diagnostic::new(Code::E0101, "`{` begins a value in this text, and no `}` ends it", brace, "no `}` for this")
            .with_label(ends, "the value ends here at the latest");
    let itself = "a brace that means itself is written `\\{`";
    if !is_whole {
        return finding.with_help(format!("put `}}` where the value ends; {itself}"));
    }
    let behind = Span { end: ends.start, ..ends };
    let fix = replacement(behind, "}".to_owned(), Applicability::Unsafe);
    finding.with_help(format!("write `}}` behind the value; {itself}")).with_fix(fix)
}

/// One more of very many pieces that cannot be read.
pub(crate) fn unread(at: Span, expected: &str) -> Diagnostic {
    Diagnostic::new(Code::E0101, format!("expected {expected}, found something else"), at, "not expected here")
        .with_help("mend the findings above first")
}

/// A block that the file, or the next thing of its kind, ends.
pub(crate) fn missing_brace(open: Span, ends: Span) -> Diagnostic {
    Diagnostic::new(Code::E0101, "this block has no closing `}`", open, "opened here")
        .with_label(ends, "still open here")
        .with_help("write `}` on the line after the block's last entry")
}

/// An item behind blanks or behind another.
pub(crate) fn not_in_column_one(item: Span, line_start: Span) -> Diagnostic {
    Diagnostic::new(Code::E0101, "an item begins in the first column", item, "behind blanks")
        .with_help("remove the blanks before it")
        .with_fix(Fix {
            title: "remove the blanks".to_owned(),
            edits: vec![Edit { span: line_start, text: String::new() }],
            applicability: Applicability::Safe,
        })
}

/// `a + b | c`, which reads as what it is not.
pub(crate) fn arithmetic_beside_pipe(operator: Span, written: &str, pipe: Span) -> Diagnostic {
    Diagnostic::new(Code::E0101, format!("`{written}` beside `|` needs brackets"), operator, "arithmetic")
        .with_label(pipe, "binds tighter")
        .with_help("put brackets around the part that is computed first")
}

/// A backslash before a character that it does nothing to.
pub(crate) fn unknown_escape(at: Span, escaped: char) -> Diagnostic {
    Diagnostic::new(Code::E0101, format!("`\\{escaped}` means nothing in a text"), at, "no such escape")
        .with_note("texts know `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\{` and `\\}`")
        .with_help(format!("write `\\\\{escaped}` for a backslash and `{escaped}`"))
        .with_fix(replacement(at, format!("\\\\{escaped}"), Applicability::Unsafe))
}

/// Nesting beyond the limit.
pub(crate) fn too_deep(at: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(Code::E0109, format!("nested more than {limit} deep"), at, "too deep here")
        .with_help("take a part out into a `transform`, or close a bracket that was left open")
}

/// An expression of too many operators.
pub(crate) fn too_long(at: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(Code::E0109, format!("an expression of more than {limit} steps"), at, "too long")
        .with_help("take a part out into a `transform`")
}

/// pest gave up: too many calls, or too little stack.
pub(crate) fn gave_up(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0109, "this item is nested too deeply, or too long, to be read", at, "this item")
        .with_help("cut it into smaller ones")
}

/// A shape of the parse that the grammar cannot make.
pub(crate) fn unexpected_shape(at: Span, wanted: Rule) -> Diagnostic {
    Diagnostic::new(
        Code::E0901,
        format!("the compiler read this and then did not understand it ({} was expected)", words(wanted)),
        at,
        "while reading this",
    )
    .with_help("report this with the file; it is a fault of the compiler")
}

/// Something was skipped that no strict rule finds fault with.
pub(crate) fn unexplained(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0901, "the compiler skipped this and cannot say why", at, "skipped")
        .with_help("report this with the file; it is a fault of the compiler")
}
