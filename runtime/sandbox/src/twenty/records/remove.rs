//! The trash, and what is beyond it.

use crate::clock;
use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::{Object, OnDelete};

impl Engine {
    /// Puts live records into the trash; a note or task takes its links to records with it.
    pub(crate) fn trash(&mut self, object: &Object, rows: Vec<Row>) -> Result<Vec<Row>, Problem> {
        let now = clock::now();
        self.atomically(|engine| engine.mark(object, rows, Some(&now), &now))
    }

    /// Takes records out of the trash; live ones are only stamped anew, as the server does.
    pub(crate) fn restore(&mut self, object: &Object, rows: Vec<Row>) -> Result<Vec<Row>, Problem> {
        let now = clock::now();
        self.atomically(|engine| engine.mark(object, rows, None, &now))
    }

    fn mark(&mut self, object: &Object, rows: Vec<Row>, deleted: Option<&str>, now: &str) -> Result<Vec<Row>, Problem> {
        let mut marked = Vec::with_capacity(rows.len());
        for mut row in rows {
            row.deleted = deleted.map(str::to_owned);
            now.clone_into(&mut row.updated);
            self.store.update(&object.singular, &row)?;
            if matches!(object.singular.as_str(), "note" | "task") {
                let target = format!("{}Target", object.singular);
                let link = format!("{target}.{}Id", object.singular);
                for id in self.store.linked(&link, &row.id)? {
                    if let Some(mut joined) = self.store.get(&target, &id)? {
                        joined.deleted = deleted.map(str::to_owned);
                        self.store.update(&target, &joined)?;
                    }
                }
            }
            marked.push(row);
        }
        Ok(marked)
    }

    /// Destroys records: keys that point at them become null, or their records go too. The bytes of files go with the first record that has any; those of
    /// others stay behind, as at the server.
    pub(crate) fn destroy(&mut self, object: &Object, rows: &[Row]) -> Result<(), Problem> {
        let pointing = self.pointing(object);
        self.atomically(|engine| {
            let mut gone = 0;
            for row in rows {
                if gone == 0 {
                    gone = engine.drop_files(object, row)?;
                }
                engine.destroy_one(object, &pointing, row)?;
            }
            Ok(())
        })
    }

    /// The objects, keys and rules of the fields that point at an object.
    fn pointing(&self, object: &Object) -> Vec<(Object, String, OnDelete)> {
        self.schema
            .pointing_at(&object.singular)
            .filter_map(|(source, field)| Some((source.clone(), field.join_key()?, field.target()?.1)))
            .collect()
    }

    fn destroy_one(
        &mut self,
        object: &Object,
        pointing: &[(Object, String, OnDelete)],
        row: &Row,
    ) -> Result<(), Problem> {
        self.forget(object, row)?;
        self.store.delete(&object.singular, &row.id)?;
        for (source, key, on_delete) in pointing {
            let link = format!("{}.{key}", source.singular);
            for id in self.store.linked(&link, &row.id)? {
                let Some(mut joined) = self.store.get(&source.singular, &id)? else { continue };
                match on_delete {
                    // What the timeline says of a record that is gone stays.
                    OnDelete::Cascade if source.singular != "timelineActivity" => {
                        let further = self.pointing(source);
                        self.destroy_one(source, &further, &joined)?;
                    }
                    OnDelete::Cascade | OnDelete::SetNull => {
                        joined.body.shift_remove(key);
                        self.store.unlink(&link, &row.id, &id)?;
                        self.store.update(&source.singular, &joined)?;
                    }
                }
            }
        }
        Ok(())
    }
}
