#![doc = include_str!("../README.md")]

mod accept;
mod automation;
mod effect;
mod empty;
mod expression;
mod fetch;
pub mod functions;
mod json;
pub mod lock;
pub mod parts;
mod plan;
mod reading_setting;
mod reason;
pub mod render;
mod scope;
mod setup;
mod source;
mod stage;
mod step;
mod test;
mod there;
mod types;

pub use accept::{AUDIT_FINDINGS, Acceptance, Permit, Permitted, Within};
pub use automation::{Automation, AutomationKind, FiredAutomation, Touch, Trigger, fired, idle_permits};
pub use effect::{Effect, EffectDigest, StageEffect};
pub use empty::{EmptyPolicy, FieldDefault, OutsidePolicy, PartMax, PartPolicy, TakenPolicy, UnidentifiedPolicy};
pub use expression::{Expr, NamedExpr, OnMissing, Operator, Recovery, ReferenceChoice, ReferenceTarget};
pub use fetch::{FetchHost, HostPattern};
pub use json::{ParseError, schema};
pub use lock::Lock;
pub use plan::{
    Compatibility, Count, Degradation, DegradedRecords, Destination, Estimate, FORMAT_VERSION, InputFile, Inputs,
    Limit, MadeOption, Options, OwnerOverride, Owners, Picklist, PicklistOtherwise, PicklistRow, Plan, Row, RowState,
    SettingValue, Share, Source, Summary, Undocumented, time,
};
pub use reading_setting::{ReadingSetting, SettingChange, SettingPart};
pub use reason::ReasonCode;
pub use scope::{Calls, Dimension, INDIVIDUALLY_ABOVE, Scope, scope};
pub use setup::{NewOption, SetupAction};
pub use source::{
    ColumnReference, ColumnType, FileRule, ReferenceBy, ReferenceByRow, SourceCheck, SourceColumn, SourceObject,
    SourceSkip,
};
pub use stage::{
    CyclePolicy, Deferred, DeletedPolicy, Distinct, DroppedColumn, DuplicatePolicy, Edge, ExistingPolicy, FieldMapping,
    LinkMapping, Match, Policies, Rollback, RollbackClass, SameValues, Stage,
};
pub use step::{Step, StepKind};
pub use test::{Expectation, ExpectedField, GivenRecord, Test};
pub use there::{There, ThereField};
pub use types::{FieldType, Origin, Part, PlainType};
