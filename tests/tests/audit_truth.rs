//! The audit against exports whose defects are known: `generate_export.py` plants them and lists them in `truth.json`.
#![expect(
    clippy::expect_used,
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too, and says on stderr what it left out"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use migr_engine::audit::{Audit, AuditOptions, Finding, FindingKind, FindingSink, Quiet, audit};
use migr_plan::{Lock, Plan};
use migr_source::{System, SystemError};
use serde_json::Value;
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files of a folder.
struct Disk(PathBuf);

impl System for Disk {
    fn read(&self, path: &str) -> Result<Arc<str>, SystemError> {
        fs::read_to_string(self.0.join(path))
            .map(Arc::from)
            .map_err(|error| SystemError { path: path.to_owned(), reason: error.to_string() })
    }

    fn migr_files(&self, folder: &str) -> Result<Vec<String>, SystemError> {
        let entries = fs::read_dir(self.0.join(folder)).expect("the folder can be listed");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<String> =
            names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "migr")).collect();
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }
}

/// The committed example's plan.
fn plan() -> Plan {
    let system = Disk(repository().join("examples/visual-practice-to-twenty"));
    let compiled =
        migr_driver::compile(&migr_driver::Project { system: &system, entry: None, destination: None, lock: None });
    compiled.plan.unwrap_or_else(|| panic!("the example compiles: {:#?}", compiled.diagnostics))
}

/// A project with a generated export.
struct Generated {
    folder: TempDir,
    truth: BTreeMap<String, BTreeSet<String>>,
}

impl Generated {
    /// None where there is no Python, said loudly.
    fn new(contacts: u32, seed: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let export = folder.path().join("export");
        let made = Command::new("python3")
            .arg(repository().join("tests/generate_export.py"))
            .args(["--contacts", &contacts.to_string(), "--seed", &seed.to_string(), "--out"])
            .arg(&export)
            .output();
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                eprintln!("LEFT OUT: python3 does not start ({error}), so no export with seed {seed} was generated");
                return None;
            }
        };
        assert!(made.status.success(), "the generator failed: {}", String::from_utf8_lossy(&made.stderr));
        let truth: Value =
            serde_json::from_str(&fs::read_to_string(export.join("truth.json")).expect("truth")).expect("JSON");
        let defects = truth["defects"].as_object().expect("defects");
        let ids = |defect: &Value| {
            let ids = defect["ids"].as_array().expect("ids").iter();
            ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
        };
        let truth = defects.iter().map(|(class, defect)| (class.clone(), ids(defect))).collect();
        Some(Self { folder, truth })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn export(&self, file: &str) -> PathBuf {
        self.path().join("export").join(file)
    }

    /// Audits it without a destination; gives the audit and every finding.
    fn audit(&self, plan: &Plan, previous: Option<&Lock>) -> (Audit, Vec<Finding>) {
        let mut all = All::default();
        let options = AuditOptions {
            plan,
            project: self.path(),
            spill: &self.path().join(".migr"),
            destination: None,
            journal: None,
            previous,
            salt: "salt",
            sink: Some(&mut all),
            attachments: None,
            preview: None,
            expected: BTreeMap::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let audited = runtime.block_on(audit(options, &Quiet)).expect("the audit goes through");
        (audited, all.0)
    }
}

#[derive(Default)]
struct All(Vec<Finding>);

impl FindingSink for All {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.0.push(finding.clone());
        Ok(())
    }
}

