//! Values that one record alone may hold and that written records give each other: two that swap theirs, a value that moves on. Whoever holds one is written before
//! another gets it; of records in a circle one is emptied first, once whatever else changes of them all is written. Where nobody gives a value up it is told who
//! holds it.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::conflict_policy::ConflictPolicy;
use migr_decide::conflicts::{ChangedRecord, decide};
use migr_decide::identities::unique_path;
use migr_decide::stage_run::StageRun;
use migr_load::{Deleted, Found, Map};
use migr_plan::FieldMapping;
use migr_transform::Value;

use crate::EngineError;

/// Settlement of the values that one record alone may hold, of records that change together.
#[derive(Debug)]
pub(crate) struct Exchange<'j> {
    /// The records, in the order of the export.
    ids: Vec<String>,
    wishes: Vec<Wish<'j>>,
    /// Places of the wishes by record, then by path.
    by_path: BTreeMap<String, BTreeMap<String, usize>>,
    /// Places of the wishes by record, then by field.
    by_field: BTreeMap<String, BTreeMap<String, usize>>,
    holding: Holding,
    /// Wishes that are not fulfilled, with who holds the value.
    held: BTreeMap<usize, String>,
    /// Places of the records that are still to be written.
    left: BTreeSet<usize>,
    /// Places of those of which everything else is written.
    ahead: BTreeSet<usize>,
    /// Wishes whose records were emptied.
    emptied: BTreeSet<usize>,
    /// Records that were not written, or are not now.
    absent: BTreeSet<String>,
    /// True where nobody knows who holds a value before it is refused.
    is_blind: bool,
}

/// Next writes of an exchange, once those before are through.
#[derive(Debug)]
pub(crate) enum Round {
    /// Places of records of which whatever else changes is written: of a circle, so that one that is refused for it is refused before any is emptied; and of all
    /// that get a value, where nobody knows whether it will be refused.
    Ahead(Vec<usize>),
    /// Bodies that take a value from records, by id, with the names of the fields.
    Emptied(BTreeMap<String, (Map, Vec<String>)>),
    /// Places of the records that are written.
    Written(Vec<usize>),
}

/// Value that a record gets in a field, or loses.
#[derive(Debug)]
struct Wish<'j> {
    id: String,
    field: &'j FieldMapping,
    path: String,
    value: Option<String>,
    /// Body that takes the value which is there from the record; empty where nothing does.
    emptying: Map,
}

/// Holders of values by path and value.
type Holding = BTreeMap<(String, String), BTreeSet<String>>;

/// Records of a circle, each of which waits for the next and the last for the first, and the wish by which one of them gives its value up.
#[derive(Debug)]
struct Circle {
    members: Vec<usize>,
    giver: usize,
}

/// True where a field that differs holds what one record alone may hold.
pub(crate) fn is_unique(job: &StageRun, record: &ChangedRecord) -> bool {
    let field = |index: usize| job.stage.fields.get(index);
    record.differences.iter().any(|it| field(it.index).is_some_and(|field| field.unique.is_some()))
}

impl<'j> Exchange<'j> {
    /// Asks the destination who holds the values that records are to get. `found` has what it holds of each, and whether somebody changed it since.
    pub(crate) async fn of(
        job: &'j StageRun,
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
        let (mut holding, mut is_blind) = (Holding::new(), false);
        if !wanted.is_empty() {
            let known = destination.holders(object, &wanted).await?;
            is_blind = known.is_none();
            let holders = match known {
                Some(holders) => holders,
                // A run is told by the refusals.
                None if job.context.outcomes.forecast().is_none() => Vec::new(),
                None => listed(job, &wanted).await?,
            };
            // Values read of the records themselves are newer than what a search says.
            let others = holders.iter().filter(|holder| !found.contains_key(&holder.id));
            for holder in others.chain(found.values().map(|(there, _)| there)) {
                for (path, _) in &wanted {
                    if let Some(value) = destination.unique_value(object, path, &holder.values) {
                        holding.entry((path.clone(), value)).or_default().insert(holder.id.clone());
                    }
                }
            }
        }
        let (mut by_path, mut by_field) = (BTreeMap::new(), BTreeMap::new());
        for (at, wish) in wishes.iter().enumerate() {
            let of = |places: &mut BTreeMap<String, BTreeMap<String, usize>>, name: &str| {
                places.entry(wish.id.clone()).or_default().insert(name.to_owned(), at);
            };
            of(&mut by_path, &wish.path);
            of(&mut by_field, &wish.field.field);
        }
        let mut exchange = Self {
            ids: records.iter().map(|record| record.expected.id.clone()).collect(),
            wishes,
            by_path,
            by_field,
            holding,
            held: BTreeMap::new(),
            left: (0..records.len()).collect(),
            ahead: BTreeSet::new(),
            emptied: BTreeSet::new(),
            absent: BTreeSet::new(),
            is_blind,
        };
        exchange.held = exchange.unfulfilled();
        Ok(exchange)
    }

