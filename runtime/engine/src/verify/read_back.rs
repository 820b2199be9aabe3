//! Comparison of the records that are read back.

use std::collections::BTreeMap;
use std::path::Path;

use migr_connect::FileRule;
use migr_load::{Comparison, Found, StoredFile};
use migr_plan::FieldMapping;
use migr_report::MapVerification;
use migr_transform::Value;

use super::{Checking, SeenPart, VerifyDifference, VerifyMissing};
use crate::EngineError;
use crate::shared::blocking;
use migr_decide::expected::{Expected, ExpectedFile, ExpectedLink};
use migr_decide::hashing::file_hash;
use migr_decide::parts::{Taking, beside};
use migr_decide::stage_run::StageRun;
use migr_decide::written::LINK_KEY_SEPARATOR;

/// Number of times that a file that seems to be another one is read once more.
const ASKED_AGAIN: u32 = 2;

impl Checking<'_, '_, '_> {
    async fn fetch(&self, object: &str, mut ids: Vec<String>) -> Result<BTreeMap<String, Found>, EngineError> {
        ids.sort_unstable();
        ids.dedup();
        let found = self.context.destination.fetch_written(object, &ids).await?;
        Ok(found.into_iter().map(|found| (found.id.clone(), found)).collect())
    }

    /// Reads records back and compares every field.
    pub(super) async fn records(
        &mut self,
        job: &StageRun,
        expected: Vec<Expected>,
        counts: &mut MapVerification,
    ) -> Result<(), EngineError> {
        let object = &job.stage.destination_object;
        let ids = expected.iter().map(|expected| expected.id.clone()).collect();
        let found = self.fetch(object, ids).await?;
        for record in expected {
            counts.expected += 1;
            counts.fields += record.values.len() as u64;
            let Some(there) = found.get(&record.id) else {
                let missing = VerifyMissing {
                    map: job.stage.id.clone(),
                    key: migr_decide::outcome_recorder::shown(&record.key),
                    file: job.file.clone(),
                    line: record.line,
                    id: record.id,
                };
                (self.sink)(&missing.as_difference());
                (self.seen)(job, (&record.key, record.line), SeenPart::Missing);
                self.summary.missing(missing);
                continue;
            };
            counts.found += 1;
            for (index, value) in &record.values {
                let Some(field) = job.stage.fields.get(*index) else { continue };
                let mut comparison = self.context.destination.compare(object, field, value, &there.values);
                if let (Comparison::Differs { .. }, Some(taking)) = (&comparison, record.taking)
                    && self.holds_parts(object, (field, value), taking, there)
                {
                    comparison = Comparison::Same;
                }
                if comparison == Comparison::Same
                    && let Value::File(_) = value
                    && let Some((_, file)) = record.files.iter().find(|(file, _)| file == index)
                {
                    comparison = self.file(object, &field.field, file, there).await?;
                }
                let part = SeenPart::Field(*index, value, &there.values, &comparison);
                (self.seen)(job, (&record.key, record.line), part);
                match comparison {
                    Comparison::Same => counts.same += 1,
                    Comparison::Differs { expected, found } => {
                        let found = self.by_a_workflow(found, there);
                        let (key, line, id) = (&record.key, record.line, &record.id);
                        self.difference(job, (key, line, id), &field.field, expected, found);
                    }
                }
            }
        }
        Ok(())
    }

    /// A value that was found, with the workflow that changed its record last.
    fn by_a_workflow(&self, found: String, there: &Found) -> String {
        let automations = self.context.destination.automations();
        match automations.and_then(|automations| automations.changer(&there.values)) {
            Some(name) => format!("{found} (the workflow \"{name}\" changed the record last)"),
            None => found,
        }
    }

    /// True where a record that was there before holds the parts that were written, whatever its others hold.
    fn holds_parts(
        &self,
        object: &str,
        (field, value): (&FieldMapping, &Value<'static>),
        taking: Taking,
        there: &Found,
    ) -> bool {
        let destination = &self.context.destination;
        let Ok(native) = destination.encode(object, &[(field, value)]) else { return false };
        let is_parted = native.values().any(|value| value.is_object() || taking == Taking::Adding && value.is_array());
        let native = beside(native, &there.values, taking, |key| destination.part_of(key));
        is_parted && destination.unlike(object, &native, &there.values).is_empty()
    }

    /// Reads links back.
    pub(super) async fn links(
        &mut self,
        job: &StageRun,
        index: usize,
        expected: Vec<ExpectedLink>,
        counts: &mut MapVerification,
    ) -> Result<(), EngineError> {
        let Some(link) = job.stage.links.get(index) else { return Ok(()) };
        let ids = expected.iter().map(|expected| expected.id.clone()).collect();
        let found = self.fetch(&link.through, ids).await?;
        for record in expected {
            counts.fields += 1;
            let unlike = found
                .get(&record.id)
                .map(|found| self.context.destination.unlike(&link.through, &record.body, &found.values));
            let there = match unlike {
                Some(unlike) if unlike.is_empty() => {
                    counts.same += 1;
                    let key = record.key.split(LINK_KEY_SEPARATOR).next().unwrap_or_default();
                    (self.seen)(job, (key, record.line), SeenPart::Link(index, &record.target, None));
                    continue;
                }
                Some(unlike) => format!("another {}", unlike.join(" and ")),
                None => "no such link".to_owned(),
            };
            let key = record.key.split(LINK_KEY_SEPARATOR).next().unwrap_or_default();
            (self.seen)(job, (key, record.line), SeenPart::Link(index, &record.target, Some(&there)));
            let wanted = format!("a link to {}", record.target);
            self.difference(job, (key, record.line, &record.id), &link.field, wanted, there);
        }
        Ok(())
    }

    async fn file(
        &self,
        object: &str,
        field: &str,
        file: &ExpectedFile,
        there: &Found,
    ) -> Result<Comparison, EngineError> {
        let local = match file.path.clone() {
            Some(path) => Some(blocking(move || hashed(&path)).await?),
            None => None,
        };
        let Some(wanted) = local.as_ref().or(file.sent.as_ref()) else { return Ok(Comparison::Same) };
        // What is no answer to the question, as of a proxy or a server that is starting, may be another one the next time.
        let mut stored = self.context.destination.stored_file(object, field, &there.values).await?;
        for _ in 0..ASKED_AGAIN {
            if stored.as_ref().is_none_or(|stored| stored.hash == *wanted) {
                break;
            }
            stored = self.context.destination.stored_file(object, field, &there.values).await?;
        }
        // The plan says so of such files.
        let version = self.context.destination.capabilities().version;
        let rule = FileRule::new(&self.context.plan.destination, version.as_deref());
        let is_rewritten =
            |stored: &StoredFile| stored.bytes > 0 && stored.page.is_none() && rule.rewrites(&stored.name);
        if stored.as_ref().is_some_and(is_rewritten) {
            return Ok(Comparison::Same);
        }
        let since = match &file.sent {
            Some(sent) if sent != wanted => " (the export had another one when it was sent)",
            _ => "",
        };
        let expected = format!("a file of the hash {wanted}{since}");
        Ok(match stored {
            Some(stored) if stored.hash == *wanted => Comparison::Same,
            Some(stored) => Comparison::Differs {
                expected,
                found: match stored.page {
                    Some(page) => format!(
                        "{page} of {} bytes, three times; where that is an answer in place of the file, verify again later",
                        stored.bytes
                    ),
                    None => format!("a file of the hash {}, {} bytes", stored.hash, stored.bytes),
                },
            },
            None => Comparison::Differs { expected, found: "no file".to_owned() },
        })
    }

    fn difference(
        &mut self,
        job: &StageRun,
        (key, line, id): (&str, u64, &str),
        field: &str,
        expected: String,
        found: String,
    ) {
        let difference = VerifyDifference {
            map: job.stage.id.clone(),
            key: migr_decide::outcome_recorder::shown(key),
            file: job.file.clone(),
            line,
            id: id.to_owned(),
            field: field.to_owned(),
            expected,
            found,
        };
        (self.sink)(&difference);
        self.summary.difference(difference);
    }
}

fn hashed(path: &Path) -> Result<String, EngineError> {
    let failed = |source| EngineError::File { path: path.display().to_string(), source };
    file_hash(path).map(|(hash, _)| hash).map_err(failed)
}
