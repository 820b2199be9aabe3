//! Fields of a record of several rows: whose value each of them has, part by part, and which values lost the merge.

use migr_decide::merging::{Given, unite};
use migr_decide::parts::holds_something;

use super::FieldLineage;

/// The fields of one record of several rows, the preferred row first: each, and each part of one, from the first row that has a value, lists from all of them.
/// `own` is the line of the record itself.
pub(super) fn fields(rows: Vec<(u64, Vec<FieldLineage>)>, own: u64) -> Vec<FieldLineage> {
    let mut whole: Vec<(FieldLineage, Vec<String>)> = Vec::new();
    for (line, fields) in rows {
        let taken = || (line != own).then(|| format!("it is of line {line}, which was merged into this record"));
        for mut field in fields {
            let Some((known, merge)) = whole.iter_mut().find(|(known, _)| known.field == field.field) else {
                let merge = taken().filter(|_| holds_something(&field.value));
                whole.push((field, merge.into_iter().collect()));
                continue;
            };
            if !holds_something(&known.value) && holds_something(&field.value) {
                merge.extend(taken());
                *known = field;
                continue;
            }
            unite(&mut known.value, std::mem::take(&mut field.value), "", &mut |path, given| {
                let part = path.strip_prefix('.').map(|part| format!("{part}: ")).unwrap_or_default();
                match given {
                    Given::Value => merge.extend(taken().map(|taken| format!("{part}{taken}"))),
                    Given::Member(member) => merge.push(format!("{part}line {line} adds {member}")),
                    Given::Lost { lost, .. } => {
                        merge.push(format!("{part}line {line} has {lost}, which lost the merge"));
                    }
                }
            });
        }
    }
    let told = whole.into_iter().map(|(mut field, merge)| {
        field.notes.splice(0..0, merge);
        field
    });
    told.collect()
}
