//! Chain of hashes over the entries of a journal.

use rusqlite::Connection;

use crate::JournalError;
use crate::error::Attempt as _;

/// The hash before the first entry.
pub(crate) const START: [u8; 32] = [0; 32];

/// An entry as it is hashed.
pub(crate) struct Link<'a> {
    pub(crate) seq: i64,
    pub(crate) run: i64,
    pub(crate) plan: i64,
    pub(crate) at: i64,
    pub(crate) kind: &'a str,
    pub(crate) step: Option<i64>,
    pub(crate) data: &'a [u8],
}

impl Link<'_> {
    /// Hash of the entry after the one before it. Lengths go in, so that no two entries give the same bytes.
    pub(crate) fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(before);
        for number in [self.seq, self.run, self.plan, self.at, self.step.unwrap_or(-1)] {
            hasher.update(&number.to_le_bytes());
        }
        for bytes in [self.kind.as_bytes(), self.data] {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        *hasher.finalize().as_bytes()
    }
}

/// Result of checking the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainReport {
    /// Every entry follows from the one before.
    Whole {
        /// Number of entries.
        entries: u64,
        /// The last hash, in hexadecimal; note it elsewhere to notice a shortened journal.
        head: String,
    },
    /// An entry was changed, removed or slipped in.
    Broken {
        /// The first entry that does not follow.
        seq: i64,
        /// Fault of the entry.
        why: String,
    },
}

/// Recomputes every hash.
pub(crate) fn verify(connection: &Connection) -> Result<ChainReport, JournalError> {
    let mut statement = connection
        .prepare("SELECT seq, run, at, kind, step, data, hash, plan FROM entries ORDER BY seq")
        .attempting("read")?;
    let mut rows = statement.query([]).attempting("read")?;
    let mut before = START;
    let mut expected = 1_i64;
    while let Some(row) = rows.next().attempting("read")? {
        let seq: i64 = row.get(0).attempting("read")?;
        if seq != expected {
            return Ok(ChainReport::Broken { seq, why: format!("entry {expected} is missing") });
        }
        let kind: String = row.get(3).attempting("read")?;
        let data = row.get_ref(5).attempting("read")?;
        let data = data.as_bytes().map_err(rusqlite::Error::from).attempting("read")?;
        let link = Link {
            seq,
            run: row.get(1).attempting("read")?,
            plan: row.get(7).attempting("read")?,
            at: row.get(2).attempting("read")?,
            kind: &kind,
            step: row.get(4).attempting("read")?,
            data,
        };
        let stored: Vec<u8> = row.get(6).attempting("read")?;
        let hash = link.hash(&before);
        if stored != hash {
            return Ok(ChainReport::Broken { seq, why: "it is not what was written".to_owned() });
        }
        before = hash;
        expected += 1;
    }
    let counted = expected - 1;
    // A shortened journal is whole in itself; the head that was noted at the last write tells.
    let noted: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE name = 'head'", [], |row| row.get(0)).ok();
    let head = hex(&before);
    if let Some(noted) = noted
        && noted != format!("{counted} {head}")
    {
        return Ok(ChainReport::Broken { seq: expected, why: "entries are missing at the end".to_owned() });
    }
    Ok(ChainReport::Whole { entries: u64::try_from(counted).unwrap_or(0), head })
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
