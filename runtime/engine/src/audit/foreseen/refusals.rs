//! Refusals in a forecast: none, since nothing is sent.

use migr_load::{AtFault, BoxFuture, LoadError, Refusals, Suspect};

use super::{Foreseen, never};

impl Refusals for Foreseen {
    fn at_fault<'a>(
        &'a self,
        _object: &'a str,
        _records: &'a [Suspect<'a>],
        _is_new: bool,
        _refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        never()
    }
}
