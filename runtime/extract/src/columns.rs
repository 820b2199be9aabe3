//! Names of columns, and the headers that they stand under.

use migr_plan::SourceObject;

/// Name of a header: lower-cased, runs of spaces and punctuation as one underscore, none at either end.
pub fn column_name(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    for character in header.chars() {
        if character.is_alphanumeric() {
            name.extend(character.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    while name.ends_with('_') {
        name.pop();
    }
    name
}

/// True where one of an object's columns stands under a header.
pub(crate) fn declares(object: &SourceObject, header: &str) -> bool {
    object.columns.iter().any(|column| match &column.header {
        Some(exact) => header.trim() == exact.trim(),
        None => column_name(header) == column.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_its_column_name() {
        assert_eq!(column_name("First Name"), "first_name");
        assert_eq!(column_name("  E-mail / (work)  "), "e_mail_work");
        assert_eq!(column_name("Straße №"), "straße");
        assert_eq!(column_name("__"), "");
    }

    proptest::proptest! {
        #[test]
        fn a_column_name_reads_as_itself(header in ".*") {
            let name = column_name(&header);
            proptest::prop_assert_eq!(column_name(&name), name);
        }
    }
}
