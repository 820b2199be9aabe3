//! JSON form of an audit.

use migr_plan::lock::{AttachmentCounts, LinkHost, LockedStage, ObjectState};
use serde::Serialize;

use crate::audit::{AcceptedFindings, Audit, Finding, FindingTotal, GoingOn, Severity, StagePreview};

/// The version of the document. Raised when a reader of the old form would misread the new one.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    migration: &'a str,
    objects: Vec<Object<'a>>,
    findings: &'a [Finding],
    totals: &'a [FindingTotal],
    accepted: &'a [AcceptedFindings],
    stages: &'a [LockedStage],
    preview: &'a [StagePreview],
    going_on: &'a GoingOn,
    summary: Summary,
}

#[derive(Serialize)]
struct Object<'a> {
    name: &'a str,
    state: ObjectState,
    file: Option<&'a str>,
    rows: u64,
    malformed: u64,
    columns: usize,
    attachments: Option<&'a AttachmentCounts>,
    link_hosts: &'a [LinkHost],
    hidden: &'a [String],
}

#[derive(Serialize)]
struct Summary {
    errors: u64,
    warnings: u64,
    notes: u64,
}

/// An audit as one JSON document. Findings beyond the bound of their kind are in `totals` only.
pub fn json(audit: &Audit) -> Result<String, serde_json::Error> {
    let objects = audit.lock.export.objects.iter().map(|object| Object {
        name: &object.name,
        state: object.state,
        file: object.file.as_deref(),
        rows: object.rows,
        malformed: object.malformed,
        columns: object.columns.len(),
        attachments: object.attachments.as_ref(),
        link_hosts: &object.link_hosts,
        hidden: &object.hidden,
    });
    let document = Document {
        format_version: FORMAT_VERSION,
        migration: &audit.lock.migration,
        objects: objects.collect(),
        findings: &audit.findings,
        totals: &audit.totals,
        accepted: &audit.accepted,
        stages: &audit.lock.stages.stages,
        preview: &audit.preview,
        going_on: &audit.going_on,
        summary: Summary {
            errors: audit.count(Severity::Error),
            warnings: audit.count(Severity::Warning),
            notes: audit.count(Severity::Note),
        },
    };
    serde_json::to_string_pretty(&document).map(|text| migr_escape::json(&text).into_owned() + "\n")
}
