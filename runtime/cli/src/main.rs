#![doc = include_str!("../README.md")]

mod approval;
mod args;
mod commands;
mod console;
mod counted;
mod data;
mod disk;
mod endpoint;
mod engine_fault;
mod examples;
mod exit;
mod fault;
mod files;
mod findings;
mod fitted;
mod going_on;
mod log;
mod preview_list;
mod progress;
mod project;
mod project_id;
mod rehearsed;
mod report_files;
mod revision;
mod room;
mod sampled;
mod sandboxed;
mod session;
mod signature;
mod state;
mod table;
mod trusted;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
use console::Console;
use exit::Exit;
use fault::Fault;

/// Many small values are made and dropped: the system's allocator takes a tenth to a fifth of the time more, and run memory with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Only a second installation in this process could fail, and there is none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let console = Console::new(arguments.quiet, arguments.color, arguments.log);
    if let Some(form) = arguments.log {
        log::to_stderr(form);
    }
    let exit = match run(arguments, console) {
        Ok(exit) => exit,
        Err(fault) => {
            console.error(&fault);
            fault.exit
        }
    };
    match Console::failure() {
        Some(fault) if exit == Exit::Done => {
            console.error(&fault);
            fault.exit.into()
        }
        _ => exit.into(),
    }
}

fn run(arguments: Arguments, console: Console) -> Result<Exit, Fault> {
    match arguments.command {
        Command::Check(arguments) => wait_for(commands::check::run(&arguments, console)),
        Command::Fmt(arguments) => commands::fmt::run(&arguments, console),
        Command::Explain(arguments) => commands::explain::run(&arguments, console),
        Command::Test(arguments) => commands::test::run(&arguments, console),
        Command::Plan(arguments) if arguments.since_run => wait_for(commands::since_run::run(&arguments, console)),
        Command::Plan(arguments) => wait_for(commands::plan::run(&arguments, console)),
        Command::Diff(arguments) => wait_for(commands::diff::run(&arguments, console)),
        Command::Audit(arguments) => wait_for(commands::audit::run(&arguments, console)),
        Command::Verify(arguments) => wait_for(commands::verify::run(&arguments, console)),
        Command::Rollback(arguments) => wait_for(commands::rollback::run(&arguments, console)),
        Command::Quarantine(arguments) => wait_for(commands::quarantine::run(&arguments, console)),
        Command::Journal(arguments) => commands::journal::run(&arguments, console),
        Command::Why(arguments) => commands::why::run(arguments, console),
        Command::Graph(arguments) => commands::graph::run(&arguments, console),
        Command::Report(arguments) => commands::report::run(&arguments, console),
        Command::Status(arguments) => commands::status::run(&arguments, console),
        Command::Demo(arguments) => wait_for(commands::demo::run(&arguments, console)),
        Command::Setup(arguments) => wait_for(commands::setup::run(&arguments, console)),
        Command::Estimate(arguments) => commands::estimate::run(&arguments, console),
        Command::Sample(arguments) => wait_for(commands::sample::run(&arguments, console)),
        Command::Approve(arguments) => wait_for(commands::approve::run(&arguments, console)),
        Command::Run(arguments) => wait_for(commands::run::run(&arguments, console)),
        Command::Drift(arguments) => wait_for(commands::drift::run(&arguments, console)),
        Command::Delta(arguments) => wait_for(commands::delta::run(&arguments, console)),
        Command::Sandbox(arguments) => wait_for(commands::sandbox::run(&arguments, console)),
        Command::Completions(arguments) => Ok(commands::completions::run(arguments, console)),
        Command::Man(arguments) => commands::man::run(&arguments, console),
        Command::Schema(arguments) => commands::schema::run(arguments, console),
    }
}

/// Threads that wait for the network; each keeps memory of its own, and more would not make a destination faster.
const MOST_WORKERS: usize = 4;

/// Threads that a command needs besides its workers: for files, names and the journal.
const OTHER_THREADS: usize = 4;

/// Trial of the threads that a command needs, before it begins: one that is refused later ends the program without a word of ours.
fn threads_can_start(wanted: usize) -> Result<(), Fault> {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let mut started = Vec::new();
    let mut refused = None;
    for _ in 0..wanted {
        let wait = std::sync::Arc::clone(&wait);
        // It ends when the other end is dropped.
        let idle = move || {
            if let Ok(wait) = wait.lock() {
                let _ = wait.recv();
            }
        };
        match std::thread::Builder::new().spawn(idle) {
            Ok(thread) => started.push(thread),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    drop(release);
    let number = started.len();
    for thread in started {
        let _ = thread.join();
    }
    refused.map_or(Ok(()), |error| {
        let message = format!("this command needs {wanted} threads, and the system starts only {number} ({error})");
        Err(Fault::failed(message)
            .with_help("let this user or container have more threads or more memory, and run the same command again"))
    })
}

/// Runs a command that waits for the network.
fn wait_for(command: impl Future<Output = Result<Exit, Fault>>) -> Result<Exit, Fault> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    threads_can_start(workers + OTHER_THREADS)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Fault::failed(format!("cannot start the asynchronous runtime: {error}")))?
        .block_on(command)
}
