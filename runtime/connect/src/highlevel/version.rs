//! Versions of the API, by which the same request differs in names.

use migr_load::LoadError;

/// Version that a destination is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `v3`
    V3,
    /// `2021-07-28`, and what its calendars call theirs.
    Older,
}

impl Version {
    /// The version of a setting; v3 where there is none.
    pub(super) fn of(setting: Option<&str>) -> Result<Self, LoadError> {
        match setting {
            None | Some("v3") => Ok(Self::V3),
            Some("2021-07-28") => Ok(Self::Older),
            Some(_) => Err(LoadError::Settings {
                what: "the destination's `version` is neither \"v3\" nor \"2021-07-28\"; leave it out for \"v3\""
                    .to_owned(),
            }),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::Older => "2021-07-28",
        }
    }

    /// The header's value for a path: each family of endpoints has its own.
    pub(super) fn header(self, path: &str) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::Older if path.starts_with("calendars/") => "2021-04-15",
            Self::Older => "2021-07-28",
        }
    }

    /// The key of a custom field's value in what is sent.
    pub(super) fn value_key(self) -> &'static str {
        match self {
            Self::V3 => "fieldValue",
            Self::Older => "field_value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn each_family_of_endpoints_gets_the_version_of_its_document() {
        assert_eq!(Version::Older.header("calendars/events/appointments"), "2021-04-15");
        assert_eq!(Version::Older.header("contacts/"), "2021-07-28");
        assert_eq!(Version::V3.header("calendars/"), "v3");
        assert!(Version::of(Some("v4")).is_err());
    }
}
