//! Maps in their order: which records, how they are told apart, what is done where one is there, and every field.

use migr_escape::columns;

use super::section::{Group, Section, Sign, counted, place};
use super::{View, creation, expression, field_type, heading, mapped, second_calls};
use crate::{
    CyclePolicy, DeletedPolicy, DuplicatePolicy, EmptyPolicy, ExistingPolicy, FieldMapping, OnMissing, OutsidePolicy,
    Plan, RollbackClass, Stage, TakenPolicy, UnidentifiedPolicy,
};

/// The section of the maps.
pub(super) fn section(plan: &Plan, view: &View<'_>) -> Section {
    let mut section = Section::new("Stages, in this order");
    let width = plan.stages.iter().map(|stage| columns(&heading(stage))).max().unwrap_or(0).min(40);
    let mut told: Vec<&str> = Vec::new();
    for (at, stage) in plan.stages.iter().enumerate() {
        // What a rollback leaves is often the same of many maps: the concise form says it once.
        let reason = stage.rollback.reason.as_deref().filter(|reason| view.full || !told.contains(reason));
        told.extend(reason);
        section.groups.push(group(at + 1, stage, reason, width, view));
    }
    section
}

fn group(number: usize, stage: &Stage, reason: Option<&str>, width: usize, view: &View<'_>) -> Group {
    let links =
        if stage.links.is_empty() { String::new() } else { format!(", {}", counted(stage.links.len(), "link")) };
    let class = match (&stage.rollback.reason, reason) {
        (Some(_), Some(_)) => String::new(),
        (Some(_), None) => format!("; rollback {}, as above", rollback(stage)),
        (None, _) => format!("; rollback {}", rollback(stage)),
    };
    let beside = format!("{}{links}{class}", counted(stage.fields.len(), "field"));
    let mut group = Group::new(["field", "type", "value"], [true, false, true])
        .under(format!("{number:>2}. {:<width$}", heading(stage)), beside);
    if let Some(description) = stage.description.as_ref().filter(|_| view.full) {
        group.note(description.replace('\n', " "));
    }
    if let Some(formerly) = &stage.formerly {
        group.note(format!("formerly {formerly}: its records keep their identity"));
    }
    if let Some(when) = &stage.when {
        group.note(format!("when {}", expression(when)));
    }
    if let Some(distinct) = &stage.distinct {
        let same = match distinct.same.len() {
            0 => String::new(),
            count => format!("; {} of spellings count as one", counted(count, "set")),
        };
        group.note(format!("one record for each distinct {}{same}", expression(&distinct.value)));
        for same in distinct.same.iter().filter(|_| view.full) {
            group.note(format!("same {:?} = {}", same.canonical, quoted(&same.variants)));
        }
    }
    group.notes.extend(identity(stage, view.full));
    for edge in &stage.edges {
        let after = if edge.deferred { "deferred".to_owned() } else { format!("after {}", edge.on) };
        group.note(format!("{after}: {} ({})", edge.reason, place(&edge.origin)));
    }
    for deferred in stage.deferred.iter().filter(|_| view.full) {
        group.note(format!("deferred {}: {}", deferred.field, deferred.reason));
    }
    for call in second_calls(stage) {
        group.note(call);
    }
    if let Some(there) = &stage.there {
        group.note(there.in_words());
    }
    if let Some(reason) = reason {
        group.note(format!("rollback {}: {reason}", rollback(stage)));
    }
    if let Some(label) = &stage.association {
        group.note(format!("each record is an association \"{label}\""));
    }
    if let Some(creation) = creation(stage).filter(|_| view.full) {
        group.note(creation);
    }
    if view.full {
        rows(stage, &mut group);
    }
    group
}

/// Identity and policies: how a record is recognised, and what is done in each known case. The concise form leaves out what is as always.
fn identity(stage: &Stage, full: bool) -> Option<String> {
    let policies = &stage.policies;
    let mut words = Vec::new();
    match &stage.matching {
        Some(matching) => {
            words.push(format!("match {}", matching.fields.join(if matching.all { " and " } else { ", or " })));
        }
        None if full => words.push("no match: only a record that migr wrote is recognised".to_owned()),
        None => {}
    }
    let mut say = |is_usual: bool, text: String| {
        if full || !is_usual {
            words.push(text);
        }
    };
    say(
        stage.matching.is_none() && policies.existing == ExistingPolicy::default(),
        format!("on existing {}", existing(policies.existing)),
    );
    let duplicate_is_usual = policies.duplicate == DuplicatePolicy::default();
    say(duplicate_is_usual, format!("on duplicate {}", policies.duplicate));
    say(policies.deleted == DeletedPolicy::default(), format!("on deleted {}", deleted(policies.deleted)));
    say(policies.cycle == CyclePolicy::default(), format!("on cycle {}", cycle(policies.cycle)));
    let unidentified_is_usual = policies.unidentified == UnidentifiedPolicy::default();
    say(unidentified_is_usual, format!("on unidentified {}", unidentified(policies.unidentified)));
    (!words.is_empty()).then(|| words.join("; "))
}

