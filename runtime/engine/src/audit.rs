//! Reads the whole export and the destination's schema before anything is written, and says what a run would meet.

mod accepted;
mod after_run;
mod attachments;
mod collector;
mod currencies;
mod distinct;
mod duplicates;
mod explain;
mod export_lookup;
mod finding;
mod foreseen;
mod html_marks;
mod identity;
mod list_separators;
mod live;
mod lookup_plan;
mod masking;
mod names;
mod near_duplicates;
mod option_order;
mod owners;
mod places;
mod preview;
mod profile;
mod referred_keys;
pub mod render;
mod row_checks;
mod rows_met;
mod shapes;
mod stage_report;
mod survey;
mod traces;
mod type_inference;
mod workflows;
mod written_before;

use crate::opening;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use migr_deliver::{Shared, those_there};
use migr_extract::{Export, ExtractError};
use migr_journal::Operation;
use migr_load::{Deleted, Destination, LoadError, Schema};
use migr_plan::lock::{
    DeniedFindings, LOCK_FORMAT_VERSION, Lock, LockedAcceptance, LockedExport, LockedFile, LockedOption, LockedOptions,
    LockedOwners, LockedSourceObject, LockedStage, LockedStages, ObjectState, counted_inputs,
};
use migr_plan::{Expr, NewOption, Plan, SetupAction, Step, StepKind};
use migr_transform::{Cells, Standing};
use migr_transform::{CompileError, LookupError};

use accepted::Acceptances;
pub use accepted::AcceptedFindings;
use after_run::AfterRun;
pub use after_run::GoingOn;
use attachments::Manifest;
pub use attachments::{Attachment, AttachmentSink};
use collector::{Collected, Collector};
use export_lookup::{ExportLookup, OwnersKnown};
pub use finding::{Finding, FindingKind, FindingSink, FindingTotal, JsonLines, KEPT_PER_KIND, Severity};
use foreseen::Foreseen;
pub use live::served;
use lookup_plan::{Needs, columns_read, has};
pub use migr_decide::conflict_policy::ConflictPolicy;
pub use migr_decide::preview::PreviewAction;
use migr_spill::{Inventory, SpillError};
pub use places::cell_columns;
pub use preview::{PreviewEntry, PreviewSink, StagePreview};
use row_checks::Inspector;
use stage_report::StageReport;
use survey::{Place, Survey};

use crate::kept_apart::keep_apart;
use crate::rebuild::{Rebuild, rebuild};
use crate::run::Walk;
use crate::shared::blocking;
use crate::{EngineError, InProcess, RunOptions};
use migr_decide::DecideError;
use migr_decide::expressions::unasked_stages;
use migr_decide::files::Standard;
use migr_decide::forecast::{self, Forecast};
use migr_decide::new_options::NewOptions;
use migr_decide::outcomes::{DecisionContext, Outcomes};
use migr_decide::owners::OwnerTable;
use migr_decide::proof::{Proofs, proofs};
use migr_decide::{CancellationFlag, Silent};
use migr_spill::RowSet;

/// Options of an audit.
pub struct AuditOptions<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The project's folder.
    pub project: &'a Path,
    /// A folder for the spill database, which is removed afterwards.
    pub spill: &'a Path,
    /// The destination; none: only the export is read (`--offline`), and what an earlier lock says of the destination is kept.
    pub destination: Option<Arc<dyn Destination>>,
    /// The journal of the migration, where there is one: what a run did is not done again.
    pub journal: Option<&'a Path>,
    /// The lock of the audit before: what columns were there, and which were hidden.
    pub previous: Option<&'a Lock>,
    /// Salt that is hashed before each user. Keep it from audit to audit ([`salt`]), so that the same users give the
    /// same lock.
    pub salt: &'a str,
    /// Takes every finding, those beyond [`KEPT_PER_KIND`] too.
    pub sink: Option<&'a mut (dyn FindingSink + Send)>,
    /// Takes every file that a record names, with its hash.
    pub attachments: Option<&'a mut (dyn AttachmentSink + Send)>,
    /// Takes what a run would do to each record that is there already, field by field, and which records of the source would become one.
    pub preview: Option<&'a mut (dyn PreviewSink + Send)>,
    /// Record counts that the source itself states, by object. A different number in the export is a finding.
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

