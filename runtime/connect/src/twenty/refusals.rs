//! Which records a refusal means: by what it quotes, by who holds the unique values, and by which references lead nowhere.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use migr_plan::FieldType;
use serde_json::Value;
use tokio::time::sleep;

use super::Twenty;
use super::holders::Wanted;
use super::lists::LOOKS;
use super::live::Live;
use super::normal::identity;
use migr_load::{AtFault, BoxFuture, Fault, LoadError, Map, ObjectSchema, Refusals, Suspect, pause};

/// Value that a refusal quotes.
#[derive(Debug, PartialEq, Eq)]
struct Quoted<'m> {
    /// The field's path; none where only the value is quoted.
    path: Option<&'m str>,
    value: &'m str,
    /// Whoever holds the value there is refused, whatever else it holds; else only the one record that holds it.
    sure: bool,
}

/// Causes of some refusals.
#[derive(Debug, Default)]
struct Causes<'m> {
    quoted: Vec<(Quoted<'m>, &'m str)>,
    /// A value that must be unique, or an id, is taken.
    taken: bool,
    /// A reference leads nowhere.
    dangling: bool,
    /// Fields that are not there any more, or do not take what is written.
    unknown: Vec<(&'m str, &'m str)>,
}

impl<'m> Causes<'m> {
    fn of(refusals: &'m [String]) -> Self {
        let mut causes = Self::default();
        for message in refusals {
            if let Some(quoted) = quoted(message) {
                causes.quoted.push((quoted, message));
            } else if message.contains("duplicate entry") || message.starts_with("Duplicate ") {
                causes.taken = true;
            } else if message.contains("violates foreign key constraint") {
                causes.dangling = true;
            } else if let Some(field) = unknown_field(message) {
                causes.unknown.push((field, message));
            }
        }
        causes
    }
}

impl Refusals for Twenty {
    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        Box::pin(self.find_at_fault(object, records, is_new, refusals))
    }
}

