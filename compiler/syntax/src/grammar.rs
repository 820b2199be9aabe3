//! Parser that pest makes of the grammar.

/// The parser that pest makes of the grammar.
#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/migr.pest"]
pub(crate) struct Grammar;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pest::Parser as _;

    use super::{Grammar, Rule};

    /// Rules that read what is wrong, or a part of a system whose rest is.
    const WRONG: [&str; 11] = [
        "EOI",
        "bad_entry",
        "bad_item",
        "junk",
        "last_brace",
        "missing_brace",
        "missing_inner_brace",
        "system_body",
        "system_head",
        "system_tail",
        "section",
    ];
    /// Forms that are read and not carried out (E0334).
    const NOT_CARRIED_OUT: [&str; 7] =
        ["computed", "each", "form_attribute", "layout", "layout_setting", "place_in_file", "place_word"];

    #[test]
    fn every_form_of_the_grammar_stands_in_an_example_of_the_reference() {
        let page = include_str!("../../../grammar/README.md");
        let mut shown = BTreeSet::new();
        for example in page.split("```migr\n").skip(1) {
            let example = example.split("```").next().unwrap();
            let pairs = Grammar::parse(Rule::section, example).unwrap_or_else(|error| panic!("{error}"));
            shown.extend(pairs.flatten().map(|pair| format!("{:?}", pair.as_rule())));
        }
        let grammar = include_str!("../../../grammar/migr.pest");
        let rules = grammar.lines().filter_map(|line| {
            let (name, body) = line.split_once(" = ").map(|(name, body)| (name.trim(), body.trim()))?;
            let is_rule = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            // A silent rule gives nothing of its own.
            (is_rule && !body.starts_with('_') && !name.starts_with("strict_")).then_some(name)
        });
        let rules: Vec<&str> = rules.collect();
        assert!(rules.len() > 120, "{rules:?}");
        let left_out = |rule: &&str| !shown.contains(*rule) && !WRONG.contains(rule) && !NOT_CARRIED_OUT.contains(rule);
        let missing: Vec<&str> = rules.into_iter().filter(left_out).collect();
        assert!(missing.is_empty(), "no example of the reference shows {missing:?}");
    }
}
