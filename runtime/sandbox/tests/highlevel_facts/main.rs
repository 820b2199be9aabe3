//! The facts of HighLevel, one for one, over a real HTTP port.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, its small functions too, and says on stderr what it left out"
)]

mod before;
mod contacts;
mod contract;
mod objects;
mod opportunities;
mod settled;
mod site;
mod transport;
mod undone;
