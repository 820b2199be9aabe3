//! Parser that pest makes of the grammar.

/// The parser that pest makes of the grammar.
#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/migr.pest"]
pub(crate) struct Grammar;
