//! Lost answers: which records are there after all, as far as each object can tell.

use migr_load::{Body, Codec as _, Found, LoadError, Settlement, Unsettled, by_tokens};
use serde_json::Value;

use super::api::{is_gone, list, text};
use super::codec::ENDS;
use super::found::found;
use super::kind::Kind;
use super::{HighLevel, TOKEN};

impl HighLevel {
    pub(super) async fn settle_records(
        &self,
        object: &str,
        records: &[Unsettled<'_>],
    ) -> Result<Vec<Settlement>, LoadError> {
        let kind = Kind::of(object);
        match kind {
            Kind::Contacts | Kind::Opportunities | Kind::Custom => {
                let tokens: Vec<String> = records.iter().map(|record| record.token.to_owned()).collect();
                let Some(found) = self.find_holders(object, &[(TOKEN.to_owned(), tokens)]).await? else {
                    return Ok(vec![Settlement::Unknown; records.len()]);
                };
                let codec = self.codec()?;
                let mut settled = by_tokens(records, found, |found| codec.identity(object, TOKEN, &found.values));
                for (record, settlement) in records.iter().zip(&mut settled) {
                    // A search lags: that it finds nothing proves nothing for a while.
                    if *settlement == Settlement::Absent && record.age < self.capabilities.settle {
                        *settlement = Settlement::Unknown;
                    }
                }
                Ok(settled)
            }
            Kind::Notes | Kind::Tasks | Kind::Appointments | Kind::Associations => {
                let mut settled = Vec::with_capacity(records.len());
                for record in records {
                    settled.push(self.settle_one(kind, object, record).await?);
                }
                Ok(settled)
            }
            _ => Ok(vec![Settlement::Unknown; records.len()]),
        }
    }

    /// Settlement of a record that is listed under its contact: one that is alike in everything that was sent, and that no answer named.
    async fn settle_one(&self, kind: Kind, object: &str, record: &Unsettled<'_>) -> Result<Settlement, LoadError> {
        let Some(body) = record.body.map(Body::values) else { return Ok(Settlement::Unknown) };
        let part = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        if kind == Kind::Associations {
            let live = self.live()?;
            let association = self.association(&live, body.get(ENDS).unwrap_or(&Value::Null))?.id.clone();
            let id = self.relation(part("firstRecordId"), part("secondRecordId"), &association).await?;
            let there = |id| Settlement::There(Found { id, deleted: false, values: body.clone() });
            return Ok(id.map_or(Settlement::Absent, there));
        }
        let contact = part("contactId");
        let (path, name) = match kind {
            Kind::Notes => (format!("contacts/{contact}/notes"), "notes"),
            Kind::Tasks => (format!("contacts/{contact}/tasks"), "tasks"),
            _ => (format!("contacts/{contact}/appointments"), "events"),
        };
        let answer = match self.get(path.as_str(), Vec::new()).await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(Settlement::Absent),
            Err(error) => return Err(error.into_load_error(format!("GET {path}"))),
        };
        let parent = (kind != Kind::Appointments).then_some(contact);
        let codec = self.codec()?;
        let listed = list(&answer, &[name]).iter().filter(|value| text(value, "id").is_some());
        let mut alike: Vec<Found> = listed
            .filter_map(|value| found(kind, value, parent))
            .filter(|found| !self.is_known(&found.id) && codec.unlike(object, &body, &found.values).is_empty())
            .collect();
        Ok(match (alike.pop(), alike.is_empty()) {
            (None, _) => Settlement::Absent,
            (Some(found), true) => Settlement::There(found),
            // Two alike, and no answer named either.
            (Some(_), false) => Settlement::Unknown,
        })
    }
}
