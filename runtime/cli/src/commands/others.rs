//! Records that a demo's sandbox holds before anything is moved, as a workspace in use does.

use migr_load::{Destination, Map, NewRecord, Written};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::fault::Fault;

/// Companies of others.
const COMPANIES: u32 = 60;
/// Those of them that the example's export has too, by their domain.
const SHARED: u32 = 40;
/// People of others.
const PEOPLE: u32 = 440;

/// Creates them; tells how many there are, and how many of them the export has too.
pub(crate) async fn create(destination: &dyn Destination) -> Result<(u32, u32), Fault> {
    destination.schema().await.map_err(|error| Fault::failed(error.to_string()))?;
    let companies: Vec<NewRecord> = (0..COMPANIES)
        .map(|at| {
            let host = if at < SHARED { format!("clinic{}.example", at + 4) } else { format!("elsewhere{at}.example") };
            let link = json!({"primaryLinkUrl": format!("https://{host}")});
            record(at, json!({"name": format!("There before {at}"), "domainName": link}))
        })
        .collect();
    let people: Vec<NewRecord> = (0..PEOPLE)
        .map(|at| {
            let name = json!({"firstName": "There", "lastName": format!("Before {at}")});
            let emails = json!({"primaryEmail": format!("before{at}@elsewhere.example")});
            record(COMPANIES + at, json!({"name": name, "emails": emails}))
        })
        .collect();
    let most = destination.capabilities().batch_size.max(1);
    for (object, records) in [("companies", companies), ("people", people)] {
        for batch in records.chunks(most) {
            for written in destination.create(object, batch).await.map_err(|error| refused(&error))? {
                match written {
                    Written::Created { .. } | Written::Updated => {}
                    Written::Refused(refusal) => return Err(refused(&refusal)),
                    Written::Uncertain { why } => return Err(refused(&why)),
                }
            }
        }
    }
    Ok((COMPANIES + PEOPLE, SHARED))
}

/// A record with an id that is the same in every demo.
fn record(number: u32, body: Value) -> NewRecord {
    let body = if let Value::Object(body) = body { body } else { Map::new() };
    NewRecord::new(format!("00000000-0000-4000-8000-{number:012}"), body)
}

fn refused(why: &dyn std::fmt::Display) -> Fault {
    Fault::new(Exit::Failed, format!("the sandbox did not take the records of others: {why}"))
}
