//! Compares an audit's word with what the next run did: by stage, by record, by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use migr_engine::audit::{FindingKind, PreviewAction, PreviewEntry, Severity};
use migr_journal::State;
use migr_plan::lock::LockedStage;
use migr_plan::{Stage, ThereField};

use crate::facts::{Journaled, Stored};
use crate::life::{Life, Outcome, shown};

/// Something that was said and did not happen, or happened and was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What is compared: `count`, `line`, `preview`, `field`, `finding`, `store`, `verify`, `again`, `error`.
    pub(crate) what: &'static str,
    /// Where: a stage, a record, a field.
    pub(crate) place: String,
    pub(crate) forecast: String,
    pub(crate) outcome: String,
}

impl Difference {
    /// The kind of difference, without what is this case's alone.
    pub(crate) fn sign(&self) -> String {
        let letters =
            |text: &str| -> String { text.chars().take_while(|sign| sign.is_alphabetic() || *sign == '_').collect() };
        match self.what {
            "preview" => format!("preview {} → {}", letters(&self.forecast), letters(&self.outcome)),
            "field" => format!("field {}", self.forecast),
            "finding" => format!("finding {}", self.forecast.split(' ').next().unwrap_or_default()),
            "error" => format!("error {}", self.outcome.chars().take(40).collect::<String>()),
            "count" => format!("count{}", moved(&self.forecast, &self.outcome)),
            what => what.to_owned(),
        }
    }
}

/// The counts that are other than was said: ` create+ quarantine-`.
fn moved(forecast: &str, outcome: &str) -> String {
    let parts = |text: &str| -> Vec<(String, i64)> {
        let inside = text.trim_start_matches("Counts { ").trim_end_matches(" }");
        let pair =
            |part: &str| part.split_once(": ").map(|(name, count)| (name.to_owned(), count.parse().unwrap_or(0)));
        inside.split(", ").filter_map(pair).collect()
    };
    let pairs = parts(forecast).into_iter().zip(parts(outcome));
    let signs = pairs.filter(|(said, was)| said != was);
    let signs = signs.map(|((name, said), (_, was))| format!(" {name}{}", if was > said { '+' } else { '-' }));
    signs.collect::<Vec<_>>().concat()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: said {}; was {}", self.what, self.place, self.forecast, self.outcome)
    }
}

/// Collects differences.
#[derive(Default)]
pub(crate) struct Differences(pub(crate) Vec<Difference>);

impl Differences {
    fn unless_equal<T: PartialEq + fmt::Debug>(&mut self, what: &'static str, place: &str, forecast: &T, outcome: &T) {
        if forecast != outcome {
            self.add(what, place, format!("{forecast:?}"), format!("{outcome:?}"));
        }
    }

    fn add(&mut self, what: &'static str, place: &str, forecast: impl Into<String>, outcome: impl Into<String>) {
        self.0.push(Difference { what, place: place.to_owned(), forecast: forecast.into(), outcome: outcome.into() });
    }
}

/// What the next run made of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Create,
    Update,
    Unchanged,
    Skip,
    Quarantine,
}

/// Everything in which an audit's word and what came of it differ.
pub(crate) fn compare(life: &Life) -> Vec<Difference> {
    let mut found = Differences::default();
    let Life { plan, forecast, outcome, .. } = life;
    let mut total = Counts::default();
    for stage in &plan.stages {
        let locked = forecast.audit.lock.stage(&stage.id).cloned().unwrap_or_default();
        let counts = counts(life, stage);
        found.unless_equal("count", &stage.id, &Counts::said(&locked), &counts);
        total = total + counts;
        fields(life, stage, &locked, &mut found);
        records(life, stage, &mut found);
    }
    let frozen = format!(
        "Plan: {} create, {} update, {} unchanged, {} skip, {} quarantine; {} schema changes; {} blocking.",
        total.create,
        total.update,
        total.unchanged,
        total.skip,
        total.quarantine,
        plan.summary.schema_changes,
        plan.summary.blocking
    );
    found.unless_equal("line", "the plan's last line", &forecast.line, &frozen);
    changed_fields(life, &mut found);
    findings(life, &mut found);
    store(life, &mut found);
    if !outcome.verified.holds {
        let said = format!(
            "{:?} {:?} {:?}",
            outcome.verified.differences, outcome.verified.missing, outcome.verified.findings
        );
        found.add("verify", "after the run", "it holds", said);
    }
    if !outcome.again.is_empty() {
        found.add("again", "a second run", "it writes nothing", outcome.again.clone());
    }
    found.0
}

