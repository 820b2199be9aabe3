//! Suggestions of a near name for one that is not known.

/// Characters of a name for which another one is suggested.
const LONGEST: usize = 100;

/// Names that are looked at.
const MOST_NAMES: usize = 5_000;

/// Names that are compared letter by letter.
const MOST_COMPARED: usize = 200;

/// The kinds of letters of a name, whatever their case, a bit for each of 64 classes.
fn letters(name: &str) -> u64 {
    name.chars().flat_map(char::to_lowercase).fold(0, |found, letter| found | 1 << (u32::from(letter) % 64))
}

/// The one name near enough to `written` to be what was meant: within a distance of max(1, length / 3), the nearest, the first in order of the alphabet
/// among equals. Only names valid at that place should be offered.
///
/// Names are compared only where they could be near, and so many of them: what is compared is written by people, and a text that was made to be slow is not.
pub fn nearest<'a>(written: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    if length > LONGEST {
        return None;
    }
    let reach = (length / 3).max(1);
    let (lower, letters) = (written.to_lowercase(), letters(written));
    valid
        .into_iter()
        .take(MOST_NAMES)
        .filter(|name| *name != written && name.len() <= 4 * LONGEST && name.chars().count().abs_diff(length) <= reach)
        // An edit changes two kinds of letters at most.
        .filter(|name| ((self::letters(name) ^ letters).count_ones() as usize) <= 2 * reach)
        .take(MOST_COMPARED)
        .map(|name| {
            let plain = strsim::damerau_levenshtein(written, name);
            let folded = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
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

    #[test]
    fn many_and_long_names_cost_little() {
        let long = "x".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.replace("xxy", "x").as_str(), "x"]), None);
        assert_eq!(
            nearest("emial", std::iter::once("email").chain(std::iter::repeat_n(long.as_str(), 100))),
            Some("email")
        );
        let names: Vec<String> = (0..32_000).map(|number| format!("column{number}")).collect();
        let first = nearest("colunm1", names.iter().map(String::as_str));
        assert_eq!(first, Some("column1"));
        let compared = std::cell::Cell::new(0);
        let counted = names.iter().map(|name| {
            compared.set(compared.get() + 1);
            name.as_str()
        });
        nearest("colunm77777", counted);
        assert!(compared.get() <= super::MOST_NAMES);
    }
}
