//! `migr schema`: the JSON Schema of a document that other programs read.

use crate::args::{Document, SchemaArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Prints the schema of a document.
pub(crate) fn run(arguments: SchemaArguments, console: Console) -> Result<Exit, Fault> {
    let schema = match arguments.document {
        Document::Plan => migr_plan::schema(),
        Document::Lock => migr_plan::lock::schema(),
        Document::Report => migr_report::schema(),
        Document::Diagnostics => migr_diagnostics::schema(),
        Document::Diff => migr_diff::schema(),
        Document::Approval => crate::approval::schema(),
        Document::Quarantine => migr_report::quarantine_schema(),
    };
    let failed = |error| Fault::failed(format!("the schema could not be written as JSON: {error}"));
    console.json(serde_json::to_string_pretty(&schema).map_err(failed)? + "\n");
    Ok(Exit::Done)
}
