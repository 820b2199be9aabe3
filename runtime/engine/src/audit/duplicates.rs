//! Findings about records that share what no two records may share, and about those that the destination has.

use migr_journal::Reader;
use migr_plan::{DuplicatePolicy, ExistingPolicy, FieldType};
use unicode_normalization::UnicodeNormalization;

use super::AuditError;
use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity, shown_key};
use super::masking::shown;
use super::referred_keys::key_of;
use super::stage_report::{StageReport, Subject};
use migr_decide::forecast::{Member, Role};
use migr_decide::preview::PreviewAction;
use migr_decide::spelling::{Alike, Spelt};

/// Separator of the parts of a value that several fields make.
const SEPARATOR: char = '\u{1f}';

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
        let reader = self.forecast.reader()?;
        self.forecast.groups(self.step, |path, value, members| {
            let value = self.named(path, value, reader.as_ref())?;
            self.group(path, &value, members, found);
            Ok(())
        })
    }

    /// A shared value as a person reads it: records that it refers to stand there by their keys, and not by ids that nobody has seen.
    fn named(&self, path: usize, value: &str, reader: Option<&Reader>) -> Result<String, AuditError> {
        let paths = self.identities.paths.get(path).map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<&str> = value.split(SEPARATOR).collect();
        if parts.len() != paths.len() {
            return Ok(shown_key(value));
        }
        let mut named = Vec::with_capacity(parts.len());
        for (path, part) in paths.iter().zip(parts) {
            let ty = self.stage.fields.iter().find(|field| field.field == *path).map(|field| &field.ty);
            let key = match ty {
                Some(FieldType::Reference { objects }) => key_of((self.plan, self.forecast, reader), objects, part)?,
                _ => None,
            };
            named.push(key.unwrap_or_else(|| part.to_owned()));
        }
        Ok(named.join(" + "))
    }

    /// Identities that no `match` makes one, though a reader may take them for one.
    pub(crate) fn spelt_otherwise(&self, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let reader = self.forecast.reader()?;
        for Alike { path, records, pairs } in self.forecast.spelt_otherwise(self.step) {
            let name = self.identities.name(path);
            let is_sensitive = self.identities.is_sensitive(self.stage, path);
            let pair = |[(one, first), (other, second)]: &[Spelt; 2]| {
                let named = |value: &str| self.named(path, value, reader.as_ref());
                let (one, other) = told_apart(&named(one)?, &named(other)?);
                let shown = |value: &str| shown(value, is_sensitive);
                Ok::<_, AuditError>(format!("{} (line {first}) and {} (line {second})", shown(&one), shown(&other)))
            };
            let shown: Vec<String> = pairs.iter().map(pair).collect::<Result<_, _>>()?;
            let records_have = if records == 1 { "record has" } else { "records have" };
            let message = format!(
                "{records} {records_have} the {name} of another record but for case, blanks or the form of a letter, and no `match` makes them one: {}",
                shown.join("; "),
            );
            let line = pairs.first().map_or(0, |[_, other]| other.1);
            let finding = Finding::new(FindingKind::NearIdentity, Severity::Warning, message).counting(records);
            found.add(finding.of(&self.place.object.name).at(self.place.file, line));
        }
        Ok(())
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
        let value = shown(value, self.identities.is_sensitive(self.stage, path));
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
                None if member.role == Role::Skipped => {
                    let message = format!("{records} records have the {name} {value}; this one will be skipped");
                    (Severity::Warning, message)
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
                        Role::Skipped => "it will be skipped",
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

/// Two spellings as a reader can tell them apart: signs in which they differ stand as their numbers (`Cafe\u{301}`) where they would look the same.
fn told_apart(one: &str, other: &str) -> (String, String) {
    let looks = |text: &str| -> String {
        let seen = text.nfkc().filter(|sign| !migr_escape::is_deceptive(*sign) && *sign != '\u{ad}');
        seen.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    if looks(one) != looks(other) {
        return (one.to_owned(), other.to_owned());
    }
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let rest = |text: &str| text.chars().skip(alike).collect::<Vec<char>>();
    let (first, second) = (rest(one), rest(other));
    let ends = first.iter().rev().zip(second.iter().rev()).take_while(|(one, other)| one == other).count();
    let written = |text: &str, rest: &[char]| {
        let differing = rest.len().saturating_sub(ends);
        let signs = rest.iter().enumerate().map(|(at, sign)| {
            if at < differing && !sign.is_ascii() { sign.escape_unicode().to_string() } else { sign.to_string() }
        });
        text.chars().take(alike).map(String::from).chain(signs).collect::<String>()
    };
    (written(one, &first), written(other, &second))
}

#[cfg(test)]
mod tests {
    use super::told_apart;

    #[test]
    fn spellings_that_look_the_same_show_the_signs_in_which_they_differ() {
        for ((one, other), (first, second)) in [
            (("Caf\u{e9} Nord", "Cafe\u{301} Nord"), ("Caf\\u{e9} Nord", "Cafe\\u{301} Nord")),
            (("Acme Inc", "Acme\u{a0}Inc"), ("Acme Inc", "Acme\\u{a0}Inc")),
            (("Zed", "Zed\u{200b}"), ("Zed", "Zed\\u{200b}")),
            (("Zürich", "ZÜRICH"), ("Zürich", "ZÜRICH")),
            (("Acme GmbH", "Acme  GmbH"), ("Acme GmbH", "Acme  GmbH")),
        ] {
            assert_eq!(told_apart(one, other), (first.to_owned(), second.to_owned()));
        }
    }
}
