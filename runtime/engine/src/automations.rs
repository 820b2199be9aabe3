//! Workflows and webhooks of the destination that what a migration writes starts: which would, and what holds a run back.

use migr_load::{Destination, LoadError};
use migr_plan::{Automation, AutomationKind, FiredAutomation, Plan, fired};

use crate::{Context, EngineError};

/// Workflows and webhooks that a destination has switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) automations: Vec<Automation>,
    /// Kinds of which the destination does not say, with its reason.
    pub(crate) unknown: Vec<(AutomationKind, String)>,
    /// The destination's API has no list of them.
    pub(crate) is_unlisted: bool,
}

impl Active {
    fn take(&mut self, kind: AutomationKind, found: Result<Vec<Automation>, LoadError>) -> Result<(), LoadError> {
        match found {
            Ok(found) => self.automations.extend(found),
            Err(error @ (LoadError::Refused { .. } | LoadError::Unexpected { .. })) => {
                self.unknown.push((kind, error.to_string()));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Asks a destination for the workflows and webhooks that it has switched on. Its schema must have been read.
pub(crate) async fn active(destination: &dyn Destination) -> Result<Active, LoadError> {
    let mut active = Active::default();
    let Some(automations) = destination.automations() else { return Ok(Active { is_unlisted: true, ..active }) };
    active.take(AutomationKind::Workflow, automations.active().await)?;
    active.take(AutomationKind::Webhook, automations.webhooks().await)?;
    Ok(active)
}

/// Holds a run back while a workflow or webhook that no one permits would be started by what it writes.
pub(crate) async fn hold(context: &Context) -> Result<(), EngineError> {
    let active = active(&*context.destination).await?;
    let held = unpermitted(&context.plan, &active.automations);
    if held.is_empty() { Ok(()) } else { Err(EngineError::Automations { held }) }
}

fn unpermitted(plan: &Plan, automations: &[Automation]) -> Vec<FiredAutomation> {
    fired(plan, automations).into_iter().filter(|fired| fired.permitted.is_none()).collect()
}
