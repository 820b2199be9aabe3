//! Resolver of host names that lets only public addresses through.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::address::is_public;
use crate::BoxFuture;

/// Finds the addresses of a name.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Finds a host's addresses once, and lets only public ones through; the connection is made to these. A host that is written as an address does not come by here.
pub(super) struct Gate {
    pub(super) lookup: Lookup,
    pub(super) is_open: fn(IpAddr) -> bool,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// A name leads to an address that is not public.
#[derive(Clone, Copy, Debug, Error)]
#[error("{address} is not a public address")]
pub(super) struct NotPublic {
    pub(super) address: IpAddr,
}

impl Gate {
    /// The system's way to find addresses.
    pub(super) fn system() -> Self {
        let lookup = |name: String| -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        };
        Self { lookup: Arc::new(lookup), is_open: is_public }
    }
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, is_open) = (Arc::clone(&self.lookup), self.is_open);
        Box::pin(async move {
            let found = lookup(name.as_str().to_owned()).await?;
            // One that is not public is reason enough: a name with both kinds is a trap, or a mistake.
            if let Some(address) = found.iter().copied().find(|address| !is_open(*address)) {
                return Err(NotPublic { address }.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
