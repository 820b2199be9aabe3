//! The trait of a system that records are written to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use migr_plan::{FieldMapping, FieldType, LinkMapping, SetupAction};
use migr_transform::{Failure, Reference, Value};

use crate::body::in_form;
use crate::{
    Automations, Body, Capabilities, Codec, FieldSchema, IdPolicy, LoadError, NewRecord, RecordUpdate, Schema,
    Settlement, SetupOutcome, SetupRecord, UndoOutcome, Unsettled, Written,
};

/// One JSON object: a body that is sent, or a record that was found.
pub type Map = serde_json::Map<String, serde_json::Value>;

/// A future behind a pointer, so that the trait can stand behind one too.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A system that records are written to.
///
/// Objects are called by their name of many (`companies`), fields by the catalog's name. [`Destination::known_schema`] must have succeeded once before `encode`,
/// `compare`, `identity`, `link_body`, `upload` and anything that reads or writes records; what setup changes is known afterwards without another call.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Capabilities of the destination. Read or probed by `schema`; stated by the plan before.
    fn capabilities(&self) -> Capabilities;

    /// The id of the workspace or location that is written to, where it can be told without a request.
    fn workspace(&self) -> Option<String> {
        None
    }

    /// Number of requests that have been sent, those sent again included.
    fn requests(&self) -> u64 {
        0
    }

    /// Reads the live metadata, whole. Also finds out the server's version.
    fn schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>>;

    /// The live metadata as this connection knows them: read where they were not yet, or where a change of this connection may have moved them since.
    fn known_schema(&self) -> BoxFuture<'_, Result<Schema, LoadError>> {
        self.schema()
    }

    /// Checks that a live field can hold values of a type; else says why not, in words.
    fn holds(&self, field: &FieldSchema, ty: &FieldType) -> Result<(), String>;

    /// Carries out one change of the schema. What is there already is left; what is there otherwise is a mismatch. Options that come `options_from` a picklist
    /// must have been written into `options` and `order` by the caller.
    fn setup<'a>(&'a self, action: &'a SetupAction) -> BoxFuture<'a, Result<SetupOutcome, LoadError>>;

    /// Why a change of the schema cannot be made, as far as that is known beforehand. Pure. None where it can be tried.
    fn refuses(&self, action: &SetupAction) -> Option<String> {
        let _ = action;
        None
    }

    /// Takes back one change of the schema. Options still held by a record are kept.
    fn undo_setup<'a>(&'a self, record: &'a SetupRecord) -> BoxFuture<'a, Result<UndoOutcome, LoadError>>;

    /// True for an object that the destination fills by itself when records are made or looked at: what it refers to is nobody's choice.
    fn fills_itself(&self, object: &str) -> bool {
        let _ = object;
        false
    }

    /// The part that carries things out by itself when records are written; none where nothing does, or nothing tells.
    fn automations(&self) -> Option<&dyn Automations> {
        None
    }

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

    /// The native body of one record, without its id. Pure. Checks types, options and lengths beforehand, and reports every field that fails. A field whose
    /// value is `Default` is left out, one whose value is none is written empty; a field of type `file` is left out (see [`Destination::upload`]).
    fn encode(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Map, Vec<Failure>>;

    /// The same, as the text that is sent.
    fn encode_text(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<Body, Vec<Failure>> {
        self.encode(object, fields).map(Body::from)
    }

    /// Failures of values, as [`Self::encode_text`] finds them, where nobody needs the body.
    fn check(&self, object: &str, fields: &[(&FieldMapping, &Value<'_>)]) -> Result<(), Vec<Failure>> {
        self.encode_text(object, fields).map(drop)
    }

    /// Codec by the schema that was read last, as it will be once changes are made. None where the connector cannot tell.
    fn codec_after(&self, changes: &[SetupAction]) -> Option<Box<dyn Codec>> {
        let _ = changes;
        None
    }

    /// Number of requests that should be under way at the same time so that the whole quota is used; more where the
    /// answers are long on their way.
    fn width(&self) -> usize {
        1
    }

    /// The value of a match path (`emails.primaryEmail`, `domainName`, `name`) in a body or a found record, in the one form by which records are matched,
    /// however it was spelt. None when empty.
    fn identity(&self, object: &str, path: &str, record: &Map) -> Option<String>;

    /// The same in the form in which the server holds values to be unique, which may tell apart what a person spells otherwise.
    fn unique_value(&self, object: &str, path: &str, record: &Map) -> Option<String> {
        self.identity(object, path, record)
    }

    /// Fields of an object whose values one record alone may hold together, as far as the schema that was read last tells.
    fn unique_together(&self, object: &str) -> Vec<Vec<String>> {
        let _ = object;
        Vec::new()
    }

    /// Keys that the server stamps by itself when a record is changed or trashed, and that can be written.
    fn stamps(&self) -> &'static [&'static str] {
        &[]
    }

    /// Creates records, at most [`Capabilities::batch_size`] of them: one outcome each, in their order. Ids are chosen as [`Capabilities::ids`] says. An error
    /// that stops the run leaves it open which were written; any other refuses them all.
    fn create<'a>(&'a self, object: &'a str, batch: &'a [NewRecord]) -> BoxFuture<'a, Result<Vec<Written>, LoadError>>;

    /// Which of some records are refused, or would be, for the reasons that others like them were: by what those refusals quote, and by the unique values, the
    /// references and the ids that the destination holds. Any number of records, in few requests; `is_new` where they are to be created. Records that are not
    /// named may be at fault all the same.
    fn at_fault<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Suspect<'a>],
        is_new: bool,
        refusals: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<AtFault>, LoadError>> {
        let _ = refusals;
        Box::pin(async move {
            if !is_new {
                return Ok(Vec::new());
            }
            let ids: Vec<String> = records.iter().map(|record| record.id.to_owned()).collect();
            let there = self.fetch(object, &ids, Deleted::Both).await?;
            let fault = |found: Found| {
                let position = ids.iter().position(|id| *id == found.id)?;
                Some(AtFault { position, fault: Fault::There { deleted: found.deleted } })
            };
            Ok(there.into_iter().filter_map(fault).collect())
        })
    }

    /// The records, trashed ones too, that hold one of some values at one of some paths, in the form of [`Destination::identity`]; each with its values at
    /// all of the paths. None where the destination cannot be asked by values: scan it.
    fn holders<'a>(
        &'a self,
        object: &'a str,
        wanted: &'a [(String, Vec<String>)],
    ) -> BoxFuture<'a, Result<Option<Vec<Found>>, LoadError>> {
        let _ = (object, wanted);
        Box::pin(async { Ok(None) })
    }

    /// The records, trashed ones too, that refer by a key to one of some ids.
    fn referring<'a>(
        &'a self,
        object: &'a str,
        key: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        let _ = (object, key, ids);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Settlement of records that were sent to be created and whose answers were lost, one answer each, in their order. Asked by our ids where they are the
    /// destination's too, else by the field that holds them.
    fn settle<'a>(
        &'a self,
        object: &'a str,
        records: &'a [Unsettled<'a>],
    ) -> BoxFuture<'a, Result<Vec<Settlement>, LoadError>> {
        Box::pin(async move {
            let tokens: Vec<String> = records.iter().map(|record| record.token.to_owned()).collect();
            match self.capabilities().ids {
                IdPolicy::Client => {
                    let found = self.fetch(object, &tokens, Deleted::Both).await?;
                    Ok(by_tokens(records, found, |found| Some(found.id.clone())))
                }
                IdPolicy::Server { token: None } => Ok(vec![Settlement::Unknown; records.len()]),
                IdPolicy::Server { token: Some(path) } => {
                    let wanted = [(path.clone(), tokens)];
                    let Some(found) = self.holders(object, &wanted).await? else {
                        return Ok(vec![Settlement::Unknown; records.len()]);
                    };
                    Ok(by_tokens(records, found, |found| self.identity(object, &path, &found.values)))
                }
            }
        })
    }

    /// Records that are known to be there, and in use: a read that lags behind a write of this connection is asked again before one of them counts as gone.
    fn fetch_written<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<Found>, LoadError>> {
        self.fetch(object, ids, Deleted::Live)
    }

    /// The time within which an answer comes: a request that is older is not carried out any more.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// The moments, by object, up to which this connection wrote, by the destination's clock: what it answers as the time of the last change.
    fn written_until(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Takes records for written by this connection, as they were read: the answer to the write was lost.
    fn take_for_written(&self, _object: &str, _found: &[Found]) {}

    /// Changes records that are known to exist: one outcome each, in their order. Only the keys of a body change, and an update never creates. An error that
    /// stops the run leaves it open which were written; any other refuses them all.
    fn update<'a>(
        &'a self,
        object: &'a str,
        batch: &'a [RecordUpdate],
    ) -> BoxFuture<'a, Result<Vec<Written>, LoadError>>;

    /// The body of the record that links one record to another.
    fn link_body(
        &self,
        link: &LinkMapping,
        owner_object: &str,
        owner_id: &str,
        target: &Reference<'_>,
    ) -> Result<Map, LoadError>;

    /// Takes records out of the trash. Those that are not in it keep their values; the server may mark them as changed just now.
    fn restore<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>>;

    /// Puts records into the trash. Those that are not there, or are in it, are passed over.
    fn trash<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>> {
        let _ = ids;
        Box::pin(async move { Err(LoadError::Missing { what: format!("trash for `{object}`") }) })
    }

    /// Removes records for good, trashed ones too. Those that are not there are passed over.
    fn destroy<'a>(&'a self, object: &'a str, ids: &'a [String]) -> BoxFuture<'a, Result<(), LoadError>>;

    /// The record that takes another along when it is destroyed, object and id, where nothing else removes that.
    fn carrier(&self, object: &str, id: &str) -> Option<(&'static str, String)> {
        let _ = (object, id);
        None
    }

    /// Compares a found record with what was written, knowing what the server rewrites.
    fn compare(&self, object: &str, field: &FieldMapping, expected: &Value<'_>, found: &Map) -> Comparison;

    /// The part of a composite that a key of its native form belongs to: a calling code is part of its number. Parts are written and kept each by itself.
    fn part_of<'k>(&self, key: &'k str) -> &'k str {
        key
    }

    /// The keys of a native body whose values a found record does not hold, knowing what the server rewrites.
    fn unlike(&self, object: &str, body: &Map, found: &Map) -> Vec<String> {
        let _ = object;
        let null = serde_json::Value::Null;
        let differs = |key: &&String| body.get(*key).unwrap_or(&null) != found.get(*key).unwrap_or(&null);
        body.keys().filter(differs).cloned().collect()
    }

    /// Values of a found record in the form in which they are sent, as far as that can be told: what was written is recognised by it.
    fn as_sent(&self, object: &str, found: &Map) -> Map {
        let _ = object;
        found.clone()
    }

    /// True where the server may spell what is sent by a key in its own way, and [`Self::as_kept`] knows that way.
    fn respells(&self, object: &str, key: &str) -> bool {
        let _ = (object, key);
        false
    }

    /// A value, sent or found, in the one form in which the server keeps it; asked where [`Self::respells`] says so. The journal's digests are of this form.
    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value {
        let _ = (object, key);
        value.clone()
    }

    /// [`Self::as_kept`] of a value as it stands in a body, as bytes.
    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        in_form(sent, |value| self.as_kept(object, key, value))
    }

    /// Keys of a found record that hold something which no new record has by itself. The server's own, such as times and who wrote it, are not among them.
    fn filled(&self, object: &str, found: &Map) -> Vec<String> {
        let _ = (object, found);
        Vec::new()
    }

    /// Way in which an object's records are listed.
    fn listing(&self, object: &str) -> Listing {
        let _ = object;
        Listing::Whole
    }

    /// True where a field keeps what is sent by a key, told by [`Self::as_sent`]: what it holds otherwise is somebody's change, whatever the times say. False where
    /// the server may spell a value in its own way.
    fn keeps_as_sent(&self, object: &str, key: &str) -> bool {
        let _ = (object, key);
        false
    }

    /// The body that gives a record back what it was once found to hold, by the keys that are written.
    fn held(&self, object: &str, found: &Map) -> Map {
        let _ = object;
        found.clone()
    }

    /// The most bytes of a file of this name that a record of an object may hold; none where nobody knows.
    fn most_bytes(&self, object: &str, name: &str) -> Option<u64> {
        let _ = (object, name);
        self.capabilities().file_bytes
    }

    /// Uploads a file for a field of type `file` of one record that will be created or changed next. Each upload serves one record.
    fn upload<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        path: &'a Path,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Uploaded, LoadError>>;

    /// The file that a found record holds in a field of type `file`: read back whole and hashed. None where it holds none.
    fn stored_file<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        found: &'a Map,
    ) -> BoxFuture<'a, Result<Option<StoredFile>, LoadError>>;
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

