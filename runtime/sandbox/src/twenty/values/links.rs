//! Links: the origin in lower case, one slash at the end dropped, nothing added.

use serde_json::{Map, Value, json};
use url::Url;

use crate::twenty::problem::Problem;

/// The stored form of a LINKS value.
pub(crate) fn links(old: bool, parts: &Map<String, Value>) -> Result<Value, Problem> {
    let part = |key: &str| parts.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut url = link(part("primaryLinkUrl"))?;
    let mut label = part("primaryLinkLabel").to_owned();
    let listed = match parts.get("secondaryLinks") {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut secondary = Vec::new();
    for item in &listed {
        let part = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
        let kept = link(part("url"))?;
        if !kept.is_empty() {
            secondary.push((kept, part("label").to_owned()));
        }
    }
    if url.is_empty() && !secondary.is_empty() {
        (url, label) = secondary.remove(0);
    }
    if !old && url.is_empty() && label.is_empty() && secondary.is_empty() {
        return Ok(Value::Null);
    }
    let list: Vec<Value> = secondary.iter().map(|(url, label)| json!({"url": url, "label": label})).collect();
    let unsent_label = old && label.is_empty() && !parts.contains_key("primaryLinkLabel");
    Ok(json!({
        "primaryLinkLabel": if unsent_label { Value::Null } else { Value::String(label) },
        "primaryLinkUrl": url,
        "secondaryLinks": if old && list.is_empty() { Value::Null } else { Value::Array(list) },
    }))
}

/// One link in the server's form; empty text stays empty.
fn link(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let refuse = |_| Problem::coded("INVALID_URL", "The URL of the link is not valid");
    let has_scheme = text.contains("://") || text.starts_with("mailto:") || text.starts_with("tel:");
    let parsed = if has_scheme { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
    let parsed = parsed.map_err(refuse)?;
    let Some(host) = parsed.host_str() else {
        // The server joins an absent origin and the path: `mailto:x@y.z` is kept as `nullx@y.z`.
        return Ok(format!("null{}", parsed.path()));
    };
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = if has_scheme { format!("{}://", parsed.scheme()) } else { String::new() };
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = after_scheme.find(['/', '?', '#']).and_then(|start| after_scheme.get(start..)).unwrap_or_default();
    let whole = format!("{scheme}{host}{port}{rest}");
    Ok(whole.strip_suffix('/').unwrap_or(&whole).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::link;

    proptest! {
        #[test]
        fn a_normalised_link_stays_as_it_is(text in "(https?://)?[A-Za-z0-9-]{1,12}[.](example|org)(/[A-Za-z0-9]{0,5}){0,2}") {
            if let Ok(kept) = link(&text) {
                // One slash is dropped each time.
                let bare = kept.trim_end_matches('/');
                prop_assert_eq!(link(bare).ok(), Some(bare.to_owned()));
            }
        }
    }

    #[test]
    fn links_are_normalised_as_recorded() {
        for (given, kept) in [
            ("HTTP://ACME.example/", "http://acme.example"),
            ("acme.example", "acme.example"),
            ("https://Path.example/About/Us?x=1", "https://path.example/About/Us?x=1"),
            ("https://münchen.example", "https://xn--mnchen-3ya.example"),
            ("mailto:x@y.z", "nullx@y.z"),
        ] {
            assert_eq!(link(given).unwrap(), kept, "{given}");
        }
        assert_eq!(link("not a url").unwrap_err().code, Some("INVALID_URL"));
    }
}
