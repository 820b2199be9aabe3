//! Rich text: Markdown to the blocks that the editor shows, and back.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::twenty::problem::Problem;

/// The stored form: what was sent, and the other half made from it.
pub(crate) fn rich_text(old: bool, name: &str, parts: &Map<String, Value>) -> Result<Value, Problem> {
    let part = |key: &str| parts.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(text) = part("blocknote").filter(|_| !old)
        && serde_json::from_str::<Value>(text).is_err()
    {
        let message = format!("Invalid JSON value for rich text field \"{name}.blocknote\"");
        return Err(Problem::invalid(message));
    }
    Ok(match (part("markdown"), part("blocknote")) {
        (None, None) => Value::Null,
        (Some(markdown), blocknote) => {
            let blocks = blocknote.map_or_else(|| blocks(markdown).to_string(), str::to_owned);
            json!({"blocknote": blocks, "markdown": markdown})
        }
        (None, Some(blocknote)) => {
            let blocks: Value = serde_json::from_str(blocknote).unwrap_or_default();
            let tight = if blocks.is_null() { blocknote.to_owned() } else { blocks.to_string() };
            json!({"blocknote": tight, "markdown": markdown(&blocks)})
        }
    })
}

fn markdown(blocks: &Value) -> String {
    let text = |block: &Value| {
        let content = block.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
        content.iter().filter_map(|part| part.get("text")?.as_str().map(str::to_owned)).collect::<String>()
    };
    let lines: Vec<String> = blocks.as_array().map(|blocks| blocks.iter().map(text).collect()).unwrap_or_default();
    format!("{}\n", lines.join("\n\n"))
}

fn blocks(markdown: &str) -> Value {
    let mut made: Vec<Value> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let flush = |paragraph: &mut Vec<&str>, made: &mut Vec<Value>| {
        if !paragraph.is_empty() {
            made.push(block(made.len(), "paragraph", &paragraph.join("\n"), None));
            paragraph.clear();
        }
    };
    let lines: Vec<&str> = markdown.lines().map(str::trim).collect();
    let mut rest = lines.as_slice();
    while let Some((&trimmed, after)) = rest.split_first() {
        if let Some((table, after)) = table(made.len(), rest) {
            flush(&mut paragraph, &mut made);
            made.push(table);
            rest = after;
            continue;
        }
        rest = after;
        let hashes = trimmed.chars().take_while(|letter| *letter == '#').count();
        let heading = trimmed.trim_start_matches('#').strip_prefix(' ').filter(|_| (1..=3).contains(&hashes));
        let bullet = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* "));
        let numbered =
            trimmed.split_once(". ").and_then(|(number, rest)| number.parse::<u32>().is_ok().then_some(rest));
        let found = match (heading, bullet, numbered) {
            (Some(text), _, _) => Some(("heading", text, Some(hashes))),
            (_, Some(text), _) => Some(("bulletListItem", text, None)),
            (_, _, Some(text)) => Some(("numberedListItem", text, None)),
            _ => None,
        };
        match found {
            Some((kind, text, level)) => {
                flush(&mut paragraph, &mut made);
                made.push(block(made.len(), kind, text, level));
            }
            None if trimmed.is_empty() => flush(&mut paragraph, &mut made),
            // A line break of two blanks or a backslash; a lone line end shows as one too.
            None => {
                let cut = if is_escaped(trimmed, trimmed.len()) { trimmed.strip_suffix('\\') } else { None };
                paragraph.push(cut.unwrap_or(trimmed));
            }
        }
    }
    flush(&mut paragraph, &mut made);
    Value::Array(made)
}

/// The table that begins with the first of some lines, and the lines after it: a row of heads, a row of dashes, rows.
fn table<'l, 't>(place: usize, lines: &'l [&'t str]) -> Option<(Value, &'l [&'t str])> {
    let cells = |line: &'t str| -> Vec<&'t str> { line.trim_matches('|').split('|').map(str::trim).collect() };
    let (head, rest) = lines.split_first().filter(|(head, _)| head.contains('|'))?;
    let (dashes, rest) = rest.split_first()?;
    let ruled =
        cells(dashes).iter().all(|cell| cell.contains('-') && cell.chars().all(|letter| "-: ".contains(letter)));
    if !ruled || cells(head).len() != cells(dashes).len() {
        return None;
    }
    let count = rest.iter().take_while(|line| line.contains('|')).count();
    let (rows, after) = rest.split_at(count);
    let shown = |line: &'t str| {
        let cells: Vec<Value> = cells(line)
            .into_iter()
            .map(|cell| json!({"type": "tableCell", "content": inline(cell), "props": {"colspan": 1, "rowspan": 1}}))
            .collect();
        json!({ "cells": cells })
    };
    let rows: Vec<Value> = std::iter::once(head).chain(rows).map(|line| shown(line)).collect();
    let widths = vec![Value::Null; cells(head).len()];
    let content = json!({"type": "tableContent", "columnWidths": widths, "headerRows": 1, "rows": rows});
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{place}/table/{head}").as_bytes());
    let block =
        json!({"id": id, "type": "table", "props": {"textColor": "default"}, "content": content, "children": []});
    Some((block, after))
}

