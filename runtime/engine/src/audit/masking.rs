//! Shapes, which mask the values of cells.

use migr_transform::trimmed;

/// Characters of a cell that its shape is made of.
const LOOKED_AT: usize = 64;

/// Shape of a cell, which does not say what it holds: `A` for a capital, `a` for a small letter, `9` for a digit, at
/// most three of a kind and `+` for more; `*` for what is neither letter, digit, blank nor ASCII. `Ada@x.com` is
/// `Aaa@a.aaa`.
pub(crate) fn shape(cell: &str) -> String {
    let mut shape = String::new();
    write_shape(cell, &mut shape);
    shape
}

/// Adds the shape of a cell to a text.
pub(crate) fn write_shape(cell: &str, shape: &mut String) {
    let cell = trimmed(cell);
    let mut run = Run::default();
    let mut looked_at = 0;
    // Most cells are ASCII to their end.
    for byte in cell.bytes().take(LOOKED_AT).take_while(u8::is_ascii) {
        run.add(ASCII.get(usize::from(byte)).map_or('*', |class| char::from(*class)), shape);
        looked_at += 1;
    }
    let mut characters = cell.get(looked_at..).unwrap_or_default().chars();
    for character in characters.by_ref().take(LOOKED_AT - looked_at) {
        run.add(class(character), shape);
    }
    if characters.next().is_some() {
        shape.push('…');
    }
}

/// Characters of one class, one after the other.
#[derive(Default)]
struct Run {
    class: char,
    length: u32,
}

impl Run {
    fn add(&mut self, class: char, shape: &mut String) {
        self.length = if self.class == class { self.length + 1 } else { 1 };
        self.class = class;
        let is_run = matches!(class, 'A' | 'a' | '9' | ' ' | '*');
        match self.length {
            1 => shape.push(class),
            2 | 3 if class != ' ' => shape.push(class),
            4 if is_run && class != ' ' => shape.push('+'),
            _ if is_run => {}
            _ => shape.push(class),
        }
    }
}

/// Class of each character of ASCII.
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

/// Class of a character beyond ASCII.
fn class(character: char) -> char {
    if character.is_numeric() {
        '9'
    } else if character.is_uppercase() {
        'A'
    } else if character.is_alphabetic() {
        'a'
    } else if character.is_whitespace() {
        ' '
    } else {
        '*'
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
