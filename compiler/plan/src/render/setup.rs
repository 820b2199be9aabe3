//! Changes of the schema: those that setup has still to make, and those that are made.

use super::section::{Group, Section, Sign, counted};
use super::{View, field_type};
use crate::lock::LockedDestination;
use crate::{FieldType, NewOption, Picklist, Plan, SetupAction};

/// Changes that the concise form shows; few migrations make more.
const MOST_SHOWN: usize = 60;

/// Number of changes that setup has still to make.
pub(super) fn open(plan: &Plan, view: &View<'_>) -> usize {
    plan.setup.iter().filter(|action| !is_made(action, plan, view.destination)).count()
}

/// True where an audit found the change in the destination.
fn is_made(action: &SetupAction, plan: &Plan, found: Option<&LockedDestination>) -> bool {
    let Some(found) = found.filter(|found| found.name == plan.destination.name) else { return false };
    let has_all = |object: &str, field: &str, options: &[NewOption]| {
        let field = found.object(object).and_then(|object| object.field(field)).filter(|field| !field.inactive);
        field.is_some_and(|field| {
            options.iter().all(|option| field.options.iter().any(|there| there.value == option.value))
        })
    };
    match action {
        SetupAction::CreateObject { object, .. } => found.object(object).is_some_and(|object| object.active),
        SetupAction::CreateField { object, field, options, .. }
        | SetupAction::AddOptions { object, field, options, .. } => has_all(object, field, options),
    }
}

/// The section of the schema's changes.
pub(super) fn section(plan: &Plan, view: &View<'_>) -> Section {
    if plan.setup.is_empty() {
        return Section::new("Setup: the destination's schema stays as it is");
    }
    let open = open(plan, view);
    let all = plan.setup.len();
    let mut section = Section::new(if open == all {
        "Setup, before any record moves".to_owned()
    } else {
        format!("Setup, before any record moves: {open} of {all} changes are still to be made")
    });
    let mut group = Group::new(["kind", "what", "detail"], [false, true, false]);
    for action in &plan.setup {
        let is_made = is_made(action, plan, view.destination);
        if is_made && !view.full {
            continue;
        }
        let (kind, what, mut detail, origin) = words(action, &plan.picklists);
        if is_made {
            detail.push_str("; there already");
        }
        let sign = match action {
            _ if is_made => Sign::Plain,
            SetupAction::AddOptions { .. } => Sign::Tilde,
            _ => Sign::Plus,
        };
        group.row(sign, [kind.to_owned(), what, detail], Some(origin).filter(|_| view.full));
        if view.full
            && let SetupAction::CreateField { options, .. } = action
        {
            for option in options {
                group.row(sign, ["  option".to_owned(), option.value.clone(), option_words(option)], None);
            }
        }
    }
    section.groups.push(group.cut_to(MOST_SHOWN, view.full));
    section
}

/// Label and colour of an option: `"Demo done" blue`.
pub(super) fn option_words(option: &NewOption) -> String {
    let color = option.color.as_ref().map(|color| format!(" {color}")).unwrap_or_default();
    format!("\"{}\"{color}", option.label)
}

/// One change of the schema: its kind, what it concerns, the detail, and its line.
fn words<'a>(action: &'a SetupAction, tables: &[Picklist]) -> (&'static str, String, String, &'a crate::Origin) {
    let from = |picklist: &Option<String>| {
        picklist.as_ref().map_or_else(String::new, |name| format!(", and one for each further value of {name}"))
    };
    match action {
        SetupAction::CreateObject { object, plural_label, origin, .. } => {
            ("object", object.clone(), format!("\"{plural_label}\""), origin)
        }
        SetupAction::CreateField { object, field, label, ty, inverse, options, options_from, origin, .. } => {
            let inverse = inverse.as_ref().map_or_else(String::new, |inverse| format!(", other side \"{inverse}\""));
            let ty = match ty {
                FieldType::Select { .. } | FieldType::Multiselect { .. } if !options.is_empty() => {
                    format!("{} of {}", base(ty), counted(options.len(), "option"))
                }
                ty => field_type(ty),
            };
            let detail = format!("\"{label}\": {ty}{inverse}{}", from(options_from));
            ("field", format!("{object}.{field}"), detail, origin)
        }
        SetupAction::AddOptions { object, field, options, options_from, origin, .. } => {
            let words = |option: &NewOption| {
                let with = Picklist::given_with(tables, object, field, &option.value);
                format!("{} {}{with}", option.value, option_words(option))
            };
            let names: Vec<String> = options.iter().map(words).collect();
            ("options", format!("{object}.{field}"), format!("{}{}", names.join(", "), from(options_from)), origin)
        }
    }
}

fn base(ty: &FieldType) -> &'static str {
    if matches!(ty, FieldType::Multiselect { .. }) { "multiselect" } else { "select" }
}
