#![doc = include_str!("../README.md")]

mod columns;
mod concepts;
mod degradations;
mod errors;
mod graph;
mod stages;
mod told;

use migr_check::Spec;
use migr_diagnostics::Diagnostics;
use migr_plan::{
    Acceptance, Destination, Estimate, FORMAT_VERSION, FetchHost, FileRule, InputFile, Inputs, OwnerOverride, Owners,
    Permit, Picklist, PicklistRow, Plan, RollbackClass, SetupAction, Source, SourceCheck, SourceObject, SourceSkip,
    Summary,
};
use migr_source::{SourceMap, Span};

/// Makes the plan of a checked program. `None` where required references form a circle, which is reported.
pub fn lower(spec: &Spec, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let places = Places { sources };
    let order = graph::order(spec, diagnostics)?;
    let setup = setup(spec, &places);
    let schema_changes = u64::try_from(setup.len()).unwrap_or(u64::MAX);
    Some(Plan {
        format_version: FORMAT_VERSION,
        migration: spec.name.clone(),
        description: spec.description.clone(),
        inputs: inputs(sources),
        options: spec.options.clone(),
        source: source(spec, &places),
        destination: destination(spec),
        setup,
        stages: stages::stages(spec, &order, &places),
        owners: owners(spec, &places),
        picklists: picklists(spec, &places),
        degradations: degradations::degradations(spec, &places),
        rows: concepts::rows(spec, &places),
        accepted: spec
            .accepted
            .iter()
            .map(|one| Acceptance {
                finding: one.finding.clone(),
                within: one.within.clone(),
                on: one.on.clone(),
                max: one.max,
                reason: one.reason.clone(),
                origin: places.of(one.span),
                found: None,
            })
            .collect(),
        denied: spec.denied.clone(),
        permits: spec
            .permits
            .iter()
            .map(|one| Permit { what: one.what.clone(), reason: one.reason.clone(), origin: places.of(one.span) })
            .collect(),
        automations: Vec::new(),
        undeclared: Vec::new(),
        estimate: Estimate::default(),
        summary: Summary { schema_changes, ..Summary::default() },
    })
}

/// Turns spans of this session into places that can be written down.
pub(crate) struct Places<'a> {
    sources: &'a SourceMap,
}

impl Places<'_> {
    pub(crate) fn of(&self, span: Span) -> migr_plan::Origin {
        let start = self.sources.start(span);
        migr_plan::Origin { file: self.sources.path(span).to_owned(), line: start.line, column: start.column }
    }
}

fn inputs(sources: &SourceMap) -> Inputs {
    let hash = |text: &str| format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex());
    let mut files: Vec<InputFile> =
        sources.files().map(|(_, file)| InputFile { path: file.path.to_string(), hash: hash(&file.text) }).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Inputs { files, lock: None }
}

fn source(spec: &Spec, places: &Places<'_>) -> Source {
    let rules = |rules: &[migr_check::Rule]| {
        rules.iter().map(|rule| (rule.condition.clone(), rule.reason.clone(), places.of(rule.span))).collect::<Vec<_>>()
    };
    let objects = spec
        .source
        .objects
        .iter()
        .map(|object| SourceObject {
            name: object.name.clone(),
            file: object.file.clone(),
            optional: object.is_optional,
            key: object.key.clone(),
            columns: object.columns.clone(),
            checks: rules(&object.checks)
                .into_iter()
                .map(|(condition, reason, origin)| SourceCheck { condition, reason, origin })
                .collect(),
            skips: rules(&object.skips)
                .into_iter()
                .map(|(condition, reason, origin)| SourceSkip { condition, reason, origin })
                .collect(),
            dropped: object.dropped.as_ref().map(|(reason, _)| reason.clone()),
            reference_only: object.reference_only.is_some(),
            retain: object.retain.clone(),
            origin: places.of(object.span),
        })
        .collect();
    let dropped_files = spec
        .source
        .dropped_files
        .iter()
        .map(|file| FileRule {
            pattern: file.pattern.clone(),
            reason: file.reason.clone(),
            origin: places.of(file.span),
        })
        .collect();
    Source {
        system: spec.source.system.clone(),
        files: spec.source.files.clone(),
        fetch: spec
            .source
            .fetch
            .iter()
            .map(|(pattern, span)| FetchHost { pattern: pattern.clone(), origin: places.of(*span) })
            .collect(),
        blank: spec.source.blank.clone(),
        objects,
        dropped_files,
    }
}

