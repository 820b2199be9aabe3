//! Near duplicates among values, by their spelling.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// Values beyond which neighbours by spelling are not looked for: the search takes the square of their number.
const MOST_COMPARED: usize = 1_500;

/// Groups of values that may be one: they differ in case, blanks or punctuation, or by a slip of the pen. Values with digits count as different unless they
/// differ in case, blanks or punctuation alone. Sorted.
pub(crate) fn near_duplicates<'v>(values: impl IntoIterator<Item = &'v str>) -> Vec<Vec<String>> {
    let mut folded: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for value in values {
        let key = fold(value);
        if !key.is_empty() {
            folded.entry(key).or_default().push(value);
        }
    }
    let keys: Vec<&String> = folded.keys().collect();
    let mut parent: Vec<usize> = (0..keys.len()).collect();
    if keys.len() <= MOST_COMPARED {
        for (first, one) in keys.iter().enumerate() {
            for (second, other) in keys.iter().enumerate().skip(first + 1) {
                if is_slip(one, other) {
                    let (a, b) = (root(&parent, first), root(&parent, second));
                    if let Some(slot) = parent.get_mut(a.max(b)) {
                        *slot = a.min(b);
                    }
                }
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (at, key) in keys.iter().enumerate() {
        let group = groups.entry(root(&parent, at)).or_default();
        group.extend(folded.get(*key).into_iter().flatten().map(|value| (*value).to_owned()));
    }
    let mut groups: Vec<Vec<String>> = groups.into_values().filter(|group| group.len() > 1).collect();
    for group in &mut groups {
        group.sort();
    }
    groups.sort();
    groups
}

fn root(parent: &[usize], mut at: usize) -> usize {
    while let Some(&above) = parent.get(at)
        && above != at
    {
        at = above;
    }
    at
}

/// Lower-cased, letters and digits only.
pub(crate) fn fold(value: &str) -> String {
    value.nfc().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// True where two folded values differ by one slip; by two in long ones.
fn is_slip(one: &str, other: &str) -> bool {
    let (short, long) = {
        let (a, b) = (one.chars().count(), other.chars().count());
        (a.min(b), a.max(b))
    };
    let reach = match long {
        0..=3 => return false,
        4..=12 => 1,
        _ => 2,
    };
    if long - short > reach || one.bytes().chain(other.bytes()).any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    strsim::damerau_levenshtein(one, other) <= reach
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_one_are_grouped() {
        let groups =
            near_duplicates(["VIP", "vip ", "Trade Show", "Trade-Show", "Tradeshwo", "2024", "2025", "Zürich"]);
        assert_eq!(groups, [vec!["Trade Show", "Trade-Show", "Tradeshwo"], vec!["VIP", "vip "]]);
    }

    #[test]
    fn short_words_and_numbers_are_not_guessed_at() {
        assert_eq!(near_duplicates(["Mr", "Ms", "A1", "A2", "stage 1", "stage 2"]), Vec::<Vec<String>>::new());
    }
}
