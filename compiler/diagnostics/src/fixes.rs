//! Application of safe fixes to the text of a file.

use migr_source::FileId;

use crate::{Applicability, Edit, Fix};

/// The text of one file with its safe fixes made. A fix is made whole or not at all: one that overlaps an earlier one, reaches into a second file or
/// does not fit the text is left out, and a deferred step over the new text can make it. The first fix says which file `text` is.
pub fn apply_fixes(text: &str, fixes: &[&Fix]) -> String {
    let mut accepted: Vec<&Edit> = Vec::new();
    let mut file: Option<FileId> = None;
    for fix in fixes.iter().filter(|fix| fix.applicability == Applicability::Safe) {
        let home = file.or_else(|| fix.edits.first().map(|edit| edit.span.file));
        let fits = |edit: &Edit| Some(edit.span.file) == home && text.get(edit.span.range()).is_some();
        let free = |edit: &Edit| accepted.iter().all(|other| !overlap(edit, other));
        if fix.edits.iter().all(|edit| fits(edit) && free(edit)) && is_consistent(fix) {
            accepted.extend(&fix.edits);
            file = home;
        }
    }
    accepted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut mended = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in accepted {
        mended.push_str(text.get(copied..edit.span.start as usize).unwrap_or_default());
        mended.push_str(&edit.text);
        copied = edit.span.end as usize;
    }
    mended.push_str(text.get(copied..).unwrap_or_default());
    mended
}

/// True where no two edits of one fix overlap.
fn is_consistent(fix: &Fix) -> bool {
    fix.edits.iter().enumerate().all(|(at, edit)| fix.edits.iter().skip(at + 1).all(|other| !overlap(edit, other)))
}

/// Two insertions at one place overlap too: their order would be a guess.
fn overlap(one: &Edit, other: &Edit) -> bool {
    let (a, b) = (one.span, other.span);
    a.start < b.end && b.start < a.end || a.start == b.start
}

#[cfg(test)]
mod tests {
    use migr_source::Span;
    use proptest::prelude::*;

    use super::*;

    fn fix(applicability: Applicability, edits: &[(usize, usize, &str)]) -> Fix {
        let edit = |(start, end, text): &(usize, usize, &str)| Edit {
            span: Span::new(FileId(0), *start, *end),
            text: (*text).to_owned(),
        };
        Fix { title: "mend it".to_owned(), edits: edits.iter().map(edit).collect(), applicability }
    }

    #[test]
    fn makes_the_safe_fixes_in_order_of_place() {
        let late = fix(Applicability::Safe, &[(8, 11, "fox"), (11, 11, "!")]);
        let early = fix(Applicability::Safe, &[(0, 3, "one")]);
        assert_eq!(apply_fixes("a b slow dog", &[&fix(Applicability::Unsafe, &[(0, 1, "x")])]), "a b slow dog");
        assert_eq!(apply_fixes("the red hen", &[&late, &early]), "one red fox!");
    }

    #[test]
    fn leaves_out_a_whole_fix_when_one_of_its_edits_overlaps() {
        let first = fix(Applicability::Safe, &[(4, 7, "blue")]);
        let second = fix(Applicability::Safe, &[(0, 3, "one"), (6, 8, "-")]);
        assert_eq!(apply_fixes("the red hen", &[&first, &second]), "the blue hen");
    }

    #[test]
    fn leaves_out_what_does_not_fit_the_text() {
        let inside_a_character = fix(Applicability::Safe, &[(1, 1, "x")]);
        let beyond = fix(Applicability::Safe, &[(9, 9, "x")]);
        let twice_at_one_place = fix(Applicability::Safe, &[(0, 0, "x"), (0, 0, "y")]);
        let mut elsewhere = fix(Applicability::Safe, &[(0, 0, "x"), (2, 2, "y")]);
        elsewhere.edits[1].span.file = FileId(1);
        assert_eq!(apply_fixes("é", &[&inside_a_character, &beyond, &twice_at_one_place, &elsewhere]), "é");
    }

    proptest! {
        #[test]
        fn any_edits_of_any_text_give_a_text(text in "[aé\n]{0,12}", edits in prop::collection::vec((0_usize..16, 0_usize..16), 0..6)) {
            let fixes: Vec<Fix> = edits.iter().map(|(start, end)| fix(Applicability::Safe, &[(*start, *end, "")])).collect();
            let mended = apply_fixes(&text, &fixes.iter().collect::<Vec<_>>());
            prop_assert!(mended.len() <= text.len());
        }
    }
}
