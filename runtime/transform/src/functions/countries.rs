//! Countries by what people write for them.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Of ISO 3166-1: the code of two letters, then that of three and the names, folded.
const COUNTRIES: &str = include_str!("countries.txt");

static BY_NAME: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = COUNTRIES.lines().filter_map(|line| line.split_once(' '));
    lines.flat_map(|(code, names)| names.split(' ').map(move |name| (name, code))).collect()
});

static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    COUNTRIES.lines().filter_map(|line| line.get(..2)).map(|code| (code.to_lowercase(), code)).collect()
});

/// The ISO code of a country, by its code of two or three letters or its name, in any case, with or without accents, dots and hyphens.
pub(super) fn code_of(written: &str) -> Option<&'static str> {
    let folded = folded(written);
    BY_NAME.get(folded.as_str()).or_else(|| CODES.get(&folded)).copied()
}

fn folded(written: &str) -> String {
    let letters = |one: &char| one.is_alphanumeric() && !is_combining_mark(*one);
    written.nfd().flat_map(char::to_lowercase).filter(letters).collect()
}

/// Names that two countries bear, and that are none for sure: folded, with their codes.
const OF_SEVERAL: [(&str, &str); 4] =
    [("congo", "CD or CG"), ("korea", "KP or KR"), ("thecongo", "CD or CG"), ("virginislands", "VG or VI")];

/// The codes of the countries that a name may mean, where it means several.
pub(super) fn several(written: &str) -> Option<&'static str> {
    let folded = folded(written);
    OF_SEVERAL.iter().find(|(name, _)| *name == folded).map(|(_, codes)| *codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_codes_names_and_what_people_write() {
        for (written, code) in [
            ("US", "US"),
            ("usa", "US"),
            ("U.S.A.", "US"),
            (" United  States ", "US"),
            ("UK", "GB"),
            ("Côte d'Ivoire", "CI"),
            ("Ivory Coast", "CI"),
            ("DEU", "DE"),
            ("South Korea", "KR"),
            ("Czech Republic", "CZ"),
        ] {
            assert_eq!(code_of(written), Some(code), "{written}");
        }
        for (written, codes) in [("Congo", "CD or CG"), ("KOREA", "KP or KR"), ("Virgin Islands", "VG or VI")] {
            assert_eq!((code_of(written), several(written)), (None, Some(codes)), "{written}");
        }
        assert_eq!(several("North Korea"), None);
        for nothing in ["", "Atlantis", "XX", "12"] {
            assert_eq!(code_of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn every_country_has_a_code_of_two_letters_and_its_names_are_its_own() {
        assert_eq!(CODES.len(), 249);
        let names = COUNTRIES.lines().map(|line| line.split(' ').count() - 1).sum::<usize>();
        assert_eq!(BY_NAME.len(), names, "two countries share a name");
    }
}
