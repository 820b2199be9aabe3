//! Values that one record alone may hold and that written records give each other: two that swap theirs, a value that moves on. Whoever holds one is written before
//! another gets it; of records in a circle one is emptied first. Where nobody gives a value up it is told who holds it.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::conflict_policy::ConflictPolicy;
use migr_decide::conflicts::{ChangedRecord, decide};
use migr_decide::identities::unique_path;
use migr_decide::stage_run::StageRun;
use migr_load::{Found, Map};
use migr_plan::FieldMapping;
use migr_transform::Value;

use crate::EngineError;

/// Settlement of the values that one record alone may hold, of records that change together.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// Order in which the records are written.
    pub(crate) rounds: Vec<Round>,
    /// Holders of values that nobody gives up, by the record that was to get one, and its field.
    pub(crate) held: BTreeMap<(String, String), String>,
}

/// Records that are written together, once those before are through.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Bodies that take a value from records before, by id, with the names of the fields.
    pub(crate) emptied: BTreeMap<String, (Map, Vec<String>)>,
    /// Places of the records that are written then.
    pub(crate) written: Vec<usize>,
}

/// Value that a record gets in a field, or loses.
#[derive(Debug)]
struct Wish<'j> {
    id: String,
    field: &'j FieldMapping,
    path: String,
    value: Option<String>,
}

/// True where a field that differs holds what one record alone may hold.
pub(crate) fn is_unique(job: &StageRun, record: &ChangedRecord) -> bool {
    let field = |index: usize| job.stage.fields.get(index);
    record.differences.iter().any(|it| field(it.index).is_some_and(|field| field.unique.is_some()))
}

impl Exchange {
    /// Asks the destination who holds the values that records are to get. `found` has what it holds of each, and whether somebody changed it since.
    pub(crate) async fn of(
        job: &StageRun,
        records: &[ChangedRecord],
        found: &BTreeMap<String, (Found, bool)>,
        policy: ConflictPolicy,
    ) -> Result<Self, EngineError> {
        let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
        let wishes = wishes(job, records, found, policy);
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for wish in &wishes {
            if let Some(value) = &wish.value {
                wanted.entry(wish.path.clone()).or_default().insert(value.clone());
            }
        }
        let wanted: Vec<(String, Vec<String>)> =
            wanted.into_iter().map(|(path, values)| (path, values.into_iter().collect())).collect();
        if wanted.is_empty() {
            let written = (0..records.len()).collect();
            return Ok(Self { rounds: vec![Round { written, ..Round::default() }], ..Self::default() });
        }
        let holders = destination.holders(object, &wanted).await?.unwrap_or_default();
        let mut holding = Holding::new();
        // Values read of the records themselves are newer than what a search says.
        let others = holders.iter().filter(|holder| !found.contains_key(&holder.id));
        for holder in others.chain(found.values().map(|(there, _)| there)) {
            for (path, _) in &wanted {
                if let Some(value) = destination.unique_value(object, path, &holder.values) {
                    holding.entry((path.clone(), value)).or_default().insert(holder.id.clone());
                }
            }
        }
        let cleared = |wish: &Wish<'_>| {
            let (there, _) = found.get(&wish.id)?;
            Some(emptied(job, (wish.field, &wish.path), &there.values)).filter(|body| !body.is_empty())
        };
        let known = Known::of(&wishes, &holding);
        let gives_up: Vec<bool> = wishes.iter().map(|wish| cleared(wish).is_some()).collect();
        let held = known.unfulfilled(&gives_up);
        let rounds = known.rounds(records, &held, |wish| cleared(wish).unwrap_or_default());
        let held = held.into_iter().filter_map(|(at, holder)| {
            let wish = wishes.get(at)?;
            Some(((wish.id.clone(), wish.field.field.clone()), holder))
        });
        Ok(Self { rounds, held: held.collect() })
    }
}

fn wishes<'j>(
    job: &'j StageRun,
    records: &[ChangedRecord],
    found: &BTreeMap<String, (Found, bool)>,
    policy: ConflictPolicy,
) -> Vec<Wish<'j>> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let mut wishes = Vec::new();
    for record in records {
        let Some((there, is_touched)) = found.get(&record.expected.id) else { continue };
        for (field, decision) in decide(job, record, (&there.values, *is_touched)) {
            let Some((path, native)) = unique_path(field).zip(decision.written(policy)) else { continue };
            let value = destination.unique_value(object, &path, native);
            if value != destination.unique_value(object, &path, &there.values) {
                wishes.push(Wish { id: record.expected.id.clone(), field, path, value });
            }
        }
    }
    wishes
}

/// Holders of values by path and value.
type Holding = BTreeMap<(String, String), BTreeSet<String>>;

/// Wishes, and who holds what they are for.
struct Known<'w> {
    wishes: &'w [Wish<'w>],
    holding: &'w Holding,
    /// Places of the wishes by record and path.
    places: BTreeMap<(&'w str, &'w str), usize>,
}

