//! A destination in memory that can refuse, forget to answer and break off; and plans by hand.

pub(crate) mod memory;
pub(crate) mod plans;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use migr_engine::{CancellationFlag, Context, RunOptions, RunSummary, SharedJournal, Silent};
use migr_extract::Export;
use migr_journal::{Identity, Journal, JournalError, Remark};
use migr_plan::Plan;

pub(crate) use memory::Memory;

/// A project in a folder of its own.
pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) plan: Arc<Plan>,
    pub(crate) destination: Arc<Memory>,
    pub(crate) options: RunOptions,
    pub(crate) cancellation: CancellationFlag,
}

impl Project {
    pub(crate) fn new(plan: Plan, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("export")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join("export").join(name), text).unwrap();
        }
        Self {
            folder,
            plan: Arc::new(plan),
            destination: Arc::new(Memory::default()),
            options: RunOptions { in_flight: 2, ..RunOptions::default() },
            cancellation: CancellationFlag::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn journal(&self) -> Journal {
        let hash = self.plan.hash().unwrap();
        let identity = Identity { migration: &self.plan.migration, destination: "memory", plan_hash: &hash };
        Journal::open(&self.path().join(".migr/journal.db"), &identity).unwrap()
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            plan: Arc::clone(&self.plan),
            export: Arc::new(Export::open(&self.plan, self.path()).unwrap()),
            destination: Arc::clone(&self.destination) as Arc<dyn migr_load::Destination>,
            journal: SharedJournal::new(self.journal()),
            progress: Arc::new(Silent),
            cancellation: self.cancellation.clone(),
            options: self.options.clone(),
            work: self.path().join(".migr"),
        }
    }

    /// One process: the journal is opened, the plan carried out, the journal closed.
    pub(crate) fn run(&self) -> Result<RunSummary, migr_engine::EngineError> {
        let context = self.context();
        // Several threads, as in the program; the future must be able to move between them.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async move { tokio::spawn(async move { migr_engine::run(&context).await }).await.unwrap() })
    }

    pub(crate) fn setup(&self) -> Result<migr_engine::SetupSummary, migr_engine::EngineError> {
        let context = self.context();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(migr_engine::setup(&context))
    }

    /// Counts of the export and the journal, one line per map.
    pub(crate) fn counts(&self) -> String {
        let fold = self.journal().reader().unwrap().fold().unwrap();
        let report = migr_report::Report::counted(&self.plan, &fold);
        assert_eq!(report.imbalances(), [], "the numbers do not add up");
        let line = |object: &migr_report::Object| {
            format!(
                "{}: {} read, {} created, {} updated, {} unchanged, {} skipped, {} quarantined",
                object.map,
                object.read,
                object.created,
                object.updated,
                object.unchanged,
                object.skipped,
                object.quarantined
            )
        };
        report.objects.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Why records were quarantined, skipped, repaired.
    pub(crate) fn reasons(&self) -> String {
        let mut lines = Vec::new();
        let mut skipped: BTreeMap<(String, String), u64> = BTreeMap::new();
        let take = |remark| -> Result<(), JournalError> {
            match remark {
                Remark::Quarantined(entry) => {
                    let field = entry.field.map(|field| format!(" {field}:")).unwrap_or_default();
                    lines.push(format!(
                        "quarantined {} {}:{}{field} {}",
                        entry.key, entry.file, entry.line, entry.reason
                    ));
                }
                Remark::Skipped(entry) => *skipped.entry((entry.step, entry.reason)).or_default() += 1,
                Remark::Repaired(entry) => lines.push(format!(
                    "repaired {} {}:{} {}: {}",
                    entry.key, entry.file, entry.line, entry.field, entry.reason
                )),
                Remark::Orphaned(entry) => {
                    lines.push(format!("orphan of {}: {} {} line {}", entry.owner, entry.step, entry.key, entry.line));
                }
                Remark::Filed(_) | Remark::Owner(_) => {}
            }
            Ok(())
        };
        self.journal().reader().unwrap().remarks(take).unwrap();
        let others = lines.iter().position(|line| !line.starts_with("quarantined")).unwrap_or(lines.len());
        let skipped =
            skipped.into_iter().map(|((step, reason), records)| format!("skipped {step}: {reason} ({records})"));
        lines.splice(others..others, skipped);
        lines.join("\n")
    }
}
