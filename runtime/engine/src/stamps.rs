//! The moments up to which the migration itself wrote, by the destination's clock: a record that is younger was changed by somebody else since.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use migr_journal::{Change, Reader};
use serde::{Deserialize, Serialize};

use crate::{Context, EngineError};

/// The journal keeps them under this name.
const NAME: &str = "written.until";
/// Time by which the clocks of the destination and of this machine may be apart, where only ours tells.
const APART: SignedDuration = SignedDuration::from_secs(2);

/// Moments by object, in the form of the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamps {
    /// The run that noted them: what a later one wrote, and was killed, is younger.
    run: i64,
    until: BTreeMap<String, String>,
    /// Where a run was killed: the last moment of the journal, by our clock.
    #[serde(skip)]
    ours: Option<Timestamp>,
}

impl Stamps {
    /// Reads the moments that a journal knows.
    pub(crate) fn read(reader: &Reader) -> Result<Self, EngineError> {
        let kept = reader.finding(NAME)?.and_then(|text| serde_json::from_str::<Self>(&text).ok()).unwrap_or_default();
        let last = reader.last_written("run%")?;
        let ours = last.filter(|last| last.run != kept.run);
        let ours = ours.and_then(|last| Timestamp::from_millisecond(last.at).ok());
        Ok(Self { ours: ours.and_then(|at| at.checked_add(APART).ok()), ..kept })
    }

    /// True where a record of an object was changed after the migration wrote there for the last time; false where
    /// nothing tells.
    pub(crate) fn is_younger(&self, object: &str, updated: &str) -> bool {
        let Ok(updated) = updated.parse::<Timestamp>() else { return false };
        let until = self.until.get(object).and_then(|until| until.parse::<Timestamp>().ok());
        match until.max(self.ours) {
            Some(until) => updated > until,
            None => false,
        }
    }
}

/// Notes them at the end of a run.
pub(crate) fn keep(context: &Context, run: i64) -> Result<(), EngineError> {
    let mut until = Stamps::read(&context.journal.reader()?)?.until;
    for (object, stamp) in context.destination.written_until() {
        let known = until.entry(object).or_insert_with(|| stamp.clone());
        // Moments of one form are in order as texts.
        if *known < stamp {
            *known = stamp;
        }
    }
    let value = serde_json::to_string(&Stamps { run, until, ours: None }).unwrap_or_default();
    context.journal.write(&[Change::Finding { name: NAME.to_owned(), value }])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_younger_by_the_destinations_clock_or_else_by_ours() {
        let until = BTreeMap::from([("people".to_owned(), "2026-11-28T10:00:00.500Z".to_owned())]);
        let stamps = Stamps { run: 1, until, ours: None };
        let late = "2026-11-28T10:00:00.501Z";
        assert!(stamps.is_younger("people", late) && !stamps.is_younger("people", "2026-11-28T10:00:00.500Z"));
        assert!(!stamps.is_younger("companies", late), "nothing tells");
        let killed = Stamps { ours: "2026-11-28T10:00:05Z".parse().ok(), ..stamps };
        assert!(!killed.is_younger("people", late) && killed.is_younger("companies", "2026-11-28T10:00:05.001Z"));
    }
}
