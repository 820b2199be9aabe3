//! First pass of an audit over every cell of every object.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use migr_extract::{Export, Record, Row, column_name};
use migr_plan::lock::{KeyCounts, Lock, LockedColumn, LockedFile, LockedFileState, LockedSourceObject, ObjectState};
use migr_plan::{Plan, SourceColumn, SourceObject};

use super::collector::Collector;
use super::export_lookup::ExportLookup;
use super::finding::{Finding, FindingKind, Severity, shown_key};
use super::lookup_plan::{LookupSpec, Needs, Use, may_be_listed};
use super::masking::shown;
use super::profile::Profile;
use super::{AuditError, AuditProgress};
use migr_decide::cells::{compared, digest, is_blank};
use migr_decide::forecast::Forecast;
use migr_spill::{RepeatedKeys, RowSet, SpillError};

/// Numbers of rows at which systems cut an export.
const CUTS: [u64; 2] = [10_000, 20_000];

/// The first pass: every cell of every object once.
pub(crate) struct Survey<'s, 'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) export: &'a Export,
    pub(crate) needs: &'s Needs,
    pub(crate) world: &'s ExportLookup<'a>,
    pub(crate) previous: Option<&'a Lock>,
    /// Record counts that the source states, by object.
    pub(crate) expected: &'s BTreeMap<String, u64>,
    /// Lines whose records are quarantined, by object.
    pub(crate) quarantined: &'s BTreeMap<String, RowSet>,
    /// Forecast of the run, which has looked for repeated keys.
    pub(crate) forecast: &'s Forecast,
    pub(crate) progress: &'s dyn AuditProgress,
}

