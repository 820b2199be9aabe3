//! Errors of fetching a file behind a link.

use std::net::IpAddr;

use thiserror::Error;

/// Why the file behind a link was not fetched. No text holds the link's path or query: they may be a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FetchError {
    /// The text is no address of the web.
    #[error("it is a link that cannot be followed ({why})")]
    Unusable {
        /// Why.
        why: String,
    },
    /// The link holds a name or password.
    #[error("the link holds a name or password, which is never sent; put the file into the export instead")]
    Userinfo,
    /// The specification does not name the host, or not this port of it.
    #[error(
        "it is a link to {host}, and the migration fetches nothing from there; add it to the source, `fetch = [\"{host}\"]`, or put the file into the export"
    )]
    NotNamed {
        /// The host, with its port where that is not the scheme's own.
        host: String,
    },
    /// The name leads into a private network.
    #[error(
        "{host} leads to {address}, an address within a private network, where no file is fetched by name; where that is meant, name the address itself in `fetch`"
    )]
    Private {
        /// The host.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// A host leads on to one that the specification does not name.
    #[error(
        "{host} leads on to {to}, and the migration fetches nothing from there; if that host is meant too, name it in `fetch`"
    )]
    Elsewhere {
        /// The host.
        host: String,
        /// Where it leads on to.
        to: String,
    },
    /// An encrypted link leads on to one that is not.
    #[error("{host} leads on to an address without encryption (`http://`), which is not followed")]
    Downgrade {
        /// The host.
        host: String,
    },
    /// The host leads on and on.
    #[error("{host} leads on and on; {most} times are followed")]
    Redirects {
        /// The host reached last.
        host: String,
        /// Number of times that it is followed.
        most: usize,
    },
    /// The host does not give it.
    #[error("{host} does not give it (HTTP {status})")]
    Refused {
        /// The host.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// The file is larger than the destination takes.
    #[error("it has more bytes than the destination takes ({most})")]
    TooLarge {
        /// The most.
        most: u64,
    },
    /// A web page came in its place.
    #[error("{host} gives a web page in place of the file; the link may have expired, or ask for a login")]
    Page {
        /// The host.
        host: String,
    },
    /// The bytes of the file are packed, though the request asked for them as they are.
    #[error("{host} sends it packed (`{coding}`), though it was asked for as it is")]
    Packed {
        /// The host.
        host: String,
        /// Coding in which they are packed.
        coding: String,
    },
    /// The file took too long.
    #[error("{host} did not give it within {seconds} s")]
    Slow {
        /// The host.
        host: String,
        /// Seconds that it was waited for.
        seconds: u64,
    },
    /// No usable answer, after every attempt.
    #[error("{host} gives no answer ({why})")]
    NoAnswer {
        /// The host.
        host: String,
        /// Answer or failure that came instead.
        why: String,
    },
    /// The file cannot be kept until it is sent.
    #[error("it cannot be kept on the disk until it is sent ({why})")]
    Disk {
        /// Why.
        why: String,
    },
}

impl FetchError {
    /// True where another attempt, later, may give the file.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Slow { .. } | Self::Disk { .. })
    }
}
