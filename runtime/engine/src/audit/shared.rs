use migr_plan::lock::LockedStage;
use migr_plan::{DeletedPolicy, DuplicatePolicy, ExistingPolicy};

use super::AuditError;
use super::finding::{Collector, Finding, FindingKind, Severity, shown_key};
use super::identity::order;
use super::preview::PreviewAction;
use super::rehearse::Rehearsal;
use super::scratch::{Fate, Twin};
use super::shape::shown;

impl Rehearsal<'_> {
    fn twin_finding(&self, kind: FindingKind, severity: Severity, message: String, line: u64, key: &str) -> Finding {
        let finding = Finding::new(kind, severity, message).of(&self.place.object.name).at(self.place.file, line);
        if self.is_masked { finding } else { finding.with_key(key) }
    }

    /// Records that would become one, and records that share a value that must be unique.
    pub(crate) fn shared(&self, tally: &mut LockedStage, found: &mut Collector<'_>) -> Result<(), AuditError> {
        for path in 0..self.identities.paths.len() {
            self.shared_path(path, tally, found)?;
        }
        Ok(())
    }

    fn shared_path(&self, path: usize, tally: &mut LockedStage, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let scratch = self.world.scratch;
        let policy = &self.stage.policies.duplicate;
        let is_match = path < self.identities.matching;
        let is_quarantined = !is_match || *policy == DuplicatePolicy::Quarantine;
        let order = if is_match { order(policy) } else { "line" };
        let name = self.identities.name(path);
        let is_sensitive = self.identities.is_sensitive(self.stage, path);
        scratch.shared_identities(path, |value, records| {
            let value_shown = shown(&shown_key(value), is_sensitive);
            let mut winner: Option<(String, u64)> = None;
            let mut written = 0_u32;
            scratch.same_identity(path, value, order, |same| {
                written += u32::from(scratch.fate(self.number, &same.key)?.is_none());
                Ok(())
            })?;
            scratch.same_identity(path, value, order, |same| {
                let known = scratch.fate(self.number, &same.key)?;
                let (severity, message) = match &winner {
                    // One that is out already cannot lead.
                    None if known.is_some() => {
                        let message = format!(
                            "{records} records have the {name} {value_shown}; this one is out for another reason"
                        );
                        (Severity::Warning, message)
                    }
                    None => {
                        let does = if is_quarantined { "this one stays" } else { kept(policy) };
                        let message = format!("{records} records have the {name} {value_shown}; {does}");
                        // Where all others are out for another reason, nothing is set aside for what they share.
                        let sets_aside = is_quarantined && written > 1;
                        let severity = if sets_aside { Severity::Error } else { Severity::Warning };
                        winner = Some((same.key.clone(), same.line));
                        (severity, message)
                    }
                    Some((leader, line)) => {
                        if known.is_none() {
                            tally.create = tally.create.saturating_sub(1);
                            if is_quarantined {
                                tally.quarantine += 1;
                                scratch.set_fate(self.number, &same.key, Fate::Quarantined, None)?;
                            } else {
                                tally.skip += 1;
                                scratch.set_fate(self.number, &same.key, Fate::Follower, Some(leader))?;
                                scratch.meet(self.number, (same.line, &same.key), stands_for(policy), leader)?;
                            }
                        }
                        let leader = if self.is_masked { String::new() } else { format!("{} ", shown_key(leader)) };
                        let does = match known {
                            Some(_) => "it is out for another reason",
                            None if is_quarantined => "it will be set aside",
                            None => follows(policy),
                        };
                        let message = format!("it has the {name} {value_shown} of {leader}(line {line}); {does}");
                        let sets_aside = is_quarantined && known.is_none();
                        (if sets_aside { Severity::Error } else { Severity::Warning }, message)
                    }
                };
                let kind = FindingKind::DuplicateIdentity;
                found.add(self.twin_finding(kind, severity, message, same.line, &same.key));
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Records that the destination has already.
    pub(crate) fn twins(&self, tally: &mut LockedStage, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let mut group: Vec<Twin> = Vec::new();
        self.world.scratch.twins(self.number, |twin| {
            if group.first().is_some_and(|first| first.line != twin.line) {
                self.decide(&group, tally, found)?;
                group.clear();
            }
            group.push(twin);
            Ok(())
        })?;
        Ok(self.decide(&group, tally, found)?)
    }

    /// One record with everything in the destination that has an identity of it.
    fn decide(&self, twins: &[Twin], tally: &mut LockedStage, found: &mut Collector<'_>) -> rusqlite::Result<()> {
        let Some(first) = twins.first() else { return Ok(()) };
        if self.world.scratch.fate(self.number, &first.key)?.is_some() {
            return Ok(());
        }
        let mut same: Option<&Twin> = None;
        for path in 0..self.identities.matching {
            let of_path = || twins.iter().filter(|twin| twin.path == path);
            let live: Vec<&Twin> = of_path().filter(|twin| !twin.is_deleted).collect();
            let candidates: Vec<&Twin> = if live.is_empty() { of_path().collect() } else { live };
            match candidates.as_slice() {
                [] => {}
                [only] => {
                    same = Some(only);
                    break;
                }
                several => {
                    let name = self.identities.name(path);
                    let message = format!(
                        "{} records of the destination have its {name}: it is not clear which is meant",
                        several.len()
                    );
                    return self.sets_aside(FindingKind::ExistingTwin, message, first, tally, found);
                }
            }
        }
        let taken = twins
            .iter()
            .find(|twin| twin.path >= self.identities.matching && same.is_none_or(|same| same.id != twin.id));
        if let Some(taken) = taken {
            let name = self.identities.name(taken.path);
            let (kind, place) = if taken.is_deleted {
                (FindingKind::TrashedTwin, " in its trash")
            } else {
                (FindingKind::ExistingTwin, "")
            };
            let message = format!("the destination's record {}{place} has its {name}, which must be unique", taken.id);
            return self.sets_aside(kind, message, first, tally, found);
        }
        let Some(same) = same else { return Ok(()) };
        let policies = &self.stage.policies;
        let meets = |action| self.world.scratch.meet(self.number, (first.line, &first.key), action, &same.id);
        let updates = |tally: &mut LockedStage| {
            tally.create = tally.create.saturating_sub(1);
            tally.update += 1;
        };
        let (kind, message) = if same.is_deleted {
            let does = match policies.deleted {
                DeletedPolicy::Quarantine => {
                    meets(PreviewAction::SetAside)?;
                    let message = format!("its twin {} lies in the destination's trash; it will be set aside", same.id);
                    return self.sets_aside(FindingKind::TrashedTwin, message, first, tally, found);
                }
                DeletedPolicy::Restore => {
                    meets(PreviewAction::Restore)?;
                    updates(tally);
                    "it will be restored"
                }
                DeletedPolicy::Destroy => {
                    meets(PreviewAction::Replace)?;
                    "it will be destroyed and made anew"
                }
            };
            (FindingKind::TrashedTwin, format!("its twin {} lies in the destination's trash; {does}", same.id))
        } else {
            let does = match policies.existing {
                ExistingPolicy::Quarantine => {
                    meets(PreviewAction::SetAside)?;
                    let message = format!("the destination has it already, as {}; it will be set aside", same.id);
                    return self.sets_aside(FindingKind::ExistingTwin, message, first, tally, found);
                }
                ExistingPolicy::Skip => {
                    meets(PreviewAction::Keep)?;
                    tally.create = tally.create.saturating_sub(1);
                    tally.skip += 1;
                    "it stays as it is there"
                }
                ExistingPolicy::Fill => {
                    meets(PreviewAction::Change)?;
                    updates(tally);
                    "its empty fields will be filled"
                }
                ExistingPolicy::Update => {
                    meets(PreviewAction::Change)?;
                    updates(tally);
                    "it will be updated"
                }
            };
            (FindingKind::ExistingTwin, format!("the destination has it already, as {}; {does}", same.id))
        };
        found.add(self.twin_finding(kind, Severity::Note, message, first.line, &first.key));
        Ok(())
    }

    fn sets_aside(
        &self,
        kind: FindingKind,
        message: String,
        record: &Twin,
        tally: &mut LockedStage,
        found: &mut Collector<'_>,
    ) -> rusqlite::Result<()> {
        tally.create = tally.create.saturating_sub(1);
        tally.quarantine += 1;
        found.add(self.twin_finding(kind, Severity::Error, message, record.line, &record.key));
        self.world.scratch.set_fate(self.number, &record.key, Fate::Quarantined, None)
    }
}

fn kept(policy: &DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => {
            "the others are merged into this one"
        }
        _ => "this one is kept",
    }
}

fn stands_for(policy: &DuplicatePolicy) -> PreviewAction {
    match policy {
        DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => PreviewAction::Merge,
        _ => PreviewAction::GiveWay,
    }
}

fn follows(policy: &DuplicatePolicy) -> &'static str {
    match policy {
        DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. } => "it is merged into that one",
        _ => "that one is kept and stands for it",
    }
}
