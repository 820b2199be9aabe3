//! The compact form of an intent: numbers of variable length, ids in 16 bytes, digests in 8. Keys stand in it as they are, but for a UUID at their end, so
//! that it can be searched for them.

use crate::change::{BatchId, Intent, Operation, Planned};
use crate::ids;
use crate::{JournalError, StepId};

/// The first byte: another one is another form.
const FORM: u8 = 1;

const OPERATIONS: [Operation; 6] =
    [Operation::Create, Operation::Update, Operation::Restore, Operation::Destroy, Operation::Revert, Operation::Trash];

/// Parts that a record has, by bits.
const PACKED_ID: u8 = 1;
const PACKED_DIGEST: u8 = 2;
const PACKED_BEFORE: u8 = 4;
const PARENT: u8 = 8;
const PACKED_KEY: u8 = 16;

/// An intent as bytes.
pub(crate) fn encode(intent: &Intent) -> Vec<u8> {
    let mut bytes = Bytes(Vec::with_capacity(16 + intent.records.len() * 64));
    let operation = OPERATIONS.iter().position(|known| *known == intent.operation).unwrap_or_default();
    bytes.0.push(FORM);
    bytes.number(u64::try_from(intent.batch.0).unwrap_or_default());
    bytes.number(operation as u64);
    bytes.number(intent.records.len() as u64);
    let mut line = 0_u64;
    for record in &intent.records {
        let (id, digest, before) = (ids::pack(&record.id), hex(&record.digest), hex(&record.before));
        let key = ids::split(&record.key);
        let flags = [
            (PACKED_ID, id.is_some()),
            (PACKED_DIGEST, digest.is_some()),
            (PACKED_BEFORE, before.is_some()),
            (PARENT, record.parent.is_some()),
            (PACKED_KEY, key.is_some()),
        ];
        bytes.0.push(flags.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag).sum());
        match key {
            Some((start, id)) => {
                bytes.text(start);
                bytes.0.extend(id);
            }
            None => bytes.text(&record.key),
        }
        match id {
            Some(id) => bytes.0.extend(id),
            None => bytes.text(&record.id),
        }
        bytes.number(zigzag(record.line.wrapping_sub(line).cast_signed()));
        line = record.line;
        for (packed, text) in [(digest, &record.digest), (before, &record.before)] {
            match packed {
                Some(packed) => bytes.0.extend(packed),
                None => bytes.text(text),
            }
        }
        if let Some(parent) = &record.parent {
            bytes.text(parent);
        }
        bytes.number(record.fields.len() as u64);
        bytes.0.extend(&record.fields);
    }
    bytes.0
}

/// The intent of an entry.
pub(crate) fn decode(seq: i64, step: StepId, bytes: &[u8]) -> Result<Intent, JournalError> {
    let intent = Reading(bytes).intent(step);
    intent.ok_or_else(|| JournalError::Entry { seq, reason: "it is no intent of this form".to_owned() })
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
    }
}

struct Reading<'b>(&'b [u8]);

impl<'b> Reading<'b> {
    fn intent(&mut self, step: StepId) -> Option<Intent> {
        if self.byte()? != FORM {
            return None;
        }
        let batch = BatchId(i64::try_from(self.number()?).ok()?);
        let operation = *OPERATIONS.get(usize::try_from(self.number()?).ok()?)?;
        let count = usize::try_from(self.number()?).ok()?;
        // A record takes eight bytes at least: a count that lies allots nothing.
        let mut records = Vec::with_capacity(count.min(self.0.len() / 8));
        let mut line = 0_u64;
        for _ in 0..count {
            let flags = self.byte()?;
            let mut key = self.text()?;
            if flags & PACKED_KEY != 0 {
                key.push_str(&ids::unpack(self.take(16)?));
            }
            let id = if flags & PACKED_ID == 0 { self.text()? } else { ids::unpack(self.take(16)?) };
            line = line.wrapping_add_signed(unzigzag(self.number()?));
            let digest = if flags & PACKED_DIGEST == 0 { self.text()? } else { crate::chain::hex(self.take(8)?) };
            let before = if flags & PACKED_BEFORE == 0 { self.text()? } else { crate::chain::hex(self.take(8)?) };
            let parent = if flags & PARENT == 0 { None } else { Some(self.text()?) };
            let length = usize::try_from(self.number()?).ok()?;
            let fields = self.take(length)?.to_vec();
            records.push(Planned { key, id, line, digest, before, parent, fields });
        }
        self.0.is_empty().then_some(Intent { batch, step, operation, records })
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}

/// Small numbers of either sign as small numbers without one.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The 8 bytes of 16 hexadecimal digits in lower case; any other text would not come back as it was.
fn hex(text: &str) -> Option<[u8; 8]> {
    let is_plain = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_plain.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Planned> {
        let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let ids = prop_oneof![Just(id.to_owned()), ".{0,12}"];
        let digest = prop_oneof![Just(String::new()), "[0-9a-f]{16}", "[0-9A-Fa-f]{0,18}"];
        let fields = prop::collection::vec(any::<u8>(), 0..40);
        let key =
            prop_oneof![".*", Just("C7\u{1e}6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned()), Just(id.to_owned())];
        (key, ids, any::<u64>(), digest.clone(), digest, prop::option::of(".{0,8}"), fields).prop_map(
            |(key, id, line, digest, before, parent, fields)| Planned { key, id, line, digest, before, parent, fields },
        )
    }

    proptest! {
        #[test]
        fn an_intent_comes_back_as_it_was(
            records in prop::collection::vec(record(), 0..20),
            batch in 0_i64..,
            operation in 0_usize..OPERATIONS.len(),
        ) {
            let intent = Intent { batch: BatchId(batch), step: StepId(3), operation: OPERATIONS[operation], records };
            prop_assert_eq!(decode(1, StepId(3), &encode(&intent)).unwrap(), intent);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(1, StepId(1), &bytes);
        }
    }

    #[test]
    fn a_record_takes_little_more_than_its_key_its_id_and_its_digest() {
        let record = |number: u64| Planned {
            key: format!("C{number:07}"),
            id: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
            line: number,
            digest: "0123456789abcdef".to_owned(),
            ..Planned::default()
        };
        let intent = |count: u64| Intent {
            batch: BatchId(1),
            step: StepId(1),
            operation: Operation::Create,
            records: (0..count).map(record).collect(),
        };
        let each = (encode(&intent(101)).len() - encode(&intent(1)).len()) / 100;
        assert_eq!(each, 1 + 9 + 16 + 1 + 8 + 1 + 1);
        let link = Planned { key: format!("C0000001\u{1e}{}", record(1).id), ..record(1) };
        let link = Intent { records: vec![link], ..intent(0) };
        assert_eq!(encode(&link).len() - encode(&intent(1)).len(), 1 + 16);
    }
}
