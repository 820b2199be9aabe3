//! Needs of a plan: the look-ups that it makes, and the columns that it uses.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use migr_plan::{ColumnType, Expr, FieldType, OnMissing, Plan, Recovery, ReferenceTarget, SourceObject};

use migr_decide::cells::compared;

/// Way in which records of an object are found by others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LookupSpec {
    /// The source object.
    pub(crate) object: String,
    /// The column that is compared; none: its key.
    pub(crate) column: Option<String>,
    /// Compared without regard to case.
    pub(crate) ignore_case: bool,
    /// Compared with runs of blanks as one.
    pub(crate) ignore_space: bool,
}

impl LookupSpec {
    pub(crate) fn of(target: &ReferenceTarget) -> Self {
        Self {
            object: target.object.clone(),
            column: target.column.clone(),
            ignore_case: target.ignore_case,
            ignore_space: target.ignore_space,
        }
    }

    /// The same, compared without regard to case, as addresses of owners are.
    pub(crate) fn folded(&self) -> Self {
        Self { ignore_case: true, ..self.clone() }
    }

    /// The form in which keys are compared.
    pub(crate) fn compared<'k>(&self, key: &'k str) -> Cow<'k, str> {
        compared(key, self.ignore_case, self.ignore_space)
    }
}

/// Use of a column, which decides how bad it is that a cell cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// By nothing.
    #[default]
    Unused,
    /// Every use has a rule for failure.
    Lenient,
    /// A failure quarantines the record.
    Strict,
}

/// Needs of a plan from its source, gathered once.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Every look-up, with the columns that are read through it.
    pub(crate) lookups: BTreeMap<LookupSpec, BTreeSet<String>>,
    /// Stages that records are asked of, by id.
    pub(crate) referred_stages: BTreeSet<String>,
    uses: BTreeMap<(String, String), Use>,
    compared: BTreeSet<(String, String)>,
    decided: BTreeSet<(String, String)>,
}

impl Needs {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut needs = Self::default();
        for object in &plan.source.objects {
            for column in &object.key {
                needs.uses(&object.name, column, Use::Strict);
            }
            let conditions = object.checks.iter().map(|check| &check.condition);
            for condition in conditions.chain(object.skips.iter().map(|skip| &skip.condition)) {
                needs.walk(&object.name, condition, Use::Strict);
                needs.compares(&object.name, condition);
            }
            needs.columns(plan, object);
        }
        for stage in &plan.stages {
            let object = stage.source_object.as_str();
            if let Some(when) = &stage.when {
                needs.walk(object, when, Use::Strict);
                needs.compares(object, when);
            }
            if let Some(distinct) = &stage.distinct {
                needs.walk(object, &distinct.value, Use::Strict);
            }
            for field in &stage.fields {
                needs.walk(object, &field.value, Use::Strict);
                if let Some(name) = &field.file_name {
                    needs.walk(object, name, Use::Strict);
                }
                if matches!(field.ty, FieldType::Select { .. } | FieldType::Multiselect { .. }) {
                    needs.compares(object, &field.value);
                }
            }
            for link in &stage.links {
                needs.walk(object, &link.value, lenient(link.on_missing, Use::Strict));
            }
        }
        needs.owners(plan);
        needs
    }

    /// Use of a column.
    pub(crate) fn used(&self, object: &str, column: &str) -> Use {
        self.uses.get(&(object.to_owned(), column.to_owned())).copied().unwrap_or_default()
    }

    /// True where the spec compares a column's values with written ones.
    pub(crate) fn is_compared(&self, object: &str, column: &str) -> bool {
        self.compared.contains(&(object.to_owned(), column.to_owned()))
    }

    /// True where a picklist has rows for a column's values: they are words of the spec, whatever the column refers to.
    pub(crate) fn is_decided(&self, object: &str, column: &str) -> bool {
        self.decided.contains(&(object.to_owned(), column.to_owned()))
    }

    /// Look-ups of the owners by their address, and by whatever refers to them: who owns records and is no user is told however the owner is named.
    fn owners(&mut self, plan: &Plan) {
        let Some(owners) = &plan.owners else { return };
        let named: Vec<LookupSpec> =
            self.lookups.keys().filter(|spec| spec.object == owners.source_object).cloned().collect();
        let Some(first) = named.first() else { return };
        let by_address =
            LookupSpec { column: Some(owners.source_column.clone()), ignore_space: false, ..first.clone() };
        for spec in named.iter().chain([&by_address]) {
            self.lookups.entry(spec.folded()).or_default();
        }
    }

    /// The look-ups of an object's columns by what they refer to, whether the plan uses them or not.
    fn columns(&mut self, plan: &Plan, object: &SourceObject) {
        for column in &object.columns {
            let Some(reference) = &column.reference else { continue };
            for target in &reference.objects {
                let spec = column_lookup(plan, column, target, reference.column.as_deref());
                self.lookups.entry(spec).or_default();
            }
            if let Some(by) = &reference.by {
                self.compared.insert((object.name.clone(), by.column.clone()));
            }
        }
    }

    fn uses(&mut self, object: &str, column: &str, how: Use) {
        let known = self.uses.entry((object.to_owned(), column.to_owned())).or_default();
        *known = (*known).max(how);
    }

    fn lookup(&mut self, target: &ReferenceTarget) -> &mut BTreeSet<String> {
        self.referred_stages.extend(target.stages.iter().cloned());
        self.lookups.entry(LookupSpec::of(target)).or_default()
    }

    fn walk(&mut self, object: &str, expr: &Expr, how: Use) {
        match expr {
            Expr::Column { name } => self.uses(object, name, how),
            Expr::Through { key, target, field, .. } => {
                self.lookup(target).insert(field.clone());
                self.uses(&target.object, field, how);
                self.walk(object, key, how);
            }
            Expr::Picklist { inputs, .. } => {
                for input in inputs {
                    self.walk(object, input, how);
                    self.compares(object, input);
                    if let Expr::Column { name } = input {
                        self.decided.insert((object.to_owned(), name.clone()));
                    }
                }
            }
            Expr::Reference { key, targets, by, on_missing } => {
                for target in targets {
                    self.lookup(target);
                }
                if let Some(by) = by {
                    self.uses(object, &by.column, how);
                    self.compared.insert((object.to_owned(), by.column.clone()));
                }
                self.walk(object, key, lenient(*on_missing, how));
            }
            Expr::Owner { key, target, .. } => {
                self.lookup(target);
                self.walk(object, key, Use::Lenient);
            }
            Expr::Otherwise { value, recovery } => {
                let inside = match recovery {
                    Recovery::Quarantine => how,
                    Recovery::Skip | Recovery::Use { .. } => Use::Lenient,
                };
                self.walk(object, value, inside);
                if let Recovery::Use { value } = recovery {
                    self.walk(object, value, how);
                }
            }
            _ => {
                for part in parts(expr) {
                    self.walk(object, part, how);
                }
            }
        }
    }

    /// Every column in an expression is compared with written values.
    fn compares(&mut self, object: &str, expr: &Expr) {
        match expr {
            Expr::Column { name } => {
                self.compared.insert((object.to_owned(), name.clone()));
            }
            Expr::Through { target, field, .. } => {
                self.compared.insert((target.object.clone(), field.clone()));
            }
            _ => {
                for part in parts(expr) {
                    self.compares(object, part);
                }
            }
        }
    }
}

