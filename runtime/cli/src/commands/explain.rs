//! `migr explain`: the page of a diagnostic.

use migr_diagnostics::{Code, nearest};

use crate::args::ExplainArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Prints a diagnostic's page.
pub(crate) fn run(arguments: &ExplainArguments, console: Console) -> Result<Exit, Fault> {
    let Some(code) = Code::find(&arguments.code) else {
        let written = arguments.code.to_uppercase();
        let fault = Fault::usage(format!("there is no diagnostic `{}`", arguments.code));
        return Err(match nearest(&written, Code::ALL.iter().map(|code| code.as_str())) {
            Some(near) => fault.with_help(format!("did you mean `{near}`?")),
            None => fault.with_help("codes look like E0304; `migr check` prints them"),
        });
    };
    console.result(migr_diagnostics::explain(code));
    Ok(Exit::Done)
}
