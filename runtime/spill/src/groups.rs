//! Lines that have the same key, or share what no two records may share.

use rusqlite::types::Value as SortValue;
use rusqlite::{OptionalExtension as _, params};

use crate::error::Spilled as _;
use crate::numbers::{signed, unsigned, whole};
use crate::{Spill, SpillError};

/// A line and what a policy sorts it by.
pub type SortedRow = (u64, SortValue);

/// Row of which nothing is written, since another one stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenWay {
    /// Line of the row.
    pub line: u64,
    /// Key of its record in the journal.
    pub key: String,
    /// Line of the row that is kept.
    pub kept: u64,
    /// True where both have one key.
    pub is_double: bool,
}

/// Record that shares an identity with others.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// Line of the record.
    pub line: u64,
    /// Key of the record; absent where it was taken out for what it shares.
    pub key: Option<String>,
    /// Value that a policy sorts the record by.
    pub sort: SortValue,
    /// True where the record stays out for another reason.
    pub is_out: bool,
}

impl Spill {
    /// Calls for every key that more than one line has: line, first line of the key, and whether both have one digest; the first line is left out.
    pub fn double_keys<E: From<SpillError>>(
        &self,
        mut found: impl FnMut(u64, u64, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT key, line, digest FROM keys ORDER BY key, line")
            .spilled()?;
        let mut rows = statement.query([]).spilled()?;
        let mut before: Option<(String, u64, i64)> = None;
        while let Some(row) = rows.next().spilled()? {
            let (key, line) = (row.get_ref(0).spilled()?.as_str().unwrap_or_default(), unsigned(row.get(1).spilled()?));
            let digest: i64 = row.get(2).spilled()?;
            match &before {
                Some((last, first, said)) if last == key => found(line, *first, *said == digest)?,
                _ => before = Some((key.to_owned(), line, digest)),
            }
        }
        Ok(())
    }

    /// Remembers that a line gives way to another one of its key.
    pub fn add_double(&self, line: u64, kept: u64) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO doubles(line, kept) VALUES(?1, ?2)";
        self.insert(sql, params![signed(line), signed(kept)])
    }

    /// The line that a line gives way to.
    pub fn kept_instead(&self, line: u64) -> Result<Option<u64>, SpillError> {
        let kept: Option<i64> = self.optional("SELECT kept FROM doubles WHERE line = ?1", params![signed(line)])?;
        Ok(kept.map(unsigned))
    }

    /// Forgets which lines give way.
    pub fn forget_doubles(&self) -> Result<(), SpillError> {
        self.insert("DELETE FROM doubles", [])
    }