fn existing(policy: ExistingPolicy) -> &'static str {
    match policy {
        ExistingPolicy::Fill => "fill",
        ExistingPolicy::Update => "update",
        ExistingPolicy::Skip => "skip",
        ExistingPolicy::Quarantine => "quarantine",
    }
}

fn deleted(policy: DeletedPolicy) -> &'static str {
    match policy {
        DeletedPolicy::Quarantine => "quarantine",
        DeletedPolicy::Restore => "restore",
        DeletedPolicy::Destroy => "destroy",
    }
}

fn cycle(policy: CyclePolicy) -> &'static str {
    match policy {
        CyclePolicy::Cut => "cut",
        CyclePolicy::Quarantine => "quarantine",
    }
}

fn unidentified(policy: UnidentifiedPolicy) -> &'static str {
    match policy {
        UnidentifiedPolicy::Create => "create",
        UnidentifiedPolicy::Skip => "skip",
        UnidentifiedPolicy::Quarantine => "quarantine",
    }
}

/// `exact`, `best effort`, `not possible`.
fn rollback(stage: &Stage) -> &'static str {
    match stage.rollback.class {
        RollbackClass::Exact => "exact",
        RollbackClass::BestEffort => "best effort",
        RollbackClass::Irreversible => "not possible",
    }
}

/// Every field and link with the expression that fills it, and the columns that are dropped.
fn rows(stage: &Stage, group: &mut Group) {
    for field in &stage.fields {
        let sign = if field.is_new { Sign::Plus } else { Sign::Plain };
        let ty = format!("{}{}", if field.is_new { "new " } else { "" }, field_type(&field.ty));
        let value = format!("{}{}", mapped(field), traits(field));
        group.row(sign, [field.field.clone(), ty, value], Some(&field.origin));
    }
    for link in &stage.links {
        let missing = match link.on_missing {
            OnMissing::Quarantine => "",
            OnMissing::None => " on missing none",
            OnMissing::Skip => " on missing skip",
        };
        let value = format!("{}{missing}", expression(&link.value));
        group.row(Sign::Plain, [link.field.clone(), format!("through {}", link.through), value], Some(&link.origin));
    }
    for dropped in &stage.dropped {
        let cells = [format!("drop {}", dropped.column), String::new(), dropped.reason.clone()];
        group.row(Sign::Minus, cells, Some(&dropped.origin));
    }
}

/// Policies and traits of a field, behind its value.
fn traits(field: &FieldMapping) -> String {
    let mut words = Vec::new();
    let mut policies = |part: &str, empty: EmptyPolicy, taken: TakenPolicy| {
        let part = if part.is_empty() { String::new() } else { format!("{part}: ") };
        match empty {
            EmptyPolicy::Keep => {}
            EmptyPolicy::Clear => words.push(format!("{part}on empty clear")),
            EmptyPolicy::Quarantine => words.push(format!("{part}on empty quarantine")),
        }
        match taken {
            TakenPolicy::Quarantine => {}
            TakenPolicy::None => words.push(format!("{part}on taken none")),
            TakenPolicy::Skip => words.push(format!("{part}on taken skip")),
        }
    };
    policies("", field.on_empty, field.on_taken);
    for part in &field.parts {
        policies(&part.part, part.on_empty, part.on_taken);
    }
    for (is, word) in [
        (field.on_outside == OutsidePolicy::None, "on outside none"),
        (field.on_outside == OutsidePolicy::First, "on outside first"),
        (field.deferred, "deferred"),
        (field.create_only, "at creation only"),
        (field.required, "required"),
        (field.sensitive, "sensitive"),
    ] {
        if is {
            words.push(word.to_owned());
        }
    }
    if let Some(unique) = &field.unique {
        words.push(if *unique == field.field { "unique".to_owned() } else { format!("unique {unique}") });
    }
    if words.is_empty() { String::new() } else { format!("  // {}", words.join(", ")) }
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" | ")
}
