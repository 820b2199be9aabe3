//! The server's own reason, out of an answer's body: short, on one line, without secrets.

use serde_json::Value;

use crate::{Rate, Secret};

/// Longest reason that is passed on, in characters.
const LONGEST: usize = 300;

/// Why a server refused a request, as far as its body tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    /// On one line, cut short.
    pub(crate) message: String,
    /// The server's code.
    pub(crate) code: Option<String>,
}

/// The reason in a body: `messages`, `message`, GraphQL `errors`, else plain text; else nothing but the status.
pub(crate) fn reason(status: u16, body: &[u8], token: &Secret) -> Reason {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let Some(body) = parsed else {
        let text = std::str::from_utf8(body).unwrap_or_default();
        // A page of markup is a proxy's, and tells nothing in one line.
        let text = if text.trim_start().starts_with('<') { "" } else { text };
        return Reason { message: clean(status, text, token), code: None };
    };
    let code = text(body.get("code")).or_else(|| graphql_code(&body)).map(str::to_owned);
    let message = joined(body.get("messages"))
        .or_else(|| joined(body.get("message")))
        .or_else(|| {
            body.get("errors")
                .and_then(Value::as_array)
                .and_then(|errors| text(errors.first()?.get("message")).map(str::to_owned))
        })
        .or_else(|| joined(body.get("error")))
        .unwrap_or_default();
    Reason { message: clean(status, &message, token), code }
}

/// Whose page an answer is that no API of a destination gives: a refusal of its own is a JSON object with `statusCode`, `messages` or `errors`.
pub(crate) fn other_page(body: &[u8], server: Option<&str>) -> Option<String> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    if parsed.as_ref().is_some_and(|body| OWN.iter().any(|member| body.get(*member).is_some())) {
        return None;
    }
    let whose = server.map(|server| format!(" of `{server}`")).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    // Its own refusal, cut short.
    if parsed.is_none() && text.starts_with('{') && OWN.iter().any(|member| text.contains(&format!("\"{member}\""))) {
        return None;
    }
    Some(match parsed {
        Some(body) => match joined(body.get("message")).or_else(|| joined(body.get("error"))) {
            Some(message) => format!("a JSON answer{whose} that is none of the destination's, “{message}”"),
            None => format!("a JSON answer{whose} that is none of the destination's"),
        },
        None if text.is_empty() => format!("an empty answer{whose}"),
        None if text.starts_with('<') => match title(text) {
            Some(title) => format!("an HTML page{whose}, “{title}”"),
            None => format!("an HTML page{whose}"),
        },
        None => format!("a text{whose}, “{text}”"),
    })
}

/// Members of which a destination's own refusal has one.
const OWN: [&str; 3] = ["statusCode", "messages", "errors"];

/// The title of an HTML page.
fn title(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    let title = title.trim();
    (!title.is_empty() && !title.contains('<')).then_some(title)
}

/// The sub-code, else the code, of a GraphQL answer's first error. GraphQL answers 200 to everything.
pub(crate) fn graphql_code(body: &Value) -> Option<&str> {
    let extensions = body.get("errors")?.as_array()?.first()?.get("extensions")?;
    text(extensions.get("subCode")).or_else(|| text(extensions.get("code")))
}

/// `Limit reached (100 tokens per 60000 ms)`
pub(crate) fn stated_rate(message: &str) -> Option<Rate> {
    let (_, rest) = message.split_once('(')?;
    let (tokens, rest) = rest.split_once(" tokens per ")?;
    let (window, _) = rest.split_once(" ms")?;
    let requests = tokens.parse().ok().filter(|requests| *requests > 0)?;
    let milliseconds: u32 = window.parse().ok()?;
    Some(Rate { requests, per_seconds: milliseconds.div_ceil(1000).max(1), burst: None })
}

/// A text without the token, without what follows `token=`, on one line, cut short.
pub(crate) fn clean(status: u16, text: &str, token: &Secret) -> String {
    let mut shown = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        match word.split_once("token=") {
            Some((before, _)) => {
                shown.push_str(before);
                shown.push_str("token=***");
            }
            None => shown.push_str(word),
        }
    }
    if !token.is_empty() {
        shown = shown.replace(token.reveal(), "***");
    }
    if shown.is_empty() {
        return format!("HTTP {status} without a reason");
    }
    if let Some((cut, _)) = shown.char_indices().nth(LONGEST) {
        shown.truncate(cut);
        shown.push('…');
    }
    shown
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn joined(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reason, reason, stated_rate};
    use crate::{Rate, Secret};

    fn of(status: u16, body: &str) -> Reason {
        reason(status, body.as_bytes(), &Secret::new("SECRET"))
    }

    #[test]
    fn the_servers_words_are_found_in_every_form_of_answer() {
        for (body, message, code) in [
            (
                r#"{"statusCode":400,"error":"X","messages":["A duplicate entry was detected"]}"#,
                "A duplicate entry was detected",
                None,
            ),
            (
                r#"{"message":["type must be one","of these"],"error":"Bad Request"}"#,
                "type must be one; of these",
                None,
            ),
            (r#"{"messages":["bad +1"],"code":"INVALID_PHONE_NUMBER"}"#, "bad +1", Some("INVALID_PHONE_NUMBER")),
            (
                r#"{"errors":[{"message":"Limit reached","extensions":{"subCode":"LIMIT_REACHED","code":"BAD_USER_INPUT"}}]}"#,
                "Limit reached",
                Some("LIMIT_REACHED"),
            ),
            ("request entity too large", "request entity too large", None),
            ("<html><body>Bad gateway", "HTTP 502 without a reason", None),
        ] {
            let found = of(502, body);
            assert_eq!((found.message.as_str(), found.code.as_deref()), (message, code), "{body}");
        }
    }

    #[test]
    fn a_page_of_somebody_else_is_told_from_the_destinations_own_refusal() {
        for (body, page) in [
            (r#"{"statusCode":404,"messages":["Record not found"]}"#, None),
            (r#"{"errors":[{"message":"x"}]}"#, None),
            (r#"{"statusCode":400,"messages":["cut sho"#, None),
            (
                r#"{"message":"no Route matched with those values"}"#,
                Some("a JSON answer of `kong` that is none of the destination's, “no Route matched with those values”"),
            ),
            ("404 page not found", Some("a text of `kong`, “404 page not found”")),
            ("<html><head><title>Blocked</title></head>", Some("an HTML page of `kong`, “Blocked”")),
            ("", Some("an empty answer of `kong`")),
        ] {
            assert_eq!(super::other_page(body.as_bytes(), Some("kong")).as_deref(), page, "{body}");
        }
    }

    #[test]
    fn a_token_never_gets_into_a_reason() {
        let found = of(400, r#"{"message":"Bearer SECRET at http://h/f?token=abc.def is\nbad"}"#);
        assert_eq!(found.message, "Bearer *** at http://h/f?token=*** is bad");
    }

    #[test]
    fn a_reason_is_cut_short() {
        let found = of(400, &format!(r#"{{"message":"{}"}}"#, "ä".repeat(1000)));
        assert_eq!(found.message.chars().count(), 301);
    }

    #[test]
    fn the_limit_is_read_from_the_refusal() {
        assert_eq!(
            stated_rate("Limit reached (100 tokens per 60000 ms)"),
            Some(Rate { requests: 100, per_seconds: 60, burst: None })
        );
        assert_eq!(stated_rate("Too many requests"), None);
    }
}
