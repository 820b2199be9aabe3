//! The one form in which records are told apart by a composite, however a person spelt it: a site by its host, a telephone number with its country.

use migr_transform::Country;
use serde_json::Value;

use super::normal::{identity, link};

/// The field that holds the site of a company.
const SITE: &str = "domainName";
/// Hosts that many share: below them it is the path that tells them apart.
const SHARED: [&str; 18] = [
    "booking.com",
    "etsy.com",
    "facebook.com",
    "github.com",
    "goo.gl",
    "google.com",
    "instagram.com",
    "linkedin.com",
    "linktr.ee",
    "medium.com",
    "pinterest.com",
    "sites.google.com",
    "t.me",
    "tiktok.com",
    "twitter.com",
    "x.com",
    "yelp.com",
    "youtube.com",
];
/// Beginnings that may stand before a host.
const SPELLINGS: [&str; 6] = ["https://", "http://", "https://www.", "http://www.", "", "www."];

/// The value by which a record is told from others, of a field or of a part of it; none when empty.
pub(super) fn matched(field: &str, native: &str, part: Option<&str>, value: &Value) -> Option<String> {
    match (native, part) {
        ("LINKS", None | Some("primaryLinkUrl")) => {
            let given = value.get("primaryLinkUrl").and_then(Value::as_str).unwrap_or_default();
            (!given.trim().is_empty()).then(|| place(given, field == SITE))
        }
        ("PHONES", None | Some("primaryPhoneNumber")) => {
            let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
            let code = Country::new(&text("primaryPhoneCountryCode").to_ascii_uppercase())
                .and_then(|country| country.calling_code())
                .filter(|_| text("primaryPhoneCallingCode").is_empty());
            match code {
                Some(code) => {
                    let whole = serde_json::json!({
                        "primaryPhoneNumber": text("primaryPhoneNumber"),
                        "primaryPhoneCallingCode": format!("+{code}"),
                    });
                    identity("PHONES", None, &whole)
                }
                None => identity("PHONES", None, value),
            }
        }
        (native, part) => identity(native, part, value),
    }
}

/// Scheme and `www.` are one; of a site the path too, unless many share its host.
fn place(given: &str, is_site: bool) -> String {
    let kept = link(given).unwrap_or_else(|| given.trim().to_owned());
    let bare = kept.split_once("://").map_or(kept.as_str(), |(_, rest)| rest);
    let bare = bare.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(bare);
    let (host, path) = match bare.find(['/', '?', '#']) {
        Some(at) => bare.split_at(at),
        None => (bare, ""),
    };
    let path = if is_site && !SHARED.contains(&host) { "" } else { path.trim_end_matches('/') };
    format!("https://{host}{path}")
}

/// True where a value of this field may mean records of other paths.
pub(super) fn is_site(field: &str) -> bool {
    field == SITE
}

/// Every spelling that a value in the one form may have, paths apart.
pub(super) fn spellings(value: &str) -> Vec<String> {
    let bare = value.strip_prefix("https://").unwrap_or(value);
    SPELLINGS.iter().map(|before| format!("{before}{bare}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{matched, place, spellings};

    #[test]
    fn a_company_is_found_however_its_site_is_spelt() {
        for given in
            ["d.example", "http://d.example", "https://www.D.example/", "https://d.example/about?x=1", "www.d.example"]
        {
            assert_eq!(place(given, true), "https://d.example", "{given}");
        }
        assert_eq!(place("https://www.facebook.com/one", true), "https://facebook.com/one");
        assert_eq!(place("http://linkedin.com/in/ada/", false), "https://linkedin.com/in/ada");
        assert_eq!(place("https://d.example/a", false), "https://d.example/a");
        let site = |url: &str| matched("domainName", "LINKS", None, &json!({"primaryLinkUrl": url}));
        assert_eq!(site(""), None);
        assert_eq!(site("http://d.example/x").as_deref(), Some("https://d.example"));
        assert!(spellings("https://d.example").contains(&"http://www.d.example".to_owned()));
    }

    #[test]
    fn a_telephone_number_is_one_with_its_country_or_its_calling_code() {
        let by = |value: serde_json::Value| matched("phones", "PHONES", None, &value);
        let whole = by(json!({"primaryPhoneNumber": "+12025550199"}));
        assert_eq!(whole.as_deref(), Some("+12025550199"));
        assert_eq!(by(json!({"primaryPhoneNumber": "2025550199", "primaryPhoneCallingCode": "+1"})), whole);
        assert_eq!(by(json!({"primaryPhoneNumber": "(202) 555-0199", "primaryPhoneCountryCode": "US"})), whole);
    }

    #[test]
    fn an_address_is_one_in_any_case() {
        let by = |text: &str| matched("emails", "EMAILS", Some("primaryEmail"), &json!({"primaryEmail": text}));
        assert_eq!(by("Ada@Acme.example"), by("ada@acme.EXAMPLE"));
    }
}
