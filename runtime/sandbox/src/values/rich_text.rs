//! Rich text: Markdown to the blocks that the editor shows, and back.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The stored form: what was sent, and the other half made from it.
pub(crate) fn rich_text(parts: &Map<String, Value>) -> Value {
    let part = |key: &str| parts.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (part("markdown"), part("blocknote")) {
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
    }
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
    for line in markdown.lines() {
        let trimmed = line.trim();
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
            None => paragraph.push(trimmed),
        }
    }
    flush(&mut paragraph, &mut made);
    Value::Array(made)
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

/// Bold text and links; everything else stays as it is.
fn inline(text: &str) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let bold = rest.find("**");
        let link = rest.find('[');
        let next = [bold, link].into_iter().flatten().min();
        let Some(start) = next else { break };
        let (before, from) = rest.split_at(start);
        let Some((part, after)) = bold_part(from).or_else(|| link_part(from)) else {
            break;
        };
        if !before.is_empty() {
            parts.push(plain(before));
        }
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(plain(rest));
    }
    parts
}

fn plain(text: &str) -> Value {
    json!({"type": "text", "text": text, "styles": {}})
}

fn bold_part(text: &str) -> Option<(Value, &str)> {
    let (bold, after) = text.strip_prefix("**")?.split_once("**")?;
    Some((json!({"type": "text", "text": bold, "styles": {"bold": true}}), after))
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
    fn markdown_becomes_blocks_of_the_recorded_kinds() {
        let made = blocks("# Heading\n\nHello **bold** and [link](https://x.y)\n\n- a\n- b\n");
        let kinds: Vec<&str> = made.as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["heading", "paragraph", "bulletListItem", "bulletListItem"]);
        assert_eq!(made[1]["content"][1]["styles"]["bold"], true);
        assert_eq!(made[1]["content"][3]["href"], "https://x.y");
    }
}
