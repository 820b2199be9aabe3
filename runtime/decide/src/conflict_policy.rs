//! Policy for what people changed in the destination since: `on conflict`.

use migr_plan::Plan;
use serde::{Deserialize, Serialize};

/// Policy for a field that a person changed in the destination since it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// The person's value stays.
    Keep,
    /// Spec and export win.
    Overwrite,
    /// The person's value stays, and is told of.
    #[default]
    List,
}

impl ConflictPolicy {
    /// The one of a plan: `on conflict`.
    pub fn of(plan: &Plan) -> Self {
        match plan.options.on_conflict.as_deref() {
            Some("keep") => Self::Keep,
            Some("overwrite") => Self::Overwrite,
            _ => Self::List,
        }
    }

    /// The policy as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Overwrite => "overwrite",
            Self::List => "list",
        }
    }

    /// Fate of the person's value, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Keep => "the destination's value is kept",
            Self::List => "the destination's value is left until you decide",
            Self::Overwrite => "the destination's value is overwritten",
        }
    }
}
