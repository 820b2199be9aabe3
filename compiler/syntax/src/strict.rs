//! Where a skipped piece went wrong: it is read again by a strict rule, for the furthest place that pest got to and what it would have taken there.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use migr_diagnostics::{Applicability, Diagnostic, nearest};
use pest::Parser as _;
use pest::error::InputLocation;

use crate::errors;
use crate::grammar::{Grammar, Rule};
use crate::habits::{self, Habit, Site};
use crate::walk::Node;
use crate::words::words;

/// Pieces beyond this many bytes are explained without what was expected: collecting that is slow.
const EXPLAINED: usize = 20_000;

/// Findings of one item beyond this many say that there is one, not what was expected: explaining takes a second reading.
const EXPLANATIONS: usize = 1_000;

/// pest's switch for details is one for the process; readings that need it take turns.
static DETAILS: Mutex<()> = Mutex::new(());

/// Place at which reading stopped, and what could have stood there.
struct Failure {
    at: usize,
    expected: BTreeSet<String>,
    /// True where the expected tokens were collected.
    detailed: bool,
}

/// Reports why an entry or item could not be read.
pub(crate) fn explain(node: &Node<'_, '_>, strict: Rule) {
    let start = node.start();
    explain_from(node, start, strict);
}

/// Reports what stands behind an item that began at `start`.
pub(crate) fn explain_junk(node: &Node<'_, '_>, start: usize) {
    explain_from(node, start, Rule::strict_item);
}

fn explain_from(node: &Node<'_, '_>, start: usize, strict: Rule) {
    // What a change of an earlier finding covers, as the further lines of a comment, is no finding of its own.
    if start < node.walk.mended.get() && start > 0 {
        return;
    }
    if node.walk.findings.borrow().len() >= EXPLANATIONS {
        node.walk.report(errors::unread(node.span(), words(strict)));
        return;
    }
    let section = node.input();
    let end = node.start() + node.str().len();
    let piece = section.get(start..end).unwrap_or_default();
    let rest = section.get(start..).unwrap_or_default();
    // A piece that reads well by itself went wrong on a line that was not counted to it.
    let Some(failure) = failure(piece, strict).or_else(|| failure(rest, strict)) else {
        node.walk.report(errors::unexplained(node.span()));
        return;
    };
    node.walk.report(worded(node, start, strict, &failure));
}

fn failure(text: &str, strict: Rule) -> Option<Failure> {
    let detailed = text.len() <= EXPLAINED;
    let error = {
        let _turn = DETAILS.lock().unwrap_or_else(PoisonError::into_inner);
        pest::set_error_detail(detailed);
        let read = Grammar::parse(strict, text).map(|_| ());
        pest::set_error_detail(false);
        read.err()?
    };
    let (InputLocation::Pos(mut at) | InputLocation::Span((mut at, _))) = error.location;
    let mut expected = BTreeSet::new();
    if let Some(attempts) = error.parse_attempts() {
        at = attempts.max_position;
        expected.extend(attempts.expected_tokens().into_iter().map(|token| token.to_string()));
    }
    Some(Failure { at: at.min(text.len()), expected, detailed })
}

fn worded(node: &Node<'_, '_>, start: usize, strict: Rule, failure: &Failure) -> Diagnostic {
    let section = node.input();
    // What was wanted may be looked for behind blanks, at what is really there; where nothing is, the place is where the line's text ends.
    let stopped = section.get(..start + failure.at).unwrap_or_default();
    let stopped = stopped.strip_suffix('\r').unwrap_or(stopped).len();
    let blank_or_not = section.get(stopped..).unwrap_or_default();
    let after = blank_or_not.trim_start_matches([' ', '\t']);
    let token = token(after);
    let behind = if token.is_empty() { 0 } else { blank_or_not.len() - after.len() };
    let at = stopped + behind;
    let span = node.walk.span(at, at + token.len());
    let piece = section.get(start..).unwrap_or_default();
    let before = piece.get(..failure.at).unwrap_or_default();
    let is_closed = after.lines().next().is_some_and(|rest| rest.contains('}'));
    let lacks_brace = failure.expected.contains("}") && (!is_closed || token == "{")
        || failure.expected.contains(":") && token == "}";
    if let Some(brace) = open_hole(before).filter(|_| lacks_brace) {
        let brace = start + brace;
        let first = token.chars().next().map_or(0, char::len_utf8);
        let ends = node.walk.span(at, at + first);
        return errors::hole_not_closed(node.walk.span(brace, brace + 1), ends, after.starts_with('"'));
    }
    let at_start = before.trim_start_matches("override").trim_ascii().is_empty();
    let expected = if at_start { words(strict).to_owned() } else { expected(failure, token) };
    let diagnostic = errors::syntax_error(&expected, &found(token, after), span);
    let site = Site { section, start, at, token, expected: &failure.expected };
    if let Some(Habit { help, edit: (range, by), applicability }) = habits::find(&site) {
        let span = node.walk.span(range.start, range.end);
        node.walk.mended.set(node.walk.mended.get().max(range.end));
        return diagnostic.with_help(help).with_fix(errors::replacement(span, by, applicability));
    }
    match help(piece, before, token, strict, failure) {
        Some(Help { words, instead: Some(instead) }) => {
            let instead = errors::replacement(span, instead, Applicability::Unsafe);
            diagnostic.with_help(words).with_fix(instead)
        }
        Some(Help { words, instead: None }) => diagnostic.with_help(words),
        None => diagnostic.with_help(as_in(piece, strict)),
    }
}

