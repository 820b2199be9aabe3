//! Approval of a migration: who approved which sample of which plan, over which export, into which destination. No personal data of any record is in it.

use std::collections::BTreeMap;
use std::path::Path;

use migr_journal::{Change, Reader, Workspace, findings};
use migr_plan::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::LiveArguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::going_on;
use crate::project::{Project, shown};
use crate::sampled::{self, Sampled};
use crate::session::{self, Reached, Session};
use crate::signature;
use crate::trusted;

/// Version of the form. Raised when a reader of the old form would misread the new one.
const FORMAT_VERSION: u32 = 1;

/// Bytes that an approval may have.
const LARGEST: u64 = 4 << 20;

/// Keys that may sign, beside the spec.
const SIGNERS: &str = "migr.allowed_signers";

/// Approval as `migr.approval` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// [`FORMAT_VERSION`].
    pub(crate) format_version: u32,
    /// The migration.
    pub(crate) migration: String,
    /// The destination, by its name in the plan.
    pub(crate) destination: String,
    /// Person who approved.
    pub(crate) by: String,
    /// Time of the approval.
    pub(crate) at: String,
    /// Text of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Sample that was approved, with what it was made of; after a change that gives no written record another value, with what there is now.
    pub(crate) sample: Sampled,
    /// Maps that changed since the sample, and whose written records stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) changed_since: Vec<String>,
}

/// The JSON Schema (2020-12) of an approval.
pub(crate) fn schema() -> serde_json::Value {
    schemars::schema_for!(Approval).to_value()
}

/// Approval as the journal keeps it of a run.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Noted {
    by: String,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    effect: String,
    sample: String,
    /// The sample in words.
    shows: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changed_since: Vec<String>,
}

impl Approval {
    /// Of the sample of a journal, by a person, now.
    pub(crate) fn of(plan: &Plan, sample: Sampled, by: String, note: Option<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            migration: plan.migration.clone(),
            destination: plan.destination.name.clone(),
            by,
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            note,
            sample,
            changed_since: Vec::new(),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Fault::failed(error.to_string()))?;
        crate::files::replace(path, format!("{text}\n").as_bytes())
    }

    fn read(project: &Project, to: Option<&str>) -> Result<Option<Self>, Fault> {
        let path = project.approval(to);
        if !path.exists() {
            return Ok(None);
        }
        let name = path.file_name().map_or_else(|| Path::new("migr.approval"), Path::new);
        let unreadable = |why: String| {
            Fault::new(
                Exit::Blocked,
                format!("{} is no approval that can be read: {why}; nothing is written", shown(&path)),
            )
            .with_help("`migr approve` writes it anew")
        };
        let bytes = trusted::read(&project.folder, name, LARGEST).map_err(unreadable)?;
        let approval: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if approval.format_version != FORMAT_VERSION {
            return Err(unreadable(format!("its format is {}", approval.format_version)));
        }
        Ok(Some(approval))
    }

    /// `Dr. Ada Brown, 2026-11-29T18:30:00Z, after a sample of 300 records, …`
    pub(crate) fn in_words(&self) -> String {
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(" (\"{}\")", migr_escape::line(note)));
        let changed = migr_report::changed_since(&self.changed_since);
        let (by, sample) = (migr_escape::line(&self.by), self.sample.in_words());
        format!("by {by}, {}{note}, on a sample of {sample}{}", self.at, migr_escape::line(&changed))
    }

    /// Keeps it in the journal of the run that goes by it, once.
    pub(crate) fn note(&self, session: &Session) -> Result<(), Fault> {
        let failed = |error: String| Fault::failed(error);
        let reader = session.context.journal.reader().map_err(|error| failed(error.to_string()))?;
        let known = reader.finding(findings::APPROVALS).map_err(|error| failed(error.to_string()))?;
        let mut all: Vec<Noted> = known.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let noted = Noted {
            by: self.by.clone(),
            at: self.at.clone(),
            note: self.note.clone(),
            effect: self.sample.effect.clone(),
            sample: self.sample.digest.clone(),
            shows: self.sample.in_words(),
            changed_since: self.changed_since.clone(),
        };
        if all.last() == Some(&noted) {
            return Ok(());
        }
        all.push(noted);
        let value = serde_json::to_string(&all).map_err(|error| failed(error.to_string()))?;
        let change = Change::finding(findings::APPROVALS, value);
        session.context.journal.write(&[change]).map_err(|error| failed(error.to_string()))
    }
}

