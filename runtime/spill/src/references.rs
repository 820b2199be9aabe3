//! Lines that refer to lines of the same file.

use rusqlite::params;

use crate::numbers::{signed, unsigned};
use crate::{Spill, SpillError};

impl Spill {
    /// Adds that a line refers to a key.
    pub fn add_edge(&self, line: u64, parent: &str) -> Result<(), SpillError> {
        self.insert("INSERT INTO edges(line, parent) VALUES(?1, ?2)", params![signed(line), parent])
    }

    /// Finds the lines behind the keys that lines refer to; needs [`Self::index_records`].
    pub fn draw_arcs(&self) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO arcs(line, target) SELECT edges.line, records.line FROM edges JOIN records ON records.key = edges.parent";
        self.insert(sql, [])
    }

    /// The first line after a line that refers to any.
    pub fn referring_after(&self, line: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT line FROM arcs WHERE line > ?1 ORDER BY line LIMIT 1";
        Ok(self.optional(sql, params![signed(line)])?.map(unsigned))
    }

    /// The first line after `target` that a line refers to.
    pub fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT target FROM arcs WHERE line = ?1 AND target > ?2 ORDER BY target LIMIT 1";
        Ok(self.optional(sql, params![signed(line), signed(target)])?.map(unsigned))
    }

    /// Remembers a line at which a circle is cut.
    pub fn add_cut(&self, line: u64, drawn: &str) -> Result<(), SpillError> {
        self.insert("INSERT OR REPLACE INTO cuts(line, drawn) VALUES(?1, ?2)", params![signed(line), drawn])
    }

    /// The circle that is cut at a line, as it is drawn.
    pub fn cut(&self, line: u64) -> Result<Option<String>, SpillError> {
        self.optional("SELECT drawn FROM cuts WHERE line = ?1", params![signed(line)])
    }
}
