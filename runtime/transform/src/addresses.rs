//! E-mail addresses, links and domains.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use url::Url;

use crate::failure::Fault;

/// No longer address is delivered anywhere.
const LONGEST_EMAIL: usize = 254;

/// An e-mail address without blanks around it, in lower case, as the destinations compare it.
pub(crate) fn email(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    let trimmed = valid_email(text)?;
    Ok(crate::text::lower(trimmed))
}

/// An e-mail address without blanks around it, in its own case.
pub(crate) fn valid_email(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    let address = text.trim();
    if address.len() > LONGEST_EMAIL {
        return Err(Fault::of(text, "is longer than an e-mail address can be (254 characters)"));
    }
    let options = Options::default().without_display_text().without_domain_literal();
    if !is_plain_email(address) && EmailAddress::parse_with_options(address, options).is_err() {
        return Err(Fault::of(text, "is not an e-mail address"));
    }
    Ok(crate::text::trim(text))
}

/// The usual kind of address; the rest is left to the full rules.
fn is_plain_email(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let is_label = |label: &str| {
        let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        label.len() <= 63
            && is_edge(label.bytes().next())
            && is_edge(label.bytes().next_back())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'\''))
    };
    local.len() <= 64
        && domain.len() <= 253
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// An address of the web, complete: `acme.example/about` becomes `https://acme.example/about`. The host is in lower case and in ASCII, a path that is only
/// `/` is left out.
pub(crate) fn url(text: &str) -> Result<String, Fault> {
    let parsed = parse(text)?;
    let mut shown = String::from(parsed.as_str());
    if parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none() {
        shown.pop();
    }
    Ok(shown)
}

/// The site of an address of the web, always in the same form: `https://www.Acme.example/about` and `acme.example` both become `https://acme.example`.
pub(crate) fn domain(text: &str) -> Result<String, Fault> {
    let trimmed = text.trim();
    if let Some(host) = plain_host(trimmed) {
        return Ok(format!("https://{host}"));
    }
    let parsed = parse(text)?;
    let host = parsed.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host);
    Ok(match parsed.port() {
        Some(port) => format!("https://{host}:{port}"),
        None => format!("https://{host}"),
    })
}

/// True where an address of the web holds more than its site: a path, a question or a place in the page.
pub(crate) fn has_more_than_site(text: &str) -> bool {
    let trimmed = text.trim();
    let behind = trimmed.split_once("://").map_or(trimmed, |(_, behind)| behind);
    behind
        .find(['/', '?', '#'])
        .and_then(|at| behind.get(at..))
        .is_some_and(|rest| rest.chars().any(char::is_alphanumeric))
}

/// The host of an address that needs no rewriting.
fn plain_host(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let host = rest.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(rest);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with(['-', 'x'])
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let top = host.rsplit('.').next()?;
    let is_name = host.contains('.') && host.len() <= 253 && top.starts_with(|first: char| first.is_ascii_lowercase());
    (is_name && host.split('.').all(is_label)).then_some(host)
}

fn parse(text: &str) -> Result<Url, Fault> {
    let not = || Fault::of(text, "is not an address of the web");
    let trimmed = text.trim();
    if trimmed.chars().any(char::is_whitespace) || trimmed.contains(char::is_control) {
        return Err(not());
    }
    let has_scheme = trimmed.contains("://");
    let whole = if has_scheme { Cow::Borrowed(trimmed) } else { Cow::Owned(format!("https://{trimmed}")) };
    let parsed = Url::parse(&whole).map_err(|_| not())?;
    let is_web =
        matches!(parsed.scheme(), "http" | "https") && parsed.username().is_empty() && parsed.password().is_none();
    let is_named = matches!(parsed.host(), Some(url::Host::Domain(name)) if name.trim_end_matches('.').contains('.') || has_scheme);
    let is_named = is_named || has_scheme && matches!(parsed.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)));
    let is_one = names_one_host(&parsed) && !holds_another(trimmed);
    if is_web && is_named && is_one { Ok(parsed) } else { Err(not()) }
}

/// False where a host has signs that no name has: `a.example;b.example` are two.
fn names_one_host(parsed: &Url) -> bool {
    match parsed.host() {
        Some(url::Host::Domain(name)) => {
            name.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_'))
        }
        _ => true,
    }
}

/// True where another address follows behind a separator.
fn holds_another(text: &str) -> bool {
    [';', ',', '|']
        .iter()
        .any(|sign| text.split(*sign).skip(1).any(|rest| rest.starts_with("http://") || rest.starts_with("https://")))
}

