//! Names that Twenty refuses, refused before it is asked.

/// Longest name of an object or field, in characters.
const LONGEST: usize = 63;

/// Names that Twenty keeps for itself, for objects and fields alike.
const RESERVED: &[&str] = &[
    "address",
    "addresses",
    "aggregate",
    "appToken",
    "appTokens",
    "approvedAccessDomain",
    "approvedAccessDomains",
    "billingCustomer",
    "billingCustomers",
    "billingEntitlement",
    "billingEntitlements",
    "billingMeter",
    "billingMeters",
    "billingProduct",
    "billingProducts",
    "billingSubscription",
    "billingSubscriptionItem",
    "billingSubscriptionItems",
    "billingSubscriptions",
    "currencies",
    "currency",
    "event",
    "events",
    "featureFlag",
    "featureFlags",
    "field",
    "fields",
    "fullNames",
    "index",
    "job",
    "jobs",
    "keyValuePair",
    "keyValuePairs",
    "link",
    "links",
    "object",
    "objects",
    "plan",
    "plans",
    "postgresCredential",
    "postgresCredentials",
    "relation",
    "relations",
    "role",
    "roles",
    "search",
    "twoFactorMethod",
    "twoFactorMethods",
    "type",
    "types",
    "user",
    "userWorkspace",
    "userWorkspaceRole",
    "userWorkspaceRoles",
    "userWorkspaces",
    "users",
    "workspace",
    "workspaces",
    "pageLayout",
    "pageLayouts",
    "pageLayoutTab",
    "pageLayoutTabs",
    "pageLayoutWidget",
    "pageLayoutWidgets",
];

/// Columns that every object has.
const OWN: [&str; 8] =
    ["id", "createdAt", "updatedAt", "deletedAt", "createdBy", "updatedBy", "position", "searchVector"];

/// Why a name cannot be given to an object or a field.
pub(super) fn refuse_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    if !starts || !letters.all(|letter| letter.is_ascii_alphanumeric()) {
        return Err(format!(
            "`{name}` is no name for Twenty: names start with a small letter and have letters and digits only (`originalCreatedAt`)"
        ));
    }
    if name.len() > LONGEST {
        return Err(format!("`{name}` is longer than the {LONGEST} characters that Twenty allows"));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` is a name that Twenty keeps for itself; choose another"));
    }
    Ok(())
}

/// Why a name cannot be given to a new field.
pub(super) fn refuse_field_name(name: &str) -> Result<(), String> {
    refuse_name(name)?;
    if OWN.contains(&name) {
        return Err(format!(
            "every object of Twenty has its own `{name}`; choose another name, or map to it without `new`"
        ));
    }
    Ok(())
}

/// Why a value or label cannot be given to an option.
pub(super) fn refuse_option(value: &str, label: &str) -> Result<(), String> {
    let starts = value.chars().next().is_some_and(|first| first.is_ascii_uppercase() || first == '_');
    let rest = value.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_');
    if !starts || !rest {
        return Err(format!(
            "`{value}` is no option value for Twenty: values are capitals, digits and `_`, and do not start with a digit (`IN_PROGRESS`)"
        ));
    }
    if label.trim().is_empty() {
        return Err(format!("the option `{value}` has no label"));
    }
    if label.contains(',') {
        return Err(format!("the label \"{label}\" of option `{value}` holds a comma, which Twenty refuses"));
    }
    if label.chars().count() > LONGEST || value.len() > LONGEST {
        return Err(format!(
            "the value or label of option `{value}` is longer than the {LONGEST} characters that Twenty allows"
        ));
    }
    Ok(())
}

/// Colours that every version of Twenty has.
const COLORS: [&str; 10] = ["green", "turquoise", "sky", "blue", "purple", "pink", "red", "orange", "yellow", "gray"];

/// The colour of an option, given or by its place.
pub(super) fn color(asked: Option<&str>, place: usize) -> Result<&'static str, String> {
    match asked {
        None => Ok(COLORS.get(place % COLORS.len()).copied().unwrap_or("gray")),
        Some("grey") => Ok("gray"),
        Some(asked) => COLORS
            .iter()
            .find(|color| **color == asked)
            .copied()
            .ok_or_else(|| format!("Twenty has no colour `{asked}`; choose one of {}", COLORS.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{COLORS, LONGEST, OWN, RESERVED, color, refuse_field_name, refuse_name, refuse_option};

    #[test]
    fn the_catalogs_refuse_what_is_refused_here() {
        for catalog in [
            include_str!("../../../../specs/systems/twenty.migr"),
            include_str!("../../../../specs/systems/twenty_1.migr"),
        ] {
            let line = |start: &str| catalog.lines().find(|line| line.trim_start().starts_with(start)).unwrap();
            let (names, options) = (line("names "), line("options "));
            let has = |line: &str, word: &str| line.contains(&format!("\"{word}\""));
            assert!(RESERVED.iter().chain(&OWN).all(|word| has(names, word)), "{names}");
            assert!(COLORS.iter().all(|color| has(options, color)), "{options}");
            assert!([names, options].iter().all(|line| line.contains(&format!("max {LONGEST}"))));
        }
    }

    #[test]
    fn names_that_the_server_refused_are_refused_and_those_it_took_are_taken() {
        for name in [
            "originalCreatedAt__c",
            "snake_case",
            "PascalCase",
            "1st",
            "type",
            "event",
            "plans",
            "",
            "ümlaut",
            &"b".repeat(64),
        ] {
            assert!(refuse_name(name).is_err(), "{name}");
        }
        for name in ["legacyId", "headcount", "arr", &"b".repeat(63), "planProviders"] {
            assert_eq!(refuse_name(name), Ok(()), "{name}");
        }
        assert!(refuse_field_name("createdAt").is_err());
    }

    #[test]
    fn option_values_are_upper_snake_and_labels_without_commas() {
        for (value, label) in [("closed won", "x"), ("1_5", "1-5"), ("A", "A, B"), ("A", " ")] {
            assert!(refuse_option(value, label).is_err(), "{value} {label}");
        }
        assert_eq!(refuse_option("A_B2", "A b"), Ok(()));
    }

    #[test]
    fn colours_follow_the_place_where_none_is_asked_for() {
        assert_eq!(color(None, 0), Ok("green"));
        assert_eq!(color(None, 10), Ok("green"));
        assert_eq!(color(Some("red"), 3), Ok("red"));
        assert!(color(Some("mauve"), 0).unwrap_err().contains("turquoise"));
    }

    proptest! {
        #[test]
        fn any_camel_case_name_of_some_length_is_taken_or_reserved(name in "[a-z]{3}Zq[a-zA-Z0-9]{0,50}") {
            assert_eq!(refuse_name(&name), Ok(()));
        }
    }
}