/// Where a class of planted defects must show: object, kinds, and whether nothing else may show there.
const CLASSES: &[(&str, &str, &[FindingKind], &str, bool)] = &[
    ("activities.dst_gap", "Activity", &[FindingKind::DstGap], "start", true),
    ("activities.dst_overlap", "Activity", &[FindingKind::DstOverlap], "start", true),
    ("activities.end_before_start", "Activity", &[FindingKind::CheckFailed], "", true),
    ("attachments.missing_file", "Attachment", &[FindingKind::MissingAttachment], "path", true),
    ("companies.duplicate_domain", "Company", &[FindingKind::DuplicateIdentity], "", false),
    ("companies.parent_cycle", "Company", &[FindingKind::ReferenceCycle], "parent_company_id", true),
    ("contacts.bad_date", "Contact", &[FindingKind::BadDate], "created_at", true),
    ("contacts.dangling_company", "Contact", &[FindingKind::DanglingReference], "company_ids", true),
    ("contacts.duplicate_email", "Contact", &[FindingKind::DuplicateIdentity], "", true),
    ("contacts.orphan_owner", "Contact", &[FindingKind::OrphanOwner], "owner_email", true),
    ("contacts.over_long", "Contact", &[FindingKind::TooLong], "job_title", true),
    ("contacts.unknown_stage", "Contact", &[FindingKind::RareOption], "lead_status", true),
    ("deals.bad_amount", "Deal", &[FindingKind::BadNumber], "", true),
    ("deals.dangling_company", "Deal", &[FindingKind::DanglingReference], "company_id", true),
    ("deals.orphan_owner", "Deal", &[FindingKind::OrphanOwner], "owner_email", true),
    (
        "deals.unknown_stage",
        "Deal",
        &[FindingKind::DanglingReference, FindingKind::UnknownPicklistValue],
        "stage",
        true,
    ),
    ("notes.dangling_contact", "Note", &[FindingKind::DanglingReference], "contact_id", true),
    ("treatments.dangling_contact", "TreatmentPlan", &[FindingKind::DanglingReference], "contact_id", true),
    ("treatments.duplicate_link", "TreatmentPlanProvider", &[FindingKind::DuplicateKey], "", true),
];

/// The keys of the findings of a class.
fn found(findings: &[Finding], object: &str, kinds: &[FindingKind], column: &str) -> BTreeSet<String> {
    let of_class = findings.iter().filter(|finding| {
        finding.object.as_deref() == Some(object)
            && kinds.contains(&finding.kind)
            && (column.is_empty() || finding.column.as_deref() == Some(column))
    });
    // Of a key of several columns the first tells.
    let key =
        |finding: &Finding| finding.key.as_deref().and_then(|key| key.split(" + ").next()).unwrap_or("").to_owned();
    of_class.map(key).collect()
}

/// Of the planted ids, those that share their value with another record: the generator draws values and some come up once only.
fn shared(file: &Path, column: usize, fold: impl Fn(&str) -> String) -> BTreeSet<String> {
    let mut by_value: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let text = fs::read_to_string(file).expect("the export");
    for record in records(&text) {
        let value = fold(&record[column]);
        if !value.is_empty() {
            by_value.entry(value).or_default().push(record[0].clone());
        }
    }
    by_value.into_values().filter(|ids| ids.len() > 1).flatten().collect()
}

/// The cells of a CSV text, without its header.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut cells));
            }
            other => cell.push(other),
        }
    }
    records.remove(0);
    records
}

fn domain(cell: &str) -> String {
    cell.trim().trim_start_matches("https://www.").trim_end_matches('/').to_lowercase()
}

fn checked(generated: &Generated, findings: &[Finding]) {
    for (class, object, kinds, column, is_exact) in CLASSES {
        let mut expected = generated.truth.get(*class).cloned().unwrap_or_default();
        match *class {
            "contacts.duplicate_email" => {
                let shared = shared(&generated.export("contacts.csv"), 3, |cell| cell.trim().to_lowercase());
                expected.retain(|id| shared.contains(id));
            }
            "companies.duplicate_domain" => {
                let shared = shared(&generated.export("companies.csv"), 2, domain);
                expected.retain(|id| shared.contains(id));
            }
            _ => {}
        }
        let found = found(findings, object, kinds, column);
        let missed: Vec<&String> = expected.difference(&found).collect();
        assert!(missed.is_empty(), "{class}: not found: {missed:?}");
        if *is_exact {
            let more: Vec<&String> = found.difference(&expected).collect();
            assert!(more.is_empty(), "{class}: found though not planted: {more:?}");
        }
    }
}

