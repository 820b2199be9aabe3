//! Refusals: each names its record by itself.

use migr_load::{AtFault, BoxFuture, LoadError, Refusals, Suspect};

use super::HighLevel;

impl Refusals for HighLevel {
    fn at_fault<'a>(
        &'a self,
        _object: &'a str,
        _records: &'a [Suspect<'a>],
        _is_new: bool,
        _refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        // Every record has a request of its own: a refusal names its record by itself.
        Box::pin(async { Ok(Vec::new()) })
    }
}
