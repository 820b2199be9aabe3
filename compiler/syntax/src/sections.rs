//! Cuts a file at the lines that begin an item, so that nothing written wrong in one item reaches the next.

use std::ops::Range;

/// The words that begin an item in column 1.
pub(crate) const ITEM_WORDS: &[&str] = &[
    "use",
    "migration",
    "owners",
    "picklist",
    "skip",
    "drop",
    "map",
    "link",
    "reference",
    "transform",
    "test",
    "system",
    "extend",
];

/// Byte ranges that together cover the text. Each begins with an item's documentation or keyword, but for a first one of comments.
pub(crate) fn sections(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut documented = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if begins_item(line) {
            starts.push(documented.take().unwrap_or(offset));
        } else if line.starts_with("///") {
            documented = documented.or(Some(offset));
        } else if !(line.starts_with("//") || line.trim_ascii().is_empty()) {
            documented = None;
        }
        offset += line.len();
    }
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// True where a line begins with an item's keyword, and not with a field that bears its name.
fn begins_item(line: &str) -> bool {
    let Some(first) = line.bytes().next().filter(u8::is_ascii_lowercase) else { return false };
    ITEM_WORDS.iter().filter(|word| word.as_bytes().first() == Some(&first)).any(|word| {
        let Some(rest) = line.strip_prefix(word) else { return false };
        let after = rest.trim_start_matches([' ', '\t']);
        let ends = rest.chars().next().is_none_or(|next| next.is_ascii_whitespace() || next == '"' || next == '{');
        ends && !after.starts_with(['=', ':', '.', ',', '|', ')'])
            && (*word != "drop" || begins_word(after, "object") || after.starts_with("file"))
    })
}

/// True where a text begins with a word and something blank, or nothing, behind it.
fn begins_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_ascii_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::sections;

    fn cut(text: &str) -> Vec<&str> {
        sections(text).into_iter().map(|range| text.get(range).unwrap()).collect()
    }

    #[test]
    fn documentation_belongs_to_the_item_below_it() {
        assert_eq!(
            cut("// a\n/// b\n// c\n\nuse \"x\"\nmap A -> b {\n  map = x\n"),
            ["// a\n", "/// b\n// c\n\nuse \"x\"\n", "map A -> b {\n  map = x\n"]
        );
    }

    #[test]
    fn a_field_with_a_keywords_name_begins_nothing() {
        assert_eq!(cut("map A -> b {\nlink = x\ndrop y : \"z\"\nuse: 1\n}\n").len(), 1);
    }
}
