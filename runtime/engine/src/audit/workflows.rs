//! Findings about workflows of the destination that run on what is written.

use migr_plan::{Plan, fired, idle_permits};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};

use crate::automations::Active;

/// Tells which workflows would run, which permits name none that would, and where the destination does not say.
pub(super) fn tell(plan: &Plan, active: &Active, found: &mut Collector<'_>) {
    if let Some(why) = &active.unknown {
        let message = format!("which workflows run on what is written is not known: {why}");
        let help = "Let the API key read workflows, or look in the destination which of them are switched on.";
        found.add(Finding::new(FindingKind::FiringWorkflow, Severity::Warning, message).with_help(help));
        return;
    }
    let all = fired(plan, &active.automations);
    for one in &all {
        let (severity, how) = match &one.permitted {
            None => (Severity::Error, "is switched on, and would run on what is written".to_owned()),
            Some(why) => (Severity::Note, format!("runs on what is written, and is permitted: {why}")),
        };
        let message = format!("{} {how}", one.in_words());
        let mut finding = Finding::new(FindingKind::FiringWorkflow, severity, message);
        finding.help = one.permitted.is_none().then(|| {
            format!(
                "Switch it off in the destination while records are written, or write `{}` in the migration; `migr run` does not begin before.",
                one.permit()
            )
        });
        found.add(finding);
    }
    for (name, permit) in idle_permits(plan, &all) {
        let message =
            format!("\"{name}\" is permitted, and is no workflow that is switched on and runs on what is written");
        let finding = Finding::new(FindingKind::IdlePermit, Severity::Warning, message);
        found.add(finding.at(&permit.origin.file, u64::from(permit.origin.line)));
    }
}
