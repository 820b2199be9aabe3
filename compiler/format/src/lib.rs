#![doc = include_str!("../README.md")]

mod block;
mod catalog;
mod error;
mod expression;
mod gaps;
mod items;
mod mapping;
mod reading;
mod verify;

pub use error::FormatError;

use reading::{Kept, Reading};

/// The text in the one style. Comments, blank lines (one in a row) and the author's choice of where long values break are kept; what cannot be read is
/// kept byte for byte. The result is read again and refused if it does not mean the same, or would be laid out in another way a second time.
pub fn format(text: &str) -> Result<String, FormatError> {
    let reading = Reading::of(text);
    let fault = match reading.settled() {
        Ok(printed) => return Ok(printed),
        Err(fault) => fault,
    };
    if !reading.is_broken() {
        return Err(fault);
    }
    // A text that cannot be read reaches into its neighbours: the whole item is kept, else the whole text.
    let printed = reading.printed(Kept::Items);
    let again = Reading::of(&printed);
    let is_settled = match again.settled() {
        Ok(twice) => twice == printed,
        Err(_) => again.is_broken() && again.printed(Kept::Items) == printed,
    };
    Ok(if is_settled && verify::same(&reading, &again).is_ok() { printed } else { text.to_owned() })
}