    /// Takes the records out whose wishes are not fulfilled, with those that wait for these, at most so many: later ones may give up what they are to get.
    pub(crate) fn waiting(&mut self, most: usize) -> BTreeSet<usize> {
        let mut waiting = BTreeSet::new();
        loop {
            let held = self.held.keys().filter_map(|at| self.wishes.get(*at)).map(|wish| &wish.id);
            let held: BTreeSet<&String> = held.filter(|id| !self.absent.contains(*id)).collect();
            let places = self.ids.iter().enumerate().filter(|(_, id)| held.contains(id)).map(|(at, _)| at);
            let more: Vec<usize> = places.collect();
            if more.is_empty() || waiting.len() + more.len() > most {
                return waiting;
            }
            let ids: Vec<String> = more.iter().filter_map(|at| self.ids.get(*at).cloned()).collect();
            waiting.extend(more);
            self.without(ids);
        }
    }

    /// Takes records out that are not written: nobody gets what they would have given up, unless it was taken from them.
    pub(crate) fn without(&mut self, ids: impl IntoIterator<Item = String>) {
        self.absent.extend(ids);
        let is_there = |at: &usize| self.ids.get(*at).is_some_and(|id| !self.absent.contains(id));
        self.left.retain(is_there);
        self.held = self.unfulfilled();
    }

    /// Takes back that records were emptied.
    pub(crate) fn not_emptied(&mut self, ids: &BTreeSet<String>) {
        self.emptied.retain(|at| self.wishes.get(*at).is_some_and(|wish| !ids.contains(&wish.id)));
    }

    /// The record that holds what another is to get in a field, where nobody gives it up.
    pub(crate) fn holder(&self, id: &str, field: &str) -> Option<&str> {
        self.held.get(self.by_field.get(id)?.get(field)?).map(String::as_str)
    }

    /// True where a field of a record gets a value, or loses one, that one record alone may hold.
    pub(crate) fn concerns(&self, id: &str, field: &str) -> bool {
        self.by_field.get(id).is_some_and(|fields| fields.contains_key(field))
    }

    /// The next round: each record once those are through that give up what it gets.
    pub(crate) fn next(&mut self) -> Option<Round> {
        if self.left.is_empty() {
            return None;
        }
        if std::mem::take(&mut self.is_blind) {
            let has_wish = |at: &&usize| self.ids.get(**at).is_some_and(|id| self.by_field.contains_key(id));
            let ahead: Vec<usize> = self.left.iter().filter(has_wish).copied().collect();
            self.ahead.extend(&ahead);
            return Some(Round::Ahead(ahead));
        }
        let waits = self.waits();
        let is_ready =
            |at: &&usize| waits.get(**at).is_none_or(|waits| waits.iter().all(|(giver, _)| !self.left.contains(giver)));
        let ready: Vec<usize> = self.left.iter().filter(is_ready).copied().collect();
        if !ready.is_empty() {
            self.left.retain(|at| !ready.contains(at));
            return Some(Round::Written(ready));
        }
        let circles = closing(&waits, &self.left);
        let members: BTreeSet<usize> = circles.iter().flat_map(|circle| circle.members.iter().copied()).collect();
        let behind: Vec<usize> = members.difference(&self.ahead).copied().collect();
        if !behind.is_empty() {
            self.ahead.extend(&behind);
            return Some(Round::Ahead(behind));
        }
        let mut emptied: BTreeMap<String, (Map, Vec<String>)> = BTreeMap::new();
        for Circle { giver, .. } in circles {
            let Some(wish) = self.wishes.get(giver) else { continue };
            let (body, fields) = emptied.entry(wish.id.clone()).or_default();
            body.extend(wish.emptying.clone());
            fields.push(wish.field.field.clone());
            self.emptied.insert(giver);
        }
        Some(Round::Emptied(emptied))
    }

