//! Inputs and result of a sample, as its journal keeps them: an approval binds these.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use migr_journal::{Change, Reader};
use migr_plan::Plan;
use migr_report::sample::Sample;
use migr_report::words::{count, grouped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::session::Session;

/// Name under which the journal keeps it.
const NAME: &str = "sample";

/// Inputs and result of a sample, without anything of its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sampled {
    /// Digest of what the plan does to records.
    pub(crate) effect: String,
    /// The same of each map.
    pub(crate) maps: BTreeMap<String, String>,
    /// Hash of each file of the export that a map reads.
    pub(crate) export: BTreeMap<String, String>,
    /// Digest of the destination's schema, object by object, as far as the plan writes to it.
    pub(crate) schema: BTreeMap<String, String>,
    /// The host that was reached.
    pub(crate) host: String,
    /// The workspace or location there, where it tells.
    pub(crate) workspace: Option<String>,
    /// Digest of the records as they were read back, and of what none of them shows.
    pub(crate) digest: String,
    /// Records of the sample.
    pub(crate) records: u64,
    /// Values that were compared.
    pub(crate) values: u64,
    /// Values that are as expected.
    pub(crate) as_expected: u64,
    /// Quarantined records.
    pub(crate) quarantined: u64,
    /// Cases that no record shows.
    pub(crate) not_shown: u64,
}

impl Sampled {
    /// Of a sample that a session has written.
    pub(crate) async fn of(session: &Session, sample: &Sample) -> Result<Self, Fault> {
        let context = &session.context;
        let schema = context.destination.known_schema().await.map_err(|error| Fault::failed(error.to_string()))?;
        let bound = sample.bound().map_err(|error| Fault::failed(error.to_string()))?;
        let workspace = &session.reached.workspace;
        Ok(Self {
            effect: sample.effect.clone(),
            maps: maps(&context.plan),
            export: export(&context.plan, &context.export)?,
            schema: migr_engine::schema_digests(&context.plan, &schema),
            host: workspace.host.clone(),
            workspace: workspace.id.clone(),
            digest: migr_engine::digest(bound.as_bytes()),
            records: sample.totals.records,
            values: sample.totals.fields,
            as_expected: sample.totals.same,
            quarantined: sample.totals.quarantined,
            not_shown: sample.uncovered.len() as u64,
        })
    }

    /// Keeps it in the journal.
    pub(crate) fn note(&self, session: &Session) -> Result<(), Fault> {
        let value = serde_json::to_string(self).map_err(|error| Fault::failed(error.to_string()))?;
        let change = Change::finding(NAME, value);
        session.context.journal.write(&[change]).map_err(|error| Fault::failed(error.to_string()))
    }

    /// Of the last sample of a journal.
    pub(crate) fn last(reader: &Reader) -> Result<Option<Self>, Fault> {
        let text = reader.finding(NAME).map_err(|error| Fault::failed(error.to_string()))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// `300 records, 3,227 of 3,227 values as expected, 11 quarantined, 12 cases not shown`
    pub(crate) fn in_words(&self) -> String {
        let mut words = format!(
            "{}, {} of {} as expected",
            count(self.records, "record", "records"),
            grouped(self.as_expected),
            count(self.values, "value", "values")
        );
        if self.quarantined > 0 {
            let _ = write!(words, ", {} quarantined", grouped(self.quarantined));
        }
        if self.not_shown > 0 {
            let _ = write!(words, ", {} that no record shows", count(self.not_shown, "case", "cases"));
        }
        words
    }
}

/// Digests of what each map of a plan does to records.
pub(crate) fn maps(plan: &Plan) -> BTreeMap<String, String> {
    migr_engine::effect_of(plan).stages.into_iter().map(|(id, stage)| (id, stage.digest.to_string())).collect()
}

/// Hashes of the files that a plan's maps read, by the path that is shown.
pub(crate) fn export(plan: &Plan, export: &migr_extract::Export) -> Result<BTreeMap<String, String>, Fault> {
    let mut hashes = BTreeMap::new();
    for file in plan.stages.iter().filter_map(|stage| export.file(&stage.source_object)) {
        let hash = file.hash().map_err(|error| Fault::failed(error.to_string()))?;
        hashes.insert(file.shown().to_owned(), hash.to_owned());
    }
    Ok(hashes)
}
