//! Records that a change concerns, as a lock counts them.

use std::collections::BTreeSet;

use migr_plan::lock::LockedStage;
use migr_plan::{Expr, Lock, Picklist, Plan, Stage};

use crate::changes::{Found, Step};
use crate::owned;

/// Records that a change concerns; none where the lock does not tell.
pub(crate) fn concerned(found: &Found, (before, after): (&Plan, &Plan), lock: &Lock) -> Option<u64> {
    match found.place.as_slice() {
        [Step::Key(list), Step::Member(stage), rest @ ..] if list == "stages" => {
            let locked = lock.stage(stage);
            let source = || {
                let stage = after.stage(stage).or_else(|| before.stage(stage))?;
                lock.source_object(&stage.source_object).map(|object| object.rows)
            };
            let all = locked.map(|stage| stage.read).or_else(source);
            match rest {
                [Step::Key(fields), Step::Member(field), ..] if fields == "fields" => {
                    let filled = locked.and_then(|stage| stage.fields.iter().find(|one| one.field == *field));
                    filled.map(|field| field.filled).or(all)
                }
                [Step::Key(dropped), Step::Member(column), ..] if dropped == "dropped" => {
                    let stage = after.stage(stage).or_else(|| before.stage(stage))?;
                    filled(lock, &stage.source_object, column)
                }
                _ => all,
            }
        }
        [Step::Key(list), Step::Member(name), Step::Key(part), rest @ ..] if list == "picklists" => {
            let table = after.picklist(name).or_else(|| before.picklist(name))?;
            let values = Values { table, after, lock };
            match (part.as_str(), rest) {
                ("rows", [Step::Member(row), ..]) => values.of_row(row, found),
                ("otherwise", _) => values.of_none(),
                _ => None,
            }
        }
        [Step::Key(source), Step::Key(list), Step::Member(object), rest @ ..]
            if source == "source" && list == "objects" =>
        {
            match rest {
                [Step::Key(columns), Step::Member(column), ..] if columns == "columns" => filled(lock, object, column),
                _ => lock.source_object(object).map(|object| object.rows),
            }
        }
        _ => owned::of(found, after, lock).map(|owned| owned.records),
    }
}

fn filled(lock: &Lock, object: &str, column: &str) -> Option<u64> {
    lock.source_object(object)?.column(column).map(|column| column.filled)
}

/// Key of a picklist: one value for each input.
type Key = Vec<Option<String>>;

/// Values that records look up in a picklist.
struct Values<'a> {
    table: &'a Picklist,
    after: &'a Plan,
    lock: &'a Lock,
}

impl Values<'_> {
    /// Records whose value a row names.
    fn of_row(&self, row: &str, found: &Found) -> Option<u64> {
        // A row that stands in one plan alone is the change's own.
        let keys: Vec<Key> = if let Some(item) = &found.item {
            serde_json::from_value(item.get("keys")?.clone()).ok()?
        } else {
            let name = |keys: &[Key]| crate::identity::keys(&serde_json::to_value(keys).unwrap_or_default());
            let whole = self.table.rows.iter().map(|one| one.keys.clone());
            // A row that only one plan has stands by its values.
            let each = self.table.rows.iter().flat_map(|one| &one.keys).map(|key| vec![key.clone()]);
            whole.chain(each).find(|keys| name(keys) == row)?
        };
        let wanted: BTreeSet<Key> = keys.iter().map(|key| self.form(key)).collect();
        self.records(&|key| wanted.contains(key))
    }

    /// Records whose value no row names.
    fn of_none(&self) -> Option<u64> {
        let named: BTreeSet<Key> = self.table.rows.iter().flat_map(|row| &row.keys).map(|key| self.form(key)).collect();
        self.records(&|key| key.iter().any(Option::is_some) && !named.contains(key))
    }

    /// Records of all stages whose key is among those asked for; none where no stage tells.
    fn records(&self, is_asked: &dyn Fn(&Key) -> bool) -> Option<u64> {
        let mut total = None;
        for stage in &self.after.stages {
            if let Some(records) = self.looked_up(stage, is_asked).or_else(|| self.cells(stage, is_asked)) {
                total = Some(total.unwrap_or(0) + records);
            }
        }
        total
    }

    /// By the keys that an audit saw the stage look up.
    fn looked_up(&self, stage: &Stage, is_asked: &dyn Fn(&Key) -> bool) -> Option<u64> {
        let locked: &LockedStage = self.lock.stage(&stage.id)?;
        let seen = locked.looked_up.iter().find(|one| one.picklist == self.table.name && !one.incomplete)?;
        Some(seen.keys.iter().filter(|one| is_asked(&self.form(&one.key))).map(|one| one.records).sum())
    }

    /// By the values of the columns that flow into the table.
    fn cells(&self, stage: &Stage, is_asked: &dyn Fn(&Key) -> bool) -> Option<u64> {
        let mut total = None;
        for column in inputs(stage, &self.table.name) {
            let object = self.lock.source_object(&stage.source_object);
            let known = object.and_then(|object| object.column(&column)?.values.as_ref());
            let Some(known) = known.filter(|known| !known.incomplete) else { continue };
            let asked = known.values.iter().filter(|one| is_asked(&self.form(&vec![Some(one.value.clone())])));
            total = Some(total.unwrap_or(0) + asked.map(|one| one.count).sum::<u64>());
        }
        total
    }

    /// A key as the table compares it.
    fn form(&self, key: &Key) -> Key {
        let form = |text: &String| {
            let blanks = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let text = if self.table.ignore_space { blanks } else { text.clone() };
            if self.table.ignore_case { text.to_lowercase() } else { text }
        };
        key.iter().map(|part| part.as_ref().map(form)).collect()
    }
}

/// Columns of a stage that flow into a picklist of one input, each once; what is read through a reference is no column of it.
fn inputs(stage: &Stage, picklist: &str) -> Vec<String> {
    let mut columns = Vec::new();
    for field in &stage.fields {
        field.value.walk(&mut |expression| {
            if let Expr::Picklist { table, inputs, .. } = expression
                && table == picklist
                && let [input] = inputs.as_slice()
            {
                let (mut read, mut is_referred) = (Vec::new(), false);
                input.walk(&mut |inner| match inner {
                    Expr::Column { name } => read.push(name.clone()),
                    Expr::Through { .. } => is_referred = true,
                    _ => {}
                });
                if !is_referred {
                    columns.extend(read.into_iter().filter(|name| !columns.contains(name)).collect::<Vec<_>>());
                }
            }
        });
    }
    columns
}