/// Way in which the records of an object are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Records of the object all together, by [`Destination::scan`].
    #[default]
    Whole,
    /// Records that belong to some others, by [`Destination::referring`].
    Under,
    /// Records of which nobody but who made them knows the ids, and that nobody changes.
    Never,
}

/// Which of an object's records are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// Those that are in use.
    #[default]
    Live,
    /// Those in the trash.
    Trashed,
    /// Both.
    Both,
}

/// One page of records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Found>,
    /// Where the next page starts; none after the last.
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

/// A record that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Suspect<'a> {
    /// Id of the record.
    pub id: &'a str,
    /// Body that is written.
    pub body: &'a Body,
}

/// A record that is at fault, of those that were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtFault {
    /// Position of the record among them.
    pub position: usize,
    /// Fault of the record.
    pub fault: Fault,
}

/// Fault of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refusal of the record, alone too.
    Refused {
        /// Why.
        reason: String,
    },
    /// Record that the refusal of its batch may be about.
    Suspected,
    /// Record that is new no more: the destination has it, by our id.
    There {
        /// True where the record is soft-deleted.
        deleted: bool,
    },
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

/// Comparison of a record with what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Record that holds the value.
    Same,
    /// Record that holds another value. Both texts are `***` for a sensitive field.
    Differs {
        /// Expected value.
        expected: String,
        /// Value that was found.
        found: String,
    },
}

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Uploaded {
    /// Values that are added to the body of the record that holds it.
    pub body: Map,
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Size of the file.
    pub bytes: u64,
}

/// A file that the destination holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The name that it is shown by.
    pub name: String,
    /// `blake3:` and the hash of its bytes in hexadecimal.
    pub hash: String,
    /// Size of the file.
    pub bytes: u64,
    /// Page that the bytes look like, where they may be an answer in place of the file.
    pub page: Option<AnsweredPage>,
}

/// Page that servers answer in place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredPage {
    /// A page, such as one to sign in.
    Html,
    /// An object, such as an error.
    Json,
}

impl AnsweredPage {
    /// By the first bytes.
    pub fn of(start: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
        match text {
            text if text.starts_with("<!doctype html") || text.starts_with("<html") => Some(Self::Html),
            text if text.starts_with('{') => Some(Self::Json),
            _ => None,
        }
    }
}

impl fmt::Display for AnsweredPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page",
            Self::Json => "a JSON object",
        })
    }
}
