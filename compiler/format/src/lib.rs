#![doc = include_str!("../README.md")]

mod block;
mod catalog;
mod error;
mod expression;
mod gaps;
mod items;
mod mapping;
mod verify;

pub use error::FormatError;

use migr_diagnostics::Diagnostics;
use migr_source::FileId;

use gaps::Printer;

/// The text in the one style. Comments, blank lines (one in a row) and the author's choice of where long values break are kept; what cannot be read is
/// kept byte for byte. The result is read again and refused if it does not mean the same.
pub fn format(text: &str) -> Result<String, FormatError> {
    let windows = text.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r'));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(FileId(0), text, &mut diagnostics);
    let printed = Printer::new(text, &ast, &diagnostics).file(&ast);
    verify::same(text, &ast, &printed)?;
    Ok(if windows { printed.replace("\r\n", "\n").replace('\n', "\r\n") } else { printed })
}
