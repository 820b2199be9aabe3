//! The one set of findings on which every renderer is tested.

use migr_source::{FileId, LineColumn, SourceMap, Span};

use super::{Format, RenderOptions, render};
use crate::{Applicability, Code, Diagnostic, Edit, Fix};

/// Plain lines, a tab, wide characters and an emoji.
const MAIN: &str =
    "use \"catalog\"\n\nmap Contact -> people {\n\tname = frist_name\n  city = \"漢字 👍\" | upcase\n  drop fax\n}\n";
/// Lines end in CR LF.
const CATALOG: &str = "system shop {\r\n  object Contact from \"c.csv\" {\r\n    key id\r\n  }\r\n  object Contact from \"d.csv\" { key id }\r\n}\r\n";
/// Ends in the middle of a block.
const OPEN: &str = "map Deal -> opportunities {\n  name = name\n";

pub(super) fn diagnostics() -> (SourceMap, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let main = sources.add("main.migr", MAIN);
    let catalog = sources.add("my systems/catalog.migr", CATALOG);
    let open = sources.add("open.migr", OPEN);
    let export = sources.add_places(
        "export/contacts.csv",
        vec![LineColumn { line: 2, column: 1 }, LineColumn { line: 84, column: 31 }],
    );
    let field = find(&sources, main, "frist_name");
    let contact = find(&sources, catalog, "Contact");
    let twin = Span::new(catalog, CATALOG.rfind("Contact").unwrap(), CATALOG.rfind("Contact").unwrap() + 7);
    let findings = vec![
        Diagnostic::new(Code::E0304, "`shop.Contact` has no field `frist_name`", field, "no such field")
            .with_label(find(&sources, main, "Contact"), "fields are read from here")
            .with_label(contact, "the object is defined here")
            .with_help("write `first_name`")
            .with_fix(Fix {
                title: "write `first_name`".to_owned(),
                edits: vec![Edit { span: field, text: "first_name".to_owned() }],
                applicability: Applicability::Safe,
            }),
        Diagnostic::new(
            Code::E0302,
            "there is no function `upcase`, 100% of the letters of `漢字` stay as they are",
            find(&sources, main, "upcase"),
            "no such function",
        )
        .with_label(find(&sources, main, "\"漢字 👍\""), "a text goes in")
        .with_note("functions of one text: `collapse`, `lower`, `title`, `trim`, `upper`, and others that the language reference lists with examples")
        .with_note("a note of two lines:\n  the second is indented")
        .with_fix(Fix {
            title: "write `upper`".to_owned(),
            edits: vec![Edit { span: find(&sources, main, "upcase"), text: "upper".to_owned() }],
            applicability: Applicability::Unsafe,
        }),
        Diagnostic::new(
            Code::E0306,
            "the column `fax` is used nowhere",
            Span::new(main, MAIN.find("map").unwrap(), MAIN.len() - 1),
            "this map leaves it out",
        ),
        Diagnostic::new(Code::E0202, "`Contact` is defined twice", twin, "the second")
            .with_label(contact, "the first"),
        Diagnostic::new(Code::E0202, "`Contact` is defined twice", twin, "the third")
            .with_label(find(&sources, main, "Contact"), "it is used here"),
        Diagnostic::new(Code::W0211, "nothing below raises `W0302`", find(&sources, main, "drop fax"), "allows nothing"),
        Diagnostic::new(Code::E0101, "expected `}`", Span::new(open, OPEN.len(), OPEN.len()), "the file ends here")
            .with_help("close the block"),
        Diagnostic::new(
            Code::E0611,
            "bad-date: Contact C7 born: \"yesterday\" is not a date",
            Span::new(export, 1, 1),
            "born",
        )
        .with_help("correct it in the source"),
        Diagnostic {
            labels: Vec::new(),
            ..Diagnostic::new(Code::E0901, "a finding without a place", Span::new(main, 0, 0), "")
        },
    ];
    (sources, findings)
}

fn find(sources: &SourceMap, id: FileId, text: &str) -> Span {
    let at = sources.file(id).unwrap().text.find(text).unwrap();
    Span::new(id, at, at + text.len())
}

/// The findings given, with the default options.
pub(super) fn rendered(format: Format, findings: &[Diagnostic]) -> String {
    let mut out = String::new();
    render(format, findings, &diagnostics().0, &RenderOptions::default(), &mut out).unwrap();
    out
}

/// Findings of the whole fixture in one format.
pub(super) fn all(format: Format) -> String {
    rendered(format, &diagnostics().1)
}

/// Keeps snapshots the same from release to release.
pub(super) fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r#""version": "\d+\.\d+\.\d+","#, r#""version": "[version]","#),
        (r#""version": "\[version\]",(\s+"runs")"#, r#""version": "2.1.0",$1"#),
    ]
}
