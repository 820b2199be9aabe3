//! The moments up to which the migration itself wrote, by the destination's clock: a record that is younger was changed by somebody else since.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use migr_deliver::is_by_another;
use migr_journal::{Change, LastWritten, Reader};
use migr_load::Found;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The last moment, by our clock, of the runs that did not learn when their last writes were made: killed, or without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut_off: Option<Timestamp>,
}

impl Stamps {
    /// Reads the moments that a journal knows.
    pub(crate) fn read(reader: &Reader) -> Result<Self, EngineError> {
        Self::before(reader, i64::MAX)
    }

    /// The moments that were noted under a name; those that a journal knows now where there are none.
    pub(crate) fn of_note(reader: &Reader, name: &str) -> Result<Self, EngineError> {
        let noted = reader.finding(name)?.and_then(|text| serde_json::from_str::<Option<Self>>(&text).ok().flatten());
        noted.map_or_else(|| Self::read(reader), Ok)
    }

    /// Reads the moments that a journal knows of the runs before the one that is under way.
    pub(crate) fn of_earlier_runs(reader: &Reader) -> Result<Self, EngineError> {
        Self::before(reader, reader.latest_run()?)
    }

    /// Reads the moments that a journal knows of the runs before one.
    fn before(reader: &Reader, run: i64) -> Result<Self, EngineError> {
        let kept = reader.finding(NAME)?.and_then(|text| serde_json::from_str::<Self>(&text).ok()).unwrap_or_default();
        let last = reader.last_written("run%", run)?.filter(|last| last.run > kept.run);
        Ok(Self { cut_off: last.and_then(moment).max(kept.cut_off), ..kept })
    }

    /// True where a record of an object was changed after the migration wrote there for the last time; false where
    /// nothing tells.
    pub(crate) fn is_younger(&self, object: &str, updated: &str) -> bool {
        let Ok(updated) = updated.parse::<Timestamp>() else { return false };
        let until = self.until.get(object).and_then(|until| until.parse::<Timestamp>().ok());
        match until.max(self.cut_off) {
            Some(until) => updated > until,
            None => false,
        }
    }
}

/// True where somebody else changed a record since the migration wrote there.
pub(crate) fn is_changed(stamps: &Stamps, object: &str, found: &Found) -> bool {
    let updated = found.values.get("updatedAt").and_then(Value::as_str);
    is_by_another(found) || updated.is_some_and(|updated| stamps.is_younger(object, updated))
}

/// The moment up to which a run may have written, by our clock.
fn moment(last: LastWritten) -> Option<Timestamp> {
    Timestamp::from_millisecond(last.at).ok()?.checked_add(APART).ok()
}

/// The note of the moments that a journal knows now, under a name.
pub(crate) fn noted(reader: &Reader, name: &str) -> Result<Change, EngineError> {
    Ok(Change::finding(name, serde_json::to_string(&Stamps::read(reader)?).unwrap_or_default()))
}

/// Notes them at the end of a run.
pub(crate) fn keep(context: &Context, run: i64) -> Result<(), EngineError> {
    let reader = context.journal.reader()?;
    let Stamps { mut until, mut cut_off, .. } = Stamps::before(&reader, run)?;
    if !context.journal.lock().open_intents().is_empty() {
        cut_off = reader.last_written("run%", i64::MAX)?.and_then(moment).max(cut_off);
    }
    for (object, stamp) in context.destination.written_until() {
        let known = until.entry(object).or_insert_with(|| stamp.clone());
        // Moments of one form are in order as texts.
        if *known < stamp {
            *known = stamp;
        }
    }
    let value = serde_json::to_string(&Stamps { run, until, cut_off }).unwrap_or_default();
    context.journal.write(&[Change::finding(NAME, value)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_younger_by_the_destinations_clock_or_else_by_ours() {
        let until = BTreeMap::from([("people".to_owned(), "2026-11-28T10:00:00.500Z".to_owned())]);
        let stamps = Stamps { run: 1, until, cut_off: None };
        let late = "2026-11-28T10:00:00.501Z";
        assert!(stamps.is_younger("people", late) && !stamps.is_younger("people", "2026-11-28T10:00:00.500Z"));
        assert!(!stamps.is_younger("companies", late), "nothing tells");
        let killed = Stamps { cut_off: "2026-11-28T10:00:05Z".parse().ok(), ..stamps };
        assert!(!killed.is_younger("people", late) && killed.is_younger("companies", "2026-11-28T10:00:05.001Z"));
    }
}
