//! Names of companies without their legal forms.

use unicode_normalization::UnicodeNormalization;

/// Words that say what kind of company a name is, and not which.
const LEGAL_FORMS: &[&str] = &[
    "ag",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "oy",
    "pa",
    "pc",
    "plc",
    "pllc",
    "pty",
    "sa",
    "sarl",
    "sas",
    "srl",
];

/// The form in which names count as one: lower-cased, without punctuation, a leading `the` and legal forms at the end; `&` is `and`.
pub(crate) fn folded_name(name: &str) -> String {
    // An accent may be written in one sign with its letter, or apart.
    let plain =
        name.nfc().collect::<String>().to_lowercase().replace('.', "").replace('&', " and ").replace(['\'', '’'], "");
    let mut words: Vec<&str> =
        plain.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.len() > 1 && words.first() == Some(&"the") {
        words.remove(0);
    }
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL_FORMS.contains(word)) {
        words.pop();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_company_fold_alike_and_other_companies_do_not() {
        for name in ["Acme", "ACME Inc.", "acme, inc", "Acme  L.L.C.", "The Acme Company", "Acme Co., Ltd."] {
            assert_eq!(folded_name(name), "acme", "{name}");
        }
        assert_eq!(folded_name("Smith & Sons"), folded_name("Smith and Sons LLC"));
        assert_eq!(folded_name("O'Brien Dental"), folded_name("OBrien dental"));
        assert_eq!(folded_name("Mu\u{308}ller GmbH"), folded_name("Müller"));
        assert_ne!(folded_name("Acme North"), folded_name("Acme"));
        assert_eq!(folded_name("Company"), "company");
        assert_eq!(folded_name("The Company"), "company");
        assert_eq!(folded_name("  -  "), "");
    }
}
