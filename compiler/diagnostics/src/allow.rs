//! Findings that a spec accepts, by an entry `allow W0321 : "why"` or by a comment `// allow W0321: why`.

use migr_source::Span;

use crate::{Applicability, Code, Diagnostic, Edit, Fix};

/// An acceptance of one code, and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The code as written.
    pub code: String,
    /// Form in which the acceptance is written.
    pub form: AllowForm,
    /// The comment, from its `//`, or the entry.
    pub written: Span,
    /// Where the findings stand that it covers.
    pub covers: Covered,
    /// Findings that are accepted; one more, and all come back.
    pub max: Option<u64>,
    /// Reason behind the colon, where there is one.
    pub reason: Option<String>,
}

/// Form of an acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowForm {
    /// `allow W0321 : "why"`
    Entry,
    /// `// allow W0321: why`
    Comment,
}

/// Place of the findings that an acceptance covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// The whole project.
    All,
    /// Findings that begin inside one of these.
    Within(Vec<Span>),
}

/// A finding that is accepted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Reason as written.
    pub reason: String,
    /// Where it is accepted.
    pub by: Span,
}

/// Code and reason of a comment that allows a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedAllow<'a> {
    /// The code as written.
    pub code: &'a str,
    /// Reason behind the colon, where there is one.
    pub reason: Option<&'a str>,
}

/// Reads a comment, with or without its `//`. Nothing unless it begins with `allow` and a word of a code's shape, so prose stays prose.
pub fn parse_allow(comment_text: &str) -> Option<ParsedAllow<'_>> {
    let text = comment_text.strip_prefix("//").unwrap_or(comment_text);
    if text.starts_with('/') {
        return None;
    }
    let rest = text.trim().strip_prefix("allow")?.strip_prefix([' ', '\t'])?.trim_start();
    let end = rest.find(|one: char| !one.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (code, rest) = rest.split_at_checked(end)?;
    let digits = code.strip_prefix(['E', 'W', 'e', 'w'])?;
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let reason = rest.trim_start().strip_prefix(':').map(str::trim).filter(|reason| !reason.is_empty());
    Some(ParsedAllow { code, reason })
}

/// Takes out the warnings that are accepted, and reports acceptances that cover nothing, give no reason, or name a code that cannot be accepted. One of
/// more findings than its `max` covers none of them. The narrowest acceptance takes a finding.
pub fn apply_allows(diagnostics: Vec<Diagnostic>, allows: &[Allow]) -> (Vec<Diagnostic>, Vec<Accepted>) {
    let mut taken = vec![0_u64; allows.len()];
    let by: Vec<Option<usize>> = diagnostics
        .iter()
        .map(|diagnostic| {
            let covering = allows.iter().enumerate().filter(|(_, allow)| covers(allow, diagnostic));
            // Comments first, then entries of blocks, then those of the whole project.
            let at = covering.min_by_key(|(_, allow)| (allow.form == AllowForm::Entry, allow.covers == Covered::All));
            at.map(|(at, _)| at)
        })
        .collect();
    for at in by.iter().flatten() {
        if let Some(count) = taken.get_mut(*at) {
            *count += 1;
        }
    }
    let (mut left, mut accepted) = (Vec::with_capacity(diagnostics.len()), Vec::new());
    for (diagnostic, at) in diagnostics.into_iter().zip(by) {
        let found = at.and_then(|at| Some((allows.get(at)?, *taken.get(at)?)));
        match found {
            Some((allow, count)) => match allow.max.filter(|max| count > *max) {
                Some(max) => {
                    left.push(
                        diagnostic.with_note(format!("{max} of this kind are accepted, and now there are {count}")),
                    );
                }
                None => accepted.push(Accepted {
                    diagnostic,
                    reason: allow.reason.clone().unwrap_or_default(),
                    by: allow.written,
                }),
            },
            None => left.push(diagnostic),
        }
    }
    left.extend(allows.iter().zip(taken).filter_map(|(allow, taken)| complaint(allow, taken > 0)));
    (left, accepted)
}

fn covers(allow: &Allow, diagnostic: &Diagnostic) -> bool {
    if Code::find(&allow.code) != Some(diagnostic.code) || !diagnostic.code.can_be_allowed() {
        return false;
    }
    match &allow.covers {
        Covered::All => true,
        Covered::Within(places) => diagnostic.span().is_some_and(|span| {
            places.iter().any(|place| span.file == place.file && (place.start..=place.end).contains(&span.start))
        }),
    }
}

