//! Cells of records that others refer to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use migr_extract::{Export, OwnedRecord, Row};
use migr_plan::{Plan, ReferenceTarget, SourceObject};

use crate::DecideError;
use crate::cells::compared;
use migr_spill::Spill;

/// Files up to this size are kept in memory while they are looked up in.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// Records that others refer to, findable by the column that they are referred by.
#[derive(Debug, Default)]
pub struct Referred {
    lookups: RefCell<Vec<Arc<Lookup>>>,
}

/// Way in which a target is found.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    object: String,
    column: Option<String>,
    ignore_case: bool,
    ignore_space: bool,
}

#[derive(Debug)]
struct Lookup {
    name: Name,
    object: SourceObject,
    rows: Rows,
    again: Again,
}

/// Further records of keys that several have: line and source key.
#[derive(Debug)]
enum Again {
    Memory(HashMap<String, Vec<(u64, String)>>),
    Stored(usize),
}

#[derive(Debug)]
enum Rows {
    Memory(HashMap<String, OwnedRecord>),
    Stored(usize),
}

/// Sources that reading needs.
#[derive(Debug)]
pub struct Sources<'s> {
    /// The plan.
    pub plan: &'s Plan,
    /// The export.
    pub export: &'s Export,
    /// Classification-ups on disk.
    pub spill: &'s Spill,
    /// A file that cannot be read counts as empty.
    pub is_lenient: bool,
}

impl Referred {
    /// A cell of the record that a key refers to.
    pub fn cell(
        &self,
        sources: &Sources<'_>,
        target: &ReferenceTarget,
        key: &str,
        column: &str,
    ) -> Result<Option<String>, DecideError> {
        self.with(sources, target, key, |object, record| {
            let position = object.columns.iter().position(|known| known.name == column);
            position.map(|position| record.cell(position).to_owned()).unwrap_or_default()
        })
    }

    /// The source key of the record that a key refers to by another column.
    pub fn key(
        &self,
        sources: &Sources<'_>,
        target: &ReferenceTarget,
        key: &str,
    ) -> Result<Option<String>, DecideError> {
        self.with(sources, target, key, source_key)
    }

    /// Lines and source keys of all records that a key refers to, the first one first.
    pub fn all(
        &self,
        sources: &Sources<'_>,
        target: &ReferenceTarget,
        key: &str,
    ) -> Result<Vec<(u64, String)>, DecideError> {
        let Some(lookup) = self.lookup(sources, target)? else { return Ok(Vec::new()) };
        let normal = compared(key, target.ignore_case, target.ignore_space);
        let again = match &lookup.again {
            Again::Memory(again) => again.get(&*normal).cloned().unwrap_or_default(),
            Again::Stored(number) => sources.spill.referred_again(*number, &normal)?,
        };
        if again.is_empty() {
            return Ok(again);
        }
        let first = self.with(sources, target, key, |object, record| (record.line, source_key(object, record)))?;
        Ok(first.into_iter().chain(again).collect())
    }

    fn with<T>(
        &self,
        sources: &Sources<'_>,
        target: &ReferenceTarget,
        key: &str,
        read: impl FnOnce(&SourceObject, &OwnedRecord) -> T,
    ) -> Result<Option<T>, DecideError> {
        let Some(lookup) = self.lookup(sources, target)? else { return Ok(None) };
        let key = compared(key, target.ignore_case, target.ignore_space);
        match &lookup.rows {
            Rows::Memory(rows) => Ok(rows.get(&*key).map(|record| read(&lookup.object, record))),
            Rows::Stored(number) => {
                let found = sources.spill.referred(*number, &key)?;
                let record = found.and_then(|bytes| OwnedRecord::from_bytes(&bytes));
                Ok(record.map(|record| read(&lookup.object, &record)))
            }
        }
    }

    fn lookup(&self, sources: &Sources<'_>, target: &ReferenceTarget) -> Result<Option<Arc<Lookup>>, DecideError> {
        let is_it = |name: &Name| {
            name.object == target.object
                && name.column == target.column
                && (name.ignore_case, name.ignore_space) == (target.ignore_case, target.ignore_space)
        };
        if let Some(lookup) = self.lookups.borrow().iter().find(|lookup| is_it(&lookup.name)) {
            return Ok(Some(Arc::clone(lookup)));
        }
        let Some(object) = sources.plan.source_object(&target.object) else { return Ok(None) };
        let number = self.lookups.borrow().len();
        let (rows, again) = load(sources, object, target, number)?;
        let lookup = Arc::new(Lookup {
            name: Name {
                object: target.object.clone(),
                column: target.column.clone(),
                ignore_case: target.ignore_case,
                ignore_space: target.ignore_space,
            },
            object: object.clone(),
            rows,
            again,
        });
        self.lookups.borrow_mut().push(Arc::clone(&lookup));
        Ok(Some(lookup))
    }
}

/// Reads a whole object once. The first record of a key is kept, and of the others where they stand.
fn load(
    sources: &Sources<'_>,
    object: &SourceObject,
    target: &ReferenceTarget,
    number: usize,
) -> Result<(Rows, Again), DecideError> {
    let mut memory: HashMap<String, OwnedRecord> = HashMap::new();
    let mut again: HashMap<String, Vec<(u64, String)>> = HashMap::new();
    let Some(file) = sources.export.file(&object.name) else {
        return Ok((Rows::Memory(memory), Again::Memory(again)));
    };
    let is_small = file.bytes() <= IN_MEMORY;
    let column = target.column.as_ref().and_then(|name| object.columns.iter().position(|known| known.name == *name));
    let mut records = match sources.export.records(&object.name) {
        Ok(records) => records,
        Err(_) if sources.is_lenient => return Ok((Rows::Memory(memory), Again::Memory(again))),
        Err(error) => return Err(error.into()),
    };
    sources.spill.together::<_, DecideError>(|| {
        while let Some(row) = records.next()? {
            let Row::Record(record) = row else { continue };
            let record = record.to_owned();
            let key = column.map_or_else(|| source_key(object, &record), |column| record.cell(column).to_owned());
            let key = compared(&key, target.ignore_case, target.ignore_space);
            if key.is_empty() {
                continue;
            }
            let (line, source) = (record.line, source_key(object, &record));
            if !is_small {
                if !sources.spill.add_referred(number, &key, &record.to_bytes())? {
                    sources.spill.add_referred_again(number, &key, (line, &source))?;
                }
                continue;
            }
            match memory.entry(key.into_owned()) {
                Entry::Occupied(first) => again.entry(first.key().clone()).or_default().push((line, source)),
                Entry::Vacant(free) => {
                    free.insert(record);
                }
            }
        }
        Ok(())
    })?;
    Ok(if is_small {
        (Rows::Memory(memory), Again::Memory(again))
    } else {
        (Rows::Stored(number), Again::Stored(number))
    })
}

fn source_key(object: &SourceObject, record: &OwnedRecord) -> String {
    let parts: Vec<&str> = object
        .key
        .iter()
        .map(|name| {
            let position = object.columns.iter().position(|column| column.name == *name);
            position.map(|position| record.cell(position).trim()).unwrap_or_default()
        })
        .collect();
    if parts.iter().any(|part| part.is_empty()) { String::new() } else { parts.join("\u{1f}") }
}
