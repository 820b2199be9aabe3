//! Options that are made of values (`otherwise create`): those of values that differ are kept apart by a number.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use migr_decide::cells::Lent;
use migr_decide::new_options::are_apart;
use migr_extract::{Export, Row};
use migr_load::{Destination, Schema};
use migr_plan::{FieldType, Lock, MadeOption, Picklist, PicklistOtherwise, Plan};
use migr_transform::{Admission, Outcome, Pass, Program, option_value};

use crate::EngineError;
use crate::nobody::Nobody;
use crate::wanted_schema::options_alone;

/// Most values of one picklist that are kept apart; of more an audit says that they are no options.
const MOST_VALUES: usize = 10_000;

/// Gives each value of the export that becomes an option one of its own. Of values that would have one name, the later in byte order get `_2`, `_3`. Who has got a
/// name before keeps it: the destination and the lock tell by their labels.
pub fn keep_apart(
    plan: &mut Plan,
    export: &Export,
    lock: Option<&Lock>,
    there: Option<&Schema>,
) -> Result<(), EngineError> {
    if !plan.picklists.iter().any(makes_options) {
        return Ok(());
    }
    let values = values(plan, export)?;
    for at in 0..plan.picklists.len() {
        let Some(picklist) = plan.picklists.get(at).filter(|picklist| makes_options(picklist)) else { continue };
        let Some(values) = values.get(&picklist.name) else { continue };
        let made = Names::taken(plan, picklist, lock, there).of_all(values);
        if let Some(picklist) = plan.picklists.get_mut(at) {
            picklist.made = made;
        }
    }
    Ok(())
}

/// The same with what the destination holds, which is asked only where a picklist makes options.
pub async fn keep_apart_there(
    plan: &mut Plan,
    export: &Export,
    lock: Option<&Lock>,
    destination: Option<&dyn Destination>,
) -> Result<(), EngineError> {
    let schema = match destination.filter(|_| plan.picklists.iter().any(makes_options)) {
        Some(destination) => Some(destination.known_schema().await?),
        None => None,
    };
    keep_apart(plan, export, lock, schema.as_ref())
}

fn makes_options(picklist: &Picklist) -> bool {
    picklist.otherwise == PicklistOtherwise::Create && picklist.fields.len() == 1
}

/// The values that become options, by picklist. Values that are read through a reference are left out: of those that fall together an audit says so.
fn values(plan: &Plan, export: &Export) -> Result<BTreeMap<String, BTreeSet<String>>, EngineError> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stage in plan.stages.iter().filter_map(|stage| options_alone(plan, stage)) {
        if export.file(&stage.source_object).is_none() {
            continue;
        }
        let program = Program::compile(plan, &stage)?;
        // What cannot be read is said by whoever reads it next.
        let Ok(mut records) = export.records(&stage.source_object) else { continue };
        while let Ok(Some(row)) = records.next() {
            let Row::Record(record) = row else { continue };
            let cells = Lent(record);
            if matches!(program.admit(&cells, &Nobody)?, Admission::NotMine | Admission::Skip { .. }) {
                continue;
            }
            let Outcome::Ready(evaluated) = program.fields(&cells, &Nobody, Pass::First)? else { continue };
            for created in evaluated.created {
                let of_picklist = found.entry(created.picklist).or_default();
                if of_picklist.len() < MOST_VALUES {
                    of_picklist.insert(created.label);
                }
            }
        }
    }
    Ok(found)
}

/// Names of options, each with the labels that it stands for.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, Vec<String>>);

