//! Look-up that finds nothing, for values that stand on their own record alone.

use std::borrow::Cow;

use migr_plan::ReferenceTarget;
use migr_transform::{Lookup, LookupError, OwnerFound, Resolved};

/// A world without records: no reference leads anywhere.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Lookup for Nobody {
    fn cell<'l>(&'l self, _: &ReferenceTarget, _: &str, _: &str) -> Result<Option<Cow<'l, str>>, LookupError> {
        Ok(None)
    }

    fn destination<'l>(&'l self, _: &ReferenceTarget, _: &str) -> Result<Resolved<'l>, LookupError> {
        Ok(Resolved::Missing { why: Cow::Borrowed("nobody was asked") })
    }

    fn owner<'l>(&'l self, _: &ReferenceTarget, _: &str) -> Result<OwnerFound<'l>, LookupError> {
        Ok(OwnerFound { object: Cow::Borrowed(""), id: None, orphan: true })
    }

    fn existing<'l>(&'l self, _: &str, _: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        Ok(None)
    }
}
