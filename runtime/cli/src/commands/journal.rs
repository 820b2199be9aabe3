//! `migr journal`: the events of the journal.

use migr_journal::{ChainReport, Reader};

use crate::args::JournalArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::state::{State, unreadable};

/// Prints the audit trail, one line of JSON per record and attempt; or checks its chain.
pub(crate) fn run(arguments: &JournalArguments, console: Console) -> Result<Exit, Fault> {
    let project = Project::at(&arguments.project.path)?;
    let state = State::meant(&project, arguments.project.to.as_deref(), arguments.sandbox)?;
    let failed = |error: migr_journal::JournalError| Fault::failed(error.to_string());
    if arguments.verify {
        // Also one that no other command would read.
        let reader = Reader::open(&state.journal()).map_err(unreadable)?;
        return Ok(match reader.verify_chain().map_err(failed)? {
            ChainReport::Whole { entries, .. } => {
                console.result(format_args!("the chain of {entries} entries is whole\n"));
                state.reader()?;
                Exit::Done
            }
            ChainReport::Broken { seq, why } => {
                console.result(format_args!("the chain is broken at entry {seq}: {why}\n"));
                Exit::DoesNotHold
            }
        });
    }
    for line in state.reader()?.lines() {
        let line = line.map_err(failed)?;
        let json = serde_json::to_string(&line).map_err(|error| Fault::failed(error.to_string()))?;
        console.json(format_args!("{json}\n"));
    }
    Ok(Exit::Done)
}
