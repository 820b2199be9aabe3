//! Findings for failures that no fault of a column explains.

use std::collections::BTreeSet;

use migr_plan::{Expr, FieldType, ReasonCode};

use super::AuditError;
use super::collector::Collector;
use super::finding::{FindingKind, Severity};
use super::lookup_plan::{columns_read, has};
use super::row_checks::{Fault, finding};
use super::stage_report::{StageReport, Subject};
use migr_decide::decision::Reason;

impl StageReport<'_> {
    /// Reports failures that no fault of a column explains.
    pub(crate) fn explain(
        &self,
        subject: Subject<'_>,
        failures: &[Reason],
        severity: Severity,
        found: &mut Collector<'_>,
    ) -> Result<(), AuditError> {
        let faults = self.inspector.inspect(subject.cells)?;
        let mut reported: BTreeSet<(FindingKind, String)> = BTreeSet::new();
        for failure in failures {
            // A value that another record gives up later goes to this one.
            if failure.code == ReasonCode::Q402 && self.forecast.is_given(self.step, subject.line, &failure.field) {
                continue;
            }
            let name = failure.field.split('.').next().unwrap_or_default();
            let value =
                self.stage.fields.iter().find(|field| field.field == name).map(|field| (&field.value, Some(&field.ty)));
            let value = value
                .or_else(|| self.stage.links.iter().find(|link| link.field == name).map(|link| (&link.value, None)));
            let reads = value.map(|(value, _)| columns_read(value)).unwrap_or_default();
            let is_explained = faults.iter().any(|fault| {
                fault.kind != FindingKind::OrphanOwner
                    && fault.severity <= severity
                    && fault.column.as_deref().is_some_and(|column| reads.contains(column))
            });
            if is_explained {
                continue;
            }
            let column = match reads.iter().collect::<Vec<_>>().as_slice() {
                [only] => (**only).to_owned(),
                _ => failure.field.clone(),
            };
            let names_one_there = value.is_some_and(|(value, _)| has(value, &is_existing));
            let kind = match value {
                _ if names_one_there && failure.reason.contains(OF_NO_RECORD) => FindingKind::MissingExisting,
                // No column decides: the record that the spec names is not there, and leaves a field empty that must not be.
                _ if names_one_there && failure.code == ReasonCode::Q203 && reads.is_empty() => {
                    FindingKind::MissingExisting
                }
                _ if failure.reason.contains(NO_OPTION) => FindingKind::MissingOption,
                _ if failure.reason.contains("none is meant for sure") => FindingKind::AmbiguousReference,
                _ if failure.reason.contains("of which the destination holds") => FindingKind::TooLong,
                Some((value, ty)) => kind_of(value, ty),
                None => FindingKind::BadValue,
            };
            let help = (kind == FindingKind::MissingExisting && value.is_some_and(|(value, _)| self.is_made(value)))
                .then(|| MADE_WITH_ROW.to_owned());
            // One cell that fills two fields is one finding.
            if !reported.insert((kind, column.clone())) {
                continue;
            }
            let fault = Fault {
                kind,
                severity,
                column: (!column.is_empty()).then_some(column),
                message: failure.reason.clone(),
                help,
            };
            found.add(finding(fault, &self.place, subject.line, subject.key, self.is_masked));
        }
        Ok(())
    }
}

/// Words of a look-up that found no record of the destination.
const OF_NO_RECORD: &str = " of no record of ";
/// Words by which a value is no option that the destination has: no row can help where a row took the value already.
const NO_OPTION: &str = "no option";
/// Advice for a record that setup makes with a new option.
const MADE_WITH_ROW: &str = "Make it in the destination, name one that is there in the table's row, or let setup make it: `new (…)` in the row.";

fn is_existing(part: &Expr) -> bool {
    matches!(part, Expr::Existing { .. })
}

impl StageReport<'_> {
    /// True where the name of a record stands in a table whose new rows name one too: setup makes such a record with the row's option.
    fn is_made(&self, value: &Expr) -> bool {
        has(value, &|part| {
            let Expr::Picklist { table, output, .. } = part else { return false };
            let table = self.plan.picklists.iter().find(|known| known.name == *table);
            let rows = table.into_iter().flat_map(|table| &table.rows);
            rows.filter(|row| row.new.is_some()).any(|row| row.values.get(*output).is_some_and(Option::is_some))
        })
    }
}

/// Kind of failure that a value's expression can have.
fn kind_of(value: &Expr, ty: Option<&FieldType>) -> FindingKind {
    let calls = |names: &[&str]| {
        has(value, &|part| matches!(part, Expr::Call { function, .. } if names.contains(&function.as_str())))
    };
    let converts = |is: fn(&FieldType) -> bool| {
        ty.is_some_and(is) || has(value, &|part| matches!(part, Expr::Convert { to, .. } if is(to)))
    };
    if has(value, &|part| matches!(part, Expr::Picklist { .. }))
        || converts(|ty| matches!(ty, FieldType::Select { .. }))
    {
        FindingKind::UnknownPicklistValue
    } else if calls(&["money", "amount", "number", "integer", "decimal"])
        || converts(|ty| {
            matches!(ty, FieldType::Currency | FieldType::Number | FieldType::Integer | FieldType::Decimal)
        })
    {
        FindingKind::BadNumber
    } else if calls(&["date", "datetime", "at", "in_zone"])
        || converts(|ty| matches!(ty, FieldType::Date | FieldType::Datetime))
    {
        FindingKind::BadDate
    } else if has(value, &|part| matches!(part, Expr::Reference { .. } | Expr::Through { .. })) {
        FindingKind::LostReference
    } else {
        FindingKind::BadValue
    }
}
