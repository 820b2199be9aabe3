//! List of what needs a person.

use std::collections::BTreeSet;

use migr_journal::SetupNote;
use migr_plan::AutomationKind;

use crate::ListName;
use crate::model::{Attention, Report, Urgency};
use crate::words::{count, percent};

/// List of what needs a person, most urgent first.
pub(crate) fn list(report: &Report, repaired_records: u64) -> Vec<Attention> {
    let mut list = Vec::new();
    let mut add = |urgency, what: String, action: &str| {
        list.push(Attention { urgency, what, action: action.to_owned() });
    };
    for imbalance in report.imbalances() {
        add(
            Urgency::Now,
            format!(
                "The numbers of {} do not add up: {} in the export, {} accounted for.",
                imbalance.map,
                count(imbalance.read, "record", "records"),
                imbalance.accounted
            ),
            "Keep the .migr folder and report it: this is a fault of migr, not of your data.",
        );
    }
    let is_taken_back = report.is_taken_back();
    if let Some(rollback) = report.rollback.as_ref().filter(|rollback| is_taken_back && rollback.held) {
        let left = count(rollback.kept.len() as u64, "thing", "things");
        let what = if rollback.kept.is_empty() {
            "The migration was rolled back.".to_owned()
        } else {
            format!("The migration was rolled back, but for {left} that nothing takes back.")
        };
        add(
            Urgency::Know,
            what,
            "What follows tells of the run that was taken back. To move the records again, begin with `migr setup`.",
        );
    }
    of_maps(report, &mut add);
    if !report.finished && !is_taken_back {
        let waiting: Vec<&str> =
            report.objects.iter().filter(|object| !object.finished).map(|object| object.map.as_str()).collect();
        let what = if waiting.is_empty() {
            "The migration is not finished yet.".to_owned()
        } else {
            format!("The migration is not finished yet; still to come: {}.", waiting.join(", "))
        };
        add(Urgency::Now, what, "Run `migr run` again: it goes on where it stopped.");
    }
    verification(report, &mut add);
    if let Some(rollback) = report.rollback.as_ref().filter(|rollback| !rollback.dry_run && !rollback.held) {
        add(
            Urgency::Now,
            format!("The rollback left {} behind.", count(rollback.kept.len() as u64, "thing", "things")),
            "Each is listed with its reason; mend it by hand or run `migr rollback` again.",
        );
    }
    if report.runs.iter().any(|run| run.command.contains("--no-approval")) {
        add(
            Urgency::Know,
            "It was run without an approval.".to_owned(),
            "The sample of this plan is not signed. If that was not meant, read the sample's differences now.",
        );
    }
    let uncertain = report.uncertain();
    if uncertain > 0 && !is_taken_back {
        add(
            Urgency::Todo,
            format!(
                "{} in the destination or not, since answers were lost.",
                count(uncertain, "record may be", "records may be")
            ),
            "`migr quarantine list --reason Q502` names each: look for it there, then say `migr quarantine settle KEY --id ID`, or `--create`.",
        );
    }
    let quarantined = report.total().quarantined.saturating_sub(uncertain);
    if quarantined > 0 && !is_taken_back {
        add(
            Urgency::Todo,
            format!("{} quarantined; nothing of them was written.", were(quarantined)),
            "Mend the rows in the export or the rules in the spec, then run `migr quarantine retry`.",
        );
    }
    if !is_taken_back {
        files(report, &mut add);
    }
    orphans(report, &mut add);
    for change in report.setup.iter().filter(|change| !SetupNote::is_made(&change.outcome)) {
        add(
            Urgency::Todo,
            format!("{}: {}.", change.action, change.outcome.trim_end_matches('.')),
            "Change it in the destination, or the name in the spec; `migr setup --checklist` shows the state.",
        );
    }
    for row in report.rows.iter().filter(|row| row.state == "by_hand") {
        let reason = row.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        add(Urgency::Todo, format!("{} is to be rebuilt by hand{reason}.", row.concept), "Nothing was written for it.");
    }
    if !report.retention.is_empty() {
        add(
            Urgency::Know,
            format!("{}.", report.retention.join("; ")),
            "Nothing deletes it in the destination by itself when the time is over: set its own rule there, or a date to do it.",
        );
    }
    for workflow in &report.workflows {
        let why = workflow.reason.trim_end_matches('.');
        match workflow.kind {
            AutomationKind::Workflow => add(
                Urgency::Know,
                format!(
                    "The workflow \"{}\" of the destination was permitted to run on what is written: {why}.",
                    workflow.name
                ),
                "What it changed and made is its own: verify names the differences, a rollback lists its records.",
            ),
            AutomationKind::Webhook => add(
                Urgency::Know,
                format!(
                    "The webhook of the destination to \"{}\" was permitted to tell what is written: {why}.",
                    workflow.name
                ),
                "What was sent there is not taken back by a rollback, which is told there too.",
            ),
        }
    }
    let repairs = report.entries_of(ListName::Repairs);
    if repairs > 0 {
        add(
            Urgency::Know,
            format!(
                "Rules left out, replaced or kept {} in {}.",
                count(repairs, "value", "values"),
                count(repaired_records, "record", "records")
            ),
            "Nothing to do if the rules are what you want; each one is listed.",
        );
    }
    list.sort_by_key(|attention| attention.urgency);
    list
}

