//! Text for a terminal, and for the log of a CI system, which may be the same stream.

use std::borrow::Cow;

use crate::deceptive::{push, written_out};

/// Texts that CI systems take for a command wherever they stand in a line, each with its replacement.
const COMMANDS: &[(&str, &str)] = &[("##[", "# #["), ("##vso[", "# #vso["), ("##teamcity[", "# #teamcity[")];

/// A text of several lines: those and tabs are kept, whatever else is not seen is written out, and no line is a command of a CI system.
pub fn terminal(text: &str) -> Cow<'_, str> {
    uncommanded(written_out(text, &['\n', '\t']))
}

/// The same, with colours (`ESC [ … m`) let through: for a text whose values went through [`line`] already.
pub fn colored(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return terminal(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        shown.push_str(&written_out(before, &['\n', '\t']));
        if let Some((colour, behind)) = colour(after).and_then(|length| after.split_at_checked(length)) {
            shown.push('\u{1b}');
            shown.push_str(colour);
            rest = behind;
        } else {
            push('\u{1b}', true, &mut shown);
            rest = after;
        }
    }
    shown.push_str(&written_out(rest, &['\n', '\t']));
    uncommanded(Cow::Owned(shown))
}

/// Length of the colour that a text begins with, its `ESC` left out.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix('[')?;
    let length = parameters.find(|one: char| !one.is_ascii_digit() && one != ';')?;
    parameters.get(length..)?.starts_with('m').then_some(length + 2)
}

/// A value within a line: line ends and tabs are written out too.
pub fn line(text: &str) -> Cow<'_, str> {
    uncommanded(written_out(text, &[]))
}

/// The text without what a CI system would take for a command: `::…` at the start of a line, `##[…` anywhere.
fn uncommanded(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return text;
    }
    let begins = |line: &str| line.trim_start().starts_with("::");
    let has_command = |line: &str| COMMANDS.iter().any(|(command, _)| line.contains(command));
    if !text.split('\n').any(|line| begins(line) || has_command(line)) {
        return text;
    }
    let lines = text.split('\n').map(|line| {
        let mut line = line.to_owned();
        if begins(&line) {
            line = line.replacen("::", ": :", 1);
        }
        for (command, instead) in COMMANDS {
            line = line.replace(command, instead);
        }
        line
    });
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::is_deceptive;

    /// A CI system's own reading of a line, after GitHub's runner: the newer form at its start, the older one anywhere.
    fn is_command(line: &str) -> bool {
        line.trim_start().starts_with("::") || ["##[", "##vso[", "##teamcity["].iter().any(|one| line.contains(one))
    }

    fn hostile() -> impl Strategy<Value = String> {
        let pieces = [
            "::",
            ":",
            " ",
            "\n",
            "\r",
            "\t",
            "#",
            "##[",
            "##vso[",
            "\u{1b}[31m",
            "\u{1b}]0;x\u{7}",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{9b}",
            "a",
            "é",
        ];
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_steers_a_terminal_or_is_a_command(text in hostile()) {
            for shown in [terminal(&text), line(&text)] {
                prop_assert!(!shown.chars().any(|one| is_deceptive(one) && !matches!(one, '\n' | '\t')), "{shown:?}");
                prop_assert!(!shown.lines().any(is_command), "{shown:?}");
            }
            prop_assert_eq!(line(&text).lines().count().max(1), 1);
            let shown = colored(&text);
            prop_assert!(!shown.lines().any(is_command), "{:?}", shown);
            let without = shown.replace("\u{1b}[31m", "");
            prop_assert!(!without.chars().any(|one| is_deceptive(one) && !matches!(one, '\n' | '\t')), "{:?}", shown);
        }
    }

    #[test]
    fn colours_pass_where_they_are_asked_for_and_nothing_else_does() {
        assert_eq!(colored("\u{1b}[1;31mE\u{1b}[0m\u{1b}[2J"), "\u{1b}[1;31mE\u{1b}[0m\\u{1b}[2J");
        assert_eq!(terminal("\u{1b}[31mE"), "\\u{1b}[31mE");
        assert_eq!(terminal(" ::add-mask::x\n a::b ##[group]"), " : :add-mask::x\n a::b # #[group]");
    }
}
