//! Numbers of the fields that a step writes, and what of a record's body is noted under them.

use std::borrow::Cow;
use std::collections::HashMap;

use migr_journal::{AS_KEPT, FieldDigests, Planned, RecordSalt, StepId};
use migr_load::{Body, Destination};

use crate::record_write::RecordWrite;
use crate::{DecideError, SharedJournal};

/// Numbers of the fields of a step, in the order in which they were first written.
#[derive(Debug, Default)]
pub struct FieldNumbers {
    /// By the name that the journal notes.
    noted: HashMap<String, u32>,
    /// With their keys in a body.
    known: Vec<(String, Numbered)>,
}

/// Number of a field, and the form that its digests are of.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    number: u32,
    /// True where the digest is of the form in which the destination keeps the value.
    is_as_kept: bool,
}

impl FieldNumbers {
    /// As the journal has them.
    pub fn of(journal: &SharedJournal, step: StepId) -> Result<Self, DecideError> {
        let noted = (0..).zip(journal.reader()?.fields(step)?).map(|(number, name)| (name, number)).collect();
        Ok(Self { noted, known: Vec::new() })
    }

    /// The records of a batch as they stand in its intent, and the names of fields that are written for the first time.
    pub fn planned(
        &mut self,
        destination: &dyn Destination,
        object: &str,
        items: &[RecordWrite],
    ) -> (Vec<Planned>, Vec<String>) {
        let mut names = Vec::new();
        let planned = |item: &RecordWrite| {
            let fields = self.digests((destination, object), &item.id, &item.body, &mut names).to_bytes();
            Planned { fields, ..item.planned() }
        };
        (items.iter().map(planned).collect(), names)
    }

    fn digests(
        &mut self,
        (destination, object): (&dyn Destination, &str),
        id: &str,
        body: &Body,
        names: &mut Vec<String>,
    ) -> FieldDigests {
        let (record, mut digests) = (RecordSalt::of(id), FieldDigests::default());
        let mut next = 0;
        body.each_field(|name, value| {
            // Bodies of an object have their fields in one order.
            let is_next = self.known.get(next).is_some_and(|(key, _)| key == name);
            let place = if is_next { Some(next) } else { self.known.iter().position(|(key, _)| key == name) };
            next = place.unwrap_or(self.known.len()) + 1;
            let known = place.and_then(|place| self.known.get(place)).map(|(_, numbered)| *numbered);
            let Numbered { number, is_as_kept } =
                known.unwrap_or_else(|| self.number(name, destination.respells(object, name), names));
            let noted = if is_as_kept { destination.bytes_as_kept(object, name, value) } else { Cow::Borrowed(value) };
            digests.add(record, number, &noted);
        });
        digests
    }

    /// Numbers the field of a key that was not met before.
    fn number(&mut self, name: &str, is_as_kept: bool, names: &mut Vec<String>) -> Numbered {
        let noted = if is_as_kept { format!("{name}{AS_KEPT}") } else { name.to_owned() };
        let next = u32::try_from(self.noted.len()).unwrap_or(u32::MAX);
        let number = *self.noted.entry(noted).or_insert_with_key(|noted| {
            names.push(noted.clone());
            next
        });
        let numbered = Numbered { number, is_as_kept };
        self.known.push((name.to_owned(), numbered));
        numbered
    }
}
