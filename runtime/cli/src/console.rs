//! The two streams: results on stdout, everything else on stderr. A closed pipe ends the output quietly; any other
//! write that fails is told at the end.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use crate::args::{ColorChoice, LogForm};
use crate::fault::Fault;
use crate::fitted::fitted;

/// The first stream that could not be written to, and why.
static FAILURE: OnceLock<(&'static str, String)> = OnceLock::new();

/// Remembers a failed write. A closed pipe is none: whoever read it has what was wanted.
fn noted(stream: &'static str, result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = FAILURE.set((stream, error.to_string()));
    }
}

/// A record's key within a line.
pub(crate) fn key(key: &str) -> String {
    migr_escape::line(&migr_report::shown_key(key)).into_owned()
}

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    quiet: bool,
    color: ColorChoice,
    /// Each line on stderr is a JSON object, as the logs are.
    json: bool,
}

impl Console {
    /// A console as the global options ask for.
    pub(crate) fn new(quiet: bool, color: ColorChoice, log: Option<LogForm>) -> Self {
        Self { quiet, color, json: log == Some(LogForm::Json) }
    }

    /// A result for a person: goes to stdout, with nothing in it that steers a terminal or is a command of a CI system, and within a terminal's width.
    pub(crate) fn result(self, text: impl Display) {
        let text = self.harmless(&text.to_string());
        self.document(if std::io::stdout().is_terminal() { fitted(&text, self.width()) } else { text });
    }

    /// Markdown: as it stands, but within the width of a terminal that it goes to.
    pub(crate) fn page(self, text: &str) {
        self.document(if std::io::stdout().is_terminal() { fitted(text, self.width()) } else { text.to_owned() });
    }

    /// A result for programs, in JSON.
    pub(crate) fn json(self, text: impl Display) {
        self.document(migr_escape::json(&text.to_string()));
    }

    /// A document in a form of its own, whose values its renderer has escaped: goes to stdout as it stands.
    #[expect(clippy::unused_self, reason = "every line that leaves the program goes through the console")]
    pub(crate) fn document(self, text: impl Display) {
        let mut out = std::io::stdout().lock();
        noted("stdout", write!(out, "{text}").and_then(|()| out.flush()));
    }

    fn harmless(self, text: &str) -> String {
        let shown = if self.colored() { migr_escape::colored(text) } else { migr_escape::terminal(text) };
        shown.into_owned()
    }

    /// News for a person: a line on stderr, unless `--quiet`.
    pub(crate) fn news(self, text: impl Display) {
        if !self.quiet {
            self.line("INFO", text);
        }
    }

    /// Tells of an error: a line on stderr, always.
    pub(crate) fn error(self, text: impl Display) {
        self.line("ERROR", text);
    }

    fn line(self, level: &str, text: impl Display) {
        let mut stderr = std::io::stderr().lock();
        let result = if self.json {
            let fields = serde_json::json!({ "message": text.to_string() });
            let timestamp = jiff::Timestamp::now().to_string();
            let line =
                serde_json::json!({ "timestamp": timestamp, "level": level, "fields": fields, "target": "migr" });
            writeln!(stderr, "{}", migr_escape::json(&line.to_string()))
        } else {
            let text = self.harmless(&text.to_string());
            let text = if std::io::stderr().is_terminal() { fitted(&text, self.width()) } else { text };
            writeln!(stderr, "{text}")
        };
        noted("stderr", result);
    }

    /// Error of the first write that failed; a closed pipe is none.
    pub(crate) fn failure() -> Option<Fault> {
        let (stream, text) = FAILURE.get()?;
        let fault = Fault::failed(format!("cannot write to {stream}: {text}"));
        Some(
            fault.with_help(
                "what was asked for was done, but not told in full; make room, or let the output go elsewhere",
            ),
        )
    }

    /// True where results on stdout are coloured.
    pub(crate) fn colored(self) -> bool {
        self.decide(std::io::stdout().is_terminal())
    }

    /// True where progress bars can be drawn.
    pub(crate) fn draws_progress(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Columns of the terminal that results go to, at most 120; 90 where there is none. `COLUMNS` goes before what the terminal says.
    #[expect(clippy::unused_self, reason = "every question about the terminal goes to the console")]
    pub(crate) fn width(self) -> usize {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return 90;
        }
        let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let asked = || terminal_size::terminal_size_of(&stdout).map(|(columns, _)| usize::from(columns.0));
        told.or_else(asked).map_or(100, |columns: usize| columns.clamp(60, 120))
    }

    fn decide(self, terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var("TERM").map_or(true, |term| term != "dumb")
            }
        }
    }
}
