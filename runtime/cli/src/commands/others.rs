//! Records that a demo's sandbox holds before anything is moved, as a workspace in use does.

use std::collections::BTreeSet;
use std::path::Path;

use migr_load::{Deleted, Destination, Map, NewRecord, Written};
use migr_plan::Plan;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::sandboxed::LOCATION;
use crate::session::Reached;

/// Companies of others.
const COMPANIES: u32 = 60;
/// Those of them that the example's export has too, by their domain.
const SHARED: u32 = 40;
/// People of others.
const PEOPLE: u32 = 440;

/// Records of others, in words: those that the example brings, else such as are made here.
pub(crate) async fn there(reached: &Reached, plan: &Plan, folder: &Path) -> Result<String, Fault> {
    let destination = &*reached.destination;
    if !folder.join(LOCATION).is_file() {
        let (others, shared) = create(destination).await?;
        return Ok(format!("{others} records of others are there, {shared} of which the export has too"));
    }
    let failed = |error: migr_load::LoadError| Fault::failed(error.to_string());
    let schema = destination.known_schema().await.map_err(failed)?;
    let written: BTreeSet<&str> = plan.stages.iter().map(|stage| stage.destination_object.as_str()).collect();
    let mut others = 0;
    for object in written.into_iter().filter(|object| schema.objects.contains_key(*object)) {
        others += destination.count(object, Deleted::Live).await.map_err(failed)?;
    }
    Ok(format!("{others} records of others are there"))
}

/// Creates them; tells how many there are, and how many of them the export has too.
async fn create(destination: &dyn Destination) -> Result<(u32, u32), Fault> {
    destination.known_schema().await.map_err(|error| Fault::failed(error.to_string()))?;
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
                    Written::Refused(refusal) | Written::RefusedInDoubt(refusal) => return Err(refused(&refusal)),
                    Written::Uncertain { why, .. } => return Err(refused(&why)),
                    Written::Unsent(error) => return Err(refused(&error)),
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