/// Records of a stage by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    read: u64,
    create: u64,
    update: u64,
    unchanged: u64,
    skip: u64,
    quarantine: u64,
}

impl Counts {
    fn said(locked: &LockedStage) -> Self {
        Self {
            read: locked.read,
            create: locked.create,
            update: locked.update,
            unchanged: locked.unchanged,
            skip: locked.skip,
            quarantine: locked.quarantine,
        }
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            create: self.create + other.create,
            update: self.update + other.update,
            unchanged: self.unchanged + other.unchanged,
            skip: self.skip + other.skip,
            quarantine: self.quarantine + other.quarantine,
        }
    }
}

/// The destination's record before and after the run.
fn stored<'l>(life: &'l Life, stage: &Stage, id: &str) -> (Option<&'l Stored>, Option<&'l Stored>) {
    let object = &stage.destination_object;
    (life.outcome.store_before.get(object, id), life.outcome.store.get(object, id))
}

/// What the run made of a record: of one that an earlier run settled, what this run changed of it.
fn word(life: &Life, stage: &Stage, key: &str, record: &Journaled) -> Word {
    let was_settled = life
        .outcome
        .journal_before
        .get(&stage.id, key)
        .is_some_and(|before| !(before.state == State::Skipped || before.state.is_quarantined()));
    match record.state {
        State::Skipped => Word::Skip,
        State::Quarantined | State::Uncertain => Word::Quarantine,
        _ if was_settled => {
            // Another map may change the same record.
            let changes = record.id.as_deref().is_some_and(|id| {
                let (before, after) = stored(life, stage, id);
                before != after && is_sent(life, stage, id)
            });
            if changes { Word::Update } else { Word::Unchanged }
        }
        State::Created => Word::Create,
        State::Updated => Word::Update,
        State::Unchanged => Word::Unchanged,
    }
}

/// True where this run sent a record in a step of the stage.
fn is_sent(life: &Life, stage: &Stage, id: &str) -> bool {
    let Outcome { journal, journal_before, .. } = &life.outcome;
    let mut sent = journal.sent.iter().filter(|((step, of), _)| of == id && is_of(step, stage));
    sent.any(|(place, times)| journal_before.sent.get(place) != Some(times))
}

fn counts(life: &Life, stage: &Stage) -> Counts {
    let mut counts = Counts::default();
    for (key, record) in life.outcome.journal.of(&stage.id) {
        counts.read += 1;
        let slot = match word(life, stage, key, record) {
            Word::Create => &mut counts.create,
            Word::Update => &mut counts.update,
            Word::Unchanged => &mut counts.unchanged,
            Word::Skip => &mut counts.skip,
            Word::Quarantine => &mut counts.quarantine,
        };
        *slot += 1;
    }
    counts
}

