//! The shipped library, embedded: `use "std/systems/twenty"`.

/// Paths as `use` names them, with `.migr`, and their texts.
const LIBRARY: &[(&str, &str)] = &[
    (
        "std/migrations/the-practice-to-highlevel/migration.migr",
        include_str!("../../../specs/migrations/the-practice-to-highlevel/migration.migr"),
    ),
    (
        "std/migrations/visual-practice-to-twenty/migration.migr",
        include_str!("../../../specs/migrations/visual-practice-to-twenty/migration.migr"),
    ),
    ("std/systems/highlevel.migr", include_str!("../../../specs/systems/highlevel.migr")),
    ("std/systems/the_practice.migr", include_str!("../../../specs/systems/the_practice.migr")),
    ("std/systems/twenty.migr", include_str!("../../../specs/systems/twenty.migr")),
    ("std/systems/twenty_1.migr", include_str!("../../../specs/systems/twenty_1.migr")),
    ("std/systems/visual_practice.migr", include_str!("../../../specs/systems/visual_practice.migr")),
];

/// The shipped specs: path (`std/systems/twenty.migr`) and text, sorted by path.
pub fn library() -> &'static [(&'static str, &'static str)] {
    LIBRARY
}

/// The text of a shipped spec.
pub(crate) fn shipped(path: &str) -> Option<&'static str> {
    LIBRARY.iter().find(|(shipped, _)| *shipped == path).map(|(_, text)| *text)
}
