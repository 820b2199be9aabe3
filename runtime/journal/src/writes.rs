//! Numbers of the entries that tell what was written to a record, as they stand in the map of records.

/// The same numbers and one more.
pub(crate) fn adding(known: &[u8], entry: i64) -> Vec<u8> {
    let mut bytes = known.to_vec();
    let mut number = u64::try_from(entry).unwrap_or_default();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// The numbers, in the order in which they were added; what is cut off is left out.
pub(crate) fn numbers(bytes: &[u8]) -> Vec<i64> {
    let mut numbers = Vec::new();
    let (mut number, mut shift) = (0_u64, 0_u32);
    for byte in bytes {
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.extend(i64::try_from(number));
            (number, shift) = (0, 0);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_numbers_come_back_in_their_order(entries in prop::collection::vec(0_i64.., 0..8)) {
            let bytes = entries.iter().fold(Vec::new(), |bytes, entry| adding(&bytes, *entry));
            prop_assert_eq!(numbers(&bytes), entries);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = numbers(&bytes);
        }
    }
}
