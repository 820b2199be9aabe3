//! The hosts that a source's files may be fetched from.

use std::net::IpAddr;
use std::str::FromStr as _;

use migr_diagnostics::{Code, Diagnostics};
use migr_plan::HostPattern;
use migr_source::Span;
use migr_syntax::ast::{Expr, Expression};

use crate::errors;

/// Example of hosts, for the help of a finding.
const EXAMPLE: &str = "write `fetch = [\"files.example.com\", \"*.cdn.example\"]`, with `:8443` behind a host where the port is not 80 or 443";

/// The hosts of `fetch = […]`; one that cannot be right is reported and left out.
pub(crate) fn read(value: &Expr, diagnostics: &mut Diagnostics) -> Vec<(HostPattern, Span)> {
    let mut hosts: Vec<(HostPattern, Span)> = Vec::new();
    let mut add = |one: &Expr, diagnostics: &mut Diagnostics| match &one.node {
        Expression::Text(text) => match host(text.trim()) {
            Ok(host) => match hosts.iter().find(|(known, _)| *known == host) {
                None => hosts.push((host, one.span)),
                Some((_, first)) => diagnostics.push(
                    errors::duplicate(Code::E0202, &format!("host `{text}`"), one.span, *first)
                        .with_help("name a host once"),
                ),
            },
            Err(why) => {
                diagnostics.push(errors::bad_value(format!("`{text}` is no host: {why}"), one.span, EXAMPLE));
            }
        },
        Expression::Error => {}
        _ => diagnostics.push(errors::bad_value("`fetch` is a list of hosts", one.span, EXAMPLE)),
    };
    match &value.node {
        Expression::List(items) => items.iter().for_each(|item| add(item, diagnostics)),
        _ => add(value, diagnostics),
    }
    hosts
}

/// A host as it is written; else why it is none.
fn host(written: &str) -> Result<HostPattern, &'static str> {
    if written.contains("://") || written.contains(['/', '?', '#', '@']) {
        return Err("it is written without `https://`, without a name before it and without a path behind it");
    }
    let (name, port) = split_port(written).ok_or("the port behind `:` is not a number from 1 to 65535")?;
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = IpAddr::from_str(bare) {
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::from([255, 255, 255, 255]) {
            return Err("no computer has this address");
        }
        return Ok(HostPattern { host: address.to_string(), subdomains: false, port });
    }
    let (name, subdomains) = name.strip_prefix("*.").map_or((name, false), |name| (name, true));
    if name.contains('*') {
        return Err("`*.` stands before a name only, for all names that end in it");
    }
    if !name.is_ascii() {
        return Err("letters beyond a to z are written in the form that begins with `xn--`");
    }
    let name = name.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = name.split('.').count();
    if name.len() > 253 || !name.split('.').all(is_label) || name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
    {
        return Err("a name is made of letters, digits and `-`, with dots between");
    }
    if subdomains && labels < 2 {
        return Err("all names of one ending are too many; name the domain, `*.example.com`");
    }
    Ok(HostPattern { host: name, subdomains, port })
}

/// A host and its port; `None` where the port is none.
fn split_port(written: &str) -> Option<(&str, Option<u16>)> {
    // An address of version 6 without brackets has colons of its own.
    let is_bare_address = std::net::Ipv6Addr::from_str(written).is_ok();
    match written.rsplit_once(':') {
        Some((host, port)) if !is_bare_address && !port.ends_with(']') => {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            port.parse().ok().filter(|port| is_number && *port > 0).map(|port| (host, Some(port)))
        }
        _ => Some((written, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, &'static str> {
        host(text).map(|host| format!("{} {} {:?}", host.host, host.subdomains, host.port))
    }

    #[test]
    fn hosts_are_names_and_addresses_with_or_without_a_port() {
        for (text, host) in [
            ("files.Example.com", "files.example.com false None"),
            ("*.cdn.example", "cdn.example true None"),
            ("files.example.com:8443", "files.example.com false Some(8443)"),
            ("127.0.0.1:9000", "127.0.0.1 false Some(9000)"),
            ("[::1]:9000", "::1 false Some(9000)"),
            ("2001:db8::1", "2001:db8::1 false None"),
            ("nas", "nas false None"),
        ] {
            assert_eq!(read(text), Ok(host.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_reason() {
        let wrong = [
            "https://files.example.com",
            "me@files.example.com",
            "files.example.com/a",
            "",
            "*",
            "*.com",
            "a.*.com",
            "files..com",
            "-a.com",
            "files.example.com:0",
            "files.example.com:99999",
            "files.example.com:+80",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "bücher.example",
            "10.1",
            "a b.com",
        ];
        for text in wrong {
            let why = read(text).expect_err(text);
            assert!(!why.is_empty(), "{text}");
        }
    }
}
