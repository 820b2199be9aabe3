//! Role of the API key: fields that it may not see or write.

use crate::twenty::problem::Problem;
use crate::twenty::schema::{Field, Object};

/// Fields that the role of the API key does not reach, each as `people.jobTitle`.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// Fields that it may not see: lists leave them out, and GraphQL refuses a question for one.
    pub unreadable: Vec<String>,
    /// Fields that it may not write: a request that names one is refused as a whole.
    pub unwritable: Vec<String>,
}

impl Role {
    /// True where the role may see a field.
    pub(crate) fn sees(&self, object: &Object, field: &Field) -> bool {
        !is_among(&self.unreadable, object, field)
    }

    /// The refusal of a field that the role may not write.
    pub(crate) fn writes(&self, object: &Object, field: &Field) -> Result<(), Problem> {
        if is_among(&self.unwritable, object, field) { Err(denied()) } else { Ok(()) }
    }
}

/// The refusal of whatever a role may not do.
pub(crate) fn denied() -> Problem {
    Problem::coded("PERMISSION_DENIED", "Entity performing the request does not have permission")
}

fn is_among(fields: &[String], object: &Object, field: &Field) -> bool {
    fields.iter().any(|name| name.split_once('.') == Some((object.plural.as_str(), field.name.as_str())))
}