/// Maps that a rollback took back by name, while the rest of the migration stays.
fn of_maps(report: &Report, add: &mut impl FnMut(Urgency, String, &str)) {
    let Some(rollback) = report.rollback.as_ref().filter(|rollback| !rollback.dry_run && rollback.held) else { return };
    if rollback.maps.is_empty() {
        return;
    }
    let taken: u64 = rollback.steps.iter().map(|step| step.destroyed + step.restored).sum();
    let (records, maps) = (count(taken, "record", "records"), rollback.maps.join(", "));
    let were = if taken == 1 { "was" } else { "were" };
    add(
        Urgency::Know,
        format!("{records} of {maps} {were} taken back; all else stays."),
        "`migr run` moves them again, by the spec as it is then; `migr rollback` takes back the rest.",
    );
}

fn were(records: u64) -> String {
    count(records, "record was", "records were")
}

fn verification(report: &Report, add: &mut impl FnMut(Urgency, String, &str)) {
    let Some(verify) = &report.verify else {
        if report.finished {
            add(
                Urgency::Todo,
                "Nothing has been read back yet.".to_owned(),
                "Run `migr verify`: it compares every field with the export.",
            );
        }
        return;
    };
    if verify.held {
        return;
    }
    if verify.missing() > 0 {
        add(
            Urgency::Now,
            format!("{} written and cannot be found any more.", were(verify.missing())),
            "They were removed since the run, by a user or a workflow. Each is listed.",
        );
    }
    if verify.same < verify.fields {
        add(
            Urgency::Now,
            format!(
                "{} % of the fields hold what the export says: {} of {} differ.",
                percent(verify.same, verify.fields),
                verify.fields - verify.same,
                verify.fields
            ),
            "Each difference is listed. A person may have changed the record since; else report it.",
        );
    }
    for finding in &verify.findings {
        add(Urgency::Now, finding.what.clone(), "Look at it in the destination.");
    }
}

fn files(report: &Report, add: &mut impl FnMut(Urgency, String, &str)) {
    let files = &report.files;
    if files.unfit() > 0 {
        add(
            Urgency::Todo,
            format!(
                "{}.",
                count(
                    files.unfit(),
                    "file that a record names cannot be sent as it stands",
                    "files that records name cannot be sent as they stand"
                )
            ),
            "Each is listed. Put them into the export, or name the links' hosts in `fetch`; then run `migr quarantine retry`.",
        );
    }
}

fn orphans(report: &Report, add: &mut impl FnMut(Urgency, String, &str)) {
    if report.orphans.is_empty() {
        return;
    }
    let records = report.entries_of(ListName::Orphans);
    let fallback: BTreeSet<&str> = report.orphans.iter().filter_map(|orphan| orphan.assigned.as_deref()).collect();
    let to = match fallback.into_iter().collect::<Vec<_>>().as_slice() {
        [] => "they have no owner now".to_owned(),
        names => format!("they went to {}", names.join(", ")),
    };
    add(
        Urgency::Todo,
        format!(
            "{} no account in the destination; {}: {to}.",
            count(report.orphan_owners, "owner has", "owners have"),
            count(records, "record is concerned", "records are concerned")
        ),
        "Invite them and name them in `owners`, or leave the records where they are.",
    );
}
