//! Contents of the export and the destination as an audit found them. Committed beside the spec: no personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, Origin, Plan};

mod count;
mod destination;
mod export;
mod stages;

pub use count::{count, fired_by, undeclared};
pub use destination::{
    LockedCapabilities, LockedDestination, LockedExisting, LockedField, LockedMembers, LockedObject, NamedText,
};
pub use export::{
    AttachmentCounts, Evidence, InferredType, KeyCounts, LINK_HOSTS, LinkHost, LockedColumn, LockedExport, LockedFile,
    LockedFileState, LockedSourceObject, LockedValues, ObjectState, Shape, ValueCount,
};
pub use stages::{
    FieldCount, KeyedRecords, LockedOption, LockedOptions, LockedOwners, LockedStage, LockedStages, LookedUp,
    OwnedRecords,
};

/// The version of the lock's JSON form. Raised when a reader of the old form would misread the new one.
pub const LOCK_FORMAT_VERSION: u32 = 1;

/// The lock: facts about the data and the destination that the compiler may rely on offline.
///
/// Samples stand as shapes (`Aa9@a.aaa`), members as salted hashes; values are written out only where the spec compares them (picklists, lists, selects) and
/// their column is not sensitive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    /// [`LOCK_FORMAT_VERSION`].
    pub format_version: u32,
    /// The migration's name.
    pub migration: String,
    /// The project, by an id that the first audit drew: the ids of what it creates are of it. A clone has the same one, another project another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Contents of the export.
    pub export: LockedExport,
    /// Results that the maps would have on the export.
    pub stages: LockedStages,
    /// Contents of the destination; absent until it has been asked once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<LockedDestination>,
    /// Findings of the audit that the spec denied when it was made; a run does not begin with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<DeniedFindings>,
    /// Findings of the audit that entries of the spec accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<LockedAcceptance>,
}

/// The JSON Schema (2020-12) of the lock.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Lock).to_value()
}

/// Findings of an audit that an entry of the spec accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockedAcceptance {
    /// Name of the findings.
    pub finding: String,
    /// Place of the entry in the spec.
    pub origin: Origin,
    /// Number of records that the findings concern.
    pub records: Count,
}

/// Findings of an audit that a `deny` speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeniedFindings {
    /// Name of the findings.
    pub finding: String,
    /// True where `deny warnings` speaks of them too.
    pub is_warning: bool,
    /// Number of them.
    pub findings: Count,
}

impl Lock {
    /// The findings of the audit that the denials of a plan speak of, each with its number.
    pub fn denied_by<'l>(&'l self, denied: &'l [String]) -> impl Iterator<Item = &'l DeniedFindings> {
        self.denied.iter().filter(|found| {
            denied.iter().any(|denied| *denied == found.finding || (found.is_warning && denied == "warnings"))
        })
    }

    /// The JSON form: pretty, keys in declaration order, a newline at the end. The same lock gives the same bytes.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads the JSON form.
    pub fn from_json(text: &str) -> Result<Self, LockError> {
        // Read by itself and first: as one value a large text that is no lock takes forty times its size.
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            format_version: u64,
        }
        let Head { format_version: found } = serde_json::from_str(text).map_err(LockError::Json)?;
        if found != u64::from(LOCK_FORMAT_VERSION) {
            return Err(LockError::Version { found });
        }
        serde_json::from_str(text).map_err(LockError::Json)
    }

    /// `blake3:` and the hash of the JSON form.
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        self.to_json().map(|text| format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex()))
    }

    /// Findings about a source object.
    pub fn source_object(&self, name: &str) -> Option<&LockedSourceObject> {
        self.export.objects.iter().find(|object| object.name == name)
    }

    /// Results that a stage would have on its records.
    pub fn stage(&self, id: &str) -> Option<&LockedStage> {
        self.stages.stages.iter().find(|stage| stage.id == id)
    }
}

/// A lock that could not be read.
#[derive(Debug)]
pub enum LockError {
    /// Not JSON, or not a lock.
    Json(serde_json::Error),
    /// A lock of another format version.
    Version {
        /// Format version that the lock states.
        found: u64,
    },
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "this is not a lock file: {error}; make it anew with `migr audit`"),
            Self::Version { found } => write!(
                f,
                "the lock file has format version {found}, this program reads {LOCK_FORMAT_VERSION}; make it anew with `migr audit`"
            ),
        }
    }
}

impl std::error::Error for LockError {}

/// The hash of what a plan's counts depend on besides the data: the migration, the destination's name, and the spec's files. Counts of a lock are used only
/// where it is the same.
pub fn counted_inputs(plan: &Plan) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&u64::try_from(text.len()).unwrap_or_default().to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(&plan.migration);
    part(&plan.destination.name);
    for file in &plan.inputs.files {
        part(&file.path);
        part(&file.hash);
    }
    format!("blake3:{}", hasher.finalize().to_hex())
}

/// The form in which a lock names a member of the destination: BLAKE3 of the salt and the value, trimmed and lower-cased.
pub fn member_hash(salt: &str, value: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt.as_bytes());
    hasher.update(&[0x1f]);
    hasher.update(value.trim().to_lowercase().as_bytes());
    hasher.finalize().to_hex().chars().take(32).collect()
}

#[cfg(test)]
mod tests;
