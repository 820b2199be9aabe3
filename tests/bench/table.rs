use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::fault::Fault;
use crate::inputs;
use crate::usage::Usage;

/// How often each work is measured; the median counts.
const ROUNDS: usize = 3;

/// Measures and prints one table. `--quick` takes a tenth of the records.
pub(crate) fn print(names: &[&str]) -> Result<(), Fault> {
    let part = if names.contains(&"--quick") { 10 } else { 1 };
    let names: Vec<&str> = names.iter().copied().filter(|name| *name != "--quick").collect();
    if let Some(unknown) = names.iter().find(|name| !WORKS.iter().any(|work| work.0.starts_with(**name))) {
        return Err(Fault::new(format!("there is no work `{unknown}`; `migr-bench --help` says what there is")));
    }
    println!(
        "{:<10} {:>9} {:<8} {:>8} {:>8} {:>8} {:>12}",
        "work", "size", "of", "CPU s", "wall s", "peak MB", "per CPU s"
    );
    for (work, unit, sizes, measure) in WORKS {
        if !names.is_empty() && !names.iter().any(|name| work.starts_with(name)) {
            continue;
        }
        for size in *sizes {
            let size = if *unit == "records" { size / part } else { *size };
            let row = measure(work, size)?;
            let rate = count(row.usage.records) / row.usage.cpu_seconds.max(0.0001);
            println!(
                "{work:<10} {size:>9} {unit:<8} {:>8.3} {:>8.3} {:>8.0} {rate:>12.0}",
                row.usage.cpu_seconds, row.wall_seconds, row.usage.peak_megabytes
            );
        }
    }
    Ok(())
}

type Measure = fn(&str, u64) -> Result<Row, Fault>;

const WORKS: &[(&str, &str, &[u64], Measure)] = &[
    ("check", "maps", &[100, 1_000, 5_000, 10_000], compiled),
    ("plan", "maps", &[100, 1_000, 5_000, 10_000], compiled),
    ("transform", "records", &[1_000_000], transformed),
    ("load", "records", &[200_000], loaded),
    ("journal", "records", &[1_000_000], journaled),
];

#[derive(Clone, Copy, Debug)]
struct Row {
    usage: Usage,
    wall_seconds: f64,
}

fn compiled(work: &str, maps: u64) -> Result<Row, Fault> {
    let folder = inputs::program(maps)?;
    median(|| measure(&[work, text(&folder)?]))
}

fn transformed(work: &str, records: u64) -> Result<Row, Fault> {
    let (export, out) = (inputs::export(records)?, inputs::output()?);
    median(|| measure(&[work, text(&export)?, text(&out)?]))
}

fn loaded(work: &str, records: u64) -> Result<Row, Fault> {
    let source = inputs::people(records)?;
    let mut server = own(&["null-server"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let server = server.as_mut().map_err(|error| Fault::of("the null server", &*error))?;
    let row = first_line(server).and_then(|url| {
        let limit = records.to_string();
        median(|| measure(&[work, text(&source)?, &url, &limit]))
    });
    // It ends with its standard input.
    drop(server.stdin.take());
    server.wait().map_err(|error| Fault::of("the null server", error))?;
    row
}

fn journaled(work: &str, records: u64) -> Result<Row, Fault> {
    median(|| measure(&[work, &records.to_string()]))
}

fn text(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| Fault::new(format!("{} is not UTF-8", path.display())))
}

pub(crate) fn first_line(child: &mut Child) -> Result<String, Fault> {
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| Fault::of("the null server", error))?;
    }
    Ok(line.trim().to_owned())
}

fn median(mut measure: impl FnMut() -> Result<Row, Fault>) -> Result<Row, Fault> {
    let mut rows = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by(|a, b| a.usage.cpu_seconds.total_cmp(&b.usage.cpu_seconds));
    rows.get(ROUNDS / 2).copied().ok_or_else(|| Fault::new("nothing was measured"))
}

/// One measurement, in a process of its own.
fn measure(arguments: &[&str]) -> Result<Row, Fault> {
    let started = Instant::now();
    let ended = own(arguments).output().map_err(|error| Fault::of(arguments.join(" "), error))?;
    let wall_seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&ended.stdout);
    match said.lines().last().and_then(Usage::parse) {
        Some(usage) if ended.status.success() => Ok(Row { usage, wall_seconds }),
        _ => Err(Fault::of(arguments.join(" "), String::from_utf8_lossy(&ended.stderr))),
    }
}

pub(crate) fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "migr-bench".into()));
    command.args(arguments);
    command
}

#[expect(clippy::cast_precision_loss, reason = "shown with no more than four digits that matter")]
fn count(records: u64) -> f64 {
    records as f64
}
