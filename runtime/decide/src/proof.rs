//! Proof of formats over an export: each column of numbers, amounts, days and times, and each text column that a map reads as one.

use std::collections::BTreeMap;

use migr_extract::{Export, Row};
use migr_plan::{Acceptance, ColumnType, Expr, Operator, Plan, SourceObject, Within};
use migr_transform::{FormatKind, FormatTrial, Standing, Verdict};

use crate::DecideError;
use crate::cells::is_blank;
use crate::expressions;

/// Proof of one column's format.
#[derive(Clone, Debug)]
pub struct FormatProof {
    /// The source object.
    pub object: String,
    /// The column.
    pub column: String,
    /// The file, relative to the project.
    pub file: String,
    /// The format by which it is read, as written; none where none is.
    pub format: Option<String>,
    /// Verdict of the column's values.
    pub verdict: Verdict,
    /// An entry of the spec accepts that it is contradicted or unproven.
    pub is_accepted: bool,
    /// An entry accepts fewer values than there are: `5 accepted in main.migr:9, now 12`.
    pub beyond: Option<String>,
}

impl FormatProof {
    /// True where the proof holds a run: another format reads more of the column, and no `allow` accepts that.
    pub fn holds_a_run(&self) -> bool {
        matches!(self.verdict.standing, Standing::Contradicted { .. }) && !self.is_accepted
    }

    /// In one sentence: `2 values of born do not fit …`; none where the format is proven.
    pub fn in_words(&self) -> Option<String> {
        let Verdict { filled, fits, standing } = &self.verdict;
        let own = self.format.as_ref().map_or_else(
            || "the usual format".to_owned(),
            |format| {
                // Several are written with their quotes between them.
                format!("`{}`", format.replace("\" | \"", "` | `"))
            },
        );
        match standing {
            Standing::Proven => None,
            Standing::Contradicted { other, fits: others, differs } => Some(format!(
                "{others} of {filled} values of `{}` fit `{other}`, {} do not fit {own}, and {differs} would be others",
                self.column,
                filled.saturating_sub(*fits),
            )),
            Standing::Unproven { other, differs, .. } => Some(format!(
                "{differs} of {filled} values of `{}` are others by `{other}` than by {own}, and none tells which is meant",
                self.column
            )),
        }
    }

    /// Advice on what to do about it.
    pub fn help(&self) -> Option<String> {
        match &self.verdict.standing {
            Standing::Proven => None,
            Standing::Contradicted { other, .. } => Some(format!(
                "write `format \"{other}\"`, or `allow \"contradicted-format\" on {} : \"why\"` where the values are right",
                self.column
            )),
            Standing::Unproven { other, .. } => {
                let own = self.format.as_deref().unwrap_or("1,234,567.89");
                Some(format!("write `format \"{other}\"`, or `format \"{own}\"` where that is meant"))
            }
        }
    }
}

/// Values whose readings are remembered, of all columns of an object together.
const REMEMBERED: usize = 65_536;

type Trials = BTreeMap<(usize, FormatKind, Vec<String>), Tried>;

/// A trial of a column, with what separates the values of one of its cells.
#[derive(Debug)]
struct Tried {
    trial: FormatTrial,
    split: Option<String>,
}

/// Proofs of an export, and the objects that could not be read for them, each with the reason: the formats of the others are proven all the same.
#[derive(Debug, Default)]
pub struct Proofs {
    /// Proof of each column's format.
    pub proofs: Vec<FormatProof>,
    /// Objects that could not be read.
    pub unread: Vec<(String, DecideError)>,
}

/// Reads every object that has such columns once, as far as its values can still tell something, and says what they all say together.
pub fn proofs(plan: &Plan, export: &Export) -> Proofs {
    let mut found = Proofs::default();
    for object in plan.source.objects.iter().filter(|object| !object.reference_only) {
        if export.file(&object.name).is_some()
            && let Err(error) = of_object(plan, export, object, &mut found.proofs)
        {
            found.unread.push((object.name.clone(), error));
        }
    }
    accept(plan, &mut found.proofs);
    found
}

