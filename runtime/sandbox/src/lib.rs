#![doc = include_str!("../README.md")]

mod answer;
mod auth;
mod clock;
mod engine;
mod faults;
mod files;
mod filter;
mod fingerprint;
mod graphql;
mod http;
mod listing;
mod metadata;
mod options;
mod problem;
mod rate;
mod records;
mod rest;
mod schema;
mod seed;
mod server;
mod sql;
mod store;
mod values;
mod workflows;

pub use options::{Faults, RateLimit, SandboxError, SandboxOptions, TwentyVersion};
pub use server::{Sandbox, start};
