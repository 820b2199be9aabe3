//! Twenty: a workspace of version 2.19 or 1.10, its schema in memory and its records in the store.

mod answer;
mod auth;
mod engine;
mod files;
mod filter;
mod fingerprint;
mod graphql;
mod listing;
mod metadata;
mod options;
mod problem;
mod rate;
mod records;
mod rest;
mod role;
mod schema;
mod seed;
mod server;
mod sql;
mod store;
mod values;
mod workflows;

pub use options::{SandboxOptions, TwentyVersion};
pub use role::Role;
pub use server::start;

use crate::{System, Wanted};

/// The sandbox as it is registered.
pub(crate) const SYSTEM: System = System {
    name: "twenty",
    title: "Twenty",
    about: "Twenty",
    options: &["workflows", "version"],
    settings: &[],
    defaults: &[],
    start: |wanted| Box::pin(start(options(wanted))),
};

fn options(wanted: Wanted) -> SandboxOptions {
    let Wanted { state, port, rate, latency, faults, people, workflows, version, .. } = wanted;
    let is_old = version.as_deref() == Some(TwentyVersion::V1_10.name());
    let version = if is_old { TwentyVersion::V1_10 } else { TwentyVersion::V2_19 };
    let members = people;
    SandboxOptions { state, port, rate, latency, faults, version, workflows, members, ..SandboxOptions::default() }
}