/// Every finding with a key and a line points to the line where the record of that key starts.
fn lines_hold_their_keys(generated: &Generated, findings: &[Finding]) {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in findings {
        let (Some(file), Some(line), Some(key)) = (&finding.file, finding.line, &finding.key) else { continue };
        let lines = files.entry(file.clone()).or_insert_with(|| {
            let text = fs::read_to_string(generated.path().join(file)).expect("the export");
            text.split('\n').map(ToOwned::to_owned).collect()
        });
        let first = key.split(" + ").next().expect("a key");
        let text = &lines[usize::try_from(line).expect("a line") - 1];
        assert!(text.starts_with(&format!("{first},")), "{file}:{line} is not where {key} starts: {text}");
    }
}

/// Contacts of the exports whose every defect must be found; `MIGR_TRUTH_CONTACTS` asks for others.
fn contacts() -> u32 {
    std::env::var("MIGR_TRUTH_CONTACTS").map_or(3_000, |contacts| contacts.parse().expect("a number of contacts"))
}

#[test]
fn every_planted_defect_is_found_by_key_and_line_and_nothing_else_of_its_kind() {
    let plan = plan();
    for seed in [1, 7, 42] {
        let Some(generated) = Generated::new(contacts(), seed) else { return };
        let (_, findings) = generated.audit(&plan, None);
        checked(&generated, &findings);
        lines_hold_their_keys(&generated, &findings);
    }
}

#[test]
fn the_same_export_gives_the_same_lock_and_no_personal_data() {
    let plan = plan();
    let Some(generated) = Generated::new(600, 5) else { return };
    let (first, findings) = generated.audit(&plan, None);
    let (second, again) = generated.audit(&plan, Some(&first.lock));
    let text = first.lock.to_json().expect("JSON");
    assert_eq!(text, second.lock.to_json().expect("JSON"));
    assert_eq!(findings, again);
    let contacts = fs::read_to_string(generated.export("contacts.csv")).expect("the export");
    for record in records(&contacts) {
        for column in [3, 4, 8] {
            let cell = record[column].trim();
            assert!(cell.len() < 6 || !text.contains(cell), "the lock holds {cell}");
        }
    }
    assert_eq!(Lock::from_json(&text).expect("the lock reads back"), first.lock);
}

#[test]
fn each_stage_accounts_for_every_record_it_reads() {
    let plan = plan();
    let Some(generated) = Generated::new(2_000, 3) else { return };
    let (audited, _) = generated.audit(&plan, None);
    for stage in &audited.lock.stages.stages {
        let sum = stage.create + stage.update + stage.unchanged + stage.skip + stage.quarantine;
        assert_eq!(stage.read, sum, "{stage:?}");
    }
    let rows = |object: &str| audited.lock.source_object(object).map_or(0, |object| object.rows);
    let read = |stage: &str| audited.lock.stage(stage).map_or(0, |stage| stage.read);
    assert_eq!(rows("Contact"), read("Contact"));
    assert_eq!(rows("Activity"), read("Meeting") + read("CallOrEmail"));
    let mut counted = plan.clone();
    assert!(migr_plan::lock::count(&mut counted, &audited.lock));
    assert!(counted.summary.create.is_some_and(|create| create > 8_000), "{:?}", counted.summary);
}