fn of_object(
    plan: &Plan,
    export: &Export,
    object: &SourceObject,
    proofs: &mut Vec<FormatProof>,
) -> Result<(), DecideError> {
    let mut trials = trials(plan, object);
    if trials.is_empty() {
        return Ok(());
    }
    let each = REMEMBERED / trials.len();
    for tried in trials.values_mut() {
        tried.trial.remember(each);
    }
    let mut records = export.records(&object.name)?;
    let file = records.file().to_owned();
    while let Some(row) = records.next()? {
        let Row::Record(record) = row else { continue };
        let mut is_over = true;
        for ((at, ..), tried) in trials.iter_mut().filter(|(_, tried)| !tried.trial.is_proven()) {
            is_over = false;
            let cell = record.cell(*at);
            let own = object.columns.get(*at).and_then(|column| column.blank.as_ref());
            let blank = own.unwrap_or(&plan.source.blank);
            let split = tried.split.as_deref();
            // Elements of a list are values of their own.
            let elements: &mut dyn Iterator<Item = &str> = match split {
                Some(split) => &mut cell.split(split),
                None => &mut std::iter::once(cell),
            };
            for element in elements.map(str::trim).filter(|element| !is_blank(element, blank)) {
                tried.trial.add(element);
            }
        }
        if is_over {
            break;
        }
    }
    for ((at, _, formats), Tried { trial, .. }) in trials {
        let Some(column) = object.columns.get(at) else { continue };
        let verdict = trial.verdict();
        proofs.push(FormatProof {
            object: object.name.clone(),
            column: column.name.clone(),
            file: file.clone(),
            format: (!formats.is_empty()).then(|| formats.join("\" | \"")),
            is_accepted: verdict.standing == Standing::Proven,
            beyond: None,
            verdict,
        });
    }
    Ok(())
}

/// Columns by what they are read as, each with its formats.
fn trials(plan: &Plan, object: &SourceObject) -> Trials {
    let mut trials = Trials::new();
    let mut add = |at: usize, kind: FormatKind, formats: Vec<String>, pivot: Option<i16>, split: Option<String>| {
        if let Some(trial) = FormatTrial::new(kind, formats.iter().map(String::as_str), pivot) {
            trials.entry((at, kind, formats)).or_insert(Tried { trial, split });
        }
    };
    for (at, column) in object.columns.iter().enumerate() {
        let split = column.elements.map(|_| column.split.clone().unwrap_or_else(|| ";".to_owned()));
        let kind = match column.elements.unwrap_or(column.ty) {
            ColumnType::Integer => FormatKind::Integer,
            ColumnType::Number | ColumnType::Decimal => FormatKind::Number,
            ColumnType::Currency => FormatKind::Money,
            ColumnType::Date => FormatKind::Date,
            ColumnType::Datetime => FormatKind::Datetime,
            _ => continue,
        };
        add(at, kind, column.formats().map(ToOwned::to_owned).collect(), column.pivot, split);
    }
    for stage in &plan.stages {
        for expression in expressions::of_stage(stage) {
            expression.walk(&mut |part| {
                let Expr::Call { function, arguments } = part else { return };
                let kind = match function.as_str() {
                    "money" | "amount" => FormatKind::Money,
                    "integer" => FormatKind::Integer,
                    "number" | "decimal" => FormatKind::Number,
                    "date" => FormatKind::Date,
                    "datetime" => FormatKind::Datetime,
                    _ => return,
                };
                let (formats, pivot) = written(function, arguments.get(1..).unwrap_or_default());
                let Some(read) = arguments.first() else { return };
                texts_read(read, (&stage.source_object, None), &mut |of, name, split| {
                    let column = object.columns.iter().enumerate().find(|(_, column)| column.name == name);
                    let Some((at, column)) = column.filter(|_| of == object.name) else { return };
                    let split = match column.ty {
                        ColumnType::Text => split.map(ToOwned::to_owned),
                        ColumnType::TextList => Some(column.split.clone().unwrap_or_else(|| ";".to_owned())),
                        _ => return,
                    };
                    add(at, kind, formats.clone(), pivot, split.filter(|split| !split.is_empty()));
                });
            });
        }
    }
    trials
}

