//! Keys of requests about opportunities and pipelines. v3 has close date and probability, and `fieldValue` alone.

use crate::highlevel::shape::Shape::{Any, Either, Flag, Keys, List, Number, Text, Word};
use crate::highlevel::shape::{Key, Shape, may, need};

/// The states that a search may name and a create may write.
const STATUS: Shape = Word(&["open", "won", "lost", "abandoned", "all"]);

const OLD_VALUE: Shape = Either(&[
    Keys(&[may("id", Text), may("key", Text), may("field_value", Text)]),
    Keys(&[need("id", Text), may("field_value", List(&Text))]),
    Keys(&[need("id", Text), may("field_value", Keys(&[]))]),
]);
const VALUE: Shape = Either(&[
    Keys(&[may("id", Text), may("key", Text), may("fieldValue", Text)]),
    Keys(&[need("id", Text), may("fieldValue", List(&Text))]),
    Keys(&[need("id", Text), may("fieldValue", Keys(&[]))]),
]);

/// Creation of an opportunity.
pub(crate) const NEW_OPPORTUNITY: &[Key] = &[
    need("pipelineId", Text),
    need("locationId", Text),
    need("name", Text),
    need("status", STATUS),
    need("contactId", Text),
    may("pipelineStageId", Text),
    may("monetaryValue", Number),
    may("assignedTo", Text),
    may("forecastExpectedCloseDate", Text),
    may("forecastProbability", Number),
    may("customFields", List(&VALUE)),
];
/// The same before v3.
pub(crate) const OLD_NEW_OPPORTUNITY: &[Key] = &[
    need("pipelineId", Text),
    need("locationId", Text),
    need("name", Text),
    need("status", STATUS),
    need("contactId", Text),
    may("pipelineStageId", Text),
    may("monetaryValue", Number),
    may("assignedTo", Text),
    may("customFields", List(&OLD_VALUE)),
];
/// Change of an opportunity: never its contact.
pub(crate) const OPPORTUNITY: &[Key] = &[
    may("pipelineId", Text),
    may("name", Text),
    may("status", STATUS),
    may("pipelineStageId", Text),
    may("monetaryValue", Number),
    may("assignedTo", Text),
    may("forecastExpectedCloseDate", Text),
    may("forecastProbability", Number),
    may("customFields", List(&VALUE)),
];
/// The same before v3.
pub(crate) const OLD_OPPORTUNITY: &[Key] = &[
    may("pipelineId", Text),
    may("name", Text),
    may("status", STATUS),
    may("pipelineStageId", Text),
    may("monetaryValue", Number),
    may("assignedTo", Text),
    may("customFields", List(&OLD_VALUE)),
];
/// Change of its state alone.
pub(crate) const OPPORTUNITY_STATUS: &[Key] = &[need("status", STATUS), may("lostReasonId", Text)];

const DETAILS: &[Key] =
    &[need("notes", Flag), need("tasks", Flag), need("calendarEvents", Flag), need("unReadConversations", Flag)];

/// Search of opportunities.
pub(crate) const OPPORTUNITY_SEARCH: &[Key] = &[
    need("locationId", Text),
    need("query", Text),
    need("limit", Number),
    need("page", Number),
    need("searchAfter", List(&Any)),
    need("additionalDetails", Keys(DETAILS)),
];

const NEW_STAGE: &[Key] = &[need("name", Text), may("stageWinProbability", Number), may("position", Number)];
const STAGE: &[Key] =
    &[may("id", Text), need("name", Text), may("stageWinProbability", Number), may("position", Number)];
const COLOURS: Shape = Word(&["dot", "bg-tint", "none"]);

/// Creation of a pipeline.
pub(crate) const NEW_PIPELINE: &[Key] = &[
    need("name", Text),
    need("locationId", Text),
    need("stages", List(&Keys(NEW_STAGE))),
    may("showInFunnel", Flag),
    may("showInPieChart", Flag),
    may("useOpportunityProbability", Flag),
    may("colorRenderMode", COLOURS),
];
/// Replacement of a pipeline.
pub(crate) const PIPELINE: &[Key] = &[
    may("name", Text),
    may("locationId", Text),
    may("stages", List(&Keys(STAGE))),
    may("showInFunnel", Flag),
    may("showInPieChart", Flag),
    may("useOpportunityProbability", Flag),
    may("colorRenderMode", COLOURS),
];
