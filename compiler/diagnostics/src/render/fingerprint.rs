//! Fingerprints of findings that stay the same when a line moves.

use std::collections::BTreeMap;

use migr_source::SourceMap;

use super::place::Place;
use crate::Diagnostic;

/// Names findings so that a tool knows one again after its line has moved: by code, path, message and how many alike came before it.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: BTreeMap<String, usize>,
}

impl Fingerprints {
    /// The name of the next finding, 32 hexadecimal digits.
    pub(super) fn next(&mut self, diagnostic: &Diagnostic, sources: &SourceMap) -> String {
        let path = diagnostic.span().and_then(|span| Place::of(span, sources)).map_or("", |place| place.path);
        let key = format!("{}\0{path}\0{}", diagnostic.code, diagnostic.message);
        let before = self.seen.entry(key.clone()).or_default();
        let digest = blake3::hash(format!("{key}\0{before}").as_bytes());
        *before += 1;
        digest.to_hex().chars().take(32).collect()
    }
}
