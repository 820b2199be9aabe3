//! Arguments, as `cli.md` promises them.

mod quarantine;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use migr_diagnostics::Format;

pub(crate) use quarantine::{
    QuarantineAction, QuarantineArguments, QuarantineListArguments, RetryArguments, SettleArguments,
};

/// Moves a company's CRM data from one system to another: exactly, reviewably, reversibly.
#[derive(Debug, Parser)]
#[command(name = "migr", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Say nothing but results and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Colour: when stdout is a terminal, always, or never. NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
    /// Write logs to stderr: plain text or one JSON object a line.
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    /// Command to carry out.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// When stdout is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The form of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a shipped example through its whole life in a local sandbox.
    Demo(DemoArguments),
    /// Report every problem that can be known offline.
    Check(CheckArguments),
    /// Bring files into the one layout.
    Fmt(FmtArguments),
    /// Explain a diagnostic, or the reason for which a record is quarantined.
    Explain(ExplainArguments),
    /// Run the tests that the specs hold.
    Test(TestArguments),
    /// Show what a migration will do.
    Plan(PlanArguments),
    /// Show what differs between two plans, by meaning.
    Diff(DiffArguments),
    /// Read the whole export and the destination's schema; write `migr.lock`.
    Audit(AuditArguments),
    /// Draw which map waits for which.
    Graph(GraphArguments),
    /// Create the custom objects, fields and options that the plan needs.
    Setup(SetupArguments),
    /// Show requests, time, bytes and complexity, from what an audit counted.
    Estimate(EstimateArguments),
    /// Move a few records that show every case, and compare each field with its source.
    Sample(SampleArguments),
    /// Approve what the sample shows, so that the migration may run.
    Approve(ApproveArguments),
    /// Carry the migration out; resumes where it stopped.
    Run(RunArguments),
    /// Pick up what changed in the source since: a later export.
    Delta(DeltaArguments),
    /// Show what others changed in the destination since it was written; reads only.
    Drift(DriftArguments),
    /// Read back what was written and compare every field with the source.
    Verify(VerifyArguments),
    /// Go back to the state before.
    Rollback(RollbackArguments),
    /// Show what became of every record.
    Report(ReportArguments),
    /// Show where a migration stands.
    Status(ProjectArguments),
    /// List what was quarantined, or let it be tried again.
    Quarantine(QuarantineArguments),
    /// Show where a record, or one of its fields, came from.
    Why(WhyArguments),
    /// Print the audit trail, one line per record and attempt.
    Journal(JournalArguments),
    /// Serve a sandbox for a destination on this machine.
    Sandbox(SandboxArguments),
    /// Print the completions for a shell.
    Completions(CompletionsArguments),
    /// Write the manual's pages, one for each command.
    Man(ManArguments),
    /// Print the JSON Schema of a document.
    Schema(SchemaArguments),
}

/// `migr schema`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SchemaArguments {
    /// The document.
    #[arg(value_enum, value_name = "DOCUMENT")]
    pub(crate) document: Document,
}

/// Documents whose form is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// Of `migr plan --format json`.
    Plan,
    /// The file `migr.lock`.
    Lock,
    /// Of `migr report --format json`.
    Report,
    /// Of `migr check --format json`.
    Diagnostics,
    /// Of `migr diff --format json`.
    Diff,
    /// The file `migr.approval`.
    Approval,
    /// Of `migr quarantine list --json`.
    Quarantine,
}

/// `migr completions`
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `migr man`
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArguments {
    /// The folder that they are written to, such as `~/.local/share/man/man1`.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

/// A project and one of its destinations.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProjectArguments {
    /// The project's folder, or its one `.migr` file.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The destination, where the spec names several.
    #[arg(long, value_name = "NAME")]
    pub(crate) to: Option<String>,
}

/// A project whose destination is reached.
#[derive(Clone, Debug, Args)]
pub(crate) struct LiveArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Use the embedded sandbox, kept in `.migr/sandbox.db`, whatever the spec says.
    #[arg(long)]
    pub(crate) sandbox: bool,
}

/// `migr demo`
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArguments {
    /// The example.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder to work in; a fresh one below the system's temporary folder unless given.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Then go back, and prove that the destination is as it was before.
    #[arg(long)]
    pub(crate) rollback: bool,
}

/// `migr check`
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArguments {
    /// A project, a file, or a folder of them.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The form of the findings.
    #[arg(long, default_value_t = Format::Human, value_parser = format_parser(), value_name = "FORM")]
    pub(crate) format: Format,
    /// Count warnings as errors.
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    pub(crate) deny: Option<String>,
    /// Make the changes that are certain.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Only what the change since this git revision brought.
    #[arg(long, value_name = "REV", conflicts_with = "fix")]
    pub(crate) base: Option<String>,
    /// Also read the export's rows, as `audit --offline` does; nothing is written.
    #[arg(long)]
    pub(crate) data: bool,
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.as_str()))
        .map(|name| Format::find(&name).unwrap_or(Format::Human))
}

