//! Findings that are accepted with a reason, findings that stop, and what is permitted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, Origin};

/// `allow W0333 on pointOfContact max 20 : "why"`: findings that are expected, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// A code (`W0333`), or the name of a finding of the audit (`orphan-owner`).
    pub finding: String,
    /// The block that it stands in, and so covers.
    pub within: Within,
    /// The field or column that it is narrowed to; a path as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Records that are accepted; one more, and the finding is whole again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Count>,
    /// Reason as written.
    pub reason: String,
    /// Where it is written.
    pub origin: Origin,
    /// Number of findings, or of records that they concern, that it accepts; once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Count>,
}

impl Acceptance {
    /// In one line: `"orphan-owner", 77 records (main.migr:9): people who have left`.
    pub fn in_words(&self) -> String {
        let is_name = self.finding.contains('-');
        let finding = if is_name { format!("\"{}\"", self.finding) } else { self.finding.clone() };
        let on = self.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
        let what = match (is_name, self.found) {
            (true, Some(1)) => ", 1 record".to_owned(),
            (true, Some(found)) => format!(", {found} records"),
            (false, Some(1)) => ", once".to_owned(),
            (false, Some(found)) => format!(", {found} times"),
            (_, None) => String::new(),
        };
        let Origin { file, line, .. } = &self.origin;
        format!("{finding}{on}{what} ({file}:{line}): {}", self.reason)
    }
}

/// Block that an acceptance stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Within {
    /// The whole project.
    Migration,
    /// The objects of a system.
    System {
        /// Name of the system.
        name: String,
    },
    /// One object of a system.
    Object {
        /// The system's name.
        system: String,
        /// The object's name.
        name: String,
    },
    /// One map.
    Map {
        /// Name of the map.
        name: String,
    },
    /// One picklist.
    Picklist {
        /// Name of the picklist.
        name: String,
    },
    /// The owners.
    Owners,
}

/// `permit …`: something that is not done unless a person has agreed to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Permit {
    /// Action that is permitted.
    #[serde(flatten)]
    pub what: Permitted,
    /// Reason as written: person, date or cause.
    pub reason: String,
    /// Where it is written.
    pub origin: Origin,
}

/// Action that needs a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "permits", rename_all = "snake_case")]
pub enum Permitted {
    /// A restricted object is read.
    Object {
        /// Name of the object.
        name: String,
    },
    /// A workflow of the destination runs on what is written.
    Workflow {
        /// Name of the workflow in the destination.
        name: String,
    },
    /// A webhook of the destination tells a host what is written.
    Webhook {
        /// The host that it tells.
        host: String,
    },
    /// A step that a rollback cannot undo.
    Irreversible,
}

/// Names of the audit's findings, in order: what `allow "name"` and `deny "name"` may say.
pub const AUDIT_FINDINGS: &[&str] = &[
    "ambiguous-reference",
    "bad-date",
    "bad-header",
    "bad-number",
    "bad-value",
    "blank-key",
    "blank-word",
    "broken-letters",
    "check-failed",
    "colliding-options",
    "column-came-back",
    "contradicted-format",
    "count-differs",
    "cut-export",
    "dangling-reference",
    "default-taken",
    "destination-lacks",
    "dst-gap",
    "dst-overlap",
    "duplicate-identity",
    "duplicate-key",
    "duplicate-value",
    "empty-record",
    "existing-twin",
    "extra-column",
    "file-size-differs",
    "firing-workflow",
    "hidden-column",
    "html-text",
    "idle-allow",
    "idle-permit",
    "linked-attachment",
    "long-text",
    "lost-reference",
    "malformed-row",
    "markdown-text",
    "missing-attachment",
    "missing-existing",
    "missing-file",
    "missing-object",
    "missing-option",
    "name-variants",
    "near-duplicate-values",
    "near-identity",
    "new-option",
    "odd-day",
    "option-order",
    "orphan-owner",
    "other-separator",
    "oversize-file",
    "rare-option",
    "reference-cycle",
    "separator-in-value",
    "short-settle",
    "shortened-number",
    "spreadsheet-error",
    "too-long",
    "trashed-twin",
    "unclaimed-file",
    "unfit-file",
    "unkept-digits",
    "unknown-columns",
    "unknown-member",
    "unknown-picklist-value",
    "unnamed-currency",
    "unproven-format",
    "unseen-signs",
    "unused-row",
    "wrapped-text",
];
