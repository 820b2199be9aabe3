//! `migr man`: the manual's pages. The program writes its own, so that they are never those of another version.

use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::args::{Arguments, ManArguments};
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;

/// Writes a page for the program and one for each command.
pub(crate) fn run(arguments: &ManArguments, console: Console) -> Result<Exit, Fault> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .map_err(|error| Fault::failed(format!("cannot make the folder {}: {error}", folder.display())))?;
    let mut command = Arguments::command();
    command.build();
    let pages = pages(&command, folder)?;
    console.news(format_args!("{pages} pages are in {}", folder.display()));
    Ok(Exit::Done)
}

/// Writes the page of a command and those of the commands below it; gives their number.
fn pages(command: &Command, folder: &Path) -> Result<usize, Fault> {
    // `migr quarantine list` is the page `migr-quarantine-list`.
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut page = Vec::new();
    let failed = |error: std::io::Error| Fault::failed(format!("cannot write the page of {name}: {error}"));
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    crate::files::replace(&folder.join(format!("{name}.1")), &page)?;
    let mut written = 1;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        written += pages(below, folder)?;
    }
    Ok(written)
}
