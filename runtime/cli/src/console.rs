//! The two streams: results on stdout, everything else on stderr. A closed pipe ends the output quietly.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use crate::args::ColorChoice;

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    quiet: bool,
    color: ColorChoice,
}

impl Console {
    /// A console as the global options ask for.
    pub(crate) fn new(quiet: bool, color: ColorChoice) -> Self {
        Self { quiet, color }
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
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// What went wrong: a line on stderr, always.
    #[expect(clippy::unused_self, reason = "every line that leaves the program goes through the console")]
    pub(crate) fn error(self, text: impl Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Whether results on stdout are coloured.
    pub(crate) fn colored(self) -> bool {
        self.decide(std::io::stdout().is_terminal())
    }

    /// Whether progress bars can be drawn.
    pub(crate) fn draws_progress(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
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