/// The step is the stage's, or one of its later ones.
fn is_of(step: &str, stage: &Stage) -> bool {
    step.strip_prefix(stage.id.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
}

/// Notes on fields, with the records that have them.
fn fields(life: &Life, stage: &Stage, locked: &LockedStage, found: &mut Differences) {
    let journal = &life.outcome.journal;
    let lines = |places: &BTreeSet<(String, u64, String)>| -> BTreeSet<u64> {
        places.iter().filter(|(step, ..)| is_of(step, stage)).map(|(_, line, _)| *line).collect()
    };
    let count = |lines: BTreeSet<u64>| u64::try_from(lines.len()).unwrap();
    found.unless_equal("repaired", &stage.id, &locked.repaired, &count(lines(&journal.repaired)));
    found.unless_equal("orphans", &stage.id, &locked.orphans, &count(lines(&journal.orphaned)));
    for field in &locked.fields {
        let of = |places: &BTreeSet<(String, u64, String)>| {
            let here = places
                .iter()
                .filter(|(step, _, name)| is_of(step, stage) && name.split('.').next() == Some(field.field.as_str()));
            count(here.map(|(_, line, _)| *line).collect())
        };
        let place = format!("{}.{}", stage.id, field.field);
        found.unless_equal("field failed", &place, &field.failed, &of(&journal.quarantined));
        found.unless_equal("field repaired", &place, &field.repaired, &of(&journal.repaired));
        let there = |listed: &[ThereField]| {
            let here = listed.iter().filter(|said| said.field.split('.').next() == Some(field.field.as_str()));
            here.map(|said| said.records).sum::<u64>()
        };
        found.unless_equal("field kept", &place, &there(&locked.there.kept_fields), &of(&journal.kept));
        found.unless_equal("field outdone", &place, &there(&locked.there.outdone_fields), &of(&journal.outdone));
    }
}

/// Each record that the preview names, and each that it should name.
fn records(life: &Life, stage: &Stage, found: &mut Differences) {
    let mut said: BTreeMap<u64, &PreviewEntry> = BTreeMap::new();
    let mut stay = BTreeSet::new();
    for entry in life.forecast.preview.iter().filter(|entry| entry.map == stage.id) {
        if entry.action == PreviewAction::Stay {
            stay.insert((entry.line, entry.field.clone().unwrap_or_default()));
        } else {
            said.insert(entry.line, entry);
        }
    }
    let stays: BTreeSet<u64> = stay.iter().map(|(line, _)| *line).collect();
    let settled = life.outcome.journal_before.of(&stage.id).filter(|(_, record)| record.id.is_some());
    let settled: BTreeSet<u64> = settled.map(|(_, record)| record.line).collect();
    let named = said.keys().copied().filter(|line| !settled.contains(line)).chain(stays.iter().copied()).collect();
    compare_stays(life, stage, (&stay, &named), found);
    let mut lines = BTreeSet::new();
    for (key, record) in life.outcome.journal.of(&stage.id) {
        lines.insert(record.line);
        let is_double = key.contains('\u{1f}');
        let said = said.get(&record.line).filter(|_| !is_double);
        let word = word(life, stage, key, record);
        let id = record.id.clone().unwrap_or_default();
        let (before, after) = stored(life, stage, &id);
        let was_trashed = before.is_some_and(|before| before.trashed);
        let is_restored = was_trashed && after.is_some_and(|after| !after.trashed);
        // An update whose answer a kill swallowed counts for the run that settles it, which changes no field any more.
        let was_sent =
            || life.outcome.journal_before.unanswered.keys().any(|(step, of)| *of == id && is_of(step, stage));
        let fits = match said.map(|said| said.action) {
            None => (word != Word::Update || (stays.contains(&record.line) && was_sent())) && record.winner.is_none(),
            Some(PreviewAction::Change) => {
                let is_update = said.is_some_and(|said| said.field.is_some()) || was_sent();
                word == if is_update { Word::Update } else { Word::Unchanged }
            }
            Some(PreviewAction::Restore) => is_restored,
            Some(PreviewAction::Replace) => word == Word::Create,
            Some(PreviewAction::Keep) => word == Word::Skip && record.winner.is_none(),
            Some(PreviewAction::SetAside) => word == Word::Quarantine,
            Some(PreviewAction::Merge | PreviewAction::GiveWay) => record.winner.is_some(),
            // The export is the same one.
            Some(PreviewAction::Vanish | PreviewAction::Trash | PreviewAction::Stay) => false,
        };
        let other = said.and_then(|said| said.other.clone());
        let same = match said.map(|said| said.action) {
            Some(PreviewAction::Change | PreviewAction::Restore | PreviewAction::Keep) => other == record.id,
            Some(PreviewAction::Replace) => other
                .as_deref()
                .is_some_and(|other| stored(life, stage, other).0.is_some() && stored(life, stage, other).1.is_none()),
            Some(PreviewAction::Merge | PreviewAction::GiveWay) => other == record.winner,
            Some(PreviewAction::SetAside | PreviewAction::Vanish | PreviewAction::Trash | PreviewAction::Stay)
            | None => true,
        };
        if !(fits && same) {
            let said = said.map_or_else(
                || "nothing".to_owned(),
                |said| format!("{} {other:?} {:?}", said.action.as_str(), said.field),
            );
            let place = format!("{} line {} {key:?}", stage.id, record.line);
            found.add("preview", &place, said, format!("{word:?}, id {:?}, winner {:?}", record.id, record.winner));
        }
    }
    for (line, entry) in said.iter().filter(|(line, _)| !lines.contains(line)) {
        found.add("preview", &format!("{} line {line}", stage.id), entry.action.as_str(), "no such record");
    }
}

/// Each value that stays although the export has another one: the lines of the preview are those of the journal. Fields that are written once may have been filled
/// by a map before; of records that a run before settled the preview says nothing.
fn compare_stays(
    life: &Life,
    stage: &Stage,
    (said, named): (&BTreeSet<(u64, String)>, &BTreeSet<u64>),
    found: &mut Differences,
) {
    let noted =
        life.outcome.journal.outdone.iter().filter(|(step, line, _)| is_of(step, stage) && named.contains(line));
    let noted: BTreeSet<(u64, String)> = noted.map(|(_, line, field)| (*line, field.clone())).collect();
    let is_once = |(_, name): &&(u64, String)| {
        let head = name.split('.').next().unwrap_or_default();
        stage.fields.iter().any(|field| field.field == head && field.create_only)
    };
    // A note of a killed run on a record may be otherwise now: the record that it wrote is there.
    let before = &life.outcome.journal_before.outdone;
    let is_new = |(line, field): &&(u64, String)| !before.contains(&(stage.id.clone(), *line, field.clone()));
    let unsaid = noted.difference(said).filter(|one| !is_once(one) && is_new(one));
    for (line, field) in said.difference(&noted).chain(unsaid) {
        let is_said = said.contains(&(*line, field.clone()));
        found.add("stays", &format!("{} line {line} {field}", stage.id), is_said.to_string(), (!is_said).to_string());
    }
}

/// The destination field of a key of its body.
fn field_of(life: &Life, object: &str, key: &str) -> String {
    let stages = life.plan.stages.iter().filter(|stage| stage.destination_object == object);
    let fields: BTreeSet<&str> = stages.flat_map(|stage| &stage.fields).map(|field| field.field.as_str()).collect();
    let reference = key.strip_suffix("Id").filter(|name| fields.contains(name) && !fields.contains(key));
    reference.unwrap_or(key).to_owned()
}

/// Fields of records that were there: those that change, with what they hold before and after.
fn changed_fields(life: &Life, found: &mut Differences) {
    let objects: BTreeSet<&str> = life.plan.stages.iter().map(|stage| stage.destination_object.as_str()).collect();
    let object_of: BTreeMap<&str, &str> =
        life.plan.stages.iter().map(|stage| (stage.id.as_str(), stage.destination_object.as_str())).collect();
    // All fields of a record that the run creates are new; of one whose answer a kill swallowed too.
    let mut created: BTreeSet<(String, String)> = BTreeSet::new();
    for stage in &life.plan.stages {
        let records = life.outcome.journal.of(&stage.id);
        let new = records.filter(|(key, record)| word(life, stage, key, record) == Word::Create);
        let ids = new.filter_map(|(_, record)| record.id.clone());
        created.extend(ids.map(|id| (stage.destination_object.clone(), id)));
    }
    let mut all: BTreeMap<(String, String, String), Vec<&PreviewEntry>> = BTreeMap::new();
    let is_merge = |entry: &&PreviewEntry| matches!(entry.action, PreviewAction::Merge | PreviewAction::GiveWay);
    for entry in life.forecast.preview.iter().filter(|entry| !is_merge(entry) && entry.action != PreviewAction::Stay) {
        if let (Some(field), Some(id)) = (&entry.field, &entry.other) {
            let object = object_of[entry.map.as_str()];
            if !created.contains(&(object.to_owned(), id.clone())) {
                all.entry((object.to_owned(), id.clone(), field.clone())).or_default().push(entry);
            }
        }
    }
    // A value that one map writes and a later one takes back is as it was.
    let goes_back = |entries: &[&PreviewEntry]| {
        entries.len() > 1 && entries.first().map(|first| &first.before) == entries.last().map(|last| &last.after)
    };
    let said = all.into_iter().filter(|(_, entries)| !goes_back(entries)).map(|(place, _)| place);
    let said: BTreeSet<(String, String, String)> = said.collect();
    let mut was = BTreeSet::new();
    for object in objects {
        for (id, keys) in life.outcome.store.changed_since(&life.outcome.store_before, object) {
            if created.contains(&(object.to_owned(), id.clone())) {
                continue;
            }
            for key in keys {
                was.insert((object.to_owned(), id.clone(), field_of(life, object, &key)));
            }
        }
    }
    for (object, id, field) in said.symmetric_difference(&was) {
        let place = (object.clone(), id.clone(), field.clone());
        let now = |store: &crate::facts::Store| {
            let body = store.get(object, id).map(|stored| &stored.body);
            shown(body.and_then(|body| body.get(field).or_else(|| body.get(&format!("{field}Id")))))
        };
        let change = format!("{} → {}", now(&life.outcome.store_before), now(&life.outcome.store));
        let said = if said.contains(&place) { "it changes" } else { "it stays" };
        found.add("field", &format!("{object} {id} {field}"), said, change);
    }
}

/// Rows of the export that an audit finds errors in, and those that the run quarantines.
fn findings(life: &Life, found: &mut Differences) {
    let mut said: BTreeMap<(String, u64), String> = BTreeMap::new();
    // Rows whose own values are at fault.
    let mut blamed: BTreeSet<(String, u64)> = BTreeSet::new();
    for finding in life.forecast.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        if let (Some(object), Some(line)) = (&finding.object, finding.line) {
            let column = finding.column.as_deref().unwrap_or("-");
            let words = format!("{} ({column}: {})", finding.kind, finding.message);
            said.insert((object.clone(), line), words);
            if finding.kind != FindingKind::DuplicateIdentity {
                blamed.insert((object.clone(), line));
            }
        }
    }
    let journal = &life.outcome.journal;
    let mut was: BTreeMap<(String, u64), String> = BTreeMap::new();
    let mut key_of: BTreeMap<(String, u64), String> = BTreeMap::new();
    for stage in &life.plan.stages {
        for (key, record) in journal.of(&stage.id).filter(|(_, record)| record.state.is_quarantined()) {
            let reasons = journal.reasons.get(&(stage.id.clone(), record.line)).cloned().unwrap_or_default();
            was.insert((stage.source_object.clone(), record.line), reasons);
            key_of.insert((stage.source_object.clone(), record.line), key.to_owned());
        }
    }
    for (place, words) in said.iter().filter(|(place, _)| !was.contains_key(*place)) {
        found.add("finding", &format!("{} line {}", place.0, place.1), words, "not quarantined");
    }
    // Of a record that several rows are the row is told whose value is at fault.
    let is_told = |place: &(String, u64)| {
        let words = key_of.get(place).map(|key| format!("merged into {key}, which was quarantined"));
        let is_one_with =
            |(_, reasons): &(&(String, u64), &String)| words.as_ref().is_some_and(|it| reasons.contains(it));
        said.contains_key(place) || was.iter().filter(is_one_with).any(|(row, _)| blamed.contains(row))
    };
    for (place, reasons) in was.iter().filter(|(place, _)| !is_told(place)) {
        found.add("finding", &format!("{} line {}", place.0, place.1), "nothing", format!("quarantined: {reasons}"));
    }
}