/// Result of an audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Lock that `migr.lock` is to hold.
    pub lock: Lock,
    /// The findings, worst first; at most [`KEPT_PER_KIND`] of a kind for an object.
    pub findings: Vec<Finding>,
    /// Number of findings of each kind, those that are not in `findings` included.
    pub totals: Vec<FindingTotal>,
    /// Findings that the spec accepts, by its entries.
    pub accepted: Vec<AcceptedFindings>,
    /// Preview of a run for records that are there already, map by map; empty where the destination was not asked, or
    /// has nothing that matters.
    pub preview: Vec<StagePreview>,
    /// Effect of going on after a run, where the spec or the export changed since.
    pub going_on: GoingOn,
    /// Definitions without a way into the destination, which are rebuilt there by hand.
    pub rebuilds: Vec<Rebuild>,
}

impl Audit {
    /// Number of findings of a severity.
    pub fn count(&self, severity: Severity) -> u64 {
        self.totals.iter().filter(|total| total.severity == severity).map(|total| total.findings).sum()
    }

    /// True where a finding is among those that `deny` lets no audit pass with.
    pub fn is_denied(&self, plan: &Plan) -> bool {
        self.lock.denied_by(&plan.denied).next().is_some()
    }
}

/// The findings that a plan's denials speak of, by name.
fn denied(plan: &Plan, totals: &[FindingTotal]) -> Vec<DeniedFindings> {
    let mut found: BTreeMap<&str, DeniedFindings> = BTreeMap::new();
    for total in totals.iter().filter(|total| total.severity != Severity::Note) {
        let (name, is_warning) = (total.kind.name(), total.severity == Severity::Warning);
        let is_named = plan.denied.iter().any(|denied| denied == name);
        if is_named || (is_warning && plan.denied.iter().any(|denied| denied == "warnings")) {
            let of_name = found.entry(name).or_insert_with(|| DeniedFindings {
                finding: name.to_owned(),
                is_warning: false,
                findings: 0,
            });
            of_name.is_warning |= is_warning;
            of_name.findings += total.findings;
        }
    }
    found.into_values().collect()
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
    /// The spill database cannot be used.
    #[error("the spill database of the audit cannot be used: {0}")]
    Spill(#[from] SpillError),
    /// The spill folder cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The forecast of a run failed.
    #[error(transparent)]
    Forecast(EngineError),
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

impl From<DecideError> for AuditError {
    fn from(error: DecideError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<EngineError> for AuditError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Extract(error) => Self::Extract(error),
            EngineError::Compile(error) => Self::Compile(error),
            EngineError::Lookup(error) => Self::Lookup(error),
            EngineError::Load(error) => Self::Load(error),
            EngineError::Spill(error) => Self::Spill(error),
            EngineError::File { path, source } => Self::Folder { path, source },
            other => Self::Forecast(other),
        }
    }
}

/// Reads every cell of the export and, unless offline, the destination's schema, members and identities. Nothing is written anywhere but in the spill folder.
///
/// Memory does not grow with the export: keys, references and identities live in the spill database, findings beyond a bound are counted.
pub async fn audit(options: AuditOptions<'_>, progress: &dyn AuditProgress) -> Result<Audit, AuditError> {
    let AuditOptions {
        plan,
        project,
        spill: folder,
        destination,
        journal,
        previous,
        salt,
        sink,
        attachments,
        mut preview,
        expected,
    } = options;
    let mut found = Collector::new(sink, Acceptances::of(plan));
    let mut learnt = None;
    if let Some(destination) = &destination {
        progress.object(&plan.destination.name, "asking");
        learnt = Some(live::learn(plan, &**destination, salt, &mut found).await?);
    }
    let export = Arc::new(Export::open(&tolerant(plan), project)?);
    let (compiled, mut apart) = (plan, plan.clone());
    keep_apart(&mut apart, &export, previous, learnt.as_ref().map(|learnt| &learnt.schema))?;
    let plan = &apart;
    let needs = Needs::of(plan);
    let told = Told { previous, expected: &expected, progress };
    let file_bytes = destination.as_ref().and_then(|destination| destination.capabilities().file_bytes);
    let version = destination.as_ref().and_then(|destination| destination.capabilities().version);
    let live = destination.clone().zip(learnt.as_ref().map(|learnt| learnt.schema.clone()));
    let after = match journal {
        Some(journal) => Some(AfterRun::take_up((compiled, plan), &export, live.as_ref(), (folder, journal)).await?),
        None => None,
    };
    let going_by = after.as_ref().map(AfterRun::journal);
    let forecast = foresee(plan, &export, live, (folder, going_by), progress).await;
    if let (Ok(forecast), Some(after), Some(journal), Some(live)) = (&forecast, &after, journal, &destination) {
        after.vanished(plan, forecast, &**live, journal).await?;
    }
    let inventory = Inventory::create(folder)?;
    let surveyed = forecast.map_err(AuditError::from).and_then(|forecast| {
        forecast.absorb()?;
        let quarantined = forecast.quarantined_lines(plan)?;
        let surveyed = survey(plan, &export, (&needs, &inventory), (&forecast, &quarantined), told, &mut found)?;
        Ok((forecast, quarantined, surveyed))
    });
    let (forecast, quarantined, (files, mut objects)) = surveyed?;
    let owners = OwnersKnown::of(plan, learnt.as_ref().and_then(|learnt| learnt.members.clone()));
    let existing = learnt.as_ref().map(|learnt| learnt.existing.clone());
    let reported = {
        let mut world = ExportLookup::new(&needs, &inventory, owners, existing);
        let reporting = Reporting {
            plan,
            export: &export,
            forecast: &forecast,
            file_bytes,
            version,
            salt,
            needs: &needs,
            quarantined: &quarantined,
            progress,
        };
        reporting.all(&mut world, &mut objects, attachments, &mut preview, &mut found)
    };
    let Reported { stages, owners, previews, rebuilds } = reported?;
    let options = locked_options(plan, &export, forecast.take_options(), destination.as_deref(), &mut found);
    // Without the destination nobody knows what of it would be accepted.
    if destination.is_some() {
        found.tell_idle_entries();
    }
    let Collected { findings, totals, accepted } = found.finish().map_err(AuditError::Sink)?;
    let earlier = || previous.and_then(|previous| previous.destination.clone());
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    let lock = Lock {
        format_version: LOCK_FORMAT_VERSION,
        migration: plan.migration.clone(),
        project: previous.and_then(|previous| previous.project.clone()),
        export: LockedExport { system: plan.source.system.clone(), files, objects },
        stages: LockedStages {
            inputs: counted_inputs(plan),
            with_destination: destination.is_some(),
            stages,
            options,
            owners,
        },
        destination: learnt.map(|learnt| learnt.locked).or_else(earlier),
        denied: denied(plan, &totals),
        accepted: accepted
            .iter()
            .filter(|entry| !entry.is_exceeded)
            .map(|entry| LockedAcceptance {
                finding: entry.finding.clone(),
                origin: entry.origin.clone(),
                records: entry.records,
            })
            .collect(),
    };
    let going_on = after.map(|after| after.going_on.clone()).unwrap_or_default();
    Ok(Audit { lock, findings, totals, accepted, preview: previews, going_on, rebuilds })
}

/// Knowledge about the export beforehand.
#[derive(Clone, Copy)]
struct Told<'a> {
    /// The lock of the audit before.
    previous: Option<&'a Lock>,
    /// Records by object.
    expected: &'a BTreeMap<String, u64>,
    /// Whoever waits for the audit.
    progress: &'a dyn AuditProgress,
}

