//! Limits of a program's nesting, counted before pest runs.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Brackets and blocks within one another.
pub(crate) const BRACKETS: usize = 64;
/// Items one after the other that leave a block open, after which none is read: such a text is no program with mistakes, and each item would be one more of them.
pub(crate) const LEFT_OPEN: i64 = 64;
/// Expressions within one another: brackets, and `if` in `if`.
pub(crate) const EXPRESSIONS: usize = 100;
/// Operators, pipes and dots of one expression.
pub(crate) const STEPS: usize = 500;
/// pest's calls for one section of so many bytes: some thirty times what ordinary text needs, so that the work never grows with the square of a text.
pub(crate) fn calls(bytes: usize) -> usize {
    CALLS_PER_BYTE.saturating_mul(bytes).saturating_add(CALLS_FOR_ANY)
}

/// Does some work of pest's with a limit on its calls. pest has one limit for the process, so that one thread works at a time.
pub(crate) fn within<T>(calls: usize, work: impl FnOnce() -> T) -> T {
    static WORKING: Mutex<()> = Mutex::new(());
    let _working = WORKING.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_call_limit(NonZeroUsize::new(calls));
    work()
}

const CALLS_PER_BYTE: usize = 1_000;
const CALLS_FOR_ANY: usize = 50_000;

/// The offset of the first bracket that is too deep. Each kind is counted by itself, so that a wrong closing bracket hides nothing. Brackets in a text
/// count for their own line only: they may be holes.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    // Most items have too few brackets altogether.
    if opening_brackets(text) <= BRACKETS {
        return None;
    }
    let mut open = Open::default();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let mut on_line = open;
        let (mut quoted, mut escaped, mut slash) = (false, false, false);
        if !has_brackets(line) {
            offset += line.len();
            continue;
        }
        for (at, byte) in line.bytes().enumerate() {
            if byte == b'/' && slash && !quoted {
                break;
            }
            slash = byte == b'/';
            if on_line.count(byte) > BRACKETS {
                return Some(offset + at);
            }
            if escaped {
                escaped = false;
            } else if byte == b'\\' && quoted {
                escaped = true;
            } else if byte == b'"' {
                quoted = !quoted;
            } else if !quoted {
                open.count(byte);
            }
        }
        offset += line.len();
    }
    None
}

/// Number of opening brackets, counted in runs whose sums fit a byte, so that many bytes go at once.
fn opening_brackets(text: &str) -> usize {
    let count = |run: &[u8]| run.iter().map(|byte| u8::from(matches!(byte, b'(' | b'[' | b'{'))).sum::<u8>();
    text.as_bytes().chunks(usize::from(u8::MAX)).map(|run| usize::from(count(run))).sum()
}

/// True for a text with brackets, opening or closing; every byte is looked at, so that many go at once.
fn has_brackets(text: &str) -> bool {
    let is_bracket = |byte: u8| matches!(byte, b'(' | b'[' | b'{' | b')' | b']' | b'}');
    text.bytes().fold(false, |any, byte| any | is_bracket(byte))
}

/// True for a byte that says something about blocks; all others are passed over at once.
fn is_telling(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'"' | b'\\' | b'/' | b'\n')
}

/// Number of blocks that a text leaves open; negative where it closes more than it opens. Braces in texts and comments do not count.
pub(crate) fn left_open(text: &str) -> i64 {
    let mut open = 0;
    let (mut quoted, mut comment) = (false, false);
    // Behind a backslash of a text, and behind a slash.
    let (mut escaped, mut commented) = (0, 0);
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| is_telling(*byte)) {
        match byte {
            b'\n' => (quoted, comment, escaped, commented) = (false, false, 0, 0),
            _ if comment || (escaped == at && quoted) => {}
            b'\\' if quoted => escaped = at + 1,
            b'"' => quoted = !quoted,
            b'{' if !quoted => open += 1,
            b'}' if !quoted => open -= 1,
            b'/' if !quoted && commented == at && at > 0 => comment = true,
            b'/' => commented = at + 1,
            _ => {}
        }
    }
    open
}

/// Number of open brackets of each kind.
#[derive(Clone, Copy, Default)]
struct Open {
    round: usize,
    square: usize,
    curly: usize,
}

impl Open {
    fn count(&mut self, byte: u8) -> usize {
        match byte {
            b'(' => self.round += 1,
            b'[' => self.square += 1,
            b'{' => self.curly += 1,
            b')' => self.round = self.round.saturating_sub(1),
            b']' => self.square = self.square.saturating_sub(1),
            b'}' => self.curly = self.curly.saturating_sub(1),
            _ => return 0,
        }
        self.round + self.square + self.curly
    }
}

#[cfg(test)]
mod tests {
    use super::{left_open, too_deep};

    #[test]
    fn what_is_left_open_is_known() {
        assert_eq!(left_open("map A -> b {\n  x = { a: \"}{ \\\" {\" } // {{\n"), 1);
        assert_eq!(left_open("}\n}\n"), -2);
        assert_eq!(left_open("\"\\\\\" { // }\n/ / {\n\"a\\\"{\n}"), 1);
    }

    #[test]
    fn brackets_are_counted_within_one_another() {
        assert_eq!(too_deep(&"()".repeat(1000)), None);
        assert_eq!(too_deep(&"(".repeat(10_000)), Some(64));
        assert_eq!(too_deep(&"f(\"\", ".repeat(100)), Some(64 * 6 + 1));
        assert_eq!(too_deep(&"{ )\n".repeat(100)), Some(64 * 4));
    }

    #[test]
    fn brackets_in_texts_and_comments_add_nothing_up() {
        assert_eq!(too_deep(&"\"(a\" = X // (((\n".repeat(1000)), None);
    }
}