impl Names {
    fn taken(plan: &Plan, picklist: &Picklist, lock: Option<&Lock>, there: Option<&Schema>) -> Self {
        let mut names = Self::default();
        let Some(field) = picklist.fields.first() else { return names };
        for option in
            there.and_then(|schema| schema.field(&picklist.object, field)).iter().flat_map(|field| &field.options)
        {
            names.add(&option.value, &option.label);
        }
        let locked = lock.iter().flat_map(|lock| &lock.stages.options).filter(|one| one.picklist == picklist.name);
        for option in locked.flat_map(|locked| &locked.options) {
            names.add(&option.value, &option.label);
        }
        for row in &picklist.rows {
            for value in row.values.iter().flatten() {
                match &row.new {
                    Some(new) => names.add(value, &new.label),
                    None => names.known(value),
                }
            }
        }
        for mapping in plan
            .stages
            .iter()
            .filter(|stage| stage.destination_object == picklist.object)
            .flat_map(|stage| &stage.fields)
        {
            if let FieldType::Select { options } | FieldType::Multiselect { options } = &mapping.ty
                && mapping.field == *field
            {
                for value in options {
                    names.known(value);
                }
            }
        }
        names
    }

    fn add(&mut self, value: &str, label: &str) {
        self.0.entry(value.to_owned()).or_default().push(label.to_owned());
    }

    /// An option of which nobody knows the label reads as its name.
    fn known(&mut self, value: &str) {
        if !self.0.contains_key(value) {
            self.add(value, &value.replace('_', " "));
        }
    }

    /// An option for each value; those that are called otherwise than their value alone would be are given back.
    fn of_all(mut self, values: &BTreeSet<String>) -> Vec<MadeOption> {
        let mut made = Vec::new();
        for label in values {
            let usual = option_value(label);
            let value = self.of(label, &usual);
            if value != usual {
                made.push(MadeOption { label: label.clone(), value });
            }
        }
        made
    }

    fn of(&mut self, label: &str, usual: &str) -> String {
        let is_its = |value: &str| {
            let number = value.strip_prefix(usual).and_then(|rest| rest.strip_prefix('_'));
            value == usual || number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let named = |same: &dyn Fn(&str) -> bool| {
            let mut own = self.0.iter().filter(|(value, _)| is_its(value));
            own.find(|(_, labels)| labels.iter().any(|known| same(known))).map(|(value, _)| value.clone())
        };
        if let Some(value) = named(&|known| known == label).or_else(|| named(&|known| !are_apart(known, label))) {
            return value;
        }
        let numbered = (2_u32..).map(|number| Cow::Owned(format!("{usual}_{number}")));
        let free = std::iter::once(Cow::Borrowed(usual)).chain(numbered).find(|name| !self.0.contains_key(&**name));
        let value = free.unwrap_or_default().into_owned();
        self.add(&value, label);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(taken: &[(&str, &str)], known: &[&str], values: &[&str]) -> Vec<(String, String)> {
        let mut names = Names::default();
        for (value, label) in taken {
            names.add(value, label);
        }
        for value in known {
            names.known(value);
        }
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        names.of_all(&values).into_iter().map(|made| (made.label, made.value)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_that_differ_get_options_of_their_own_in_byte_order_and_keep_them() {
        assert_eq!(made(&[], &[], &["A-", "A+", "A"]), pairs(&[("A+", "A_2"), ("A-", "A_3")]));
        assert_eq!(made(&[], &[], &["In progress", "IN-PROGRESS", "in  progress"]), []);
        // A value that comes later moves none that is there.
        assert_eq!(made(&[("A", "A-")], &[], &["A-", "A+"]), pairs(&[("A+", "A_2")]));
        assert_eq!(made(&[("A", "A+"), ("A_2", "A-")], &[], &["A-", "A!"]), pairs(&[("A!", "A_3"), ("A-", "A_2")]));
        // An option of a row or of the destination is another one, unless it reads the same.
        assert_eq!(
            made(&[("OPT_SMALL", "Small")], &["NEW"], &["opt small", "new", "New?"]),
            pairs(&[("New?", "NEW_2"), ("opt small", "OPT_SMALL_2")])
        );
        assert_eq!(made(&[("WON", "Closed won")], &[], &["closed won"]), []);
        // A name that is given away is another value's no more.
        assert_eq!(made(&[], &[], &["A", "A!", "A_2"]), pairs(&[("A!", "A_2"), ("A_2", "A_2_2")]));
    }
}
