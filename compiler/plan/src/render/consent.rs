//! Consent and duties: what a rollback does, permits, accepted findings, workflows that run, hosts, and retention.

use super::section::{Section, place};
use super::{accepted, fetched_from, retentions, rolled_back, workflows};
use crate::{Permitted, Plan};

/// The section of what people have agreed to, and of what they are to know before they do.
pub(super) fn section(plan: &Plan) -> Section {
    let mut section = Section::new("To know and to agree to");
    section.say(rolled_back(plan));
    if let Some(why) = &plan.destination.objects_stay {
        let objects: Vec<&str> = plan.destination.new_objects.keys().map(String::as_str).collect();
        section.say(format!("A rollback leaves the object {}: {why}.", objects.join(", ")));
    }
    for part in &plan.destination.undocumented {
        section.say(format!("Sent, though the destination's documents do not name it: {}: {}", part.what, part.reason));
    }
    for permit in &plan.permits {
        let what = match &permit.what {
            Permitted::Object { name } => format!("restricted object {name} is read"),
            Permitted::Irreversible => "a step that no rollback undoes".to_owned(),
            // Named with the workflows, by what starts them.
            Permitted::Workflow { .. } | Permitted::Webhook { .. } => continue,
        };
        section.say(format!("Permitted: {what} ({}): {}", place(&permit.origin), permit.reason));
    }
    section.about.extend(plan.undeclared.iter().map(|what| format!("Stays behind, since nobody declares it: {what}")));
    section.about.extend(workflows(plan));
    section.about.extend(accepted(plan));
    section.about.extend(fetched_from(plan));
    section.about.extend(retentions(plan));
    section
}
