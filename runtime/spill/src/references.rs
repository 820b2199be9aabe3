//! Lines that refer to lines of the same file.

use rusqlite::params;

use crate::cycles::References;
use crate::numbers::{signed, unsigned, whole};
use crate::{Spill, SpillError};

impl Spill {
    /// Adds that a field of a line refers to a key.
    pub fn add_field_edge(&self, field: usize, line: u64, parent: &str) -> Result<(), SpillError> {
        self.insert(
            "INSERT INTO edges(line, parent, field) VALUES(?1, ?2, ?3)",
            params![signed(line), parent, whole(field)],
        )
    }

    /// Finds the lines behind the keys that lines refer to; needs [`Self::index_records`].
    pub fn draw_arcs(&self) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO arcs(line, target, field) SELECT edges.line, records.line, edges.field FROM edges \
                   JOIN records ON records.key = edges.parent";
        self.insert(sql, [])
    }

    /// References of one field; needs [`Self::draw_arcs`].
    #[must_use]
    pub fn references(&self, field: usize) -> impl References + use<'_> {
        FieldReferences { spill: self, field: whole(field) }
    }

    /// Cuts a reference of a field from one line to another, which lies in a circle that is drawn.
    pub fn add_cut(&self, field: usize, (line, target): (u64, u64), drawn: &str) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO cuts(line, field, target, drawn) SELECT ?1, ?2, key, ?3 FROM records WHERE line = ?4";
        self.insert(sql, params![signed(line), whole(field), drawn, signed(target)])
    }

    /// The circle that is cut where a field of a line refers to a key, as it is drawn.
    pub fn cut(&self, field: usize, line: u64, target: &str) -> Result<Option<String>, SpillError> {
        let sql = "SELECT drawn FROM cuts WHERE line = ?1 AND field = ?2 AND target = ?3";
        self.optional(sql, params![signed(line), whole(field), target])
    }
}

/// References of one field.
struct FieldReferences<'s> {
    spill: &'s Spill,
    field: i64,
}

impl References for FieldReferences<'_> {
    fn referring_after(&self, line: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT line FROM arcs WHERE line > ?1 AND field = ?2 ORDER BY line LIMIT 1";
        Ok(self.spill.optional(sql, params![signed(line), self.field])?.map(unsigned))
    }

    fn target_after(&self, line: u64, target: u64) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT target FROM arcs WHERE line = ?1 AND target > ?2 AND field = ?3 ORDER BY target LIMIT 1";
        Ok(self.spill.optional(sql, params![signed(line), signed(target), self.field])?.map(unsigned))
    }
}
