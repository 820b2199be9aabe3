//! Places of the cells that findings blame.

use std::collections::BTreeMap;
use std::path::Path;

use migr_extract::Export;
use migr_plan::Plan;

use super::{AuditError, Finding, tolerant};

/// A cell to be looked for.
struct Asked {
    /// The finding's place in the list.
    at: usize,
    /// The line of the record and the column's position in `SourceObject.columns`.
    cell: (u64, usize),
}

/// For each finding the 1-based character of its line at which the cell to blame begins; 1 where no cell is, or it begins on a later line of its record. Each
/// file is read up to the last line that is asked for.
pub fn cell_columns(plan: &Plan, project: &Path, findings: &[&Finding]) -> Result<Vec<u32>, AuditError> {
    let mut columns = vec![1; findings.len()];
    let mut asked: BTreeMap<&str, Vec<Asked>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        let (Some(object), Some(line), Some(column)) = (&finding.object, finding.line, &finding.column) else {
            continue;
        };
        let declared =
            plan.source_object(object).and_then(|object| object.columns.iter().position(|one| one.name == *column));
        if let Some(declared) = declared {
            asked.entry(object).or_default().push(Asked { at, cell: (line, declared) });
        }
    }
    if asked.is_empty() {
        return Ok(columns);
    }
    let export = Export::open(&tolerant(plan), project)?;
    for (object, cells) in asked {
        let wanted: Vec<(u64, usize)> = cells.iter().map(|asked| asked.cell).collect();
        for (Asked { at, .. }, start) in cells.iter().zip(export.cell_starts(object, &wanted)?) {
            if let (Some(column), Some(start)) = (columns.get_mut(*at), start) {
                *column = start;
            }
        }
    }
    Ok(columns)
}
