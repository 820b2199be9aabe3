//! Look-ups of the checks that an audit makes of single records, and who owns them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use migr_decide::spelling::folded;
use migr_plan::{Plan, ReferenceTarget};
use migr_transform::{Lookup, LookupError, OwnerFound, Resolved};

use super::lookup_plan::{LookupSpec, Needs};
use migr_spill::{Inventory, SpillError};

/// Look-ups of at most so many records are answered from memory.
const IN_MEMORY: usize = 32_768;
/// Keys of a look-up among which another spelling of a reference is looked for.
const SPELLINGS: usize = 200_000;

/// Knowledge of an audit about the other records: the export's keys, their outcomes so far, and the owners' users.
#[derive(Debug)]
pub(crate) struct ExportLookup<'a> {
    pub(crate) inventory: &'a Inventory,
    specs: Vec<(LookupSpec, Vec<String>)>,
    small: Vec<Option<HashMap<String, Referred>>>,
    /// Keys of a look-up by what is left of them without case and blanks; made where a reference is found to be nothing.
    spelt: RefCell<HashMap<usize, HashMap<String, String>>>,
    pub(crate) owners: OwnersKnown,
    /// Records named by `existing`, by object and fields; none: the destination was not asked.
    existing: Option<BTreeMap<ExistingName, String>>,
}

/// Record that `existing` names: an object, and fields with values.
pub(crate) type ExistingName = (String, Vec<(String, String)>);

/// A record that others refer to.
#[derive(Clone, Debug)]
pub(crate) struct Referred {
    /// Source key of the record.
    pub(crate) key: String,
    cells: Vec<String>,
}

/// The plan's owners table with the destination's members, addresses folded.
#[derive(Debug, Default)]
pub(crate) struct OwnersKnown {
    /// Source object and column.
    pub(crate) source: Option<(String, String)>,
    object: String,
    overrides: BTreeMap<String, String>,
    has_fallback: bool,
    /// Addresses of the users; absent: the destination was not asked.
    members: Option<BTreeSet<String>>,
}

/// State of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerState {
    /// A member stands for them, or, where the destination was not asked, may.
    Known,
    /// A written override names a member for them.
    Overridden,
    /// The override names somebody who is no member.
    BadOverride,
    /// No member has the address.
    NoMember,
}

impl OwnersKnown {
    pub(crate) fn of(plan: &Plan, members: Option<BTreeSet<String>>) -> Self {
        let Some(owners) = &plan.owners else { return Self { members, ..Self::default() } };
        Self {
            source: Some((owners.source_object.clone(), owners.source_column.clone())),
            object: owners.destination_object.clone(),
            overrides: owners.overrides.iter().map(|pair| (fold(&pair.source), fold(&pair.destination))).collect(),
            has_fallback: owners.fallback.is_some(),
            members,
        }
    }

    /// True where a look-up is of owners by their own column.
    pub(crate) fn is_source(&self, object: &str, column: Option<&str>) -> bool {
        self.source.as_ref().is_some_and(|(known, by)| known == object && column == Some(by.as_str()))
    }

    /// True where the destination was asked for its users.
    pub(crate) fn is_asked(&self) -> bool {
        self.members.is_some()
    }

    /// True where an address is a user's, or may be because the destination was not asked.
    pub(crate) fn may_be_member(&self, address: &str) -> bool {
        self.members.as_ref().is_none_or(|members| members.contains(&fold(address)))
    }

    /// State of the owner with an address. `in_export`: the owners' object has it.
    pub(crate) fn state(&self, address: &str, in_export: bool) -> OwnerState {
        let is_member = |address: &str| self.members.as_ref().map(|members| members.contains(address));
        let address = fold(address);
        match self.overrides.get(&address) {
            Some(other) if is_member(other).unwrap_or(true) => OwnerState::Overridden,
            Some(_) => OwnerState::BadOverride,
            None if is_member(&address).unwrap_or(in_export) => OwnerState::Known,
            None => OwnerState::NoMember,
        }
    }
}

/// An address as it is compared.
pub(crate) fn fold(address: &str) -> String {
    address.trim().to_lowercase()
}

impl<'a> ExportLookup<'a> {
    pub(crate) fn new(
        needs: &Needs,
        inventory: &'a Inventory,
        owners: OwnersKnown,
        existing: Option<BTreeMap<ExistingName, String>>,
    ) -> Self {
        Self {
            inventory,
            specs: needs
                .lookups
                .iter()
                .map(|(spec, columns)| (spec.clone(), columns.iter().cloned().collect()))
                .collect(),
            small: Vec::new(),
            spelt: RefCell::default(),
            owners,
            existing,
        }
    }

