//! Records whose values differ where the migration's time zone, country or currency does: counted in the export, by reading it both ways.

use std::collections::BTreeMap;

use migr_decide::cells::Lent;
use migr_extract::{Export, Row};
use migr_plan::{Plan, ReadingSetting, SettingChange, Stage};
use migr_transform::{Admission, Cells, Pass, Program};

use crate::EngineError;
use crate::nobody::Nobody;

/// Records of the export that the later plan takes otherwise, or gives another value, than with the earlier plan's setting; for each setting that differs.
/// The record that a reference leads to is no part of it.
pub fn read_otherwise(
    before: &Plan,
    after: &Plan,
    export: &Export,
) -> Result<BTreeMap<ReadingSetting, u64>, EngineError> {
    let mut counts = BTreeMap::new();
    for change in ReadingSetting::ALL.into_iter().filter_map(|setting| SettingChange::of(setting, before, after)) {
        let former = change.former();
        let mut records = 0;
        for stage in after.stages.iter().filter(|stage| export.file(&stage.source_object).is_some()) {
            records += of_stage(&former, after, stage, export)?;
        }
        counts.insert(change.setting(), records);
    }
    Ok(counts)
}

/// Records of a stage that differ.
fn of_stage(former: &Plan, after: &Plan, stage: &Stage, export: &Export) -> Result<u64, EngineError> {
    let (was, is) = (Program::compile(former, stage)?, Program::compile(after, stage)?);
    let mut differ = 0;
    let mut records = export.records(&stage.source_object)?;
    while let Some(row) = records.next()? {
        if let Row::Record(record) = row {
            differ += u64::from(differs(&was, &is, &Lent(record))?);
        }
    }
    Ok(differ)
}

/// True where two programs do not make the same of a record.
fn differs(was: &Program, is: &Program, cells: &dyn Cells) -> Result<bool, EngineError> {
    let admission = is.admit(cells, &Nobody)?;
    if admission != was.admit(cells, &Nobody)? {
        return Ok(true);
    }
    if admission != Admission::Admit {
        return Ok(false);
    }
    for pass in [Pass::First, Pass::Deferred] {
        if was.fields_apart(cells, &Nobody, pass)? != is.fields_apart(cells, &Nobody, pass)? {
            return Ok(true);
        }
    }
    Ok(false)
}
