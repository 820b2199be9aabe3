//! JSON form of a plan, and its schema.

use std::fmt;

use crate::{FORMAT_VERSION, Plan};

/// A plan that could not be read.
#[derive(Debug)]
pub enum ParseError {
    /// Not JSON, or not a plan.
    Json(serde_json::Error),
    /// A plan of another format version.
    Version {
        /// Format version that the plan states.
        found: u64,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "this is not a plan: {error}"),
            Self::Version { found } => {
                write!(
                    f,
                    "the plan has format version {found}, this program reads {FORMAT_VERSION}; make it anew with `migr plan --out`"
                )
            }
        }
    }
}

impl std::error::Error for ParseError {}

impl Plan {
    /// The JSON form: pretty, keys in declaration order, a newline at the end. The same plan gives the same bytes.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads the JSON form.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(ParseError::Json)?;
        let found = value.get("format_version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found != u64::from(FORMAT_VERSION) {
            return Err(ParseError::Version { found });
        }
        serde_json::from_value(value).map_err(ParseError::Json)
    }

    /// `blake3:` and the hash of the JSON form.
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        self.to_json().map(|text| format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex()))
    }
}

/// The JSON Schema (2020-12) of the plan.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Plan).to_value()
}
