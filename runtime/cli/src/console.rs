//! The two streams: results on stdout, everything else on stderr. A closed pipe ends the output quietly.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use crate::args::{ColorChoice, LogForm};

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

    /// A result: goes to stdout as it stands.
    #[expect(clippy::unused_self, reason = "every line that leaves the program goes through the console")]
    pub(crate) fn result(self, text: impl Display) {
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "{text}").and_then(|()| out.flush());
    }

    /// News for a person: a line on stderr, unless `--quiet`.
    pub(crate) fn news(self, text: impl Display) {
        if !self.quiet {
            self.line("INFO", text);
        }
    }

    /// What went wrong: a line on stderr, always.
    pub(crate) fn error(self, text: impl Display) {
        self.line("ERROR", text);
    }

    fn line(self, level: &str, text: impl Display) {
        let mut stderr = std::io::stderr().lock();
        let _ = if self.json {
            let fields = serde_json::json!({ "message": text.to_string() });
            let timestamp = jiff::Timestamp::now().to_string();
            let line =
                serde_json::json!({ "timestamp": timestamp, "level": level, "fields": fields, "target": "migr" });
            writeln!(stderr, "{line}")
        } else {
            writeln!(stderr, "{text}")
        };
    }

    /// Whether results on stdout are coloured.
    pub(crate) fn colored(self) -> bool {
        self.decide(std::io::stdout().is_terminal())
    }

    /// Whether progress bars can be drawn.
    pub(crate) fn draws_progress(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Columns of the terminal that results go to, at most 120; 90 where there is none.
    #[expect(clippy::unused_self, reason = "every question about the terminal goes to the console")]
    pub(crate) fn width(self) -> usize {
        if !std::io::stdout().is_terminal() {
            return 90;
        }
        std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
            .map_or(100, |columns: usize| columns.clamp(60, 120))
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
