//! Findings about records that share what no two records may share, and about those that the destination has.

use migr_plan::{DuplicatePolicy, ExistingPolicy};

use super::AuditError;
use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity, shown_key};
use super::masking::shown;
use super::stage_report::{StageReport, Subject};
use migr_decide::forecast::{Member, Role};
use migr_decide::preview::PreviewAction;
use migr_decide::spelling::{Alike, Spelt};

impl StageReport<'_> {
    pub(crate) fn twin_finding(
        &self,
        kind: FindingKind,
        severity: Severity,
        message: String,
        line: u64,
        key: &str,
    ) -> Finding {
        let finding = Finding::new(kind, severity, message).of(&self.place.object.name).at(self.place.file, line);
        if self.is_masked { finding } else { finding.with_key(key) }
    }

    /// Records that would become one, and records that share a value that must be unique.
    pub(crate) fn shared(&self, found: &mut Collector<'_>) -> Result<(), AuditError> {
        Ok(self.forecast.groups(self.step, |path, value, members| self.group(path, value, members, found))?)
    }

    /// Identities that no `match` makes one, though a reader may take them for one.
    pub(crate) fn spelt_otherwise(&self, found: &mut Collector<'_>) {
        for Alike { path, records, pairs } in self.forecast.spelt_otherwise(self.step) {
            let name = self.identities.name(path);
            let is_sensitive = self.identities.is_sensitive(self.stage, path);
            let spelt = |(value, line): &Spelt| format!("{} (line {line})", shown(&shown_key(value), is_sensitive));
            let shown: Vec<String> =
                pairs.iter().map(|[one, other]| format!("{} and {}", spelt(one), spelt(other))).collect();
            let records_have = if records == 1 { "record has" } else { "records have" };
            let message = format!(
                "{records} {records_have} the {name} of another record but for case, blanks or the form of a letter, and no `match` makes them one: {}",
                shown.join("; "),
            );
            let line = pairs.first().map_or(0, |[_, other]| other.1);
            let finding = Finding::new(FindingKind::NearIdentity, Severity::Warning, message).counting(records);
            found.add(finding.of(&self.place.object.name).at(self.place.file, line));
        }
    }

    fn group(&self, path: usize, value: &str, members: &[Member], found: &mut Collector<'_>) {
        let policy = &self.stage.policies.duplicate;
        let is_match = path < self.identities.matching;
        // A field of `match` that must be unique too was told of as the one, and what is left out of it with its record.
        if !is_match
            && (0..self.identities.matching).any(|other| self.identities.name(other) == self.identities.name(path))
        {
            return;
        }
        let is_quarantined = !is_match || *policy == DuplicatePolicy::Quarantine;
        let name = self.identities.name(path);
        let value = shown(&shown_key(value), self.identities.is_sensitive(self.stage, path));
        let records = members.len();
        let mut leader: Option<&Member> = None;
        for member in members {
            let (severity, message) = match leader {
                // One that is out already cannot lead.
                None if member.role == Role::Out => {
                    let message =
                        format!("{records} records have the {name} {value}; this one is out for another reason");
                    (Severity::Warning, message)
                }
                None if member.role == Role::Quarantined => {
                    let message = format!("{records} records have the {name} {value}; this one will be quarantined");
                    (Severity::Error, message)
                }
                None => {
                    leader = Some(member);
                    let is_followed = members.iter().any(|other| other.role == Role::Follows(member.key.clone()));
                    let does = match member.role {
                        Role::Follows(_) => ANOTHER,
                        _ if is_quarantined || !is_followed => "this one stays",
                        _ => kept(policy),
                    };
                    (Severity::Warning, format!("{records} records have the {name} {value}; {does}"))
                }
                Some(first) => {
                    let shown = if self.is_masked { String::new() } else { format!("{} ", shown_key(&first.key)) };
                    let sets_aside = member.role == Role::Quarantined;
                    let does = match &member.role {
                        Role::Out => "it is out for another reason",
                        Role::Quarantined => "it will be quarantined",
                        Role::Follows(survivor) if *survivor != first.key => ANOTHER,
                        Role::Follows(_) => follows(policy),
                        Role::Stays if is_match => "an earlier field of `match` says that it is another record",
                        Role::Stays => "it stays too",
                    };
                    let message = format!("it has the {name} {value} of {shown}(line {}); {does}", first.line);
                    (if sets_aside { Severity::Error } else { Severity::Warning }, message)
                }
            };
            found.add(self.twin_finding(FindingKind::DuplicateIdentity, severity, message, member.line, &member.key));
        }
    }

    /// A record that the destination has, and what a run would do with it.
    pub(crate) fn there(&self, subject: Subject<'_>, id: &str, action: PreviewAction) -> Finding {
        let (kind, place, does) = match action {
            PreviewAction::Restore => (FindingKind::TrashedTwin, true, "it will be restored"),
            PreviewAction::Replace => (FindingKind::TrashedTwin, true, "it will be destroyed and made anew"),
            PreviewAction::Keep => (FindingKind::ExistingTwin, false, "it stays as it is there"),
            _ if self.stage.policies.existing == ExistingPolicy::Update => {
                (FindingKind::ExistingTwin, false, "it will be updated")
            }
            _ => (FindingKind::ExistingTwin, false, "its empty fields will be filled"),
        };
        let message = if place {
            format!("a match, {id}, lies in the destination's trash; {does}")
        } else {
            format!("the destination has it already, as {id}; {does}")
        };
        self.twin_finding(kind, Severity::Note, message, subject.line, subject.key)
    }
}

/// Role of a record that became one with another by another value.
const ANOTHER: &str = "another record stands for it";

fn kept(policy: &DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => {
            "the others are merged into this one"
        }
        _ => "this one is kept",
    }
}

fn follows(policy: &DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => "it is merged into that one",
        _ => "that one is kept, and references to this one lead there",
    }
}
