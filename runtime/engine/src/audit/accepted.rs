//! Findings of an audit that a spec accepts by their name: `allow "orphan-owner" max 77 : "why"`.

use std::collections::BTreeSet;

use migr_plan::{Acceptance, Origin, Plan, Within};
use serde::Serialize;

use super::finding::{Finding, FindingKind, KEPT_PER_KIND, Severity};

/// Findings that one entry of a spec accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedFindings {
    /// Name of the findings.
    pub finding: String,
    /// Reason as written.
    pub reason: String,
    /// Line of the entry.
    pub origin: Origin,
    /// Number of records that may be accepted, where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Number of records that the findings concern.
    pub records: u64,
    /// True where these are more than `max`: then the findings are told as if nothing accepted them.
    pub is_exceeded: bool,
}

/// One entry, with what it took.
#[derive(Debug)]
struct Entry {
    written: AcceptedFindings,
    on: Option<String>,
    /// The objects that it covers; absent where it covers all.
    objects: Option<BTreeSet<String>>,
    /// The kinds that it covers besides its name; absent where its block limits none.
    kinds: Option<&'static [FindingKind]>,
    kept: Vec<Finding>,
    findings: Vec<(Option<String>, FindingKind, Severity, u64)>,
}

/// The entries of a plan that accept findings of an audit.
#[derive(Debug, Default)]
pub(crate) struct Acceptances {
    entries: Vec<Entry>,
}

/// Kinds of findings about the values of picklists.
const OF_PICKLISTS: &[FindingKind] = &[
    FindingKind::UnknownPicklistValue,
    FindingKind::UnusedRow,
    FindingKind::OptionOrder,
    FindingKind::CollidingOptions,
    FindingKind::NewOption,
    FindingKind::RareOption,
    FindingKind::DefaultTaken,
];

/// Kinds of findings about owners.
const OF_OWNERS: &[FindingKind] = &[FindingKind::OrphanOwner, FindingKind::UnknownMember];

impl Acceptances {
    /// Formats of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let is_named = |accepted: &&Acceptance| FindingKind::ALL.iter().any(|kind| kind.name() == accepted.finding);
        Self { entries: plan.accepted.iter().filter(is_named).map(|accepted| entry(plan, accepted)).collect() }
    }

    /// Takes a finding that an entry accepts; gives back what none does. An error is accepted by nobody.
    pub(crate) fn take(&mut self, finding: Finding) -> Option<Finding> {
        if finding.severity == Severity::Error { Some(finding) } else { self.cover(finding) }
    }

    /// The same for a finding that the spec is known to speak of, whatever its severity.
    pub(crate) fn cover(&mut self, finding: Finding) -> Option<Finding> {
        let covers = |entry: &&mut Entry| {
            let object = finding.object.as_ref();
            let place = finding.object.as_deref().zip(finding.column.as_deref());
            entry.written.finding == finding.kind.name()
                && entry.on.as_ref().is_none_or(|on| {
                    finding.column.as_ref() == Some(on) || place.is_some_and(|place| on.split_once('.') == Some(place))
                })
                && entry.objects.as_ref().is_none_or(|objects| object.is_some_and(|object| objects.contains(object)))
                && entry.kinds.is_none_or(|kinds| kinds.contains(&finding.kind))
        };
        let Some(entry) = self.entries.iter_mut().find(covers) else { return Some(finding) };
        entry.written.records += finding.count;
        let group = (finding.object.clone(), finding.kind, finding.severity);
        let known = entry.findings.iter_mut().find(|it| (&it.0, it.1, it.2) == (&group.0, group.1, group.2));
        match known {
            Some(known) => known.3 += 1,
            None => entry.findings.push((group.0, group.1, group.2, 1)),
        }
        if (entry.kept.len() as u64) < KEPT_PER_KIND {
            entry.kept.push(finding);
        }
        None
    }

    /// Findings about entries that took nothing: each would hide the next finding of its kind.
    pub(crate) fn idle(&self) -> Vec<Finding> {
        let idle = self.entries.iter().filter(|entry| entry.written.records == 0).map(|entry| {
            let AcceptedFindings { finding, origin, .. } = &entry.written;
            let message = format!("nothing here raises \"{finding}\" as a warning or a note (W0211)");
            Finding::new(FindingKind::IdleAllow, Severity::Warning, message).at(&origin.file, u64::from(origin.line))
        });
        idle.collect()
    }

    /// Accepted findings, by entry; those that took nothing are no part of them. The findings of an entry that accepts fewer than there are go back, with what it accepts.
    pub(crate) fn finish(self, mut back: impl FnMut(Vec<Finding>, Total)) -> Vec<AcceptedFindings> {
        let mut accepted = Vec::with_capacity(self.entries.len());
        for Entry { mut written, kept, findings, .. } in self.entries {
            if written.records == 0 {
                continue;
            }
            if let Some(max) = written.max.filter(|max| written.records > *max) {
                written.is_exceeded = true;
                let place = format!("{}:{}", written.origin.file, written.origin.line);
                let told = |mut finding: Finding| {
                    finding.message =
                        format!("{} ({max} accepted in {place}, now {})", finding.message, written.records);
                    finding
                };
                let mut kept: Vec<Finding> = kept.into_iter().map(told).collect();
                for total in findings {
                    back(std::mem::take(&mut kept), total);
                }
            }
            accepted.push(written);
        }
        accepted
    }
}

/// Number of findings by object, kind and severity.
type Total = (Option<String>, FindingKind, Severity, u64);

fn entry(plan: &Plan, accepted: &Acceptance) -> Entry {
    let all = || plan.source.objects.iter().map(|object| object.name.clone());
    let mut kinds = None;
    let objects = match &accepted.within {
        Within::Migration => None,
        Within::System { name } => Some(if *name == plan.source.system { all().collect() } else { BTreeSet::new() }),
        Within::Object { name, .. } => Some(BTreeSet::from([name.clone()])),
        Within::Map { name } => {
            let of_map = plan.stages.iter().filter(|stage| stage.map == *name);
            Some(of_map.map(|stage| stage.source_object.clone()).collect())
        }
        Within::Picklist { .. } => {
            kinds = Some(OF_PICKLISTS);
            None
        }
        Within::Owners => {
            kinds = Some(OF_OWNERS);
            None
        }
    };
    let written = AcceptedFindings {
        finding: accepted.finding.clone(),
        reason: accepted.reason.clone(),
        origin: accepted.origin.clone(),
        max: accepted.max,
        records: 0,
        is_exceeded: false,
    };
    Entry { written, on: accepted.on.clone(), objects, kinds, kept: Vec::new(), findings: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spec_may_name_are_the_kinds_of_an_audits_findings() {
        let mut kinds: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.name()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, migr_plan::AUDIT_FINDINGS, "both list every name, in order");
    }
}
