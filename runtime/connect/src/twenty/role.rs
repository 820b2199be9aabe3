//! Role of the API key: what of the plan's fields it may not see.

use std::collections::{BTreeMap, BTreeSet};

use migr_plan::Plan;

use super::Twenty;
use migr_load::{Found, LoadError};

/// Object → fields that a plan writes, or knows records by.
pub(super) fn planned(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let mut planned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stage in &plan.stages {
        let fields = planned.entry(stage.destination_object.clone()).or_default();
        fields.extend(stage.fields.iter().map(|field| field.field.clone()));
        let paths = stage.matching.iter().flat_map(|matching| &matching.fields);
        fields.extend(paths.filter_map(|path| path.split('.').next()).map(str::to_owned));
    }
    planned
}

impl Twenty {
    /// Proof that the role sees every field that the plan names, by a record of its object: the server leaves out of each what the role may not see.
    /// Hidden values would pass for empty ones, be overwritten, and never be put back.
    pub(super) fn sees_all(&self, object: &str, records: &[Found]) -> Result<(), LoadError> {
        let (Some(found), Some(planned)) = (records.first(), self.planned.get(object)) else { return Ok(()) };
        let live = self.live()?;
        let known = live.object(object)?;
        let is_hidden = |name: &&String| {
            let field = known.fields.get(*name).filter(|field| field.write_keys.is_empty());
            field.is_some_and(|field| !found.values.contains_key(&field.write_key))
        };
        let hidden: Vec<String> = planned.iter().filter(is_hidden).map(|name| format!("{object}.{name}")).collect();
        if hidden.is_empty() {
            return Ok(());
        }
        Err(self.denied(format!("see {}", hidden.join(", ")), "records come without it"))
    }

    /// The error of a right that the role lacks.
    pub(super) fn denied(&self, what: String, message: &str) -> LoadError {
        LoadError::Forbidden { url: self.http.host(), what, message: message.trim_end_matches('.').to_owned() }
    }
}
