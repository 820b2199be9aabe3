//! Metadata of objects in the store, and what follows when they change.

use rusqlite::params;

use crate::store::Store;
use crate::twenty::schema::Object;

impl Store {
    /// Every object's JSON in order of making.
    pub(crate) fn objects(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.database().prepare("SELECT json FROM objects ORDER BY place")?;
        statement.query_map([], |found| found.get(0))?.collect()
    }

    /// Keeps an object's metadata.
    pub(crate) fn save_object(&self, place: usize, object: &Object) -> Result<(), rusqlite::Error> {
        let json =
            serde_json::to_string(object).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.database()
            .execute("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3)", params![object.singular, place, json])
            .map(drop)
    }

    /// Forgets an object and all its records.
    pub(crate) fn drop_object(&self, name: &str) -> rusqlite::Result<()> {
        self.database().execute("DELETE FROM objects WHERE name = ?1", [name])?;
        self.database().execute("DELETE FROM records WHERE object = ?1", [name])?;
        let paths = format!("{name}.%");
        self.database().execute("DELETE FROM uniques WHERE path LIKE ?1", [&paths])?;
        self.database().execute("DELETE FROM links WHERE link LIKE ?1", [&paths]).map(drop)
    }

    /// The lowest position of an object's records.
    pub(crate) fn lowest_position(&self, object: &str) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT min(CAST(json_extract(body, '$.position') AS INTEGER)) FROM records WHERE object = ?1";
        self.database().query_row(sql, [object], |found| found.get(0))
    }

    /// Gives all values of a path up.
    pub(crate) fn release_all(&self, path: &str) -> rusqlite::Result<()> {
        self.database().execute("DELETE FROM uniques WHERE path = ?1", [path])?;
        self.database().execute("DELETE FROM links WHERE link = ?1", [path]).map(drop)
    }

    /// Moves the index of a renamed field.
    pub(crate) fn move_path(&self, from: &str, to: &str) -> rusqlite::Result<()> {
        self.database().execute("UPDATE uniques SET path = ?2 WHERE path = ?1", [from, to])?;
        self.database().execute("UPDATE links SET link = ?2 WHERE link = ?1", [from, to]).map(drop)
    }
}
