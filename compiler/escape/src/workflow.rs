//! GitHub's workflow commands: `::error file=…::message`.

use crate::deceptive::written_out;

/// The message of a command; line ends stay.
pub fn workflow_message(text: &str) -> String {
    written_out(text, &['\n', '\t']).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
pub fn workflow_property(text: &str) -> String {
    workflow_message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// GitHub's own reading of a command: level, properties, message.
    fn parsed(line: &str) -> (Vec<(String, String)>, String) {
        let decoded = |text: &str| {
            let text = text.replace("%3A", ":").replace("%2C", ",");
            text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        };
        let rest = line.strip_prefix("::error ").unwrap();
        let (properties, message) = rest.split_once("::").unwrap();
        let property = |one: &str| one.split_once('=').map(|(name, value)| (name.to_owned(), decoded(value))).unwrap();
        (properties.split(',').map(property).collect(), decoded(message))
    }

    proptest! {
        #[test]
        fn a_command_says_what_it_was_given_and_no_more(file in "[a:,%\r\n=]{0,8}", message in "[a:,%\n=#\u{202e}]{0,12}") {
            let command = format!("::error file={},title=t::{}", workflow_property(&file), workflow_message(&message));
            prop_assert_eq!(command.lines().count(), 1);
            let (properties, said) = parsed(&command);
            prop_assert_eq!(properties.len(), 2);
            prop_assert_eq!(&properties[0].1, &*written_out(&file, &['\n']));
            prop_assert_eq!(said, written_out(&message, &['\n']));
        }
    }
}
