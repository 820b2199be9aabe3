/// The shipped specs: the path a `use` names, with its ending, and the text.
pub fn library() -> &'static [(&'static str, &'static str)] {
    &[
        ("std/systems/highlevel.migr", include_str!("../../../specs/systems/highlevel.migr")),
        ("std/systems/the_practice.migr", include_str!("../../../specs/systems/the_practice.migr")),
        ("std/systems/twenty.migr", include_str!("../../../specs/systems/twenty.migr")),
        ("std/systems/visual_practice.migr", include_str!("../../../specs/systems/visual_practice.migr")),
    ]
}

/// The text of a shipped spec.
pub(crate) fn shipped(path: &str) -> Option<&'static str> {
    library().iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}