/// What the journal says is what the destination holds.
fn store(life: &Life, found: &mut Differences) {
    let outcome = &life.outcome;
    let objects: BTreeSet<&str> = life.plan.stages.iter().map(|stage| stage.destination_object.as_str()).collect();
    for object in objects {
        let (mut created, mut updated, mut settled) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for stage in life.plan.stages.iter().filter(|stage| stage.destination_object == object) {
            for (key, record) in outcome.journal.of(&stage.id) {
                let Some(id) = record.id.clone() else { continue };
                match word(life, stage, key, record) {
                    Word::Create => created.insert(id),
                    Word::Update => updated.insert(id),
                    Word::Unchanged | Word::Skip | Word::Quarantine => settled.insert(id),
                };
            }
        }
        // A write whose answer a kill swallowed is there before the run that settles it.
        created.retain(|id| !outcome.journal_before.is_unanswered(id));
        let new = outcome.store.new_since(&outcome.store_before, object);
        found.unless_equal("store", &format!("new {object}"), &created, &new);
        let mut changed: BTreeSet<String> =
            outcome.store.changed_since(&outcome.store_before, object).into_keys().collect();
        let restored = outcome.store_before.0.iter().filter(|((of, id), before)| {
            of == object && before.trashed && outcome.store.get(object, id).is_some_and(|after| !after.trashed)
        });
        changed.extend(restored.map(|((_, id), _)| id.clone()));
        changed.retain(|id| !outcome.journal_before.is_unanswered(id));
        updated.retain(|id| !created.contains(id) && !outcome.journal_before.is_unanswered(id));
        found.unless_equal("store", &format!("changed {object}"), &updated, &changed);
    }
}
