//! Lookup of other records during the evaluation of one.

mod meant;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use migr_extract::Export;
use migr_journal::{OwnerNote, State, StepId};
use migr_plan::{Plan, ReferenceTarget};
use migr_transform::{Linked, Lookup, LookupError, OwnerFound, Resolved};

use crate::computed::{ComputedFields, ComputedSpool};
use crate::link_spool::{LinkSpool, SpoolReader};
use crate::outcomes::Knowledge;
use crate::owners::{OwnerTable, Stand};
use crate::record_write::RecordWrite;
use crate::referred::{Referred, Sources};
use crate::{DecideError, Ids};
use migr_spill::Spill;

pub use meant::NotingLookup;

/// Answers remembered at most, before all are forgotten.
const REMEMBERED: usize = 20_000;

/// Lookup of other records during the evaluation of one. Lives on the thread that evaluates.
#[derive(Debug)]
pub struct RecordLookup {
    plan: Arc<Plan>,
    export: Arc<Export>,
    /// Classification-ups on disk.
    pub spill: Spill,
    /// True where the spill knows of records in the trash that others refer to.
    pub has_referrers: bool,
    /// Outcomes of other records.
    pub reader: Knowledge,
    owners: Arc<OwnerTable>,
    ids: Ids,
    referred: Referred,
    stages: BTreeMap<String, Known>,
    own: Cell<Own>,
    asked: RefCell<Vec<String>>,
    /// Owners that were asked for, of a forecast.
    owned: RefCell<Vec<String>>,
    /// Answers by how the target is found, then by key.
    resolved: RefCell<HashMap<String, HashMap<String, Answer>>>,
    remembered: Cell<usize>,
    /// Members by an owner's address as it is written, and by whether the export has the owner.
    members: RefCell<HashMap<bool, HashMap<String, Arc<Member>>>>,
    notes: RefCell<BTreeMap<String, OwnerNote>>,
    noted: RefCell<BTreeSet<String>>,
    /// A file that cannot be read counts as empty.
    is_lenient: bool,
    /// Links of the stage at work, from the step that writes its records to the one that makes them.
    links: RefCell<Option<LinkSpool>>,
    /// Fields of the records of the stage at work, from the first pass over its rows to the second.
    computed: RefCell<Option<ComputedSpool>>,
    /// Digests of records of the stage at work that a run sent which ended before the answers came, by key.
    sent: BTreeMap<String, String>,
}

/// Id of a record of a destination that was not asked.
const UNASKED: &str = "00000000-0000-4000-8000-000000000000";

/// A record of the destination.
#[derive(Clone, Debug)]
struct There {
    object: String,
    id: String,
}

/// Member of the destination who stands for an owner.
#[derive(Debug)]
struct Member {
    /// The member's id; none: nobody.
    id: Option<String>,
    is_orphan: bool,
    /// The owner's address, folded.
    source: String,
}

/// Record that a key refers to, or the reason why it refers to none.
type Answer = Result<There, &'static str>;

/// Knowledge about a stage that a reference may lead to.
#[derive(Debug)]
struct Known {
    object: String,
    reach: Reach,
    same: HashMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Stage whose records are there, or quarantined.
    Through(StepId),
    /// Stage at work.
    Own,
    /// Stage that comes later: references to it are deferred.
    Later,
}

/// Way in which references to the stage at work are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Every key counts as there, and is noted.
    Note,
    /// Keys of records that the stage admitted count as there.
    Admitted,
}

impl RecordLookup {
    /// Before any stage.
    pub fn new(
        plan: Arc<Plan>,
        export: Arc<Export>,
        owners: Arc<OwnerTable>,
        spill: Spill,
        reader: Knowledge,
    ) -> Result<Self, DecideError> {
        let ids = Ids::within(&plan.migration, reader.project()?.as_deref());
        let stages = plan
            .stages
            .iter()
            .map(|stage| {
                let same = stage.distinct.iter().flat_map(|distinct| &distinct.same);
                let same = same
                    .flat_map(|same| same.variants.iter().map(|variant| (variant.clone(), same.canonical.clone())))
                    .collect();
                let known = Known { object: stage.destination_object.clone(), reach: Reach::Later, same };
                (stage.id.clone(), known)
            })
            .collect();
        Ok(Self {
            ids,
            plan,
            export,
            spill,
            has_referrers: false,
            reader,
            owners,
            referred: Referred::default(),
            stages,
            own: Cell::new(Own::Note),
            asked: RefCell::default(),
            owned: RefCell::default(),
            resolved: RefCell::default(),
            remembered: Cell::new(0),
            members: RefCell::default(),
            notes: RefCell::default(),
            noted: RefCell::default(),
            is_lenient: false,
            links: RefCell::default(),
            computed: RefCell::default(),
            sent: BTreeMap::new(),
        })
    }

