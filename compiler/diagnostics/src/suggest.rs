/// The one name near enough to `written` to be what was meant: within a distance of max(1, length / 3), the nearest, the first in order of the alphabet
/// among equals. Only names valid at that place should be offered.
pub fn nearest<'a>(written: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (written.chars().count() / 3).max(1);
    valid
        .into_iter()
        .filter(|name| *name != written)
        .map(|name| {
            let plain = strsim::damerau_levenshtein(written, name);
            let folded = strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase());
            (plain.min(folded + usize::from(folded != plain)), name)
        })
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("emial", ["email", "phone"]), Some("email"));
        assert_eq!(nearest("Email", ["email", "phone"]), Some("email"));
        assert_eq!(nearest("fax", ["email", "phone"]), None);
    }
}
