//! Keys of requests about contacts. v3 spells a field's value `fieldValue` and takes the older spelling too.

use crate::highlevel::shape::Shape::{Any, Flag, Keys, List, MaybeText, Number, Text, Word};
use crate::highlevel::shape::{Key, may, need};

const SETTING: &[Key] =
    &[need("status", Word(&["active", "inactive", "permanent"])), may("message", Text), may("code", Text)];
const OLD_DND: &[Key] = &[
    may("Call", Keys(SETTING)),
    may("Email", Keys(SETTING)),
    may("SMS", Keys(SETTING)),
    may("WhatsApp", Keys(SETTING)),
    may("GMB", Keys(SETTING)),
    may("FB", Keys(SETTING)),
];
const DND: &[Key] = &[
    may("call", Keys(SETTING)),
    may("email", Keys(SETTING)),
    may("sms", Keys(SETTING)),
    may("whatsApp", Keys(SETTING)),
    may("gmb", Keys(SETTING)),
    may("fb", Keys(SETTING)),
];
const INBOUND: &[Key] = &[may("all", Keys(&[need("status", Word(&["active", "inactive"])), may("message", Text)]))];
const OLD_VALUE: &[Key] = &[need("id", Text), may("key", Text), may("field_value", Any)];
const VALUE: &[Key] = &[need("id", Text), may("key", Text), may("field_value", Any), may("fieldValue", Any)];

macro_rules! contact {
    ($dnd:expr, $value:expr, $source:expr, $($more:expr),* $(,)?) => {
        &[
            may("firstName", MaybeText),
            may("lastName", MaybeText),
            may("name", MaybeText),
            may("email", MaybeText),
            may("phone", MaybeText),
            may("address1", MaybeText),
            may("city", MaybeText),
            may("state", MaybeText),
            may("postalCode", Text),
            may("country", Text),
            may("website", MaybeText),
            may("timezone", MaybeText),
            may("dnd", Flag),
            may("dndSettings", Keys($dnd)),
            may("inboundDndSettings", Keys(INBOUND)),
            may("tags", List(&Text)),
            may("customFields", List(&Keys($value))),
            may("dateOfBirth", MaybeText),
            may("source", $source),
            may("assignedTo", $source),
            $($more),*
        ]
    };
}

/// Creation of a contact.
pub(crate) const NEW_CONTACT: &[Key] =
    contact!(DND, VALUE, Text, need("locationId", Text), may("gender", Text), may("companyName", MaybeText));
/// The same before v3.
pub(crate) const OLD_NEW_CONTACT: &[Key] =
    contact!(OLD_DND, OLD_VALUE, Text, need("locationId", Text), may("gender", Text), may("companyName", MaybeText));
/// Creation or change of whatever contact has the address or the number.
pub(crate) const UPSERT: &[Key] = contact!(
    DND,
    VALUE,
    Text,
    need("locationId", Text),
    may("gender", Text),
    may("companyName", MaybeText),
    may("createNewIfDuplicateAllowed", Flag),
);
/// The same before v3.
pub(crate) const OLD_UPSERT: &[Key] = contact!(
    OLD_DND,
    OLD_VALUE,
    Text,
    need("locationId", Text),
    may("gender", Text),
    may("companyName", MaybeText),
    may("createNewIfDuplicateAllowed", Flag),
);
/// Change of a contact: neither location nor gender nor company's name.
pub(crate) const CONTACT: &[Key] = contact!(DND, VALUE, MaybeText,);
/// The same before v3.
pub(crate) const OLD_CONTACT: &[Key] = contact!(OLD_DND, OLD_VALUE, MaybeText,);

/// Tags to add or to take away.
pub(crate) const TAGS: &[Key] = &[need("tags", List(&Text))];

const SORT: &[Key] = &[need("field", Text), need("direction", Word(&["asc", "desc"]))];

/// Search of contacts.
pub(crate) const CONTACT_SEARCH: &[Key] = &[
    need("locationId", Text),
    need("pageLimit", Number),
    may("page", Number),
    may("searchAfter", List(&Any)),
    may("filters", List(&Any)),
    may("sort", List(&Keys(SORT))),
    may("query", Text),
];
