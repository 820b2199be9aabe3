//! The languages that graphs are drawn from.

use std::fmt::Write as _;

use crate::deceptive::written_out;
use crate::terminal;

/// A quoted string of Graphviz.
pub fn dot(text: &str) -> String {
    let text = written_out(text, &[]);
    // Its backslashes are doubled with the others: they are shown as they stand.
    format!("\"{}\"", terminal(&text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text between the quotes of a label of Mermaid, which reads HTML and Markdown there.
pub fn mermaid(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in written_out(text, &[]).chars() {
        if matches!(character, '"' | '<' | '>' | '&' | '#' | '`' | ';') {
            let _ = write!(safe, "#{};", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stays_a_label() {
        assert_eq!(dot("a\"];x\\\n"), "\"a\\\"];x\\\\\\\\n\"");
        assert_eq!(mermaid("a\"] <b> #\n"), "a#34;] #60;b#62; #35;\\n");
    }
}