/// Adds a finding for each column whose format its values do not prove.
fn proven(plan: &Plan, export: &Export, found: &mut Collector<'_>) {
    let Proofs { proofs, unread } = proofs(plan, export);
    for (object, error) in unread {
        // What the survey found of the file already says so.
        if !found.tells_of(&object, &[FindingKind::MissingFile, FindingKind::BadHeader, FindingKind::MalformedRow]) {
            found.add(Finding::new(FindingKind::MalformedRow, Severity::Error, error.to_string()).of(&object));
        }
    }
    for proof in proofs {
        let Some(message) = proof.in_words() else { continue };
        let (kind, severity) = match &proof.verdict.standing {
            Standing::Contradicted { .. } => (FindingKind::ContradictedFormat, Severity::Error),
            Standing::Unproven { is_written: false, .. } => (FindingKind::UnprovenFormat, Severity::Warning),
            _ => (FindingKind::UnprovenFormat, Severity::Note),
        };
        let mut finding = Finding::new(kind, severity, message).of(&proof.object).in_file(&proof.file);
        finding = finding.in_column(&proof.column).counting(proof.verdict.filled);
        finding.help = proof.help();
        if proof.is_accepted {
            finding.severity = Severity::Warning;
            found.accept(finding);
        } else if proof.beyond.is_some() {
            found.accept(finding);
        } else {
            found.add(finding);
        }
    }
}