    /// A stage is at work; the spill tables are empty for it.
    pub fn begin_stage(&mut self, stage: &str) -> Result<(), DecideError> {
        self.reach(stage, Reach::Own);
        self.own.set(Own::Note);
        self.has_referrers = false;
        self.links.take();
        self.computed.take();
        Ok(self.spill.begin_stage()?)
    }

    /// Sets what a run sent of the stage at work that ended before the answers came: digests by key.
    pub fn set_sent(&mut self, sent: BTreeMap<String, String>) {
        self.sent = sent;
    }

    /// True for a record that such a run sent. Where no body is made nothing says that it is another one now.
    pub fn was_sent(&self, item: &RecordWrite) -> bool {
        let digest = self.sent.get(&item.key);
        digest.is_some_and(|digest| item.digest.is_empty() || *digest == item.digest)
    }

    /// A stage is through.
    pub fn end_stage(&mut self, stage: &str, step: StepId) -> Result<(), DecideError> {
        self.reach(stage, Reach::Through(step));
        self.rest()
    }

    /// From now on the fields of records are kept.
    pub(crate) fn keep_fields(&self, folder: &Path) {
        self.computed.replace(Some(ComputedSpool::create(folder)));
    }

    /// Keeps the fields of a record, where they are kept.
    pub(crate) fn add_fields(&self, line: u64, fields: &ComputedFields) -> Result<(), DecideError> {
        self.computed.borrow_mut().as_mut().map_or(Ok(()), |computed| computed.add(line, fields))
    }

    /// The fields of the record of a line, where they were kept; lines are asked for in their order, once all were kept.
    pub(crate) fn take_fields(&self, line: u64) -> Result<Option<ComputedFields>, DecideError> {
        self.computed.borrow_mut().as_mut().map_or(Ok(None), |computed| computed.take(line))
    }

    /// From now on the links of records are kept.
    pub fn keep_links(&self, folder: &Path) -> Result<(), DecideError> {
        self.links.replace(Some(LinkSpool::create(folder)?));
        Ok(())
    }

    /// Keeps the links of a record, where they are kept.
    pub fn add_links(&self, line: u64, key: &str, linked: &Linked<'_>) -> Result<(), DecideError> {
        self.links.borrow_mut().as_mut().map_or(Ok(()), |links| links.add(line, key, linked))
    }

    /// The links of every record were computed.
    pub fn close_links(&self) -> Result<(), DecideError> {
        self.links.borrow_mut().as_mut().map_or(Ok(()), LinkSpool::close)
    }

    /// The links of the records that were written last, where they were kept.
    pub fn kept_links(&self) -> Result<Option<SpoolReader>, DecideError> {
        self.links.borrow().as_ref().map_or(Ok(None), LinkSpool::read)
    }

    /// Nothing is asked for a while: the journal's log can be cut back. What is asked next sees all that was written by then.
    pub fn rest(&self) -> Result<(), DecideError> {
        self.reader.release()
    }

    fn reach(&mut self, stage: &str, reach: Reach) {
        self.resolved.borrow_mut().clear();
        if let Some(known) = self.stages.get_mut(stage) {
            known.reach = reach;
        }
    }

    /// Sets the way in which references to the stage at work are answered from now on.
    pub fn answer_own(&self, own: Own) {
        self.own.set(own);
    }

