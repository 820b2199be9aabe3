//! Choice of a sample: few records that show every case and need no others, and some drawn at random.

use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::path::Path;

use migr_decide::cells::Lent;
use migr_decide::decision::Reason;
use migr_decide::forecast::Forecast;
use migr_decide::outcomes::DecisionContext;
use migr_decide::prepass::odd_key;
use migr_decide::record_lookup::{NotingLookup, RecordLookup};
use migr_decide::slice::Slice;
use migr_decide::stage_run::StageRun;
use migr_extract::Row;
use migr_journal::{Mapped, Reader, RecordReason, State, StepId};
use migr_plan::{ReasonCode, Step};
use migr_report::{kind_of_reason, without_words_of_records};
use migr_spill::RowNotes;
use migr_transform::{Admission, Cells, Outcome, Pass, Traced, Value};
use serde::{Deserialize, Serialize};

use super::cases::{self, Cases, Kind, Place};
use crate::EngineError;
use crate::since::Touched;

/// Cases that are named as the reason for a record.
const NAMED: usize = 3;

/// Choice of a sample.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Chosen rows.
    pub(crate) slice: Slice,
    /// Reasons for each record, by stage and line.
    pub(crate) because: BTreeMap<(usize, u64), Vec<String>>,
    /// The cases, those that are shown marked.
    pub(crate) cases: Cases,
    /// Records of the export that belong to a map.
    pub(crate) of: u64,
}

/// Note on a row: the cases that it shows, and the records that it needs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    /// Cases by number.
    c: Vec<usize>,
    /// Records that it refers to: number of the stage, key.
    r: Vec<(usize, String)>,
    /// Records that become one with it, or that another map writes into the same one.
    k: Vec<(usize, String)>,
    /// True where the record is there, and no change touches it: what refers to it needs nothing of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    u: bool,
}

/// Outcome of a row: its key in the journal and its fate. None where the row is no record of the stage.
pub(crate) fn outcome(
    job: &StageRun,
    world: &RecordLookup,
    line: u64,
    cells: &dyn Cells,
) -> Result<Option<(String, Mapped)>, EngineError> {
    let keys = match job.key(cells, world)? {
        Ok(key) => [odd_key(&key, line), key],
        Err(_) => [odd_key("", line), String::new()],
    };
    for key in keys.into_iter().filter(|key| !key.is_empty()) {
        if let Some(mapped) = world.reader.id_of(job.step, &key)?
            && mapped.line == line
        {
            return Ok(Some((key, mapped)));
        }
    }
    Ok(None)
}

/// Chooses about `asked` records of the export, by what a run would make of each; with a change, those that it touches.
pub(crate) fn choose(
    context: &DecisionContext,
    (forecast, world): (&Forecast, &mut RecordLookup),
    asked: u64,
    touched: Option<&Touched>,
    folder: &Path,
) -> Result<Choice, EngineError> {
    let plan = std::sync::Arc::clone(&context.plan);
    let mut jobs: Vec<Option<StageRun>> = Vec::with_capacity(plan.stages.len());
    for stage in &plan.stages {
        let Some(step) = forecast.known(&Step::records(&stage.id)) else {
            jobs.push(None);
            continue;
        };
        world.end_stage(&stage.id, step)?;
        jobs.push(Some(StageRun::new(context, stage, step)?));
    }
    let journal = forecast.reader()?;
    let mut gathering = Gathering {
        jobs: &jobs,
        world,
        forecast,
        journal,
        cases: Cases::of(&plan),
        notes: RowNotes::create(folder)?,
        drawn: BinaryHeap::new(),
        most: usize::try_from(asked).unwrap_or(usize::MAX),
        seed: plan.migration.clone(),
        of: 0,
        touched,
    };
    for number in 0..jobs.len() {
        gathering.stage(number)?;
    }
    let Gathering { mut cases, notes, drawn, of, .. } = gathering;
    if let Some(touched) = touched {
        cases.keep_changed(&plan, &touched.before);
    }
    let names: Vec<String> = plan.stages.iter().map(|stage| stage.id.clone()).collect();
    let mut taking = Taking { names, notes, cases, slice: Slice::default(), because: BTreeMap::new() };
    taking.cover()?;
    for (_, place) in drawn.into_sorted_vec() {
        if taking.slice.len() >= asked {
            break;
        }
        taking.take(&place, vec!["it was drawn at random".to_owned()])?;
    }
    let Taking { slice, because, cases, .. } = taking;
    Ok(Choice { slice, because, cases, of })
}

