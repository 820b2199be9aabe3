//! Records of a destination: read, written and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{BoxFuture, Map};
use crate::{Body, LoadError, NewRecord, RecordUpdate, Settlement, UndoOutcome, Unsettled, Written};

/// Part of a destination that reads, writes and removes records.
pub trait Records: fmt::Debug + Send + Sync {
    /// Every live record of an object with the value of one field (a path such as `userEmail`), lower-cased; records
    /// without it are left out.
    fn members<'a>(&'a self, object: &'a str, field: &'a str) -> BoxFuture<'a, Result<Vec<Member>, LoadError>>;

    /// One page of an object's records, ordered by id. Start with no cursor, go on with [`Page::next`].
    fn scan<'a>(
        &'a self,
        object: &'a str,
        deleted: Deleted,
        after: Option<String>,
    ) -> BoxFuture<'a, Result<Page, LoadError>>;

    /// Number of records that an object has.
    fn count<'a>(&'a self, object: &'a str, deleted: Deleted) -> BoxFuture<'a, Result<u64, LoadError>>;

    /// The records of some ids; those that are not there are missing from the answer. Any number of ids: they are asked for in pages.
    fn fetch<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
        deleted: Deleted,
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>>;

    /// Records that are known to be there, and in use: a read that lags behind a write of this connection is asked again before one of them counts as gone.
    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>>;

    /// The records, trashed ones too, that hold one of some values at one of some paths, in the form of [`crate::Values::identity`]; each with its values at
    /// all of the paths. None where the destination cannot be asked by values: scan it.
    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>>;

    /// The records, trashed ones too, that refer by a key to one of some ids.
    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>>;

    /// Records of the destination that new ones of this connection were refused for, as the refusals named them: the token of each refused record, and the id of
    /// the record that is there. Each is told once.
    fn take_met(&self, object: &str) -> Vec<(String, String)>;

    /// Creates records, at most [`Capabilities::batch_size`] of them: one outcome each, in their order. Ids are chosen as [`Capabilities::ids`] says. An error
    /// that stops the run leaves it open which were written; any other refuses them all.
    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>>;

    /// Changes records that are known to exist: one outcome each, in their order. Only the keys of a body change, and an update never creates. An error that
    /// stops the run leaves it open which were written; any other refuses them all.
    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>>;

    /// Settlement of records that were sent to be created and whose answers were lost, one answer each, in their order. Asked by our ids where they are the
    /// destination's too, else by the field that holds them.
    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>>;

    /// The moments, by object, up to which this connection wrote, by the destination's clock: what it answers as the time of the last change.
    fn written_until(&self) -> BTreeMap<String, String>;

    /// Takes records for written by this connection, as they were read: the answer to the write was lost.
    fn take_for_written(&self, object: &str, found: &[Found]);

    /// Takes records out of the trash. Those that are not in it keep their values; the server may mark them as changed just now.
    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>>;

    /// Puts records into the trash. Those that are not there, or are in it, are passed over.
    fn trash<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>>;

    /// Removes records for good, trashed ones too: one fate each, in their order. Those that are not there are passed over.
    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>>;

    /// Destruction of records with what others have attached to them since: a person has said that it goes too.
    fn destroy_with_attached<'a>(
        &'a self,
        object: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Removal>, LoadError>> {
        self.destroy(object, ids)
    }

    /// Names of what the destination makes by itself beside a record when a body is written, such as a tag, as far as it was not there when the schema was read.
    fn made_beside(&self, object: &str, body: &Body) -> MadeBeside;

    /// Removes what was made so, as far as nobody uses it any more: one outcome for each name, in their order.
    fn remove_beside<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<UndoOutcome>, LoadError>>;

    /// The record that takes another along when it is destroyed, object and id, where nothing else removes that.
    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)>;

    /// Object whose records hold the values of a field of another object, and the key that they hold them by; none where the field's own records do.
    fn held_under(&self, object: &str, field: &str) -> Option<(&'static str, String)>;
}

/// Names of what a destination makes by itself beside a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeBeside {
    /// Names that it did not have.
    pub new: Vec<String>,
    /// Names of which it does not tell whether it had them.
    pub untold: Vec<String>,
}

/// Settlement of records by those that were found with their tokens. Two records of one token are for a person to tell apart.
pub fn by_tokens(
    records: &[Unsettled<'_>],
    found: Vec<Found>,
    token: impl Fn(&Found) -> Option<String>,
) -> Vec<Settlement> {
    let mut there: BTreeMap<String, Found> = BTreeMap::new();
    let mut doubled = BTreeSet::new();
    for found in found {
        let Some(token) = token(&found) else { continue };
        if there.insert(token.clone(), found).is_some() {
            doubled.insert(token);
        }
    }
    let each = |record: &Unsettled<'_>| {
        if doubled.contains(record.token) {
            return Settlement::Unknown;
        }
        there.remove(record.token).map_or(Settlement::Absent, Settlement::There)
    };
    records.iter().map(each).collect()
}

/// Fate of a record that was to be removed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Record that is gone, by the words of an answer that is about it alone.
    Gone,
    /// Record of which no answer says so: a read tells.
    Untold,
    /// Record that is left, since something of others is attached to it that would go with it.
    Attached {
        /// Attached things, in words.
        what: String,
    },
    /// Record that is refused.
    Refused {
        /// Why.
        why: String,
    },
}

impl Removal {
    /// The fates of so many records of which no answer tells.
    pub fn untold(records: usize) -> Vec<Self> {
        vec![Self::Untold; records]
    }
}

/// Share of an object's records that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// Records that are in use.
    #[default]
    Live,
    /// Records in the trash.
    Trashed,
    /// Both.
    Both,
}

/// One page of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Found>,
    /// Place where the next page starts; none after the last.
    pub next: Option<String>,
    /// Number of records in total.
    pub total: u64,
}

/// A record of the destination.
#[derive(Clone, PartialEq)]
pub struct Found {
    /// Id of the record.
    pub id: String,
    /// True where the record is soft-deleted.
    pub deleted: bool,
    /// Values of the record as the server gives them, native keys.
    pub values: Map,
}

// Values may be sensitive: only the keys are shown.
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("id", &self.id)
            .field("values", &self.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A person of the destination who can own records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's id.
    pub id: String,
    /// The field that was asked for, lower-cased.
    pub value: String,
}