    /// The look-ups with their numbers and the columns that are read through them.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (usize, &LookupSpec, &[String])> {
        self.specs.iter().enumerate().map(|(at, (spec, columns))| (at, spec, columns.as_slice()))
    }

    /// True where a look-up is by the key as it is written, and reads no column of what it finds: it tells whether the key is there.
    pub(crate) fn is_by_key(&self, number: usize) -> bool {
        let is_plain = |spec: &LookupSpec| spec.column.is_none() && !spec.ignore_case && !spec.ignore_space;
        self.specs.get(number).is_some_and(|(spec, columns)| columns.is_empty() && is_plain(spec))
    }

    /// Takes small look-ups into memory, once every object has been read.
    pub(crate) fn load(&mut self) -> Result<(), SpillError> {
        for at in 0..self.specs.len() {
            if self.is_by_key(at) {
                self.small.push(None);
                continue;
            }
            let rows = self.inventory.all_referred(at, IN_MEMORY)?;
            self.small.push(rows.map(|rows| {
                rows.into_iter().map(|(key, record, cells)| (key, Referred::read(record, cells.as_deref()))).collect()
            }));
        }
        Ok(())
    }

    /// The record that a key refers to.
    pub(crate) fn referred(&self, number: usize, spec: &LookupSpec, key: &str) -> Result<Option<Referred>, SpillError> {
        let key = spec.compared(key);
        if self.is_by_key(number) {
            return Ok(self
                .inventory
                .is_there(number, &key)?
                .then(|| Referred { key: key.into_owned(), cells: Vec::new() }));
        }
        match self.small.get(number).and_then(Option::as_ref) {
            Some(rows) => Ok(rows.get(&*key).cloned()),
            None => Ok(self
                .inventory
                .referred(number, &key)?
                .map(|(record, cells)| Referred::read(record, cells.as_deref()))),
        }
    }

    /// The record that a key refers to, whatever the look-up's number.
    pub(crate) fn find(&self, spec: &LookupSpec, key: &str) -> Result<Option<Referred>, SpillError> {
        match self.specs.iter().position(|(known, _)| known == spec) {
            Some(number) => self.referred(number, spec, key),
            None => Ok(None),
        }
    }

    /// A key of a look-up by a column that is another one in case, blanks or the form of a letter alone.
    pub(crate) fn spelt_otherwise(&self, spec: &LookupSpec, key: &str) -> Result<Option<String>, SpillError> {
        let number = self.specs.iter().position(|(known, _)| known == spec);
        let Some(number) = number.filter(|number| !self.is_by_key(*number)) else { return Ok(None) };
        let mut spelt = self.spelt.borrow_mut();
        let by_spelling = match spelt.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unread) => {
                let rows = self.inventory.all_referred(number, SPELLINGS)?.unwrap_or_default();
                let mut keys: Vec<String> = rows.into_iter().map(|(key, ..)| key).collect();
                // Of several spellings the same one is told each time.
                keys.sort_unstable_by(|one, other| other.cmp(one));
                unread.insert(keys.into_iter().map(|key| (folded(&key), key)).collect())
            }
        };
        Ok(by_spelling.get(&folded(&spec.compared(key))).filter(|known| **known != key).cloned())
    }

    fn number(&self, target: &ReferenceTarget) -> Option<(usize, &(LookupSpec, Vec<String>))> {
        self.specs.iter().enumerate().find(|(_, (spec, _))| {
            spec.object == target.object
                && spec.column == target.column
                && (spec.ignore_case, spec.ignore_space) == (target.ignore_case, target.ignore_space)
        })
    }

    fn target(&self, target: &ReferenceTarget, key: &str) -> Result<Option<Referred>, SpillError> {
        match self.number(target) {
            Some((number, (spec, _))) => self.referred(number, spec, key),
            None => Ok(None),
        }
    }
}

impl Referred {
    fn read(key: String, cells: Option<&str>) -> Self {
        let cells = cells.and_then(|cells| serde_json::from_str(cells).ok()).unwrap_or_default();
        Self { key, cells }
    }
}

impl Lookup for ExportLookup<'_> {
    fn cell<'l>(
        &'l self,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<Cow<'l, str>>, LookupError> {
        let Some((number, (spec, columns))) = self.number(target) else { return Ok(None) };
        let found = self.referred(number, spec, key).map_err(LookupError::new)?;
        let at = columns.iter().position(|known| known == column);
        Ok(found.map(|found| Cow::Owned(at.and_then(|at| found.cells.into_iter().nth(at)).unwrap_or_default())))
    }

    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError> {
        // What becomes of the records of a map is the forecast's to say; what reads the cells of one record alone asks for none.
        let _ = (target, key);
        Ok(Resolved::Missing { why: Cow::Borrowed("it is not looked up here") })
    }

    fn owner<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<OwnerFound<'l>, LookupError> {
        let row = self.target(target, key).map_err(LookupError::new)?;
        let mut address = key.to_owned();
        if !self.owners.is_source(&target.object, target.column.as_deref())
            && let Some((_, column)) = &self.owners.source
            && let Some(cell) = self.cell(target, key, column)?
            && !cell.trim().is_empty()
        {
            address = cell.into_owned();
        }
        let state = self.owners.state(&address, row.is_some());
        let found = matches!(state, OwnerState::Known | OwnerState::Overridden);
        let id = (found || self.owners.has_fallback).then(|| Cow::Owned(fold(&address)));
        Ok(OwnerFound { object: Cow::Borrowed(&self.owners.object), id, orphan: !found })
    }

    fn existing<'l>(&'l self, object: &str, fields: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        let Some(existing) = &self.existing else { return Ok(Some(Cow::Borrowed("existing"))) };
        let name = (object.to_owned(), fields.to_vec());
        Ok(existing.get(&name).map(|id| Cow::Borrowed(id.as_str())))
    }
}
