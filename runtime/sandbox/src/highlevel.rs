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

use crate::{System, Wanted};

/// The sandbox as it is registered.
pub(crate) const SYSTEM: System = System {
    name: "highlevel",
    title: "HighLevel",
    about: "HighLevel, one location, in v3 and the versions before it",
    options: &["lag", "daily", "location", "before", "without-scope"],
    settings: &[("location", LOCATION)],
    // Seconds after which a search of a rehearsal proves that nothing is there.
    defaults: &[("settle", "2")],
    start: |wanted| Box::pin(start(options(wanted))),
};

/// The usual location.
const LOCATION: &str = "SandboxLocation00001";

fn options(wanted: Wanted) -> Options {
    let usual = Options::default();
    let Wanted { state, port, rate, daily, latency, faults, people, lag, location, before, without_scopes, .. } =
        wanted;
    let (lag, location) = (lag.unwrap_or(usual.lag), location.unwrap_or(usual.location));
    Options { state, port, rate, daily, latency, faults, lag, location, before, users: people, without_scopes }
}
