//! Links in cells: which of them may be followed, and how they are shown.

use migr_plan::{FetchHost, HostPattern};
use url::{Host, Url};

use super::FetchError;

/// True where a cell holds an address of the web in place of a path.
pub fn is_link(cell: &str) -> bool {
    let begins = |with: &str| cell.trim_start().get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("http://") || begins("https://")
}

/// The host and port that a link leads to; none where it cannot be read.
pub fn link_host(link: &str) -> Option<(String, u16)> {
    let url = Url::parse(link.trim()).ok()?;
    Some((host_of(&url)?, url.port_or_known_default()?))
}

/// A link without what may be a key: name, password, query and fragment. Other texts as they stand.
pub fn shown_link(text: &str) -> String {
    if !is_link(text) {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text.trim()) else {
        return "a link that cannot be read".to_owned();
    };
    let more = if url.query().is_some() || url.fragment().is_some() { "?…" } else { "" };
    url.set_query(None);
    url.set_fragment(None);
    // Both can only fail where there is no host, and then there is nothing to take out.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    format!("{url}{more}")
}

/// Checks that a link may be followed, as far as it can be told without asking anyone.
pub fn check_link(link: &str, hosts: &[FetchHost]) -> Result<(), FetchError> {
    judge(link, hosts.iter().map(|host| &host.pattern)).map(drop)
}

/// A link that may be followed, as far as its text says.
pub(super) fn judge<'h>(link: &str, hosts: impl IntoIterator<Item = &'h HostPattern>) -> Result<Url, FetchError> {
    let unusable = |why: &str| FetchError::Unusable { why: why.to_owned() };
    if link.len() > 8_000 {
        return Err(unusable("it is longer than an address may be"));
    }
    let url = Url::parse(link.trim()).map_err(|error| unusable(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable("it begins with neither `https://` nor `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Userinfo);
    }
    let (Some(host), Some(port)) = (host_of(&url), url.port_or_known_default()) else {
        return Err(unusable("it names no host"));
    };
    if hosts.into_iter().any(|pattern| pattern.covers(&host, port)) {
        Ok(url)
    } else {
        Err(FetchError::NotNamed { host: place(&url) })
    }
}

/// A link's host, with its port where that is not the scheme's own; for people, and for `fetch`.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().filter(|port| !matches!(port, 80 | 443)).map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn host_of(url: &Url) -> Option<String> {
    Some(match url.host()? {
        Host::Domain(name) => name.to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    })
}
