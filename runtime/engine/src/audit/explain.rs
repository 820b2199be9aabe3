//! Findings for failures that no fault of a column explains.

use std::collections::BTreeSet;

use migr_plan::{Expr, FieldType};

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
            let kind = match value {
                _ if failure.reason.contains("none is meant for sure") => FindingKind::AmbiguousReference,
                _ if failure.reason.contains("of which the destination holds") => FindingKind::TooLong,
                Some((value, ty)) => kind_of(value, ty),
                None => FindingKind::BadValue,
            };
            // No row can help where a row took the value already, or no picklist is asked.
            let help = (kind == FindingKind::UnknownPicklistValue && failure.reason.contains("no option"))
                .then(|| "Make the option in the destination, or write one that is there.".to_owned());
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
