//! One table of what the program costs: CPU seconds, wall time and memory of each kind of work, each in a process of its own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table is what this program is for")]

mod compiling;
mod fault;
mod inputs;
mod journaling;
mod json;
mod loading;
mod memory;
mod null_server;
mod program;
mod table;
mod transforming;
mod usage;

use std::path::Path;
use std::process::ExitCode;

use fault::Fault;
use usage::Usage;

const HELP: &str = "\
migr-bench                            every measurement, as one table
migr-bench --quick                    the same with a tenth of the records
migr-bench NAME…                      only those whose work begins so: check, plan, transform, load, journal
migr-bench memory [--null] [--owners] [CONTACTS…] [COMMAND…]
                                      megabytes, CPU seconds and megabytes written of audit, run, verify, report, quarantine and rollback for exports of each size; an error where they grow.
                                      --null: to a server that keeps nothing, for sizes that the sandbox would take hours for
                                      --owners: each owner of the export is a person of the destination; else none is, which is the worst case

One measurement, in this process; the last line is `records N; cpu S; memory M`:
migr-bench check DIR                  compiles the project in a folder
migr-bench plan DIR                   the same, and writes the plan's JSON to nowhere
migr-bench transform EXPORT OUT       contacts.csv of an export, through a plan, to NDJSON
migr-bench load NDJSON URL LIMIT      people to the server of `null-server`, journaled
migr-bench journal RECORDS            intents and outcomes alone

Inputs and counterparts:
migr-bench generate MAPS DIR          a project of so many maps of ten mappings and two references
migr-bench null-server [PORT]         a Twenty that takes every batch and keeps nothing; ends with its standard input
migr-bench sandbox                   a Twenty that keeps everything; ends with its standard input
";

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Fault> {
    let records = match arguments {
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            return Ok(());
        }
        ["check", folder] => compiling::check(Path::new(folder))?,
        ["plan", folder] => compiling::plan(Path::new(folder))?,
        ["transform", export, out] => transforming::transform(Path::new(export), Path::new(out))?,
        ["load", source, url, limit] => loading::load(Path::new(source), url, number(limit)?)?,
        ["journal", records] => journaling::journal(number(records)?)?,
        ["generate", maps, folder] => {
            program::generate(number(maps)?, Path::new(folder))?;
            return Ok(());
        }
        ["memory", asked @ ..] => return memory::print(asked),
        ["sandbox"] => return null_server::serve_stand_in(),
        ["null-server"] => return null_server::serve(0),
        ["null-server", port] => return null_server::serve(u16::try_from(number(port)?).unwrap_or_default()),
        names => return table::print(names),
    };
    println!("{}", Usage::of_this_process(records)?);
    Ok(())
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::new(format!("`{text}` is not a number\n\n{HELP}")))
}
