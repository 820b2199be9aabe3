//! Habits of other languages, where reading stopped: each with the help and the change that mend it.

use std::collections::BTreeSet;
use std::ops::Range;

use migr_diagnostics::Applicability;

use crate::turned;

/// Place at which reading stopped, and what could have stood there.
pub(crate) struct Site<'s> {
    /// The section's text.
    pub(crate) section: &'s str,
    /// Start of the piece that cannot be read.
    pub(crate) start: usize,
    /// Place of the token at which reading stopped.
    pub(crate) at: usize,
    /// The token; empty at the end of a line.
    pub(crate) token: &'s str,
    /// Tokens of the grammar that could have stood there.
    pub(crate) expected: &'s BTreeSet<String>,
}

/// A habit with what mends it.
pub(crate) struct Habit {
    pub(crate) help: String,
    /// Text of the section that is replaced, and by what.
    pub(crate) edit: (Range<usize>, String),
    pub(crate) applicability: Applicability,
}

/// Ways to write `->` that other languages have.
const ARROWS: &[&str] = &["→", "⇒", "=>", "-->", "to ", "into "];

/// Ways to write `=` that other languages have.
const SIGNS: &[&str] = &["<-", "←", ":=", "->", "→", "=>", "==", ":"];

/// The habit that the text follows at a site.
pub(crate) fn find(site: &Site<'_>) -> Option<Habit> {
    let found = comment(site)
        .or_else(|| quotes(site))
        .or_else(|| operator(site))
        .or_else(|| arrow(site))
        .or_else(|| emptiness(site))
        .or_else(|| method(site))
        .or_else(|| choice(site))
        .or_else(|| comma(site));
    found.filter(|habit| site.section.get(habit.edit.0.clone()).is_some())
}

impl Site<'_> {
    /// The line from the token on.
    fn rest(&self) -> &str {
        let rest = self.section.get(self.at..).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }

    /// The piece up to the token.
    fn before(&self) -> &str {
        self.section.get(self.start..self.at).unwrap_or_default()
    }

    fn expects(&self, token: &str) -> bool {
        self.expected.contains(token)
    }

    /// Replacement of so many bytes at the token, those before it included.
    fn replaced(&self, before: usize, length: usize, by: &str, help: impl Into<String>) -> Habit {
        Habit {
            help: help.into(),
            edit: (self.at.saturating_sub(before)..self.at + length, by.to_owned()),
            applicability: Applicability::Safe,
        }
    }
}

/// `# …`, `-- …` and `/* … */`.
fn comment(site: &Site<'_>) -> Option<Habit> {
    const HELP: &str = "a comment begins with `//`";
    let rest = site.rest();
    let run = |sign: char, text: &str| text.len() - text.trim_start_matches(sign).len();
    if rest.starts_with('#') {
        return Some(site.replaced(0, run('#', rest), "//", HELP));
    }
    let before = site.before();
    // A sign of the comment may have been read as an operator.
    if rest.starts_with("--") {
        return Some(site.replaced(0, run('-', rest), "//", HELP));
    }
    // `value -- words` reads as a subtraction, up to the first word.
    let stem = before.trim_end();
    if stem.ends_with("--") && !site.token.is_empty() {
        let at = site.start + stem.len() - 2;
        let edit = (at..at + 2, "//".to_owned());
        return Some(Habit { help: HELP.to_owned(), edit, applicability: Applicability::Safe });
    }
    if rest.starts_with('-') && before.ends_with('-') {
        return Some(site.replaced(1, run('-', rest), "//", HELP));
    }
    let at = match (rest.starts_with("/*"), rest.starts_with('*') && before.ends_with('/')) {
        (true, _) => site.at,
        (_, true) => site.at - 1,
        _ => return None,
    };
    let text = site.section.get(at..)?;
    let end = text.find("*/").map_or_else(|| text.lines().next().map_or(0, str::len), |end| end + 2);
    let inner = text.get(2..end)?.trim_end_matches("*/");
    let lines: Vec<String> =
        inner.trim().lines().map(|line| format!("// {}", line.trim().trim_start_matches('*').trim_start())).collect();
    // What stands behind the comment on its line stays on a line of its own.
    let behind = text.get(end..).unwrap_or_default().lines().next().unwrap_or_default();
    let turn = if behind.trim().is_empty() { "" } else { "\n" };
    let by = format!("{}{turn}", lines.join("\n"));
    Some(Habit { help: HELP.to_owned(), edit: (at..at + end, by), applicability: Applicability::Safe })
}

/// `'text'` and “text”.
fn quotes(site: &Site<'_>) -> Option<Habit> {
    let rest = site.rest();
    let first = rest.chars().next()?;
    let (closing, help): (&[char], _) = match first {
        '\'' => (&['\''], "a text stands in double quotes: `\"`"),
        '“' | '”' | '„' | '‘' | '’' => (&['“', '”', '’', '‘'], "write straight quotes, `\"`"),
        _ => return None,
    };
    let text = rest.get(first.len_utf8()..)?;
    let end = text.find(closing)?;
    let last = text.get(end..)?.chars().next()?;
    let inner = text.get(..end)?.replace('"', "\\\"").replace('{', "\\{");
    Some(site.replaced(0, first.len_utf8() + end + last.len_utf8(), &format!("\"{inner}\""), help))
}

