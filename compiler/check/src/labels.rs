//! Labels that follow from names.

/// A name with a capital at its start.
pub(crate) fn capitalised(name: &str) -> String {
    let mut rest = name.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + rest.as_str())
}

/// Label of an option of which only the value is written: `IN_PROGRESS` is "In progress".
pub(crate) fn label_of_option(value: &str) -> String {
    if value.chars().any(char::is_lowercase) {
        return value.to_owned();
    }
    capitalised(&value.to_lowercase().replace('_', " "))
}
