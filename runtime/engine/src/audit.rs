//! Reads the whole export and the destination's schema before anything is written, and says what a run would meet.

mod attachments;
mod cycles;
mod distinct;
mod explain;
mod finding;
mod identity;
mod inspect;
mod live;
mod names;
mod near;
mod needs;
mod owners;
mod places;
mod preview;
mod profile;
mod readings;
mod rehearse;
pub mod render;
mod scratch;
mod shape;
mod shared;
mod survey;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use migr_extract::{Export, ExtractError};
use migr_load::{Destination, LoadError};
use migr_plan::lock::{
    LOCK_FORMAT_VERSION, Lock, LockedExport, LockedOption, LockedOptions, LockedStages, counted_inputs,
};
use migr_plan::{Expr, Plan};
use migr_transform::{CompileError, LookupError};

use attachments::Manifest;
pub use attachments::{Attachment, AttachmentSink};
use finding::Collector;
pub use finding::{Finding, FindingKind, FindingSink, FindingTotal, JsonLines, KEPT_PER_KIND, Severity};
use identity::NewOptions;
use inspect::Inspector;
use needs::{Needs, columns_read, has};
pub use places::cell_columns;
pub use preview::{PreviewAction, PreviewEntry, PreviewSink, StagePreview};
use rehearse::{Live, Rehearsal};
use scratch::Scratch;
use survey::{Place, Survey};
use world::{OwnersKnown, World};

use crate::rebuild::{Rebuild, rebuild};

use crate::files::Standard;

/// What is audited, and how.
pub struct AuditOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The project's folder.
    pub project: &'a Path,
    /// A folder for the scratch database, which is removed afterwards.
    pub scratch: &'a Path,
    /// The destination; none: only the export is read (`--offline`), and what an earlier lock says of the destination is kept.
    pub destination: Option<&'a dyn Destination>,
    /// The lock of the audit before: what columns were there, and which were hidden.
    pub previous: Option<&'a Lock>,
    /// What is hashed before each member. Keep it from audit to audit ([`salt`]), so that the same members give the same lock.
    pub salt: &'a str,
    /// Takes every finding, those beyond [`KEPT_PER_KIND`] too.
    pub sink: Option<&'a mut (dyn FindingSink + Send)>,
    /// Takes every file that a record names, with its hash.
    pub attachments: Option<&'a mut (dyn AttachmentSink + Send)>,
    /// Takes what a run would do to each record that is there already, field by field, and which records of the source would become one.
    pub preview: Option<&'a mut (dyn PreviewSink + Send)>,
    /// What the source itself says it holds: records by object. A different number in the export is a finding.
    pub expected: BTreeMap<String, u64>,
}

impl std::fmt::Debug for AuditOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditOptions")
            .field("migration", &self.plan.migration)
            .field("project", &self.project)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// The salt of an earlier lock.
pub fn salt(lock: &Lock) -> Option<&str> {
    lock.destination.as_ref()?.members.as_ref().map(|members| members.salt.as_str())
}

/// Told how far an audit is. Must return at once.
pub trait AuditProgress: Send + Sync {
    /// A pass over an object begins: `reading`, `looking`, or a map's name.
    fn object(&self, object: &str, pass: &str);
    /// Rows of it so far; called every few thousand.
    fn records(&self, rows: u64);
}

/// Takes no notice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl AuditProgress for Quiet {
    fn object(&self, _object: &str, _pass: &str) {}
    fn records(&self, _rows: u64) {}
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What `migr.lock` is to hold.
    pub lock: Lock,
    /// The findings, worst first; at most [`KEPT_PER_KIND`] of a kind for an object.
    pub findings: Vec<Finding>,
    /// How many there are of each kind, those that are not in `findings` too.
    pub totals: Vec<FindingTotal>,
    /// What a run would do to records that are there already, map by map; empty where the destination was not asked, or has nothing that matters.
    pub preview: Vec<StagePreview>,
    /// What has no way into the destination and is rebuilt there by hand.
    pub rebuilds: Vec<Rebuild>,
}

impl Audit {
    /// How many findings of a severity there are.
    pub fn count(&self, severity: Severity) -> u64 {
        self.totals.iter().filter(|total| total.severity == severity).map(|total| total.findings).sum()
    }
}