    /// Other records that hold what a wish is for.
    fn holders(&self, wish: &Wish<'_>) -> Vec<&str> {
        let Some(value) = &wish.value else { return Vec::new() };
        let holders = self.holding.get(&(wish.path.clone(), value.clone())).into_iter().flatten();
        holders.map(String::as_str).filter(|holder| **holder != wish.id).collect()
    }

    /// Place of the wish by which a holder gives up what another wish is for.
    fn giver(&self, wish: &Wish<'_>, holder: &str) -> Option<usize> {
        let place = self.by_path.get(holder).and_then(|places| places.get(&wish.path)).copied();
        place.filter(|at| self.wishes.get(*at).is_some_and(|giver| giver.value != wish.value))
    }

    /// Wishes that are not fulfilled, with who holds the value: a record that does not give it up, or that does not since its own wish is not fulfilled.
    fn unfulfilled(&self) -> BTreeMap<usize, String> {
        let mut held: BTreeMap<usize, String> = BTreeMap::new();
        let mut claimed: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (at, wish) in self.wishes.iter().enumerate() {
            if self.absent.contains(&wish.id) {
                held.insert(at, wish.id.clone());
                continue;
            }
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
                let gives_up = |giver: &usize| {
                    let is_emptied = self.emptied.contains(giver);
                    let may_be = self.wishes.get(*giver).is_some_and(|giver| !giver.emptying.is_empty());
                    is_emptied || (may_be && !held.contains_key(giver))
                };
                let stays = |holder: &&str| !self.giver(wish, holder).as_ref().is_some_and(gives_up);
                let holder = self.holders(wish).into_iter().find(stays).map(str::to_owned);
                if let Some(holder) = holder {
                    held.insert(at, holder);
                }
            }
            if held.len() == before {
                return held;
            }
        }
    }

    /// Records by whom each waits for, with the wish by which that one gives the value up.
    fn waits(&self) -> Vec<Vec<(usize, usize)>> {
        let places: BTreeMap<&str, usize> = self.ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        let mut waits: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.ids.len()];
        for (_, wish) in self.wishes.iter().enumerate().filter(|(at, _)| !self.held.contains_key(at)) {
            for holder in self.holders(wish) {
                let giver = self.giver(wish, holder).filter(|giver| !self.emptied.contains(giver));
                let giver = places.get(holder).copied().zip(giver);
                let waiting = places.get(wish.id.as_str()).and_then(|at| waits.get_mut(*at));
                if let Some((giver, waiting)) = giver.zip(waiting) {
                    waiting.push(giver);
                }
            }
        }
        waits
    }
}

/// Records that hold one of some values, found in the list of all.
pub(crate) async fn listed(job: &StageRun, wanted: &[(String, Vec<String>)]) -> Result<Vec<Found>, EngineError> {
    let (destination, object) = (&*job.context.destination, &job.stage.destination_object);
    let holds = |found: &Found| {
        let mut values = wanted.iter().filter_map(|(path, wanted)| {
            let value = destination.unique_value(object, path, &found.values)?;
            Some(wanted.contains(&value))
        });
        values.any(|holds| holds)
    };
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = destination.scan(object, Deleted::Live, after).await?;
        listed.extend(page.records.into_iter().filter(|found| holds(found)));
        after = page.next;
        if after.is_none() {
            return Ok(listed);
        }
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
                let emptying = emptied(job, (field, &path), &there.values);
                wishes.push(Wish { id: record.expected.id.clone(), field, path, value, emptying });
            }
        }
    }
    wishes
}

/// Circles of records that wait for each other, one of each.
fn closing(waits: &[Vec<(usize, usize)>], left: &BTreeSet<usize>) -> Vec<Circle> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut found = Vec::new();
    for start in left {
        let (mut at, mut way) = (*start, Vec::new());
        while seen.insert(at) {
            way.push(at);
            let next = waits.get(at).and_then(|waits| waits.iter().find(|(giver, _)| left.contains(giver)));
            let Some((next, giver)) = next else { break };
            if let Some(first) = way.iter().position(|known| known == next) {
                let members = way.iter().skip(first).copied().collect();
                found.push(Circle { members, giver: *giver });
            }
            at = *next;
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
