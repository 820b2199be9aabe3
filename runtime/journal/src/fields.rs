//! Digests of the fields that were written: the number of a field in its step, and three bytes of a hash of its value.

use std::collections::BTreeMap;

/// Bits of a value's digest.
const BITS: u32 = 24;

/// What was written to a record, by field: enough to tell later whether a value is the one that was written, and nothing to read it from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldDigests(BTreeMap<u32, u32>);

impl FieldDigests {
    /// Notes the value of a field, as it was sent.
    pub fn add(&mut self, record: &str, field: u32, value: &[u8]) {
        self.0.insert(field, digest(record, value));
    }

    /// Whether a value is the one that was written to a field; none where the field was not written.
    pub fn is(&self, record: &str, field: u32, value: &[u8]) -> Option<bool> {
        self.0.get(&field).map(|known| *known == digest(record, value))
    }

    /// The fields that were written.
    pub fn fields(&self) -> impl Iterator<Item = u32> {
        self.0.keys().copied()
    }

    /// Takes in what was written later.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// The bytes that stand for it: four a field, while a step has fewer than 128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 4);
        for (field, digest) in &self.0 {
            let mut number = *field;
            while number >= 0x80 {
                bytes.push(number.to_le_bytes()[0] | 0x80);
                number >>= 7;
            }
            bytes.push(number.to_le_bytes()[0]);
            bytes.extend(digest.to_le_bytes().iter().take(3));
        }
        bytes
    }

    /// Out of these bytes; what is cut off is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        let mut rest = bytes.iter().copied();
        'fields: loop {
            let (mut field, mut shift) = (0_u32, 0_u32);
            loop {
                let Some(byte) = rest.next().filter(|_| shift < 28) else { break 'fields };
                field |= u32::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
                shift += 7;
            }
            let (Some(low), Some(middle), Some(high)) = (rest.next(), rest.next(), rest.next()) else { break };
            fields.insert(field, u32::from_le_bytes([low, middle, high, 0]));
        }
        Self(fields)
    }
}

/// FNV-1a over the record's id and the value, folded: the same value of two records has two digests.
fn digest(record: &str, value: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in record.bytes().chain([0]).chain(value.iter().copied()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let folded = hash ^ (hash >> 40) ^ (hash >> BITS);
    u32::try_from(folded & ((1 << BITS) - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_takes_four_bytes_and_tells_its_value_from_others() {
        let mut written = FieldDigests::default();
        written.add("r1", 0, br#""Ada""#);
        written.add("r1", 7, b"null");
        assert_eq!(written.to_bytes().len(), 8);
        assert_eq!(written.is("r1", 0, br#""Ada""#), Some(true));
        assert_eq!(written.is("r1", 0, br#""Bob""#), Some(false));
        assert_eq!(written.is("r1", 1, b"null"), None);
        assert_eq!(written.is("r2", 7, b"null"), Some(false), "records do not share digests");
    }

    #[test]
    fn few_of_many_values_have_the_digest_of_another() {
        let digests: std::collections::BTreeSet<u32> =
            (0..20_000_u32).map(|number| digest("r", number.to_string().as_bytes())).collect();
        assert!(digests.len() > 19_950, "{}", digests.len());
    }

    proptest! {
        #[test]
        fn it_comes_back_as_it_was(fields in prop::collection::btree_map(0_u32..1 << 20, 0_u32..1 << 24, 0..40)) {
            let digests = FieldDigests(fields);
            prop_assert_eq!(FieldDigests::from_bytes(&digests.to_bytes()), digests);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = FieldDigests::from_bytes(&bytes);
        }
    }
}