/// `migr fmt`
#[derive(Clone, Debug, Args)]
pub(crate) struct FmtArguments {
    /// Change nothing; exit 1 and name the files that would change.
    #[arg(long)]
    pub(crate) check: bool,
    /// Files or folders; `-` is stdin to stdout.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// `migr explain`
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A code such as E0304, or Q202 of a record that is quarantined.
    #[arg(value_name = "CODE")]
    pub(crate) code: String,
}

/// `migr test`
#[derive(Clone, Debug, Args)]
pub(crate) struct TestArguments {
    /// A project, a file, or a folder of them.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The form of the results.
    #[arg(long, value_enum, default_value_t = TestFormat::Human, value_name = "FORM")]
    pub(crate) format: TestFormat,
}

/// Forms of test results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For a terminal.
    Human,
    /// One document.
    Json,
    /// For CI servers.
    Junit,
}

/// `migr plan`
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// The form of the plan.
    #[arg(long, value_enum, default_value_t = PlanFormat::Human, value_name = "FORM")]
    pub(crate) format: PlanFormat,
    /// Write the plan's JSON to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Also show every field with the expression that fills it.
    #[arg(long)]
    pub(crate) full: bool,
    /// Show what the change since this git revision does, in place of the plan.
    #[arg(long, value_name = "REV", conflicts_with_all = ["out", "full"])]
    pub(crate) base: Option<String>,
    /// Count the records that the change concerns in the export's rows, in place of those of `migr.lock`; nothing is written.
    #[arg(long, requires = "base")]
    pub(crate) data: bool,
    /// Show what going on after the last run would do to records that are written, in place of the plan.
    #[arg(long, conflicts_with_all = ["out", "full", "base"])]
    pub(crate) since_run: bool,
    /// Of the records in the embedded sandbox.
    #[arg(long, requires = "since_run")]
    pub(crate) sandbox: bool,
}

/// `migr diff`
#[derive(Clone, Debug, Args)]
pub(crate) struct DiffArguments {
    /// The earlier one: a plan's JSON file, a project's folder or file, or a git revision of the project in this folder.
    #[arg(value_name = "A")]
    pub(crate) before: String,
    /// The later one, likewise.
    #[arg(default_value = ".", value_name = "B")]
    pub(crate) after: String,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = PlanFormat::Human, value_name = "FORM")]
    pub(crate) format: PlanFormat,
    /// Exit 1 where something differs.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Count the records that each change concerns in the export's rows, in place of those of `migr.lock`; nothing is written.
    #[arg(long)]
    pub(crate) data: bool,
}

/// Forms of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For a terminal.
    Human,
    /// One document.
    Json,
    /// For a pull request.
    Markdown,
}

/// `migr graph`
#[derive(Clone, Debug, Args)]
pub(crate) struct GraphArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// The language of the drawing.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid, value_name = "FORM")]
    pub(crate) format: GraphFormat,
}

/// Languages of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Mermaid, which code hosts draw in Markdown.
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
}

/// `migr setup`
#[derive(Clone, Debug, Args)]
pub(crate) struct SetupArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Change nothing; list each change with its probe and its state. Exit 4 while one is open.
    #[arg(long)]
    pub(crate) checklist: bool,
}

/// `migr estimate`
#[derive(Clone, Debug, Args)]
#[command(after_help = "The formula, with every bound of the grade, is in compiler/plan/ESTIMATE.md.")]
pub(crate) struct EstimateArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// The form of the estimate.
    #[arg(long, value_enum, default_value_t = EstimateFormat::Human, value_name = "FORM")]
    pub(crate) format: EstimateFormat,
}

/// Forms of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EstimateFormat {
    /// For a terminal.
    Human,
    /// One document.
    Json,
}

/// `migr sample`
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Records to move; more where it takes more to show every case.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(crate) records: u64,
    /// The form of the sample; the page and the table are kept in `.migr` in any case.
    #[arg(long, value_enum, default_value_t = SampleFormat::Human, value_name = "FORM")]
    pub(crate) format: SampleFormat,
}

/// Forms of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleFormat {
    /// In short, for a terminal.
    Human,
    /// A page for a browser.
    Html,
    /// One document.
    Json,
    /// A table for a spreadsheet: a line for each field.
    Csv,
    /// Events as they come, one JSON object a line; the last line is a summary.
    Jsonl,
}

