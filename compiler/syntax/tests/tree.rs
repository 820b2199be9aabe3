//! Small texts and the trees they are read as.
#![expect(clippy::panic, clippy::string_slice, reason = "a test may fail by a panic, and reads its own cases")]

use std::fmt::Write as _;

use migr_diagnostics::{Diagnostic, Diagnostics};
use migr_source::FileId;
use migr_syntax::ast::{Ast, Expr, Expression, ItemKind};
use migr_syntax::parse;

fn parse_with_findings(text: &str) -> (Ast, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let ast = parse(FileId(0), text, &mut diagnostics);
    (ast, diagnostics.items().to_vec())
}

fn read(text: &str) -> Ast {
    let (ast, findings) = parse_with_findings(text);
    assert_eq!(findings, [], "{text}");
    ast
}

fn expression(text: &str) -> Expr {
    match read(&format!("transform t(x) = {text}\n")).items.remove(0).kind {
        ItemKind::Transform(transform) => transform.body,
        other => panic!("{other:?}"),
    }
}

/// An expression with all its brackets.
fn grouped(expr: &Expr) -> String {
    match &expr.node {
        Expression::Binary { operator, left, right } => {
            format!("({} {} {})", grouped(left), operator.node.as_str(), grouped(right))
        }
        Expression::Pipe { input, function, .. } => format!("({} | {})", grouped(input), function.node),
        Expression::Not(value) => format!("(not {})", grouped(value)),
        Expression::Field { base, name } => format!("{}.{}", grouped(base), name.node),
        Expression::Otherwise { value, recovery } => format!("({} otherwise {:?})", grouped(value), recovery.node),
        Expression::If { condition, then, otherwise } => {
            format!("(if {} then {} else {})", grouped(condition), grouped(then), grouped(otherwise))
        }
        Expression::Group(value) => format!("[{}]", grouped(value)),
        Expression::Name(name) => name.to_string(),
        Expression::Number(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn operators_bind_as_the_language_says() {
    for (text, meaning) in [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a ?? b + c", "(a ?? (b + c))"),
        ("a ?? b == c", "((a ?? b) == c)"),
        ("a == b in c", "((a == b) in c)"),
        ("not a in b and c or d", "(((not (a in b)) and c) or d)"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("a not in b", "(a not in b)"),
        ("a | f ?? b | g", "((a | f) ?? (b | g))"),
        ("a.b.c | f | g", "((a.b.c | f) | g)"),
        ("a -3", "(a - 3)"),
        ("-3 + a", "(-3 + a)"),
        ("(a + b) | f", "([(a + b)] | f)"),
        ("if a == b then c | f else d ?? e", "(if (a == b) then (c | f) else (d ?? e))"),
        (
            "a | f otherwise b + c",
            "((a | f) otherwise Value(Binary { operator: Add, left: Name(\"b\"), right: Name(\"c\") }))",
        ),
        ("a otherwise quarantine", "(a otherwise Quarantine)"),
        ("a\n  | f // why\n  ?? b\n  and c", "(((a | f) ?? b) and c)"),
        ("not", "not"),
        ("if", "if"),
        ("`not`.`a b`", "not.a b"),
        ("in + or", "(in + or)"),
    ] {
        assert_eq!(grouped(&expression(text)), meaning, "{text}");
    }
}

#[test]
fn literals_have_their_values() {
    insta::assert_debug_snapshot!(
        [
            "none",
            "true",
            "12",
            "-0.5",
            "60s",
            "99.9%",
            "100 per 60s",
            r#""a\n\"\\\{b\}""#,
            r#""x {a | f("}")} y""#,
            "\"\"",
            "[1, 2,\n 3,\n]",
            "(a, b)",
            "{ a: 1, b.c: x }",
            "existing calendars(name: \"x\")",
            "f()",
            "companies(\"K3\").name"
        ]
        .map(expression)
    );
}

#[test]
fn keywords_are_names_where_names_stand() {
    let ast = read(
        "system object {\n  object key {\n    key key, check\n    key: key key\n    check: text\n    fields: text\n    retain: date\n  }\n}\nmap map -> new when not {\n  new = on\n  match = drop\n  drop = match\n  on = in\n  override = as\n  same = test on missing none\n}\n",
    );
    insta::assert_debug_snapshot!(ast);
}

#[test]
fn documentation_and_comments_are_kept_apart() {
    let ast = read(
        "// a\n/// one\n///two\nuse \"x\" // b\nmap A -> b { // c\n  /// three\n  // d\n  x = [ // e\n    1, /// f\n  ]\n  //// g\n  /// h\n}\n",
    );
    let comments: Vec<&str> = ast.comments.iter().map(|comment| &*comment.text.node).collect();
    assert_eq!(comments, [" a", " b", " c", " d", " e", "/ f", "// g", "/ h"]);
    let docs: Vec<&str> = ast.items[0].docs.iter().map(|doc| &*doc.node).collect();
    assert_eq!(docs, ["one", "two"]);
    let ItemKind::Map(map) = &ast.items[1].kind else { panic!() };
    assert_eq!(&*map.entries[0].docs[0].node, "three");
}

#[test]
fn every_kind_of_line_end_and_width_gives_the_same_tree_at_its_own_place() {
    let plain = "/// é\nmap A -> b {\n  `👍 e\u{301}` = \"ü {x}\" | f\n}\n";
    let windows = plain.replace('\n', "\r\n");
    assert_eq!(read(plain), read(&windows));
    assert_eq!(read(plain), read(&format!("\u{feff}{}", plain.replace("  ", "\t"))));
    for text in [plain, &windows] {
        let ast = read(text);
        let ItemKind::Map(map) = &ast.items[0].kind else { panic!() };
        assert_eq!(&text[map.entries[0].span.range()], "`👍 e\u{301}` = \"ü {x}\" | f");
    }
}

#[test]
fn a_large_catalog_read_in_pieces_is_what_it_is_when_read_whole() {
    let mut text = String::from("// first\n/// A large one.\nsystem large { // opened\n  timezone \"Europe/Vienna\"\n");
    for number in 0..2_000 {
        let object = match number % 4 {
            0 => {
                "  /// What it is.\n  // and why\n  object A from \"a.csv\" {\n    key id // the key\n    id: text\n    check id != none : \"x\"\n  }\n"
            }
            1 => "  object B { a: -> A; b: select { X, Y } extensible }\n\n",
            2 => "  optional object C from \"c.csv\" { key c }\n  blank \"n/a\"\n",
            _ => "  object D matched only {\r\n    /// Documented.\r\n    d: text\r\n  } // behind\r\n",
        };
        text.push_str(&object.replacen("object ", &format!("object O{number}"), 1));
    }
    text.push_str("}\n// last\n");
    assert!(text.len() > 100_000);
    let pieces = read(&text);
    // What stands behind it makes the reader take it whole.
    let whole = parse_with_findings(&format!("{text}stray\n")).0;
    assert_eq!((pieces.items.len(), whole.items.len()), (1, 2));
    assert_eq!(format!("{:?}", pieces.items[0]), format!("{:?}", whole.items[0]));
    assert_eq!(format!("{:?}", pieces.comments), format!("{:?}", whole.comments));
}

#[test]
fn a_mistake_in_a_large_catalog_is_told_once_where_it_stands() {
    let mut text = String::from("system large {\n");
    for number in 0..4_000 {
        let _ = writeln!(text, "  object O{number} {{ a: text }}");
        if number == 2_500 {
            text.push_str("  object Unclosed {\n    a text\n");
        }
    }
    text.push_str("}\n");
    let (ast, findings) = parse_with_findings(&text);
    assert_eq!((ast.items.len(), findings.len()), (1, 2), "{findings:?}");
}
