//! Fields of records as the first pass over the rows computed them: kept until the records are written, so that no field is computed twice.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use migr_load::Body;
use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;

use crate::DecideError;
use crate::decision::{Reason, Told};

/// Bytes that stay in memory.
const IN_MEMORY: usize = 8 * 1024 * 1024;

/// Fields of a record in the form in which it is written, without its files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComputedFields {
    /// Native body of the record.
    pub(crate) body: Body,
    /// Places where a written rule took effect.
    pub(crate) repairs: Vec<Reason>,
    /// Owners without a matching user: field and folded address.
    pub(crate) orphans: Vec<(String, String)>,
    /// Values that the destination requires of a new record, and that this one has not.
    pub(crate) lacking: Vec<Reason>,
    /// Values that the destination gives where it creates the record.
    pub(crate) defaults: Vec<Reason>,
    /// Identities of the record, by their positions; empty where nobody asked for them.
    pub(crate) identities: Vec<(usize, String)>,
    /// Remarks for a forecast; of a run there are none.
    pub(crate) told: Option<Told>,
}

/// Computed fields on their way from the first pass over a stage's rows to the second, in source order. What does not stay in memory goes into a file without
/// a name, so that a killed process leaves nothing.
#[derive(Debug)]
pub(crate) struct ComputedSpool(State);

#[derive(Debug)]
enum State {
    /// First pass, which adds.
    Adding(Box<FrameEncoder<SpooledTempFile>>),
    /// Second pass, which takes; with the fields that come next, and the line of their record.
    Taking(Box<FrameDecoder<SpooledTempFile>>, Option<Box<(u64, ComputedFields)>>),
    /// Nothing is left to take.
    Done,
}

impl ComputedSpool {
    /// An empty one.
    pub(crate) fn create(folder: &Path) -> Self {
        let file = tempfile::spooled_tempfile_in(IN_MEMORY, folder);
        Self(State::Adding(Box::new(FrameEncoder::new(file))))
    }

    /// Adds the fields of the record of a line: a later one than the last.
    pub(crate) fn add(&mut self, line: u64, fields: &ComputedFields) -> Result<(), DecideError> {
        let State::Adding(file) = &mut self.0 else { return Ok(()) };
        let bytes = postcard::to_stdvec(&(line, fields)).map_err(io::Error::other).map_err(failed)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other).map_err(failed)?;
        file.write_all(&length.to_le_bytes()).and_then(|()| file.write_all(&bytes)).map_err(failed)
    }

    /// The fields of the record of a line, where they were kept; lines are asked for in their order.
    pub(crate) fn take(&mut self, line: u64) -> Result<Option<ComputedFields>, DecideError> {
        if let State::Adding(_) = self.0
            && let State::Adding(file) = std::mem::replace(&mut self.0, State::Done)
        {
            let mut file = file.finish().map_err(io::Error::other).map_err(failed)?;
            file.rewind().map_err(failed)?;
            let mut file = Box::new(FrameDecoder::new(file));
            let first = next(&mut file)?;
            self.0 = State::Taking(file, first);
        }
        let State::Taking(file, waiting) = &mut self.0 else { return Ok(None) };
        while waiting.as_ref().is_some_and(|next| next.0 < line) {
            *waiting = next(file)?;
        }
        let taken = waiting.take_if(|next| next.0 == line);
        if taken.is_some() {
            *waiting = next(file)?;
        }
        Ok(taken.map(|next| next.1))
    }
}

fn next(file: &mut FrameDecoder<SpooledTempFile>) -> Result<Option<Box<(u64, ComputedFields)>>, DecideError> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = vec![0; usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other).map_err(failed)?];
    file.read_exact(&mut bytes).map_err(failed)?;
    postcard::from_bytes(&bytes).map(|read| Some(Box::new(read))).map_err(io::Error::other).map_err(failed)
}

fn failed(source: io::Error) -> DecideError {
    DecideError::File { path: "the temporary file of computed fields".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use migr_plan::ReasonCode;
    use proptest::prelude::*;

    use super::*;

    fn fields() -> impl Strategy<Value = ComputedFields> {
        let reasons = || {
            let reason =
                ("[a-z]{0,4}", ".{0,9}").prop_map(|(field, reason)| Reason::new(ReasonCode::Q201, field, reason));
            prop::collection::vec(reason, 0..3)
        };
        let body = prop::collection::btree_map("[a-h]{1,3}", ".{0,9}", 0..4).prop_map(|values| {
            Body::from(values.into_iter().map(|(key, value)| (key, value.into())).collect::<migr_load::Map>())
        });
        let orphans = prop::collection::vec(("[a-z]{1,3}", ".{0,9}"), 0..2);
        (body, reasons(), orphans, reasons(), reasons()).prop_map(|(body, repairs, orphans, lacking, defaults)| {
            ComputedFields { body, repairs, orphans, lacking, defaults, ..ComputedFields::default() }
        })
    }

    proptest! {
        #[test]
        fn fields_come_back_by_the_line_of_their_record_and_only_once(
            kept in prop::collection::btree_map(0_u64..40, fields(), 0..12),
            asked in prop::collection::btree_set(0_u64..40, 0..30),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = ComputedSpool::create(folder.path());
            for (line, fields) in &kept {
                spool.add(*line, fields).unwrap();
            }
            for line in asked {
                let taken = spool.take(line).unwrap();
                prop_assert_eq!(taken.as_ref(), kept.get(&line));
                let again = spool.take(line).unwrap();
                prop_assert_eq!(again, None);
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn fields_that_do_not_stay_in_memory_come_back_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = ComputedSpool::create(folder.path());
        let of = |line: u64| {
            let text: String = (0..2_000_u64)
                .filter_map(|at| char::from_u32(u32::try_from((line * 7_919 + at * at * 31) % 50_000 + 33).ok()?))
                .collect();
            let values: migr_load::Map = [("text".to_owned(), text.into())].into_iter().collect();
            ComputedFields { body: Body::from(values), ..ComputedFields::default() }
        };
        for line in 1..=4_000 {
            spool.add(line, &of(line)).unwrap();
        }
        for line in 1..=4_000 {
            assert_eq!(spool.take(line).unwrap(), Some(of(line)), "line {line}");
        }
        assert_eq!(spool.take(4_001).unwrap(), None);
    }
}
