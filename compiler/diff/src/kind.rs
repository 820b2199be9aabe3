//! Kinds of changes: the effect that each has on a migration.

use schemars::JsonSchema;
use serde::Serialize;

/// Effect of a change, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Records that are in the destination already are treated otherwise.
    Overwrites,
    /// Records are recognised otherwise: another key or match, another way with duplicates.
    Identity,
    /// A field, link, column or file is no longer carried over.
    Loses,
    /// Records, maps or files stay behind, or no longer do.
    LeavesOut,
    /// A name changes and what it stands for does not.
    Renames,
    /// A value is computed otherwise.
    Values,
    /// A value table has other rows.
    Picklist,
    /// A field, link or map is carried over in addition.
    Adds,
    /// Records get another owner.
    WhoOwns,
    /// Cells of the export are read otherwise.
    ReadsOtherwise,
    /// Values are masked, or no longer are.
    Masks,
    /// The destination's schema is changed otherwise.
    Schema,
    /// Records go to another destination.
    Destination,
    /// Something is allowed, required or decided otherwise: permits, thresholds, sample, window.
    Policy,
    /// The destination is reached otherwise, and nothing else changes.
    ReachOnly,
    /// A concept of the source arrives otherwise: a degradation, or what becomes of an object.
    Fidelity,
}

impl Kind {
    /// The kind in words, as a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Overwrites => "overwrites",
            Self::Identity => "identity",
            Self::Loses => "loses",
            Self::LeavesOut => "leaves out",
            Self::Renames => "renames",
            Self::Values => "values",
            Self::Picklist => "picklist",
            Self::Adds => "adds",
            Self::WhoOwns => "who owns",
            Self::ReadsOtherwise => "reads otherwise",
            Self::Masks => "masks",
            Self::Schema => "schema",
            Self::Destination => "destination",
            Self::Policy => "policy",
            Self::ReachOnly => "reach only",
            Self::Fidelity => "fidelity",
        }
    }

    /// Words behind a number of changes of the kind, as a sentence has them.
    pub(crate) fn sentence(self, is_one: bool) -> &'static str {
        let (one, many) = match self {
            Self::Overwrites => ("rule for records already there changes", "rules for records already there change"),
            Self::Identity => ("rule that tells records apart changes", "rules that tell records apart change"),
            Self::Loses => ("field or column is lost", "fields or columns are lost"),
            Self::LeavesOut => ("rule of what stays behind changes", "rules of what stays behind change"),
            Self::Renames => ("name changes", "names change"),
            Self::Values => ("field gets other values", "fields get other values"),
            Self::Picklist => ("entry of a picklist changes", "entries of picklists change"),
            Self::Adds => ("field or map more moves", "fields or maps more move"),
            Self::WhoOwns => ("rule of ownership changes", "rules of ownership change"),
            Self::ReadsOtherwise => ("column or setting is read otherwise", "columns or settings are read otherwise"),
            Self::Masks => ("field changes its masking", "fields change their masking"),
            Self::Schema => ("field has another shape", "fields have another shape"),
            Self::Destination => ("setting of the destination changes", "settings of the destination change"),
            Self::Policy => ("policy changes", "policies change"),
            Self::ReachOnly => {
                ("setting says how the destination is reached", "settings say how the destination is reached")
            }
            Self::Fidelity => ("concept arrives otherwise", "concepts arrive otherwise"),
        };
        if is_one { one } else { many }
    }
}
