//! Shapes, which mask the values of cells.

use migr_transform::trimmed;

/// Characters of a cell that its shape is made of.
const LOOKED_AT: usize = 64;

/// Shape of a cell, which does not say what it holds: `A` for a capital, `a` for a small letter, `9` for a digit, at
/// most three of a kind and `+` for more; `*` for what is neither letter, digit, blank nor ASCII. `Ada@x.com` is
/// `Aaa@a.aaa`.
pub(crate) fn shape(cell: &str) -> String {
    let mut shape = Vec::new();
    write_shape(cell, &mut shape);
    String::from_utf8_lossy(&shape).into_owned()
}

/// Adds the shape of a cell to a text in UTF-8.
pub(crate) fn write_shape(cell: &str, shape: &mut Vec<u8>) {
    let cell = trimmed(cell);
    let (shown, length) = if cell.is_ascii() {
        runs(cell.bytes().map(|byte| ASCII.get(usize::from(byte)).copied().unwrap_or(b'*')))
    } else {
        runs(cell.chars().map(class))
    };
    shape.extend_from_slice(shown.get(..length).unwrap_or_default());
    let is_longer = cell.len() > LOOKED_AT && cell.chars().nth(LOOKED_AT).is_some();
    if is_longer {
        shape.extend_from_slice("…".as_bytes());
    }
}

/// The classes of characters as they are shown, and their length; a class that is left out is overwritten by the next.
#[inline]
fn runs(classes: impl Iterator<Item = u8>) -> ([u8; LOOKED_AT], usize) {
    let mut shown = [0; LOOKED_AT];
    let (mut to, mut before, mut length) = (0, 0, 0_u8);
    for class in classes.take(LOOKED_AT) {
        length = if class == before { length + 1 } else { 1 };
        before = class;
        let most = MOST.get(usize::from(class)).copied().unwrap_or(u8::MAX);
        if let Some(slot) = shown.get_mut(to) {
            *slot = if length == 4 && most == 4 { b'+' } else { class };
        }
        to += usize::from(length <= most);
    }
    (shown, to)
}

/// Number of signs that are shown of a run, by its class.
#[expect(clippy::indexing_slicing, reason = "a constant has no other way to fill a table")]
const MOST: [u8; 128] = {
    let mut most = [u8::MAX; 128];
    most[b' ' as usize] = 1;
    most[b'A' as usize] = 4;
    most[b'a' as usize] = 4;
    most[b'9' as usize] = 4;
    most[b'*' as usize] = 4;
    most
};

/// Class of each character of ASCII.
#[expect(
    clippy::indexing_slicing,
    reason = "the loop ends at the table's length, and a constant has no other way to fill one"
)]
const ASCII: [u8; 128] = {
    let mut classes = [b'*'; 128];
    let mut at: u8 = 0;
    while at < 128 {
        classes[at as usize] = match at {
            b'a'..=b'z' => b'a',
            b'A'..=b'Z' => b'A',
            b'0'..=b'9' => b'9',
            b'\t'..=b'\r' | b' ' => b' ',
            b'!'..=b'~' => at,
            _ => b'*',
        };
        at += 1;
    }
    classes
};

/// Class of a character.
fn class(character: char) -> u8 {
    if let Some(class) = u8::try_from(character).ok().and_then(|byte| ASCII.get(usize::from(byte))) {
        *class
    } else if character.is_numeric() {
        b'9'
    } else if character.is_uppercase() {
        b'A'
    } else if character.is_alphabetic() {
        b'a'
    } else if character.is_whitespace() {
        b' '
    } else {
        b'*'
    }
}

/// A value as a message may show it: quoted and cut, or as its shape where it is sensitive.
pub(crate) fn shown(value: &str, sensitive: bool) -> String {
    const LONGEST: usize = 60;
    if sensitive {
        return format!("a value like `{}`", shape(value));
    }
    let mut text = String::from("\"");
    for (count, character) in value.trim().chars().enumerate() {
        if count == LONGEST {
            text.push('…');
            break;
        }
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_says_what_a_cell_looks_like_and_not_what_it_holds() {
        assert_eq!(shape("Ada@x.com"), "Aaa@a.aaa");
        assert_eq!(shape("(691) 552-3791"), "(999) 999-999+");
        assert_eq!(shape(" José  Núñez "), "Aaaa Aaaa+");
        assert_eq!(shape("👍👍"), "**");
        assert_eq!(shape(&"x".repeat(5000)), "aaa+…");
    }

    proptest::proptest! {
        #[test]
        fn a_shape_holds_no_letter_or_digit_of_its_cell(cell in "\\PC*") {
            for character in shape(&cell).chars() {
                proptest::prop_assert!(!character.is_alphanumeric() || matches!(character, 'A' | 'a' | '9'));
            }
        }
    }
}
