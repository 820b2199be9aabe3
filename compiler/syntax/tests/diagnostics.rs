//! Findings about texts that do not follow the grammar: source and findings side by side.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail by a panic, and reads its own cases"
)]

use std::fmt::Write as _;

use migr_diagnostics::Diagnostics;
use migr_source::SourceMap;
use migr_syntax::{ast::Ast, parse};

fn read(text: &str) -> (Ast, String) {
    let mut sources = SourceMap::default();
    let file = sources.add("a.migr", text);
    let mut diagnostics = Diagnostics::default();
    let ast = parse(file, text, &mut diagnostics);
    let mut shown = String::new();
    for finding in diagnostics.into_sorted(&sources) {
        for (number, label) in finding.labels.iter().enumerate() {
            let (start, end) = (sources.start(label.span), sources.end(label.span));
            let line = text.lines().nth(start.line as usize - 1).unwrap_or_default();
            let from = start.column as usize - 1;
            let width = if end.line == start.line {
                (end.column - start.column).max(1) as usize
            } else {
                line.chars().count() - from
            };
            if number == 0 {
                writeln!(shown, "{}:{} {} {}", start.line, start.column, finding.code, finding.message).unwrap();
            }
            writeln!(
                shown,
                "  | {}\n  | {}{} {}",
                line.replace('\t', " "),
                " ".repeat(from),
                "^".repeat(width),
                label.text
            )
            .unwrap();
        }
        for note in &finding.notes {
            writeln!(shown, "  note: {note}").unwrap();
        }
        if let Some(help) = &finding.help {
            writeln!(shown, "  help: {help}").unwrap();
        }
    }
    (ast, shown)
}

#[test]
fn findings_are_as_their_snapshots_say() {
    insta::glob!("broken/*.migr", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(read(&text).1);
    });
}

/// Each line: a mistake in an entry of a map, where it is found, and what is said.
#[test]
fn a_mistake_is_found_where_it_is() {
    let mut wrong = Vec::new();
    for (entry, column, message) in [
        ("name name", 6, "expected `=`, found `name`"),
        ("name = a |", 11, "expected a name, found the end of the line"),
        ("name = a b", 10, "expected an operator or the end of the entry, found `b`"),
        ("name = f(a, b", 14, "expected `)` or `,`, found the end of the line"),
        ("name = [a b]", 11, "expected `,` or `]`, found `b`"),
        ("name = { a b }", 12, "expected `:`, found `b`"),
        ("name = \"x", 10, "expected the closing `\"`, found the end of the line"),
        ("name = \"x {a | }\"", 16, "expected a name, found `}`"),
        ("name = if a then b", 19, "expected `else`, found the end of the line"),
        ("name = a otherwise", 19, "expected a value, found the end of the line"),
        ("new x: text = a", 6, "expected a text in quotes, found `:`"),
        ("new x \"X\": = a", 12, "expected a type, found `=`"),
        ("drop a", 7, "expected `,` or `:`, found the end of the line"),
        ("on existing", 12, "expected a name, found the end of the line"),
        ("match", 6, "expected a name or `=`, found the end of the line"),
        ("same \"a\"", 9, "expected `=`, found the end of the line"),
        (") = a", 1, "expected an entry of `map`, found `)`"),
        ("`é👍e\u{301}` = a b", 12, "expected an operator or the end of the entry, found `b`"),
        (
            "\ta = b\u{a0}| c",
            7,
            "expected an operator or the end of the entry, found a blank that is not a space (U+00A0)",
        ),
    ] {
        for ends in ["\n", "\r\n", ";", " // why\n"] {
            // An open text takes the rest of its line.
            let is_open = entry.matches('"').count() % 2 == 1;
            if is_open && !ends.starts_with(['\n', '\r']) {
                continue;
            }
            let text = format!("map A -> b {{\n{entry}{ends}}}\n");
            let (_, shown) = read(&text);
            let first = shown.lines().next().unwrap_or_default();
            let message = if ends == ";" { message.replace("the end of the line", "`;`") } else { message.to_owned() };
            // What is named is the line's end; what is pointed at is the comment there.
            let is_commented = ends == " // why\n" && message.contains("the end of the line");
            let shifted = if is_commented { column + 1 } else { column };
            let wanted = format!("2:{shifted} E0101 {message}");
            if first != wanted {
                wrong.push((text.clone(), first.to_owned(), wanted));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_mistake_costs_one_entry_and_hides_no_other() {
    let text = "map A -> b {\n  a = b c\n  d = e\n  f g\n  h = i | j(\n}\nuse x\nmap K -> l { m = n; o p; q = r }\n";
    let (ast, shown) = read(text);
    assert_eq!(shown.lines().filter(|line| line.contains(" E0101 ")).count(), 5, "{shown}");
    let tree = format!("{ast:?}");
    for name in ["\"d\"", "\"m\"", "\"q\"", "\"K\""] {
        assert!(tree.contains(name), "{name} is not read: {tree}");
    }
}

#[test]
fn a_missing_brace_costs_nothing_but_itself() {
    let text = "map A -> b {\n  a = b\n\nmap C -> d {\n  e = f\n}\n";
    let (ast, shown) = read(text);
    assert_eq!(shown.lines().filter(|line| line.contains(" E0101 ")).count(), 1, "{shown}");
    assert_eq!(ast.items.len(), 2);
    let tree = format!("{ast:?}");
    assert!(tree.contains("\"a\"") && tree.contains("\"e\""));
}

#[test]
fn ten_thousand_brackets_are_too_deep_and_the_rest_is_read() {
    for open in ["(", "[", "{ a: ", "f(", "if ", "not "] {
        let text = format!("map A -> b {{\n  x = {}\n}}\nuse \"y\"\n", open.repeat(10_000));
        let (ast, shown) = read(&text);
        assert!(shown.contains("E0109") && !shown.contains("E0901"), "{open}: {}", shown.lines().next().unwrap());
        assert!(format!("{:?}", ast.items.last().unwrap()).contains("Use"), "{open}");
    }
}

#[test]
fn an_expression_of_too_many_steps_is_refused_whole() {
    for step in [" | a", " + a", ".a", " and a"] {
        let (_, shown) = read(&format!("transform t(a) = a{}\n", step.repeat(2_000)));
        assert!(
            shown.contains("E0109 an expression of more than 500 steps"),
            "{}",
            shown.lines().next().unwrap_or_default()
        );
        let (_, shown) = read(&format!("transform t(a) = a{}\n", step.repeat(400)));
        assert_eq!(shown, "");
    }
}

#[test]
fn every_one_of_very_many_mistakes_is_reported() {
    let (_, shown) = read(&format!("map A -> b {{\n{}}}\n", "  x = y z\n".repeat(1_500)));
    assert_eq!(shown.lines().filter(|line| line.contains(" E0101 ")).count(), 1_500);
    assert!(shown.lines().any(|line| line == "1501:3 E0101 expected an entry of `map`, found something else"));
}
