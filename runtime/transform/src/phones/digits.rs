//! The digits of a number as people write it: what stands between them is read past, and what is no digit of the number is refused with its reason.

use super::Region;

/// Marks that stand before an extension, the longer first.
const EXTENSION_MARKS: &[&str] =
    &["durchwahl", "extension", "anexo", "ramal", "poste", "extn", "ext", "int", "dw", "x", "#"];
/// No number with its country code is longer, by E.164 and what libphonenumber lets pass.
const MOST_DIGITS: usize = 20;

/// Digits of the shortest text that may be a number with words beside it.
const FEWEST_DIGITS: usize = 5;

pub(super) const LETTERS_BEHIND: &str = "has letters behind the number, which are no digits of it";
const LETTERS_BEFORE: &str = "has letters before the number, which are no digits of it";
const SEVERAL: &str = "holds more than one number";
const NOT: &str = "is not a phone number";

/// The extension that stands at the end of a number.
pub(crate) fn split_extension(text: &str) -> (&str, Option<&str>) {
    let trimmed = text.trim();
    let end = trimmed.strip_suffix('#').unwrap_or(trimmed).trim_end();
    let before = end.trim_end_matches(|last: char| last.is_ascii_digit());
    let Some(extension) = end.strip_prefix(before).filter(|digits| (1..=9).contains(&digits.len())) else {
        return (trimmed, None);
    };
    let before = before.trim_end_matches([' ', '.', ':', '=', '-', '\u{a0}']);
    let mark = EXTENSION_MARKS.iter().find_map(|mark| {
        let at = before.len().checked_sub(mark.len())?;
        let (rest, found) = before.split_at_checked(at)?;
        // The end of a longer word, such as `fax`, is no mark.
        let is_word = !rest.ends_with(char::is_alphabetic);
        (is_word && found.eq_ignore_ascii_case(mark)).then_some(rest)
    });
    let main = mark.map(|rest| rest.trim_end_matches([' ', ',', ';', '\u{a0}', '(', '[']));
    match main {
        Some(main) if main.bytes().filter(u8::is_ascii_digit).count() >= 2 => (main, Some(extension)),
        _ => (trimmed, None),
    }
}

/// A number without what people put between the digits.
pub(super) struct Digits {
    bytes: [u8; MOST_DIGITS],
    length: usize,
    pub(super) is_international: bool,
    /// Number of digits before the first letter of a vanity number; none where there is no letter.
    before_letters: Option<usize>,
    /// Most letters that stand side by side.
    word: usize,
}

impl Digits {
    /// The digits of a text, or why it is no number.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let text = text.strip_prefix("tel:").unwrap_or(text).trim_start();
        if is_float(text) {
            return Err("ends in `.0`, as a spreadsheet writes a number; export the column as text");
        }
        let mut found =
            Self { bytes: [0; MOST_DIGITS], length: 0, is_international: false, before_letters: None, word: 0 };
        let mut word = 0;
        for (at, (byte, character)) in text.char_indices().enumerate() {
            word = if character.is_ascii_alphabetic() { word + 1 } else { 0 };
            found.word = found.word.max(word);
            let digit = match character {
                '0'..='9' => u8::try_from(character).map_err(|_| NOT)?,
                '+' | '＋' if found.length == 0 && !found.is_international => {
                    found.is_international = true;
                    continue;
                }
                'a'..='z' | 'A'..='Z' if found.length >= 3 && at > 3 => {
                    found.before_letters.get_or_insert(found.length);
                    keypad(character).ok_or(NOT)?
                }
                '/' | '(' | '[' if found.is_whole() => return Err(beside(text, (byte, found.length), SEVERAL)),
                ' '
                | '\u{a0}'
                | '-'
                | '‐'..='―'
                | '−'
                | '.'
                | '/'
                | '('
                | ')'
                | '['
                | ']'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}' => continue,
                _ => return Err(beside(text, (byte, found.length), NOT)),
            };
            *found.bytes.get_mut(found.length).ok_or(NOT)? = digit;
            found.length += 1;
        }
        if found.length >= 2 { Ok(found) } else { Err(NOT) }
    }

    /// True where enough digits were read that no area code stands alone before what follows: a slash or bracket behind
    /// them begins another number.
    fn is_whole(&self) -> bool {
        let begins_with = |prefix: &[u8]| self.bytes.starts_with(prefix);
        let most = match self.is_international || begins_with(b"00") || begins_with(b"011") {
            true => 9,
            false if begins_with(b"0") => 6,
            false => 5,
        };
        self.length > most
    }

    /// Number of digits before the first letter; none where there is no letter.
    pub(super) fn before_letters(&self) -> Option<usize> {
        self.before_letters
    }

    /// True where letters stand singly among digits, as an O typed for a nought does, and make no word.
    pub(super) fn has_stray_letters(&self) -> bool {
        self.before_letters.is_some() && self.word < 3
    }

    pub(super) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The ten digits of a number of the North American plan that is written in full; the same as the general rules give, without asking them.
    pub(super) fn north_american(&self, region: Option<&Region>) -> Option<&str> {
        let digits = self.as_str();
        let is_local = !self.is_international && region.is_some_and(|region| region.calling_code == 1);
        let national = match digits.len() {
            10 if is_local => digits,
            11 if is_local || self.is_international => digits.strip_prefix('1')?,
            _ => return None,
        };
        national.starts_with(|first: char| ('2'..='9').contains(&first)).then_some(national)
    }
}

/// Fault of a text whose number ends at a sign, with so many digits before it: letters before or behind it, or another number; else what is said.
fn beside(text: &str, (at, length): (usize, usize), otherwise: &'static str) -> &'static str {
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let has_word = |part: &str| part.chars().any(char::is_alphabetic);
    match (length >= FEWEST_DIGITS, digits(behind) >= FEWEST_DIGITS) {
        (true, true) => SEVERAL,
        (true, false) if has_word(behind) => LETTERS_BEHIND,
        (false, true) if has_word(before) || behind.starts_with(char::is_alphabetic) => LETTERS_BEFORE,
        _ => otherwise,
    }
}

/// A letter as the key that carries it.
fn keypad(letter: char) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        'A'..='C' => b'2',
        'D'..='F' => b'3',
        'G'..='I' => b'4',
        'J'..='L' => b'5',
        'M'..='O' => b'6',
        'P'..='S' => b'7',
        'T'..='V' => b'8',
        'W'..='Z' => b'9',
        _ => return None,
    })
}

/// True where a text is a whole number and `.0` behind it, with a separator for decimals of either kind.
fn is_float(text: &str) -> bool {
    let text = text.trim().trim_start_matches('+');
    let fraction = text.split_once(['.', ',']);
    fraction.is_some_and(|(whole, noughts)| {
        whole.len() > 5
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=2).contains(&noughts.len())
            && noughts.bytes().all(|byte| byte == b'0')
    })
}
