//! Destination ids in the file: 16 bytes where they are UUIDs in the usual form, else text.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

/// An id as it stands in a column.
pub(crate) struct StoredId(pub(crate) String);

/// An id on its way into a column.
pub(crate) struct IdColumn<'a>(pub(crate) &'a str);

const DASHES: [usize; 4] = [8, 13, 18, 23];

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// The 16 bytes of a UUID in lower case with dashes; any other text would not come back as it was.
pub(crate) fn pack(id: &str) -> Option<[u8; 16]> {
    if id.len() != 36 {
        return None;
    }
    let mut digits = [0_u8; 32];
    let mut slots = digits.iter_mut();
    for (position, byte) in id.bytes().enumerate() {
        if DASHES.contains(&position) {
            if byte != b'-' {
                return None;
            }
        } else {
            *slots.next()? = digit(byte)?;
        }
    }
    let mut packed = [0_u8; 16];
    for (byte, pair) in packed.iter_mut().zip(digits.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = high << 4 | low;
        }
    }
    Some(packed)
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

#[cfg(test)]
mod tests {
    use super::*;

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