impl Survey<'_, '_> {
    /// Every file of the export.
    pub(crate) fn files(&self, found: &mut Collector<'_>) -> Result<Vec<LockedFile>, AuditError> {
        let unclaimed: BTreeSet<&str> = self.export.unclaimed().map(migr_extract::SourcePath::shown).collect();
        let claimed: BTreeSet<&str> = self
            .plan
            .source
            .objects
            .iter()
            .filter_map(|object| self.export.file(&object.name))
            .map(migr_extract::SourcePath::shown)
            .collect();
        let mut files = Vec::new();
        for file in self.export.files() {
            let state = if claimed.contains(file.shown()) {
                LockedFileState::Claimed
            } else if unclaimed.contains(file.shown()) {
                let message = format!("no object of {} is read from {}", self.plan.source.system, file.name());
                found.add(Finding::new(FindingKind::UnclaimedFile, Severity::Error, message).in_file(file.shown()));
                LockedFileState::Unclaimed
            } else {
                LockedFileState::Dropped
            };
            let hash = file.hash()?.to_owned();
            files.push(LockedFile { path: file.shown().to_owned(), bytes: file.bytes(), hash, state });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// One object.
    pub(crate) fn object(
        &self,
        object: &SourceObject,
        found: &mut Collector<'_>,
    ) -> Result<LockedSourceObject, AuditError> {
        let mut locked = LockedSourceObject {
            name: object.name.clone(),
            state: ObjectState::Absent,
            file: None,
            rows: 0,
            malformed: 0,
            keys: KeyCounts::default(),
            columns: Vec::new(),
            attachments: None,
            link_hosts: Vec::new(),
            hidden: Vec::new(),
        };
        let Some(file) = self.export.file(&object.name) else {
            self.absent(object, found);
            return Ok(locked);
        };
        locked.file = Some(file.shown().to_owned());
        if object.reference_only || file.shown().to_lowercase().ends_with(".json") {
            match self.count_of_reference(object, file) {
                Ok(rows) => (locked.state, locked.rows) = (ObjectState::Present, rows),
                Err(error @ migr_extract::ExtractError::Io { .. }) => return Err(error.into()),
                Err(error) => {
                    locked.state = ObjectState::Unreadable;
                    let line = if let migr_extract::ExtractError::Json { line, .. } = &error { *line } else { 1 };
                    let finding = Finding::new(FindingKind::MalformedRow, Severity::Error, error.to_string());
                    found.add(finding.of(&object.name).at(file.shown(), line));
                    return Ok(locked);
                }
            }
            self.compare_count(object, file.shown(), locked.rows, found);
            return Ok(locked);
        }
        self.progress.object(&object.name, "reading");
        let mut records = match self.export.records(&object.name) {
            Ok(records) => records,
            Err(error @ migr_extract::ExtractError::Io { .. }) => return Err(error.into()),
            Err(error) => {
                locked.state = ObjectState::Unreadable;
                let finding = Finding::new(FindingKind::BadHeader, Severity::Error, error.to_string());
                found.add(finding.of(&object.name).in_file(file.shown()));
                return Ok(locked);
            }
        };
        locked.state = ObjectState::Present;
        let extra = records.extra_columns().to_vec();
        let missing = records.missing_columns().to_vec();
        let mut columns = Columns::of(object, &missing, &extra, self.needs);
        let mut keys = Keys::of(object, self.world, self.forecast.repeated_keys(&object.name));
        while let Some(row) = records.next()? {
            locked.rows += 1;
            if locked.rows.is_multiple_of(4_096) {
                self.progress.records(locked.rows);
            }
            match row {
                Row::Malformed { line, reason } => {
                    locked.malformed += 1;
                    let finding = Finding::new(FindingKind::MalformedRow, Severity::Error, reason);
                    found.add(finding.of(&object.name).at(file.shown(), line));
                }
                Row::Record(record) => {
                    columns.add(&record, &self.plan.source.blank);
                    if !keys.add(&record, &self.plan.source.blank)? {
                        locked.keys.blank += 1;
                        // A row that a written rule leaves behind needs no key.
                        if self.weight(object, record.line) != Severity::Note {
                            let message = format!("{} is empty", object.key.join(" and "));
                            let finding = Finding::new(FindingKind::BlankKey, Severity::Error, message);
                            found.add(finding.of(&object.name).at(file.shown(), record.line));
                        }
                    }
                }
            }
        }
        let place = Place { object, file: file.shown() };
        let (distinct, repeated) = keys.finish(&place, |line| self.weight(object, line), found)?;
        (locked.keys.distinct, locked.keys.repeated) = (distinct, repeated);
        locked.columns = columns.locked();
        self.header_findings(&place, &missing, &extra, &mut locked, found);
        near_duplicates(&place, &locked.columns, found);
        self.compare_count(object, file.shown(), locked.rows, found);
        if CUTS.contains(&locked.rows) {
            let message =
                format!("{} has exactly {} records, a number at which exports are cut", file.name(), locked.rows);
            let finding = Finding::new(FindingKind::CutExport, Severity::Warning, message);
            found.add(finding.of(&object.name).in_file(file.shown()).counting(locked.rows));
        }
        Ok(locked)
    }

    /// Weight of a fault of a row: a note where a map reads it and a written rule settles what becomes of it.
    fn weight(&self, object: &SourceObject, line: u64) -> Severity {
        let is_read = self.plan.stages.iter().any(|stage| stage.source_object == object.name);
        match self.quarantined.get(&object.name) {
            Some(lines) if lines.contains(line) => Severity::Error,
            _ if is_read => Severity::Note,
            _ => Severity::Warning,
        }
    }

    /// Elements of a JSON file, rows of a table. A reference that is neither is kept all the same, and counts as none.
    fn count_of_reference(
        &self,
        object: &SourceObject,
        file: &migr_extract::SourcePath,
    ) -> Result<u64, migr_extract::ExtractError> {
        if file.shown().to_lowercase().ends_with(".json") {
            let counted = self.export.json_count(&object.name);
            return if object.reference_only { Ok(counted.unwrap_or_default()) } else { counted };
        }
        let Ok(mut records) = self.export.records(&object.name) else { return Ok(0) };
        let mut rows = 0;
        while records.next()?.is_some() {
            rows += 1;
        }
        Ok(rows)
    }

    /// Compares what the file holds with what the source says that it holds.
    fn compare_count(&self, object: &SourceObject, file: &str, rows: u64, found: &mut Collector<'_>) {
        if let Some(expected) = self.expected.get(&object.name).filter(|expected| **expected != rows) {
            let message = format!("the file has {rows} records, the source is said to have {expected}");
            let finding = Finding::new(FindingKind::CountDiffers, Severity::Error, message);
            found.add(finding.of(&object.name).in_file(file).counting(expected.abs_diff(rows)));
        }
    }

    fn absent(&self, object: &SourceObject, found: &mut Collector<'_>) {
        let Some(name) = &object.file else { return };
        let unused = object.optional || object.reference_only || object.dropped.is_some();
        let finding = if unused {
            let message = format!("{} is not in this export: there is no {name}", object.name);
            Finding::new(FindingKind::MissingObject, Severity::Note, message)
        } else {
            let message = format!("there is no {name} for {} among {}", object.name, self.plan.source.files);
            Finding::new(FindingKind::MissingFile, Severity::Error, message)
        };
        found.add(finding.of(&object.name));
    }

    /// Columns that are not there, came back, or nobody knows.
    fn header_findings(
        &self,
        place: &Place<'_>,
        missing: &[String],
        extra: &[String],
        locked: &mut LockedSourceObject,
        found: &mut Collector<'_>,
    ) {
        let object = place.object;
        let previous = self.previous.and_then(|previous| previous.source_object(&object.name));
        if previous.is_none() && object.columns.iter().all(|column| object.key.contains(&column.name)) {
            let message = "neither the catalog nor an earlier audit says which columns there are: whether some are hidden is unknown";
            let finding = Finding::new(FindingKind::UnknownColumns, Severity::Warning, message);
            found.add(finding.of(&object.name).in_file(place.file));
        }
        let declared: HashMap<&str, &SourceColumn> =
            object.columns.iter().map(|column| (column.name.as_str(), column)).collect();
        let there: HashMap<&str, &LockedColumn> =
            locked.columns.iter().map(|column| (column.name.as_str(), column)).collect();
        let mut hidden: BTreeMap<String, String> = BTreeMap::new();
        for name in missing {
            let header = declared.get(name.as_str()).and_then(|column| column.header.clone());
            hidden.insert(name.clone(), header.unwrap_or_else(|| titled(name)));
        }
        for column in previous.iter().flat_map(|previous| &previous.columns) {
            if !there.contains_key(column.name.as_str()) {
                hidden.entry(column.name.clone()).or_insert_with(|| column.header.clone());
            }
        }
        for name in previous.iter().flat_map(|previous| &previous.hidden) {
            if let Some(column) = there.get(name.as_str()) {
                let message = format!("\"{}\" was not in the export before and is now", column.header);
                let finding = Finding::new(FindingKind::ColumnCameBack, Severity::Note, message);
                found.add(finding.of(&object.name).in_file(place.file).in_column(name));
            } else {
                hidden.entry(name.clone()).or_insert_with(|| titled(name));
            }
        }
        let is_another = !missing.is_empty() && missing.len() == object.columns.len();
        if is_another {
            found.add(self.no_header(place, extra));
        }
        for (name, header) in hidden.iter().filter(|_| !is_another) {
            let is_used = self.needs.used(&object.name, name) != Use::Unused;
            let known = if declared.contains_key(name.as_str()) { "the catalog has" } else { "an earlier export had" };
            let message = format!("{known} \"{header}\", this export has not");
            let severity = if is_used { Severity::Error } else { Severity::Warning };
            let help = format!(
                "In {}, open the list of {} records, show the column \"{header}\", and export again; the next audit says whether it came back.",
                self.plan.source.system, object.name
            );
            let finding = Finding::new(FindingKind::HiddenColumn, severity, message).with_help(help);
            found.add(finding.of(&object.name).in_file(place.file).in_column(name));
        }
        for header in extra.iter().filter(|_| !is_another) {
            let message = format!("\"{header}\" is in the export and not in the catalog");
            let finding = Finding::new(FindingKind::ExtraColumn, Severity::Warning, message);
            found.add(finding.of(&object.name).in_file(place.file).in_column(&column_name(header)));
        }
        locked.hidden = hidden.into_keys().collect();
    }

    /// Finding about a file whose first line holds none of its object's columns.
    fn no_header(&self, place: &Place<'_>, headers: &[String]) -> Finding {
        let object = place.object;
        let is_used = object.columns.iter().any(|column| self.needs.used(&object.name, &column.name) != Use::Unused);
        let severity = if is_used { Severity::Error } else { Severity::Warning };
        let read: Vec<String> = headers.iter().take(SHOWN_HEADERS).map(|header| shown(header, false)).collect();
        let message =
            format!("none of the columns of {} is in its header, which reads {}", object.name, read.join(", "));
        let help = "Look whether it is the file of another object, or has lines above its header.";
        Finding::new(FindingKind::BadHeader, severity, message)
            .with_help(help.to_owned())
            .of(&object.name)
            .in_file(place.file)
    }
}

/// Headers that are shown of a file that has none of its object's columns.
const SHOWN_HEADERS: usize = 5;

/// An object and its file.
pub(crate) struct Place<'p> {
    pub(crate) object: &'p SourceObject,
    pub(crate) file: &'p str,
}

fn near_duplicates(place: &Place<'_>, columns: &[LockedColumn], found: &mut Collector<'_>) {
    for column in columns {
        for group in column.values.iter().flat_map(|values| &values.near_duplicates) {
            let values: Vec<String> = group.iter().map(|value| shown(value, false)).collect();
            let message = format!("{} may be one value", values.join(", "));
            let finding = Finding::new(FindingKind::NearDuplicateValues, Severity::Note, message);
            found.add(finding.of(&place.object.name).in_file(place.file).in_column(&column.name));
        }
    }
}

/// `job_title` as the header that it was read from: `StageRun Title`.
fn titled(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The profiles of a file's columns, in the file's order once a record was seen.
struct Columns<'o> {
    object: &'o SourceObject,
    profiles: Vec<Profile>,
    is_ordered: bool,
}

impl<'o> Columns<'o> {
    fn of(object: &'o SourceObject, missing: &[String], extra: &[String], needs: &Needs) -> Self {
        let missing: HashSet<&str> = missing.iter().map(String::as_str).collect();
        let declared = object.columns.iter().filter(|column| !missing.contains(column.name.as_str()));
        let declared = declared.map(|column| {
            let may_be = may_be_listed(column.ty) || needs.is_decided(&object.name, &column.name);
            let listed = may_be && needs.is_compared(&object.name, &column.name);
            Profile::of(column, listed && !object.key.contains(&column.name))
        });
        let extra = extra.iter().map(|header| Profile::unknown(&column_name(header), header));
        Self { object, profiles: declared.chain(extra).collect(), is_ordered: false }
    }

