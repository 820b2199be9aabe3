//! Exit codes of the program.

/// Exit code of a command. The numbers are a contract with scripts and CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The spec or the data has problems, all printed; `--check` found a difference.
    Findings = 1,
    /// Wrong usage.
    Usage = 2,
    /// A system could not be reached or refused, or a fault of ours.
    Failed = 3,
    /// Approval missing or stale, saved plan stale, checklist open.
    Blocked = 4,
    /// Finished, with records quarantined.
    Quarantined = 5,
    /// Verification, reconciliation or rollback did not hold.
    DoesNotHold = 6,
    /// Interrupted; can be resumed.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