    /// Remembers that nothing of a row is written, since another one stands for it.
    pub fn add_given_way(&self, row: &GivenWay) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO given_way(line, key, kept, is_double) VALUES(?1, ?2, ?3, ?4)";
        self.insert(sql, params![signed(row.line), row.key, signed(row.kept), row.is_double])
    }

    /// Such rows after a line, in order of lines.
    pub fn given_way_after(&self, line: u64, limit: u32) -> Result<Vec<GivenWay>, SpillError> {
        let sql = "SELECT line, key, kept, is_double FROM given_way WHERE line > ?1 ORDER BY line LIMIT ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![signed(line), limit], |row| {
            let (line, kept) = (unsigned(row.get(0)?), unsigned(row.get(2)?));
            Ok(GivenWay { line, key: row.get(1)?, kept, is_double: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes the values of such a row that are not written, as a text.
    pub fn set_given_values(&self, line: u64, changes: &str) -> Result<(), SpillError> {
        self.insert("UPDATE given_way SET changes = ?2 WHERE line = ?1", params![signed(line), changes])
    }

    /// The text of the values of such a row that are not written.
    pub fn given_values(&self, line: u64) -> Result<Option<String>, SpillError> {
        let sql = "SELECT changes FROM given_way WHERE line = ?1 AND changes IS NOT NULL";
        self.optional(sql, params![signed(line)])
    }

    /// Adds one of the lines of a key, by the first of them.
    pub fn add_rival(&self, first: u64, line: u64, sort: &SortValue) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO rivals(first, line, sort) VALUES(?1, ?2, ?3)";
        self.insert(sql, params![signed(first), signed(line), sort])
    }

    /// Calls for the lines of every key that has several, in order.
    pub fn rivals<E: From<SpillError>>(&self, mut found: impl FnMut(Vec<SortedRow>) -> Result<(), E>) -> Result<(), E> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT first, line, sort FROM rivals ORDER BY first, line")
            .spilled()?;
        let mut rows = statement.query([]).spilled()?;
        let mut together: (i64, Vec<SortedRow>) = (0, Vec::new());
        while let Some(row) = rows.next().spilled()? {
            let first: i64 = row.get(0).spilled()?;
            if first != together.0 && !together.1.is_empty() {
                found(std::mem::take(&mut together.1))?;
            }
            together.0 = first;
            together.1.push((unsigned(row.get(1).spilled()?), row.get(2).spilled()?));
        }
        if together.1.is_empty() { Ok(()) } else { found(together.1) }
    }

    /// Calls for every identity from `first` on, below `end`, that more than one line has: path, value and lines, in order.
    pub fn double_identities<E: From<SpillError>>(
        &self,
        first: usize,
        end: usize,
        mut found: impl FnMut(usize, &str, &[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .database
            .connection
            .prepare_cached(
                "SELECT path, value, line FROM identities WHERE path >= ?1 AND path < ?2 ORDER BY path, value, line",
            )
            .spilled()?;
        let mut rows = statement.query(params![whole(first), whole(end)]).spilled()?;
        let mut before: Option<(usize, String)> = None;
        let mut lines: Vec<u64> = Vec::new();
        while let Some(row) = rows.next().spilled()? {
            let path = usize::try_from(row.get::<_, i64>(0).spilled()?).unwrap_or(0);
            let value = row.get_ref(1).spilled()?.as_str().unwrap_or_default();
            if !before.as_ref().is_some_and(|(last, same)| *last == path && same == value) {
                if let Some((path, value)) = &before
                    && lines.len() > 1
                {
                    found(*path, value, &lines)?;
                }
                lines.clear();
                before = Some((path, value.to_owned()));
            }
            lines.push(unsigned(row.get(2).spilled()?));
        }
        match before {
            Some((path, value)) if lines.len() > 1 => found(path, &value, &lines),
            _ => Ok(()),
        }
    }

    /// Notes which line holds a unique value that others have too, and are to be written without.
    pub fn add_holder(&self, path: usize, value: &str, line: u64) -> Result<(), SpillError> {
        let sql = "INSERT OR IGNORE INTO holders(path, value, line) VALUES(?1, ?2, ?3)";
        self.insert(sql, params![whole(path), value, signed(line)])
    }

    /// The line that holds such a value.
    pub fn holder(&self, path: usize, value: &str) -> Result<Option<u64>, SpillError> {
        let sql = "SELECT line FROM holders WHERE path = ?1 AND value = ?2";
        let line: Option<i64> = self.optional(sql, params![whole(path), value])?;
        Ok(line.map(unsigned))
    }

    /// Adds an identity of a record that stays out whatever it shares.
    pub fn add_shadow(
        &self,
        path: usize,
        value: &str,
        line: u64,
        (key, sort): (&str, &SortValue),
    ) -> Result<(), SpillError> {
        let sql = "INSERT INTO shadows(path, value, line, key, sort) VALUES(?1, ?2, ?3, ?4, ?5)";
        self.insert(sql, params![whole(path), value, signed(line), key, sort])
    }

    /// Calls for every identity that several records have, those included that stay out: path, value, and the records.
    pub fn shared<E: From<SpillError>>(
        &self,
        mut found: impl FnMut(usize, &str, Vec<Sharing>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.database.connection.prepare_cached(
            "SELECT path, value, identities.line, records.key, records.sort, 0 FROM identities LEFT JOIN records ON records.line = identities.line \
             UNION ALL SELECT path, value, line, key, sort, 1 FROM shadows ORDER BY 1, 2, 3",
        ).spilled()?;
        let mut rows = statement.query([]).spilled()?;
        let mut before: Option<(usize, String)> = None;
        let mut sharing: Vec<Sharing> = Vec::new();
        while let Some(row) = rows.next().spilled()? {
            let path = usize::try_from(row.get::<_, i64>(0).spilled()?).unwrap_or(0);
            let value: String = row.get(1).spilled()?;
            if !before.as_ref().is_some_and(|(last, same)| *last == path && *same == value) {
                if let Some((path, value)) = &before
                    && sharing.len() > 1
                {
                    found(*path, value, std::mem::take(&mut sharing))?;
                }
                sharing.clear();
                before = Some((path, value));
            }
            sharing.push(Sharing {
                line: unsigned(row.get(2).spilled()?),
                key: row.get(3).spilled()?,
                sort: row.get::<_, Option<SortValue>>(4).spilled()?.unwrap_or(SortValue::Null),
                is_out: row.get(5).spilled()?,
            });
        }
        match before {
            Some((path, value)) if sharing.len() > 1 => found(path, &value, sharing),
            _ => Ok(()),
        }
    }

    /// The key of the record that stands for the one of a line.
    pub fn winner_of(&self, line: u64) -> Result<Option<String>, SpillError> {
        self.optional("SELECT winner FROM losers WHERE line = ?1", params![signed(line)])
    }

    /// Remembers that lines belong together.
    pub fn join(&self, lines: &[u64]) -> Result<(), SpillError> {
        let Some(first) = lines.first() else { return Ok(()) };
        let mut root = self.root(*first)?;
        for line in lines {
            let other = self.root(*line)?;
            let (lower, higher) = (root.min(other), root.max(other));
            self.set_root(lower, lower)?;
            if higher != lower {
                self.set_root(higher, lower)?;
            }
            if *line != lower {
                self.set_root(*line, lower)?;
            }
            root = lower;
        }
        Ok(())
    }

    /// Calls for the records of the destination that several records of the stage match by the first identities: id and lines, in order; needs
    /// [`Self::index_existing`].
    pub fn lines_by_match<E: From<SpillError>>(
        &self,
        matching: usize,
        mut found: impl FnMut(&str, &[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT DISTINCT existing.id, identities.line FROM identities JOIN existing USING (path, value)
                   WHERE path < ?1 ORDER BY existing.id, identities.line";
        let mut statement = self.database.connection.prepare_cached(sql).spilled()?;
        let mut rows = statement.query(params![whole(matching)]).spilled()?;
        let mut together: (String, Vec<u64>) = (String::new(), Vec::new());
        while let Some(row) = rows.next().spilled()? {
            let id = row.get_ref(0).spilled()?.as_str().unwrap_or_default();
            if id != together.0 {
                if together.1.len() > 1 {
                    found(&together.0, &together.1)?;
                }
                together = (id.to_owned(), Vec::new());
            }
            together.1.push(unsigned(row.get(1).spilled()?));
        }
        if together.1.len() > 1 { found(&together.0, &together.1) } else { Ok(()) }
    }

    /// Makes identities findable by line.
    pub fn index_identities_by_line(&self) -> Result<(), SpillError> {
        let sql = "CREATE INDEX IF NOT EXISTS identities_by_line ON identities(line, path)";
        Ok(self.database.connection.execute_batch(sql)?)
    }

    /// Identities below `end` of which a line has a value, one bit each; needs [`Self::index_identities_by_line`].
    pub fn identities_of(&self, line: u64, end: usize) -> Result<u64, SpillError> {
        let sql = "SELECT path FROM identities WHERE line = ?1 AND path < ?2";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![signed(line), whole(end)])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            found |= 1_u64.checked_shl(row.get(0)?).unwrap_or(0);
        }
        Ok(found)
    }

    /// Values of the identities below `end` that a line has, by path; needs [`Self::index_identities_by_line`].
    pub fn identity_values(&self, line: u64, end: usize) -> Result<Vec<(usize, String)>, SpillError> {
        let sql = "SELECT path, value FROM identities WHERE line = ?1 AND path < ?2 ORDER BY path, value";
        let mut statement = self.database.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![signed(line), whole(end)], |row| {
            Ok((usize::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The line by which the records that belong together with the one of a line are named: the smallest of them.
    pub fn root(&self, line: u64) -> Result<u64, SpillError> {
        let mut root = line;
        loop {
            let parent: Option<i64> = self.optional("SELECT root FROM kin WHERE line = ?1", params![signed(root)])?;
            match parent.map(unsigned) {
                Some(parent) if parent != root => root = parent,
                _ => return Ok(root),
            }
        }
    }

    fn set_root(&self, line: u64, root: u64) -> Result<(), SpillError> {
        self.insert("INSERT OR REPLACE INTO kin(line, root) VALUES(?1, ?2)", params![signed(line), signed(root)])
    }

    /// Calls for lines that belong together, with key and sort value, by line: those of one family one after the other.
    pub fn kin<E: From<SpillError>>(
        &self,
        mut found: impl FnMut(Vec<(u64, String, SortValue)>) -> Result<(), E>,
    ) -> Result<(), E> {
        // A root is the smallest line of its family, so it comes first and every line after it needs one step.
        let after = "SELECT line FROM kin WHERE line > ?1 ORDER BY line LIMIT 1";
        let mut line = 0;
        while let Some(next) = self.optional::<i64>(after, params![signed(line)])? {
            line = unsigned(next);
            self.set_root(line, self.root(line)?)?;
        }
        let mut statement = self.database.connection.prepare_cached(
            "SELECT root, kin.line, key, sort FROM kin JOIN records ON records.line = kin.line ORDER BY root, kin.line",
        ).spilled()?;
        let mut rows = statement.query([]).spilled()?;
        let mut together: (i64, Vec<(u64, String, SortValue)>) = (0, Vec::new());
        while let Some(row) = rows.next().spilled()? {
            let root: i64 = row.get(0).spilled()?;
            if root != together.0 && !together.1.is_empty() {
                found(std::mem::take(&mut together.1))?;
            }
            together.0 = root;
            together.1.push((unsigned(row.get(1).spilled()?), row.get(2).spilled()?, row.get(3).spilled()?));
        }
        if together.1.is_empty() { Ok(()) } else { found(together.1) }
    }

    /// Remembers that records are written as one; the first of them leads.
    pub fn add_family(&self, members: &[(u64, String)]) -> Result<(), SpillError> {
        let leader = members.first().map(|(line, _)| *line).unwrap_or_default();
        let last = members.iter().map(|(line, _)| *line).max().unwrap_or_default();
        for (place, (line, key)) in members.iter().enumerate() {
            self.insert(
                "INSERT OR REPLACE INTO families(line, leader, place, last, key) VALUES(?1, ?2, ?3, ?4, ?5)",
                params![signed(*line), signed(leader), whole(place), signed(last), key],
            )?;
        }
        Ok(())
    }

    /// Forgets that the records of a family are written as one, and that the first of them stands for the others.
    pub fn forget_family(&self, leader: u64) -> Result<(), SpillError> {
        let losers = "DELETE FROM losers WHERE line IN (SELECT line FROM families WHERE leader = ?1)";
        self.insert(losers, params![signed(leader)])?;
        self.insert("DELETE FROM families WHERE leader = ?1", params![signed(leader)])
    }

    /// The line that leads the family of a line, and the family's last line in the file.
    pub fn family_of(&self, line: u64) -> Result<Option<(u64, u64)>, SpillError> {
        Ok(self
            .database
            .connection
            .prepare_cached("SELECT leader, last FROM families WHERE line = ?1")?
            .query_row([signed(line)], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))
            .optional()?)
    }

    /// Lines and keys of a family, the preferred one first.
    pub fn family(&self, leader: u64) -> Result<Vec<(u64, String)>, SpillError> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT line, key FROM families WHERE leader = ?1 ORDER BY place")?;
        let rows = statement.query_map([signed(leader)], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers that another record stands for a line.
    pub fn add_follower(&self, winner: &str, line: u64, sort: &SortValue) -> Result<(), SpillError> {
        let sql = "INSERT OR REPLACE INTO followers(winner, line, sort) VALUES(?1, ?2, ?3)";
        self.insert(sql, params![winner, signed(line), sort])
    }

    /// The lines that a record stands for.
    pub fn followers(&self, winner: &str) -> Result<Vec<SortedRow>, SpillError> {
        let mut statement = self
            .database
            .connection
            .prepare_cached("SELECT line, sort FROM followers WHERE winner = ?1 ORDER BY line")?;
        let rows = statement.query_map([winner], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
