//! Work of somebody else in the workspace while a run goes on: before one of its requests about companies they trash, destroy, change or make one of which the
//! export speaks.
//!
//! The suite takes every so many-th request; `MIGR_BETWEEN_EVERY=1` takes them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use migr_engine::{EngineError, run, setup};
use migr_journal::{Operation, StepRow};
use migr_load::LoadError;
use migr_report::Report;
use reqwest::Method;
use serde_json::{Value, json};

use crate::project::{Project, Server, Workspace, number, runtime};
use crate::wire::{Act, Wire};

/// Deed of somebody else.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    /// Acme, which was there before the migration, goes into the trash.
    Trash,
    /// Acme is destroyed.
    Destroy,
    /// Acme gets a number of employees, which the migration would fill in.
    Change,
    /// A company of the export that was not there is made by hand.
    Make,
}
use Deed::{Change, Destroy, Make, Trash};

/// A workspace as anybody sees it.
struct Seen {
    address: String,
    token: String,
}

impl Seen {
    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.address));
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.bearer_auth(&self.token).send().await.unwrap();
            // What the migration has made meanwhile cannot be made.
            assert!(answer.status().is_success() || answer.status() == 400, "{path}: {}", answer.status());
            answer.json().await.unwrap()
        })
    }

    /// The companies in use and those in the trash.
    fn companies(&self) -> Vec<Value> {
        let list = |filter: &str| {
            let answer = self.ask(Method::GET, &format!("/rest/companies?limit=60{filter}"), None);
            answer["data"]["companies"].as_array().unwrap().clone()
        };
        [list(""), list("&filter=deletedAt[is]:NOT_NULL")].concat()
    }

    fn of_domain(&self, domain: &str) -> Vec<Value> {
        let link = format!("https://{domain}.example");
        self.companies().into_iter().filter(|company| company["domainName"]["primaryLinkUrl"] == *link).collect()
    }

    fn carry_out(&self, deed: Deed, acme: &str) {
        let path = format!("/rest/companies/{acme}");
        match deed {
            Trash => self.ask(Method::DELETE, &format!("{path}?soft_delete=true"), None),
            Destroy => self.ask(Method::DELETE, &path, None),
            Change => self.ask(Method::PATCH, &path, Some(json!({"employees": 77}))),
            Make => {
                let body = json!({"name": "By hand", "domainName": {"primaryLinkUrl": "https://delta.example"}});
                self.ask(Method::POST, "/rest/companies", Some(body))
            }
        };
    }
}

/// A try: who did what before which of the requests of the run, and what came of it.
struct Try {
    deed: Deed,
    at: u64,
    seen: Seen,
    acme: String,
    report: Report,
    /// Acme was taken out of the trash by a written rule.
    restored: bool,
    server: Server,
}

/// A run during which somebody does something; none where it ends before.
fn disturbed(calm: &Project, workspace: &Workspace, deed: Deed, at: u64) -> Option<Try> {
    let server = workspace.wake();
    let seen = |server: &Server| Seen { address: server.sandbox().url(), token: server.sandbox().token().to_owned() };
    let acme = seen(&server).of_domain("acme")[0]["id"].as_str().unwrap().to_owned();
    let project = calm.anew();
    let prepared = project.context(server.sandbox());
    runtime().block_on(setup(&prepared)).unwrap();
    drop(prepared);
    let (asked, done) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
    let (was_done, somebody, target) = (Arc::clone(&done), seen(&server), acme.clone());
    let somebody = Arc::new(somebody);
    let wire = Wire::to(&server.sandbox().url(), move |request| {
        let is_about =
            request.path.contains("/companies") || String::from_utf8_lossy(request.body).contains("companies");
        // There is no write on a condition: nobody can see what is done while it is on its way.
        let is_late = matches!(deed, Trash | Change) && (request.method == "PATCH" || request.path.contains("upsert"));
        if !is_about || is_late || asked.fetch_add(1, Ordering::Relaxed) != at {
            return Act::Pass;
        }
        was_done.store(true, Ordering::Relaxed);
        let (somebody, target) = (Arc::clone(&somebody), target.clone());
        Act::First(Box::new(move || somebody.carry_out(deed, &target)))
    });
    let context = project.context_at(&wire.url(), server.sandbox().token());
    match runtime().block_on(run(&context)) {
        Ok(_) | Err(EngineError::Load(LoadError::Doubtful { .. })) => {}
        Err(error) => panic!("{deed:?} before request {at}: {error}"),
    }
    drop(context);
    let report = project.report();
    let reader = project.journal().reader().unwrap();
    let steps = reader.steps().unwrap();
    let is_out_of_trash = |step: &StepRow| reader.before_image(step.id, &acme, Operation::Restore).unwrap().is_some();
    let restored = steps.iter().any(is_out_of_trash);
    done.load(Ordering::Relaxed).then(|| Try { deed, at, seen: seen(&server), acme, report, restored, server })
}

impl Try {
    /// Reasons why a record of the export was quarantined.
    fn quarantined(&self, key: &str) -> Vec<&str> {
        let notes = self.report.quarantine.iter().filter(|note| note.key == key);
        notes.map(|note| note.reason.as_str()).collect()
    }

    /// Fault that is found; none where all is well.
    fn wrong(&self) -> Option<String> {
        let of_acme = self.seen.of_domain("acme");
        let by_id = self.seen.companies().into_iter().find(|company| company["id"] == *self.acme);
        let count =
            |what: &str, all: &[Value]| (all.len() != 1).then(|| format!("{} companies {what}: {all:?}", all.len()));
        if let Some(stub) =
            self.seen.companies().iter().find(|company| company["name"].as_str().is_none_or(str::is_empty))
        {
            return Some(format!("an empty company: {stub}"));
        }
        match self.deed {
            Trash => count("of Acme", &of_acme).or_else(|| {
                let in_trash = by_id.as_ref().is_some_and(|acme| !acme["deletedAt"].is_null());
                let told = !self.quarantined("F1").is_empty() || self.restored;
                (!in_trash && !told).then(|| format!("it came out of the trash in silence: {:?}", self.report))
            }),
            Destroy if of_acme.len() > 1 => count("of Acme", &of_acme),
            Destroy => (of_acme.is_empty() && self.quarantined("F1").is_empty() && by_id.is_some())
                .then(|| "it is gone and nobody says so".to_owned()),
            Change => count("of Acme", &of_acme).or_else(|| {
                let employees = &of_acme[0]["employees"];
                (*employees != json!(77)).then(|| format!("somebody wrote 77 employees, and there are {employees}"))
            }),
            Make => count("of Delta", &self.seen.of_domain("delta")),
        }
    }
}

#[test]
fn whatever_somebody_does_between_look_and_write_is_neither_undone_nor_doubled() {
    let (calm, workspace) = (Project::clinic(2), Workspace::begun());
    let every = number("MIGR_BETWEEN_EVERY", 5);
    let mut tried = 0;
    let mut wrong = Vec::new();
    for (turn, deed) in [Trash, Destroy, Change, Make].into_iter().enumerate() {
        let mut at = u64::try_from(turn).unwrap() % every;
        while let Some(one) = disturbed(&calm, &workspace, deed, at) {
            tried += 1;
            wrong.extend(one.wrong().map(|what| format!("{:?} before request {}: {what}", one.deed, one.at)));
            drop(one.server);
            at += every;
        }
    }
    eprintln!("{tried} tries");
    assert!(tried > 8, "{tried} tries");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}
