//! Workflows and webhooks of the destination that a lock knows, held against what a program writes and permits.

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::lock::Lock;
use migr_plan::{AutomationKind, Plan, idle_permits};

use crate::spec::Spec;

/// Tells of workflows and webhooks that what the maps write starts and that no one permits, and of permits for others. `plan` is the program's, with what the lock knows.
pub fn check_automations(spec: &Spec, plan: &Plan, lock: &Lock, diagnostics: &mut Diagnostics) {
    let is_asked = |name: &str| lock.migration == spec.name && name == spec.destination.name;
    if !lock.destination.as_ref().is_some_and(|found| is_asked(&found.name)) {
        return;
    }
    for fired in plan.automations.iter().filter(|fired| fired.permitted.is_none()) {
        let Some(map) = spec.maps.iter().find(|map| fired.maps.contains(&map.name)) else { continue };
        diagnostics.push(
            Diagnostic::new(
                Code::W0615,
                match fired.kind {
                    AutomationKind::Workflow => {
                        format!("the destination runs a workflow on what is written: {}", fired.in_words())
                    }
                    AutomationKind::Webhook => {
                        format!("a webhook of the destination tells its host what is written: {}", fired.in_words())
                    }
                },
                map.name_span,
                "starts it",
            )
            .with_help(format!(
                "`migr run` does not begin before it is switched off in the destination, or the migration says `{}`; `migr audit` looks again",
                fired.permit()
            )),
        );
    }
    for (kind, name, idle) in idle_permits(plan, &plan.automations) {
        let Some(permit) = spec.permits.iter().find(|permit| permit.what == idle.what) else { continue };
        diagnostics.push(
            Diagnostic::new(
                Code::W0616,
                format!(
                    "no {} \"{name}\" of the destination was switched on and {}, when it was asked last",
                    kind.noun(),
                    kind.deed()
                ),
                permit.span,
                "permits nothing",
            )
            .with_help("take it out, or correct the name; `migr audit` looks again"),
        );
    }
}
