//! Keys of requests about custom objects, their fields and records, associations and relations.

use crate::highlevel::shape::Shape::{Any, Flag, Keys, List, MaybeText, Number, Text, Word};
use crate::highlevel::shape::{Key, Shape, may, need};

const OPTION: &[Key] = &[need("key", Text), need("label", Text), may("url", Text)];
const FORMATS: Shape =
    Word(&[".pdf", ".docx", ".doc", ".jpg", ".jpeg", ".png", ".gif", ".csv", ".xlsx", ".xls", "all"]);
const TYPES: Shape = Word(&[
    "TEXT",
    "LARGE_TEXT",
    "NUMERICAL",
    "PHONE",
    "MONETORY",
    "CHECKBOX",
    "SINGLE_OPTIONS",
    "MULTIPLE_OPTIONS",
    "DATE",
    "TEXTBOX_LIST",
    "FILE_UPLOAD",
    "RADIO",
    "EMAIL",
]);

/// Creation of a field of a custom object or of businesses.
pub(crate) const NEW_FIELD: &[Key] = &[
    need("locationId", Text),
    need("showInForms", Flag),
    need("dataType", TYPES),
    need("fieldKey", Text),
    need("objectKey", Text),
    need("parentId", Text),
    may("name", Text),
    may("description", Text),
    may("placeholder", Text),
    may("options", List(&Keys(OPTION))),
    may("acceptedFormats", FORMATS),
    may("maxFileLimit", Number),
    may("allowCustomOption", Flag),
];
/// Change of one.
pub(crate) const FIELD: &[Key] = &[
    need("locationId", Text),
    need("showInForms", Flag),
    may("name", Text),
    may("description", Text),
    may("placeholder", Text),
    may("options", List(&Keys(OPTION))),
    may("acceptedFormats", FORMATS),
    may("maxFileLimit", Number),
];
/// Creation of a folder of fields.
pub(crate) const NEW_FOLDER: &[Key] = &[need("objectKey", Text), need("name", Text), need("locationId", Text)];
/// Change of one.
pub(crate) const FOLDER: &[Key] = &[need("name", Text), need("locationId", Text)];

const LABELS: &[Key] = &[need("singular", Text), need("plural", Text)];
const SOME_LABELS: &[Key] = &[may("singular", Text), may("plural", Text)];
const PRIMARY: &[Key] = &[need("key", Text), need("name", Text), need("dataType", Word(&["TEXT", "NUMERICAL"]))];

/// Creation of a custom object.
pub(crate) const NEW_OBJECT: &[Key] = &[
    need("labels", Keys(LABELS)),
    need("key", Text),
    need("locationId", Text),
    need("primaryDisplayPropertyDetails", Keys(PRIMARY)),
    may("description", Text),
];
/// Change of one.
pub(crate) const OBJECT: &[Key] = &[
    need("locationId", Text),
    need("searchableProperties", List(&Text)),
    may("labels", Keys(SOME_LABELS)),
    may("description", MaybeText),
];
/// Creation of a record.
pub(crate) const NEW_RECORD: &[Key] =
    &[need("locationId", Text), need("properties", Any), may("owner", List(&Text)), may("followers", List(&Text))];
/// Change of one; the location is in the query.
pub(crate) const RECORD: &[Key] =
    &[may("locationId", Text), need("properties", Any), may("owner", List(&Text)), may("followers", List(&Text))];
/// Search of records.
pub(crate) const RECORD_SEARCH: &[Key] = &[
    need("locationId", Text),
    need("page", Number),
    need("pageLimit", Number),
    need("query", Text),
    need("searchAfter", List(&Any)),
];

/// Creation of an association.
pub(crate) const NEW_ASSOCIATION: &[Key] = &[
    need("locationId", Text),
    need("key", Text),
    need("firstObjectLabel", Text),
    need("firstObjectKey", Text),
    need("secondObjectLabel", Text),
    need("secondObjectKey", Text),
];
/// Change of its labels.
pub(crate) const ASSOCIATION: &[Key] = &[need("firstObjectLabel", Text), need("secondObjectLabel", Text)];
/// Creation of a relation.
pub(crate) const NEW_RELATION: &[Key] =
    &[need("locationId", Text), need("associationId", Text), need("firstRecordId", Text), need("secondRecordId", Text)];

const FILE: &[Key] = &[need("_id", Text)];

/// Deletion of files of the library.
pub(crate) const DELETE_FILES: &[Key] = &[
    need("filesToBeDeleted", List(&Keys(FILE))),
    need("altType", Word(&["location"])),
    need("altId", Text),
    need("status", Word(&["deleted", "trashed"])),
];