    /// The keys of the stage at work that were asked for since the last call.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.borrow_mut())
    }

    /// Owners that were asked for since the last call, of a forecast.
    pub fn take_owned(&self) -> Vec<String> {
        std::mem::take(&mut *self.owned.borrow_mut())
    }

    /// Owners that were resolved for the first time since the last call.
    pub fn take_owners(&self) -> Vec<OwnerNote> {
        std::mem::take(&mut *self.notes.borrow_mut()).into_values().collect()
    }

    /// Names a record of the destination that was there before.
    pub fn add_existing(&self, object: &str, identity: &str, id: &str) -> Result<(), DecideError> {
        Ok(self.spill.add_named(object, identity, id)?)
    }

    /// Address of the owner that a key means, where the export has it in another column.
    fn owner_cell(&self, target: &ReferenceTarget, key: &str) -> Result<Option<String>, DecideError> {
        let address = match self.owners.source() {
            // The reference is by the owners' own column: the key is the address, even where the export has no such person.
            Some((object, column)) if target.object == object && target.column.as_deref() == Some(column) => None,
            Some((object, column)) if target.object == object => {
                self.referred.cell(&self.sources(), target, key, column)?
            }
            _ => None,
        };
        Ok(address.filter(|address| !address.trim().is_empty()))
    }

    /// Address of the owner that a key means, folded.
    fn address_of(&self, target: &ReferenceTarget, key: &str) -> Result<String, DecideError> {
        let address = self.owner_cell(target, key)?;
        Ok(address.as_deref().unwrap_or(key).trim().to_lowercase())
    }

    fn sources(&self) -> Sources<'_> {
        Sources { plan: &self.plan, export: &self.export, spill: &self.spill, is_lenient: self.is_lenient }
    }

    /// From now on a file that cannot be read counts as empty: an audit has said so.
    pub fn be_lenient(&mut self) {
        self.is_lenient = true;
    }

    /// True where the export has the record that a key refers to.
    pub fn is_in_export(&self, target: &ReferenceTarget, key: &str) -> Result<bool, DecideError> {
        Ok(self.referred.key(&self.sources(), target, key)?.is_some())
    }

    fn resolve(&self, target: &ReferenceTarget, key: &str) -> Result<Answer, DecideError> {
        let found;
        let key = if is_by_key(target) {
            key
        } else {
            match self.referred.key(&self.sources(), target, key)?.filter(|key| !key.is_empty()) {
                Some(key) => {
                    found = key;
                    found.as_str()
                }
                None => return Ok(Err("it is not in the export")),
            }
        };
        let mut why = "it is not in the export";
        for name in &target.stages {
            let Some(known) = self.stages.get(name) else { continue };
            let key = known.same.get(key).map_or(key, String::as_str);
            let ours = || There { object: known.object.clone(), id: self.ids.record(name, key) };
            match known.reach {
                Reach::Later => return Ok(Ok(ours())),
                Reach::Own if self.own.get() == Own::Note => {
                    self.asked.borrow_mut().push(key.to_owned());
                    return Ok(Ok(ours()));
                }
                Reach::Own => {
                    self.asked.borrow_mut().push(key.to_owned());
                    if self.spill.has_record(key)? {
                        return Ok(Ok(ours()));
                    }
                    why = "it is not in the export, or was quarantined";
                }
                Reach::Through(step) => {
                    let Some(mapped) = self.reader.settled(step, key)? else { continue };
                    if let Some(id) = mapped.id {
                        return Ok(Ok(There { object: known.object.clone(), id }));
                    }
                    let is_skipped = mapped.state == State::Skipped;
                    why = if is_skipped { "it stayed behind by a written rule" } else { "it was quarantined" };
                }
            }
        }
        Ok(Err(why))
    }

    /// Places of the records that a key means where it means several. Rows that became one record are one, and those left out by a rule are none.
    fn several(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<String>, DecideError> {
        let is_distinct = |name: &String| self.plan.stage(name).is_some_and(|stage| stage.distinct.is_some());
        if target.stages.iter().any(is_distinct) {
            return Ok(Vec::new());
        }
        let found = self.referred.all(&self.sources(), target, key)?;
        let file = self.export.file(&target.object).map_or("", |file| file.shown());
        let (mut meant, mut places) = (BTreeSet::new(), Vec::new());
        for (line, source) in found {
            if let Some(record) = self.becomes(target, source)?
                && meant.insert(record)
            {
                places.push(format!("{file}:{line}"));
            }
        }
        Ok(if places.len() > 1 { places } else { Vec::new() })
    }

    /// The id of what a source record has become, or its key where that is not known; none where a rule left it out.
    fn becomes(&self, target: &ReferenceTarget, key: String) -> Result<Option<String>, DecideError> {
        for name in &target.stages {
            let Some(Known { reach: Reach::Through(step), .. }) = self.stages.get(name) else { continue };
            if let Some(mapped) = self.reader.id_of(*step, &key)? {
                let is_left_out = mapped.state == State::Skipped;
                return Ok((!is_left_out).then(|| mapped.id.unwrap_or(key)));
            }
        }
        Ok(Some(key))
    }

    /// The member for an owner's address. A member that is met for the first time is noted.
    fn stand(&self, address: &str, is_in_export: bool) -> Arc<Member> {
        let mut members = self.members.borrow_mut();
        let of_export = members.entry(is_in_export).or_default();
        if let Some(known) = of_export.get(address) {
            return Arc::clone(known);
        }
        let Stand { id, orphan, note } = self.owners.stand(address, is_in_export);
        let member = Arc::new(Member { id, is_orphan: orphan, source: note.source.clone() });
        let mut noted = self.noted.borrow_mut();
        if noted.len() >= REMEMBERED {
            noted.clear();
        }
        if noted.insert(note.source.clone()) {
            self.notes.borrow_mut().insert(note.source.clone(), note);
        }
        if of_export.len() >= REMEMBERED {
            of_export.clear();
        }
        of_export.insert(address.to_owned(), Arc::clone(&member));
        member
    }

    /// Answers are remembered: many records refer to few others.
    fn remembered(&self, target: &ReferenceTarget, key: &str) -> Result<Answer, DecideError> {
        let name = lookup_name(target);
        if let Some(answer) = self.resolved.borrow().get(name.as_ref()).and_then(|answers| answers.get(key)) {
            return Ok(answer.clone());
        }
        let answer = self.resolve(target, key)?;
        let mut resolved = self.resolved.borrow_mut();
        if self.remembered.get() >= REMEMBERED {
            resolved.clear();
            self.remembered.set(0);
        }
        self.remembered.set(self.remembered.get() + 1);
        resolved.entry(name.into_owned()).or_default().insert(key.to_owned(), answer.clone());
        Ok(answer)
    }
}