impl<'w> Known<'w> {
    fn of(wishes: &'w [Wish<'w>], holding: &'w Holding) -> Self {
        let places = wishes.iter().enumerate().map(|(at, wish)| ((wish.id.as_str(), wish.path.as_str()), at));
        Self { wishes, holding, places: places.collect() }
    }

    /// Other records that hold what a wish is for.
    fn holders(&self, wish: &Wish<'_>) -> Vec<&'w str> {
        let Some(value) = &wish.value else { return Vec::new() };
        let holders = self.holding.get(&(wish.path.clone(), value.clone())).into_iter().flatten();
        holders.map(String::as_str).filter(|holder| **holder != wish.id).collect()
    }

    /// Place of the wish by which a holder gives up what another wish is for.
    fn giver(&self, wish: &Wish<'_>, holder: &str) -> Option<usize> {
        let place = self.places.get(&(holder, wish.path.as_str())).copied();
        place.filter(|at| self.wishes.get(*at).is_some_and(|giver| giver.value != wish.value))
    }

    /// Wishes that are not fulfilled, with who holds the value: a record that does not give it up, or that does not since its own wish is not fulfilled.
    fn unfulfilled(&self, gives_up: &[bool]) -> BTreeMap<usize, String> {
        let mut held: BTreeMap<usize, String> = BTreeMap::new();
        let mut claimed: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (at, wish) in self.wishes.iter().enumerate() {
            let Some(value) = &wish.value else { continue };
            let first = *claimed.entry((&wish.path, value)).or_insert(&wish.id);
            if first != wish.id {
                held.insert(at, first.to_owned());
            }
        }
        loop {
            let before = held.len();
            for (at, wish) in self.wishes.iter().enumerate() {
                if held.contains_key(&at) {
                    continue;
                }
                let stays = |holder: &str| {
                    let giver = self.giver(wish, holder).filter(|giver| !held.contains_key(giver));
                    !giver.is_some_and(|giver| gives_up.get(giver).copied().unwrap_or_default())
                };
                if let Some(holder) = self.holders(wish).into_iter().find(|holder| stays(holder)) {
                    held.insert(at, holder.to_owned());
                }
            }
            if held.len() == before {
                return held;
            }
        }
    }

    /// Order in which records are written: each once those are through that give up what it gets. Of a circle of such one is emptied before.
    fn rounds(
        &self,
        records: &[ChangedRecord],
        held: &BTreeMap<usize, String>,
        emptied: impl Fn(&Wish<'_>) -> Map,
    ) -> Vec<Round> {
        let places = records.iter().enumerate().map(|(at, record)| (record.expected.id.as_str(), at));
        let places: BTreeMap<&str, usize> = places.collect();
        // Records by whom each waits for, with the wish by which that one gives the value up.
        let mut waits: Vec<Vec<(usize, usize)>> = vec![Vec::new(); records.len()];
        for (_, wish) in self.wishes.iter().enumerate().filter(|(at, _)| !held.contains_key(at)) {
            for holder in self.holders(wish) {
                let giver = places.get(holder).copied().zip(self.giver(wish, holder));
                let waiting = places.get(wish.id.as_str()).and_then(|at| waits.get_mut(*at));
                if let Some((giver, waiting)) = giver.zip(waiting) {
                    waiting.push(giver);
                }
            }
        }
        let mut rounds = Vec::new();
        let mut left: BTreeSet<usize> = (0..records.len()).collect();
        while !left.is_empty() {
            let mut round = Round::default();
            let is_ready = |at: &usize, waits: &[Vec<(usize, usize)>]| {
                waits.get(*at).is_none_or(|waits| waits.iter().all(|(giver, _)| !left.contains(giver)))
            };
            if !left.iter().any(|at| is_ready(at, &waits)) {
                for (waiting, giver) in closing(&waits, &left) {
                    let Some(wish) = self.wishes.get(giver) else { continue };
                    let (body, fields) = round.emptied.entry(wish.id.clone()).or_default();
                    body.extend(emptied(wish));
                    fields.push(wish.field.field.clone());
                    if let Some(waits) = waits.get_mut(waiting) {
                        waits.retain(|(_, by)| *by != giver);
                    }
                }
            }
            round.written = left.iter().copied().filter(|at| is_ready(at, &waits)).collect();
            left.retain(|at| !round.written.contains(at));
            rounds.push(round);
        }
        rounds
    }
}

/// References that close circles, one of each: the record that waits, and the wish for which another is waited.
fn closing(waits: &[Vec<(usize, usize)>], left: &BTreeSet<usize>) -> Vec<(usize, usize)> {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for start in left {
        let mut at = *start;
        while !seen.contains_key(&at) {
            seen.insert(at, *start);
            let next = waits.get(at).and_then(|waits| waits.iter().find(|(giver, _)| left.contains(giver)));
            let Some((giver, wish)) = next else { break };
            if seen.get(giver) == Some(start) {
                found.push((at, *wish));
            }
            at = *giver;
        }
    }
    found
}

/// The body that takes what must be unique from a record, and leaves the field's other parts.
fn emptied(job: &StageRun, (field, path): (&FieldMapping, &str), there: &Map) -> Map {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let mut body = destination.encode(object, &[(field, &Value::None)]).unwrap_or_default();
    let Some((_, part)) = path.split_once('.') else { return body };
    for (key, parts) in &mut body {
        let (Some(parts), Some(held)) = (parts.as_object_mut(), there.get(key).and_then(|held| held.as_object()))
        else {
            continue;
        };
        let others = held.iter().filter(|(key, _)| destination.part_of(key) != part);
        for (key, held) in others {
            if let Some(slot) = parts.get_mut(key) {
                slot.clone_from(held);
            }
        }
    }
    body
}
