//! Inspection of the cells of one object by what the catalog says of its columns.

use std::collections::BTreeMap;

use migr_extract::{Export, Row};
use migr_plan::lock::{AttachmentCounts, LinkHost};
use migr_plan::{
    ColumnType, FieldMapping, FieldType, OnMissing, Plan, Policies, Rollback, RollbackClass, SourceColumn,
    SourceObject, Stage,
};
use migr_transform::{Admission, Cells, Program, trimmed};
use unicode_normalization::UnicodeNormalization;

use super::attachments::{Manifest, Tally};
use super::collector::Collector;
use super::currencies::Currencies;
use super::export_lookup::{ExportLookup, OwnerState};
use super::finding::{Finding, FindingKind, Severity, shown_key};
use super::lookup_plan::{LookupSpec, Needs, Use, column_lookup, columns_read};
use super::masking::shown;
use super::profile::is_list;
use super::survey::Place;
use super::traces::{Traces, holds_text};
use super::{AuditError, AuditProgress};
use migr_decide::cells::{Lent, is_blank};
use migr_decide::files::{FileState, Named, Standard, column_of, file_columns, shown_path};
use migr_spill::{RowSet, SpillError, cycles};

/// Something wrong with a record, before it is known what the maps make of it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FindingKind,
    pub(crate) severity: Severity,
    /// The column; absent for a rule of several.
    pub(crate) column: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Looks at the cells of one object by what the catalog says of its columns, apart from any map.
pub(crate) struct Inspector<'i> {
    plan: &'i Plan,
    object: &'i SourceObject,
    export: &'i Export,
    world: &'i ExportLookup<'i>,
    program: Program,
    columns: Vec<Look<'i>>,
    /// True where maps make a record of each row, and two columns at least are beside its key.
    becomes_records: bool,
    /// The column that says how large a record's file is, where there is one.
    size: Option<usize>,
    standard: Standard<'i>,
}

/// Fault of a reference: kind, severity, message, what to do.
type BadReference = (FindingKind, Severity, String, Option<String>);

/// One column with how it is looked at.
struct Look<'i> {
    at: usize,
    column: &'i SourceColumn,
    severity: Severity,
    /// True where the column is read by its type.
    is_typed: bool,
    /// Where the names of its files come from.
    named: Named,
    targets: Vec<(&'i str, LookupSpec)>,
}

