//! Records of the destination of a forecast: those that are there, as earlier stages of the plan would leave them.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use migr_load::{
    Body, BoxFuture, Deleted, Found, LoadError, MadeBeside, Member, NewRecord, Page, RecordUpdate, Records, Removal,
    Settlement, UndoOutcome, Unsettled, Written,
};

use super::{Foreseen, never};

impl Records for Foreseen {
    fn members<'a>(&'a self, object: &'a str, field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>> {
        match &self.live {
            Some(live) => live.members(object, field),
            None => Box::pin(async { Ok(Vec::new()) }),
        }
    }

    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>> {
        let Some(live) = self.of(object) else { return Box::pin(async { Ok(Page::default()) }) };
        Box::pin(async move {
            let page = live.scan(object, deleted, after).await?;
            let records = self.all_left(object, page.records)?;
            Ok(Page { records, ..page })
        })
    }

    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>> {
        let Some(live) = self.of(object) else { return Box::pin(async { Ok(0) }) };
        Box::pin(async move {
            let mut total = 0;
            for is_trash in [false, true] {
                if (is_trash && deleted == Deleted::Live) || (!is_trash && deleted == Deleted::Trashed) {
                    continue;
                }
                let name = (object.to_owned(), is_trash);
                let known = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
                total += if let Some(known) = known {
                    known
                } else {
                    let asked = if is_trash { Deleted::Trashed } else { Deleted::Live };
                    let count = live.count(object, asked).await?;
                    self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(name, count);
                    count
                };
            }
            Ok(total)
        })
    }

    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        let live = self.of(object);
        let is_restored = {
            let moved = self.moved();
            ids.iter().any(|id| moved.restored.contains(&(object.to_owned(), id.clone())))
        };
        Box::pin(async move {
            let mut found = Vec::new();
            if let Some(live) = live {
                let asked = if is_restored { Deleted::Both } else { deleted };
                for one in live.fetch(object, ids, asked).await? {
                    found.extend(self.left(object, one)?.filter(|one| match deleted {
                        Deleted::Live => !one.deleted,
                        Deleted::Trashed => one.deleted,
                        Deleted::Both => true,
                    }));
                }
            }
            // What an earlier stage makes would be there.
            for id in ids {
                if found.iter().any(|found| found.id == *id) {
                    continue;
                }
                let Some(coming) = self.coming(object, id)? else { continue };
                let mut values = self.given.get(object).cloned().unwrap_or_default();
                values.extend(coming);
                found.push(Found { id: id.clone(), deleted: false, values });
            }
            Ok(found)
        })
    }

    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.fetch(object, ids, Deleted::Live)
    }

    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        match self.of(object) {
            Some(live) => Box::pin(async move {
                let found = live.holders(object, wanted).await?;
                found.map(|found| self.all_left(object, found)).transpose()
            }),
            None => Box::pin(async { Ok(Some(Vec::new())) }),
        }
    }

    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        match self.of(object) {
            Some(live) => live.referring(object, key, ids),
            None => Box::pin(async { Ok(Vec::new()) }),
        }
    }

    fn take_met(&self, _object: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn create<'a>(&'a self, _: &'a str, _: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        never()
    }

    fn update<'a>(&'a self, _: &'a str, _: &'a [RecordUpdate]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>> {
        never()
    }

    fn settle<'a>(
        &'a self,
        _object: &'a str,
        _records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        never()
    }

    fn written_until(&self) -> BTreeMap<String, String> {
        self.live.as_ref().map(|live| live.written_until()).unwrap_or_default()
    }

    fn take_for_written(&self, _object: &str, _found: &[Found]) {}

    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        let mut moved = self.moved();
        if !self.met.contains(object) {
            moved.restored.retain(|(of, _)| of != object);
        }
        moved.restored.extend(ids.iter().map(|id| (object.to_owned(), id.clone())));
        Box::pin(async { Ok(()) })
    }

    fn trash<'a>(&'a self, _object: &'a str, _ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        never()
    }

    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        if self.met.contains(object) {
            self.moved().destroyed.extend(ids.iter().map(|id| (object.to_owned(), id.clone())));
        }
        Box::pin(async { Ok(Removal::untold(ids.len())) })
    }

    fn made_beside(&self, _object: &str, _body: &Body) -> MadeBeside {
        MadeBeside::default()
    }

    fn remove_beside<'a>(&'a self, _names: &'a [String]) -> BoxFuture<'a, Result<Vec<UndoOutcome>, LoadError>> {
        never()
    }

    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)> {
        self.live.as_ref().and_then(|live| live.carrier(object, id))
    }

    fn held_under(&self, object: &str, field: &str) -> Option<(&'static str, String)> {
        self.live.as_ref().and_then(|live| live.held_under(object, field))
    }
}
