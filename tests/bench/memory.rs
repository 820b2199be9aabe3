//! How much memory the program takes for exports of different sizes, each command in a process of its own, the destination in another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::inputs;
use crate::table::{first_line, own};
use crate::usage;

/// Contacts of the exports unless others are named; the whole has five and a half times as many records.
const SIZES: [u64; 2] = [25_000, 100_000];
/// Pause between two looks at a process.
const PAUSE: Duration = Duration::from_millis(20);
/// How much more the largest export may take than the smallest.
const GROWTH_PERCENT: f64 = 120.0;

const COMMANDS: [&[&str]; 6] = [
    &["audit", "--findings", "findings.jsonl"],
    &["run", "--no-approval"],
    &["verify"],
    &["report", "--out", "report.md", "--format", "markdown"],
    &["quarantine", "list"],
    &["rollback"],
];

/// What `migr-bench memory` was asked for.
#[derive(Debug, Default)]
struct Asked {
    sizes: Vec<u64>,
    /// The destination keeps nothing: an export of any size goes through in minutes, and `verify` finds every record missing.
    null: bool,
    /// Every owner of the export is mapped to a person of the destination.
    owners: bool,
    commands: Vec<String>,
}

impl Asked {
    fn read(arguments: &[&str]) -> Result<Self, Fault> {
        let mut asked = Self::default();
        for argument in arguments {
            if *argument == "--null" {
                asked.null = true;
            } else if *argument == "--owners" {
                asked.owners = true;
            } else if let Ok(size) = argument.parse() {
                asked.sizes.push(size);
            } else if COMMANDS.iter().any(|command| command.first() == Some(argument)) {
                asked.commands.push((*argument).to_owned());
            } else {
                return Err(Fault::new(format!("`{argument}` is neither a number of contacts nor a command")));
            }
        }
        if asked.sizes.is_empty() {
            asked.sizes.extend(SIZES);
        }
        asked.sizes.sort_unstable();
        Ok(asked)
    }

    fn commands(&self) -> impl Iterator<Item = &'static [&'static str]> {
        let wanted = |command: &&'static [&'static str]| {
            let is_named = command.first().is_some_and(|name| self.commands.iter().any(|wanted| wanted == name));
            self.commands.is_empty() || is_named
        };
        COMMANDS.into_iter().filter(wanted)
    }
}

/// Measures and prints a table: megabytes and CPU seconds of each command for each size. An error where a command takes more than a fifth more for the
/// largest export than for the smallest.
pub(crate) fn print(arguments: &[&str]) -> Result<(), Fault> {
    let asked = Asked::read(arguments)?;
    println!(
        "{:<10} {:>9} {:>8} {:>8} {:>8} {:>10} {:>5}",
        "command", "contacts", "peak MB", "CPU s", "wall s", "written MB", "exit"
    );
    let mut peaks: Vec<(&str, u64, f64)> = Vec::new();
    for contacts in &asked.sizes {
        let mut server = Server::start(asked.null)?;
        let project = project(*contacts, asked.owners)?;
        for command in asked.commands() {
            let name = command.first().copied().unwrap_or_default();
            let row = watched(command, project.path(), &server)?;
            println!(
                "{name:<10} {contacts:>9} {:>8.0} {:>8.1} {:>8.1} {:>10.0} {:>5}",
                row.peak_megabytes, row.cpu_seconds, row.wall_seconds, row.written_megabytes, row.exit
            );
            peaks.push((name, *contacts, row.peak_megabytes));
        }
        server.stop()?;
    }
    grown(&peaks)
}

