//! Expressions of other languages turned into this one's: methods into pipes, `a ? b : c` into `if`.

use std::ops::Range;

/// Names of functions that other languages have under another name.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("toLowerCase", "lower"),
    ("toUpperCase", "upper"),
    ("strip", "trim"),
    ("lowercase", "lower"),
    ("uppercase", "upper"),
];

/// Turns a chain of methods, from its first dot on, into pipes; gives how much of the text it is.
pub(crate) fn pipes(text: &str) -> Option<(usize, String)> {
    let mut piped = String::new();
    let mut length = 0;
    while let Some(rest) = text.get(length..).and_then(|rest| rest.strip_prefix('.')) {
        let name = rest.get(..rest.find(|one: char| !one.is_alphanumeric() && one != '_')?)?;
        let arguments = rest.get(name.len()..)?;
        let Some(end) = closing(arguments).filter(|_| arguments.starts_with('(')) else { break };
        let inner = arguments.get(1..end)?.trim();
        let name_here = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, here)| here);
        piped.push_str(" | ");
        piped.push_str(name_here);
        if !inner.is_empty() {
            piped.extend(["(", inner, ")"]);
        }
        length += 1 + name.len() + end + 1;
    }
    (length > 0).then_some((length, piped))
}

/// Place of the bracket that closes the one that a text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut scan = Scan::default();
    for (at, byte) in text.bytes().enumerate() {
        scan.step(byte);
        if scan.depth == 0 && !scan.quoted && at > 0 && matches!(byte, b')' | b']' | b'}') {
            return Some(at);
        }
    }
    None
}

/// State of a reading that passes over texts and brackets.
#[derive(Default)]
struct Scan {
    depth: i32,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            _ if self.quoted => {}
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth -= 1,
            _ => {}
        }
    }

    fn is_free(&self) -> bool {
        self.depth == 0 && !self.quoted
    }
}

/// Turns `condition ? value : other` around its question mark into `if condition then value else other`; gives the place in the text.
pub(crate) fn choice(text: &str, mark: usize) -> Option<(Range<usize>, String)> {
    let start = condition_start(text.get(..mark)?);
    let end = mark + value_end(text.get(mark..)?);
    let condition = text.get(start..mark)?.trim();
    let (then, otherwise) = halves(text.get(mark + 1..end)?)?;
    if condition.is_empty() || then.is_empty() || otherwise.is_empty() {
        return None;
    }
    let start = start + text.get(start..)?.len() - text.get(start..)?.trim_start().len();
    let words = format!("if {condition} then {} else {}", nested(then), nested(otherwise));
    Some((start..mark + text.get(mark..end)?.trim_end().len(), words))
}

/// A value that may hold another choice.
fn nested(value: &str) -> String {
    let mark = free(value, |bytes, at| {
        bytes.get(at) == Some(&b'?')
            && bytes.get(at + 1) != Some(&b'?')
            && (at == 0 || bytes.get(at - 1) != Some(&b'?'))
    });
    let turned = mark.and_then(|mark| {
        let (then, otherwise) = halves(value.get(mark + 1..)?)?;
        Some(format!("if {} then {} else {}", value.get(..mark)?.trim(), nested(then), nested(otherwise)))
    });
    turned.unwrap_or_else(|| value.to_owned())
}

/// Both sides of the colon that belongs to the question mark before the text.
fn halves(text: &str) -> Option<(&str, &str)> {
    let mut open = 0;
    let colon = free(text, |bytes, at| match bytes.get(at) {
        Some(b'?') if bytes.get(at + 1) != Some(&b'?') => {
            open += 1;
            false
        }
        Some(b':') if open == 0 => true,
        Some(b':') => {
            open -= 1;
            false
        }
        _ => false,
    })?;
    Some((text.get(..colon)?.trim(), text.get(colon + 1..)?.trim()))
}

/// First place outside texts and brackets that is wanted.
fn free(text: &str, mut is_wanted: impl FnMut(&[u8], usize) -> bool) -> Option<usize> {
    let mut scan = Scan::default();
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        scan.step(*byte);
        if scan.is_free() && is_wanted(bytes, at) {
            return Some(at);
        }
    }
    None
}

/// Start of the condition that a text ends with: behind the entry's `=`, `when`, an open bracket or a comma.
fn condition_start(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    let mut scan = Scan::default();
    for (at, byte) in bytes.iter().enumerate() {
        scan.step(*byte);
        if scan.quoted {
            continue;
        }
        match byte {
            b'(' | b'[' | b'{' => starts.push(at + 1),
            b')' | b']' | b'}' => {
                starts.pop();
            }
            b',' | b':' | b'\n' => replace(&mut starts, at + 1),
            b'=' if !matches!(bytes.get(at + 1), Some(b'='))
                && !matches!(at.checked_sub(1).and_then(|at| bytes.get(at)), Some(b'=' | b'!' | b'<' | b'>')) =>
            {
                replace(&mut starts, at + 1);
            }
            b'n' if text.get(..=at).is_some_and(|text| text.ends_with(" when")) => replace(&mut starts, at + 1),
            _ => {}
        }
    }
    starts.pop().unwrap_or(0)
}

fn replace(starts: &mut [usize], at: usize) {
    if let Some(last) = starts.last_mut() {
        *last = at;
    }
}

/// End of the value that begins here: at a comma, a bracket, `;`, a comment or the line's end.
fn value_end(text: &str) -> usize {
    let mut scan = Scan::default();
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let is_end = matches!(byte, b',' | b';' | b'\n' | b')' | b']' | b'}')
            || *byte == b'/' && bytes.get(at + 1) == Some(&b'/')
            || *byte == b'{' && bytes.get(at + 1..).is_some_and(|rest| rest.starts_with(b"\n"));
        if scan.is_free() && is_end {
            return at;
        }
        scan.step(*byte);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_become_pipes() {
        assert_eq!(pipes(".trim(), x"), Some((7, " | trim".to_owned())));
        assert_eq!(
            pipes(".replace(\"(\", \"b\").toLowerCase() }"),
            Some((32, " | replace(\"(\", \"b\") | lower".to_owned()))
        );
        assert_eq!(pipes(".email"), None);
    }

    #[test]
    fn choices_become_ifs() {
        let turned = |text: &str| {
            let mark = text.find('?').unwrap();
            let (range, by) = choice(text, mark).unwrap();
            let mut turned = text.to_owned();
            turned.replace_range(range, &by);
            turned
        };
        assert_eq!(turned("a = b == none ? c : d"), "a = if b == none then c else d");
        assert_eq!(turned("a = { x: b ? \":\" : d }"), "a = { x: if b then \":\" else d }");
        assert_eq!(turned("a = b ? c : d ? e : f  // why"), "a = if b then c else if d then e else f  // why");
    }
}
