use crate::grammar::Rule;

pub(crate) fn words(rule: Rule) -> String {
    format!("{rule:?}")
}