/// An error where a command's memory grows with the export.
fn grown(peaks: &[(&str, u64, f64)]) -> Result<(), Fault> {
    let mut grown = Vec::new();
    for (name, contacts, peak) in peaks {
        let Some((_, fewest, least)) = peaks.iter().find(|(other, ..)| other == name) else { continue };
        if *peak * 100.0 > *least * GROWTH_PERCENT {
            grown.push(format!("{name}: {least:.0} MB for {fewest} contacts, {peak:.0} MB for {contacts}"));
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(Fault::of("memory grows with the export", grown.join("; "))) }
}

/// The shipped example with an export of another size, to a destination without a limit.
fn project(contacts: u64, owners: bool) -> Result<tempfile::TempDir, Fault> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().map_err(|error| Fault::of("a temporary folder", error))?;
    let text = |path: &str| fs::read_to_string(repository.join(path)).map_err(|error| Fault::of(path, error));
    let migration = text("examples/visual-practice-to-twenty/migration.migr")?;
    let catalog = text("specs/systems/twenty.migr")?;
    let (own, unlimited) =
        (migration.replace("\"std/systems/twenty\"", "\"twenty\""), catalog.replace("requests 100 per 60s", UNLIMITED));
    if own == migration || unlimited == catalog {
        return Err(Fault::new("the example or the catalog is not as this measurement expects it"));
    }
    let export = inputs::whole_export(contacts)?;
    let own = if owners { with_owners(&own, &export)? } else { own };
    for (name, text) in [("migration.migr", own), ("twenty.migr", unlimited)] {
        let path = folder.path().join(name);
        fs::write(&path, text).map_err(|error| Fault::of(path.display(), error))?;
    }
    link(&export, &folder.path().join("export"))?;
    Ok(folder)
}

/// Addresses of owners that the generator gives to records without a row in `owners.csv`.
const GONE: &str = "gone@visualpractice.example";
const LEFT: std::ops::Range<u32> = 0..40;

/// The example with an override for each owner of the export, to a person whom the destination has.
fn with_owners(migration: &str, export: &Path) -> Result<String, Fault> {
    let path = export.join("owners.csv");
    let list = fs::read_to_string(&path).map_err(|error| Fault::of(path.display(), error))?;
    let mut addresses: std::collections::BTreeSet<String> =
        list.lines().skip(1).filter_map(|line| Some(line.split(',').nth(2)?.to_owned())).collect();
    addresses.extend(LEFT.map(|number| format!("left{number}@visualpractice.example")));
    addresses.insert(GONE.to_owned());
    // The example has one of its own.
    addresses.retain(|address| address.contains('@') && !migration.contains(&format!("\"{address}\"")));
    let overrides: Vec<String> =
        addresses.iter().map(|address| format!("  \"{address}\" = \"jane.smith@clinic.example\"\n")).collect();
    let overrides = overrides.concat();
    let with = migration.replacen("owners {\n", &format!("owners {{\n{overrides}"), 1);
    if with == migration {
        Err(Fault::new("the example has no owners as this measurement expects them"))
    } else {
        Ok(with)
    }
}

const UNLIMITED: &str = "requests 1000000 per 1s";

/// The same files under another name: an export may not lead out of its project by a symbolic link.
fn link(from: &Path, to: &Path) -> Result<(), Fault> {
    let failed = |error| Fault::of(to.display(), error);
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let place = to.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            link(&entry.path(), &place)?;
        } else if fs::hard_link(entry.path(), &place).is_err() {
            fs::copy(entry.path(), &place).map_err(failed)?;
        }
    }
    Ok(())
}

/// The destination, in a process of its own.
struct Server {
    child: Child,
    url: String,
    token: String,
}

