//! Fault that ends a command.

use std::fmt;

use jiff::Timestamp;

use crate::exit::Exit;

/// A command that cannot go on: one sentence on what happened, one on what to do, and the exit code.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Exit code of the program.
    pub(crate) exit: Exit,
    /// Message: what happened, where.
    pub(crate) message: String,
    /// Advice on what to do.
    pub(crate) help: Option<String>,
    /// When the same command can go on; `run --wait` waits until then.
    pub(crate) again_at: Option<Timestamp>,
}

impl Fault {
    /// A fault of the given kind.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None, again_at: None }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A system, a file or the program itself failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Says what to do.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n help: {help}"))
    }
}
