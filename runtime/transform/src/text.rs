//! Functions over texts: blanks, case, digits, length, masking.

use std::borrow::Cow;

/// Text without blanks around it, as [`str::trim`] gives it. Quick where there are none, as in nearly every cell.
#[inline]
pub fn trimmed(text: &str) -> &str {
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Without blanks around it.
pub(crate) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => {
            let trimmed = text.trim();
            if trimmed.len() == text.len() { Cow::Owned(text) } else { Cow::Owned(trimmed.to_owned()) }
        }
    }
}

/// Trimmed, with runs of blanks as one space.
pub(crate) fn collapse(text: Cow<'_, str>) -> Cow<'_, str> {
    let text = trim(text);
    if is_collapsed(&text) {
        return text;
    }
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    Cow::Owned(collapsed)
}

/// True where there is no blank but single spaces.
fn is_collapsed(text: &str) -> bool {
    let mut after_space = false;
    if text.is_ascii() {
        return text.bytes().all(|byte| {
            let is_second = byte == b' ' && after_space;
            after_space = byte == b' ';
            !is_second && !matches!(byte, b'\t'..=b'\r')
        });
    }
    text.chars().all(|character| {
        let is_space = character == ' ';
        let fits = !(is_space && after_space) && (is_space || !character.is_whitespace());
        after_space = is_space;
        fits
    })
}

/// In lower case.
pub(crate) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        text
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// In capitals.
pub(crate) fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) {
        text
    } else {
        Cow::Owned(text.to_uppercase())
    }
}

/// Each word with a capital, the rest in lower case. An apostrophe is inside a word.
pub(crate) fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_last = !rest.peek().is_some_and(|next| next.is_alphanumeric());
        match (in_word, character) {
            // The small sigma has another form at a word's end.
            (true, 'Σ' | 'σ') if is_last => titled.push('ς'),
            (true, _) => titled.extend(character.to_lowercase()),
            (false, _) => titled.extend(character.to_uppercase()),
        }
        in_word = character.is_alphanumeric() || matches!(character, '\'' | '’') && in_word;
    }
    titled
}

/// The digits 0 to 9 alone.
pub(crate) fn digits(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text
    } else {
        Cow::Owned(text.chars().filter(char::is_ascii_digit).collect())
    }
}

/// At most so many characters, without blanks at the end where it was cut.
pub(crate) fn truncate(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return text };
    let cut = |text: &str| text.get(..end).unwrap_or(text).trim_end().len();
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..cut(text)).unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.truncate(cut(&text));
            Cow::Owned(text)
        }
    }
}

/// The first character and three stars; three stars where there would be little else.
pub(crate) fn mask(text: &str) -> String {
    let mut characters = text.trim().chars();
    match (characters.next(), characters.nth(2)) {
        (Some(first), Some(_)) => format!("{first}***"),
        _ => "***".to_owned(),
    }
}

/// The form in which keys are compared: trimmed, and without regard to case or runs of blanks where the plan says so.
pub fn comparable(text: &str, ignore_case: bool, ignore_space: bool) -> Cow<'_, str> {
    let text = Cow::Borrowed(text);
    let text = if ignore_space { collapse(text) } else { trim(text) };
    if ignore_case { lower(text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_change_is_borrowed() {
        for change in [trim, collapse, lower, digits] {
            assert!(matches!(change(Cow::Borrowed("12")), Cow::Borrowed("12")));
        }
        assert!(matches!(truncate(Cow::Borrowed("é漢字"), 2), Cow::Borrowed("é漢")));
    }

    #[test]
    fn keys_compare_as_the_plan_says() {
        assert_eq!(comparable("  In  Progress ", true, true), "in progress");
        assert_eq!(comparable("  In  Progress ", false, false), "In  Progress");
    }

    proptest::proptest! {
        #[test]
        fn every_form_is_its_own_form(text in ".*") {
            for change in [trim, collapse, lower, digits] {
                let once = change(Cow::Borrowed(&text)).into_owned();
                proptest::prop_assert_eq!(&change(Cow::Borrowed(&once)), &once);
                proptest::prop_assert_eq!(&change(Cow::Owned(text.clone())), &once);
            }
            let _ = (title(&text), mask(&text), upper(Cow::Borrowed(&text)));
        }

        #[test]
        fn a_truncated_text_is_a_beginning(text in ".*", most in 0..30_usize) {
            let cut = truncate(Cow::Borrowed(&text), most);
            proptest::prop_assert!(text.starts_with(&*cut) && cut.chars().count() <= most);
            proptest::prop_assert_eq!(truncate(Cow::Owned(text.clone()), most), cut);
        }
    }
}
