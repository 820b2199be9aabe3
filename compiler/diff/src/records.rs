//! Records that a change concerns, as a lock counts them.

use migr_plan::{Expr, Lock, Plan, Stage};

use crate::changes::{Found, Step};

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
        [Step::Key(list), Step::Member(picklist), rest @ ..] if list == "picklists" => match rest {
            [Step::Key(rows), Step::Member(_), ..] if rows == "rows" => {
                row_records(found, (before, after), picklist, lock)
            }
            _ => None,
        },
        [Step::Key(source), Step::Key(list), Step::Member(object), rest @ ..]
            if source == "source" && list == "objects" =>
        {
            match rest {
                [Step::Key(columns), Step::Member(column), ..] if columns == "columns" => filled(lock, object, column),
                _ => lock.source_object(object).map(|object| object.rows),
            }
        }
        _ => None,
    }
}

fn filled(lock: &Lock, object: &str, column: &str) -> Option<u64> {
    lock.source_object(object)?.column(column).map(|column| column.filled)
}

/// Records whose value a picklist's row names, over every column that flows into it unchanged.
fn row_records(found: &Found, (before, after): (&Plan, &Plan), picklist: &str, lock: &Lock) -> Option<u64> {
    let table = after.picklist(picklist).or_else(|| before.picklist(picklist))?;
    let values: Vec<String> = if let Some(item) = &found.item {
        let keys = item.get("keys")?.as_array()?;
        keys.iter().filter_map(|key| key.as_array()?.first()?.as_str().map(str::to_owned)).collect()
    } else {
        let [.., Step::Member(name), _] = found.place.as_slice() else { return None };
        let row = table
            .rows
            .iter()
            .find(|row| crate::identity::keys(&serde_json::to_value(&row.keys).unwrap_or_default()) == *name)?;
        row.keys.iter().filter_map(|key| key.first().cloned().flatten()).collect()
    };
    let form = |text: &str| {
        let text =
            if table.ignore_space { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() };
        if table.ignore_case { text.to_lowercase() } else { text }
    };
    let wanted: Vec<String> = values.iter().map(|value| form(value)).collect();
    let mut total = None;
    for stage in &after.stages {
        for column in inputs(stage, picklist) {
            let Some(known) =
                lock.source_object(&stage.source_object).and_then(|object| object.column(&column)?.values.as_ref())
            else {
                continue;
            };
            let hits: u64 =
                known.values.iter().filter(|one| wanted.contains(&form(&one.value))).map(|one| one.count).sum();
            total = Some(total.unwrap_or(0) + hits);
        }
    }
    total
}

/// Columns of a stage that flow into a picklist of one input, each once.
fn inputs(stage: &Stage, picklist: &str) -> Vec<String> {
    let mut columns = Vec::new();
    for field in &stage.fields {
        field.value.walk(&mut |expression| {
            if let Expr::Picklist { table, inputs, .. } = expression
                && table == picklist
                && let [input] = inputs.as_slice()
            {
                input.walk(&mut |inner| {
                    if let Expr::Column { name } = inner
                        && !columns.contains(name)
                    {
                        columns.push(name.clone());
                    }
                });
            }
        });
    }
    columns
}