#[test]
fn a_hidden_column_is_found_and_the_next_audit_says_that_it_came_back() {
    let plan = plan();
    let Some(generated) = Generated::new(200, 9) else { return };
    let whole = fs::read_to_string(generated.export("tasks.csv")).expect("the export");
    let without: String =
        whole.lines().map(|line| line.rsplit_once(',').expect("cells").0.to_owned() + "\r\n").collect();
    fs::write(generated.export("tasks.csv"), without).expect("written");
    let (hidden, findings) = generated.audit(&plan, None);
    let of = |findings: &[Finding], kind| -> Vec<(Option<String>, Option<String>)> {
        let of_kind = findings.iter().filter(|finding| finding.kind == kind);
        of_kind.map(|finding| (finding.object.clone(), finding.column.clone())).collect()
    };
    let owner = vec![(Some("Task".to_owned()), Some("owner_email".to_owned()))];
    assert_eq!(of(&findings, FindingKind::HiddenColumn), owner);
    assert_eq!(hidden.lock.source_object("Task").expect("Task").hidden, ["owner_email"]);
    fs::write(generated.export("tasks.csv"), whole).expect("written");
    let (_, findings) = generated.audit(&plan, Some(&hidden.lock));
    assert_eq!(of(&findings, FindingKind::HiddenColumn), []);
    assert_eq!(of(&findings, FindingKind::ColumnCameBack), owner);
}

#[test]
fn rows_of_the_wrong_length_or_encoding_are_found_where_they_stand() {
    let plan = plan();
    for (variant, classes) in [
        ("contacts.ragged.csv", &["variant.ragged_short", "variant.ragged_long"][..]),
        ("contacts.badutf8.csv", &["variant.badutf8"][..]),
    ] {
        let Some(generated) = Generated::new(2_000, 11) else { return };
        let bytes = fs::read(generated.export("variants").join(variant)).expect("the variant");
        fs::write(generated.export("contacts.csv"), &bytes).expect("written");
        let (_, findings) = generated.audit(&plan, None);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<&str> = text.split('\n').collect();
        let malformed = findings.iter().filter(|finding| finding.kind == FindingKind::MalformedRow);
        let found: BTreeSet<String> = malformed
            .map(|finding| lines[usize::try_from(finding.line.expect("a line")).expect("a number") - 1])
            .map(|line| line.split([',', '\u{fffd}']).next().expect("a key").to_owned())
            .collect();
        let expected: BTreeSet<String> =
            classes.iter().flat_map(|class| generated.truth.get(*class).cloned().unwrap_or_default()).collect();
        assert_eq!(found, expected, "{variant}");
    }
}

#[test]
fn files_that_are_cut_missing_absent_or_read_by_nobody_are_named() {
    let mut plan = plan();
    // As if this deployment had no attachments: a specialty module that is there or not.
    plan.source.objects.iter_mut().find(|object| object.name == "Attachment").expect("Attachment").optional = true;
    let Some(generated) = Generated::new(100, 2) else { return };
    fs::remove_file(generated.export("attachments.csv")).expect("removed");
    fs::remove_file(generated.export("notes.csv")).expect("removed");
    let head = "Task ID,Title,Status,Due,Contact ID,Owner Email\n";
    let rows: String = (1..=20_000)
        .map(|row| format!("T{row:08},Follow up,Done,03/04/2024,C00000001,rep0@visualpractice.example\n"))
        .collect();
    fs::write(generated.export("tasks.csv"), head.to_owned() + &rows).expect("written");
    fs::write(generated.export("claims.csv"), "Claim ID\n1\n").expect("written");
    let (audited, findings) = generated.audit(&plan, None);
    let has =
        |kind, file: &str| findings.iter().any(|finding| finding.kind == kind && finding.file.as_deref() == Some(file));
    assert!(has(FindingKind::CutExport, "export/tasks.csv"));
    assert!(has(FindingKind::UnclaimedFile, "export/claims.csv"));
    let of = |kind, object: &str| {
        findings.iter().any(|finding| finding.kind == kind && finding.object.as_deref() == Some(object))
    };
    assert!(of(FindingKind::MissingObject, "Attachment"));
    assert!(of(FindingKind::MissingFile, "Note"));
    assert_eq!(audited.lock.source_object("Task").expect("Task").rows, 20_000);
}
