//! The keys that each request may have.

use crate::highlevel::shape::Shape::{Flag, Keys, List, MaybeText, Number, Text, Word};
use crate::highlevel::shape::{Key, may, need};

mod calendars;
mod contacts;
mod objects;
mod opportunities;

pub(crate) use calendars::*;
pub(crate) use contacts::*;
pub(crate) use objects::*;
pub(crate) use opportunities::*;

/// Creation of a business.
pub(crate) const NEW_BUSINESS: &[Key] = &[
    need("name", Text),
    need("locationId", Text),
    may("phone", Text),
    may("email", Text),
    may("website", Text),
    may("address", Text),
    may("city", Text),
    may("postalCode", Text),
    may("state", Text),
    may("country", Text),
    may("description", Text),
];

/// Change of a business.
pub(crate) const BUSINESS: &[Key] = &[
    may("name", Text),
    may("phone", Text),
    may("email", Text),
    may("website", Text),
    may("address", Text),
    may("city", Text),
    may("postalCode", Text),
    may("state", Text),
    may("country", Text),
    may("description", Text),
];

/// Assignment of contacts to a business, or to none.
pub(crate) const LINK: &[Key] = &[need("locationId", Text), need("ids", List(&Text)), need("businessId", MaybeText)];

/// A tag of the location.
pub(crate) const TAG: &[Key] = &[need("name", Text)];

const BOX: &[Key] = &[may("label", Text), may("prefillValue", Text)];

/// Creation of a custom field of contacts or opportunities; `options`, `parentId`, `fieldKey` and `description` are in no document, and taken all the same.
pub(crate) const NEW_CUSTOM_FIELD: &[Key] = &[
    need("name", Text),
    need("dataType", Text),
    may("model", Word(&["contact", "opportunity"])),
    may("placeholder", Text),
    may("acceptedFormat", List(&Text)),
    may("isMultipleFile", Flag),
    may("maxNumberOfFiles", Number),
    may("textBoxListOptions", List(&Keys(BOX))),
    may("position", Number),
    may("options", List(&Text)),
    may("parentId", Text),
    may("fieldKey", Text),
    may("description", Text),
];

/// Change of one.
pub(crate) const CUSTOM_FIELD: &[Key] = &[
    need("name", Text),
    may("model", Word(&["contact", "opportunity"])),
    may("placeholder", Text),
    may("acceptedFormat", List(&Text)),
    may("isMultipleFile", Flag),
    may("maxNumberOfFiles", Number),
    may("textBoxListOptions", List(&Keys(BOX))),
    may("position", Number),
    may("options", List(&Text)),
    may("description", Text),
];

/// Creation of a note of a contact.
pub(crate) const NEW_NOTE: &[Key] =
    &[need("body", Text), may("userId", Text), may("title", Text), may("color", Text), may("pinned", Flag)];

/// Change of one.
pub(crate) const NOTE: &[Key] =
    &[may("body", Text), may("userId", Text), may("title", Text), may("color", Text), may("pinned", Flag)];

/// Creation of a task of a contact.
pub(crate) const NEW_TASK: &[Key] =
    &[need("title", Text), need("dueDate", Text), need("completed", Flag), may("body", Text), may("assignedTo", Text)];

/// Change of one.
pub(crate) const TASK: &[Key] =
    &[may("title", Text), may("dueDate", Text), may("completed", Flag), may("body", Text), may("assignedTo", Text)];

/// Completion of one.
pub(crate) const COMPLETED: &[Key] = &[need("completed", Flag)];

/// Search of tasks.
pub(crate) const TASK_SEARCH: &[Key] = &[
    may("contactId", List(&Text)),
    may("completed", Flag),
    may("assignedTo", List(&Text)),
    may("query", Text),
    may("limit", Number),
    may("skip", Number),
    may("businessId", Text),
];
