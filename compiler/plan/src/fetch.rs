//! Hosts that files may be fetched from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Origin;

/// A host that files may be fetched from, as a specification names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FetchHost {
    /// Which.
    #[serde(flatten)]
    pub pattern: HostPattern,
    /// Where it is written.
    pub origin: Origin,
}

/// `files.example.com`, `*.cdn.example`, `127.0.0.1:9000`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostPattern {
    /// A name in small letters, or an address without brackets.
    pub host: String,
    /// True where the pattern covers every name that ends in the host, and not the host itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subdomains: bool,
    /// The one port; absent: 80 and 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl HostPattern {
    /// True where the pattern lets a host be asked at a port. The host is a name in small letters, or an address without brackets.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_host = if self.subdomains {
            host.strip_suffix(self.host.as_str()).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
        } else {
            host == self.host
        };
        is_host && self.port.map_or(matches!(port, 80 | 443), |own| own == port)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        if self.subdomains {
            write!(f, "*.{host}")?;
        } else if host.contains(':') {
            write!(f, "[{host}]")?;
        } else {
            write!(f, "{host}")?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::HostPattern;

    #[test]
    fn a_pattern_covers_its_host_at_the_ports_of_the_web_or_at_its_own() {
        let covers = |pattern: (&str, bool, Option<u16>), host: &str, port: u16| {
            HostPattern { host: pattern.0.to_owned(), subdomains: pattern.1, port: pattern.2 }.covers(host, port)
        };
        let name = ("a.example", false, None);
        assert!(covers(name, "a.example", 443) && covers(name, "a.example", 80) && covers(name, "a.example.", 443));
        for (host, port) in [("a.example", 8080), ("b.a.example", 443), ("xa.example", 443), ("a.example.evil", 443)] {
            assert!(!covers(name, host, port), "{host}:{port}");
        }
        let below = ("a.example", true, None);
        assert!(covers(below, "b.a.example", 443) && covers(below, "c.b.a.example", 443));
        for host in ["a.example", ".a.example", "xa.example", "a.example.evil"] {
            assert!(!covers(below, host, 443), "{host}");
        }
        let port = ("127.0.0.1", false, Some(9000));
        assert!(covers(port, "127.0.0.1", 9000) && !covers(port, "127.0.0.1", 80));
    }
}