/// Checks that a migration is approved as it is now, and names everything that is not as it was approved. Nothing is written. The destination comes back reached.
pub(crate) async fn check(
    project: &Project,
    live: &LiveArguments,
    plan: &Plan,
    signers: Option<&Path>,
    console: Console,
) -> Result<(Approval, Reached), Fault> {
    let to = live.project.to.as_deref();
    let Some(approval) = Approval::read(project, to)? else {
        return Err(Fault::new(
            Exit::Blocked,
            format!("this migration is not approved: there is no {}; nothing is written", shown(&project.approval(to))),
        )
        .with_help(
            "`migr sample` moves a few records and shows them beside their source, `migr approve` says that they are right; `--no-approval` runs without, and the report says so",
        ));
    };
    let state = session::state(project, live, plan);
    let reader = Reader::open(&state.journal()).ok();
    let mut moved = Moved::default();
    moved.plan(&approval, plan);
    moved.export(&approval, &sampled::export(plan, &session::export(plan, project)?)?);
    let last = reader.as_ref().map(Sampled::last).transpose()?.flatten();
    moved.is_through = reader.as_ref().map(going_on::is_through).transpose()?.unwrap_or_default();
    drop(reader);
    moved.sample(&approval, last.as_ref());
    moved.signature(project, to, signers, console)?;
    let reached = match Reached::open(plan, &state, console).await {
        Ok(reached) => reached,
        Err(fault) if fault.exit == Exit::Blocked => {
            moved.parts.push(("host", fault.message));
            return Err(moved.fault(&approval));
        }
        Err(fault) => return Err(fault),
    };
    let schema = reached.destination.known_schema().await.map_err(|error| Fault::failed(error.to_string()));
    moved.host(&approval, &reached.workspace);
    if let Ok(schema) = &schema {
        let without_setup = migr_engine::schema_digests_without_setup(plan, schema);
        moved.schema(&approval, &migr_engine::schema_digests(plan, schema), &without_setup);
    }
    if schema.is_ok() && moved.parts.is_empty() {
        return Ok((approval, reached));
    }
    reached.close().await;
    schema?;
    Err(moved.fault(&approval))
}

/// Parts of an approval that are not as they were.
#[derive(Debug, Default)]
struct Moved {
    /// Names of the parts, each with what is known of it.
    parts: Vec<(&'static str, String)>,
    /// A run is through: what changed since may be more, and give no written record another value.
    is_through: bool,
}

impl Moved {
    fn plan(&mut self, approval: &Approval, plan: &Plan) {
        let now = migr_engine::effect_of(plan);
        if (&approval.migration, &approval.destination) != (&plan.migration, &plan.destination.name) {
            let text = format!("it is of {} into {}", approval.migration, approval.destination);
            self.parts.push(("plan", text));
        } else if now.digest.to_string() != approval.sample.effect {
            let maps = differing(&approval.sample.maps, &sampled::maps(plan));
            let text = match maps.as_slice() {
                [] => "the plan's own policies are others".to_owned(),
                maps => format!("what it does to records is another in {}", maps.join(", ")),
            };
            self.parts.push(("plan", text));
        }
    }

    fn export(&mut self, approval: &Approval, now: &BTreeMap<String, String>) {
        let files = differing(&approval.sample.export, now);
        if !files.is_empty() {
            self.parts.push(("export", format!("{} changed", files.join(", "))));
        }
    }

    /// An approval of a changed plan is given before its setup: it binds what the setup leaves as it is.
    fn schema(
        &mut self,
        approval: &Approval,
        now: &BTreeMap<String, String>,
        without_setup: &BTreeMap<String, String>,
    ) {
        let mut objects = differing(&approval.sample.schema, now);
        if !approval.changed_since.is_empty() {
            objects.retain(|object| approval.sample.schema.get(object) != without_setup.get(object));
        }
        if !objects.is_empty() {
            self.parts.push(("schema", format!("fields of {} are others in the destination", objects.join(", "))));
        }
    }

    fn host(&mut self, approval: &Approval, is: &Workspace) {
        let (host, id) = (approval.sample.host.clone(), approval.sample.workspace.clone());
        let was = Workspace { host, id, word: is.word };
        if was != *is {
            self.parts.push(("host", format!("it was approved for {was}, and this is {is}")));
        }
    }

    fn sample(&mut self, approval: &Approval, last: Option<&Sampled>) {
        match last {
            None => self.parts.push(("sample", "this journal knows of no sample".to_owned())),
            Some(last) if last.digest != approval.sample.digest => {
                self.parts.push(("sample", "a later sample shows something else".to_owned()));
            }
            Some(_) => {}
        }
    }

    fn signature(
        &mut self,
        project: &Project,
        to: Option<&str>,
        signers: Option<&Path>,
        console: Console,
    ) -> Result<(), Fault> {
        let beside = project.folder.join(SIGNERS);
        let signers = match signers {
            Some(named) => named,
            None if beside.exists() => &beside,
            None => return Ok(()),
        };
        match signature::verify(&project.approval(to), signers)? {
            Ok(principal) => console.news(format_args!("signed: {principal}")),
            Err(why) => self.parts.push(("signature", why)),
        }
        Ok(())
    }

    fn fault(&self, approval: &Approval) -> Fault {
        let parts: Vec<String> = self.parts.iter().map(|(what, text)| format!("\n  {what}: {text}")).collect();
        let message = format!(
            "the approval by {}, {}, is not of this any more; nothing is written:{}",
            approval.by,
            approval.at,
            parts.concat()
        );
        let is_plan = self.parts.iter().all(|(what, _)| matches!(*what, "plan" | "schema"));
        Fault::new(Exit::Blocked, message).with_help(if self.is_through && is_plan {
            "`migr plan --since-run` says what the change does: where no written record gets another value, `migr approve` is enough; else run `migr sample` first and read what it shows; or put back what moved"
        } else {
            "run `migr sample` again, read what it shows, and `migr approve` it; or put back what moved"
        })
    }
}

/// Names whose values are others, or that one of two has not.
pub(crate) fn differing(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> =
        now.iter().filter(|(name, value)| before.get(*name) != Some(*value)).map(|(name, _)| name.clone()).collect();
    names.extend(before.keys().filter(|name| !now.contains_key(*name)).cloned());
    names.sort();
    names
}
