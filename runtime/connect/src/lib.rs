#![doc = include_str!("../README.md")]

mod files;
mod highlevel;
mod twenty;

pub use files::{FILE_START, FileFitness, FileRule};

use migr_load::{Connector, Destination, Endpoint, HttpOptions, LoadError};
use migr_plan::Plan;

/// The connectors of this program. A new one is a line here and a folder beside the others.
const CONNECTORS: &[&Connector] = &[&highlevel::CONNECTOR, &twenty::CONNECTOR];

/// The connector of a name.
pub fn connector(name: &str) -> Option<&'static Connector> {
    CONNECTORS.iter().copied().find(|connector| connector.name == name)
}

/// The destination that a plan names, at an address. Nothing is sent yet.
pub fn connect(plan: &Plan, endpoint: Endpoint, options: HttpOptions) -> Result<Box<dyn Destination>, LoadError> {
    let name = plan.destination.connector.as_str();
    let Some(connector) = connector(name) else {
        let known: Vec<&str> = CONNECTORS.iter().map(|connector| connector.name).collect();
        return Err(LoadError::NoConnector { connector: name.to_owned(), known: known.join("`, `") });
    };
    (connector.open)(plan, endpoint, options)
}