impl<'i> Inspector<'i> {
    pub(crate) fn new(
        plan: &'i Plan,
        object: &'i SourceObject,
        standard: Standard<'i>,
        world: &'i ExportLookup<'i>,
        needs: &Needs,
    ) -> Result<Self, AuditError> {
        let columns = object.columns.iter().enumerate().map(|(at, column)| {
            let reference = column.reference.as_ref();
            Look {
                at,
                column,
                severity: match used(plan, needs, object, column) {
                    Use::Strict => Severity::Error,
                    Use::Lenient => Severity::Warning,
                    Use::Unused => Severity::Note,
                },
                named: Named::of(plan, object, &column.name),
                is_typed: !holds_text(column) || column.elements.unwrap_or(column.ty) == ColumnType::Json,
                targets: reference.map_or_else(Vec::new, |reference| {
                    let spec = |target: &'i String| {
                        (target.as_str(), column_lookup(plan, column, target, reference.column.as_deref()))
                    };
                    reference.objects.iter().map(spec).collect()
                }),
            }
        });
        let files = object.columns.iter().filter(|column| column.ty == ColumnType::File).count();
        let is_mapped = plan.stages.iter().any(|stage| stage.source_object == object.name && stage.distinct.is_none());
        let is_size = |column: &SourceColumn| {
            column.ty == ColumnType::Integer
                && matches!(column.name.as_str(), "bytes" | "size" | "file_size" | "size_bytes")
        };
        Ok(Self {
            plan,
            object,
            export: standard.export,
            world,
            program: Program::compile(plan, &bare_stage(object))?,
            columns: columns.collect(),
            becomes_records: is_mapped && object.columns.len() >= object.key.len() + 2,
            size: object.columns.iter().position(is_size).filter(|_| files == 1),
            standard,
        })
    }

    /// The record's source key; empty where it has none.
    pub(crate) fn key(&self, record: &dyn Cells) -> String {
        self.program.key(record).unwrap_or_default()
    }

    /// Everything wrong with a record. One that a written rule leaves behind is not looked at.
    pub(crate) fn inspect(&self, record: &dyn Cells) -> Result<Vec<Fault>, AuditError> {
        let admission = self.program.admit(record, self.world)?;
        if matches!(admission, Admission::Skip { .. }) {
            return Ok(Vec::new());
        }
        let mut faults = Vec::new();
        for look in &self.columns {
            let cell = record.cell(look.at);
            if !is_blank(cell, self.blanks(look)) {
                self.look(look, cell, record, &mut faults)?;
            } else if look.column.ty == ColumnType::File {
                faults.extend(self.name_alone(look, record));
            }
        }
        faults.extend(self.nothing_but_key(record));
        if let Admission::Quarantine(failures) = admission {
            for failure in failures {
                let explained = self.object.checks.iter().any(|check| {
                    let reads = columns_read(&check.condition);
                    faults.iter().any(|fault| fault.column.as_deref().is_some_and(|column| reads.contains(column)))
                });
                if !explained {
                    faults.push(Fault {
                        kind: FindingKind::CheckFailed,
                        severity: Severity::Error,
                        column: (!failure.field.is_empty()).then_some(failure.field),
                        message: failure.reason,
                        help: None,
                    });
                }
            }
        }
        Ok(faults)
    }

    /// True where a field reads the cell of a key: it says nothing besides, and as a reference it is the record itself.
    fn is_of_key(&self, look: &Look<'_>) -> bool {
        let header = |column: &SourceColumn| column.header.as_ref().unwrap_or(&column.name).to_lowercase();
        let keys = self.object.columns.iter().filter(|column| self.object.key.contains(&column.name));
        let own = header(look.column);
        keys.map(header).any(|key| key == own)
    }

    /// A record whose columns are all blank but for its key, which becomes a record of nothing, or a line of totals; of an object with two such columns at least.
    fn nothing_but_key(&self, record: &dyn Cells) -> Option<Fault> {
        let mut others = self.columns.iter().filter(|look| !self.is_of_key(look));
        let is_written = |message: &str| Fault {
            kind: FindingKind::EmptyRecord,
            severity: Severity::Warning,
            column: None,
            message: message.to_owned(),
            help: None,
        };
        if !self.becomes_records {
            return None;
        }
        let key = self.key(record);
        if key.is_empty() {
            return None;
        }
        if others.all(|look| is_blank(record.cell(look.at), self.blanks(look))) {
            return Some(is_written("every column but its key is empty, and a record of nothing is written"));
        }
        is_of_totals(&key)
            .then(|| is_written("its key reads like that of a line of totals, and a record is written of it"))
    }

    /// The name of a file that a record does not have, where nothing else takes the name.
    fn name_alone(&self, look: &Look<'_>, record: &dyn Cells) -> Option<Fault> {
        let Named::Column(at) = look.named else { return None };
        let column = self.object.columns.get(at)?;
        let name = record.cell(at).trim();
        let stages = self.plan.stages.iter().filter(|stage| stage.source_object == self.object.name);
        let mut fields = stages.flat_map(|stage| &stage.fields).filter(|field| field.ty != FieldType::File);
        if is_blank(name, column.blank.as_ref().unwrap_or(&self.plan.source.blank))
            || fields.any(|field| field.reads.contains(&column.name))
        {
            return None;
        }
        let name = shown(name, column.sensitive);
        Some(Fault {
            kind: FindingKind::MissingAttachment,
            severity: Severity::Warning,
            column: Some(column.name.clone()),
            message: format!(
                "{name} is the name of a file, and `{}` names none: the name goes nowhere",
                look.column.name
            ),
            help: None,
        })
    }

    /// The words that count as blank in a column.
    fn blanks<'b>(&'b self, look: &'b Look<'_>) -> &'b [String] {
        look.column.blank.as_ref().unwrap_or(&self.plan.source.blank)
    }

    /// Counts the cells that are blank by a written word, and those that only look like one: by column, word, and whether it is one.
    fn tally(&self, record: &dyn Cells, line: u64, words: &mut BTreeMap<(usize, String, bool), (u64, u64)>) {
        for look in self.columns.iter().filter(|look| !self.blanks(look).is_empty()) {
            let cell = trimmed(record.cell(look.at));
            if cell.is_empty() || cell.len() > 40 {
                continue;
            }
            let blanks = self.blanks(look);
            let is_word = blanks.iter().any(|blank| trimmed(blank) == cell);
            if is_word || blanks.iter().any(|blank| trimmed(blank).eq_ignore_ascii_case(cell)) {
                let (count, _) = words.entry((look.at, cell.to_owned(), is_word)).or_insert((0, line));
                *count += 1;
            }
        }
    }

    /// Tells what [`Self::tally`] counted.
    fn tell_words(
        &self,
        place: &Place<'_>,
        words: BTreeMap<(usize, String, bool), (u64, u64)>,
        found: &mut Collector<'_>,
    ) {
        for ((at, word, is_word), (count, line)) in words {
            let Some(column) = self.object.columns.get(at) else { continue };
            let cells = if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
            let word = shown(&word, false);
            let message = if is_word {
                format!("`{}`: {cells} {word} count as blank by `blank {word}`", column.name)
            } else {
                format!("`{}`: {cells} {word} count as text, as no `blank` is written so", column.name)
            };
            let finding = Finding::new(FindingKind::BlankWord, Severity::Note, message).of(&self.object.name);
            let finding = finding.at(place.file, line).in_column(&column.name).counting(count);
            found
                .add(finding.with_help("`blank never` or `blank \"…\"` behind the column says otherwise for it alone"));
        }
    }

    fn look(&self, look: &Look<'_>, cell: &str, record: &dyn Cells, faults: &mut Vec<Fault>) -> Result<(), AuditError> {
        let column = look.column;
        let mut fault = |kind, severity, message: String, help: Option<String>| {
            faults.push(Fault { kind, severity, column: Some(column.name.clone()), message, help });
        };
        if let Some(most) = column.max {
            let length = u64::try_from(cell.trim().chars().count()).unwrap_or(u64::MAX);
            if length > most {
                let message = format!("{length} characters where {most} are allowed");
                fault(FindingKind::TooLong, look.severity, message, None);
            }
        }
        if look.is_typed {
            match self.program.column_value(record, &column.name) {
                Err(failure) => {
                    let kind = match column.elements.unwrap_or(column.ty) {
                        ColumnType::Date => FindingKind::BadDate,
                        ColumnType::Datetime if column.elements.is_some() => FindingKind::BadDate,
                        ColumnType::Datetime => wall_clock(column, cell).unwrap_or(FindingKind::BadDate),
                        ColumnType::Integer | ColumnType::Number | ColumnType::Decimal => FindingKind::BadNumber,
                        _ => FindingKind::BadValue,
                    };
                    fault(kind, look.severity, failure.reason, None);
                }
                Ok(_) if column.elements.is_none() && (column.overlap.is_some() || column.gap.is_some()) => {
                    if let Some(kind) = wall_clock(column, cell) {
                        let rule = if kind == FindingKind::DstGap { &column.gap } else { &column.overlap };
                        let message = format!(
                            "{} is such a time; it is read as the catalog says: {}",
                            shown(cell, column.sensitive),
                            rule.as_deref().unwrap_or("fail")
                        );
                        fault(kind, Severity::Note, message, None);
                    }
                }
                Ok(_) => {}
            }
        }
        if !look.targets.is_empty() {
            let split = column.split.as_deref().filter(|split| is_list(column.ty) && !split.is_empty());
            let keys: Vec<&str> = split.map_or_else(|| vec![cell], |split| cell.split(split).collect());
            for key in keys.into_iter().map(str::trim).filter(|key| !key.is_empty()) {
                if let Some((kind, severity, message, help)) = self.reference(look, key, record)? {
                    fault(kind, severity, message, help);
                }
            }
        }
        if column.ty == ColumnType::File {
            self.file(look, cell, record, faults);
        }
        Ok(())
    }

    fn reference(&self, look: &Look<'_>, key: &str, record: &dyn Cells) -> Result<Option<BadReference>, AuditError> {
        let by = look.column.reference.as_ref().and_then(|reference| reference.by.as_ref());
        let told_by = by.and_then(|by| {
            let at = self.object.columns.iter().position(|column| column.name == by.column)?;
            Some((self.object.columns.get(at)?, record.cell(at).trim()))
        });
        let told = by.zip(told_by).and_then(|(by, (_, cell))| {
            by.rows.iter().find(|row| row.value.trim().eq_ignore_ascii_case(cell)).map(|row| row.object.as_str())
        });
        if let (Some((column, cell)), None) = (told_by, told) {
            let cell = shown(cell, column.sensitive);
            let message = format!("{cell} in {} does not tell what the reference refers to", column.name);
            return Ok(Some((FindingKind::DanglingReference, look.severity, message, None)));
        }
        for (target, spec) in &look.targets {
            if by.is_some() && told != Some(target) {
                continue;
            }
            if self.world.find(spec, key)?.is_some() {
                return Ok(None);
            }
        }
        let value = shown(key, look.column.sensitive);
        if let [(target, spec)] = look.targets.as_slice()
            && self.world.owners.is_source(target, spec.column.as_deref())
        {
            let file = self.export.file(target).map_or(*target, migr_extract::SourcePath::name);
            let fallback = self.plan.owners.as_ref().and_then(|owners| owners.fallback.as_deref());
            return Ok(Some(match self.world.owners.state(key, false) {
                OwnerState::Overridden => {
                    let message = format!("{value} has no row in {file}; an override in `owners` says who it is");
                    (FindingKind::OrphanOwner, Severity::Note, message, None)
                }
                OwnerState::Known => {
                    let message =
                        format!("{value} has no row in {file}, but a member of the destination has the address");
                    (FindingKind::OrphanOwner, Severity::Note, message, None)
                }
                OwnerState::BadOverride => {
                    let message = format!("{value} is overridden in `owners` by an address that is no member");
                    (FindingKind::OrphanOwner, Severity::Warning, message, None)
                }
                OwnerState::NoMember => {
                    let then = fallback.map_or_else(
                        || "the owner stays empty".to_owned(),
                        |fallback| format!("{fallback} takes over"),
                    );
                    let message = format!("{value} has no row in {file} and no override; {then}");
                    (FindingKind::OrphanOwner, Severity::Warning, message, None)
                }
            }));
        }
        let targets: Vec<&str> = match told {
            Some(told) => vec![told],
            None => look.targets.iter().map(|(target, _)| *target).collect(),
        };
        let mut message = format!("{value} is the key of no {}", targets.join(" or "));
        // Of what is masked no other form is shown either.
        if !look.column.sensitive {
            for (form, how) in other_forms(key) {
                let is_there = |(_, spec): &(_, _)| Ok::<_, AuditError>(self.world.find(spec, &form)?.is_some());
                if look.targets.iter().map(is_there).collect::<Result<Vec<_>, _>>()?.contains(&true) {
                    let form = shown(&form, false);
                    message = format!("{message}; {form} is one, {how}: write both in one form");
                    return Ok(Some((FindingKind::DanglingReference, look.severity, message, None)));
                }
            }
            for (_, spec) in &look.targets {
                if let Some(spelt) = self.world.spelt_otherwise(spec, key)? {
                    let spelt = shown(&spelt, false);
                    message = format!(
                        "{message}; {spelt} is one, but for case, blanks or the form of a letter: write both in one form, or refer with `ignore case, space`"
                    );
                    break;
                }
            }
        }
        Ok(Some((FindingKind::DanglingReference, look.severity, message, None)))
    }

    fn file(&self, look: &Look<'_>, cell: &str, record: &dyn Cells, faults: &mut Vec<Fault>) {
        let mut fault = |kind, message: String| {
            let column = Some(look.column.name.clone());
            faults.push(Fault { kind, severity: look.severity, column, message, help: None });
        };
        let name = look.named.name(cell, record);
        let standing = self.standard.standing(cell, name.as_deref());
        let (bytes, is_sensitive) = (standing.bytes, look.column.sensitive);
        let value = shown(&shown_path(cell, is_sensitive), false);
        if let Some(reason) = standing.reason(is_sensitive) {
            let kind = match standing.state {
                _ if standing.is_unfit => FindingKind::UnfitFile,
                FileState::LinkOnly => FindingKind::LinkedAttachment,
                FileState::TooLarge => FindingKind::OversizeFile,
                _ => FindingKind::MissingAttachment,
            };
            fault(kind, format!("{value}: {reason}"));
        }
        let stated = self.size.map(|at| record.cell(at).trim()).and_then(|cell| cell.parse::<u64>().ok());
        if let (Some(stated), Some(bytes)) = (stated, bytes)
            && stated != bytes
        {
            fault(FindingKind::FileSizeDiffers, format!("{value} has {bytes} bytes, the export says {stated}"));
        }
    }

    /// Looks at every record of the object and reports what is wrong; `each` is called for every row, with its cells where they can be read. Tells how the object's
    /// files stand, where a column names some.
    pub(crate) fn run(
        &self,
        place: &Place<'_>,
        manifest: &mut Manifest<'_, '_>,
        (quarantined, progress): (&RowSet, &dyn AuditProgress),
        found: &mut Collector<'_>,
        each: &mut EachRow<'_>,
    ) -> Result<(Option<AttachmentCounts>, Vec<LinkHost>), AuditError> {
        progress.object(&place.object.name, "looking");
        let files = file_columns(place.object);
        let mut attachments = Tally::default();
        let own: Vec<&Look<'_>> = self
            .columns
            .iter()
            .filter(|look| look.targets.iter().any(|(target, _)| *target == place.object.name))
            .filter(|look| !self.is_of_key(look))
            .collect();
        let mut records = self.export.records(&place.object.name)?;
        let mut count = 0_u64;
        let (mut words, mut traces) = (BTreeMap::new(), Traces::of(self.plan, place.object));
        let mut currencies = Currencies::of(self.plan, place.object);
        let masked = place.object.has_sensitive_key();
        while let Some(row) = records.next()? {
            count += 1;
            if count.is_multiple_of(4_096) {
                progress.records(count);
            }
            let record = match row {
                Row::Record(record) => record,
                Row::Malformed { line, .. } => {
                    each(line, None, found)?;
                    continue;
                }
            };
            let lent = Lent(record);
            self.tally(&lent, record.line, &mut words);
            traces.add(&lent, record.line);
            currencies.add(&lent, record.line);
            let faults = self.inspect(&lent)?;
            if !faults.is_empty() || !own.is_empty() || !files.is_empty() {
                let key = self.key(&lent);
                let shown = (!masked).then_some(key.as_str());
                manifest.record(&files, (place, record.line, shown), &lent, &mut attachments)?;
                for mut fault in faults {
                    // Nothing is an error that keeps no record out.
                    if fault.severity == Severity::Error && !quarantined.contains(record.line) {
                        fault.severity = Severity::Warning;
                    }
                    let finding = finding(fault, place, record.line, &key, masked);
                    found.add(finding);
                }
                self.edges(&own, &lent, &key, record.line)?;
            }
            each(record.line, Some(&lent), found)?;
        }
        self.tell_words(place, words, found);
        traces.tell(place, found);
        currencies.tell(place, found);
        if !own.is_empty() {
            self.report_cycles(&own, place, found)?;
        }
        let counts = (!files.is_empty()).then_some(attachments.counts);
        Ok((counts, attachments.hosts()))
    }

    /// Adds the record's references to its own object.
    fn edges(&self, own: &[&Look<'_>], record: &dyn Cells, key: &str, line: u64) -> Result<(), AuditError> {
        for look in own {
            let cell = record.cell(look.at);
            if key.is_empty() || is_blank(cell, &self.plan.source.blank) {
                continue;
            }
            let split = look.column.split.as_deref().filter(|split| is_list(look.column.ty) && !split.is_empty());
            let keys: Vec<&str> = split.map_or_else(|| vec![cell], |split| cell.split(split).collect());
            for (_, spec) in look.targets.iter().filter(|(target, _)| *target == self.object.name) {
                for parent in keys.iter().filter(|key| !key.trim().is_empty()) {
                    if let Some(parent) = self.world.find(spec, parent)? {
                        self.world.inventory.add_edge(look.at, (key, line), &parent.key)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn report_cycles(&self, own: &[&Look<'_>], place: &Place<'_>, found: &mut Collector<'_>) -> Result<(), AuditError> {
        let inventory = self.world.inventory;
        inventory.draw_arcs()?;
        for look in own {
            let key = |line| inventory.referring_key(look.at, line).map(Option::unwrap_or_default);
            cycles::each(&inventory.references(look.at), |circle| {
                let drawn = cycles::drawn(&circle, |line| key(line).map(|key| shown_key(&key)))?;
                let message = match circle.len() {
                    1 => format!("it refers to itself: {drawn}"),
                    length => format!("a circular reference of {length} records: {drawn}"),
                };
                for line in circle {
                    let finding = Finding::new(FindingKind::ReferenceCycle, Severity::Warning, message.clone());
                    let finding = finding.of(&place.object.name).at(place.file, line).in_column(&look.column.name);
                    found.add(finding.with_key(&key(line)?));
                }
                Ok::<_, SpillError>(())
            })?;
        }
        Ok(inventory.clear_edges()?)
    }
}

/// Called for each row of an object: its line, and its cells where they can be read.
pub(crate) type EachRow<'e> = dyn FnMut(u64, Option<&dyn Cells>, &mut Collector<'_>) -> Result<(), AuditError> + 'e;

/// Use of a column; one that names files as the fields use it that send them.
fn used(plan: &Plan, needs: &Needs, object: &SourceObject, column: &SourceColumn) -> Use {
    if column.ty != ColumnType::File {
        return needs.used(&object.name, &column.name);
    }
    let fields = plan.stages.iter().filter(|stage| stage.source_object == object.name).flat_map(|stage| &stage.fields);
    let sending = fields.filter(|field| field.ty == FieldType::File && column_of(object, field) == column.name);
    let strictness =
        |field: &FieldMapping| if field.missing_file == OnMissing::Quarantine { Use::Strict } else { Use::Lenient };
    sending.map(strictness).max().unwrap_or_default()
}

/// `Grand total:`
fn is_of_totals(key: &str) -> bool {
    const WORDS: [&str; 10] =
        ["total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "totale", "somme"];
    // Nearly every key begins otherwise.
    let begins = key.bytes().find(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase());
    if !matches!(begins, Some(b't' | b'g' | b's')) {
        return false;
    }
    let words: Vec<String> =
        key.split(|sign: char| !sign.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    WORDS.contains(&words.join(" ").as_str())
}

/// A fault as a finding of its record.
pub(crate) fn finding(fault: Fault, place: &Place<'_>, line: u64, key: &str, masked: bool) -> Finding {
    let mut finding =
        Finding::new(fault.kind, fault.severity, fault.message).of(&place.object.name).at(place.file, line);
    finding = if masked { finding } else { finding.with_key(key) };
    finding.column = fault.column;
    finding.help = fault.help;
    finding
}

/// Kind of a wall-clock time that never was or was twice; none for any other time.
fn wall_clock(column: &SourceColumn, cell: &str) -> Option<FindingKind> {
    let (format, zone) = (column.format.as_deref()?, column.zone.as_deref()?);
    let time = jiff::civil::DateTime::strptime(format, cell.trim()).ok()?;
    match jiff::tz::TimeZone::get(zone).ok()?.to_ambiguous_timestamp(time).offset() {
        jiff::tz::AmbiguousOffset::Gap { .. } => Some(FindingKind::DstGap),
        jiff::tz::AmbiguousOffset::Fold { .. } => Some(FindingKind::DstOverlap),
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => None,
    }
}

/// A stage that takes every record of an object and writes nothing: for its key, checks and columns.
fn bare_stage(object: &SourceObject) -> Stage {
    Stage {
        id: object.name.clone(),
        map: object.name.clone(),
        formerly: None,
        description: None,
        source_object: object.name.clone(),
        destination_object: String::new(),
        depends_on: Vec::new(),
        edges: Vec::new(),
        when: None,
        distinct: None,
        association: None,
        matching: None,
        policies: Policies::default(),
        fields: Vec::new(),
        links: Vec::new(),
        deferred: Vec::new(),
        dropped: Vec::new(),
        there: None,
        rollback: Rollback { class: RollbackClass::Exact, reason: None },
        origin: object.origin.clone(),
    }
}

/// Forms in which exports write the key of a record that is meant, with what tells them from it.
fn other_forms(key: &str) -> Vec<(String, &'static str)> {
    let trimmed = key.trim();
    let unquoted = trimmed.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(trimmed);
    let seen: String =
        trimmed.chars().filter(|sign| !matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')).collect();
    let forms = [
        (unquoted.to_owned(), "without `=\"…\"`"),
        (trimmed.strip_suffix(".0").unwrap_or(trimmed).to_owned(), "without `.0` at its end"),
        (trimmed.trim_start_matches('0').to_owned(), "without noughts before it"),
        (trimmed.chars().take(15).collect(), "by its first 15 signs"),
        (seen, "without signs that are not seen"),
        (trimmed.nfc().collect(), "with its accents written in one sign"),
        (trimmed.nfd().collect(), "with its accents written apart"),
        (trimmed.to_lowercase(), "in small letters"),
        (trimmed.to_uppercase(), "in capitals"),
    ];
    forms.into_iter().filter(|(form, _)| !form.is_empty() && form != trimmed).collect()
}
