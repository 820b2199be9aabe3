//! Habits of other languages: each is one finding whose help mends it, and every help of the wrong corpus that can be taken at its word leaves a file that checks.
//! A help that leaves a choice is taken in each of its ways.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use common::compile_text;
use migr_diagnostics::{Applicability, Diagnostic, Edit, Fix, Severity, apply_fixes};
use migr_driver::Compilation;

const RIGHT: &str = r#"use "std/systems/twenty"

system shop {
  object Client from "clients.csv" { key id; id: text; first: text; last: text; email: email; kind: text; at: datetime format "%Y-%m-%d" }
}

migration m {
  source shop { files = "export/*" }
  destination twenty { url = env("URL"); token = secret("TOKEN") }
  timezone = "UTC"
}

picklist Kind -> people.kind {
  "a" = new A "A"
  otherwise create
}

map Client -> people when kind != "x" and email != none {
  name = { firstName: first | trim, lastName: last }
  emails = { primaryEmail: email }
  jobTitle = if first == none then last else first
  new kind "Kind": select Kind = kind | Kind
  new city "City": text = "{first} of {last}"
  new at "At": datetime = at
}
"#;

/// Each habit, with the text that is right and how it is written out of it.
const HABITS: &[(&str, &str, &str)] = &[
    ("single quotes", "kind != \"x\"", "kind != 'x'"),
    ("printed quotes", "kind != \"x\"", "kind != “x”"),
    ("a colon in a map", "jobTitle = if", "jobTitle: if"),
    ("a colon in a setting", "timezone = \"UTC\"", "timezone: \"UTC\""),
    ("a colon and an equals sign", "jobTitle = if", "jobTitle := if"),
    ("a colon in a picklist", "\"a\" = new", "\"a\": new"),
    ("an arrow in a picklist", "\"a\" = new", "\"a\" => new"),
    ("&&", "\"x\" and email", "\"x\" && email"),
    ("&& without room", "\"x\" and email", "\"x\"&&email"),
    ("||", "\"x\" and email", "\"x\" || email"),
    ("|| for a value", "jobTitle = if first == none then last else first", "jobTitle = first || last"),
    ("AND", "\"x\" and email", "\"x\" AND email"),
    ("! before brackets", "kind != \"x\" and", "!(kind == \"x\") and"),
    ("<>", "kind != \"x\"", "kind <> \"x\""),
    ("===", "first == none", "first === none"),
    ("!==", "kind != \"x\"", "kind !== \"x\""),
    ("= to compare", "first == none", "first = none"),
    ("? :", "if first == none then last else first", "first == none ? last : first"),
    ("? : in a record", "firstName: first | trim", "firstName: first == none ? last : first"),
    ("? : in ? :", "if first == none then last else first", "first == none ? last : last == none ? first : email"),
    ("if without else", "then last else first", "then last"),
    ("# before an item", "map Client", "# who\nmap Client"),
    ("# before an entry", "  new city", "  ## where\n  new city"),
    ("# behind an entry", "| Kind\n", "| Kind # which\n"),
    ("-- before an item", "map Client", "-- who\nmap Client"),
    ("-- before an entry", "  new city", "  -- where\n  new city"),
    ("-- behind an entry, in words", "| Kind\n", "| Kind -- which one\n"),
    ("-- behind an entry", "| Kind\n", "| Kind -- which\n"),
    ("/* */ before an item", "map Client", "/* who */\nmap Client"),
    ("/* */ over lines", "  new city", "  /* where\n   * they live\n   */\n  new city"),
    ("/* */ over lines before an item", "map Client", "/*\n who\n and why\n*/\nmap Client"),
    ("/* */ behind an entry", "| Kind\n", "| Kind /* which */\n"),
    ("a comma behind an entry", "{ primaryEmail: email }\n", "{ primaryEmail: email },\n"),
    ("a comma behind a field", "= kind | Kind\n", "= kind | Kind,\n"),
    ("a comma behind a row", "new A \"A\"\n", "new A \"A\",\n"),
    (".trim()", "first | trim", "first.trim()"),
    (".toLowerCase() of a chain", "first | trim", "first.trim().toLowerCase()"),
    (".replace(…)", "first | trim", "first.replace(\"a\", \"b\")"),
    ("null", "email != none", "email != null"),
    ("None", "email != none", "email != None"),
    ("is null", "first == none", "first is null"),
    ("is not null", "email != none", "email is not null"),
    ("IS NOT NULL", "email != none", "email IS NOT NULL"),
    ("→", "Client -> people", "Client → people"),
    ("=>", "Client -> people", "Client => people"),
    ("to", "Client -> people", "Client to people"),
    ("<-", "jobTitle = if", "jobTitle <- if"),
    ("no use", "use \"std/systems/twenty\"\n", ""),
    ("a class in a pattern", "first | trim", "first | replace(\"\\\\p{L}\", \"\")"),
    ("a backslash in a pattern", "first | trim", "first | replace(\"\\d\", \"\")"),
    ("${x}", "\"{first} of {last}\"", "\"${first} of {last}\""),
    ("small letters of a country", "timezone = \"UTC\"", "timezone = \"UTC\"\n  country = \"us\""),
];