/// True where a target is found by its own key as it is written.
fn is_by_key(target: &ReferenceTarget) -> bool {
    target.column.is_none() && !target.ignore_case && !target.ignore_space
}

/// Name under which a target is found: keys of one name mean the same.
fn lookup_name(target: &ReferenceTarget) -> Cow<'_, str> {
    match target.stages.as_slice() {
        [stage] if is_by_key(target) => Cow::Borrowed(stage),
        stages => {
            let column = target.column.as_deref().unwrap_or_default();
            let flags = (target.ignore_case, target.ignore_space);
            Cow::Owned(format!("{}\u{1f}{column}\u{1f}{flags:?}\u{1f}{}", target.object, stages.join("\u{1f}")))
        }
    }
}

impl Lookup for RecordLookup {
    fn cell<'l>(
        &'l self,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<Cow<'l, str>>, LookupError> {
        self.referred
            .cell(&self.sources(), target, key, column)
            .map(|cell| cell.map(Cow::Owned))
            .map_err(LookupError::new)
    }

    fn candidates(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<String>, LookupError> {
        self.several(target, key).map_err(LookupError::new)
    }

    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError> {
        let own = target.stages.iter().any(|name| self.stages.get(name).is_some_and(|known| known.reach == Reach::Own));
        // Answers about the stage at work are not final, and asking is noted.
        let is_asked = own || (self.reader.is_quick() && is_by_key(target));
        let answer = if is_asked { self.resolve(target, key) } else { self.remembered(target, key) };
        Ok(match answer.map_err(LookupError::new)? {
            Ok(there) => Resolved::Found { object: Cow::Owned(there.object), id: Cow::Owned(there.id) },
            Err(why) => Resolved::Missing { why: Cow::Borrowed(why) },
        })
    }

    fn owner<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<OwnerFound<'l>, LookupError> {
        let address = self.owner_cell(target, key).map_err(LookupError::new)?;
        let address = address.as_deref().unwrap_or(key);
        // Where nobody was asked for the users, an owner of the export counts as one.
        let is_in_export = self.owners.is_unasked() && self.is_in_export(target, key).map_err(LookupError::new)?;
        let stand = self.stand(address, is_in_export);
        if self.is_lenient && !self.owned.borrow().contains(&stand.source) {
            self.owned.borrow_mut().push(stand.source.clone());
        }
        Ok(OwnerFound {
            object: Cow::Borrowed(self.owners.object()),
            id: stand.id.clone().map(Cow::Owned),
            orphan: stand.is_orphan,
        })
    }

    fn existing<'l>(&'l self, object: &str, fields: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        if self.is_lenient && self.owners.is_unasked() {
            return Ok(Some(Cow::Borrowed(UNASKED)));
        }
        let identity = identity_of(fields.iter().map(|(path, value)| (path.as_str(), value.as_str())));
        self.spill.named(object, &identity).map(|id| id.map(Cow::Owned)).map_err(LookupError::new)
    }
}

/// Identity of a record that is there already, as one text.
pub fn identity_of<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut parts: Vec<String> =
        fields.map(|(path, value)| format!("{path}\u{1f}{}", value.trim().to_lowercase())).collect();
    parts.sort();
    parts.join("\u{1e}")
}
