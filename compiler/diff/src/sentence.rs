//! Summary of a diff: the causes counted by kind, and one sentence that names what happens to how many records.

use std::collections::BTreeMap;

use migr_plan::{Lock, Plan};

use crate::changes::{Found, Step};
use crate::kind::Kind;
use crate::owned::{self, Owned};
use crate::{KindCount, Summary};

/// Counts of the causes, and one sentence about them.
pub(crate) fn summary(changes: &[Found], plans: (&Plan, &Plan), lock: Option<&Lock>) -> Summary {
    let causes: Vec<&Found> = changes.iter().filter(|found| !found.change.follows).collect();
    let mut kinds: BTreeMap<Kind, KindCount> = BTreeMap::new();
    for found in &causes {
        let kind = found.change.kind;
        let none = || KindCount { kind, changes: 0, records: records(&causes, kind), at_most: false };
        let count = kinds.entry(kind).or_insert_with(none);
        count.changes += 1;
        count.at_most |= found.change.at_most;
    }
    let kinds: Vec<KindCount> = kinds.into_values().collect();
    let part = |count: &KindCount| {
        let of_kind: Vec<&Found> = causes.iter().copied().filter(|found| found.change.kind == count.kind).collect();
        owners(&of_kind, plans.1, lock).or_else(|| one_field(count, &of_kind, plans)).unwrap_or_else(|| counted(count))
    };
    let mut parts: Vec<String> = kinds.iter().map(part).collect();
    if !kinds.is_empty() && !kinds.iter().any(|count| count.kind == Kind::Loses) {
        parts.push("no field is lost".to_owned());
    }
    let sentence = if parts.is_empty() { "No change in meaning.".to_owned() } else { format!("{}.", parts.join("; ")) };
    Summary { changes: causes.len(), kinds, sentence }
}

/// Records of the causes of a kind, those of one thing once; none where one was not counted.
fn records(causes: &[&Found], kind: Kind) -> Option<u64> {
    let mut of_things: Vec<(&[Step], u64)> = Vec::new();
    for found in causes.iter().filter(|found| found.change.kind == kind) {
        let (thing, records) = (thing(&found.place), found.change.records?);
        match of_things.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, most)) => *most = records.max(*most),
            None => of_things.push((thing, records)),
        }
    }
    Some(of_things.iter().map(|(_, records)| *records).fold(0, u64::saturating_add))
}

/// The thing that a change is of: the place up to the last name in it.
fn thing(place: &[Step]) -> &[Step] {
    let last = place.iter().rposition(|step| matches!(step, Step::Member(_)));
    last.and_then(|last| place.get(..=last)).unwrap_or(place)
}

/// `2 fields get other values (312 records)`
fn counted(count: &KindCount) -> String {
    let bound = if count.at_most { "up to " } else { "" };
    let records = count.records.map_or_else(String::new, |records| format!(" ({bound}{})", records_of(records)));
    format!("{} {}{records}", count.changes, count.kind.sentence(count.changes == 1))
}

fn records_of(records: u64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{records} records") }
}

/// `14 owners move to the fallback (98 records)`, where all changes are of owners that are counted.
fn owners(of_kind: &[&Found], after: &Plan, lock: Option<&Lock>) -> Option<String> {
    let owned: Option<Vec<Owned>> = of_kind.iter().map(|found| owned::of(found, after, lock?)).collect();
    let owned = owned.filter(|owned| !owned.is_empty())?;
    let sum = |of: fn(&Owned) -> u64| owned.iter().map(of).fold(0_u64, u64::saturating_add);
    let (owners, records) = (sum(|owned| owned.owners), sum(|owned| owned.records));
    let what = match (owned.iter().all(|owned| owned.to_fallback), owners) {
        (true, 1) => "1 owner moves to the fallback".to_owned(),
        (true, owners) => format!("{owners} owners move to the fallback"),
        (false, 1) => "1 owner gets another user".to_owned(),
        (false, owners) => format!("{owners} owners get other users"),
    };
    Some(format!("{what} ({})", records_of(records)))
}

/// `312 opportunities change stage`, where all changes of a kind are of one field's values, and their records are counted.
fn one_field(count: &KindCount, of_kind: &[&Found], plans: (&Plan, &Plan)) -> Option<String> {
    let records = count.records.filter(|_| matches!(count.kind, Kind::Picklist | Kind::Values))?;
    let mut fields: Vec<(String, String)> = of_kind.iter().map(|found| field(found, plans)).collect::<Option<_>>()?;
    fields.dedup();
    let [(object, field)] = fields.as_slice() else { return None };
    Some(match records {
        1 => format!("1 record of {object} changes {field}"),
        records => format!("{records} {object} change {field}"),
    })
}

/// Destination object and field whose values a change decides about.
fn field(found: &Found, (before, after): (&Plan, &Plan)) -> Option<(String, String)> {
    match found.place.as_slice() {
        [Step::Key(list), Step::Member(name), ..] if list == "picklists" => {
            let picklist = after.picklist(name).or_else(|| before.picklist(name))?;
            Some((picklist.object.clone(), picklist.fields.join(" and ")))
        }
        [Step::Key(list), Step::Member(stage), Step::Key(fields), Step::Member(field), ..]
            if list == "stages" && fields == "fields" =>
        {
            let stage = after.stage(stage).or_else(|| before.stage(stage))?;
            Some((stage.destination_object.clone(), field.clone()))
        }
        _ => None,
    }
}