    fn add(&mut self, record: &Record<'_>, blanks: &[String]) {
        if !self.is_ordered {
            self.order(record);
        }
        for ((_, cell), profile) in record.raw().zip(&mut self.profiles) {
            profile.add(cell, is_blank(cell, blanks), record.line);
        }
    }

    fn order(&mut self, record: &Record<'_>) {
        let mut rest: HashMap<String, Profile> = HashMap::new();
        for profile in std::mem::take(&mut self.profiles) {
            rest.entry(profile.name().to_owned()).or_insert(profile);
        }
        // The first column that a header can be of, as the export matches them.
        let (mut by_header, mut by_name) = (HashMap::new(), HashMap::new());
        for (at, column) in self.object.columns.iter().enumerate() {
            match &column.header {
                Some(exact) => by_header.entry(exact.trim()).or_insert((at, column)),
                None => by_name.entry(column.name.as_str()).or_insert((at, column)),
            };
        }
        for (header, _) in record.raw() {
            let plain = column_name(header);
            let candidates = [by_header.get(header.trim()), by_name.get(plain.as_str())];
            let named = candidates.into_iter().flatten().min_by_key(|(at, _)| *at);
            let name = named.map_or(plain.as_str(), |(_, column)| column.name.as_str());
            let mut profile = rest.remove(name).unwrap_or_else(|| Profile::unknown(name, header));
            profile.headed(header);
            self.profiles.push(profile);
        }
        self.is_ordered = true;
    }

