//! `allow`, `deny` and `permit` entries, as the plan carries them.

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{Permitted, Within};
use migr_source::Span;
use migr_syntax::ast::{
    self, Findings, MapEntry, MigrationEntry, ObjectEntry, OwnersEntry, PicklistEntry, SystemEntry,
};

use crate::errors;
use crate::program::Program;
use crate::spec::{Acceptance, Permit};

/// Findings that are accepted or denied, and actions that are permitted.
#[derive(Default)]
pub(crate) struct Agreed {
    pub(crate) accepted: Vec<Acceptance>,
    pub(crate) denied: Vec<String>,
    pub(crate) permits: Vec<Permit>,
}

/// Gathers the entries of all blocks, and reports names and numbers that cannot be right.
pub(crate) fn gather(program: &Program<'_>, diagnostics: &mut Diagnostics) -> Agreed {
    let mut found = Agreed::default();
    if let Some((_, migration)) = program.migration {
        for entry in &migration.entries {
            match &entry.node {
                Some(MigrationEntry::Allow(allow)) => found.add(allow, &Within::Migration, entry.span, diagnostics),
                Some(MigrationEntry::Deny(findings)) => found.deny(findings, diagnostics),
                Some(MigrationEntry::Permit { object, reason }) => {
                    found.permit(Permitted::Object { name: object.node.to_string() }, reason, entry.span);
                }
                Some(MigrationEntry::PermitWorkflow { workflow, reason }) => {
                    found.permit(Permitted::Workflow { name: workflow.node.to_string() }, reason, entry.span);
                }
                Some(MigrationEntry::PermitWebhook { host, reason }) => {
                    found.permit(Permitted::Webhook { host: host.node.to_string() }, reason, entry.span);
                }
                Some(MigrationEntry::PermitIrreversible { reason }) => {
                    found.permit(Permitted::Irreversible, reason, entry.span);
                }
                _ => {}
            }
        }
    }
    for entry in program.owners.iter().flat_map(|owners| &owners.entries) {
        if let Some(OwnersEntry::Allow(allow)) = &entry.node {
            found.add(allow, &Within::Owners, entry.span, diagnostics);
        }
    }
    for (name, picklist) in &program.picklists {
        for entry in &picklist.entries {
            if let Some(PicklistEntry::Allow(allow)) = &entry.node {
                found.add(allow, &Within::Picklist { name: name.to_string() }, entry.span, diagnostics);
            }
        }
    }
    for (name, map) in &program.maps {
        for entry in &map.entries {
            if let Some(MapEntry::Allow(allow)) = &entry.node {
                found.add(allow, &Within::Map { name: name.to_string() }, entry.span, diagnostics);
            }
        }
    }
    for (system, item) in &program.systems {
        for entry in &item.entries {
            match &entry.node {
                Some(SystemEntry::Allow(allow)) => {
                    found.add(allow, &Within::System { name: system.to_string() }, entry.span, diagnostics);
                }
                Some(SystemEntry::Object(object)) => {
                    let within = Within::Object { system: system.to_string(), name: object.name.node.to_string() };
                    for entry in &object.entries {
                        if let Some(ObjectEntry::Allow(allow)) = &entry.node {
                            found.add(allow, &within, entry.span, diagnostics);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    found
}

impl Agreed {
    fn add(&mut self, allow: &ast::Allow, within: &Within, span: Span, diagnostics: &mut Diagnostics) {
        let max = allow.max.as_ref().and_then(|max| {
            let count = max.node.parse().ok();
            if count.is_none() {
                let help = "write a whole number of records, such as `max 20`";
                diagnostics.push(errors::bad_value("`max` is a whole number of records", max.span, help));
            }
            count
        });
        if allow.reason.node.trim().is_empty() {
            diagnostics.push(
                migr_diagnostics::Diagnostic::new(
                    Code::E0212,
                    "this allows something without a reason",
                    allow.reason.span,
                    "no reason",
                )
                .with_help("write why it is expected, and who agreed to it"),
            );
        }
        for finding in allow.findings.each() {
            check_name(&allow.findings, finding, diagnostics);
            self.accepted.push(Acceptance {
                finding: finding.node.to_string(),
                within: within.clone(),
                on: allow
                    .on
                    .as_ref()
                    .map(|path| path.node.iter().map(|name| &*name.node).collect::<Vec<_>>().join(".")),
                max,
                reason: allow.reason.node.to_string(),
                span,
            });
        }
    }

    fn deny(&mut self, findings: &Findings, diagnostics: &mut Diagnostics) {
        for finding in findings.each() {
            if !matches!(findings, Findings::Codes(_)) || &*finding.node != "warnings" {
                check_name(findings, finding, diagnostics);
                if let (Findings::Codes(_), None) = (findings, Code::find(&finding.node)) {
                    let known = ["warnings"];
                    diagnostics.push(errors::unknown_word_after("deny", &finding.node, finding.span, &known));
                }
            }
            self.denied.push(finding.node.to_string());
        }
    }

    fn permit(&mut self, what: Permitted, reason: &ast::Text, span: Span) {
        self.permits.push(Permit { what, reason: reason.node.to_string(), span });
    }
}

/// A finding whose change writes a name, as a text in quotes.
fn in_quotes(mut finding: Diagnostic) -> Diagnostic {
    for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        edit.text = format!("\"{}\"", edit.text);
    }
    finding
}

/// A name in quotes is that of a finding of the audit; a code that nobody knows is reported where entries are applied.
fn check_name(findings: &Findings, name: &ast::Name, diagnostics: &mut Diagnostics) {
    if !matches!(findings, Findings::Named(_)) {
        return;
    }
    let known = migr_plan::AUDIT_FINDINGS;
    if !known.contains(&&*name.node) {
        let finding = errors::unknown_word("finding of an audit", &name.node, name.span, known);
        diagnostics.push(in_quotes(finding));
    }
}
