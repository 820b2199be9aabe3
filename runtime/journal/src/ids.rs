//! Destination ids in the file, and the keys of links, which end with one: 16 bytes where they are UUIDs in the usual form, else text.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

/// An id as it stands in a column.
pub(crate) struct StoredId(pub(crate) String);

/// An id on its way into a column.
pub(crate) struct IdColumn<'a>(pub(crate) &'a str);

/// A key as it stands in a column.
pub(crate) struct StoredKey(pub(crate) String);

/// A key on its way into a column.
#[derive(Clone, Copy)]
pub(crate) struct KeyColumn<'a>(pub(crate) &'a str);

/// Sign before the target's id in the key of a link: in the map of records only these keys are packed, since other tables name records by theirs.
const LINK: char = '\u{1e}';

const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Places at which the pairs of digits begin.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// The 16 bytes of a UUID in lower case with dashes; any other text would not come back as it was.
pub(crate) fn pack(id: &str) -> Option<[u8; 16]> {
    let text: &[u8; TEXT] = id.as_bytes().try_into().ok()?;
    if !DASHES.iter().all(|place| text.get(*place) == Some(&b'-')) {
        return None;
    }
    let mut packed = [0_u8; 16];
    for (byte, place) in packed.iter_mut().zip(PAIRS) {
        *byte = digit(*text.get(place)?)? << 4 | digit(*text.get(place + 1)?)?;
    }
    Some(packed)
}

/// Length of a UUID as text.
const TEXT: usize = 36;
/// Length of a UUID in bytes.
const PACKED: usize = 16;

/// A text that ends with a UUID: what stands before it, and the UUID's 16 bytes.
pub(crate) fn split(key: &str) -> Option<(&str, [u8; 16])> {
    let (before, id) = key.split_at_checked(key.len().checked_sub(TEXT)?)?;
    Some((before, pack(id)?))
}

/// The shorter form of a text that ends with a UUID.
pub(crate) fn shortened(text: &str) -> Option<Vec<u8>> {
    split(text).map(|(before, id)| [before.as_bytes(), &id].concat())
}

/// The text whose shorter form this is.
fn lengthened(bytes: &[u8]) -> Option<String> {
    let (before, id) = bytes.split_at_checked(bytes.len().checked_sub(PACKED)?)?;
    Some(format!("{}{}", std::str::from_utf8(before).ok()?, unpack(id)))
}

/// The UUID of 16 bytes.
pub(crate) fn unpack(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for byte in bytes {
        if DASHES.contains(&text.len()) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

impl ToSql for IdColumn<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match pack(self.0) {
            Some(bytes) => ToSqlOutput::Owned(Value::Blob(bytes.to_vec())),
            None => ToSqlOutput::from(self.0),
        })
    }
}

impl FromSql for StoredId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Blob(bytes) => Ok(Self(unpack(bytes))),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(|text| Self(text.to_owned())).map_err(|_| FromSqlError::InvalidType)
            }
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl ToSql for KeyColumn<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let is_link = self
            .0
            .len()
            .checked_sub(TEXT)
            .is_some_and(|end| self.0.split_at_checked(end).is_some_and(|(before, _)| before.ends_with(LINK)));
        Ok(match is_link.then(|| shortened(self.0)).flatten() {
            Some(bytes) => ToSqlOutput::Owned(Value::Blob(bytes)),
            None => ToSqlOutput::from(self.0),
        })
    }
}

impl FromSql for StoredKey {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = match value {
            ValueRef::Blob(bytes) => lengthened(bytes),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        };
        text.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_link_takes_its_owners_key_and_sixteen_bytes_and_comes_back() {
        let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        for (key, length) in [
            (format!("C00000007\u{1e}{id}"), Some(9 + 1 + 16)),
            (format!("\u{1e}{id}"), Some(1 + 16)),
            (format!("Zoë\u{1e}{id}"), Some(4 + 1 + 16)),
            (id.to_owned(), None),
            (format!("C7-{id}"), None),
            (format!("C7\u{1e}{}", id.to_uppercase()), None),
            ("C7\u{1e}42".to_owned(), None),
            ("é".repeat(20), None),
            (String::new(), None),
        ] {
            let stored = match KeyColumn(&key).to_sql().unwrap() {
                ToSqlOutput::Owned(Value::Blob(bytes)) => {
                    assert_eq!(Some(bytes.len()), length, "{key:?}");
                    StoredKey::column_result(ValueRef::Blob(&bytes))
                }
                ToSqlOutput::Borrowed(text) => {
                    assert_eq!(None, length, "{key:?}");
                    StoredKey::column_result(text)
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(stored.unwrap().0, key);
        }
    }

    #[test]
    fn a_uuid_takes_sixteen_bytes_and_comes_back() {
        let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        assert_eq!(unpack(&pack(id).unwrap()), id);
    }

    #[test]
    fn an_id_in_any_other_form_stays_text() {
        for id in ["", "C7", "6BA7B810-9dad-11d1-80b4-00c04fd430c8", "6ba7b8109dad-11d1-80b4-00c04fd430c8x"] {
            assert_eq!(pack(id), None, "{id}");
        }
    }
}
