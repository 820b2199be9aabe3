//! Changes that go into one request: in the order of the source, or, where a call links many records to one, those of one value together.

use std::collections::BTreeMap;

use migr_decide::record_write::RecordWrite;

/// Changes that are held until their value has enough of them.
const HELD: usize = 20_000;

/// Changes on their way into batches.
#[derive(Debug)]
pub(crate) struct Together {
    /// Changes of one request.
    size: usize,
    by_value: bool,
    held: BTreeMap<Vec<u8>, Vec<RecordWrite>>,
    count: usize,
}

impl Together {
    /// Batches in the order in which the changes come.
    pub(crate) fn in_order(size: usize) -> Self {
        Self { size, by_value: false, held: BTreeMap::new(), count: 0 }
    }

    /// Batches of one value, as far as there are enough; the rest is filled up.
    pub(crate) fn by_value(size: usize) -> Self {
        Self { by_value: true, ..Self::in_order(size) }
    }

    /// Takes a change; a batch that is full comes back.
    pub(crate) fn add(&mut self, item: RecordWrite) -> Option<Vec<RecordWrite>> {
        let value = if self.by_value { item.body.text().to_vec() } else { Vec::new() };
        let group = self.held.entry(value.clone()).or_default();
        group.push(item);
        self.count += 1;
        if group.len() >= self.size {
            let full = self.held.remove(&value)?;
            self.count -= full.len();
            return Some(full);
        }
        if self.count > HELD {
            let largest = self.held.iter().max_by_key(|(_, group)| group.len()).map(|(value, _)| value.clone())?;
            let group = self.held.remove(&largest)?;
            self.count -= group.len();
            return Some(group);
        }
        None
    }

    /// Batches of what is left: changes of one value stay together.
    pub(crate) fn rest(self) -> Vec<Vec<RecordWrite>> {
        let mut batches: Vec<Vec<RecordWrite>> = Vec::new();
        for mut group in self.held.into_values() {
            match batches.last_mut() {
                Some(batch) if batch.len() + group.len() <= self.size => batch.append(&mut group),
                _ => batches.push(group),
            }
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use migr_decide::record_write::RecordWrite;
    use migr_load::Body;
    use serde_json::json;

    use super::Together;

    fn item(number: u64, value: &str) -> RecordWrite {
        let body = Body::from(json!({"business": value}).as_object().unwrap());
        RecordWrite::new(format!("C{number}"), number, format!("S{number}")).with_body(body)
    }

    fn batches(mut together: Together, values: &[&str]) -> Vec<String> {
        let mut batches = Vec::new();
        for (number, value) in (0..).zip(values) {
            batches.extend(together.add(item(number, value)));
        }
        batches.extend(together.rest());
        let keys = |batch: &Vec<RecordWrite>| batch.iter().map(|item| item.key.as_str()).collect::<Vec<_>>().join(" ");
        batches.iter().map(keys).collect()
    }

    #[test]
    fn changes_of_one_value_go_together_and_small_groups_share_a_batch() {
        let values = ["a", "b", "a", "c", "a", "b"];
        assert_eq!(batches(Together::by_value(3), &values), ["C0 C2 C4", "C1 C5 C3"]);
        assert_eq!(batches(Together::in_order(3), &values), ["C0 C1 C2", "C3 C4 C5"]);
    }
}
