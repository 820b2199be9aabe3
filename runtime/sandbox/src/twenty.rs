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
