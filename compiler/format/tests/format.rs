//! The one style: what it does to texts, and what it never does.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test may fail by a panic, and reads its own cases"
)]

use migr_diagnostics::Diagnostics;
use migr_format::format;
use migr_source::FileId;
use migr_syntax::parse;
use proptest::prelude::*;

const SPECS: [&str; 6] = [
    include_str!("../../syntax/tests/specs/highlevel.migr"),
    include_str!("../../syntax/tests/specs/the_practice.migr"),
    include_str!("../../syntax/tests/specs/the_practice_to_highlevel.migr"),
    include_str!("../../syntax/tests/specs/twenty.migr"),
    include_str!("../../syntax/tests/specs/visual_practice.migr"),
    include_str!("../../syntax/tests/specs/visual_practice_to_twenty.migr"),
];

fn assert_settled(text: &str) -> String {
    let once = format(text).unwrap();
    assert_eq!(format(&once).unwrap(), once, "a second time changes it again");
    once
}

#[test]
fn cases_are_formatted_as_their_snapshots_say() {
    insta::glob!("cases/*.migr", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        insta::assert_snapshot!(assert_settled(&text));
    });
}

#[test]
fn the_designs_specs_change_in_blanks_only() {
    for spec in SPECS {
        let formatted = assert_settled(spec);
        let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(bare(&formatted), bare(spec));
        assert_eq!(formatted.lines().count(), spec.lines().count());
    }
}

#[test]
fn a_catalog_in_the_style_stays_as_it_is() {
    assert_eq!(format(SPECS[3]).unwrap(), SPECS[3]);
}

#[test]
fn line_ends_of_the_file_are_kept() {
    assert_eq!(format("use  \"a\"\r\n\r\n\r\nuse \"b\"\r\n").unwrap(), "use \"a\"\r\n\r\nuse \"b\"\r\n");
    assert_eq!(format("\u{feff}use  \"a\"").unwrap(), "use \"a\"\n");
    assert_eq!(format("\u{feff}\u{feff}use  \"a\"").unwrap(), "use \"a\"\n");
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n// only this").unwrap(), "// only this\n");
    assert_eq!(format("// a blank behind\u{a0}\nuse \"a\"").unwrap(), "// a blank behind\nuse \"a\"\n");
}

#[test]
fn what_takes_two_columns_is_lined_up_by_the_columns_that_it_takes() {
    let text = "picklist Kind -> people.kind {\n  \"日本\" = A\n  \"abcdef\" = B\n}\n";
    let lined_up = "picklist Kind -> people.kind {\n  \"日本\"   = A\n  \"abcdef\" = B\n}\n";
    assert_eq!(format(text).unwrap(), lined_up);
}

/// A spec with a few slips of the hand in it.
fn slipped() -> impl Strategy<Value = String> {
    let signs = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "=",
        "|",
        ",",
        ";",
        ":",
        "\n",
        "\r\n",
        "\t",
        " ",
        "//",
        "///",
        "-> ",
        "new ",
        "map ",
        "é",
        "👍",
        "e\u{301}",
        "`",
        "\\",
        "otherwise ",
        "\n}\n",
        "\nmap A -> b {\n",
        "// c\n",
        "   ",
        "\n\n\n",
        "override ",
        "not ",
        "if ",
    ]);
    (0..SPECS.len(), prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, signs), 1..4)).prop_map(
        |(spec, slips)| {
            let mut text: Vec<char> = SPECS[spec].chars().collect();
            for (at, removed, inserted) in slips {
                let at = at.index(text.len());
                let end = (at + removed).min(text.len());
                text.splice(at..end, inserted.chars());
            }
            text.into_iter().collect()
        },
    )
}

