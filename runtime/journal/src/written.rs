//! Values that were written to a record by all of its steps, by the names of its fields: the last digest of each counts.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::{FieldDigests, Intent, JournalError, Reader, RecordSalt, StepId};

/// Intents that are kept read: records of one batch are asked for one after the other.
const KEPT: usize = 24;
/// The same where records are asked for in no order: some ten megabytes.
const KEPT_IN_NO_ORDER: usize = 1024;

/// End of the name of a field whose digest is of the form in which the destination keeps the value, where it may spell what is sent in its own way.
pub const AS_KEPT: &str = " as kept";

/// Digests of what was written to one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(BTreeMap<String, WrittenField>);

/// Digest of what was written last to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WrittenField {
    salt: RecordSalt,
    digest: u32,
    is_as_kept: bool,
}

impl Written {
    /// True where a value is the one that was written last to a field; none where the field was never written. See [`Self::is_as_kept`] for the value's form.
    pub fn is(&self, field: &str, value: &[u8]) -> Option<bool> {
        self.0.get(field).map(|written| written.salt.is(written.digest, value))
    }

    /// True where the digest of a field is of the form in which the destination keeps its value, and not of the form that was sent.
    pub fn is_as_kept(&self, field: &str) -> bool {
        self.0.get(field).is_some_and(|written| written.is_as_kept)
    }

    fn insert(&mut self, name: &str, salt: RecordSalt, digest: u32) {
        let plain = name.strip_suffix(AS_KEPT);
        let written = WrittenField { salt, digest, is_as_kept: plain.is_some() };
        self.0.insert(plain.unwrap_or(name).to_owned(), written);
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
    intents: RefCell<Intents>,
}

/// Intents that are kept read.
#[derive(Debug)]
struct Intents {
    most: usize,
    known: HashMap<i64, Arc<Intent>>,
    /// In the order in which they were read.
    order: VecDeque<i64>,
}

impl WrittenReader {
    /// By a reader of its own.
    pub fn new(reader: Reader) -> Self {
        Self::keeping(reader, KEPT)
    }

    /// The same, where records are asked for in no order.
    pub fn in_no_order(reader: Reader) -> Self {
        Self::keeping(reader, KEPT_IN_NO_ORDER)
    }

    fn keeping(reader: Reader, most: usize) -> Self {
        let intents = Intents { most, known: HashMap::new(), order: VecDeque::new() };
        Self { reader, names: RefCell::default(), intents: RefCell::new(intents) }
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
                        written.insert(&name, salt, digest);
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
                    written.insert(&name, salt, digest);
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

    fn intent(&self, entry: i64, step: StepId) -> Result<Option<Arc<Intent>>, JournalError> {
        let mut intents = self.intents.borrow_mut();
        if let Some(intent) = intents.known.get(&entry) {
            return Ok(Some(Arc::clone(intent)));
        }
        let Some(intent) = self.reader.intent(entry, step)?.map(Arc::new) else { return Ok(None) };
        if intents.order.len() >= intents.most
            && let Some(oldest) = intents.order.pop_front()
        {
            intents.known.remove(&oldest);
        }
        intents.order.push_back(entry);
        intents.known.insert(entry, Arc::clone(&intent));
        Ok(Some(intent))
    }
}
