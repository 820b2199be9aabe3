//! Errors of the engine as faults of a command.

use jiff::{SignedDuration, Timestamp};
use migr_engine::EngineError;
use migr_load::LoadError;

use crate::exit::Exit;
use crate::fault::Fault;

/// Fault for an error of the engine, with the exit code that scripts rely on.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands errors over by value")]
pub(crate) fn fault(error: EngineError) -> Fault {
    let exit = match &error {
        EngineError::Extract(_)
        | EngineError::Fallback { .. }
        | EngineError::CollidingOptions { .. }
        | EngineError::TooManyFailures { .. } => Exit::Findings,
        EngineError::NotUncertain { .. }
        | EngineError::NotThere { .. }
        | EngineError::AnothersRecord { .. }
        | EngineError::HoldsOther { .. }
        | EngineError::NoMap { .. }
        | EngineError::NoRun { .. } => Exit::Usage,
        EngineError::OtherExport { .. }
        | EngineError::Shrunk { .. }
        | EngineError::SetupOpen { .. }
        | EngineError::Lacking { .. }
        | EngineError::Automations { .. }
        | EngineError::Load(LoadError::SchemaMoved { .. }) => Exit::Blocked,
        _ => Exit::Failed,
    };
    let again_at = match &error {
        EngineError::Load(LoadError::Spent { until, .. }) => Some(*until),
        EngineError::Load(LoadError::Quota { seconds, .. }) => Some(in_seconds(*seconds)),
        _ => None,
    };
    let help = match &error {
        EngineError::Shrunk { .. } => Some(
            "see whether the export is whole; `migr delta --accept-shrunk` takes it as it is, and deals with what vanished by `on vanished`".to_owned(),
        ),
        EngineError::HoldsOther { .. } => Some(
            "see whether it is the record that was sent; where somebody changed it since, `--as-it-is` takes it".to_owned(),
        ),
        EngineError::Automations { held } => {
            let permits: Vec<String> = held.iter().map(|fired| format!("`{}`", fired.permit())).collect();
            Some(format!(
                "switch them off in the destination while records are written, or write {} in the migration",
                permits.join(" and ")
            ))
        }
        _ => None,
    };
    Fault { help, again_at, ..Fault::new(exit, error.to_string()) }
}

fn in_seconds(seconds: u64) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))).unwrap_or(now)
}
