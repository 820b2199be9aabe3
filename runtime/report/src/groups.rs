//! Entries that say the same of different records, side by side.

use std::collections::BTreeMap;

use crate::model::{Quarantined, Repaired};

/// Entries of one map, field and kind of reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group<'r, T> {
    /// The map.
    pub(crate) map: &'r str,
    /// The destination field, where one is to blame.
    pub(crate) field: Option<&'r str>,
    /// The reason without the values that it names.
    pub(crate) reason: String,
    /// In the report's order.
    pub(crate) entries: Vec<&'r T>,
}

/// Quarantined records by map, field and kind of reason; the largest groups first.
pub(crate) fn of_quarantine(entries: &[Quarantined]) -> Vec<Group<'_, Quarantined>> {
    group(entries, |entry| (&entry.map, entry.field.as_deref(), &entry.reason))
}

/// Repairs by map, field and kind of reason; the largest groups first.
pub(crate) fn of_repairs(entries: &[Repaired]) -> Vec<Group<'_, Repaired>> {
    group(entries, |entry| (&entry.map, Some(&entry.field), &entry.reason))
}

fn group<'r, T>(entries: &'r [T], parts: impl Fn(&'r T) -> (&'r str, Option<&'r str>, &'r str)) -> Vec<Group<'r, T>> {
    let mut groups: BTreeMap<(&str, Option<&str>, String), Vec<&T>> = BTreeMap::new();
    for entry in entries {
        let (map, field, reason) = parts(entry);
        groups.entry((map, field, kind(reason))).or_default().push(entry);
    }
    let mut groups: Vec<Group<'_, T>> =
        groups.into_iter().map(|((map, field, reason), entries)| Group { map, field, reason, entries }).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.entries.len()));
    groups
}

/// A reason with each quoted value as `…`.
fn kind(reason: &str) -> String {
    let mut kind = String::with_capacity(reason.len());
    let mut quoted = false;
    let mut escaped = false;
    for character in reason.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                if !quoted {
                    kind.push('…');
                }
            }
            _ if quoted => {}
            _ => kind.push(character),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_the_value_alone_are_one_kind() {
        assert_eq!(kind(r#""yesterday" is not a date of the form %m"#), "… is not a date of the form %m");
        assert_eq!(kind(r#"refers to Company "K\"9", which is not there"#), "refers to Company …, which is not there");
    }
}
