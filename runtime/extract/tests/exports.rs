//! Whole exports in a temporary folder: what is found, what is read, what is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::Path;

use migr_extract::{Encoding, Export, ExtractError, OwnedRecord, Row};
use migr_plan::Plan;
use serde_json::json;

const HEAD: &str = "Contact ID,First Name,\"Bio (HTML)\",Unsubscribed\r\n";

/// A plan that reads the named columns of `Contact` from `contacts.csv`.
fn plan_of(changes: impl FnOnce(&mut serde_json::Value)) -> Plan {
    let place = json!({"file": "main.migr", "line": 1, "column": 1});
    let column = |name: &str| json!({"name": name, "type": "text"});
    let mut plan = json!({
        "format_version": 1,
        "migration": "test",
        "inputs": {"files": []},
        "options": {},
        "source": {
            "system": "old", "files": "export/*.csv", "blank": [],
            "objects": [{
                "name": "Contact", "file": "contacts.csv", "key": ["contact_id"], "origin": place,
                "columns": [column("contact_id"), column("first_name"), {"name": "bio", "type": "richtext", "header": "Bio (HTML)"}, column("fax")],
                "checks": [{"condition": {"op": "column", "name": "first_name"}, "reason": "r", "origin": place}],
            }],
        },
        "destination": {"system": "new", "connector": "twenty", "name": "new", "settings": {}, "limits": []},
        "setup": [], "stages": [], "picklists": [], "degradations": [], "rows": [],
        "estimate": {"records": null, "requests": null, "seconds": null},
        "summary": {"create": null, "update": null, "unchanged": null, "skip": null, "quarantine": null, "schema_changes": 0, "blocking": 0},
    });
    changes(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn plan() -> Plan {
    plan_of(|_| {})
}

fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join("export").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// Every row of `Contact` as a line of text.
fn rows(bytes: &[u8]) -> Vec<String> {
    let folder = project(&[("contacts.csv", bytes)]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    let mut records = export.records("Contact").unwrap_or_else(|error| panic!("{error}"));
    let mut found = Vec::new();
    while let Some(row) = records.next().unwrap() {
        found.push(match row {
            Row::Record(record) => {
                format!("{}: {}|{}|{}|{}", record.line, record.cell(0), record.cell(1), record.cell(2), record.cell(3))
            }
            Row::Malformed { line, reason } => format!("{line}! {reason}"),
        });
    }
    found
}

fn header_error(bytes: &[u8]) -> String {
    let folder = project(&[("contacts.csv", bytes)]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    export.records("Contact").unwrap_err().to_string()
}

fn with_head(rest: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), rest].concat()
}

#[test]
fn cells_are_found_by_their_headers_and_stand_as_they_are() {
    let bytes = with_head("C1, Zoë ,\"<p>a \"\"b\"\"\r\nc</p>\",Yes\r\nC2,,,\r\n".as_bytes());
    assert_eq!(rows(&bytes), ["2: C1| Zoë |<p>a \"b\"\nc</p>|", "4: C2|||"]);
}

#[test]
fn a_quote_that_stands_where_none_can_never_repairs_a_cell() {
    let bytes = with_head(
        concat!(
            "C1,\"Bob \\\"Bobby\\\" Ray\",,\r\n",
            "C2,\"Bob \"Bobby\" Ray\",,\r\n",
            "C3,\"27\" Screens\",,\r\n",
            "C4,\"Good \"\"quoted\"\" Co\",,\r\n",
            "C5,27\" Pipes,,\r\n",
            "C6,\"stray,,\r\nC7,b,,\r\nC8,c\",,\r\n",
            "C9,\"stray,,\r\nC10,\"note\",,\r\n",
            "C11,\"a note, of two lines\r\nwhich, has, commas,\r\nand goes on\",x,\r\n",
            "C12,d,,,,\r\n",
            "C13,e,,,,f\r\n",
        )
        .as_bytes(),
    );
    insta::assert_snapshot!(rows(&bytes).join("\n"), @r#"
    2! text stands behind the quote that closes a cell; this file escapes quotes with a backslash, which must be doubled quotes
    3! text stands behind the quote that closes a cell; quotes inside a cell are doubled
    4! text stands behind the quote that closes a cell; quotes inside a cell are doubled
    5: C4|Good "quoted" Co||
    6: C5|27" Pipes||
    7! lines 7 to 9: a quote that opens in line 7 closes in line 9 and holds whole rows; close it where its cell ends
    10! lines 10 to 11: text stands behind the quote that closes a cell; quotes inside a cell are doubled
    12: C11|a note, of two lines
    which, has, commas,
    and goes on|x|
    15: C12|d||
    16! 6 cells where the header has 4; a separator or quote in the text may not have been quoted
    "#);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_header() {
    let bytes = [b"\xef\xbb\xbf", with_head(b"C1,A,,\r\n").as_slice()].concat();
    assert_eq!(rows(&bytes), ["2: C1|A||"]);
}

#[test]
fn utf_16_of_both_orders_is_read_by_its_mark() {
    let text = format!("{HEAD}C1,Łukasz,漢字 🙂,\r\n");
    let little: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(rows(&little), ["2: C1|Łukasz|漢字 🙂|"]);
    assert_eq!(rows(&big), ["2: C1|Łukasz|漢字 🙂|"]);

    let folder = project(&[("contacts.csv", &little)]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    assert_eq!(export.records("Contact").unwrap().encoding(), Encoding::Utf16);
}

#[test]
fn half_a_surrogate_pair_is_not_utf_16() {
    let mut units: Vec<u16> = [0xfeff].into_iter().chain(format!("{HEAD}C1,A").encode_utf16()).collect();
    units.push(0xd83d);
    units.extend(",,\r\nC2,B,,\r\n".encode_utf16());
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(rows(&bytes).join("\n"), @"
    2! column `First Name` is not valid UTF-16; export the file as UTF-8
    3: C2|B||
    ");
}

#[test]
fn windows_1252_is_not_guessed() {
    let bytes = with_head(b"C1,Zo\xeb,,\r\nC2,B,,\r\nC3,,\x92\xff,\r\n");
    insta::assert_snapshot!(rows(&bytes).join("\n"), @"
    2! byte 0xeb in column `First Name` is not UTF-8; if the file is Windows-1252, convert it with `iconv -f WINDOWS-1252 -t UTF-8`, or export it as UTF-8
    3: C2|B||
    4! byte 0x92 in column `Bio (HTML)` is not UTF-8; if the file is Windows-1252, convert it with `iconv -f WINDOWS-1252 -t UTF-8`, or export it as UTF-8
    ");
}

#[test]
fn a_character_cut_in_two_by_a_separator_is_not_utf_8() {
    let bytes = with_head(b"C1,\xc3,\xa9,\r\n");
    assert!(rows(&bytes)[0].starts_with("2! the end of column `First Name` is not UTF-8"), "{:?}", rows(&bytes));
}

#[test]
fn ragged_rows_are_set_aside_and_the_rows_around_them_read() {
    let bytes = with_head(b"C1,A\r\nC2,B,,\r\nC3,C,,No,extra,cells\r\n\r\nC4,D,,");
    insta::assert_snapshot!(rows(&bytes).join("\n"), @"
    2! 2 cells where the header has 4; a separator or quote in the text may not have been quoted
    3: C2|B||
    4! 6 cells where the header has 4; a separator or quote in the text may not have been quoted
    6: C4|D||
    ");
}

#[test]
fn a_nul_byte_and_an_open_quote_are_set_aside() {
    let bytes = with_head(b"C1,A\0B,,\r\nC2,B,,\r\nC3,\"open,,\r\nC4,D,,\r\n");
    insta::assert_snapshot!(rows(&bytes).join("\n"), @"
    2! column `First Name` holds a NUL byte, which no destination takes; remove it
    3: C2|B||
    4! lines 4 to 5: a quote in this record is never closed, so everything from here to the end of the file would be one cell; close it in the export
    ");
}

#[test]
fn a_cell_of_ten_megabytes_is_read() {
    let big = "é".repeat(5 << 20);
    let bytes = with_head(format!("C1,A,\"{big}\",\r\nC2,B,,\r\n").as_bytes());
    let found = rows(&bytes);
    assert_eq!(found[0], format!("2: C1|A|{big}|"));
    assert_eq!(found[1], "3: C2|B||");
}

#[test]
fn a_file_without_records_has_none_and_one_without_a_header_is_an_error() {
    assert!(rows(HEAD.as_bytes()).is_empty());
    insta::assert_snapshot!(header_error(b""), @"export/contacts.csv:1: the file is empty; even an object without records has a header");
    insta::assert_snapshot!(header_error(b"\xef\xbb\xbf"), @"export/contacts.csv:1: the file is empty; even an object without records has a header");
}

#[test]
fn a_header_that_cannot_be_meant_is_an_error() {
    insta::assert_snapshot!(header_error(b"Number,First Name,Bio (HTML)\n"), @"export/contacts.csv:1: no column `contact_id` for Contact");
    insta::assert_snapshot!(header_error(b"\nContct ID,First Name,Bio (HTML)\n"), @"export/contacts.csv:2: no column `contact_id` for Contact; is it `Contct ID`?");
    insta::assert_snapshot!(header_error(b"Contact ID,First Name,first-name\n"), @"export/contacts.csv:1: the headers `First Name` and `first-name` are the same column `first_name`; rename or remove one in the export");
    insta::assert_snapshot!(header_error(b"Contact ID;First Name;Bio\n"), @r#"export/contacts.csv:1: the cells seem to be separated by ';'; export Contact with commas, or save it from a spreadsheet as "CSV UTF-8 (comma delimited)""#);
    insta::assert_snapshot!(header_error(b"Contact ID,\"First Name\n"), @"export/contacts.csv:1: a quote in the header is never closed");
    let no_mark: Vec<u8> = HEAD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(header_error(&no_mark), @"export/contacts.csv:1: the header holds NUL bytes; UTF-16 is read only with its byte order mark");
}

#[test]
fn what_a_file_is_in_truth_is_said_by_its_first_bytes() {
    let kinds: [(&[u8], &str); 11] = [
        (b"PK\x03\x04\x14\x00", "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", "old Excel workbook"),
        (b"\x1f\x8b\x08\x00\x00\x00", "gzip archive, not CSV; unpack it"),
        (b"%PDF-1.7\n%\xe2\xe3\n", "a PDF document"),
        (b"SQLite format 3\x00\x10\x00", "an SQLite database"),
        (b"<!DOCTYPE html>\n<table><tr><td>Contact ID,First Name</td></tr>", "a page of HTML"),
        (b" <html><body>Contact ID", "a page of HTML"),
        (b"<?xml version=\"1.0\"?><rows/>", "XML"),
        (b"[{\"contact_id\":\"1\",\"first_name\":\"A\"}]", "JSON"),
        (b"[\n{\"contact_id\": 1}\n]", "JSON"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0b\x0c", "this is no file of text"),
    ];
    for (bytes, said) in kinds {
        let error = header_error(bytes);
        assert!(error.contains(said) && !error.contains("UTF-16"), "{}: {error}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn another_separator_and_lines_above_the_header_are_told_as_what_they_are() {
    let by = |head: &[u8]| header_error(head);
    for (head, sign) in [
        (&b"Contact ID;\"Name, first\";First Name;Bio (HTML)\nC1;A;B;C\n"[..], "';'"),
        (b"sep=;\nContact ID;First Name\n", "';'"),
        (b"Contact ID\tFirst Name\n", "'\\t'"),
        (b"\"Contact ID\"|\"First Name\"|\"Bio, long\"\n", "'|'"),
    ] {
        let said = by(head);
        assert!(said.contains(&format!("separated by {sign}")), "{said}");
    }
    insta::assert_snapshot!(by(b"Contacts of 2024\n\nContact ID,First Name,Bio (HTML)\nC1,A,\n"), @"export/contacts.csv:1: the columns of Contact stand in line 3, and what is above them is no header; take the lines before it out of the file");
    insta::assert_snapshot!(by(b"Contacts,of 2024\nprinted,today\nContact ID,First Name\nC1,A\n"), @"export/contacts.csv:1: the columns of Contact stand in line 3, and what is above them is no header; take the lines before it out of the file");
    // A header that is wrong is not one that stands further down.
    insta::assert_snapshot!(by(b"Number,Name\nC1,A\n"), @"export/contacts.csv:1: no column `contact_id` for Contact");
}

#[test]
fn columns_that_one_side_lacks_are_named() {
    let folder = project(&[("contacts.csv", b"Contact ID,First Name,Shoe Size,\n")]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    let records = export.records("Contact").unwrap();
    assert_eq!(records.extra_columns(), ["Shoe Size", "(column 4)"]);
    assert_eq!(records.missing_columns(), ["bio", "fax"]);
}

#[test]
fn a_kept_record_has_the_same_cells() {
    let folder = project(&[("contacts.csv", &with_head("C1,Zoë,x,Yes\n".as_bytes()))]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    let mut records = export.records("Contact").unwrap();
    let Some(Row::Record(record)) = records.next().unwrap() else { panic!("a record") };
    let raw: Vec<_> = record.raw().collect();
    assert_eq!(raw, [("Contact ID", "C1"), ("First Name", "Zoë"), ("Bio (HTML)", "x"), ("Unsubscribed", "Yes")]);
    let kept = OwnedRecord::from_bytes(&record.to_owned().to_bytes()).unwrap();
    assert_eq!((kept.line, kept.cell(0), kept.cell(1), kept.cell(2), kept.cell(3)), (2, "C1", "Zoë", "x", ""));
}

#[test]
fn a_missing_file_is_an_error_unless_the_object_is_optional() {
    let folder = project(&[("contact.csv", HEAD.as_bytes())]);
    insta::assert_snapshot!(Export::open(&plan(), folder.path()).unwrap_err(), @"no file `contacts.csv` for Contact among `export/*.csv`; is it `contact.csv`?");
    let optional = plan_of(|plan| plan["source"]["objects"][0]["optional"] = json!(true));
    let export = Export::open(&optional, folder.path()).unwrap();
    assert!(export.file("Contact").is_none());
    assert!(matches!(export.records("Contact"), Err(ExtractError::NoFile { .. })));
}

#[test]
fn files_that_nobody_claims_are_named_unless_a_rule_drops_them() {
    let place = json!({"file": "main.migr", "line": 1, "column": 1});
    let plan = plan_of(|plan| {
        plan["source"]["dropped_files"] = json!([{"pattern": "idmap_*.csv", "reason": "r", "origin": place}]);
        let workflow = json!({"name": "Workflow", "file": "workflows.json", "key": [], "columns": [], "reference_only": true, "origin": place});
        plan["source"]["objects"].as_array_mut().unwrap().push(workflow);
    });
    let folder = project(&[
        ("contacts.csv", HEAD.as_bytes()),
        ("surprise.csv", b""),
        ("idmap_a.csv", b""),
        ("workflows.json", b"[{\"id\": 1, \"steps\": [1, 2]}, {}, {}]"),
    ]);
    let export = Export::open(&plan, folder.path()).unwrap();
    assert_eq!(export.unclaimed().map(migr_extract::SourcePath::shown).collect::<Vec<_>>(), ["export/surprise.csv"]);
    assert_eq!(export.json_count("Workflow").unwrap(), 3);
    assert_eq!(export.files().count(), 4);
}

#[test]
fn json_counts_arrays_and_says_what_else_it_found() {
    let count = |bytes: &[u8]| {
        let folder = project(&[("contacts.json", bytes)]);
        let plan = plan_of(|plan| plan["source"]["objects"][0]["file"] = json!("contacts.json"));
        Export::open(&plan, folder.path()).unwrap().json_count("Contact").map_err(|error| error.to_string())
    };
    assert_eq!(count(b"\xef\xbb\xbf[]"), Ok(0));
    assert_eq!(count(b"{\"version\": 1, \"workflows\": [{}, {}]}"), Ok(2));
    assert!(count(b"[1,").unwrap_err().starts_with("export/contacts.json:1: not a JSON array"));
    assert!(count(b"3").unwrap_err().contains("an array, or an object that holds one"));
    assert!(count(b"[\"^\xff\xff\"]").unwrap_err().contains("invalid unicode"), "what cannot be read is not counted");
    assert!(count(b"[1e999]").unwrap_err().contains("number out of range"));
    assert!(count(b"{\"all\": [{}], \"all\": []}").unwrap_err().contains("two members named \"all\""));
}

#[test]
fn a_file_that_changes_is_noticed() {
    let folder = project(&[("contacts.csv", HEAD.as_bytes())]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    let file = export.file("Contact").unwrap();
    assert_eq!(file.hash().unwrap(), format!("blake3:{}", blake3::hash(HEAD.as_bytes()).to_hex()));
    assert!(!file.changed().unwrap());
    fs::write(file.path(), HEAD.replace("First", "Given")).unwrap();
    assert!(file.changed().unwrap(), "the same length, other bytes");
    fs::remove_file(file.path()).unwrap();
    assert!(file.changed().unwrap());
}

#[test]
fn rows_of_two_states_of_a_file_are_never_mixed() {
    let folder = project(&[("contacts.csv", &with_head(b"C1,A,,\n"))]);
    let export = Export::open(&plan(), folder.path()).unwrap();
    fs::write(folder.path().join("export/contacts.csv"), with_head(b"C1,B,,\nC2,C,,\n")).unwrap();
    let said = export.records("Contact").unwrap_err().to_string();
    assert!(said.starts_with("export/contacts.csv: it changed or vanished while it was read"), "{said}");
}

#[test]
fn attachments_stay_inside_the_export() {
    let folder = project(&[("contacts.csv", HEAD.as_bytes()), ("files/scan 1.bin", b"x")]);
    fs::write(folder.path().join("secret"), "x").unwrap();
    let export = Export::open(&plan(), folder.path()).unwrap();
    assert_eq!(export.attachment(" files/scan 1.bin ").unwrap(), folder.path().join("export/files/scan 1.bin"));
    assert_eq!(export.attachment("files\\scan 1.bin").unwrap(), folder.path().join("export/files/scan 1.bin"));
    assert!(matches!(export.attachment("files/missing.pdf"), Err(ExtractError::MissingAttachment { .. })));
    let outside = [
        "../secret",
        "/etc/passwd",
        "files/../../secret",
        "files/../files/scan 1.bin",
        "..\\secret",
        "files\\..\\..\\secret",
        "C:\\Windows\\win.ini",
        "c:secret",
        "D:/secret",
        "\\\\server\\share\\secret",
        "//server/share/secret",
        "\\secret",
        "",
        "files",
        "a\0b",
    ];
    for path in outside {
        let found = export.attachment(path);
        assert!(matches!(found, Err(ExtractError::Refused { .. })), "{path}: {found:?}");
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_refused() {
    use std::os::unix::fs::symlink;
    let folder = project(&[("contacts.csv", HEAD.as_bytes()), ("files/real.bin", b"x")]);
    fs::write(folder.path().join("secret"), "x").unwrap();
    symlink(folder.path().join("secret"), folder.path().join("export/files/link.bin")).unwrap();
    symlink(folder.path(), folder.path().join("export/out")).unwrap();
    let export = Export::open(&plan(), folder.path()).unwrap();
    assert!(matches!(export.attachment("files/link.bin"), Err(ExtractError::Refused { .. })));
    assert!(matches!(export.attachment("out/secret"), Err(ExtractError::Refused { .. })));

    symlink(folder.path().join("secret"), folder.path().join("export/linked.csv")).unwrap();
    insta::assert_snapshot!(Export::open(&plan(), folder.path()).unwrap_err(), @"`export/linked.csv` is refused: it is, or goes through, a symbolic link; put the file itself there");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_whose_name_is_not_utf8_is_one_that_nothing_reads_and_one_with_a_leading_dot_is_none() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = project(&[("contacts.csv", b"id,name\n1,A\n"), (".hidden.csv", b"id\n")]);
    let name = std::ffi::OsStr::from_bytes(b"export/ren\xe9.csv");
    std::fs::write(folder.path().join(name), "a\n").unwrap();
    let export = Export::open(&plan(), folder.path()).unwrap();
    let unclaimed: Vec<&str> = export.unclaimed().map(migr_extract::SourcePath::shown).collect();
    assert_eq!(unclaimed, ["export/ren\u{fffd}.csv"]);
}

#[test]
fn a_pattern_that_leaves_the_project_is_refused() {
    for pattern in ["../export/*.csv", "/tmp/*.csv", "export/../../*.csv"] {
        let plan = plan_of(|plan| plan["source"]["files"] = json!(pattern));
        assert!(matches!(Export::open(&plan, Path::new(".")), Err(ExtractError::Pattern { .. })), "{pattern}");
    }
}
