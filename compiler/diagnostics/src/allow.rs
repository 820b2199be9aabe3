use migr_source::Span;

use crate::{Applicability, Code, Diagnostic, Edit, Fix};

/// A comment `// allow W0320: reason` and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The code as written.
    pub code: String,
    /// The comment, from its `//`.
    pub span_of_comment: Span,
    /// The entry or item that follows it.
    pub covers: Span,
    /// What stands after the colon, if anything does.
    pub reason: Option<String>,
}

/// What a comment that allows a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedAllow<'a> {
    /// The code as written.
    pub code: &'a str,
    /// What stands after the colon, if anything does.
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

/// Takes out the warnings that a comment allows, and reports the comments that allow nothing, give no reason, or name a code that cannot be allowed. An
/// allow holds for findings that begin inside what it covers.
pub fn apply_allows(diagnostics: Vec<Diagnostic>, allows: &[Allow]) -> Vec<Diagnostic> {
    let mut used = vec![false; allows.len()];
    let mut left = Vec::with_capacity(diagnostics.len());
    for diagnostic in diagnostics {
        let mut allowed = false;
        for (allow, used) in allows.iter().zip(&mut used) {
            if covers(allow, &diagnostic) {
                *used = true;
                allowed = true;
            }
        }
        if !allowed {
            left.push(diagnostic);
        }
    }
    left.extend(allows.iter().zip(used).filter_map(|(allow, used)| complaint(allow, used)));
    left
}

fn covers(allow: &Allow, diagnostic: &Diagnostic) -> bool {
    let named = Code::find(&allow.code) == Some(diagnostic.code) && diagnostic.code.can_be_allowed();
    named
        && diagnostic.span().is_some_and(|span| {
            span.file == allow.covers.file && (allow.covers.start..=allow.covers.end).contains(&span.start)
        })
}

/// One finding at most for each comment: the first of what is wrong with it.
fn complaint(allow: &Allow, used: bool) -> Option<Diagnostic> {
    let place = allow.span_of_comment;
    let written = &allow.code;
    let Some(code) = Code::find(written) else {
        let message = format!("there is no code `{written}` to allow");
        return Some(Diagnostic::new(Code::E0213, message, place, "no such code").with_help("remove the comment"));
    };
    if !code.can_be_allowed() {
        return Some(
            Diagnostic::new(
                Code::E0213,
                format!("`{code}` cannot be allowed: it is an error"),
                place,
                "allows nothing",
            )
            .with_help(format!("remove the comment and mend what `{code}` reports")),
        );
    }
    if allow.reason.is_none() {
        return Some(
            Diagnostic::new(Code::E0212, format!("this allows `{code}` without a reason"), place, "no reason")
                .with_help(format!("write the reason after a colon: `// allow {code}: …`")),
        );
    }
    (!used).then(|| {
        Diagnostic::new(Code::W0211, format!("nothing below raises `{code}`"), place, "allows nothing")
            .with_help("remove the comment")
            .with_fix(Fix {
                title: "remove the comment".to_owned(),
                edits: vec![Edit { span: place, text: String::new() }],
                applicability: Applicability::Safe,
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
            span_of_comment: span(0, 10),
            covers: span(12, 20),
            reason: reason.map(str::to_owned),
        }
    }

    fn finding(code: Code, start: usize) -> Diagnostic {
        Diagnostic::new(code, "something", span(start, start + 2), "here")
    }

    fn left(findings: Vec<Diagnostic>, allow: Allow) -> Vec<String> {
        apply_allows(findings, &[allow]).into_iter().map(|left| format!("{} {}", left.code, left.message)).collect()
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
}