/// One finding at most for each: the first of what is wrong with it.
fn complaint(allow: &Allow, used: bool) -> Option<Diagnostic> {
    let place = allow.written;
    let written = &allow.code;
    let what = match allow.form {
        AllowForm::Comment => "comment",
        AllowForm::Entry => "entry",
    };
    let Some(code) = Code::find(written) else {
        let message = format!("there is no code `{written}` to allow");
        return Some(
            Diagnostic::new(Code::E0213, message, place, "no such code").with_help(format!("remove the {what}")),
        );
    };
    if !code.can_be_allowed() {
        return Some(
            Diagnostic::new(
                Code::E0213,
                format!("`{code}` cannot be allowed: it is an error"),
                place,
                "allows nothing",
            )
            .with_help(format!("remove the {what} and mend what `{code}` reports")),
        );
    }
    if allow.reason.is_none() {
        return Some(
            Diagnostic::new(Code::E0212, format!("this allows `{code}` without a reason"), place, "no reason")
                .with_help(format!("write an entry that says why: `allow {code} : \"…\"`")),
        );
    }
    // Of an entry without a reason that alone is told, by who reads the entries.
    if allow.reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return None;
    }
    let below = match allow.form {
        AllowForm::Comment => "nothing below raises",
        AllowForm::Entry => "nothing here raises",
    };
    (!used && !code.is_of_rows()).then(|| {
        Diagnostic::new(Code::W0211, format!("{below} `{code}`"), place, "allows nothing")
            .with_help(format!("remove the {what}"))
            .with_fix(Fix {
                title: format!("remove the {what}"),
                edits: vec![Edit { span: place, text: String::new() }],
                applicability: if allow.form == AllowForm::Comment {
                    Applicability::Safe
                } else {
                    Applicability::Unsafe
                },
            })
    })
}

#[cfg(test)]
mod tests {
    use migr_source::FileId;

    use super::*;

    fn span(start: usize, end: usize) -> Span {
        Span::new(FileId(0), start, end)
    }

    fn allow(code: &str, reason: Option<&str>) -> Allow {
        Allow {
            code: code.to_owned(),
            form: AllowForm::Comment,
            written: span(0, 10),
            covers: Covered::Within(vec![span(12, 20)]),
            max: None,
            reason: reason.map(str::to_owned),
        }
    }

    fn finding(code: Code, start: usize) -> Diagnostic {
        Diagnostic::new(code, "something", span(start, start + 2), "here")
    }

    fn left(findings: Vec<Diagnostic>, allow: Allow) -> Vec<String> {
        let (left, _) = apply_allows(findings, &[allow]);
        left.into_iter().map(|left| format!("{} {}{}", left.code, left.message, left.notes.concat())).collect()
    }

    #[test]
    fn a_comment_that_allows_is_told_from_prose() {
        let parsed = |code, reason| Some(ParsedAllow { code, reason });
        assert_eq!(parse_allow("// allow W0320: kept for the audit"), parsed("W0320", Some("kept for the audit")));
        assert_eq!(parse_allow("//allow W0320"), parsed("W0320", None));
        assert_eq!(parse_allow(" allow w0320 :  "), parsed("w0320", None));
        for prose in [
            "// allow people in",
            "// allowed W0211: no",
            "/// allow W0320: documents",
            "// W0320",
            "// allow W03201: x",
            "// allow",
        ] {
            assert_eq!(parse_allow(prose), None, "{prose}");
        }
    }

    #[test]
    fn an_allowed_warning_inside_what_follows_is_taken_out() {
        assert_eq!(left(vec![finding(Code::W0320, 14)], allow("W0320", Some("known"))), Vec::<String>::new());
        assert_eq!(
            left(vec![finding(Code::W0320, 30)], allow("w0320", Some("known"))),
            ["W0320 something", "W0211 nothing below raises `W0320`"]
        );
    }

    #[test]
    fn an_allow_without_a_reason_holds_and_is_reported() {
        assert_eq!(
            left(vec![finding(Code::W0320, 14)], allow("W0320", None)),
            ["E0212 this allows `W0320` without a reason"]
        );
    }

    #[test]
    fn an_error_and_an_unknown_code_cannot_be_allowed() {
        assert_eq!(
            left(vec![finding(Code::E0304, 14)], allow("E0304", Some("please"))),
            ["E0304 something", "E0213 `E0304` cannot be allowed: it is an error"]
        );
        assert_eq!(left(Vec::new(), allow("W9999", None)), ["E0213 there is no code `W9999` to allow"]);
    }

    #[test]
    fn one_more_than_is_accepted_and_all_come_back() {
        let two = || vec![finding(Code::W0320, 14), finding(Code::W0320, 16)];
        let entry = |max| Allow {
            form: AllowForm::Entry,
            max: Some(max),
            covers: Covered::All,
            ..allow("W0320", Some("known"))
        };
        assert_eq!(left(two(), entry(2)), Vec::<String>::new());
        let over = "W0320 something1 of this kind are accepted, and now there are 2";
        assert_eq!(left(two(), entry(1)), [over, over]);
    }

    #[test]
    fn a_finding_is_accepted_by_the_narrowest_entry_and_its_reason_is_kept() {
        let wide = Allow { form: AllowForm::Entry, covers: Covered::All, ..allow("W0320", Some("all")) };
        let narrow = Allow { form: AllowForm::Entry, written: span(1, 2), ..allow("W0320", Some("this one")) };
        let (left, accepted) = apply_allows(vec![finding(Code::W0320, 14), finding(Code::W0320, 40)], &[wide, narrow]);
        assert!(left.is_empty(), "{left:?}");
        let reasons: Vec<&str> = accepted.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons, ["this one", "all"]);
    }
}
