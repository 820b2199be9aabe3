//! Journal's digests beside values: whether a value is the one that was written, in the form that the digest is of.

use migr_journal::Written;
use migr_load::{Destination, Map};
use serde_json::Value;

/// True where a value, sent or found, is the one that was written last by a key; none where nothing was.
pub fn is_written(
    destination: &dyn Destination,
    object: &str,
    written: &Written,
    (key, value): (&str, &Value),
) -> Option<bool> {
    if written.is_as_kept(key) {
        return written.is(key, &bytes(&destination.as_kept(object, key, value)));
    }
    written.is(key, &bytes(value))
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Values that a record of an object holds in the destination, beside what was written to it.
#[derive(Debug)]
pub struct HeldBeside<'h> {
    destination: &'h dyn Destination,
    object: &'h str,
    written: &'h Written,
    there: &'h Map,
    /// True where somebody changed the record since, by its times.
    is_touched: bool,
}

impl<'h> HeldBeside<'h> {
    /// Of a record that was found; `is_touched` says whether somebody changed it since it was written, by its times.
    pub fn new(
        destination: &'h dyn Destination,
        object: &'h str,
        written: &'h Written,
        (there, is_touched): (&'h Map, bool),
    ) -> Self {
        Self { destination, object, written, there, is_touched }
    }

    /// True where somebody changed what was written by a key. The value alone decides, since times do not tell of what was changed while a run was under way; the
    /// times do so where the destination spells a value in a way that nobody knows, or did so for an older journal.
    pub fn is_other(&self, key: &str) -> bool {
        let (destination, object) = (self.destination, self.object);
        let is_as_kept = self.written.is_as_kept(key);
        if !self.is_touched && !is_as_kept && !destination.keeps_as_sent(object, key) {
            return false;
        }
        !self.is_as_written(key) && !self.is_given(key)
    }

    /// True where nothing was written by a key, and what it holds may be what the destination gives a new record by itself.
    fn is_given(&self, key: &str) -> bool {
        let (destination, object) = (self.destination, self.object);
        let is_nothing = is_written(destination, object, self.written, (key, &Value::Null)) == Some(true);
        let Some(value) = self.there.get(key).filter(|_| is_nothing) else { return false };
        let held = Map::from_iter([(key.to_owned(), value.clone())]);
        !destination.filled(object, &held).iter().any(|own| own == key)
    }

    /// True where the value that is held by a key is for certain the one that was written.
    pub fn is_as_written(&self, key: &str) -> bool {
        let (destination, object) = (self.destination, self.object);
        let is_written = |value: &Value| is_written(destination, object, self.written, (key, value)) == Some(true);
        let value = self.there.get(key).unwrap_or(&Value::Null);
        if is_written(value) || self.written.is_as_kept(key) {
            return is_written(value);
        }
        // The form in which the destination keeps a value is that of what was sent too.
        destination.as_sent(object, &Map::from_iter([(key.to_owned(), value.clone())])).get(key).is_some_and(is_written)
    }
}
