//! Arguments of `migr quarantine`.

use clap::{Args, Subcommand};

use super::{LiveArguments, ProjectArguments};

/// `migr quarantine`
#[derive(Clone, Debug, Args)]
pub(crate) struct QuarantineArguments {
    /// Action to carry out.
    #[command(subcommand)]
    pub(crate) action: QuarantineAction,
}

/// Action on the quarantine.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QuarantineAction {
    /// List the records that were quarantined, each with file, line, field and reason.
    List(QuarantineListArguments),
    /// Let them go, so that the next run tries them again.
    Retry(RetryArguments),
    /// Say whether a record is there of which nobody can tell (uncertain).
    Settle(SettleArguments),
}

/// `migr quarantine list`
#[derive(Clone, Debug, Args)]
pub(crate) struct QuarantineListArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    /// Those of the embedded sandbox.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Only those of this reason, such as Q202; `migr explain` tells what it means.
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `migr quarantine retry`
#[derive(Clone, Debug, Args)]
pub(crate) struct RetryArguments {
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// Only those of this map.
    #[arg(long, value_name = "MAP")]
    pub(crate) map: Option<String>,
}

/// `migr quarantine settle`
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("word").required(true))]
pub(crate) struct SettleArguments {
    /// The record's key in the source.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// The project.
    #[command(flatten)]
    pub(crate) live: LiveArguments,
    /// The map, where several have a record of that key.
    #[arg(long, value_name = "MAP")]
    pub(crate) map: Option<String>,
    /// Id of the record, which is there.
    #[arg(long, value_name = "ID", group = "word")]
    pub(crate) id: Option<String>,
    /// Take the record though it holds other values than were sent.
    #[arg(long, requires = "id")]
    pub(crate) as_it_is: bool,
    /// Word that it is not there: the next run sends it again.
    #[arg(long, group = "word")]
    pub(crate) create: bool,
}
