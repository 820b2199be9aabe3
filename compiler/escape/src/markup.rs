//! HTML and XML.

use crate::deceptive::push;
use crate::is_deceptive;

/// Text between tags or in a quoted attribute of HTML. Line ends become spaces.
pub fn html(text: &str) -> String {
    escaped(text, |character, safe| match character {
        '\n' | '\r' | '\t' => safe.push(' '),
        '\'' => safe.push_str("&#39;"),
        character => push(character, is_deceptive(character), safe),
    })
}

/// Text between tags or in an attribute of XML and SVG; lines stay.
pub fn xml(text: &str) -> String {
    escaped(text, |character, safe| match character {
        '\n' | '\t' => safe.push(character),
        character => push(character, is_deceptive(character) || matches!(character, '\u{fffe}' | '\u{ffff}'), safe),
    })
}

fn escaped(text: &str, other: impl Fn(char, &mut String)) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Printed to a CI system's log, a line that begins with `::`, or `##[` anywhere, would be a command.
            ':' if safe.ends_with(':') => safe.push_str("&#58;"),
            '#' if safe.ends_with('#') => safe.push_str("&#35;"),
            character => other(character, &mut safe),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use html5ever::tendril::TendrilSink as _;
    use markup5ever_rcdom::{Handle, NodeData, RcDom};
    use proptest::prelude::*;

    use super::*;
    use crate::deceptive::written_out;

    /// Elements and texts below a node.
    fn walk(node: &Handle, elements: &mut Vec<String>, text: &mut String) {
        match &node.data {
            NodeData::Element { name, attrs, .. } => {
                elements.push(name.local.to_string());
                for attribute in attrs.borrow().iter() {
                    text.push_str(&attribute.value);
                }
            }
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. } => elements.push("other".to_owned()),
            _ => {}
        }
        for child in node.children.borrow().iter() {
            walk(child, elements, text);
        }
    }

    proptest! {
        #[test]
        fn a_value_is_one_text_of_a_page(text in "[<>&\"'a/= ;#:x!\u{202e}\u{1b}\n-]{0,24}") {
            let page = format!("<!doctype html><html><head></head><body><p title=\"{0}\">{0}</p></body></html>", html(&text));
            let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(page.clone());
            let (mut elements, mut read) = (Vec::new(), String::new());
            walk(&dom.document, &mut elements, &mut read);
            let seen = written_out(&text, &['\n']).replace('\n', " ");
            prop_assert_eq!(elements, ["html", "head", "body", "p"], "{}", page);
            prop_assert_eq!(read, format!("{seen}{seen}"), "{}", page);
        }

        #[test]
        fn a_value_is_one_text_of_a_document(text in "[<>&\"'a/= ;#:x!\u{202e}\u{1b}\n\u{ffff}\\]-]{0,24}") {
            let document = format!("<a b=\"{0}\">{0}</a>", xml(&text));
            let read = roxmltree::Document::parse(&document).unwrap();
            let seen = written_out(&text, &['\n']).replace('\u{ffff}', "\\u{ffff}");
            prop_assert_eq!(read.root_element().text().unwrap_or_default(), &seen);
            prop_assert_eq!(read.root_element().attribute("b").unwrap(), seen.replace('\n', " "));
            prop_assert_eq!(read.descendants().filter(roxmltree::Node::is_element).count(), 1);
        }
    }
}