/// The form in which Twenty compares links: scheme and path as they are, the host in lower case and in ASCII, no `/` at the end.
pub(crate) fn comparable_link(text: &str) -> String {
    let trimmed = text.trim();
    let (scheme, rest) = match trimmed.split_once("://") {
        Some((scheme, rest)) => (format!("{}://", scheme.to_ascii_lowercase()), rest),
        None => (String::new(), trimmed),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = url::Host::parse(host).map_or_else(|_| host.to_lowercase(), |host| host.to_string());
    format!("{scheme}{host}{}", path.strip_suffix('/').unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_holds_besides_its_site_is_seen() {
        for (text, has_more) in [
            ("https://acme.example", false),
            ("acme.example/", false),
            ("https://acme.example:8443/", false),
            ("https://acme.example/about", true),
            ("acme.example?ref=7", true),
            ("acme.example/#team", true),
        ] {
            assert_eq!(has_more_than_site(text), has_more, "{text}");
        }
    }

    #[test]
    fn two_addresses_in_one_cell_are_none() {
        for text in [
            "www.x.example;www.y.example",
            "a.example,b.example",
            "https://a.example/x;https://b.example/y",
            "a.example|http://b.example",
        ] {
            assert!(url(text).is_err() && domain(text).is_err(), "{text}");
        }
        for text in
            ["https://a.example/x;y=1,2", "https://web.example/web/2020/https://b.example/", "https://a_b.example"]
        {
            assert!(url(text).is_ok(), "{text}");
        }
    }

    fn emailed(text: &str) -> Result<String, String> {
        email(Cow::Borrowed(text)).map(Cow::into_owned).map_err(|fault| fault.reason(false))
    }

    #[test]
    fn addresses_are_trimmed_and_lowered() {
        assert_eq!(emailed(" Ada.Lovelace.1@Clinic.EXAMPLE "), Ok("ada.lovelace.1@clinic.example".to_owned()));
        assert_eq!(emailed("root@localhost"), Ok("root@localhost".to_owned()));
        assert_eq!(emailed("josé@clínica.example"), Ok("josé@clínica.example".to_owned()));
        assert_eq!(emailed("o'brien@clinic.example"), Ok("o'brien@clinic.example".to_owned()));
    }

    #[test]
    fn what_is_no_address_fails() {
        for text in [
            "ada",
            "ada@",
            "@clinic.example",
            "a b@clinic.example",
            "a@b@c.example",
            "Ada <ada@clinic.example>",
            "a..b@c.example",
            "a@-b.example",
            "a@[127.0.0.1]",
            "a,b@c.example",
        ] {
            assert_eq!(emailed(text), Err(format!("{text:?} is not an e-mail address")), "{text}");
        }
        let long = format!("{}@clinic.example", "a".repeat(250));
        assert!(emailed(&long).unwrap_err().ends_with("is longer than an e-mail address can be (254 characters)"));
    }

    #[test]
    fn a_site_has_one_form() {
        for text in [
            "https://www.clinic3.example/",
            "clinic3.example",
            "http://CLINIC3.example/about?x=1",
            "www.clinic3.example",
            " clinic3.example/ ",
        ] {
            assert_eq!(domain(text).unwrap(), "https://clinic3.example", "{text}");
        }
        assert_eq!(domain("bücher.example").unwrap(), "https://xn--bcher-kva.example");
        assert_eq!(domain("clinic.example:8443").unwrap(), "https://clinic.example:8443");
        assert_eq!(domain("www.com").unwrap(), "https://www.com");
        for text in [
            "clinic",
            "n/a",
            "a b.example",
            "ada@clinic.example",
            "ftp://clinic.example",
            "https://",
            "javascript:alert(1)",
            "1.2",
        ] {
            assert!(domain(text).is_err(), "{text}: {:?}", domain(text));
        }
    }

    #[test]
    fn an_address_keeps_its_path() {
        assert_eq!(url("Acme.example/About?x=1#y").unwrap(), "https://acme.example/About?x=1#y");
        assert_eq!(url("http://acme.example/").unwrap(), "http://acme.example");
    }

    #[test]
    fn links_compare_as_twenty_does() {
        assert_eq!(comparable_link("HTTPS://Acme.Example/"), "https://acme.example");
        assert_eq!(comparable_link("acme.example"), "acme.example");
        assert_eq!(comparable_link("https://acme.example/About/"), "https://acme.example/About");
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_gives_what_the_full_rules_give(text in "(https?://)?(www\\.)?[a-z0-9-]{1,8}(\\.[a-zA-Z0-9-]{1,6}){0,3}/?") {
            if let Some(host) = plain_host(&text) {
                let parsed = parse(&text).unwrap();
                let full = parsed.host_str().unwrap();
                proptest::prop_assert_eq!(host, full.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(full));
            }
        }

        #[test]
        fn a_plain_address_passes_the_full_rules(text in "[a-zA-Z0-9._+'-]{1,12}@[a-zA-Z0-9.-]{1,12}") {
            if is_plain_email(&text) {
                proptest::prop_assert!(EmailAddress::is_valid(&text), "{}", text);
            }
        }

        #[test]
        fn a_form_reached_is_kept(text in "(https?://)?[a-zA-Z0-9.-]{1,12}(:[0-9]{1,4})?(/[a-z?#]{0,4})?") {
            if let Ok(site) = domain(&text) {
                proptest::prop_assert_eq!(domain(&site).unwrap(), site);
            }
            if let Ok(address) = url(&text) {
                proptest::prop_assert_eq!(url(&address).unwrap(), address);
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (email(Cow::Borrowed(&text)), url(&text), domain(&text), comparable_link(&text));
        }
    }
}
