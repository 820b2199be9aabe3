//! Objects of a location, and the fields that each has of its own.

use migr_plan::FieldType;

/// Kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Businesses,
    Contacts,
    Opportunities,
    Notes,
    Tasks,
    Appointments,
    ContactFiles,
    Media,
    Associations,
    Pipelines,
    Calendars,
    Users,
    /// Object that a person made.
    Custom,
}

impl Kind {
    /// Objects that every location has, by the catalog's name.
    pub(super) const STOCK: &'static [(&'static str, Self)] = &[
        ("businesses", Self::Businesses),
        ("contacts", Self::Contacts),
        ("opportunities", Self::Opportunities),
        ("notes", Self::Notes),
        ("tasks", Self::Tasks),
        ("appointments", Self::Appointments),
        ("contactFiles", Self::ContactFiles),
        ("media", Self::Media),
        ("associations", Self::Associations),
        ("pipelines", Self::Pipelines),
        ("calendars", Self::Calendars),
        ("users", Self::Users),
    ];

    /// The kind of an object of this name.
    pub(super) fn of(object: &str) -> Self {
        Self::STOCK.iter().find(|(name, _)| *name == object).map_or(Self::Custom, |(_, kind)| *kind)
    }

    /// The word by which custom fields of the object are asked for.
    pub(super) fn model(self) -> Option<&'static str> {
        match self {
            Self::Contacts => Some("contact"),
            Self::Opportunities => Some("opportunity"),
            _ => None,
        }
    }

    /// Fields of the object's own: name, kind of value, key that it is written and read by.
    pub(super) fn fields(self) -> &'static [Stock] {
        match self {
            Self::Businesses => BUSINESSES,
            Self::Contacts => CONTACTS,
            Self::Opportunities => OPPORTUNITIES,
            Self::Notes => NOTES,
            Self::Tasks => TASKS,
            Self::Appointments => APPOINTMENTS,
            Self::ContactFiles => CONTACT_FILES,
            Self::Media => MEDIA,
            Self::Associations => ASSOCIATIONS,
            Self::Pipelines | Self::Calendars => NAMED,
            Self::Users => USERS,
            Self::Custom => &[],
        }
    }
}

/// Field of the object's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stock {
    pub(super) name: &'static str,
    pub(super) native: Native,
    pub(super) key: &'static str,
    /// Record is not created without it.
    pub(super) required: bool,
}

/// Kind of a value, as the API takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Native {
    Text,
    /// Code of a country.
    Country,
    /// Text in which case and lost blanks are no difference.
    Name,
    Email,
    Phone,
    Url,
    Date,
    Instant,
    Number,
    Boolean,
    Words,
    Option,
    /// Reference to an object.
    To(&'static str),
    /// Either end of a relation.
    End,
    /// Name of a stage, written by its id.
    Stage,
    File,
}

impl Native {
    /// Type in the language's terms.
    pub(super) fn ty(self) -> Option<FieldType> {
        Some(match self {
            Self::Text | Self::Country | Self::Name | Self::Stage => FieldType::Text,
            Self::Email => FieldType::Email,
            Self::Phone => FieldType::Phone,
            Self::Url => FieldType::Url,
            Self::Date => FieldType::Date,
            Self::Instant => FieldType::Datetime,
            Self::Number => FieldType::Number,
            Self::Boolean => FieldType::Boolean,
            Self::Words => FieldType::List { of: Box::new(FieldType::Text) },
            Self::To(object) => FieldType::Reference { objects: vec![object.to_owned()] },
            Self::File => FieldType::File,
            Self::Option | Self::End => return None,
        })
    }

    /// Name of the kind, by which a schema that was read is told from another.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Country => "text",
            Self::Name => "name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Words => "words",
            Self::Option => "option",
            Self::To(_) => "reference",
            Self::End => "end",
            Self::Stage => "stage",
            Self::File => "file",
        }
    }
}

const fn field(name: &'static str, native: Native) -> Stock {
    Stock { name, native, key: name, required: false }
}

const fn keyed(name: &'static str, native: Native, key: &'static str) -> Stock {
    Stock { name, native, key, required: false }
}

const fn required(of: Stock) -> Stock {
    Stock { required: true, ..of }
}

const CONTACT: Stock = required(keyed("contact", Native::To("contacts"), "contactId"));

const BUSINESSES: &[Stock] = &[
    required(field("name", Native::Text)),
    field("phone", Native::Phone),
    field("email", Native::Email),
    keyed("website", Native::Url, "website"),
    field("address", Native::Text),
    field("city", Native::Text),
    field("state", Native::Text),
    field("postalCode", Native::Text),
    field("country", Native::Text),
    field("description", Native::Text),
];

const CONTACTS: &[Stock] = &[
    field("firstName", Native::Name),
    field("lastName", Native::Name),
    field("email", Native::Email),
    field("phone", Native::Phone),
    field("address1", Native::Text),
    field("city", Native::Text),
    field("state", Native::Text),
    field("postalCode", Native::Text),
    field("country", Native::Country),
    field("website", Native::Url),
    field("dateOfBirth", Native::Date),
    field("source", Native::Text),
    field("timezone", Native::Text),
    field("companyName", Native::Text),
    field("tags", Native::Words),
    field("assignedTo", Native::To("users")),
    keyed("business", Native::To("businesses"), "businessId"),
];

const OPPORTUNITIES: &[Stock] = &[
    required(field("name", Native::Text)),
    CONTACT,
    required(keyed("pipeline", Native::To("pipelines"), "pipelineId")),
    keyed("pipelineStage", Native::Stage, "pipelineStageId"),
    required(field("status", Native::Option)),
    field("monetaryValue", Native::Number),
    keyed("closeDate", Native::Date, "forecastExpectedCloseDate"),
    keyed("probability", Native::Number, "forecastProbability"),
    field("assignedTo", Native::To("users")),
];

const NOTES: &[Stock] = &[
    CONTACT,
    required(field("body", Native::Text)),
    field("title", Native::Text),
    keyed("author", Native::To("users"), "userId"),
];

const TASKS: &[Stock] = &[
    CONTACT,
    required(field("title", Native::Text)),
    field("body", Native::Text),
    required(field("dueDate", Native::Instant)),
    required(field("completed", Native::Boolean)),
    field("assignedTo", Native::To("users")),
];

const APPOINTMENTS: &[Stock] = &[
    required(keyed("calendar", Native::To("calendars"), "calendarId")),
    CONTACT,
    required(field("startTime", Native::Instant)),
    field("endTime", Native::Instant),
    field("title", Native::Text),
    keyed("status", Native::Option, "appointmentStatus"),
    keyed("assignedTo", Native::To("users"), "assignedUserId"),
];

const CONTACT_FILES: &[Stock] = &[CONTACT, required(field("file", Native::File))];

const MEDIA: &[Stock] = &[required(field("file", Native::File))];

const ASSOCIATIONS: &[Stock] = &[
    field("label", Native::Text),
    required(keyed("from", Native::End, "firstRecordId")),
    required(keyed("to", Native::End, "secondRecordId")),
];

const NAMED: &[Stock] = &[field("name", Native::Text)];

const USERS: &[Stock] = &[field("email", Native::Email)];