/// The first pass over the export: every cell of every object once.
fn survey(
    plan: &Plan,
    export: &Export,
    (needs, inventory): (&Needs, &Inventory),
    (forecast, quarantined): (&Forecast, &BTreeMap<String, RowSet>),
    told: Told<'_>,
    found: &mut Collector<'_>,
) -> Result<(Vec<LockedFile>, Vec<LockedSourceObject>), AuditError> {
    let world = ExportLookup::new(needs, inventory, OwnersKnown::default(), None);
    let Told { previous, expected, progress } = told;
    let survey = Survey { plan, export, needs, world: &world, previous, expected, quarantined, forecast, progress };
    let files = survey.files(found)?;
    let mut objects = Vec::new();
    for object in &plan.source.objects {
        objects.push(survey.object(object, found)?);
    }
    proven(plan, export, found);
    Ok((files, objects))
}

/// Goes through the steps of a run without writing.
pub(crate) async fn foresee(
    plan: &Plan,
    export: &Arc<Export>,
    live: Option<(Arc<dyn Destination>, Schema)>,
    (folder, journal): (&Path, Option<&Path>),
    progress: &dyn AuditProgress,
) -> Result<Arc<Forecast>, EngineError> {
    let is_asked = live.is_some();
    let forecast = Arc::new(Forecast::create(folder, journal)?);
    forecast.keep_lines_alone(unasked_stages(plan));
    let destination: Arc<dyn Destination> = Arc::new(Foreseen::new(plan, live, Arc::clone(&forecast)));
    let owners = Arc::new(if is_asked {
        OwnerTable::load_leniently(plan, &*destination).await?
    } else {
        OwnerTable::unasked(plan)
    });
    let context = DecisionContext {
        plan: Arc::new(plan.clone()),
        export: Arc::clone(export),
        destination: Arc::clone(&destination),
        outcomes: Outcomes::Forecast(Arc::clone(&forecast)),
        progress: Arc::new(Silent),
        cancellation: CancellationFlag::default(),
        work: folder.to_owned(),
        slice: None,
    };
    let mut world = opening::world(&context, Arc::clone(&owners))?;
    world.be_lenient();
    if is_asked {
        opening::existing_records(&context, &mut world).await?;
    }
    closed(&forecast, &*destination).await?;
    for stage in &plan.stages {
        let object = &stage.destination_object;
        forecast.keep_unique_together(object, destination.unique_together(object));
    }
    let shared = Shared::new(Arc::new(InProcess::new(destination)), RunOptions::default().in_flight, None);
    let mut walk = Walk::new(context.clone(), shared, owners);
    for step in plan.steps() {
        let Some(stage) = plan.stage_of(&step) else { continue };
        if is_table(plan, export, &stage.source_object) {
            if step.kind == StepKind::Records {
                progress.object(&stage.source_object, &stage.id);
            }
            (world, _) = walk.step(&step, world).await?;
        }
    }
    let told = Arc::clone(&forecast);
    blocking(move || written_before::count(&context, &world, &told)).await?;
    Ok(forecast)
}