/// `migr approve`
#[derive(Clone, Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Approve the sample of the embedded sandbox. It lets nothing run but the sandbox.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Name of the person who approves; else the name that git has, or the user's.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Text that is kept with the approval.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Sign it with this SSH key (`ssh-keygen -Y sign`); the signature stands beside it.
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
}

/// `migr run`
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Carry out a saved plan; refused when the spec has moved since.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Where the requests that the destination allows in a day are used up, wait until more are allowed and go on.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Run without a written approval. The report says so.
    #[arg(long)]
    pub(crate) no_approval: bool,
    /// Keys that may sign an approval, as `ssh-keygen` reads them; `migr.allowed_signers` beside the spec unless named. Where there is such a file, only a signed
    /// approval counts.
    #[arg(long, value_name = "FILE", conflicts_with = "no_approval")]
    pub(crate) allowed_signers: Option<PathBuf>,
    /// Change records that are written, where the spec gives them other values since: the number that `migr plan --since-run` names.
    #[arg(long, value_name = "HASH")]
    pub(crate) accept_change: Option<String>,
    /// Stop when more records than this failed: a number, or a share such as 2%.
    #[arg(long, value_name = "N|P%")]
    pub(crate) max_failures: Option<String>,
    /// The form of the events.
    #[arg(long, value_enum, default_value_t = EventFormat::Human, value_name = "FORM")]
    pub(crate) format: EventFormat,
}

/// `migr delta`
#[derive(Clone, Debug, Args)]
pub(crate) struct DeltaArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Take an export as it is that lost more than a fifth of a map's records.
    #[arg(long)]
    pub(crate) accept_shrunk: bool,
    /// Wait for later exports in the folder, and pick each up, until the spec's window closes or Ctrl-C ends it.
    #[arg(long)]
    pub(crate) watch: bool,
    /// The form of the events.
    #[arg(long, value_enum, default_value_t = EventFormat::Human, value_name = "FORM")]
    pub(crate) format: EventFormat,
}

/// `migr drift`
#[derive(Clone, Debug, Args)]
pub(crate) struct DriftArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Only what changed after the run of this number.
    #[arg(long, value_name = "RUN")]
    pub(crate) since: Option<i64>,
    /// Exit 1 where something changed.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = EventFormat::Human, value_name = "FORM")]
    pub(crate) format: EventFormat,
}

/// Forms of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Jsonl,
}

/// `migr audit`
#[derive(Clone, Debug, Args)]
pub(crate) struct AuditArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Read the export alone; what an earlier audit found of the destination is kept.
    #[arg(long)]
    pub(crate) offline: bool,
    /// List every finding, not only the first of each kind.
    #[arg(long)]
    pub(crate) full: bool,
    /// Write every finding to a file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) findings: Option<PathBuf>,
    /// Number of records that the source itself says an object has; may be given for several objects.
    #[arg(long, value_name = "OBJECT=RECORDS")]
    pub(crate) expect: Vec<String>,
    /// The form of the findings.
    #[arg(long, value_enum, default_value_t = AuditFormat::Human, value_name = "FORM")]
    pub(crate) format: AuditFormat,
}

/// Forms of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For a terminal.
    Human,
    /// For a pull request.
    Markdown,
    /// One document.
    Json,
    /// Every finding as it is met, one JSON object a line; the last line is a summary.
    Jsonl,
}

/// `migr verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Read back about so many records, always the same ones.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u64>,
    /// The form of the events.
    #[arg(long, value_enum, default_value_t = EventFormat::Human, value_name = "FORM")]
    pub(crate) format: EventFormat,
}

/// Fate of created records that are not the migration's alone any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Changed {
    /// Records stay, and are the migration's no more.
    Keep,
    /// Records are destroyed, with what others did to them and what of theirs the destination takes along; each is listed, and `--dry-run` says it beforehand.
    Destroy,
}

/// `migr rollback`
#[derive(Clone, Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Change nothing; say what would be done and what cannot be undone.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Decide about created records that others changed or refer to since: without it the spec's `on rollback` decides; by default they are listed and left, and
    /// the rollback stays open.
    #[arg(long, value_enum, value_name = "DO")]
    pub(crate) changed: Option<Changed>,
    /// Destroy also the records that were in the destination already, by ids of this migration, when its journal was begun.
    #[arg(long)]
    pub(crate) adopted: bool,
    /// Take back only this map, and the maps whose records refer to its; the schema stays.
    #[arg(long, value_name = "NAME")]
    pub(crate) map: Option<String>,
    /// Undo nothing: lay the journal aside as it is. What it would have undone is then nobody's to undo.
    #[arg(long, conflicts_with_all = ["dry_run", "changed", "adopted", "map"])]
    pub(crate) forget: bool,
    /// The form of the events.
    #[arg(long, value_enum, default_value_t = EventFormat::Human, value_name = "FORM")]
    pub(crate) format: EventFormat,
}

