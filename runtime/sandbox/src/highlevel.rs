//! HighLevel: one location behind its API, in version v3 and the ones before it.

mod appointments;
mod associations;
mod businesses;
mod calendars;
mod call;
mod clock;
mod contacts;
mod contents;
mod custom_fields;
mod files;
mod fingerprint;
mod index;
mod limits;
mod location;
mod notes;
mod object_fields;
mod objects;
mod opportunities;
mod options;
mod pipelines;
mod records;
mod refusal;
mod routes;
mod seed;
mod server;
mod shape;
mod shapes;
mod state;
mod tags;
mod tasks;
mod users;

pub use options::Options;
pub use server::start;