/// Takes records that a run has sent whose answer never came, and that are there: the next run leaves them.
async fn closed(forecast: &Forecast, destination: &dyn Destination) -> Result<(), EngineError> {
    let Some(reader) = forecast.reader()? else { return Ok(()) };
    let mut wanted = Vec::new();
    for intent in reader.open_intents()?.into_iter().filter(|intent| intent.operation == Operation::Create) {
        let (_, object) = reader.step_named(intent.step)?;
        wanted.push((object, intent));
    }
    drop(reader);
    for (object, intent) in wanted {
        let ids: Vec<String> = intent.records.iter().map(|record| record.id.clone()).collect();
        let Some(there) = those_there(destination, &object, &ids, Deleted::Live).await? else {
            // The run tells them by what was sent: made by then or not, they count as created.
            intent.records.iter().for_each(|record| forecast.sent(intent.step, record));
            continue;
        };
        for record in &intent.records {
            if let Some(found) = there.get(&record.id) {
                forecast.closed(intent.step, record, &found.id)?;
            }
        }
    }
    Ok(())
}

/// True where an object has a file that can be read as a table.
pub(crate) fn is_table(plan: &Plan, export: &Export, object: &str) -> bool {
    let is_reference = plan.source_object(object).is_some_and(|object| object.reference_only);
    !is_reference && export.file(object).is_some() && export.records(object).is_ok()
}

/// True where an object's file could be read as a table.
fn has_records(object: &LockedSourceObject) -> bool {
    object.state == ObjectState::Present && !object.columns.is_empty()
}

/// Context of the report once a forecast is made.
struct Reporting<'r> {
    plan: &'r Plan,
    export: &'r Export,
    forecast: &'r Forecast,
    file_bytes: Option<u64>,
    version: Option<String>,
    salt: &'r str,
    needs: &'r Needs,
    /// Lines whose records are quarantined, by object.
    quarantined: &'r BTreeMap<String, RowSet>,
    /// Whoever waits for the audit.
    progress: &'r dyn AuditProgress,
}

/// Results besides the findings.
struct Reported {
    stages: Vec<LockedStage>,
    owners: Option<LockedOwners>,
    previews: Vec<StagePreview>,
    rebuilds: Vec<Rebuild>,
}

impl Reporting<'_> {
    /// Looks at every record by itself, then reports what the forecast found.
    fn all(
        &self,
        world: &mut ExportLookup<'_>,
        objects: &mut [LockedSourceObject],
        attachments: Option<&mut (dyn AttachmentSink + Send)>,
        preview: &mut Option<&mut (dyn PreviewSink + Send)>,
        found: &mut Collector<'_>,
    ) -> Result<Reported, AuditError> {
        let (plan, export) = (self.plan, self.export);
        world.load()?;
        let world = &*world;
        let stated = || plan.destination.limits.iter().find(|limit| limit.what == "file").map(|limit| limit.value);
        let most = self.file_bytes.or_else(stated);
        let rule = migr_connect::FileRule::new(&plan.destination, self.version.as_deref());
        let standard = Standard { export, hosts: &plan.source.fetch, most, rule };
        let mut manifest = Manifest { standard: standard.clone(), plan, blank: &plan.source.blank, sink: attachments };
        let mut inspectors: BTreeMap<&str, Inspector<'_>> = BTreeMap::new();
        for (object, _) in plan.source.objects.iter().zip(&*objects).filter(|(_, locked)| has_records(locked)) {
            inspectors.insert(&object.name, Inspector::new(plan, object, standard.clone(), world, self.needs)?);
        }
        let mut reports: BTreeMap<usize, StageReport<'_>> = BTreeMap::new();
        for (object, locked) in plan.source.objects.iter().zip(objects.iter_mut()) {
            let Some(inspector) = inspectors.get(object.name.as_str()) else { continue };
            let file = export.file(&object.name).map_or("", migr_extract::SourcePath::shown);
            let mut of_object = Vec::new();
            for (number, stage) in plan.stages.iter().enumerate().filter(|(_, it)| it.source_object == object.name) {
                let Some(step) = self.forecast.known(&Step::records(&stage.id)) else { continue };
                let at = (number, step, stage);
                of_object.push(StageReport::new(plan, at, (object, file), inspector, world, self.forecast)?);
            }
            let none = RowSet::default();
            let quarantined = self.quarantined.get(&object.name).unwrap_or(&none);
            let mut each = |line: u64, cells: Option<&dyn Cells>, found: &mut Collector<'_>| {
                of_object.iter_mut().try_for_each(|report| report.row(line, cells, found))
            };
            let (place, told) = (Place { object, file }, (quarantined, self.progress));
            (locked.attachments, locked.link_hosts) = inspector.run(&place, &mut manifest, told, found, &mut each)?;
            reports.extend(of_object.into_iter().map(|report| (report.number, report)));
        }
        let (mut stages, mut previews) = (Vec::new(), Vec::new());
        for (number, stage) in plan.stages.iter().enumerate() {
            let Some(report) = reports.get(&number) else {
                stages.push(forecast::empty(stage));
                continue;
            };
            let mut locked = report.finish(found)?;
            // Of records that become one it tells where no destination was asked, too.
            let shown = (stage, report.step);
            let listed = preview::stage_preview(plan, shown, report.place.file, self.forecast, preview)?;
            locked.there = listed.there.clone();
            if !listed.there.is_empty() {
                previews.push(listed);
            }
            stages.push(locked);
        }
        rows_met::count(plan, export, world, &mut stages, found)?;
        option_order::differing(plan, export, found);
        let mut rebuilds = Vec::new();
        for object in &plan.source.objects {
            match rebuild(object, export) {
                Ok(found) => rebuilds.extend(found),
                Err(error) => {
                    let finding = Finding::new(FindingKind::MalformedRow, Severity::Error, error.to_string());
                    found.add(finding.of(&object.name));
                }
            }
        }
        owners::named_but_no_members(plan, world, found);
        let owned = self.forecast.take_owned();
        let owners = owners::locked(world, self.salt, &owned);
        owners::without_members(plan, world, export, owned, found)?;
        Ok(Reported { stages, owners, previews, rebuilds })
    }
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

