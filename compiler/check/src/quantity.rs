//! Numbers with a unit.

use migr_diagnostics::Diagnostics;
use migr_source::Spanned;
use migr_syntax::ast::Quantity;

use crate::errors;

/// A whole number without a unit.
pub(crate) fn plain(quantity: &Spanned<Quantity>) -> Option<u64> {
    quantity.node.unit.is_empty().then(|| quantity.node.number.parse().ok()).flatten()
}

/// A time, in seconds.
pub(crate) fn seconds(quantity: &Quantity) -> Option<u64> {
    let unit = match &*quantity.unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "y" => 31_536_000,
        _ => return None,
    };
    if quantity.per.is_some() {
        return None;
    }
    quantity.number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A size, in bytes; `kB`, `MB` and `GB` are powers of ten.
pub(crate) fn bytes(quantity: &Spanned<Quantity>) -> Option<u64> {
    let unit = match &*quantity.node.unit {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    quantity.node.number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A time as written (`7y`); anything else is reported.
pub(crate) fn duration_text(quantity: &Spanned<Quantity>, diagnostics: &mut Diagnostics) -> Option<String> {
    if seconds(&quantity.node).is_none() {
        diagnostics.push(errors::bad_value("expected a time", quantity.span, "write one such as `7y` or `48h`"));
        return None;
    }
    Some(format!("{}{}", quantity.node.number, quantity.node.unit))
}
