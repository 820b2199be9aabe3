//! Form in which a destination keeps values: by it a person's change is told from a spelling of the server's.

use std::borrow::Cow;
use std::fmt;

use super::Map;
use crate::body::in_form;

/// Part of a destination that knows in which form values are kept, and what a record has by itself.
pub trait Spelling: fmt::Debug + Send + Sync {
    /// Values of a found record in the form in which they are sent, as far as that can be told: what was written is recognised by it.
    fn as_sent(&self, object: &str, found: &Map) -> Map;

    /// True where the server may spell what is sent by a key in its own way, and [`Self::as_kept`] knows that way.
    fn respells(&self, object: &str, key: &str) -> bool;

    /// A value, sent or found, in the one form in which the server keeps it; asked where [`Self::respells`] says so. The journal's digests are of this form.
    fn as_kept(&self, object: &str, key: &str, value: &serde_json::Value) -> serde_json::Value;

    /// [`Self::as_kept`] of a value as it stands in a body, as bytes.
    fn bytes_as_kept<'s>(&self, object: &str, key: &str, sent: &'s [u8]) -> Cow<'s, [u8]> {
        in_form(sent, |value| self.as_kept(object, key, value))
    }

    /// True where a field keeps what is sent by a key, told by [`Self::as_sent`]: what it holds otherwise is somebody's change, whatever the times say. False where
    /// the server may spell a value in its own way.
    fn keeps_as_sent(&self, object: &str, key: &str) -> bool;

    /// True where what is written by a key is added to what others put there: what they added since stays, and is no conflict.
    fn is_added_to(&self, _object: &str, _key: &str) -> bool {
        false
    }

    /// Keys of a found record that hold something which no new record has by itself. The server's own, such as times and who wrote it, are not among them.
    fn filled(&self, object: &str, found: &Map) -> Vec<String>;

    /// The body that gives a record back what it was once found to hold, by the keys that are written.
    fn held(&self, object: &str, found: &Map) -> Map;

    /// Keys that the server stamps by itself when a record is changed or trashed, and that can be written.
    fn stamps(&self) -> &'static [&'static str];
}