/// Change of the schema that makes one option of a value; none where no change makes options of a picklist.
fn making(plan: &Plan, picklist: &str, value: &str, label: &str) -> Option<SetupAction> {
    let one = NewOption { value: value.to_owned(), label: label.to_owned(), color: None };
    plan.setup.iter().find_map(|action| {
        let mut action = action.clone();
        let (SetupAction::CreateField { options, options_from, .. }
        | SetupAction::AddOptions { options, options_from, .. }) = &mut action
        else {
            return None;
        };
        if options_from.as_deref() != Some(picklist) {
            return None;
        }
        *options = vec![one.clone()];
        Some(action)
    })
}

/// The options that values become, reported.
fn locked_options(
    plan: &Plan,
    export: &Export,
    options: NewOptions,
    destination: Option<&dyn Destination>,
    found: &mut Collector<'_>,
) -> Vec<LockedOptions> {
    let mut locked = Vec::new();
    for (picklist, seen) in options.seen {
        let total: u64 = seen.values().map(|seen| seen.met).sum();
        let incomplete = options.overflowing.contains(&picklist);
        for (value, option) in &seen {
            let is_rare = total >= RARE_FROM && option.met.saturating_mul(RARE_SHARE) < total;
            let label = masking::shown(&option.label, false);
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
            if !option.others.is_empty() {
                let others =
                    option.others.iter().map(|other| masking::shown(other, false)).collect::<Vec<_>>().join(", ");
                let message = format!("{label} and {others} would become one option, {value} of {picklist}");
                let finding = Finding::new(FindingKind::CollidingOptions, Severity::Error, message);
                found.add(of(option.places.first().map_or(usize::MAX, |place| place.0), finding));
                continue;
            }
            let refused = destination.and_then(|known| known.refuses(&making(plan, &picklist, value, &option.label)?));
            if let Some(why) = refused {
                let message = format!("setup cannot make an option of {label}: {why}; give it a row of its own");
                let finding = Finding::new(FindingKind::DestinationLacks, Severity::Error, message);
                found.add(of(option.places.first().map_or(usize::MAX, |place| place.0), finding));
                continue;
            }
            if !is_rare {
                let made = plan.picklist(&picklist).is_some_and(|one| one.made.iter().any(|made| made.value == *value));
                let apart = if made { ", kept apart from a value that would be called the same" } else { "" };
                let records = option.records;
                let message = format!("{label} becomes the option {value} of {picklist}, for {records} records{apart}");
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
