//! Digests of the fields that were written: the number of a field in its step, and three bytes of a hash of its value.

/// Bits of a value's digest.
const BITS: u32 = 24;

/// Digests of what was written to a record, by field: enough to tell later whether a value is the one that was written, and nothing to read it from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldDigests(Vec<(u32, u32)>);

/// Salt of a record: the same value of two records has two digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSalt(u64);

impl RecordSalt {
    /// The salt of the record of an id.
    pub fn of(id: &str) -> Self {
        Self(hash(START, id.as_bytes()))
    }

    /// True where a digest is that of a value of the record.
    pub(crate) fn is(self, digested: u32, value: &[u8]) -> bool {
        digest(self, value) == digested
    }
}

impl FieldDigests {
    /// Notes the value of a field, as it was sent.
    pub fn add(&mut self, record: RecordSalt, field: u32, value: &[u8]) {
        self.set(field, digest(record, value));
    }

    fn set(&mut self, field: u32, digest: u32) {
        // Fields are numbered in the order in which they are first written: nearly always the next one comes last.
        if self.0.last().is_none_or(|(last, _)| *last < field) {
            return self.0.push((field, digest));
        }
        match self.0.binary_search_by_key(&field, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, known)) = self.0.get_mut(place) {
                    *known = digest;
                }
            }
            Err(place) => self.0.insert(place, (field, digest)),
        }
    }

    /// True where a value is the one that was written to a field; none where the field was not written.
    pub fn is(&self, record: RecordSalt, field: u32, value: &[u8]) -> Option<bool> {
        let place = self.0.binary_search_by_key(&field, |(known, _)| *known).ok()?;
        self.0.get(place).map(|(_, known)| *known == digest(record, value))
    }

    /// The fields that were written, with the digests of their values.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().copied()
    }

    /// The fields that were written.
    pub fn fields(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(field, _)| *field)
    }

    /// Takes in what was written later.
    pub fn extend(&mut self, later: Self) {
        later.0.into_iter().for_each(|(field, digest)| self.set(field, digest));
    }

    /// The bytes that stand for it: three a field and two a run of fields that follow each other, or four for one that stands alone, while fewer than 64 fields
    /// are left out in between.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + self.0.len() * 3);
        let mut next = 0;
        for run in self.0.chunk_by(|(one, _), (other, _)| one.checked_add(1) == Some(*other)) {
            let Some((first, _)) = run.first() else { continue };
            let length = u32::try_from(run.len()).unwrap_or(u32::MAX);
            let is_run = length > 1;
            push(&mut bytes, u64::from(first - next) << 1 | u64::from(is_run));
            if is_run {
                push(&mut bytes, u64::from(length));
            }
            for (_, digest) in run {
                bytes.extend(digest.to_le_bytes().iter().take(3));
            }
            next = first.saturating_add(length);
        }
        bytes
    }

    /// Out of these bytes; what is cut off is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut fields = Self::default();
        let mut rest = bytes.iter().copied();
        let mut next = 0_u32;
        while let Some(start) = take(&mut rest) {
            let Some(first) = u32::try_from(start >> 1).ok().and_then(|gap| next.checked_add(gap)) else { break };
            let length = if start & 1 == 0 { Some(1) } else { take(&mut rest) };
            for place in 0..length.unwrap_or_default() {
                let field = u32::try_from(place).ok().and_then(|place| first.checked_add(place));
                let (Some(field), Some(low), Some(middle), Some(high)) = (field, rest.next(), rest.next(), rest.next())
                else {
                    return fields;
                };
                fields.set(field, u32::from_le_bytes([low, middle, high, 0]));
                next = field.saturating_add(1);
            }
        }
        fields
    }
}

/// Adds a number of variable length.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// The next number of variable length; none where it is cut off or too long.
fn take(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes.next().filter(|_| shift < 63)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Start of the hash of an id, and what each word is multiplied with: digits of pi.
const START: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x1319_8a2e_0370_7345;

fn digest(RecordSalt(salt): RecordSalt, value: &[u8]) -> u32 {
    let hash = hash(salt, value);
    let folded = hash ^ (hash >> 40) ^ (hash >> BITS);
    u32::try_from(folded & ((1 << BITS) - 1)).unwrap_or_default()
}

/// Hash of bytes, eight at a time: both halves of the product of what is known and the next word. It stands in journals, so it stays as it is.
fn hash(start: u64, bytes: &[u8]) -> u64 {
    let mut hash = mixed(start, bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mixed(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0_u8; 8];
    for (slot, byte) in last.iter_mut().zip(rest) {
        *slot = *byte;
    }
    mixed(mixed(hash, u64::from_le_bytes(last)), FACTOR)
}

/// Both halves of a product.
fn product(one: u64, other: u64) -> (u64, u64) {
    let product = u128::from(one) * u128::from(other);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
    (low, u64::try_from(product >> 64).unwrap_or_default())
}

fn mixed(hash: u64, word: u64) -> u64 {
    let (low, high) = product(hash ^ word, FACTOR);
    (low ^ high).wrapping_add(hash.rotate_left(23))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(id: &str) -> RecordSalt {
        RecordSalt::of(id)
    }

    #[test]
    fn digests_are_the_same_for_ever() {
        let of = |value: &str| digest(of("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), value.as_bytes());
        assert_eq!(
            [of(""), of("null"), of(r#""Ada""#), of(r#"{"firstName":"Ada"}"#)],
            [7_744_257, 21_523, 13_467_872, 3_374_047]
        );
    }

    #[test]
    fn a_field_takes_four_bytes_and_tells_its_value_from_others() {
        let mut written = FieldDigests::default();
        written.add(of("r1"), 0, br#""Ada""#);
        written.add(of("r1"), 7, b"null");
        assert_eq!(written.to_bytes().len(), 8);
        let mut whole = FieldDigests::default();
        (0..20).for_each(|field| whole.add(of("r1"), field, b"null"));
        assert_eq!(whole.to_bytes().len(), 2 + 20 * 3, "fields that follow each other share their number");
        assert_eq!(written.is(of("r1"), 0, br#""Ada""#), Some(true));
        assert_eq!(written.is(of("r1"), 0, br#""Bob""#), Some(false));
        assert_eq!(written.is(of("r1"), 1, b"null"), None);
        assert_eq!(written.is(of("r2"), 7, b"null"), Some(false), "records do not share digests");
    }

    #[test]
    fn few_of_many_values_have_the_digest_of_another() {
        let digests: std::collections::BTreeSet<u32> =
            (0..20_000_u32).map(|number| digest(of("r"), number.to_string().as_bytes())).collect();
        assert!(digests.len() > 19_950, "{}", digests.len());
    }

    proptest! {
        #[test]
        fn it_comes_back_as_it_was(
            fields in prop_oneof![
                prop::collection::btree_map(0_u32..1 << 20, 0_u32..1 << 24, 0..40),
                prop::collection::btree_map(0_u32..30, 0_u32..1 << 24, 0..40),
            ],
        ) {
            let digests = FieldDigests(fields.into_iter().collect());
            prop_assert_eq!(FieldDigests::from_bytes(&digests.to_bytes()), digests);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = FieldDigests::from_bytes(&bytes);
        }
    }
}
