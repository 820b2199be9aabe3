//! Errors of the traffic with a destination.

use jiff::Timestamp;
use thiserror::Error;

/// Error between us and a destination. Texts carry the server's reason, cut short, never a body, a token or a query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// A setting that cannot be used.
    #[error("{what}")]
    Settings {
        /// Fault of the setting.
        what: String,
    },
    /// The plan names a connector that this program has not.
    #[error("there is no connector `{connector}`; this program has `{known}`")]
    NoConnector {
        /// Name of the connector.
        connector: String,
        /// Names of those that there are, between backticks.
        known: String,
    },
    /// The token was refused. Concerns every record.
    #[error("{url} refused the token ({status}): {message}. {help}, then run again; the run goes on where it stopped")]
    Unauthorized {
        /// Server, without path and query.
        url: String,
        /// HTTP status.
        status: u16,
        /// The server's reason.
        message: String,
        /// Advice: what a person does about it.
        help: String,
    },
    /// The token's role lacks a right that the plan needs. Concerns every record.
    #[error(
        "the role of the API key at {url} may not {what}: {message}. Nothing was concluded from it. Let an administrator give the role that right, or leave the field out of the migration, then run again; the run goes on where it stopped"
    )]
    Forbidden {
        /// Server, without path and query.
        url: String,
        /// `see people.jobTitle`
        what: String,
        /// The server's reason, or what shows it.
        message: String,
    },
    /// The allowance is used up for long. Concerns every record.
    #[error(
        "{url} lets no more requests through for {seconds} s: {message}. Run again later; the run goes on where it stopped"
    )]
    Quota {
        /// Server, without path and query.
        url: String,
        /// Seconds to wait.
        seconds: u64,
        /// The server's reason.
        message: String,
    },
    /// The requests that the plan allows in a long time are used up. Concerns every record.
    #[error(
        "the {allowance} that {url} is allowed are used up until {}. Run again then, or let `migr run --wait` do it; the run goes on where it stopped", until.strftime("%Y-%m-%d %H:%M UTC")
    )]
    Spent {
        /// Server, without path and query.
        url: String,
        /// `20000 requests per 24h`
        allowance: String,
        /// When the next request may go.
        until: Timestamp,
    },
    /// No usable answer after every attempt.
    #[error(
        "{url} gave no usable answer to {request} after {}: {why}. Run again when it answers; the run goes on where it stopped",
        times(*attempts)
    )]
    Unavailable {
        /// Server, without path and query.
        url: String,
        /// Method and path.
        request: String,
        /// Number of times that it was asked.
        attempts: u32,
        /// Answer or failure that came instead.
        why: String,
    },
    /// The server refused one request.
    #[error("{request} was refused ({status}): {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's reason.
        message: String,
        /// The server's code, where it gives one.
        code: Option<String>,
    },
    /// An answer that the connector does not understand.
    #[error(
        "{request} was answered in a form that this program does not know: {why}. Is this version of the destination supported?"
    )]
    Unexpected {
        /// Method and path.
        request: String,
        /// Part that is missing or wrong.
        why: String,
    },
    /// Another program before the destination answered in its place, or the destination refuses everything. Concerns
    /// every record.
    #[error(
        "{url} did not answer {request} itself: twice came {page} ({status}). That is no record's fault, so nothing was quarantined. Ask whoever runs what stands before the destination (a gateway, a firewall, its billing) to let these requests through, then run again; the run goes on where it stopped"
    )]
    Gateway {
        /// Server, without path and query.
        url: String,
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// Whose page it is and what it says, as far as it tells.
        page: String,
    },
    /// An answer that cannot be true, each time it was asked for. Concerns every record: nothing is concluded from it.
    #[error(
        "{request} was answered in a way that cannot be true: {why}. Nothing was concluded from it; run again when the destination answers whole, the run goes on where it stopped"
    )]
    Doubtful {
        /// Method and path.
        request: String,
        /// Answers that contradict each other.
        why: String,
    },
    /// Something that the live schema has not.
    #[error("the destination has no {what}; run `migr setup`, or look at the destination's data model")]
    Missing {
        /// `object widgets`, `field companies.phone`.
        what: String,
    },
    /// The schema was changed while records were written. Concerns every record.
    #[error(
        "the destination's data model was changed while records were written: {why}. `migr setup` makes what is missing; then run again: the run goes on where it stopped. Values that went with what was removed are listed by `migr verify`"
    )]
    SchemaMoved {
        /// The server's reason, without its full stop.
        why: String,
    },
    /// The metadata have not been read.
    #[error("the destination's metadata have not been read yet")]
    NoSchema,
    /// A file of the export that cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Name of the file.
        path: String,
        /// Why.
        why: String,
    },
}

impl LoadError {
    /// Words of the server, where the error quotes them.
    pub fn said(&mut self) -> Option<&mut String> {
        match self {
            Self::Unauthorized { message, .. }
            | Self::Forbidden { message, .. }
            | Self::Quota { message, .. }
            | Self::Refused { message, .. } => Some(message),
            Self::Unavailable { why, .. }
            | Self::Unexpected { why, .. }
            | Self::Doubtful { why, .. }
            | Self::SchemaMoved { why } => Some(why),
            Self::Gateway { page, .. } => Some(page),
            _ => None,
        }
    }

    /// True of an error that ends a request which is sent once, and says that the destination did nothing of it: it did not let it in, or was never reached.
    pub fn says_unsent(&self) -> bool {
        matches!(
            self,
            Self::Quota { .. }
                | Self::Spent { .. }
                | Self::Unauthorized { .. }
                | Self::Forbidden { .. }
                | Self::Unavailable { .. }
        )
    }

    /// True where the error concerns every record, or no request gets through: the run stops cleanly and can be
    /// resumed.
    pub fn stops_the_run(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::File { .. } | Self::Missing { .. } => false,
            Self::Settings { .. }
            | Self::NoConnector { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Quota { .. }
            | Self::Spent { .. }
            | Self::Unavailable { .. }
            | Self::Unexpected { .. }
            | Self::Gateway { .. }
            | Self::Doubtful { .. }
            | Self::SchemaMoved { .. }
            | Self::NoSchema => true,
        }
    }
}

/// `1 attempt`, `4 attempts`
fn times(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}