/// Why an audit could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The export cannot be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The plan cannot be evaluated.
    #[error("the plan cannot be carried out: {0}")]
    Compile(#[from] CompileError),
    /// A look-up failed.
    #[error("a look-up failed: {0}")]
    Lookup(#[from] LookupError),
    /// The destination cannot be reached, or refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The scratch database cannot be used.
    #[error("the scratch database of the audit cannot be used: {0}; is there room on the disk?")]
    Scratch(#[from] rusqlite::Error),
    /// The scratch folder cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The sink refused a finding.
    #[error("the list of findings cannot be written: {0}")]
    Sink(std::io::Error),
    /// The sink refused a file of a record.
    #[error("the list of the records' files cannot be written: {0}")]
    Manifest(std::io::Error),
    /// The sink refused an entry of the preview.
    #[error("what would become of the destination's records cannot be written: {0}")]
    Preview(std::io::Error),
}

/// Reads every cell of the export and, unless offline, the destination's schema, members and identities. Nothing is written anywhere but in the scratch folder.
///
/// Memory does not grow with the export: keys, references and identities live in the scratch database, findings beyond a bound are counted.
pub async fn audit(options: AuditOptions<'_>, progress: &dyn AuditProgress) -> Result<Audit, AuditError> {
    let AuditOptions {
        plan,
        project,
        scratch: folder,
        destination,
        previous,
        salt,
        sink,
        attachments,
        preview,
        expected,
    } = options;
    let mut found = Collector::new(sink);
    let mut scratch = Scratch::create(folder)?;
    let mut learnt = None;
    if let Some(destination) = destination {
        progress.object(&plan.destination.name, "asking");
        let (back, known) = live::learn(plan, destination, salt, scratch, &mut found).await?;
        (scratch, learnt) = (back, Some(known));
    }
    let told = Told { previous, expected: &expected };
    let result = read(plan, project, &scratch, (destination, learnt.as_ref()), told, attachments, progress, &mut found);
    let (export, mut stages, rebuilds) = match result {
        Ok(read) => read,
        Err(error) => {
            scratch.remove(folder);
            return Err(error);
        }
    };
    let mut previews = Vec::new();
    if let (Some(destination), Some(learnt)) = (destination, &learnt) {
        progress.object(&plan.destination.name, "comparing");
        scratch.index_met()?;
        let live = (destination, &learnt.schema);
        (scratch, previews) = preview::compare(plan, project, live, scratch, &mut stages, preview).await?;
    }
    scratch.remove(folder);
    let (findings, totals) = found.finish().map_err(AuditError::Sink)?;
    let earlier = || previous.and_then(|previous| previous.destination.clone());
    let lock = Lock {
        format_version: LOCK_FORMAT_VERSION,
        migration: plan.migration.clone(),
        export,
        stages,
        destination: learnt.map(|learnt| learnt.locked).or_else(earlier),
    };
    Ok(Audit { lock, findings, totals, preview: previews, rebuilds })
}

/// What is known of the export beforehand.
#[derive(Clone, Copy)]
struct Told<'a> {
    /// The lock of the audit before.
    previous: Option<&'a Lock>,
    /// Records by object.
    expected: &'a BTreeMap<String, u64>,
}

/// The passes over the export.
#[expect(clippy::too_many_arguments, reason = "it is one function cut in two by where it waits")]
fn read(
    plan: &Plan,
    project: &Path,
    scratch: &Scratch,
    (destination, learnt): (Option<&dyn Destination>, Option<&live::Learnt>),
    told: Told<'_>,
    attachments: Option<&mut (dyn AttachmentSink + Send)>,
    progress: &dyn AuditProgress,
    found: &mut Collector<'_>,
) -> Result<(LockedExport, LockedStages, Vec<Rebuild>), AuditError> {
    let export = Export::open(&tolerant(plan), project)?;
    let needs = Needs::of(plan);
    let owners = OwnersKnown::of(plan, learnt.and_then(|learnt| learnt.members.clone()));
    let mut world = World::new(plan, &needs, scratch, owners, learnt.map(|learnt| learnt.existing.clone()));
    let Told { previous, expected } = told;
    let survey = Survey { plan, export: &export, needs: &needs, world: &world, previous, expected, progress };
    let files = survey.files(found)?;
    let mut objects = Vec::new();
    for (number, object) in plan.source.objects.iter().enumerate() {
        objects.push(survey.object(number, object, found)?);
    }
    world.load()?;
    let file_bytes = destination
        .and_then(|destination| destination.capabilities().file_bytes)
        .or_else(|| plan.destination.limits.iter().find(|limit| limit.what == "file").map(|limit| limit.value));
    let live = destination.zip(learnt).map(|(destination, learnt)| Live { destination, schema: &learnt.schema });
    let standard = Standard { export: &export, hosts: &plan.source.fetch, most: file_bytes };
    let mut manifest = Manifest { standard, blank: &plan.source.blank, sink: attachments };
    let mut inspectors: Vec<Option<Inspector<'_>>> = Vec::new();
    for (object, locked) in plan.source.objects.iter().zip(&mut objects) {
        let has_records = locked.state == migr_plan::lock::ObjectState::Present && !locked.columns.is_empty();
        if !has_records {
            inspectors.push(None);
            continue;
        }
        let inspector = Inspector::new(plan, object, standard, &world, &needs)?;
        let file = locked.file.as_deref().unwrap_or_default();
        (locked.attachments, locked.link_hosts) =
            inspector.run(&Place { object, file }, &mut manifest, progress, found)?;
        inspectors.push(Some(inspector));
    }
    let mut options = NewOptions::default();
    let mut stages = Vec::new();
    for (number, stage) in plan.stages.iter().enumerate() {
        let at = plan.source.objects.iter().position(|object| object.name == stage.source_object);
        let object = at.and_then(|at| Some((at, plan.source.objects.get(at)?, objects.get(at)?)));
        let inspector = at.and_then(|at| inspectors.get(at)).and_then(Option::as_ref);
        let (Some((at, object, locked)), Some(inspector)) = (object, inspector) else {
            stages.push(rehearse::empty(stage));
            continue;
        };
        let file = locked.file.as_deref().unwrap_or_default();
        let rehearsal = Rehearsal::new(plan, number, (at, object, file), inspector, &world, (&export, live))?;
        if let Some(rehearsal) = rehearsal {
            let rehearsal = rehearsal.without_repeated_keys(locked.keys.repeated == 0);
            stages.push(rehearsal.run(&mut options, progress, found)?);
        }
    }
    let mut rebuilds = Vec::new();
    for object in &plan.source.objects {
        match rebuild(object, &export) {
            Ok(found) => rebuilds.extend(found),
            Err(error) => {
                found.add(Finding::new(FindingKind::MalformedRow, Severity::Error, error.to_string()).of(&object.name));
            }
        }
    }
    owners::named_but_no_members(plan, &world, found);
    owners::without_members(plan, &world, &export, found)?;
    let options = locked_options(plan, &export, options, found);
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let export = LockedExport { system: plan.source.system.clone(), files, objects };
    let inputs = counted_inputs(plan);
    Ok((export, LockedStages { inputs, with_destination: live.is_some(), stages, options }, rebuilds))
}

/// The plan as the audit reads its files: what is missing is found, not refused.
fn tolerant(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.stages.clear();
    plan.owners = None;
    for object in &mut plan.source.objects {
        object.optional = true;
        object.key.clear();
        object.checks.clear();
        object.skips.clear();
    }
    plan
}

/// Of so many records with an option, fewer than this share are rare: one of 100.
const RARE_SHARE: u64 = 100;
/// Fewer records than this say nothing about what is rare.
const RARE_FROM: u64 = 200;

/// The options that values become, reported.
fn locked_options(plan: &Plan, export: &Export, options: NewOptions, found: &mut Collector<'_>) -> Vec<LockedOptions> {
    let mut locked = Vec::new();
    for (picklist, seen) in options.seen {
        let total: u64 = seen.values().map(|seen| seen.met).sum();
        let incomplete = options.overflowing.contains(&picklist);
        for (value, option) in &seen {
            let is_rare = total >= RARE_FROM && option.met.saturating_mul(RARE_SHARE) < total;
            let label = shape::shown(&option.label, false);
            let of = |stage: usize, finding: Finding| {
                let Some(stage) = plan.stages.get(stage) else { return finding };
                let column = stage
                    .fields
                    .iter()
                    .find(|field| {
                        has(&field.value, &|part| matches!(part, Expr::Picklist { table, .. } if *table == picklist))
                    })
                    .and_then(|field| columns_read(&field.value).first().map(ToString::to_string));
                let mut finding = finding.of(&stage.source_object);
                finding.column = column;
                finding.file = export.file(&stage.source_object).map(|file| file.shown().to_owned());
                finding
            };
            if !is_rare {
                let message =
                    format!("{label} becomes the option {value} of {picklist}, for {} records", option.records);
                let finding = Finding::new(FindingKind::NewOption, Severity::Note, message).counting(option.records);
                found.add(of(option.places.first().map_or(usize::MAX, |place| place.0), finding));
                continue;
            }
            for (stage, line, key) in &option.places {
                let message = format!(
                    "{label} would become an option of {picklist}, met in {} of {total} such records",
                    option.met
                );
                let mut finding = Finding::new(FindingKind::RareOption, Severity::Warning, message).with_key(key);
                finding.line = Some(*line);
                found.add(of(*stage, finding));
            }
        }
        locked.push(LockedOptions {
            options: seen
                .into_iter()
                .filter(|(_, seen)| seen.records > 0)
                .map(|(value, seen)| LockedOption { value, label: seen.label, records: seen.records })
                .collect(),
            picklist,
            incomplete,
        });
    }
    locked
}
