//! Values that were written to a record by all of its steps, by the names of its fields: the last digest of each counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::{FieldDigests, Intent, JournalError, Reader, RecordSalt, StepId};

/// Intents that are kept read: records of one batch are asked for one after the other.
const KEPT: usize = 24;

/// Digests of what was written to one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(BTreeMap<String, (RecordSalt, u32)>);

impl Written {
    /// True where a value is the one that was written last to a field; none where the field was never written.
    pub fn is(&self, field: &str, value: &[u8]) -> Option<bool> {
        self.0.get(field).map(|(salt, digest)| salt.is(*digest, value))
    }

    /// The fields that were written.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// True where nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reader of what was written to records.
#[derive(Debug)]
pub struct WrittenReader {
    reader: Reader,
    names: RefCell<BTreeMap<StepId, Vec<String>>>,
    intents: RefCell<VecDeque<(i64, Rc<Intent>)>>,
}

impl WrittenReader {
    /// By a reader of its own.
    pub fn new(reader: Reader) -> Self {
        Self { reader, names: RefCell::default(), intents: RefCell::default() }
    }

    /// Values that were written to the record of a key by some steps.
    pub fn of(&self, steps: &[StepId], key: &str) -> Result<Written, JournalError> {
        let mut entries = Vec::new();
        for step in steps {
            entries.extend(self.reader.writes(*step, key)?.into_iter().map(|entry| (entry, *step)));
        }
        entries.sort_unstable_by_key(|(entry, _)| *entry);
        let mut written = Written::default();
        for (entry, step) in entries {
            let Some(intent) = self.intent(entry, step)? else { continue };
            for record in intent.records.iter().filter(|record| record.key == key) {
                let salt = RecordSalt::of(&record.id);
                for (number, digest) in FieldDigests::from_bytes(&record.fields).digests() {
                    if let Some(name) = self.name(step, number)? {
                        written.0.insert(name, (salt, digest));
                    }
                }
            }
        }
        Ok(written)
    }

    /// Values that were sent last for a key of a step, whatever became of the request. Goes through the step's intents: for a question of a person.
    pub fn sent(&self, step: StepId, key: &str) -> Result<Written, JournalError> {
        let mut written = Written::default();
        for entry in self.reader.intents_of(step)? {
            let Some(intent) = self.reader.intent(entry, step)? else { continue };
            let Some(record) = intent.records.iter().find(|record| record.key == key) else { continue };
            let salt = RecordSalt::of(&record.id);
            for (number, digest) in FieldDigests::from_bytes(&record.fields).digests() {
                if let Some(name) = self.name(step, number)? {
                    written.0.insert(name, (salt, digest));
                }
            }
            break;
        }
        Ok(written)
    }

    fn name(&self, step: StepId, number: u32) -> Result<Option<String>, JournalError> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let known = self.names.borrow().get(&step).and_then(|names| names.get(place).cloned());
        if known.is_some() {
            return Ok(known);
        }
        let names = self.reader.fields(step)?;
        let name = names.get(place).cloned();
        self.names.borrow_mut().insert(step, names);
        Ok(name)
    }

    fn intent(&self, entry: i64, step: StepId) -> Result<Option<Rc<Intent>>, JournalError> {
        let mut intents = self.intents.borrow_mut();
        if let Some((_, intent)) = intents.iter().find(|(known, _)| *known == entry) {
            return Ok(Some(Rc::clone(intent)));
        }
        let Some(intent) = self.reader.intent(entry, step)?.map(Rc::new) else { return Ok(None) };
        if intents.len() >= KEPT {
            intents.pop_front();
        }
        intents.push_back((entry, Rc::clone(&intent)));
        Ok(Some(intent))
    }
}
