//! Tests of the engine on a destination in memory, and of what its journal says of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::needless_pass_by_value, reason = "plans are put together of what is made on the spot")]

mod common;
mod later;
mod lost_answers;
mod run;
mod setup;