/// The columns whose cells an expression gives as they are, but for blanks around them, case, and which element of a list it is: each with its object and what it
/// is split by.
pub(crate) fn texts_read<'e>(
    read: &'e Expr,
    (own, split): (&'e str, Option<&'e str>),
    found: &mut dyn FnMut(&'e str, &'e str, Option<&'e str>),
) {
    match read {
        Expr::Column { name } => found(own, name, split),
        Expr::Through { target, field, .. } => found(&target.object, field, split),
        Expr::Call { function, arguments } => {
            let by = match arguments.get(1) {
                Some(Expr::Text { value }) if function == "split" => Some(value.as_str()),
                _ => split,
            };
            let is_kept = KEEPS_TEXTS.contains(&function.as_str()) || (function == "split" && by.is_some());
            if let Some(first) = arguments.first().filter(|_| is_kept) {
                texts_read(first, (own, by), found);
            }
        }
        Expr::Binary { operator: Operator::Coalesce, left, right } => {
            texts_read(left, (own, split), found);
            texts_read(right, (own, split), found);
        }
        Expr::If { then, otherwise, .. } => {
            texts_read(then, (own, split), found);
            texts_read(otherwise, (own, split), found);
        }
        Expr::Otherwise { value, .. } => texts_read(value, (own, split), found),
        _ => {}
    }
}

/// Functions that change nothing of a text by which its format would be another one.
const KEEPS_TEXTS: &[&str] =
    &["trim", "collapse", "lower", "upper", "title", "first", "rest", "nth", "unique", "flatten"];

/// The formats and the pivot that a call has.
fn written(function: &str, arguments: &[Expr]) -> (Vec<String>, Option<i16>) {
    let described = migr_plan::functions::Function::find(function);
    let argument = |name: &str| {
        let at = described?.parameters.iter().position(|parameter| parameter.name == name)?;
        arguments.get(at)
    };
    let text = |expr: &Expr| if let Expr::Text { value } = expr { Some(value.clone()) } else { None };
    let formats = match argument("format") {
        Some(Expr::List { items }) => items.iter().filter_map(text).collect(),
        Some(other) => text(other).into_iter().collect(),
        None => Vec::new(),
    };
    let pivot = match argument("pivot") {
        Some(Expr::Number { value }) => value.parse().ok(),
        _ => None,
    };
    (formats, pivot)
}

/// Marks what the entries of the spec accept, each as many values as it says.
fn accept(plan: &Plan, proofs: &mut [FormatProof]) {
    for entry in &plan.accepted {
        let mut covered: Vec<&mut FormatProof> = proofs
            .iter_mut()
            .filter(|proof| !proof.is_accepted && proof.beyond.is_none() && covers(entry, proof))
            .collect();
        let values: u64 = covered.iter().map(|proof| proof.verdict.filled).sum();
        let beyond = entry
            .max
            .filter(|max| values > *max)
            .map(|max| format!("{max} accepted in {}:{}, now {values}", entry.origin.file, entry.origin.line));
        for proof in &mut covered {
            proof.is_accepted = beyond.is_none();
            proof.beyond.clone_from(&beyond);
        }
    }
}

/// True where an entry speaks of a proof.
fn covers(entry: &Acceptance, proof: &FormatProof) -> bool {
    let names: &[&str] = match proof.verdict.standing {
        Standing::Contradicted { .. } => &["W0614", "contradicted-format"],
        Standing::Unproven { .. } => &["W0613", "unproven-format"],
        Standing::Proven => return false,
    };
    let within = match &entry.within {
        Within::Migration | Within::System { .. } => true,
        Within::Object { name, .. } => *name == proof.object,
        _ => false,
    };
    let on = entry.on.as_deref();
    within
        && names.contains(&entry.finding.as_str())
        && on.is_none_or(|on| on == proof.column || on.split_once('.') == Some((&proof.object, &proof.column)))
}
