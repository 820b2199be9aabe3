//! Findings about workflows and webhooks of the destination that what is written starts.

use migr_plan::{AutomationKind, Plan, fired, idle_permits};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};

use crate::automations::Active;

/// Tells which workflows and webhooks would be started, which permits name none that would, and where the destination does not say.
pub(super) fn tell(plan: &Plan, active: &Active, found: &mut Collector<'_>) {
    for (kind, why) in &active.unknown {
        let message = format!("which {}s what is written starts is not known: {why}", kind.noun());
        let help =
            format!("Let the API key read {}s, or look in the destination which of them are switched on.", kind.noun());
        found.add(Finding::new(FindingKind::FiringWorkflow, severity(*kind), message).with_help(help));
    }
    if active.is_unlisted && !plan.stages.is_empty() {
        let message = "which workflows what is written starts is not known: the destination's API lists none of them";
        let help = "Look in the destination which workflows start when a record is made or changed, and switch them off while records are written: they may send messages to the people who are moved.";
        let weight = severity(AutomationKind::Workflow);
        found.add(Finding::new(FindingKind::FiringWorkflow, weight, message.to_owned()).with_help(help.to_owned()));
    }
    let all = fired(plan, &active.automations);
    for one in &all {
        let (severity, how) = match &one.permitted {
            None => (Severity::Error, format!("is switched on, and {}", one.kind.deed())),
            Some(why) => (Severity::Note, format!("{}, and is permitted: {why}", one.kind.deed())),
        };
        let message = match one.kind {
            AutomationKind::Workflow => format!("{} {how}", one.in_words()),
            AutomationKind::Webhook => format!("the webhook {} {how}", one.in_words()),
        };
        let mut finding = Finding::new(FindingKind::FiringWorkflow, severity, message);
        finding.help = one.permitted.is_none().then(|| {
            format!(
                "Switch it off in the destination while records are written, or write `{}` in the migration; `migr run` does not begin before.",
                one.permit()
            )
        });
        found.add(finding);
    }
    for (kind, name, permit) in idle_permits(plan, &all) {
        if active.unknown.iter().any(|(unknown, _)| *unknown == kind) {
            continue;
        }
        let message =
            format!("\"{name}\" is permitted, and is no {} that is switched on and {}", kind.noun(), kind.deed());
        let finding = Finding::new(FindingKind::IdlePermit, Severity::Warning, message);
        found.add(finding.at(&permit.origin.file, u64::from(permit.origin.line)));
    }
}

/// Weight of not knowing: a workflow changes records, a webhook tells of them.
fn severity(kind: AutomationKind) -> Severity {
    match kind {
        AutomationKind::Workflow => Severity::Warning,
        AutomationKind::Webhook => Severity::Note,
    }
}
