use migr_journal::ChainReport;

use crate::args::JournalArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::state::State;

/// Prints the audit trail, one line of JSON per record and attempt; or checks its chain.
pub(crate) fn run(arguments: &JournalArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let state = State::meant(&project, arguments.project.to.as_deref(), arguments.sandbox)?;
    let reader = state.reader()?;
    let failed = |error: migr_journal::JournalError| Fault::failed(error.to_string());
    if arguments.verify {
        return Ok(match reader.verify_chain().map_err(failed)? {
            ChainReport::Whole { entries, .. } => {
                console.result(format_args!("the chain of {entries} entries is whole\n"));
                Exit::Done
            }
            ChainReport::Broken { seq, why } => {
                console.result(format_args!("the chain is broken at entry {seq}: {why}\n"));
                Exit::DoesNotHold
            }
        });
    }
    for line in reader.lines() {
        let line = line.map_err(failed)?;
        let json = serde_json::to_string(&line).map_err(|error| Fault::failed(error.to_string()))?;
        console.result(format_args!("{json}\n"));
    }
    Ok(Exit::Done)
}
