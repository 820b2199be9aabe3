//! `migr why`: the lineage of one record.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use migr_engine::{FieldLineage, Lineage};
use migr_journal::Line;
use migr_plan::{Origin, Plan};

use crate::args::{WhyArguments, WhyFormat};
use crate::console::{Console, key};
use crate::engine_fault::fault;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::Project;
use crate::session::export;
use crate::state::State;

/// Shows where a record of the destination came from, or what became of a record of the source.
pub(crate) fn run(arguments: WhyArguments, console: Console) -> Result<Exit, Fault> {
    let arguments = with_path(arguments);
    let project = Project::at(&arguments.path)?;
    let state = State::meant(&project, arguments.to.as_deref(), arguments.sandbox)?;
    let reader = state.reader()?;
    let plan = Arc::new(carried_out(&state)?);
    let export = Arc::new(export(&plan, &project)?);
    let work = Work::create(state.folder().join(format!("why-{}", std::process::id())))?;
    let field = arguments.field.as_deref();
    let lineages = migr_engine::why(&plan, &export, reader, &work.0, &arguments.id, field).map_err(fault)?;
    if lineages.is_empty() {
        return Err(Fault::new(Exit::Findings, format!("the journal of `{}` knows no record `{}`", state.name(), arguments.id))
            .with_help("give an id of the destination or a key of the source as the export has it; `migr journal` lists what was done"));
    }
    if let Some(field) = field
        && lineages.iter().all(|lineage| lineage.fields.is_empty())
    {
        return Err(Fault::new(Exit::Findings, format!("no map writes a field `{field}` of this record"))
            .with_help("leave the field out to see all of them"));
    }
    match arguments.format {
        WhyFormat::Json => {
            let document = serde_json::json!({ "format_version": 1, "records": lineages });
            console.json(format_args!("{document}\n"));
        }
        WhyFormat::Human => lineages.iter().for_each(|lineage| console.result(format_args!("{}", shown(lineage)))),
    }
    Ok(Exit::Done)
}

/// `migr why ID PATH` means the project, not a field; so does `migr why PATH ID`, as other commands are called.
fn with_path(mut arguments: WhyArguments) -> WhyArguments {
    let is_path = |text: &String| {
        text.contains(['/', '\\'])
            || Path::new(text).extension().is_some_and(|end| end == "migr")
            || Path::new(text).is_dir()
    };
    if arguments.path == Path::new(".")
        && is_project(&arguments.id)
        && let Some(id) = arguments.field.take_if(|text| !is_path(text))
    {
        arguments.path = PathBuf::from(std::mem::replace(&mut arguments.id, id));
        return arguments;
    }
    if is_project(&arguments.id)
        && let Some(id) = arguments.field.take_if(|text| !is_path(text) && !arguments.path.exists())
    {
        arguments.field = Some(arguments.path.to_string_lossy().into_owned());
        arguments.path = PathBuf::from(std::mem::replace(&mut arguments.id, id));
        return arguments;
    }
    if arguments.path == Path::new(".")
        && let Some(path) = arguments.field.take_if(|text| is_path(text))
    {
        arguments.path = PathBuf::from(path);
    }
    arguments
}

/// True where a text is the path of a project that is there: a folder, or a file of the language.
fn is_project(text: &str) -> bool {
    let path = Path::new(text);
    path.is_dir() || path.is_file() && path.extension().is_some_and(|end| end == "migr")
}

/// The plan as it was carried out, which the spec may have left behind.
fn carried_out(state: &State) -> Result<Plan, Fault> {
    let path = state.plan();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Fault::failed(format!("cannot read the plan {}: {error}", path.display())))?;
    Plan::from_json(&text).map_err(|error| Fault::failed(format!("{}: {error}", path.display())))
}

/// A folder for what the look-up throws away again.
struct Work(PathBuf);

impl Work {
    fn create(folder: PathBuf) -> Result<Self, Fault> {
        std::fs::create_dir_all(&folder)
            .map_err(|error| Fault::failed(format!("cannot make the folder {}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // A folder that stays is empty: the database in it removes itself.
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn shown(lineage: &Lineage) -> String {
    let mut out = String::new();
    let id = lineage.id.as_deref().unwrap_or("not there");
    let _ = writeln!(out, "{} {} → {} {id}", lineage.source_object, key(&lineage.key), lineage.destination_object);
    let _ = writeln!(out, "  {}", became(lineage));
    for reason in &lineage.reasons {
        let _ = writeln!(out, "  because {}", migr_escape::line(reason));
    }
    let _ = writeln!(out, "  read from {}:{}", migr_escape::line(&lineage.file), lineage.line);
    let _ = writeln!(out, "  by map {}, {}", lineage.map, place(&lineage.origin));
    for field in &lineage.fields {
        out.push('\n');
        show_field(&mut out, lineage, field);
    }
    if !lineage.history.is_empty() {
        out.push_str("\n  history\n");
        for line in &lineage.history {
            let _ = writeln!(out, "    {}", event(line));
        }
    }
    out.push('\n');
    out
}

fn became(lineage: &Lineage) -> String {
    let state = match lineage.state.as_str() {
        "quarantined" => "quarantined",
        "skipped" => "left behind by a written rule",
        "unchanged" => "was there, up to date",
        "updated" => "was there and was updated",
        other => other,
    };
    match &lineage.winner {
        Some(winner) => format!("{state}: merged into record {winner}"),
        None => state.to_owned(),
    }
}

fn show_field(out: &mut String, lineage: &Lineage, field: &FieldLineage) {
    let value = if field.value.is_null() { "nothing".to_owned() } else { field.value.to_string() };
    let _ = writeln!(out, "  {} = {value}", field.field);
    let _ = writeln!(out, "    spec      {}  {} = {}", place(&field.origin), field.field, field.expression);
    for cell in &field.cells {
        let column = match (&cell.header, cell.position) {
            (Some(header), Some(position)) => format!("column {position} \"{header}\""),
            _ => format!("{}, which the file lacks", cell.column),
        };
        let _ = writeln!(out, "    export    {}:{}, {column}: {:?}", lineage.file, lineage.line, cell.text);
    }
    for picklist in &field.picklists {
        let what = if picklist.has_row { "row" } else { "no row; its `otherwise` decided" };
        let _ = writeln!(out, "    picklist  {}, {what}: {}", picklist.picklist, place(&picklist.origin));
    }
    for note in &field.notes {
        let _ = writeln!(out, "    note      {}", migr_escape::line(note));
    }
}

fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.file, origin.line)
}

fn event(line: &Line) -> String {
    let mut text = format!("{}  run {}, {}: ", line.at, line.run, line.step.as_deref().unwrap_or_default());
    match (line.kind.as_str(), line.operation) {
        ("intent", Some(operation)) => {
            let _ = write!(text, "about to {}", operation.as_str());
        }
        (kind, _) => text.push_str(match kind {
            "not_done" => "not done",
            "quarantined" => "quarantined",
            other => other,
        }),
    }
    if let Some(batch) = line.batch {
        let _ = write!(text, ", batch {}", batch.0);
    }
    if let Some(attempts) = line.attempts {
        let _ = write!(text, ", {attempts} {}", if attempts == 1 { "request" } else { "requests" });
    }
    if let Some(reason) = &line.reason {
        let _ = write!(text, " ({})", migr_escape::line(reason));
    }
    text
}
