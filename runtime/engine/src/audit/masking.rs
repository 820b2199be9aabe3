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
    // A shape is as long as what it is made of at most, and what it leaves out is overwritten.
    let start = shape.len();
    shape.resize(start + LOOKED_AT, 0);
    let mut run = Run { class: 0, length: 0, to: start };
    if cell.is_ascii() {
        for byte in cell.bytes().take(LOOKED_AT) {
            run.add(ASCII.get(usize::from(byte)).copied().unwrap_or(b'*'), shape);
        }
    } else {
        for character in cell.chars().take(LOOKED_AT) {
            run.add(class(character), shape);
        }
    }
    shape.truncate(run.to);
    let is_longer = cell.len() > LOOKED_AT && cell.chars().nth(LOOKED_AT).is_some();
    if is_longer {
        shape.extend_from_slice("…".as_bytes());
    }
}

/// Characters of one class, one after the other.
struct Run {
    class: u8,
    length: u8,
    /// Length of the shape so far.
    to: usize,
}

impl Run {
    /// Takes a character of a class, and writes what is shown of it.
    #[inline]
    fn add(&mut self, class: u8, shape: &mut [u8]) {
        self.length = if self.class == class { self.length.saturating_add(1) } else { 1 };
        self.class = class;
        let most = match class {
            b' ' => 1,
            b'A' | b'a' | b'9' | b'*' => 4,
            _ => u8::MAX,
        };
        if let Some(slot) = shape.get_mut(self.to) {
            *slot = if self.length == 4 && most == 4 { b'+' } else { class };
        }
        self.to += usize::from(self.length <= most);
    }
}

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