fn destination(spec: &Spec) -> Destination {
    let destination = &spec.destination;
    Destination {
        system: destination.system.clone(),
        connector: destination.connector.clone(),
        name: destination.name.clone(),
        settings: destination.settings.clone(),
        limits: destination.limits.clone(),
        undocumented: destination.undocumented.clone(),
        new_objects: spec.new_objects.iter().map(|object| (object.plural.clone(), object.singular.clone())).collect(),
        objects_stay: destination
            .schema
            .as_ref()
            .filter(|schema| schema.class == RollbackClass::Irreversible && !spec.new_objects.is_empty())
            .map(|schema| schema.reason.clone().unwrap_or_default()),
    }
}

/// Objects first, so that fields can refer to them; then fields; then options of fields that are there.
fn setup(spec: &Spec, places: &Places<'_>) -> Vec<SetupAction> {
    let objects = spec.new_objects.iter().map(|object| SetupAction::CreateObject {
        object: object.plural.clone(),
        plural_label: object.plural_label.clone(),
        singular: object.singular.clone(),
        singular_label: object.singular_label.clone(),
        description: object.description.clone(),
        origin: places.of(object.span),
    });
    let fields = spec.new_fields.iter().map(|field| SetupAction::CreateField {
        object: field.object.clone(),
        field: field.name.clone(),
        label: field.label.clone(),
        ty: field.ty.clone(),
        options: field.options.clone(),
        options_from: field.options_from.clone(),
        inverse: field.inverse.clone(),
        description: field.description.clone(),
        origin: places.of(field.span),
    });
    let options = spec.new_options.iter().map(|added| SetupAction::AddOptions {
        object: added.object.clone(),
        field: added.field.clone(),
        options: added.options.clone(),
        order: added.order.clone(),
        options_from: added.options_from.clone(),
        origin: places.of(added.span),
    });
    objects.chain(fields).chain(options).collect()
}

fn owners(spec: &Spec, places: &Places<'_>) -> Option<Owners> {
    let owners = spec.owners.as_ref()?;
    Some(Owners {
        source_object: owners.source_object.clone(),
        source_column: owners.source_column.clone(),
        destination_object: owners.destination_object.clone(),
        destination_field: owners.destination_field.clone(),
        overrides: owners
            .overrides
            .iter()
            .map(|(source, destination, span)| OwnerOverride {
                source: source.clone(),
                destination: destination.clone(),
                origin: places.of(*span),
            })
            .collect(),
        fallback: owners.fallback.clone(),
        origin: places.of(owners.span),
    })
}

fn picklists(spec: &Spec, places: &Places<'_>) -> Vec<Picklist> {
    let rows = |rows: &[migr_check::PicklistRow]| {
        rows.iter()
            .map(|row| PicklistRow {
                keys: row.keys.clone(),
                values: row.values.clone(),
                new: row.new.clone(),
                origin: places.of(row.span),
            })
            .collect()
    };
    spec.picklists
        .iter()
        .map(|picklist| Picklist {
            name: picklist.name.clone(),
            object: picklist.object.clone(),
            fields: picklist.fields.clone(),
            inputs: picklist.inputs.clone(),
            ignore_case: picklist.ignore_case,
            ignore_space: picklist.ignore_space,
            rows: rows(&picklist.rows),
            otherwise: picklist.otherwise.clone(),
            made: Vec::new(),
            origin: places.of(picklist.span),
        })
        .collect()
}