/// The look-up that a column's own declaration names.
pub(crate) fn column_lookup(
    plan: &Plan,
    column: &migr_plan::SourceColumn,
    target: &str,
    by: Option<&str>,
) -> LookupSpec {
    let compared = by.and_then(|by| plan.source_object(target)?.column(by));
    LookupSpec {
        object: target.to_owned(),
        column: by.map(ToOwned::to_owned),
        ignore_case: column.ignore_case || compared.is_some_and(|compared| compared.ignore_case),
        ignore_space: column.ignore_space || compared.is_some_and(|compared| compared.ignore_space),
    }
}

fn lenient(on_missing: OnMissing, how: Use) -> Use {
    match on_missing {
        OnMissing::Quarantine => how,
        OnMissing::None | OnMissing::Skip => Use::Lenient,
    }
}

/// The expressions that an expression is made of.
pub(crate) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::None
        | Expr::Default
        | Expr::Boolean { .. }
        | Expr::Number { .. }
        | Expr::Text { .. }
        | Expr::Option { .. }
        | Expr::Column { .. }
        | Expr::DistinctValue => Vec::new(),
        Expr::Through { key, .. } | Expr::Reference { key, .. } | Expr::Owner { key, .. } => vec![key],
        Expr::Call { arguments: items, .. }
        | Expr::List { items }
        | Expr::Tuple { items }
        | Expr::Template { parts: items }
        | Expr::Picklist { inputs: items, .. } => items.iter().collect(),
        Expr::Binary { left, right, .. } => vec![left, right],
        Expr::Not { value } | Expr::Convert { value, .. } => vec![value],
        Expr::If { condition, then, otherwise } => vec![condition, then, otherwise],
        Expr::Record { fields } | Expr::Existing { fields, .. } => fields.iter().map(|field| &field.value).collect(),
        Expr::Otherwise { value, recovery } => match recovery {
            Recovery::Use { value: other } => vec![value, other],
            Recovery::Quarantine | Recovery::Skip => vec![value],
        },
    }
}

/// True where an expression has a part of some kind.
pub(crate) fn has(expr: &Expr, is: &dyn Fn(&Expr) -> bool) -> bool {
    is(expr) || parts(expr).into_iter().any(|part| has(part, is))
}

/// The columns of the record itself that an expression reads, sorted.
pub(crate) fn columns_read(expr: &Expr) -> BTreeSet<&str> {
    let mut read = BTreeSet::new();
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::Column { name } => {
                read.insert(name.as_str());
            }
            Expr::Reference { by: Some(by), .. } => {
                read.insert(by.column.as_str());
            }
            _ => {}
        }
        rest.extend(parts(expr));
    }
    read
}

/// True where the values of a column may be written out: short texts that are no address, number or reference.
pub(crate) fn may_be_listed(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::Text | ColumnType::TextList | ColumnType::Boolean)
}
