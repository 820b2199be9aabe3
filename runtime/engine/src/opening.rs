//! Opening of a command: the export is the one that the journal was begun with and can be read, and what its records may refer to is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use migr_decide::expressions;
use migr_decide::outcomes::DecisionContext;
use migr_decide::owners::OwnerTable;
use migr_decide::record_lookup::{RecordLookup, identity_of};
use migr_extract::Export;
use migr_journal::{Change, Reader, findings};
use migr_load::Deleted;
use migr_plan::{Expr, Plan};
use migr_spill::Spill;

use crate::{Context, EngineError};

/// Every file that the maps read has a header, an encoding and a delimiter that can be used: nothing is begun that cannot be ended.
pub(crate) fn readable(plan: &Plan, export: &Export) -> Result<(), EngineError> {
    let mut objects: BTreeSet<&str> = plan.stages.iter().map(|stage| stage.source_object.as_str()).collect();
    objects.extend(plan.owners.iter().map(|owners| owners.source_object.as_str()));
    for expression in plan.stages.iter().flat_map(expressions::of_stage) {
        expression.walk(&mut |inner| match inner {
            Expr::Reference { targets, .. } => objects.extend(targets.iter().map(|target| target.object.as_str())),
            Expr::Through { target, .. } | Expr::Owner { target, .. } => {
                objects.insert(&target.object);
            }
            _ => {}
        });
    }
    for object in objects {
        if export.file(object).is_some() {
            // The first row tells whether the cells can be read.
            export.records(object)?.next()?;
        }
    }
    Ok(())
}

/// Lines and keys in the journal are those of the export that it was begun with.
pub(crate) fn same_export(context: &Context, reader: &Reader) -> Result<(), EngineError> {
    let mut hashes = BTreeMap::new();
    for stage in &context.plan.stages {
        if let Some(file) = context.export.file(&stage.source_object) {
            hashes.insert(file.shown().to_owned(), file.hash()?.to_owned());
        }
    }
    match export_hashes(reader)? {
        None => {
            let value = serde_json::to_string(&hashes).unwrap_or_default();
            Ok(context.journal.write(&[Change::finding(findings::EXPORT, value)])?)
        }
        Some(known) => match hashes.iter().find(|(file, hash)| known.get(*file) != Some(*hash)) {
            None => Ok(()),
            Some((file, _)) => Err(EngineError::OtherExport { file: file.clone() }),
        },
    }
}

/// The first file of the export that is another one than the journal was last used with; none where all are the same, or it was used with none.
pub fn changed_file(context: &Context) -> Result<Option<String>, EngineError> {
    changed_in(&context.plan, &context.export, &context.journal.reader()?)
}

/// The same of a plan's files and a journal.
pub(crate) fn changed_in(plan: &Plan, export: &Export, reader: &Reader) -> Result<Option<String>, EngineError> {
    let Some(known) = export_hashes(reader)? else { return Ok(None) };
    for stage in &plan.stages {
        if let Some(file) = export.file(&stage.source_object)
            && known.get(file.shown()).map(String::as_str) != Some(file.hash()?)
        {
            return Ok(Some(file.shown().to_owned()));
        }
    }
    Ok(None)
}

/// The hashes of the export's files as the migration began with them, by the path that is shown.
pub(crate) fn export_hashes(reader: &Reader) -> Result<Option<BTreeMap<String, String>>, EngineError> {
    Ok(reader.finding(findings::EXPORT)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The world before any stage, with an empty spill database.
pub(crate) fn world(context: &DecisionContext, owners: Arc<OwnerTable>) -> Result<RecordLookup, EngineError> {
    let folder = &context.work;
    std::fs::create_dir_all(folder)
        .map_err(|source| EngineError::File { path: folder.display().to_string(), source })?;
    let (plan, export) = (Arc::clone(&context.plan), Arc::clone(&context.export));
    Ok(RecordLookup::new(plan, export, owners, Spill::create(folder)?, context.outcomes.knowledge()?)?)
}

/// Reads the records that the plan names as being there already (`existing calendars(name: "Client sessions")`).
// A world is not shared between threads: only one of its own can be waited with.
pub(crate) async fn existing_records(context: &DecisionContext, world: &mut RecordLookup) -> Result<(), EngineError> {
    let mut wanted: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    for expression in context.plan.stages.iter().flat_map(expressions::of_stage) {
        expression.walk(&mut |inner| {
            if let Expr::Existing { object, fields, .. } = inner {
                let names = fields.iter().map(|field| field.name.clone()).collect();
                wanted.entry(object.clone()).or_default().insert(names);
            }
        });
    }
    for (object, kinds) in wanted {
        let mut after = None;
        loop {
            let page = context.destination.scan(&object, Deleted::Live, after).await?;
            let world = &*world;
            world.spill.together::<_, EngineError>(|| {
                for (found, names) in
                    page.records.iter().flat_map(|found| kinds.iter().map(move |names| (found, names)))
                {
                    let values: Option<Vec<(&str, String)>> = names
                        .iter()
                        .map(|name| {
                            let value = context.destination.identity(&object, name, &found.values)?;
                            Some((name.as_str(), value))
                        })
                        .collect();
                    if let Some(values) = values {
                        let identity = identity_of(values.iter().map(|(name, value)| (*name, value.as_str())));
                        world.add_existing(&object, &identity, &found.id)?;
                    }
                }
                Ok(())
            })?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}