/// A help as a change of the text: its fix, or the words that it says to write in the place of what is marked.
fn change(diagnostic: &Diagnostic) -> Option<Fix> {
    let applicability = Applicability::Safe;
    if let Some(fix) = &diagnostic.fix {
        return Some(Fix { applicability, ..fix.clone() });
    }
    let help = diagnostic.help.as_deref()?.lines().next()?;
    let words = help
        .strip_prefix("did you mean `")
        .and_then(|rest| rest.strip_suffix("`?"))
        .or_else(|| help.strip_prefix("write `").and_then(|rest| rest.strip_suffix('`')))?;
    // Two ways to write it are no change.
    if words.contains('`') {
        return None;
    }
    let edit = Edit { span: diagnostic.span()?, text: words.to_owned() };
    Some(Fix { title: String::new(), edits: vec![edit], applicability })
}

fn words(compilation: &Compilation) -> Vec<String> {
    compilation.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect()
}

/// The text with the change of a finding made.
fn mended(text: &str, fix: &Fix) -> String {
    apply_fixes(text, &[fix])
}

#[test]
fn each_habit_is_one_finding_whose_help_mends_it() {
    assert_eq!(words(&compile_text(RIGHT)), Vec::<String>::new());
    let mut wrong = String::new();
    for (name, right, written) in HABITS {
        assert!(RIGHT.contains(right), "{name}");
        let text = RIGHT.replacen(right, written, 1);
        let compilation = compile_text(&text);
        let [one] = compilation.diagnostics.as_slice() else {
            let _ = writeln!(wrong, "{name}: not one finding: {:#?}", words(&compilation));
            continue;
        };
        let Some(fix) = change(one) else {
            let _ = writeln!(wrong, "{name}: no change: {} {:?}", one.message, one.help);
            continue;
        };
        let text = mended(&text, &fix);
        let left = words(&compile_text(&text));
        if !left.is_empty() {
            let _ = writeln!(wrong, "{name}: {:?} leaves {left:#?}", one.help);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_forgotten_use_is_told_once_however_many_destinations_lack_it() {
    let line = "  destination twenty { url = env(\"URL\"); token = secret(\"TOKEN\") }\n";
    let two =
        "  destination twenty as one { url = env(\"URL\") }\n  destination twenty as other { url = env(\"URL\") }\n";
    assert!(RIGHT.contains(line));
    let found = words(&compile_text(&RIGHT.replace(line, two).replace("use \"std/systems/twenty\"\n", "")));
    assert_eq!(found, ["E0201 there is no system `twenty`"]);
}

/// Every file of the wrong corpus: name, text as it is compiled.
#[expect(clippy::disallowed_methods, reason = "a test reads its own folder")]
fn corpus() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let base = read("base.migr");
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "migr") && name != "base.migr")
        .map(|name| {
            let text = read(&name);
            let brings = ["system ", "migration ", "use \"std", "use \"main"];
            let is_whole = text.lines().any(|line| brings.iter().any(|begin| line.starts_with(begin)));
            let text = if is_whole { text } else { format!("{text}\n{base}") };
            (name, text)
        })
        .collect()
}

/// Share of the corpus' changes that must leave a file which checks, of a hundred.
const LEAST_SHARE: usize = 100;

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
fn what_a_help_says_to_write_leaves_a_file_that_checks() {
    let (mut all, mut checks, mut left) = (0, 0, String::new());
    for (name, text) in corpus() {
        let before = compile_text(&text);
        let errors = |compilation: &Compilation| {
            compilation.diagnostics.iter().filter(|one| one.severity() == Severity::Error).count()
        };
        for one in &before.diagnostics {
            let Some(fix) = change(one) else { continue };
            let after = compile_text(&mended(&text, &fix));
            all += 1;
            let is_gone = after.diagnostics.iter().all(|left| (left.code, &left.message) != (one.code, &one.message));
            if is_gone && errors(&after) == 0 {
                checks += 1;
            } else {
                let _ = writeln!(left, "{name}: {} {:?} leaves {:?}", one.message, one.help, words(&after));
            }
        }
    }
    println!("{all} helps can be taken at their word; {checks} leave a file that checks");
    assert!(all > 50 && checks * 100 >= all * LEAST_SHARE, "{checks} of {all} check:\n{left}");
}

/// Parts of a text that stand in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// True for words that stand for others, which nobody writes as they are.
fn is_pattern(words: &str) -> bool {
    words.contains('…')
        || ["NAME", "LABEL", "VALUE", "URL", "TOKEN", "\"Label\""].iter().any(|word| words.contains(word))
}

