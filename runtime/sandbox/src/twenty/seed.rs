//! Content of a new workspace: members, and a few records that were there before the migration.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::SandboxError;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;

/// When the seeds were made; fixed, so that two sandboxes agree.
const MADE: &str = "2026-01-05T09:00:00.000Z";
const REPS: usize = 10;

/// An id that is the same in every sandbox.
pub(crate) fn fixed_id(path: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("sandbox-seed/{path}").as_bytes()).to_string()
}

/// Fills a new state.
pub(crate) fn fill(engine: &mut Engine) -> Result<(), SandboxError> {
    members(engine).and_then(|()| records(engine)).map_err(|problem| refused(&problem))
}

/// Members by the addresses that a project names; those that are there already stay.
pub(crate) fn invite(engine: &mut Engine, addresses: &[String]) -> Result<(), SandboxError> {
    let mut missing = Vec::new();
    for address in addresses.iter().map(|address| address.trim().to_lowercase()) {
        if engine.store.holder("workspaceMember.userEmail", &address)?.is_none() {
            let name = address.split('@').next().unwrap_or_default().to_owned();
            missing.push((name, String::new(), address));
        }
    }
    missing.sort();
    missing.dedup();
    add_members(engine, missing).map_err(|problem| refused(&problem))
}

/// A refusal of what a new state is filled with.
pub(crate) fn refused(problem: &Problem) -> SandboxError {
    SandboxError::Database(rusqlite::Error::ToSqlConversionFailure(problem.message.clone().into()))
}

fn members(engine: &mut Engine) -> Result<(), Problem> {
    let mut people = vec![
        ("Jane".to_owned(), "Smith".to_owned(), "jane.smith@clinic.example".to_owned()),
        ("Front".to_owned(), "Desk".to_owned(), "front.desk@clinic.example".to_owned()),
        ("Tim".to_owned(), "Miller".to_owned(), "tim.miller@clinic.example".to_owned()),
        ("Ada".to_owned(), "Okafor".to_owned(), "ada.okafor@clinic.example".to_owned()),
    ];
    let rep = |at| ("Rep".to_owned(), format!("Number {at}"), format!("rep{at}@visualpractice.example"));
    people.extend((0..REPS).map(rep));
    add_members(engine, people)
}

/// Members with first name, last name and address.
fn add_members(engine: &mut Engine, people: Vec<(String, String, String)>) -> Result<(), Problem> {
    let object = engine.object("workspaceMembers")?;
    let inputs: Vec<Value> = people
        .into_iter()
        .map(|(first, last, email)| {
            json!({
                "id": fixed_id(&email),
                "name": {"firstName": first, "lastName": last},
                "userId": fixed_id(&format!("user/{email}")),
                "userEmail": email,
                "createdAt": MADE,
                "updatedAt": MADE,
                "position": 0,
            })
        })
        .collect();
    engine.create(&object, &inputs).map(drop)
}

fn records(engine: &mut Engine) -> Result<(), Problem> {
    let companies = engine.object("companies")?;
    let company = |name: &str, domain: &str, place: i64, deleted: Option<&str>| {
        json!({
            "id": fixed_id(domain),
            "name": name,
            "domainName": {"primaryLinkUrl": format!("https://{domain}")},
            "accountOwnerId": fixed_id("jane.smith@clinic.example"),
            "createdAt": MADE,
            "updatedAt": MADE,
            "deletedAt": deleted,
            "position": place,
        })
    };
    let inputs = [
        company("Clinic 3", "clinic3.example", 1, None),
        company("Harbour Dental", "harbour-dental.example", 2, None),
        company("Northside Physio", "northside-physio.example", 3, None),
        company("Closed Practice", "closed-practice.example", 4, Some("2026-01-20T09:00:00.000Z")),
    ];
    engine.create(&companies, &inputs)?;
    let people = engine.object("people")?;
    let person = |first: &str, last: &str, email: &str, company: &str, place: i64| {
        json!({
            "id": fixed_id(email),
            "name": {"firstName": first, "lastName": last},
            "emails": {"primaryEmail": email},
            "companyId": fixed_id(company),
            "createdAt": MADE,
            "updatedAt": MADE,
            "position": place,
        })
    };
    let inputs = [
        person("Mara", "Lindt", "mara.lindt@harbour-dental.example", "harbour-dental.example", 1),
        person("Owen", "Park", "owen.park@northside-physio.example", "northside-physio.example", 2),
    ];
    engine.create(&people, &inputs).map(drop)
}