impl Server {
    fn start(null: bool) -> Result<Self, Fault> {
        let name = if null { "null-server" } else { "sandbox" };
        let mut child = own(&[name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Fault::of("the server", error))?;
        let line = first_line(&mut child)?;
        // The null server takes any token.
        let (url, token) = line.split_once(' ').unwrap_or((&line, "any"));
        Ok(Self { url: url.to_owned(), token: token.to_owned(), child })
    }

    /// It ends with its standard input.
    fn stop(&mut self) -> Result<(), Fault> {
        drop(self.child.stdin.take());
        self.child.wait().map(drop).map_err(|error| Fault::of("the server", error))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

struct Watched {
    peak_megabytes: f64,
    cpu_seconds: f64,
    wall_seconds: f64,
    /// What went to the disk.
    written_megabytes: f64,
    exit: i32,
}

/// Carries a command out and looks at its process until it ends.
fn watched(command: &[&str], project: &Path, server: &Server) -> Result<Watched, Fault> {
    let name = command.join(" ");
    let log = fs::File::create(project.join("last.log")).map_err(|error| Fault::of(&name, error))?;
    let errors = log.try_clone().map_err(|error| Fault::of(&name, error))?;
    let started = Instant::now();
    let mut child = Command::new(program()?)
        .args(command)
        .args(["--to", "staging"])
        .current_dir(project)
        .env("TWENTY_STAGING_URL", &server.url)
        .env("TWENTY_STAGING_KEY", &server.token)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|error| Fault::of(&name, error))?;
    let (mut peak, mut cpu, mut written) = (0.0_f64, 0.0_f64, 0.0_f64);
    let ended = loop {
        // What a process has used at most only ever grows, so the last look before its end is the one that counts.
        if let Ok(seen) = usage::peak_of(child.id()) {
            peak = peak.max(seen);
        }
        if let Ok(seen) = usage::cpu_of(child.id()) {
            cpu = cpu.max(seen);
        }
        if let Ok(seen) = usage::written_by(child.id()) {
            written = written.max(seen);
        }
        if let Some(ended) = child.try_wait().map_err(|error| Fault::of(&name, error))? {
            break ended;
        }
        thread::sleep(PAUSE);
    };
    let exit = ended.code().unwrap_or(-1);
    // Findings, records quarantined, and, to a server that keeps nothing, a verification that does not hold.
    if ![0, 1, 5, 6].contains(&exit) {
        let said = fs::read_to_string(project.join("last.log")).unwrap_or_default();
        return Err(Fault::of(name, said));
    }
    Ok(Watched {
        peak_megabytes: peak / 1024.0,
        cpu_seconds: cpu,
        wall_seconds: started.elapsed().as_secs_f64(),
        written_megabytes: written / f64::from(1 << 20),
        exit,
    })
}

/// The program beside this one.
fn program() -> Result<PathBuf, Fault> {
    let own = std::env::current_exe().map_err(|error| Fault::of("this program", error))?;
    let program = own.with_file_name(format!("migr{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Ok(program);
    }
    Err(Fault::new(format!("there is no {}: `cargo build --release` makes it", program.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_fifth_more_is_growth() {
        assert!(
            grown(&[("run", 100, 50.0), ("verify", 100, 20.0), ("run", 1_000, 59.0), ("verify", 1_000, 24.0)]).is_ok()
        );
        let fault = grown(&[("run", 100, 50.0), ("run", 1_000, 61.0)]).unwrap_err();
        assert_eq!(fault.to_string(), "memory grows with the export: run: 50 MB for 100 contacts, 61 MB for 1000");
    }

    #[test]
    fn sizes_and_commands_are_asked_for_by_name() {
        let asked = Asked::read(&["200", "run", "--null", "--owners", "100"]).unwrap();
        assert_eq!((asked.sizes.as_slice(), asked.null, asked.owners), ([100, 200].as_slice(), true, true));
        assert_eq!(asked.commands().map(|command| command[0]).collect::<Vec<_>>(), ["run"]);
        assert_eq!(Asked::read(&[]).unwrap().commands().count(), COMMANDS.len());
        assert!(Asked::read(&["dance"]).is_err());
    }

    #[test]
    fn the_project_is_the_example_without_a_limit() {
        if Command::new("python3").arg("--version").output().is_err() {
            return;
        }
        let owned = project(60, true).unwrap();
        let spec = fs::read_to_string(owned.path().join("migration.migr")).unwrap();
        assert!(spec.contains("\"rep0@visualpractice.example\" = \"jane.smith@clinic.example\""));
        let project = project(60, false).unwrap();
        assert!(project.path().join("export/contacts.csv").is_file());
        assert!(fs::read_to_string(project.path().join("twenty.migr")).unwrap().contains(UNLIMITED));
    }
}
