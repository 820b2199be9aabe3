//! Batches that are filled up to what one request takes.

use migr_decide::record_write::{Batch, ExistingRecord, RecordWrite};
use migr_decide::stage_run::StageRun;
use migr_plan::FieldType;

/// Rich texts that go in one request, in bytes: a server converts them while the request waits, at about a minute a mebibyte.
const RICH_TEXT: usize = 1 << 20;

/// Number of bytes that the bodies of a batch may have together, by the largest request and by whether they hold rich
/// text.
fn most_bytes(request: Option<u64>, converts: bool) -> usize {
    let bytes = request.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    // Room for ids and the brackets around the records.
    let bytes = bytes / 10 * 9;
    if converts { bytes.min(RICH_TEXT) } else { bytes }
}

/// Fills batches up to what one request takes.
#[derive(Debug)]
pub struct Batcher {
    records: usize,
    bytes: usize,
    new: Vec<RecordWrite>,
    new_bytes: usize,
    there: Vec<ExistingRecord>,
}

impl Batcher {
    /// Batches of a stage's records.
    pub fn new(job: &StageRun) -> Self {
        let capabilities = job.context.destination.capabilities();
        let converts = job.stage.fields.iter().any(|field| field.ty == FieldType::Richtext);
        Self {
            records: capabilities.batch_size.max(1),
            bytes: most_bytes(capabilities.body_bytes, converts),
            new: Vec::new(),
            new_bytes: 0,
            there: Vec::new(),
        }
    }

    /// Takes a new record; a batch that is full comes back.
    pub fn add_new(&mut self, mut item: RecordWrite) -> Option<Batch> {
        item.values = Vec::new();
        let is_over = !self.new.is_empty() && self.new_bytes.saturating_add(item.size) > self.bytes;
        let full = is_over.then(|| self.take_new());
        self.new_bytes = self.new_bytes.saturating_add(item.size);
        self.new.push(item);
        if full.is_none() && self.new.len() >= self.records { Some(self.take_new()) } else { full }
    }

    /// Takes a record that is there; a batch that is full comes back.
    pub fn add_there(&mut self, item: RecordWrite, deleted: bool) -> Option<Batch> {
        self.there.push(ExistingRecord { item, deleted });
        (self.there.len() >= self.records).then(|| Batch::Update(std::mem::take(&mut self.there)))
    }

    fn take_new(&mut self) -> Batch {
        self.new_bytes = 0;
        Batch::Create(std::mem::take(&mut self.new))
    }

    /// Rest of the records.
    pub fn rest(&mut self) -> Vec<Batch> {
        let mut rest = Vec::new();
        if !self.there.is_empty() {
            rest.push(Batch::Update(std::mem::take(&mut self.there)));
        }
        if !self.new.is_empty() {
            rest.push(self.take_new());
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::most_bytes;

    #[test]
    fn long_notes_go_in_small_batches_and_other_records_fill_the_request() {
        assert_eq!(most_bytes(Some(10 << 20), false), (10 << 20) / 10 * 9);
        assert_eq!(most_bytes(Some(10 << 20), true), 1 << 20);
        assert_eq!(most_bytes(Some(1000), true), 900);
    }
}