fn block(place: usize, kind: &str, text: &str, level: Option<usize>) -> Value {
    // The server's block ids are random; ours follow from the text, so that equal notes stay equal.
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{place}/{text}").as_bytes());
    let mut props = json!({"backgroundColor": "default", "textColor": "default", "textAlignment": "left"});
    if let (Some(level), Some(props)) = (level, props.as_object_mut()) {
        props.insert("level".into(), level.into());
        props.insert("isToggleable".into(), false.into());
    }
    json!({"id": id, "type": kind, "props": props, "content": inline(text), "children": []})
}

/// Bold and slanted text and links, and signs behind a backslash as themselves; everything else stays as it is.
fn inline(text: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest.get(from..).and_then(|later| later.find(['*', '[', '_'])).map(|at| from + at) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let part = if is_escaped(rest, at) { None } else { part_at(before, found) };
        let Some((part, after)) = part else {
            from = at + 1;
            continue;
        };
        if !before.is_empty() {
            parts.push(plain(before));
        }
        parts.push(part);
        (rest, from) = (after, 0);
    }
    if !rest.is_empty() {
        parts.push(plain(rest));
    }
    parts
}

/// True where a sign at a place stands behind a backslash that is not behind one itself.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

fn plain(text: &str) -> Value {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(sign) = rest.next() {
        let next = rest.peek().copied().filter(|next| sign == '\\' && next.is_ascii_punctuation());
        shown.push(next.unwrap_or(sign));
        if next.is_some() {
            rest.next();
        }
    }
    json!({"type": "text", "text": shown, "styles": {}})
}

fn bold_part(text: &str) -> Option<(Value, &str)> {
    let (bold, after) = text.strip_prefix("**")?.split_once("**")?;
    Some((json!({"type": "text", "text": bold, "styles": {"bold": true}}), after))
}

/// Part that begins with a sign, and the text after it.
fn part_at<'t>(before: &str, found: &'t str) -> Option<(Value, &'t str)> {
    let is_inner = before.ends_with(char::is_alphanumeric);
    bold_part(found).or_else(|| link_part(found)).or_else(|| slanted_part(found).filter(|_| !is_inner))
}

fn slanted_part(text: &str) -> Option<(Value, &str)> {
    let (slanted, after) = text.strip_prefix('_')?.split_once('_')?;
    let is_whole = !slanted.is_empty() && !slanted.starts_with(' ') && !after.starts_with(char::is_alphanumeric);
    is_whole.then(|| (json!({"type": "text", "text": slanted, "styles": {"italic": true}}), after))
}

fn link_part(text: &str) -> Option<(Value, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (href, after) = rest.split_once(')')?;
    Some((json!({"type": "link", "href": href, "content": [plain(label)]}), after))
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn a_sign_behind_a_backslash_is_itself() {
        for (markdown, kind, text) in [
            (r"\# of seats: 5", "paragraph", "# of seats: 5"),
            (r"2024\. was good", "paragraph", "2024. was good"),
            (r"use \<company> or \[a](b) \*\*x\*\*", "paragraph", "use <company> or [a](b) **x**"),
            (r"C:\temp", "paragraph", r"C:\temp"),
            ("one  \ntwo\\\nthree", "paragraph", "one\ntwo\nthree"),
            ("# Heading", "heading", "Heading"),
        ] {
            let made = blocks(markdown);
            assert_eq!((made[0]["type"].as_str(), made[0]["content"][0]["text"].as_str()), (Some(kind), Some(text)));
        }
    }

    #[test]
    fn a_table_and_marks_become_blocks_of_their_own_and_plain_text_stays() {
        let kinds = |text: &str| -> Vec<String> {
            blocks(text).as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds("a | b\n--- | ---\n1 | 2\n\nafter"), ["table", "paragraph"]);
        assert_eq!(kinds("a | b\nc | d"), ["paragraph"]);
        assert_eq!(kinds("# x\n* x\n1. x"), ["heading", "bulletListItem", "numberedListItem"]);
        assert_eq!(blocks("an _x_ here")[0]["content"][1]["styles"]["italic"], true);
        assert_eq!(blocks("a_b_c")[0]["content"][0]["text"], "a_b_c");
    }

    #[test]
    fn markdown_becomes_blocks_of_the_recorded_kinds() {
        let made = blocks("# Heading\n\nHello **bold** and [link](https://x.y)\n\n- a\n- b\n");
        let kinds: Vec<&str> = made.as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["heading", "paragraph", "bulletListItem", "bulletListItem"]);
        assert_eq!(made[1]["content"][1]["styles"]["bold"], true);
        assert_eq!(made[1]["content"][3]["href"], "https://x.y");
    }
}
