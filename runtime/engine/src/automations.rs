//! Workflows of the destination that run by themselves on what a migration writes: which would run, and what holds a run back.

use migr_load::{Destination, LoadError};
use migr_plan::{Automation, FiredAutomation, Plan, fired};

use crate::{Context, EngineError};

/// Workflows that a destination has switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) automations: Vec<Automation>,
    /// Reason why the destination does not say.
    pub(crate) unknown: Option<String>,
}

/// Asks a destination for the workflows that it has switched on. Its schema must have been read.
pub(crate) async fn active(destination: &dyn Destination) -> Result<Active, LoadError> {
    let Some(automations) = destination.automations() else { return Ok(Active::default()) };
    match automations.active().await {
        Ok(automations) => Ok(Active { automations, unknown: None }),
        Err(error @ LoadError::Refused { .. }) => {
            Ok(Active { automations: Vec::new(), unknown: Some(error.to_string()) })
        }
        Err(error) => Err(error),
    }
}

/// Holds a run back while a workflow that no one permits would run on what it writes.
pub(crate) async fn hold(context: &Context) -> Result<(), EngineError> {
    let active = active(&*context.destination).await?;
    let held = unpermitted(&context.plan, &active.automations);
    if held.is_empty() { Ok(()) } else { Err(EngineError::Automations { held }) }
}

fn unpermitted(plan: &Plan, automations: &[Automation]) -> Vec<FiredAutomation> {
    fired(plan, automations).into_iter().filter(|fired| fired.permitted.is_none()).collect()
}
