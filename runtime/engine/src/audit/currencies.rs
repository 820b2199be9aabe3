//! Amounts that name no currency, beside others of their column that do.

use std::collections::{BTreeMap, BTreeSet};

use migr_decide::amounts::{Amounts, amounts};
use migr_decide::cells::is_blank;
use migr_plan::{Plan, SourceObject};
use migr_transform::{Cells, Currency, named_currency};

use super::collector::Collector;
use super::finding::{Finding, FindingKind, Severity};
use super::masking::shown;
use super::survey::Place;

/// Currencies that are named of one column.
const NAMED: usize = 5;

/// Columns of amounts of an object, with the currencies that their cells name.
#[derive(Debug)]
pub(super) struct Currencies<'c> {
    plan: &'c Plan,
    object: &'c SourceObject,
    /// Currency of amounts that name none.
    default: Option<Currency>,
    columns: Vec<(Amounts, Named)>,
}

/// Currencies of one column's amounts.
#[derive(Debug, Default)]
struct Named {
    /// Amounts that name none: how many, the line of the first, and its text.
    bare: Option<(u64, u64, String)>,
    others: BTreeMap<Currency, u64>,
}

impl<'c> Currencies<'c> {
    pub(super) fn of(plan: &'c Plan, object: &'c SourceObject) -> Self {
        let default = plan.options.currency.as_deref().and_then(Currency::from_code);
        // Without one of the migration's an amount that names none is a failure.
        let columns = if default.is_some() { amounts(plan, object) } else { BTreeSet::new() };
        let columns = columns.into_iter().map(|column| (column, Named::default())).collect();
        Self { plan, object, default, columns }
    }

    /// Looks at the amounts of a record.
    pub(super) fn add(&mut self, record: &dyn Cells, line: u64) {
        for (amounts, named) in &mut self.columns {
            let column = self.object.columns.get(amounts.column);
            let blank = column.and_then(|column| column.blank.as_ref()).unwrap_or(&self.plan.source.blank);
            let cell = record.cell(amounts.column);
            let cells: &mut dyn Iterator<Item = &str> = match &amounts.split {
                Some(split) => &mut cell.split(split.as_str()),
                None => &mut std::iter::once(cell),
            };
            for one in cells.map(str::trim).filter(|one| !is_blank(one, blank)) {
                let Some(own) = named_currency(one, self.default) else { continue };
                let mut beside = amounts.named_by.iter().map(|at| record.cell(*at).trim());
                let beside = beside.find(|code| !is_blank(code, &self.plan.source.blank));
                let currency = match beside.map(Currency::from_code) {
                    // What is no currency is refused.
                    Some(None) => continue,
                    Some(beside) => beside,
                    None => own,
                };
                match currency {
                    Some(currency) => *named.others.entry(currency).or_default() += 1,
                    None => named.bare.get_or_insert_with(|| (0, line, one.chars().take(40).collect())).0 += 1,
                }
            }
        }
    }

    /// Tells of amounts that name none where others of their column name one, once for a column.
    pub(super) fn tell(self, place: &Place<'_>, into: &mut Collector<'_>) {
        let Some(default) = self.default else { return };
        for (amounts, Named { bare, others }) in self.columns {
            let Some(column) = self.object.columns.get(amounts.column) else { continue };
            let Some((count, line, sample)) = bare.filter(|_| !others.is_empty()) else { continue };
            let mut named: Vec<String> =
                others.iter().take(NAMED).map(|(currency, amounts)| format!("{} {amounts}", currency.code())).collect();
            if others.len() > NAMED {
                named.push(format!("{} more", others.len() - NAMED));
            }
            let message = format!(
                "`{}`: {} such as {}, and {} the migration's, {}; others of the column name {}",
                column.name,
                if count == 1 {
                    "1 amount names no currency".to_owned()
                } else {
                    format!("{count} amounts name no currency")
                },
                shown(&sample, column.sensitive),
                if count == 1 { "takes" } else { "take" },
                default.code(),
                named.join(", ")
            );
            // Where the others name the same, they speak for it.
            let is_only = others.keys().all(|currency| *currency == default);
            let severity = if is_only { Severity::Note } else { Severity::Warning };
            let finding = Finding::new(FindingKind::UnnamedCurrency, severity, message).of(&self.object.name);
            into.add(finding.at(place.file, line).in_column(&column.name).counting(count));
        }
    }
}
