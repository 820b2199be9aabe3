//! Outcomes that memory holds, so that a reference to a record that was decided about needs no look into the database.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};

use uuid::Uuid;

use crate::KeyOutcome;

/// Outcomes held at most, forty bytes each; those that come later are in the database alone.
const HELD: usize = 229_376;

/// Outcomes of keys whose record has a UUID and is not merged into another, by sixteen bytes of step and key: two keys with the same ones are not met.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    place: RandomState,
    proof: RandomState,
    held: HashMap<u64, Held, BuildHasherDefault<AsItIs>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    proof: u64,
    id: Uuid,
    line: u32,
    state: i8,
}

/// Hasher of numbers that are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Held {
    /// An outcome in its short form; none where it has more to say.
    fn of(outcome: &KeyOutcome, proof: u64) -> Option<Self> {
        let text = outcome.id.as_deref().filter(|_| outcome.survivor.is_none())?;
        let id = Uuid::try_parse(text).ok()?;
        let is_plain = id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        let (line, state) = (u32::try_from(outcome.line).ok()?, i8::try_from(outcome.state).ok()?);
        is_plain.then_some(Self { proof, id, line, state })
    }
}

impl Remembered {
    /// Takes the outcome of a key in place of the one before.
    pub(crate) fn set(&mut self, step: i64, key: &str, outcome: &KeyOutcome) {
        let (place, proof) = self.hashes(step, key);
        let is_known = self.held.contains_key(&place);
        match Held::of(outcome, proof) {
            Some(held) if is_known || self.held.len() < HELD => {
                self.held.insert(place, held);
            }
            _ if is_known => {
                self.held.remove(&place);
            }
            _ => {}
        }
    }

    /// Outcome of a key; none where the database has to be asked.
    pub(crate) fn get(&self, step: i64, key: &str) -> Option<KeyOutcome> {
        let (place, proof) = self.hashes(step, key);
        let held = self.held.get(&place).filter(|held| held.proof == proof)?;
        Some(KeyOutcome {
            state: held.state.into(),
            id: Some(held.id.to_string()),
            line: held.line.into(),
            survivor: None,
        })
    }

    fn hashes(&self, step: i64, key: &str) -> (u64, u64) {
        (self.place.hash_one((step, key)), self.proof.hash_one((step, key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6ba7b810-9dad-51d1-80b4-00c04fd430c8";

    fn outcome(id: Option<&str>, survivor: Option<&str>) -> KeyOutcome {
        KeyOutcome { state: 1, id: id.map(str::to_owned), line: 7, survivor: survivor.map(str::to_owned) }
    }

    #[test]
    fn an_outcome_comes_back_as_it_was_and_the_last_one_counts() {
        let mut remembered = Remembered::default();
        let made = outcome(Some(ID), None);
        remembered.set(1, "C1", &made);
        assert_eq!(remembered.get(1, "C1").as_ref(), Some(&made));
        assert_eq!(remembered.get(2, "C1"), None, "another step");
        assert_eq!(remembered.get(1, "C2"), None);
        remembered.set(1, "C1", &outcome(Some(ID), Some("C0")));
        assert_eq!(remembered.get(1, "C1"), None, "the database knows whom it is merged into");
    }

    #[test]
    fn what_has_no_short_form_is_left_to_the_database() {
        let mut remembered = Remembered::default();
        let far = KeyOutcome { line: u64::MAX, ..outcome(Some(ID), None) };
        for long in [outcome(None, None), outcome(Some("abc"), None), outcome(Some(&ID.to_uppercase()), None), far] {
            remembered.set(1, "C1", &long);
            assert_eq!(remembered.get(1, "C1"), None);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut remembered = Remembered::default();
        let made = outcome(Some(ID), None);
        for number in 0..=HELD {
            remembered.set(1, &format!("C{number}"), &made);
        }
        assert_eq!(remembered.held.len(), HELD);
        assert_eq!(remembered.get(1, "C0").as_ref(), Some(&made));
        assert_eq!(remembered.get(1, &format!("C{HELD}")), None);
    }
}
