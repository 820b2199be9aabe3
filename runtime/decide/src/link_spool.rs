//! Links of a stage's records, as they were computed when the records were written: kept in a file until the step of links makes them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;

use migr_plan::ReasonCode;
use migr_transform::{Linked, Reference, Repair};
use uuid::Uuid;

use crate::DecideError;

/// Ids that are UUIDs in the usual form take 16 bytes.
const PACKED: u64 = 1;
const TEXT: u64 = 0;

/// Links on their way from one step to another, in source order. The file has no name, so that a killed process leaves nothing.
#[derive(Debug)]
pub struct LinkSpool {
    file: BufWriter<File>,
    /// Names of destination objects, by their numbers in the file.
    objects: Vec<String>,
    is_whole: bool,
}

/// Links of one record.
#[derive(Debug, PartialEq)]
pub struct SpooledLinks {
    /// The line of the export.
    pub line: u64,
    /// The source key.
    pub key: String,
    /// Links of the record, with the places where a written rule took effect.
    pub linked: Linked<'static>,
}

impl LinkSpool {
    /// An empty one.
    pub fn create(folder: &Path) -> Result<Self, DecideError> {
        let file = tempfile::tempfile_in(folder).map_err(failed)?;
        Ok(Self { file: BufWriter::new(file), objects: Vec::new(), is_whole: false })
    }

    /// Adds the links of a record.
    pub fn add(&mut self, line: u64, key: &str, linked: &Linked<'_>) -> Result<(), DecideError> {
        if linked.repairs.is_empty() && linked.links.iter().all(|(_, targets)| targets.is_empty()) {
            return Ok(());
        }
        self.write(line, key, linked).map_err(failed)
    }

    fn write(&mut self, line: u64, key: &str, linked: &Linked<'_>) -> io::Result<()> {
        self.number(line)?;
        self.text(key)?;
        self.number(linked.repairs.len() as u64)?;
        for repair in &linked.repairs {
            self.text(&repair.field)?;
            self.text(&repair.reason)?;
        }
        self.number(linked.links.len() as u64)?;
        for (index, targets) in &linked.links {
            self.number(*index as u64)?;
            self.number(targets.len() as u64)?;
            for target in targets {
                self.object(&target.object)?;
                self.id(&target.id)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, name: &str) -> io::Result<()> {
        let known = self.objects.iter().position(|object| object == name);
        let number = known.unwrap_or_else(|| {
            self.objects.push(name.to_owned());
            self.objects.len() - 1
        });
        self.number(number as u64)
    }

    fn id(&mut self, id: &str) -> io::Result<()> {
        match Uuid::try_parse(id) {
            Ok(uuid) if uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id => {
                self.number(PACKED)?;
                self.file.write_all(uuid.as_bytes())
            }
            _ => {
                self.number(TEXT)?;
                self.text(id)
            }
        }
    }

    fn number(&mut self, mut number: u64) -> io::Result<()> {
        while number >= 0x80 {
            self.file.write_all(&[number.to_le_bytes()[0] | 0x80])?;
            number >>= 7;
        }
        self.file.write_all(&[number.to_le_bytes()[0]])
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.number(text.len() as u64)?;
        self.file.write_all(text.as_bytes())
    }

    /// Every record of the stage was added.
    pub fn close(&mut self) -> Result<(), DecideError> {
        self.file.flush().map_err(failed)?;
        self.is_whole = true;
        Ok(())
    }

    /// The links from the first record on; none unless those of every record were added.
    pub fn read(&self) -> Result<Option<SpoolReader>, DecideError> {
        if !self.is_whole {
            return Ok(None);
        }
        let mut file = self.file.get_ref().try_clone().map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(Some(SpoolReader { file: BufReader::new(file), objects: self.objects.clone() }))
    }
}

/// Reader of links.
#[derive(Debug)]
pub struct SpoolReader {
    file: BufReader<File>,
    objects: Vec<String>,
}

impl SpoolReader {
    /// The links of the next record.
    #[expect(clippy::should_implement_trait, reason = "an error ends it, which an Iterator cannot say")]
    pub fn next(&mut self) -> Result<Option<SpooledLinks>, DecideError> {
        self.row().map_err(failed)
    }

    fn row(&mut self) -> io::Result<Option<SpooledLinks>> {
        let line = match self.number() {
            Ok(line) => line,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let key = self.text()?;
        let mut linked = Linked::default();
        for _ in 0..self.number()? {
            linked.repairs.push(Repair { field: self.text()?, reason: self.text()?, code: ReasonCode::Q201 });
        }
        for _ in 0..self.number()? {
            let index = self.length()?;
            let mut targets = Vec::new();
            for _ in 0..self.number()? {
                let object = self.length()?;
                let object = self.objects.get(object).cloned().unwrap_or_default();
                targets.push(Reference { object: Cow::Owned(object), id: Cow::Owned(self.id()?) });
            }
            linked.links.push((index, targets));
        }
        Ok(Some(SpooledLinks { line, key, linked }))
    }

    fn id(&mut self) -> io::Result<String> {
        if self.number()? == TEXT {
            return self.text();
        }
        let mut bytes = [0; 16];
        self.file.read_exact(&mut bytes)?;
        Ok(Uuid::from_bytes(bytes).to_string())
    }

    fn number(&mut self) -> io::Result<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let mut byte = [0];
            self.file.read_exact(&mut byte)?;
            let [byte] = byte;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn length(&mut self) -> io::Result<usize> {
        usize::try_from(self.number()?).map_err(io::Error::other)
    }

    fn text(&mut self) -> io::Result<String> {
        let mut bytes = vec![0; self.length()?];
        self.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

fn failed(source: io::Error) -> DecideError {
    DecideError::File { path: "the temporary file of links".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = SpooledLinks> {
        let id = prop_oneof![Just("6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned()), "[0-9A-F-]{0,36}", ".{0,9}"];
        let target =
            ("[a-z]{1,3}", id).prop_map(|(object, id)| Reference { object: Cow::Owned(object), id: Cow::Owned(id) });
        let repair = (".{0,9}", ".{0,9}").prop_map(|(field, reason)| Repair { field, reason, code: ReasonCode::Q201 });
        let links = prop::collection::vec((0_usize..3, prop::collection::vec(target, 0..4)), 0..3);
        let repairs = prop::collection::vec(repair, 0..3);
        (any::<u64>(), ".*", links, repairs).prop_map(|(line, key, links, repairs)| SpooledLinks {
            line,
            key,
            linked: Linked { links, repairs, orphans: Vec::new() },
        })
    }

    proptest! {
        #[test]
        fn links_come_back_as_they_were_and_records_without_any_are_left_out(rows in prop::collection::vec(row(), 0..9)) {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = LinkSpool::create(folder.path()).unwrap();
            for row in &rows {
                spool.add(row.line, &row.key, &row.linked).unwrap();
            }
            prop_assert!(spool.read().unwrap().is_none(), "it is not whole yet");
            spool.close().unwrap();
            for _ in 0..2 {
                let mut reader = spool.read().unwrap().unwrap();
                let says = |linked: &Linked<'_>| {
                    !linked.repairs.is_empty() || linked.links.iter().any(|(_, targets)| !targets.is_empty())
                };
                for row in rows.iter().filter(|row| says(&row.linked)) {
                    let next = reader.next().unwrap();
                    prop_assert_eq!(next.as_ref(), Some(row));
                }
                prop_assert_eq!(reader.next().unwrap(), None);
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
