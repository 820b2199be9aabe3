#![doc = include_str!("../README.md")]

mod clock;
mod faults;
pub mod highlevel;
mod http;
mod options;
mod server;
mod store;
mod system;
mod twenty;

pub use options::{Faults, RateLimit, SandboxError};
pub use server::Sandbox;
pub use system::{SYSTEMS, Starting, System, Wanted, system};
pub use twenty::{Role, SandboxOptions, TwentyVersion, start};