/// The text with an entry more in a block that is named as a help names it: ``map `Customer` ``, `the migration`.
fn with_entry(text: &str, block: &str, entry: &str) -> Option<String> {
    let name = quoted(block).first().copied().unwrap_or_default();
    let head = match block.split(' ').next()? {
        "the" => "migration ".to_owned(),
        _ if name == "owners" => "owners ".to_owned(),
        kind => format!("{kind} {name}"),
    };
    // A map that is called otherwise than its object stands behind `as`.
    let is_head =
        |line: &&str| line.starts_with(&head) || (line.starts_with("map ") && line.contains(&format!(" as {name}")));
    let line = text.lines().find(is_head)?;
    let at = text.find(line)? + line.find('{')? + 1;
    let (before, after) = text.split_at_checked(at)?;
    Some(format!("{before}\n  {entry}\n{after}"))
}

/// True for the words before a list of what could stand in the place of what is marked.
fn is_list_of_what_fits(said: &str) -> bool {
    (said.ends_with("here") || said.ends_with("that fit") || said.contains(" of "))
        && !said.contains('…')
        && !said.starts_with("none of them fits")
}

/// Ways of taking a help that is no one change: each thing that it lists in the place of what is marked, a pipe behind it, an entry in the block that it names.
/// Advice that leaves to a person what to write (`keep one of them`, a pattern with `…`, a list of which it says that nothing in it fits) is none.
fn ways(text: &str, diagnostic: &Diagnostic) -> Vec<(String, String)> {
    let (Some(help), Some(span)) = (diagnostic.help.as_deref(), diagnostic.span()) else { return Vec::new() };
    let put = |words: &str, span| {
        let edits = vec![Edit { span, text: words.to_owned() }];
        mended(text, &Fix { title: String::new(), edits, applicability: Applicability::Safe })
    };
    let behind = migr_source::Span { start: span.end, ..span };
    let mut ways = Vec::new();
    for line in help.lines() {
        if let Some((entry, block)) = line.split_once(", write `").and_then(|(_, rest)| rest.split_once("` in ")) {
            ways.extend(with_entry(text, block, entry).map(|text| (entry.to_owned(), text)));
            continue;
        }
        let parts = quoted(line);
        if let Some((said, entry)) = line.split_once(": `").filter(|(said, _)| said.contains("stays behind")) {
            let entry = entry.trim_end_matches('`');
            match said.split_once(" in ").and_then(|(_, block)| block.split_once(" why")) {
                Some((block, _)) => ways.extend(with_entry(text, block, entry).map(|text| (entry.to_owned(), text))),
                None => ways.push((entry.to_owned(), format!("{text}\n{entry}\n"))),
            }
        } else if let Some(pipe) = parts.first().filter(|part| part.starts_with("| ") && parts.len() == 1) {
            ways.push(((*pipe).to_owned(), put(&format!(" {pipe}"), behind)));
        } else if let Some((_, listed)) = line.split_once(": `").filter(|(said, _)| is_list_of_what_fits(said)) {
            let names = format!("`{listed}");
            ways.extend(quoted(&names).into_iter().map(|name| (name.to_owned(), put(name, span))));
        } else if line.starts_with("write `") && parts.len() > 1 && line.trim_end_matches('`').len() < line.len() {
            ways.extend(parts.into_iter().map(|words| (words.to_owned(), put(words, span))));
        } else if let Some(listed) = line.strip_prefix("choose one of ") {
            ways.extend(listed.split(", ").map(|words| (words.to_owned(), put(words, span))));
        }
    }
    ways.retain(|(words, _)| !is_pattern(words));
    ways
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
fn each_way_that_a_help_leaves_open_mends_its_finding_and_makes_no_other() {
    let (mut all, mut mend, mut left) = (0, 0, String::new());
    for (name, text) in corpus() {
        let before = compile_text(&text);
        for one in before.diagnostics.iter().filter(|one| change(one).is_none()) {
            for (words, text) in ways(&text, one) {
                let after = compile_text(&text);
                let is_gone =
                    after.diagnostics.iter().all(|left| (left.code, &left.message) != (one.code, &one.message));
                // Another mistake of the file stays one.
                let is_of_before = |left: &&Diagnostic| {
                    before.diagnostics.iter().any(|one| (one.code, &one.message) == (left.code, &left.message))
                };
                let errors = after.diagnostics.iter().filter(|one| one.severity() == Severity::Error);
                all += 1;
                if is_gone && errors.filter(|left| !is_of_before(left)).count() == 0 {
                    mend += 1;
                } else {
                    let _ = writeln!(left, "{name}: {} `{words}` leaves {:?}", one.message, self::words(&after));
                }
            }
        }
    }
    println!("{all} ways that helps leave open were tried; {mend} leave a file that checks; the others:\n{left}");
    assert!(all > 100 && mend == all, "{mend} of {all} check:\n{left}");
}
