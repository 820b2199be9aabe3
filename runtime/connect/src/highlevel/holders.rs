//! Records found again by the program's own id, which contacts, opportunities and custom objects hold.

use migr_load::{Deleted, Found, LoadError, Map};
use serde_json::{Value, json};

use super::api::list;
use super::found::found;
use super::kind::Kind;
use super::{HighLevel, TOKEN};

/// Values of one question.
const ASKED: usize = 20;

impl HighLevel {
    /// The records that hold one of some ids of ours. None for any other path, and for objects that hold none: they are listed.
    pub(super) async fn find_holders(
        &self,
        object: &str,
        wanted: &[(String, Vec<String>)],
    ) -> Result<Option<Vec<Found>>, LoadError> {
        let live = self.live()?;
        let [(path, values)] = wanted else { return Ok(None) };
        let Some(key) = live.token_key(object).filter(|_| path == TOKEN) else { return Ok(None) };
        let mut all = Vec::new();
        match Kind::of(object) {
            Kind::Contacts => {
                for values in values.chunks(ASKED) {
                    all.extend(self.contacts_of(key, values).await?);
                }
            }
            // A search by a property finds only those that are searchable: the whole list tells.
            Kind::Opportunities | Kind::Custom => {
                let mut after = None;
                loop {
                    let page = self.scan_page(object, Deleted::Live, after).await?;
                    all.extend(page.records);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            _ => return Ok(None),
        }
        all.retain(|found| holds(&found.values, key, values));
        Ok(Some(all))
    }

    /// Contacts that a search finds by one of some values of a key.
    pub(super) async fn contacts_of(&self, key: &str, values: &[String]) -> Result<Vec<Found>, LoadError> {
        let filter = |value: &String| json!({"field": key, "operator": "eq", "value": value});
        let filters: Vec<Value> = values.iter().map(filter).collect();
        let body = json!({
            "locationId": self.location, "page": 1, "pageLimit": 100, "filters": [{"group": "OR", "filters": filters}],
        });
        let path = "contacts/search";
        let answer = self.ask(path, &body).await.map_err(|error| error.into_load_error(format!("POST {path}")))?;
        Ok(list(&answer, &["contacts"]).iter().filter_map(|contact| found(Kind::Contacts, contact, None)).collect())
    }
}

fn holds(values: &Map, key: &str, wanted: &[String]) -> bool {
    values.get(key).and_then(Value::as_str).is_some_and(|held| wanted.iter().any(|wanted| wanted == held))
}
