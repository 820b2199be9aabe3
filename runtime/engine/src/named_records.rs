//! Records of the destination that a spec names by written values: `existing calendars(name: "Client sessions")`.

use std::collections::BTreeMap;

use migr_load::{Deleted, Destination, LoadError, Map, Schema};
use migr_plan::{Expr, NamedExpr, OnMissing, Origin, Picklist, Plan, Stage};

/// A record of the destination that a spec names.
#[derive(Clone, Debug)]
pub(crate) struct NamedRecord {
    /// The destination object.
    pub(crate) object: String,
    /// Fields with their values.
    pub(crate) fields: Vec<(String, String)>,
    /// True where a record of the source is quarantined without it.
    pub(crate) is_needed: bool,
    /// The line of the spec that names it.
    pub(crate) origin: Origin,
    /// Records of the destination that it fits.
    pub(crate) ids: Vec<String>,
}

impl NamedRecord {
    /// The only record that it fits.
    pub(crate) fn only(&self) -> Option<&str> {
        match self.ids.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// `calendars(name: "Client sessions")`
    pub(crate) fn in_words(&self) -> String {
        let said: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}: \"{value}\"")).collect();
        format!("{}({})", self.object, said.join(", "))
    }

    /// Reason why it leads to no record, or not to one; none where it does.
    pub(crate) fn fault(&self) -> Option<String> {
        match self.ids.len() {
            0 => Some(format!("the destination has no {}", self.in_words())),
            1 => None,
            several => Some(format!("{several} records of the destination are {}", self.in_words())),
        }
    }
}

/// Places of a spec whose names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Maps alone: whether a record meets a row of a table is told with the record.
    OfMaps,
    /// Maps, and rows of tables but for those by which setup makes what they name.
    OfRowsToo,
}

/// The records that a spec names, as the destination has them. Records whose names come from the export are not among them.
pub(crate) async fn named_records(
    plan: &Plan,
    destination: &dyn Destination,
    schema: &Schema,
    names: Names,
) -> Result<Vec<NamedRecord>, LoadError> {
    let mut by_object: BTreeMap<String, Vec<NamedRecord>> = BTreeMap::new();
    let tables = if names == Names::OfRowsToo { plan.picklists.as_slice() } else { &[] };
    for named in plan.stages.iter().flat_map(|stage| names_of(stage, tables)) {
        let known = by_object.entry(named.object.clone()).or_default();
        match known.iter_mut().find(|known| known.fields == named.fields) {
            Some(known) => known.is_needed |= named.is_needed,
            None => known.push(named),
        }
    }
    for (object, named) in &mut by_object {
        if !schema.objects.contains_key(object) {
            continue;
        }
        let mut after = None;
        loop {
            let page = destination.scan(object, Deleted::Live, after).await?;
            for record in &page.records {
                for named in named.iter_mut() {
                    if named.fields.iter().all(|(path, value)| holds(&record.values, path, value)) {
                        named.ids.push(record.id.clone());
                    }
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(by_object.into_values().flatten().collect())
}

/// The records that a stage names, itself or by rows of tables.
fn names_of(stage: &Stage, tables: &[Picklist]) -> Vec<NamedRecord> {
    let conditions = stage.when.iter().map(|when| (when, &stage.origin));
    let fields = stage.fields.iter().map(|field| (&field.value, &field.origin));
    let links = stage.links.iter().map(|link| (&link.value, &link.origin));
    let mut found = Vec::new();
    for (expr, origin) in conditions.chain(fields).chain(links) {
        expr.walk(&mut |inner| {
            let Expr::Existing { object, fields, on_missing } = inner else { return };
            let named = |fields: Vec<(String, String)>, origin: &Origin| NamedRecord {
                object: object.clone(),
                fields,
                is_needed: *on_missing == OnMissing::Quarantine,
                origin: origin.clone(),
                ids: Vec::new(),
            };
            let written = fields.iter().map(|field| match &field.value {
                Expr::Text { value } | Expr::Option { value } => Some((field.name.clone(), value.clone())),
                _ => None,
            });
            if let Some(fields) = written.collect() {
                found.push(named(fields, origin));
            } else if let [NamedExpr { name, value: Expr::Picklist { table, output, .. } }] = fields.as_slice() {
                let table = tables.iter().find(|known| known.name == *table);
                let rows = table.into_iter().flat_map(|table| &table.rows).filter(|row| row.new.is_none());
                let values = rows.filter_map(|row| Some((row.values.get(*output)?.clone()?, &row.origin)));
                found.extend(values.map(|(value, origin)| named(vec![(name.clone(), value)], origin)));
            }
        });
    }
    found
}

/// True where a found record holds a value at a path, without regard to case.
fn holds(record: &Map, path: &str, value: &str) -> bool {
    let mut names = path.split('.');
    let mut at = names.next().and_then(|name| record.get(name));
    for name in names {
        at = at.and_then(|inner| inner.get(name));
    }
    let fold = |text: &str| text.trim().to_lowercase();
    at.and_then(serde_json::Value::as_str).is_some_and(|found| fold(found) == fold(value))
}