/// `migr journal`
#[derive(Clone, Debug, Args)]
pub(crate) struct JournalArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// That of the embedded sandbox.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Check that no entry was changed, removed or slipped in.
    #[arg(long)]
    pub(crate) verify: bool,
    /// The form of the lines.
    #[arg(long, value_parser = ["jsonl"], default_value = "jsonl", value_name = "FORM")]
    pub(crate) format: String,
}

/// `migr why`
#[derive(Clone, Debug, Args)]
pub(crate) struct WhyArguments {
    /// An id of the destination, or a key of the source; the columns of a compound key with commas between them.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// One field of the destination.
    #[arg(value_name = "FIELD")]
    pub(crate) field: Option<String>,
    /// The project's folder, or its one `.migr` file.
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// The destination, where the spec names several.
    #[arg(long, value_name = "NAME")]
    pub(crate) to: Option<String>,
    /// Record as it was moved in the embedded sandbox.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = WhyFormat::Human, value_name = "FORM")]
    pub(crate) format: WhyFormat,
}

/// The form of a lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyFormat {
    /// For people.
    Human,
    /// One document.
    Json,
}

/// `migr report`
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// The report on what was done in the embedded sandbox.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = ReportFormat::Markdown, value_name = "FORM")]
    pub(crate) format: ReportFormat,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Forms of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page for a browser.
    Html,
    /// Text.
    Markdown,
    /// One document.
    Json,
}

/// `migr sandbox`
#[derive(Clone, Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct SandboxArguments {
    /// Which destination.
    #[arg(value_name = "SYSTEM", value_parser = systems())]
    pub(crate) system: String,
    /// The port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) port: u16,
    /// Keep the state in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Requests allowed per seconds, as `100/60s`.
    #[arg(long, value_name = "N/Ss")]
    pub(crate) rate: Option<String>,
    /// Wait this long before each answer, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) latency: u64,
    /// Fail this share of requests: half answered 500, half reset, before or after they took effect. Or shares by kind, as `500=5,reset=2,timeout=0.5`.
    #[arg(
        long,
        default_value = "0",
        value_name = "PERCENT",
        long_help = "\
Fail this share of requests: half answered 500, half reset, before or after they took effect. Or shares by kind, as `500=5,reset=2`:
  500      answered 500, not carried out
  429      answered 429, not carried out
  reset    the connection is cut, half before and half after the request took effect
  timeout  no answer for a minute; half took effect
  slow     answered two seconds late
  json     took effect, answered with text that is no JSON
  half     took effect, the answer breaks off in its middle
  422      took effect, answered 422: only the creation of a contact of HighLevel"
    )]
    pub(crate) fail: String,
    /// Which requests fail: the same seed, the same requests.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// The stock workflow of Twenty is active that makes companies of people's addresses, as in a new workspace.
    #[arg(long)]
    pub(crate) workflows: bool,
    /// The version of Twenty that it stands in for, 2.19 where none is named.
    #[arg(long, value_enum, value_name = "VERSION")]
    pub(crate) version: Option<SandboxVersion>,
    /// Searches of HighLevel find what was written after this long; 12s where nothing is said.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lag: Option<String>,
    /// Requests of HighLevel allowed within 24 hours.
    #[arg(long, value_name = "N")]
    pub(crate) daily: Option<u64>,
    /// The location of HighLevel that the token is bound to.
    #[arg(long, value_name = "ID")]
    pub(crate) location: Option<String>,
    /// State of the location of HighLevel before, as JSON: users, pipelines, calendars, contacts and more.
    #[arg(long, value_name = "FILE")]
    pub(crate) before: Option<PathBuf>,
    /// A scope of HighLevel that the token lacks, as `pipelines.create`; may be given again.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) without_scope: Vec<String>,
}

/// Versions of Twenty that the sandbox knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxVersion {
    /// July 2026.
    #[value(name = "2.19")]
    Newer,
    /// December 2025.
    #[value(name = "1.10")]
    Older,
}

impl SandboxVersion {
    /// The version as its vendor writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Newer => "2.19",
            Self::Older => "1.10",
        }
    }
}

/// Stand-ins that there are.
fn systems() -> PossibleValuesParser {
    PossibleValuesParser::new(
        migr_sandbox::SYSTEMS.iter().map(|system| PossibleValue::new(system.name).help(system.about)),
    )
}
