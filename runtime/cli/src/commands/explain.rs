//! `migr explain`: the page of a diagnostic, or of a reason for which a record is quarantined or left behind.

use migr_diagnostics::{Code, nearest};
use migr_plan::ReasonCode;

use crate::args::ExplainArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Prints the page of a code.
pub(crate) fn run(arguments: &ExplainArguments, console: Console) -> Result<Exit, Fault> {
    let written = &arguments.code;
    let page = Code::find(written).map(Code::page).or_else(|| ReasonCode::find(written).map(ReasonCode::page));
    let Some(page) = page else {
        let fault = Fault::usage(format!("there is no code `{written}`"));
        let reasons = ReasonCode::ALL.iter().map(|code| code.as_str());
        let codes = Code::ALL.iter().map(|code| code.as_str()).chain(reasons);
        return Err(match nearest(&written.to_uppercase(), codes) {
            Some(near) => fault.with_help(format!("did you mean `{near}`?")),
            None => fault.with_help(
                "codes look like E0304, which `migr check` prints, or like Q202, which `migr quarantine list` prints",
            ),
        });
    };
    console.result(migr_diagnostics::page_text(page));
    Ok(Exit::Done)
}