/// Where the text's last line opened a hole that is still open.
fn open_hole(before: &str) -> Option<usize> {
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let (mut hole, mut quoted, mut escaped) = (None, false, false);
    for (at, byte) in before.bytes().enumerate().skip(line) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'{' if quoted => (hole, quoted) = (Some(at), false),
            b'}' if hole.is_some() && !quoted => (hole, quoted) = (None, true),
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    hole
}

/// The word, number, text or sign that a text begins with; empty at the end of a line.
fn token(text: &str) -> &str {
    let Some(first) = text.chars().next() else { return "" };
    let end = match first {
        '\n' | '\r' => 0,
        '"' => text.get(1..).and_then(|rest| rest.find(['"', '\n'])).map_or(1, |at| at + 2).min(text.len()),
        _ if is_word(first) => text.find(|character| !is_word(character)).unwrap_or(text.len()),
        _ => ["->", "==", "!=", "<=", ">=", "??", "//"]
            .iter()
            .find(|sign| text.starts_with(**sign))
            .map_or(first.len_utf8(), |sign| sign.len()),
    };
    text.get(..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn found(token: &str, after: &str) -> String {
    match token.chars().next() {
        None if after.is_empty() => "the end of the file".to_owned(),
        None => "the end of the line".to_owned(),
        Some('/') if token == "//" => "the end of the line".to_owned(),
        Some('"') if token.len() > 1 && token.ends_with('"') => "a text".to_owned(),
        Some(space) if space.is_whitespace() => format!("a blank that is not a space (U+{:04X})", u32::from(space)),
        Some(character) if character.is_control() => format!("the character U+{:04X}", u32::from(character)),
        Some(_) => format!("`{token}`"),
    }
}

/// Tokens that could have stood there, in words: the few that carry on, not everything the grammar would take.
fn expected(failure: &Failure, found: &str) -> String {
    let Failure { expected: tokens, detailed, .. } = failure;
    let has = |token: &str| tokens.contains(token);
    let mut listed: Vec<String> = Vec::new();
    let after_value = has("??");
    let value = has("[") && has("{") && has("`");
    let name = has("`");
    let ends = has(";");
    let a_type = has("->") && has("list");
    if a_type {
        listed.push("a type".to_owned());
    } else if value {
        listed.push("a value".to_owned());
    } else if name {
        listed.push("a name".to_owned());
    }
    if has("\"") && !value {
        let closing = has("\\");
        listed.push(if closing { "the closing `\"`" } else { "a text in quotes" }.to_owned());
    }
    if has("-") && has("0..9") && !value && !after_value {
        listed.push("a number".to_owned());
    }
    let quiet = |token: &str| match token {
        "(" | "[" | "{" => value || after_value || (token == "{" && has("\\")),
        "-" | "*" | "/" | "+" | "<" | "<=" | ">" | ">=" | "==" | "!=" | "??" | "and" | "or" | "in" | "not" | "|" => {
            after_value || value || (token == "-" && has("0..9"))
        }
        ":" => has(")"),
        "->" | "list" | "many" | "select" | "multiselect" => a_type,
        "as" | "on" | "otherwise" | "by" | "inverse" | "through" | "per" => ends || after_value || has("="),
        ";" | "}" => ends,
        "." | "_" | "`" | "\"" | "\\" | "//" | "BUILTIN_RULE" => true,
        _ => {
            token.trim().is_empty()
                || token.contains("..")
                || (token.len() == 1 && token.chars().all(char::is_alphabetic))
        }
    };
    listed.extend(tokens.iter().filter(|token| !quiet(token)).map(|token| format!("`{token}`")));
    if listed.is_empty() && after_value {
        listed.push("an operator".to_owned());
    }
    if ends && !found.is_empty() {
        listed.push("the end of the entry".to_owned());
    }
    listed.truncate(6);
    match listed.pop() {
        None if !detailed => "something else".to_owned(),
        None if found.is_empty() || found == "//" => "something more".to_owned(),
        None => "the end of the line".to_owned(),
        Some(only) if listed.is_empty() => only,
        Some(last) => format!("{} or {last}", listed.join(", ")),
    }
}

/// Advice, with what is to stand in the token's place where that is all.
struct Help {
    words: String,
    instead: Option<String>,
}

impl Help {
    fn near(word: &str, instead: bool) -> Self {
        Self { words: format!("did you mean `{word}`?"), instead: instead.then(|| word.to_owned()) }
    }
}

/// Advice to the author, where it is likely enough.
fn help(piece: &str, before: &str, token: &str, strict: Rule, failure: &Failure) -> Option<Help> {
    if token.chars().next().is_some_and(char::is_whitespace) {
        return Some(Help { words: "write an ordinary space".to_owned(), instead: Some(" ".to_owned()) });
    }
    let keywords: Vec<&str> =
        failure.expected.iter().map(String::as_str).filter(|word| word.len() > 1 && is_plain(word)).collect();
    if let Some(near) = nearest(token, keywords) {
        return Some(Help::near(near, true));
    }
    // The entry's own first word may be the mistake, noticed only behind it.
    let first = piece.split(|character: char| !is_word(character)).next().unwrap_or_default();
    let behind_first = before.trim_ascii() == first;
    if !first.is_empty() && (before.is_empty() || behind_first && first.len() > 4) {
        let openers = self::failure("=", strict).map(|failure| failure.expected).unwrap_or_default();
        let mut openers = openers.iter().map(String::as_str).filter(|word| word.len() > 1 && is_plain(word));
        let near = nearest(first, openers.clone());
        let near = near.or_else(|| openers.find(|word| first.len() > 2 && word.starts_with(first)));
        return near.filter(|near| *near != first).map(|near| Help::near(near, token == first));
    }
    None
}

/// Example of how such an entry or item is written.
fn as_in(piece: &str, strict: Rule) -> String {
    let mut opening = piece.split(|character: char| !is_word(character)).filter(|word| *word != "extend");
    let is_item = strict == Rule::strict_item;
    let example = match opening.next().unwrap_or_default() {
        "use" if is_item => "use \"std/systems/twenty\"",
        "skip" if is_item => "skip Object when column == \"x\" : \"why\"",
        "drop" if is_item => "drop object Object : \"why\"",
        "drop" => "drop column : \"why\"",
        "link" if is_item => "link Enrolment -> contacts(client_id) to programs(program_id) \"Enrolled in\"",
        "reference" if is_item => "reference Object from \"file.json\"",
        "transform" if is_item => "transform name(x) = x | trim",
        "test" if is_item => "test \"a sentence\" { given …; expect … }",
        "picklist" if is_item => "picklist Name -> object.field { \"value\" = OPTION }",
        "map" if is_item => "map Object -> object { field = column }",
        "migration" if is_item => "migration name { source …; destination … }",
        "system" if is_item => "system name { object … }",
        "owners" if is_item => "owners { match User.email = members.email }",
        _ if is_item => return format!("an item begins with {ITEMS}"),
        "match" => "match field",
        "on" => "on existing fill",
        "new" => "new name \"Label\": text = column",
        "given" => "given Object { column: \"cell\" }",
        "expect" => "expect object { field: \"value\" }",
        "key" => "key column",
        "object" => "object Name from \"file.csv\" { key id; id: text }",
        "source" => "source name { files = \"export/*.csv\" }",
        "destination" => "destination name { url = env(\"URL\"); token = secret(\"TOKEN\") }",
        "allow" => "allow W0333 on field : \"why\"",
        "deny" => "deny warnings",
        "permit" => "permit Object : \"who, when\"",
        "require" => "require match >= 99.9%",
        "format" => "format date \"%d.%m.%Y\"",
        "blank" => "blank \"n/a\", \"-\"",
        "otherwise" => "otherwise quarantine",
        "same" => "same \"Acme Inc.\" = \"ACME\" | \"Acme, Inc\"",
        "fallback" => "fallback \"front.desk@clinic.example\"",
        "check" => "check start <= end : \"why\"",
        "retain" => "retain 7y",
        "composite" => "composite name { part: text }",
        "limits" => "limits { requests 100 per 60s }",
        _ => match strict {
            Rule::strict_picklist_entry if piece.starts_with('(') => "(\"one\", \"other\") = (OPTION, \"text\")",
            Rule::strict_picklist_entry if piece.starts_with("none") => "none = OPTION",
            Rule::strict_picklist_entry => "\"value\" = OPTION",
            Rule::strict_map_entry if piece.starts_with('(') => "(one, other) = (column, other_column) | Picklist",
            Rule::strict_map_entry => "field = column | trim",
            Rule::strict_migration_entry => "timezone = \"America/New_York\"",
            Rule::strict_system_entry => "object Name { … }",
            Rule::strict_owners_entry => "match User.email = members.email",
            Rule::strict_test_entry => "given Object { column: \"cell\" }",
            _ => "name: text",
        },
    };
    format!("write it as in `{example}`")
}

/// The words that begin an item.
const ITEMS: &str = "`use`, `migration`, `map`, `picklist`, `owners`, `system`, `skip`, `drop`, `link`, `reference`, `transform` or `test`";

fn is_plain(word: &str) -> bool {
    word.chars().all(|character| character.is_ascii_lowercase())
}