/// Gathers what each row shows and needs.
struct Gathering<'g> {
    jobs: &'g [Option<StageRun>],
    world: &'g RecordLookup,
    forecast: &'g Forecast,
    journal: Option<Reader>,
    cases: Cases,
    notes: RowNotes,
    /// Rows with the smallest numbers so far; the numbers are drawn by hash.
    drawn: BinaryHeap<(u64, Place)>,
    most: usize,
    seed: String,
    of: u64,
    touched: Option<&'g Touched>,
}

impl Gathering<'_> {
    fn stage(&mut self, number: usize) -> Result<(), EngineError> {
        let Some(job) = self.jobs.get(number).and_then(Option::as_ref) else { return Ok(()) };
        if job.file.is_empty() {
            return Ok(());
        }
        let mut records = job.context.export.records(&job.stage.source_object)?;
        while let Some(row) = records.next()? {
            match row {
                Row::Malformed { line, .. } => self.malformed(number, job, line)?,
                Row::Record(record) => {
                    let (line, cells) = (record.line, Lent(record));
                    if let Some((key, mapped)) = outcome(job, self.world, line, &cells)? {
                        self.row(job, &Place { stage: number, line, key }, &mapped, &cells)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Row that is no record: quarantined by the first stage of its object.
    fn malformed(&mut self, number: usize, job: &StageRun, line: u64) -> Result<(), EngineError> {
        let key = odd_key("", line);
        if self.world.reader.id_of(job.step, &key)?.is_none() {
            return Ok(());
        }
        let place = Place { stage: number, line, key };
        let mut note = Note::default();
        if !self.is_touched(job, &place)? {
            return Ok(());
        }
        self.reasons(job, &place, &mut note)?;
        self.keep(&place, &note)
    }

    /// True where going on changes a record, or no run has decided about it yet.
    fn is_touched(&self, job: &StageRun, place: &Place) -> Result<bool, EngineError> {
        let Some(touched) = self.touched else { return Ok(true) };
        if touched.rows.contains(&job.stage.id, place.line) {
            return Ok(true);
        }
        let Some(journal) = self.journal.as_ref().filter(|_| job.step.is_begun()) else { return Ok(true) };
        Ok(journal.id_of(job.step, &place.key)?.is_none())
    }

    fn row(&mut self, job: &StageRun, place: &Place, mapped: &Mapped, cells: &dyn Cells) -> Result<(), EngineError> {
        let is_there = matches!(mapped.state, State::Created | State::Updated | State::Unchanged);
        let mut note = Note::default();
        if !self.is_touched(job, place)? {
            note.u = true;
            note.k = self.kin(job.step, place, mapped)?;
            return self.keep(place, &note);
        }
        let noting = NotingLookup::new(self.world);
        for at in 0..job.stage.fields.len() {
            if let Some(traced) = job.program.trace_field(at, cells, &noting)? {
                self.field(job, ('f', at), &traced, is_there, &mut note);
            }
        }
        for at in 0..job.stage.links.len() {
            if let Some(traced) = job.program.trace_link(at, cells, &noting)? {
                self.field(job, ('l', at), &traced, is_there, &mut note);
            }
        }
        let (meant, owners) = (noting.take_meant(), noting.take_owners());
        self.state(job, place, (mapped, is_there), cells, &mut note)?;
        if is_there {
            for owner in owners {
                let origin = job.context.plan.owners.as_ref().map_or(&job.stage.origin, |owners| &owners.origin);
                let case = self.cases.met(Kind::Owner, &cases::owner_name(&owner), || owner.clone(), origin);
                note.c.extend(case);
            }
            self.draw(place);
        }
        note.r = self.numbered(meant);
        note.k = self.kin(job.step, place, mapped)?;
        self.keep(place, &note)
    }

    /// Cases of a field or link.
    fn field(
        &mut self,
        job: &StageRun,
        (kind, at): (char, usize),
        traced: &Traced<'_>,
        is_there: bool,
        note: &mut Note,
    ) {
        let is_skip = matches!(traced.outcome, Outcome::Skip { .. });
        if !is_there && !is_skip {
            return;
        }
        for row in &traced.rows {
            note.c.extend(self.cases.stated(&cases::row_name(&row.table, row.row)));
        }
        for way in &traced.ways {
            note.c.extend(self.cases.stated(&cases::way_name(job.number, kind, at, (way.fork, way.second))));
        }
        if !is_there {
            return;
        }
        if matches!(&traced.outcome, Outcome::Ready(value) if holds(value)) {
            let name = if kind == 'f' { cases::field_name(job.number, at) } else { cases::link_name(job.number, at) };
            note.c.extend(self.cases.stated(&name));
        }
        let (field, origin) = match kind {
            'f' => job.stage.fields.get(at).map(|field| (&field.field, &field.origin)),
            _ => job.stage.links.get(at).map(|link| (&link.field, &link.origin)),
        }
        .unzip();
        let (Some(field), Some(origin)) = (field, origin) else { return };
        for repair in &traced.repairs {
            let reason = without_words_of_records(&repair.reason);
            let name = cases::adjusted_name(job.number, field, &reason);
            let what = || format!("{}, {field}: {reason}", job.stage.map);
            note.c.extend(self.cases.met(Kind::Adjusted, &name, what, origin));
        }
    }

    /// Cases of what becomes of the record.
    fn state(
        &mut self,
        job: &StageRun,
        place: &Place,
        (mapped, is_there): (&Mapped, bool),
        cells: &dyn Cells,
        note: &mut Note,
    ) -> Result<(), EngineError> {
        if is_there {
            note.c.extend(self.cases.stated(&cases::map_name(job.number)));
            if mapped.state != State::Created && !self.is_ours(job.step, &place.key)? {
                note.c.extend(self.cases.stated(&cases::existing_name(job.number)));
            }
            return Ok(());
        }
        if mapped.state != State::Skipped {
            return self.reasons(job, place, note);
        }
        if mapped.winner.is_some() {
            note.c.extend(self.cases.stated(&cases::merge_name(job.number)));
            return Ok(());
        }
        let (object, map) = (&job.stage.source_object, &job.stage.map);
        let reason = match job.program.admit(cells, self.world)? {
            Admission::Skip { reason } => {
                note.c.extend(self.cases.stated(&cases::skip_name(object, &reason)));
                return Ok(());
            }
            _ if mapped.id.is_some() => "it is there already, and stays as it is".to_owned(),
            _ => match job.program.fields(cells, self.world, Pass::First)? {
                Outcome::Skip { reason } => without_words_of_records(&reason),
                _ => "a rule of the map".to_owned(),
            },
        };
        let name = cases::skip_name(map, &reason);
        note.c.extend(self.cases.met(Kind::Skip, &name, || format!("{map}: {reason}"), &job.stage.origin));
        Ok(())
    }

    /// Reasons for which the record is quarantined.
    fn reasons(&mut self, job: &StageRun, place: &Place, note: &mut Note) -> Result<(), EngineError> {
        let foreseen = self.forecast.reasons(job.step, (place.line, &place.key), &job.identities)?;
        let mut reasons: Vec<RecordReason> = foreseen
            .into_iter()
            .map(|Reason { code, field, reason, .. }| RecordReason {
                code: Some(code.to_string()),
                field: Some(field).filter(|field| !field.is_empty()),
                reason,
            })
            .collect();
        if let Some(journal) = self.journal.as_ref().filter(|_| reasons.is_empty() && job.step.is_begun()) {
            reasons = journal.reasons(job.step, &place.key)?;
        }
        for one in reasons {
            let code = one.code.as_deref().and_then(ReasonCode::find);
            let kind = RecordReason { reason: kind_of_reason(code, &one.reason), ..one };
            let (name, map) = (cases::quarantine_name(job.number, code, &kind), &job.stage.map);
            let code = code.map_or_else(String::new, |code| format!(" ({code})"));
            let joint = if kind.field.is_some() { ", " } else { ": " };
            let what = || format!("{map}{joint}{kind}{code}");
            note.c.extend(self.cases.met(Kind::Quarantine, &name, what, &job.stage.origin));
        }
        Ok(())
    }

    /// True where a run before created the record.
    fn is_ours(&self, step: StepId, key: &str) -> Result<bool, EngineError> {
        let Some(journal) = self.journal.as_ref().filter(|_| step.is_begun()) else { return Ok(false) };
        Ok(journal.id_of(step, key)?.is_some_and(|known| known.state == State::Created))
    }

    fn numbered(&self, places: Vec<(String, String)>) -> Vec<(usize, String)> {
        let number =
            |stage: &str| self.jobs.iter().position(|job| job.as_ref().is_some_and(|job| job.stage.id == stage));
        let mut numbered: Vec<(usize, String)> =
            places.into_iter().filter_map(|(stage, key)| Some((number(&stage)?, key))).collect();
        numbered.sort();
        numbered.dedup();
        numbered
    }

    /// Records whose fate hangs together with a record's.
    fn kin(&self, step: StepId, place: &Place, mapped: &Mapped) -> Result<Vec<(usize, String)>, EngineError> {
        let mut kin = self.numbered(self.forecast.kin(step, &place.key)?);
        if let Some(winner) = &mapped.winner {
            kin.push((place.stage, winner.clone()));
        }
        if let (Some(journal), Some(id)) = (&self.journal, &mapped.id) {
            for (number, job) in self.jobs.iter().enumerate() {
                let Some(job) = job.as_ref().filter(|job| job.step.is_begun()) else { continue };
                kin.extend(journal.keys_of(job.step, id)?.into_iter().map(|row| (number, row.key)));
            }
        }
        kin.retain(|(number, key)| (*number, key.as_str()) != (place.stage, place.key.as_str()));
        kin.sort();
        kin.dedup();
        Ok(kin)
    }

    /// Draws a number for a record, always the same one.
    fn draw(&mut self, place: &Place) {
        let name = format!("{}\u{1f}{}\u{1f}{}", self.seed, place.stage, place.key);
        let hash = blake3::hash(name.as_bytes());
        let number = hash.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes);
        if self.drawn.len() < self.most {
            self.drawn.push((number, place.clone()));
        } else if self.drawn.peek().is_some_and(|(largest, _)| number < *largest) {
            self.drawn.pop();
            self.drawn.push((number, place.clone()));
        }
    }

    fn keep(&mut self, place: &Place, note: &Note) -> Result<(), EngineError> {
        self.of += 1;
        self.cases.shown_by(&note.c, place);
        let text = serde_json::to_string(note).unwrap_or_default();
        Ok(self.notes.set(place.stage, &place.key, place.line, &text)?)
    }
}

/// Takes rows, each with those that it needs.
struct Taking {
    /// Stages by number.
    names: Vec<String>,
    notes: RowNotes,
    cases: Cases,
    slice: Slice,
    because: BTreeMap<(usize, u64), Vec<String>>,
}

impl Taking {
    /// Takes records until every case that a record shows is shown: each time one that shows most of what is missing.
    fn cover(&mut self) -> Result<(), EngineError> {
        let mut shown: HashMap<Place, Vec<usize>> = HashMap::new();
        loop {
            let mut best: Option<(usize, Place)> = None;
            for case in self.cases.list.iter().filter(|case| !case.is_shown) {
                for place in &case.candidates {
                    if !shown.contains_key(place) {
                        let (_, note) = self.note(place.stage, &place.key)?.unwrap_or_default();
                        shown.insert(place.clone(), note.c);
                    }
                    let is_new = |number: &&usize| self.cases.list.get(**number).is_some_and(|case| !case.is_shown);
                    let new = shown.get(place).map_or(0, |cases| cases.iter().filter(is_new).count());
                    let is_better = best.as_ref().is_none_or(|(most, at)| new > *most || new == *most && place < at);
                    if new > 0 && is_better {
                        best = Some((new, place.clone()));
                    }
                }
            }
            let Some((_, place)) = best else { return Ok(()) };
            let cases = shown.get(&place).cloned().unwrap_or_default();
            let new: Vec<usize> = cases
                .into_iter()
                .filter(|number| self.cases.list.get(*number).is_some_and(|case| !case.is_shown))
                .collect();
            let mut why: Vec<String> =
                new.iter().filter_map(|number| self.cases.in_words(*number)).take(NAMED).collect();
            if new.len() > NAMED {
                why.push(format!("{} more", new.len() - NAMED));
            }
            self.take(&place, vec![format!("it shows {}", why.join("; "))])?;
        }
    }

    fn note(&self, stage: usize, key: &str) -> Result<Option<(u64, Note)>, EngineError> {
        let found = self.notes.get(stage, key)?;
        Ok(found.map(|(line, text)| (line, serde_json::from_str(&text).unwrap_or_default())))
    }

    /// Takes a record and those that it needs.
    fn take(&mut self, place: &Place, because: Vec<String>) -> Result<(), EngineError> {
        let mut waiting = vec![(place.stage, place.key.clone(), because, false)];
        while let Some((stage, key, because, is_referred)) = waiting.pop() {
            let Some((line, note)) = self.note(stage, &key)? else { continue };
            let Some(name) = self.names.get(stage) else { continue };
            if self.slice.contains(name, line) || (is_referred && note.u) {
                continue;
            }
            self.slice.insert(name, line);
            self.because.insert((stage, line), because);
            for number in note.c {
                if let Some(case) = self.cases.list.get_mut(number) {
                    case.is_shown = true;
                }
            }
            let shown = migr_decide::decision::shown(&key);
            let refers = format!("{name} {shown} refers to it");
            waiting.extend(note.r.into_iter().map(|(stage, key)| (stage, key, vec![refers.clone()], true)));
            let kin = format!("it becomes one with {name} {shown}");
            waiting.extend(note.k.into_iter().map(|(stage, key)| (stage, key, vec![kin.clone()], false)));
        }
        Ok(())
    }
}

/// True where a value holds something.
fn holds(value: &Value<'_>) -> bool {
    !matches!(value, Value::None | Value::Default) && !migr_decide::families::is_empty(value)
}