impl Twenty {
    pub(super) async fn find_at_fault(
        &self,
        object: &str,
        records: &[Suspect<'_>],
        is_new: bool,
        refusals: &[String],
    ) -> Result<Vec<AtFault>, LoadError> {
        let causes = Causes::of(refusals);
        let live = self.live()?;
        let known = live.object(object)?;
        let bodies: Vec<Map> = records.iter().map(|record| record.body.values()).collect();
        let mut found: BTreeMap<usize, Fault> = BTreeMap::new();
        holders(&bodies, &causes.quoted, &mut found);
        for (field, message) in causes.unknown {
            for (position, _) in bodies.iter().enumerate().filter(|(_, body)| body.contains_key(field)) {
                found.insert(position, Fault::Refused { reason: message.to_owned() });
            }
        }
        if causes.taken {
            self.doubles(known, records, &bodies, is_new, &mut found).await?;
        }
        if causes.dangling {
            self.dangling(&live, known, &bodies, &mut found).await?;
        }
        Ok(found.into_iter().map(|(position, fault)| AtFault { position, fault }).collect())
    }

    /// Records with an id or a unique value that another one has: among them, in use or in the trash.
    async fn doubles(
        &self,
        object: &ObjectSchema,
        records: &[Suspect<'_>],
        bodies: &[Map],
        is_new: bool,
        found: &mut BTreeMap<usize, Fault>,
    ) -> Result<(), LoadError> {
        let mut wanted = Vec::new();
        if is_new {
            wanted.push(Wanted::ids(records.iter().map(|record| record.id.to_owned()).collect()));
        }
        let mut places = Vec::new();
        for field in object.fields.values().filter(|field| field.unique && field.name != "id") {
            let Some(mut asked) = Wanted::field(field) else { continue };
            let mut first: HashMap<String, usize> = HashMap::new();
            for (position, body) in bodies.iter().enumerate() {
                let Some(given) = body.get(&field.write_key) else { continue };
                let Some(value) = identity(&field.native, None, given) else { continue };
                if let Some(before) = first.get(&value).and_then(|before| records.get(*before)) {
                    let reason = format!("the record {} has the same {}", before.id, asked.path());
                    found.entry(position).or_insert(Fault::Refused { reason });
                } else {
                    // Of a telephone number the server holds the parts apart.
                    let asked_by = given.get("primaryPhoneNumber").and_then(Value::as_str).unwrap_or(&value);
                    asked.values.push(asked_by.to_owned());
                    first.insert(value, position);
                }
            }
            places.push((field, asked.path(), first));
            wanted.push(asked);
        }
        let positions: HashMap<&str, usize> =
            records.iter().enumerate().map(|(position, record)| (record.id, position)).collect();
        for other in self.holders_of(object, &wanted).await? {
            if let Some(position) = positions.get(other.id.as_str()).filter(|_| is_new) {
                found.insert(*position, Fault::There { deleted: other.deleted });
                continue;
            }
            let place = if other.deleted { " in the trash" } else { "" };
            for (field, path, first) in &places {
                let value = other.values.get(&field.name).and_then(|value| identity(&field.native, None, value));
                let position = value.and_then(|value| first.get(&value).copied());
                let Some(position) = position else { continue };
                if records.get(position).is_some_and(|record| record.id != other.id) {
                    let reason = format!("the record {}{place} has the same {path}", other.id);
                    found.entry(position).or_insert(Fault::Refused { reason });
                }
            }
        }
        Ok(())
    }

    /// Records that refer to what is not there. What lies in the trash is there.
    async fn dangling(
        &self,
        live: &Live,
        object: &ObjectSchema,
        bodies: &[Map],
        found: &mut BTreeMap<usize, Fault>,
    ) -> Result<(), LoadError> {
        // Key → object referred to.
        let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
        for field in object.fields.values() {
            if let Some(FieldType::Reference { objects }) = &field.ty {
                for (target, key) in &field.write_keys {
                    keys.insert(key, target);
                }
                if let ([target], false) = (objects.as_slice(), field.write_key.is_empty()) {
                    keys.insert(&field.write_key, target);
                }
            }
        }
        let mut wanted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for body in bodies {
            for (key, value) in body {
                if let (Some(target), Some(id)) = (keys.get(key.as_str()), value.as_str()) {
                    wanted.entry(target).or_default().insert(id.to_lowercase());
                }
            }
        }
        let mut there: HashMap<&str, HashSet<String>> = HashMap::new();
        for (target, ids) in wanted {
            let target_object = live.object(target)?;
            let mut shown: HashSet<String> = HashSet::new();
            for look in 0..LOOKS {
                let asked: Vec<String> = ids.iter().filter(|id| !shown.contains(*id)).cloned().collect();
                if asked.is_empty() || look > 0 && !self.wrote_lately() {
                    break;
                }
                if look > 0 {
                    sleep(pause(self.http.options(), target, look)).await;
                }
                let found = self.holders_of(target_object, &[Wanted::ids(asked)]).await?;
                shown.extend(found.into_iter().map(|found| found.id.to_lowercase()));
            }
            there.insert(target, shown);
        }
        for (position, body) in bodies.iter().enumerate() {
            for (key, value) in body {
                let (Some(target), Some(id)) = (keys.get(key.as_str()), value.as_str()) else { continue };
                if there.get(target).is_some_and(|there| !there.contains(&id.to_lowercase())) {
                    let reason = format!("{key}: there is no record {id} among the destination's {target}");
                    found.entry(position).or_insert(Fault::Refused { reason });
                }
            }
        }
        Ok(())
    }
}

/// The value that a refusal quotes, and where.
fn quoted(message: &str) -> Option<Quoted<'_>> {
    if let Some(value) = message.strip_prefix("Provided phone number is invalid ") {
        // Whether a number is one depends on its country.
        return Some(Quoted { path: None, value, sure: false });
    }
    if let Some(value) = message.strip_prefix("Invalid country code ") {
        return Some(Quoted { path: None, value, sure: false });
    }
    let (before, after) = message.split_once(" for ")?;
    let value = before.strip_prefix("Invalid ")?.split_once("value ").map(|(_, value)| value)?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let value = value.strip_prefix(quote)?.strip_suffix(quote)?;
    let (_, path) = after.split_once("field \"")?;
    let (path, _) = path.split_once('"')?;
    // An escaped or cut value is not what the record holds.
    (!value.contains(['\\', '…'])).then_some(Quoted { path: Some(path), value, sure: true })
}

/// The field that the destination says it has not.
fn unknown_field(message: &str) -> Option<&str> {
    let after = match message.strip_prefix("Object ") {
        Some(rest) => rest.split_once(" doesn't have any \"")?.1,
        None => message.strip_prefix("Field metadata for field \"")?,
    };
    after.split_once('"').map(|(field, _)| field)
}

/// The records that hold what is quoted.
fn holders(bodies: &[Map], quoted: &[(Quoted<'_>, &str)], found: &mut BTreeMap<usize, Fault>) {
    for (quoted, message) in quoted {
        let positions: Vec<usize> =
            bodies.iter().enumerate().filter(|(_, body)| holds(body, quoted)).map(|(position, _)| position).collect();
        let is_sure = quoted.sure || positions.len() == 1;
        for position in positions {
            if is_sure {
                found.insert(position, Fault::Refused { reason: (*message).to_owned() });
            } else {
                found.entry(position).or_insert(Fault::Suspected);
            }
        }
    }
}

fn holds(body: &Map, quoted: &Quoted<'_>) -> bool {
    let Some(path) = quoted.path else { return body.values().any(|value| contains(value, quoted.value)) };
    let mut value = path.split('.').next().and_then(|field| body.get(field));
    for part in path.split('.').skip(1) {
        value = value.and_then(|value| value.get(part));
    }
    value.is_some_and(|value| is_or_lists(value, quoted.value))
}

fn is_or_lists(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(text)),
        _ => false,
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(parts) => parts.values().any(|part| is_or_lists(part, text) || contains(part, text)),
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Causes, Fault, Quoted, holders, quoted, unknown_field};
    use migr_load::Map;

    #[test]
    fn a_refusal_tells_the_field_and_the_value() {
        let by_field = |path, value| Some(Quoted { path: Some(path), value, sure: true });
        for (message, expected) in [
            (
                "Invalid string value 'not an email' for email field \"emails.primaryEmail\"",
                by_field("emails.primaryEmail", "not an email"),
            ),
            (
                "Invalid value \"Closed Won\" for field \"stage\". Valid values are: NEW, SCREENING",
                by_field("stage", "Closed Won"),
            ),
            ("Invalid boolean value 'true' for field \"isPartner\"", by_field("isPartner", "true")),
            ("Invalid UUID value 'abc' for field \"companyId\"", by_field("companyId", "abc")),
            ("Provided phone number is invalid call me", Some(Quoted { path: None, value: "call me", sure: false })),
            ("Invalid country code ZZ9", Some(Quoted { path: None, value: "ZZ9", sure: false })),
            ("Invalid number value NaN for field \"annualRevenue.amountMicros\"", None),
            ("A duplicate entry was detected", None),
            ("insert or update on table \"person\" violates foreign key constraint \"FK_ee06\"", None),
        ] {
            assert_eq!(quoted(message), expected, "{message}");
        }
    }

    #[test]
    fn a_field_that_is_gone_is_named_in_both_versions() {
        let newer = "Object company doesn't have any \"tagsList\" field.";
        let older = "Field metadata for field \"employees\" is missing in object metadata company";
        assert_eq!(unknown_field(newer), Some("tagsList"));
        assert_eq!(unknown_field(older), Some("employees"));
        assert_eq!(unknown_field("A duplicate entry was detected"), None);
    }

    #[test]
    fn refusals_of_one_kind_are_one_cause() {
        let refusals = [
            "A duplicate entry was detected",
            "Duplicate Emails with value a@x.example. Please set a unique one.",
            "insert or update on table \"person\" violates foreign key constraint \"FK_ee06\"",
            "Invalid country code ZZ9",
        ]
        .map(str::to_owned);
        let causes = Causes::of(&refusals);
        assert!(causes.taken && causes.dangling);
        assert_eq!(causes.quoted.len(), 1);
    }

    #[test]
    fn whoever_holds_the_value_there_is_at_fault_and_nobody_else() {
        let record = |body: serde_json::Value| -> Map { body.as_object().unwrap().clone() };
        let bodies = [
            record(json!({"emails": {"primaryEmail": "a@x.example"}, "note": "bad"})),
            record(json!({"emails": {"primaryEmail": "bad"}})),
            record(json!({"emails": {"primaryEmail": "b@x.example", "additionalEmails": ["bad"]}})),
            record(json!({"phones": {"additionalPhones": [{"number": "bad"}]}})),
        ];
        let faults = |path, sure| {
            let mut found = BTreeMap::new();
            holders(&bodies, &[(Quoted { path, value: "bad", sure }, "m")], &mut found);
            found.into_iter().collect::<Vec<_>>()
        };
        let refused = |position| (position, Fault::Refused { reason: "m".to_owned() });
        assert_eq!(faults(Some("emails.primaryEmail"), true), [refused(1)]);
        assert_eq!(faults(Some("emails.additionalEmails"), false), [refused(2)]);
        assert_eq!(faults(None, false), [1, 2, 3].map(|position| (position, Fault::Suspected)));
        assert_eq!(faults(Some("stage"), true), []);
    }
}