    fn locked(&self) -> Vec<LockedColumn> {
        self.profiles.iter().map(Profile::locked).collect()
    }
}

/// Keys of an object: values that must not repeat, and those that others look for.
struct Keys<'o> {
    object: &'o SourceObject,
    world: &'o ExportLookup<'o>,
    key: Vec<usize>,
    unique: Vec<(usize, &'o SourceColumn)>,
    lookups: Vec<(usize, &'o LookupSpec, Option<usize>, Vec<usize>)>,
    /// Keys that more than one line may have; none: nobody has looked.
    repeated: Option<Arc<RepeatedKeys>>,
    /// Number of keys that one line has for sure.
    single: u64,
}

impl<'o> Keys<'o> {
    fn of(object: &'o SourceObject, world: &'o ExportLookup<'o>, repeated: Option<Arc<RepeatedKeys>>) -> Self {
        let position = |name: &String| object.columns.iter().position(|column| column.name == *name);
        let lookups = world.lookups().filter(|(_, spec, _)| spec.object == object.name);
        Self {
            object,
            world,
            key: object.key.iter().filter_map(position).collect(),
            unique: object.columns.iter().enumerate().filter(|(_, column)| column.unique).collect(),
            lookups: lookups
                .map(|(at, spec, through)| {
                    let column = spec.column.as_ref().and_then(position);
                    let through = through.iter().map(|name| position(name).unwrap_or(usize::MAX)).collect();
                    (at, spec, column, through)
                })
                .collect(),
            repeated,
            single: 0,
        }
    }

    /// The record's key; empty where a part of it is.
    fn key(&self, record: &Record<'_>, blanks: &[String]) -> String {
        let is_empty = |at: &usize| {
            let of_column = self.object.columns.get(*at).and_then(|column| column.blank.as_deref());
            is_blank(record.cell(*at), of_column.unwrap_or(blanks))
        };
        if self.key.iter().any(is_empty) {
            return String::new();
        }
        let parts: Vec<&str> = self.key.iter().map(|at| record.cell(*at).trim()).collect();
        parts.join("\u{1f}")
    }

    /// Takes a record; false where it has no key though it should.
    fn add(&mut self, record: &Record<'_>, blanks: &[String]) -> Result<bool, SpillError> {
        let inventory = self.world.inventory;
        let key = self.key(record, blanks);
        if self.repeated.as_ref().is_some_and(|repeated| !repeated.may_have(&key)) {
            self.single += u64::from(!key.is_empty());
        } else if !key.is_empty() {
            let cells = (0..self.object.columns.len()).map(|at| record.cell(at));
            inventory.add_key(0, &key, record.line, digest(cells))?;
        }
        for (at, column) in &self.unique {
            let cell = record.cell(*at);
            if !is_blank(cell, blanks) {
                let value = compared(cell, column.ignore_case, column.ignore_space);
                inventory.add_key(at + 1, &value, record.line, 0)?;
            }
        }
        for (number, spec, column, through) in &self.lookups {
            let by = match column {
                Some(at) => record.cell(*at),
                None => key.as_str(),
            };
            if is_blank(by, blanks) || key.is_empty() {
                continue;
            }
            if self.world.is_by_key(*number) {
                inventory.add_there(*number, &spec.compared(by))?;
                continue;
            }
            let cells = (!through.is_empty()).then(|| {
                let cells: Vec<&str> = through.iter().map(|at| record.cell(*at)).collect();
                serde_json::to_string(&cells).unwrap_or_default()
            });
            inventory.add_referred(*number, &spec.compared(by), &key, cells.as_deref())?;
        }
        Ok(!key.is_empty() || self.key.is_empty())
    }

    /// Reports what repeats; gives the number of different keys and of repetitions.
    fn finish(
        &self,
        place: &Place<'_>,
        weight: impl Fn(u64) -> Severity,
        found: &mut Collector<'_>,
    ) -> Result<(u64, u64), SpillError> {
        let inventory = self.world.inventory;
        let is_masked = self.object.has_sensitive_key();
        let mut repeated = 0;
        let distinct = self.single
            + inventory.repeated_keys(0, |line, key, first, is_same| {
                repeated += 1;
                let says_the_same = if is_same { " and says the same in every column" } else { "" };
                let message = format!(
                    "line {first} already has {} {}{says_the_same}",
                    self.object.key.join(" + "),
                    shown(&shown_key(key), is_masked)
                );
                let severity = if is_same { Severity::Note } else { weight(line) };
                let mut finding = Finding::new(FindingKind::DuplicateKey, severity, message);
                if is_same {
                    finding = finding.with_help("Nothing: it is one record, and is written once.");
                } else if severity == Severity::Note {
                    finding = finding
                        .with_help("Nothing: a written rule says which record counts; look whether they say the same.");
                }
                found.add(finding.of(&self.object.name).at(place.file, line).with_key(key));
                Ok(())
            })?;
        for (at, column) in &self.unique {
            inventory.repeated_keys(at + 1, |line, value, first, _| {
                let message =
                    format!("line {first} already has the {} {}", column.name, shown(value, column.sensitive));
                let finding = Finding::new(FindingKind::DuplicateValue, Severity::Warning, message);
                found.add(finding.of(&self.object.name).at(place.file, line).in_column(&column.name));
                Ok(())
            })?;
        }
        inventory.clear_keys()?;
        Ok((distinct, repeated))
    }
}
