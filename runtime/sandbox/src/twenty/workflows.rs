//! Workflows: what the workspace does by itself when records are written. The stock one fills in the company of a person by the domain of their e-mail.
//!
//! The server throttles runs and carries them out for long after; here they are carried out after the request that fired them was answered.

use serde_json::{Value, json};

use crate::store::Row;
use crate::twenty::engine::Engine;
use crate::twenty::problem::Problem;
use crate::twenty::schema::Object;
use crate::twenty::seed::fixed_id as fixed;

/// The stock workflow.
const NAME: &str = "Create company when adding a new person";
/// Event that fires the workflow.
const EVENT: &str = "person.upserted";
/// Hosts of addresses that are nobody's company.
const FREE: [&str; 6] = ["gmail.com", "hotmail.com", "icloud.com", "outlook.com", "proton.me", "yahoo.com"];

/// Gives a new workspace the stock workflow, active or not.
pub(crate) fn stock(engine: &mut Engine, is_active: bool) -> Result<(), Problem> {
    let (workflow, trigger) = (fixed("workflow/stock"), fixed("workflow/stock/trigger"));
    let status = if is_active { "ACTIVE" } else { "DEACTIVATED" };
    let object = engine.object("workflows")?;
    if engine.store.exists(&object.singular, &workflow)? {
        let row = engine.store.get(&object.singular, &workflow)?;
        let held = row.and_then(|row| row.body.get("statuses")?.get(0)?.as_str().map(str::to_owned));
        if is_active && held.as_deref() != Some(status) {
            engine.update(&object, &workflow, &json!({"statuses": [status]}))?;
        }
        return Ok(());
    }
    if !is_active {
        return Ok(());
    }
    let made = json!({"id": workflow, "name": NAME, "statuses": [status], "position": 0});
    engine.create(&object, &[made])?;
    let object = engine.object("workflowAutomatedTriggers")?;
    let made = json!({
        "id": trigger,
        "type": "DATABASE_EVENT",
        "settings": {"eventName": EVENT, "fields": ["emails"]},
        "workflowId": workflow,
        "position": 0,
    });
    engine.create(&object, &[made]).map(drop)
}

/// Carries out what the records that were just written have fired.
pub(crate) fn run(engine: &mut Engine) -> Result<(), Problem> {
    let written = std::mem::take(&mut engine.written);
    if written.is_empty() || !is_active(engine)? {
        return Ok(());
    }
    engine.acting = Some(NAME);
    let done = carry_out(engine, written);
    engine.acting = None;
    engine.written.clear();
    done
}

fn carry_out(engine: &mut Engine, written: Vec<String>) -> Result<(), Problem> {
    let (people, companies, runs) =
        (engine.object("people")?, engine.object("companies")?, engine.object("workflowRuns")?);
    for id in written {
        let Some(person) = engine.store.get(&people.singular, &id)?.filter(|row| row.deleted.is_none()) else {
            continue;
        };
        engine.create(&runs, &[json!({"name": NAME, "status": "COMPLETED", "workflowId": fixed("workflow/stock")})])?;
        if let Some(company) = company(engine, &companies, &person)? {
            engine.update(&people, &id, &json!({ "companyId": company }))?;
        }
    }
    Ok(())
}

fn is_active(engine: &Engine) -> Result<bool, Problem> {
    let row = engine.store.get("workflow", &fixed("workflow/stock"))?.filter(|row| row.deleted.is_none());
    let statuses = row.and_then(|row| row.body.get("statuses").cloned()).unwrap_or_default();
    Ok(statuses.as_array().is_some_and(|all| all.iter().any(|status| status == "ACTIVE")))
}

/// The company of a person's address, made where there is none; none for one who has a company or an address of a free host.
fn company(engine: &mut Engine, companies: &Object, person: &Row) -> Result<Option<String>, Problem> {
    if person.body.get("companyId").is_some_and(|id| !id.is_null()) {
        return Ok(None);
    }
    let email = person.body.get("emails").and_then(|emails| emails.get("primaryEmail")).and_then(Value::as_str);
    let Some((_, host)) = email.and_then(|email| email.split_once('@')).filter(|(_, host)| !FREE.contains(host)) else {
        return Ok(None);
    };
    let site = format!("https://{host}");
    if let Some(id) = engine.store.holder("company.domainName", &site)? {
        return Ok(Some(id));
    }
    let made = json!({
        "name": host,
        "domainName": {"primaryLinkUrl": site},
        "createdBy": {"source": "WORKFLOW", "name": NAME, "workspaceMemberId": null},
    });
    Ok(engine.create(companies, &[made])?.pop().map(|row| row.id))
}