/// `&&`, `||`, `!x`, `<>`, `===`, and `=` to compare.
fn operator(site: &Site<'_>) -> Option<Habit> {
    let (rest, before) = (site.rest(), site.before());
    let spaced = |word: &str, length: usize, back: usize| {
        let is_open = before.get(..before.len() - back).is_some_and(|text| !text.ends_with(' '));
        let is_closed = rest.get(length..).is_some_and(|text| !text.starts_with(' '));
        format!("{}{word}{}", if is_open { " " } else { "" }, if is_closed { " " } else { "" })
    };
    if rest.starts_with('&') {
        let length = if rest.starts_with("&&") { 2 } else { 1 };
        return Some(site.replaced(0, length, &spaced("and", length, 0), "write `and`"));
    }
    if rest.starts_with('|') && before.ends_with('|') {
        let compares = ["==", "!=", "when ", "if ", " in ", "<", ">"].iter().any(|sign| before.contains(sign));
        let (word, help) = if compares {
            ("or", "write `or`")
        } else {
            ("??", "write `??` for the value where there is none, `or` between conditions")
        };
        let habit = site.replaced(1, 1, &spaced(word, 1, 1), help);
        return Some(Habit { applicability: Applicability::Unsafe, ..habit });
    }
    if rest.starts_with('!') && !rest.starts_with("!=") {
        return Some(site.replaced(0, 1, "not ", "write `not`"));
    }
    if rest.starts_with('>') && before.ends_with('<') {
        return Some(site.replaced(1, 1, "!=", "write `!=` for unequal"));
    }
    if rest.starts_with('=') && (before.ends_with("==") || before.ends_with("!=")) {
        return Some(site.replaced(0, 1, "", "write `==` to compare, `!=` for unequal"));
    }
    if site.expects("==") && site.token == "=" {
        return Some(site.replaced(0, 1, "==", "write `==` to compare"));
    }
    None
}

/// `→` for `->`; `:`, `<-` and others for `=`.
fn arrow(site: &Site<'_>) -> Option<Habit> {
    let (rest, before) = (site.rest(), site.before());
    let written = |signs: &[&'static str]| signs.iter().copied().find(|sign| rest.starts_with(sign));
    if site.expects("->")
        && !site.expects("==")
        && let Some(arrow) = written(ARROWS)
    {
        let word = arrow.trim_end();
        return Some(site.replaced(0, word.len(), "->", "write `->` between source and destination"));
    }
    if site.expects("=")
        && let Some(sign) = written(SIGNS)
    {
        let room = if before.ends_with(' ') || before.is_empty() { "" } else { " " };
        return Some(site.replaced(0, sign.len(), &format!("{room}="), "write `=`"));
    }
    if rest.starts_with('>') && before.ends_with('=') {
        return Some(site.replaced(1, 1, "=", "write `=`"));
    }
    None
}

/// `is null`, `is not null`.
fn emptiness(site: &Site<'_>) -> Option<Habit> {
    let mut words = site.rest().split([' ', '\t']).filter(|word| !word.is_empty());
    let is_end = |word: &str| {
        let word = word.trim_end_matches([')', ',', '}', ']', ';']);
        ["null", "none", "nil", "empty", "blank", "missing"]
            .contains(&word.to_ascii_lowercase().as_str())
            .then_some(word.len())
    };
    if !words.next()?.eq_ignore_ascii_case("is") {
        return None;
    }
    let second = words.next()?;
    let (sign, last) = match is_end(second) {
        Some(_) => ("==", second),
        None if second.eq_ignore_ascii_case("not") => ("!=", words.next()?),
        None => return None,
    };
    let length = last.as_ptr() as usize - site.rest().as_ptr() as usize + is_end(last)?;
    Some(site.replaced(0, length, &format!("{sign} none"), format!("write `{sign} none`")))
}

/// `x.trim()`, `x.replace("a", "b").trim()`.
fn method(site: &Site<'_>) -> Option<Habit> {
    if site.token != "(" {
        return None;
    }
    let before = site.before();
    let dot = before.rfind('.')?;
    let name = before.get(dot + 1..)?;
    if name.is_empty() || !name.chars().all(|one| one.is_alphanumeric() || one == '_') {
        return None;
    }
    let start = site.start + dot;
    let (length, piped) = turned::pipes(site.section.get(start..)?)?;
    let help = format!("a function stands behind `|`: `{}`", piped.trim_start());
    Some(Habit { help, edit: (start..start + length, piped), applicability: Applicability::Safe })
}

/// `a ? b : c`, and an `if` without its `else`.
fn choice(site: &Site<'_>) -> Option<Habit> {
    if site.token.starts_with('?') && !site.token.starts_with("??") {
        let text = site.section.get(site.start..)?;
        let (range, by) = turned::choice(text, site.at - site.start)?;
        let edit = (site.start + range.start..site.start + range.end, by.clone());
        return Some(Habit { help: format!("write `{by}`"), edit, applicability: Applicability::Safe });
    }
    let ends = site.token.is_empty() || site.token == "//" || site.token == ";";
    if site.expects("else") && ends {
        let before = site.before().trim_end();
        let at = site.start + before.len();
        let help = "each `if` has its `else`: write `else none`".to_owned();
        return Some(Habit { help, edit: (at..at, " else none".to_owned()), applicability: Applicability::Unsafe });
    }
    None
}

/// A comma behind an entry.
fn comma(site: &Site<'_>) -> Option<Habit> {
    if site.token != "," || !site.expects(";") && !site.expects("}") {
        return None;
    }
    let behind = site.rest().get(1..)?;
    if site.before().ends_with(|one: char| one.is_ascii_digit()) && behind.starts_with(|one: char| one.is_ascii_digit())
    {
        return Some(site.replaced(0, 1, ".", "a number has a point before its fraction"));
    }
    let behind = behind.trim_start();
    if behind.is_empty() || behind.starts_with("//") || behind.starts_with('}') {
        return Some(site.replaced(0, 1, "", "an entry ends with its line: leave out the `,`"));
    }
    Some(site.replaced(0, 1, ";", "entries on one line have `;` between them"))
}