/// The first lines that differ; empty where none do.
fn difference<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    if one == other {
        return None;
    }
    one.lines().zip(other.lines()).find(|(one, other)| one != other).or(Some(("the same", "of other lengths")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_settles_at_once_and_keeps_the_meaning_of_specs_with_slips(text in slipped()) {
        let once = format(&text);
        prop_assert!(once.is_ok(), "{once:?}");
        let once = once.unwrap();
        let twice = format(&once);
        prop_assert!(twice.is_ok(), "a second time: {twice:?}");
        let twice = twice.unwrap();
        prop_assert_eq!(difference(&twice, &once), None);
        let read = |text: &str| {
            let mut diagnostics = Diagnostics::default();
            let ast = parse(FileId(0), text, &mut diagnostics);
            (ast.items, ast.comments.len(), diagnostics.items().iter().filter(|finding| finding.fix.is_none()).count())
        };
        prop_assert!(read(&text) == read(&once), "the meaning, the comments or the findings changed");
    }

    #[test]
    fn any_text_is_formatted_or_refused_without_a_panic(text in "(map |use |[a-z{}()\\[\\]\"=|,;:/\\\\ \n\r\t`.é👍-]){0,80}") {
        let once = format(&text);
        prop_assert!(once.is_ok(), "{once:?}");
        let once = once.unwrap();
        let twice = format(&once);
        prop_assert!(twice.is_ok(), "a second time: {twice:?}");
        let twice = twice.unwrap();
        prop_assert_eq!(difference(&twice, &once), None);
    }
}

#[test]
fn a_return_without_a_new_line_ends_nothing() {
    let text = "map \"\"\r}\n";
    assert_eq!(migr_format::format(text).unwrap(), text);
    let text = "map A -> b {\n  name = title\r\0x // why\n}\n";
    assert_eq!(migr_format::format(text).unwrap().replace("  //", " //"), text);
}

#[test]
fn a_return_at_the_end_of_what_cannot_be_read_is_a_blank() {
    assert_eq!(migr_format::format("map \r").unwrap(), "map\n");
    assert_eq!(migr_format::format("use \"a\"\nmap A -> b {} \r\r\r\n").unwrap(), "use \"a\"\nmap A -> b {}\n");
    assert_eq!(
        migr_format::format("system crm {'\n  connector twenty\r").unwrap(),
        "system crm {'\n  connector twenty\n"
    );
}

#[test]
fn blanks_below_what_cannot_be_read_are_no_line_of_it() {
    assert_eq!(format("map A -> b {\n  one {\ndrop object ").unwrap(), "map A -> b {\n  one {\ndrop object\n");
    assert_eq!(format("o\n \r").unwrap(), "o\n");
    assert_eq!(format("map A -> b {\n  o (\n \r\n}\n").unwrap(), "map A -> b {\n  o (\n}\n");
}

/// Signs of a text that are no blanks, and not what parts things of a line.
fn signs(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_whitespace() && ![',', ';'].contains(sign)).collect()
}

#[test]
fn a_line_that_cannot_be_read_is_laid_out_once_and_loses_nothing() {
    for text in [
        "system s {\n  object A { key id;   object x { id: text } }\n}\n",
        "system s { object A { key id;;  object x { id: text }\n",
        "system s { composite A {   object x { id: text } }",
        "system s {\n  e;\n  ?? }",
        "system s { {;\n  t }",
        "system s { layout { object x { id: text } }",
        "system s { limits { a 1;object x { id: text } }",
        "system s { composite A { ; ; object x { id: text }; object B {;object C{}\n}\n",
        "map A -> b { x = ; y = z;;nonsense (  ;; on }",
        "picklist P -> a.b { nonsense  here  ;  \"zz\"=Z; }",
    ] {
        let once = format(text).unwrap();
        let twice = format(&once).unwrap();
        assert_eq!(difference(&twice, &once), None, "{text:?}");
        assert_eq!(signs(&once), signs(text));
    }
}

#[test]
fn line_ends_of_what_cannot_be_read_are_not_taken_for_the_files() {
    for text in ["\nmap A\r\n  x\n", "\u{feff}\n\nmap \r\n x\nuse \"a\"\n"] {
        let once = format(text).unwrap();
        assert_eq!(format(&once).unwrap(), once, "{text:?}");
    }
}

#[test]
fn what_stands_beside_a_line_that_cannot_be_read_is_laid_out() {
    let text = "system s {\n  connector   x\n  e;\n  ??\n  object A { key   id;   object x { id:text } }\n}\n";
    let once = "system s {\n  connector x\n  e;\n  ??\n  object A { key   id; object x { id: text }\n}\n}\n";
    assert_eq!(format(text).unwrap(), once);
}
