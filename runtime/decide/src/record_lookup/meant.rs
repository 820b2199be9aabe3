//! Records that a reference means, by stage and key: those that must be written for it to be resolved.

use std::borrow::Cow;
use std::cell::RefCell;

use migr_plan::ReferenceTarget;
use migr_transform::{Lookup, LookupError, OwnerFound, Resolved};

use super::{Reach, RecordLookup};
use crate::DecideError;

impl RecordLookup {
    /// Stages and keys of the records that a key may mean, as far as they have an outcome.
    pub fn meant(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<(String, String)>, DecideError> {
        let by_other = target.column.is_some() || target.ignore_case || target.ignore_space;
        let keys = if by_other {
            let all = self.referred.all(&self.sources(), target, key)?;
            let mut keys: Vec<String> = all.into_iter().map(|(_, key)| key).collect();
            keys.extend(self.referred.key(&self.sources(), target, key)?);
            keys
        } else {
            vec![key.to_owned()]
        };
        let mut meant = Vec::new();
        for key in keys.iter().filter(|key| !key.is_empty()) {
            for name in &target.stages {
                let Some(known) = self.stages.get(name) else { continue };
                let Reach::Through(step) = known.reach else { continue };
                let key = known.same.get(key).map_or(key.as_str(), String::as_str);
                let found = (name.clone(), key.to_owned());
                if self.reader.settled(step, key)?.is_some() && !meant.contains(&found) {
                    meant.push(found);
                }
            }
        }
        Ok(meant)
    }
}

/// Lookup that notes which records and owners it was asked for.
#[derive(Debug)]
pub struct NotingLookup<'w> {
    world: &'w RecordLookup,
    meant: RefCell<Vec<(String, String)>>,
    owners: RefCell<Vec<String>>,
}

impl<'w> NotingLookup<'w> {
    /// A lookup that was asked for nothing yet.
    pub fn new(world: &'w RecordLookup) -> Self {
        Self { world, meant: RefCell::default(), owners: RefCell::default() }
    }

    /// Records that were asked for since the last call, by stage and key.
    pub fn take_meant(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.meant.borrow_mut())
    }

    /// Owners that were asked for since the last call, folded.
    pub fn take_owners(&self) -> Vec<String> {
        std::mem::take(&mut *self.owners.borrow_mut())
    }
}

impl Lookup for NotingLookup<'_> {
    fn cell<'l>(
        &'l self,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<Cow<'l, str>>, LookupError> {
        self.world.cell(target, key, column)
    }

    fn candidates(&self, target: &ReferenceTarget, key: &str) -> Result<Vec<String>, LookupError> {
        self.world.candidates(target, key)
    }

    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError> {
        let meant = self.world.meant(target, key).map_err(LookupError::new)?;
        self.meant.borrow_mut().extend(meant);
        self.world.destination(target, key)
    }

    fn owner<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<OwnerFound<'l>, LookupError> {
        self.owners.borrow_mut().push(self.world.address_of(target, key).map_err(LookupError::new)?);
        self.world.owner(target, key)
    }

    fn existing<'l>(&'l self, object: &str, fields: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        self.world.existing(object, fields)
    }
}
