//! `migr completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArguments};
use crate::console::Console;
use crate::exit::Exit;

/// Prints the completions of a shell.
pub(crate) fn run(arguments: CompletionsArguments, console: Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "migr", &mut script);
    console.document(String::from_utf8_lossy(&script));
    Exit::Done
}
