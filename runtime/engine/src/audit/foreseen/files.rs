//! Files in a forecast: none is sent, none is read back.

use std::path::Path;

use migr_load::{BoxFuture, LoadError, Map, StoredFile, Uploaded};

use super::{Foreseen, never};

impl migr_load::Files for Foreseen {
    fn most_bytes(&self, object: &str, name: &str) -> Option<u64> {
        self.live.as_ref().map_or(self.file_bytes, |live| live.most_bytes(object, name))
    }

    fn upload<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Path,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>> {
        never()
    }

    fn stored_file<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>> {
        never()
    }
}
