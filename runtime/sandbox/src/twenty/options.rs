//! Options that a sandbox of Twenty is started with.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Faults, RateLimit};

/// The version of Twenty that a sandbox stands in for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TwentyVersion {
    /// Twenty 2.19 (July 2026).
    #[default]
    V2_19,
    /// Twenty 1.10 (December 2025).
    V1_10,
}

impl TwentyVersion {
    /// True for the older server.
    pub(crate) fn is_old(self) -> bool {
        self == Self::V1_10
    }

    /// The version as its vendor writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V2_19 => "2.19",
            Self::V1_10 => "1.10",
        }
    }
}

/// Options with which a sandbox is started.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The database file, created if absent. `None` keeps the state in memory.
    pub state: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The rate limit on record queries. `None` is unlimited.
    pub rate: Option<RateLimit>,
    /// Time for which every answer is held back.
    pub latency: Duration,
    /// The faults to make.
    pub faults: Faults,
    /// The version to stand in for; kept in the state, which refuses another one.
    pub version: TwentyVersion,
    /// True where a new state is given members and a few records.
    pub seed: bool,
    /// True where the newer server answers on metadata in the older one's envelopes, as a workspace that was upgraded
    /// from 1.x does.
    pub legacy_metadata: bool,
    /// True where the stock workflow is active that makes companies of people's addresses, as it is in a new workspace.
    /// Without it the state begins without active workflows.
    pub workflows: bool,
    /// E-mail addresses of members to have besides, in a state that is there too.
    pub members: Vec<String>,
    /// The workspace's id, which the token names as the server's own keys do. `None`: the token names none.
    pub workspace: Option<String>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            state: None,
            port: 0,
            rate: None,
            latency: Duration::ZERO,
            faults: Faults::default(),
            version: TwentyVersion::default(),
            seed: true,
            legacy_metadata: false,
            workflows: false,
            members: Vec::new(),
            workspace: None,
        }
    }
}
