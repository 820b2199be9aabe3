//! Shapes, which mask the values of cells.

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
    let mut run = (None, 0_u32);
    let mut characters = cell.trim().chars();
    for character in characters.by_ref().take(LOOKED_AT) {
        let class = class(character);
        run = if run.0 == Some(class) { (Some(class), run.1 + 1) } else { (Some(class), 1) };
        let is_run = matches!(class, 'A' | 'a' | '9' | ' ' | '*');
        match run.1 {
            1 => shape.push(class),
            2 | 3 if !matches!(class, ' ') => shape.push(class),
            4 if is_run && class != ' ' => shape.push('+'),
            _ if is_run => {}
            _ => shape.push(class),
        }
    }
    if characters.next().is_some() {
        shape.push('…');
    }
}

fn class(character: char) -> char {
    match character {
        'a'..='z' => return 'a',
        'A'..='Z' => return 'A',
        '0'..='9' => return '9',
        _ => {}
    }
    if character.is_numeric() {
        '9'
    } else if character.is_uppercase() {
        'A'
    } else if character.is_alphabetic() {
        'a'
    } else if character.is_whitespace() {
        ' '
    } else if character.is_ascii() && !character.is_control() {
        character
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
