//! Files whose first line holds no columns of their object: another kind of file, another separator, or lines before the header.

use migr_plan::SourceObject;

use crate::columns::declares;

/// Signs that separate the cells of files that are no comma-separated ones.
const SEPARATORS: [char; 3] = [';', '\t', '|'];

/// Kind of a file that is no CSV, by the bytes that it begins with, and the way to CSV.
pub(crate) fn other_kind(start: &[u8]) -> Option<String> {
    let (kind, way) = match start {
        [b'P', b'K', 3, 4, ..] => ("an Excel workbook or another zip archive", SPREADSHEET),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => ("an old Excel workbook", SPREADSHEET),
        [0x1F, 0x8B, ..] => ("a gzip archive", "unpack it"),
        [b'7', b'z', 0xBC, 0xAF, ..] => ("a 7z archive", "unpack it"),
        [b'R', b'a', b'r', b'!', 0x1A, ..] => ("a RAR archive", "unpack it"),
        [b'%', b'P', b'D', b'F', b'-', ..] => ("a PDF document", "export the records as CSV"),
        _ if start.starts_with(b"SQLite format 3\0") => ("an SQLite database", "export each table as CSV"),
        _ if begins(start, &["<!doctype html", "<html", "<table"]) => ("a page of HTML", SPREADSHEET),
        _ if begins(start, &["<?xml"]) => ("XML", "export the records as CSV"),
        _ if begins(start, &["{\"", "[{"]) || matches!(start.trim_ascii(), b"{" | b"[") => {
            ("JSON", "export the records as CSV")
        }
        _ => return None,
    };
    Some(format!("the file is {kind}, not CSV; {way}"))
}

const SPREADSHEET: &str = "open it in a spreadsheet and save each sheet as \"CSV UTF-8\"";

fn begins(start: &[u8], with: &[&str]) -> bool {
    let start = start.trim_ascii_start();
    with.iter().any(|with| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes())))
}

/// True where text of two bytes a letter, without a mark, is what a header with NUL bytes is.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    let nuls = bytes.split(|byte| *byte == 0).count().saturating_sub(1);
    let is_text = bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, 0 | b'\t' | b'\r' | b'\n'));
    is_text && nuls.saturating_mul(3) >= bytes.len()
}

/// The sign by which a header has the columns of an object, where commas give fewer of them.
pub(crate) fn separator(names: &[String], object: &SourceObject) -> Option<char> {
    let by_commas = declared(names.iter().map(String::as_str), object);
    let line = names.join(",");
    let by = |sign: char| declared(line.split(sign).map(|cell| cell.trim().trim_matches('"')), object);
    let best = SEPARATORS.into_iter().max_by_key(|sign| by(*sign))?;
    let only = names.len() == 1;
    if by(best) > by_commas && (by(best) > 1 || object.columns.len() == 1) {
        return Some(best);
    }
    // Of one cell that holds such a sign nothing else can be made.
    SEPARATORS.into_iter().find(|sign| only && by_commas == 0 && line.contains(*sign))
}

/// Reason that a file is refused for whose cells another sign separates.
pub(crate) fn separated(sign: char, object: &SourceObject) -> String {
    format!(
        "the cells seem to be separated by {sign:?}; export {} with commas, or save it from a spreadsheet as \"CSV UTF-8 (comma delimited)\"",
        object.name
    )
}

/// True where a row of a file holds the columns of an object, as its header would.
pub(crate) fn is_header(cells: &[&str], object: &SourceObject) -> bool {
    let found = declared(cells.iter().copied(), object);
    found > 1 || (found == 1 && (object.columns.len() == 1 || cells.len() == 1))
}

fn declared<'c>(cells: impl Iterator<Item = &'c str>, object: &SourceObject) -> usize {
    cells.filter(|cell| declares(object, cell)).count()
}
