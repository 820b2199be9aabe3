//! Conditions that no record can fulfil, and branches that none reaches.
//!
//! A condition is seen as alternatives; each alternative says of some values which cells they may be. What is not understood says nothing, so that what is
//! found never to hold never holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::PicklistOtherwise;
use migr_source::Span;
use migr_syntax::ast::{self, BinaryOperator, Expression};

use crate::catalog::Object;
use crate::expression::World;
use crate::in_order::IndexMap;
use crate::picklists::Table;
use crate::types::Type;

/// A condition with more alternatives says nothing.
const MOST: usize = 64;

/// A cell that a condition speaks of; none is the empty one.
type Cell = Option<Arc<str>>;

/// Cells that a value may be.
#[derive(Clone, Debug, PartialEq)]
enum Cells {
    Only(BTreeSet<Cell>),
    Except(BTreeSet<Cell>),
}

impl Cells {
    fn both(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(one), Self::Only(two)) => Self::Only(one.intersection(two).cloned().collect()),
            (Self::Only(one), Self::Except(two)) | (Self::Except(two), Self::Only(one)) => {
                Self::Only(one.difference(two).cloned().collect())
            }
            (Self::Except(one), Self::Except(two)) => Self::Except(one.union(two).cloned().collect()),
        }
    }

    fn contrary(&self) -> Self {
        match self {
            Self::Only(cells) => Self::Except(cells.clone()),
            Self::Except(cells) => Self::Only(cells.clone()),
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(cells) if cells.is_empty())
    }
}

/// Cells that one alternative allows for each value, by the value's expression.
type Alternative = BTreeMap<String, Cells>;

/// When a condition may hold.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    alternatives: Vec<Alternative>,
    /// True where the condition holds exactly then, and not only at most then.
    is_exact: bool,
}

impl Reach {
    /// Always.
    pub(crate) fn always() -> Self {
        Self { alternatives: vec![Alternative::new()], is_exact: true }
    }

    fn never() -> Self {
        Self { alternatives: Vec::new(), is_exact: true }
    }

    fn unknown() -> Self {
        Self { is_exact: false, ..Self::always() }
    }

    fn of(value: String, cells: Cells) -> Self {
        if cells.is_nothing() {
            return Self::never();
        }
        Self { alternatives: vec![Alternative::from([(value, cells)])], is_exact: true }
    }

    /// True where no record can fulfil the condition.
    pub(crate) fn is_never(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// True where every record fulfils the condition.
    fn is_always(&self) -> bool {
        self.is_exact && self.alternatives.iter().any(BTreeMap::is_empty)
    }

    /// When both hold.
    pub(crate) fn and(&self, other: &Self) -> Self {
        if self.alternatives.len() * other.alternatives.len() > MOST {
            return Self::unknown();
        }
        let mut alternatives = Vec::new();
        for one in &self.alternatives {
            for two in &other.alternatives {
                let mut both = one.clone();
                for (value, cells) in two {
                    let cells = both.get(value).map_or_else(|| cells.clone(), |there| there.both(cells));
                    both.insert(value.clone(), cells);
                }
                if !both.values().any(Cells::is_nothing) {
                    alternatives.push(both);
                }
            }
        }
        Self { alternatives, is_exact: self.is_exact && other.is_exact }
    }

    fn or(&self, other: &Self) -> Self {
        if self.alternatives.len() + other.alternatives.len() > MOST {
            return Self::unknown();
        }
        let alternatives = self.alternatives.iter().chain(&other.alternatives).cloned().collect();
        Self { alternatives, is_exact: self.is_exact && other.is_exact }
    }

    /// When it does not hold; unknown where it is not known exactly when it does.
    pub(crate) fn not(&self) -> Self {
        if !self.is_exact {
            return Self::unknown();
        }
        self.alternatives.iter().fold(Self::always(), |all, alternative| {
            let contrary = alternative
                .iter()
                .map(|(value, cells)| Self::of(value.clone(), cells.contrary()))
                .fold(Self::never(), |one, other| one.or(&other));
            all.and(&contrary)
        })
    }

    /// True where some record certainly can fulfil both: both are known exactly, and what is asked of one value says nothing of another.
    pub(crate) fn certainly_meets(&self, other: &Self) -> bool {
        let both = self.and(other);
        let is_free = |one: &Alternative| one.len() <= 1 || one.keys().all(|value| value.starts_with("Name("));
        both.is_exact && both.alternatives.iter().any(is_free)
    }
}

/// Object and picklists that conditions of its records are read against.
#[derive(Clone, Copy)]
pub(crate) struct Conditions<'c, 'a> {
    pub(crate) object: Option<&'c Object<'a>>,
    pub(crate) tables: &'c IndexMap<Arc<str>, Table>,
}

impl<'c, 'a> Conditions<'c, 'a> {
    /// Those of an object.
    pub(crate) fn of(object: &str, world: &'c World<'a>) -> Self {
        Self { object: world.source.objects.get(object), tables: world.tables }
    }

    /// When a condition holds.
    pub(crate) fn reach(&self, condition: &ast::Expr) -> Reach {
        match &condition.node {
            Expression::Group(inner) => self.reach(inner),
            Expression::Boolean(true) => Reach::always(),
            Expression::Boolean(false) => Reach::never(),
            Expression::Not(inner) => self.reach(inner).not(),
            Expression::Binary { operator, left, right } => match operator.node {
                BinaryOperator::And => self.reach(left).and(&self.reach(right)),
                BinaryOperator::Or => self.reach(left).or(&self.reach(right)),
                BinaryOperator::Equal => self.compared(left, right, false),
                BinaryOperator::NotEqual => self.compared(left, right, true),
                BinaryOperator::In => self.among(left, right, false),
                BinaryOperator::NotIn => self.among(left, right, true),
                _ => Reach::unknown(),
            },
            _ => Reach::unknown(),
        }
    }

    fn compared(&self, left: &ast::Expr, right: &ast::Expr, is_contrary: bool) -> Reach {
        let (left, right) = (ungrouped(left), ungrouped(right));
        match (self.literal(left, right), self.literal(right, left)) {
            (Some(one), Some(other)) if (one == other) != is_contrary => Reach::always(),
            (Some(_), Some(_)) => Reach::never(),
            (None, Some(cell)) => self.asked(left, BTreeSet::from([cell]), is_contrary),
            (Some(cell), None) => self.asked(right, BTreeSet::from([cell]), is_contrary),
            (None, None) => Reach::unknown(),
        }
    }

    fn among(&self, value: &ast::Expr, list: &ast::Expr, is_contrary: bool) -> Reach {
        let Expression::List(items) = &ungrouped(list).node else { return Reach::unknown() };
        let cells: Option<BTreeSet<Cell>> = items.iter().map(|item| self.literal(item, value)).collect();
        match cells {
            Some(cells) if self.literal(value, list).is_none() => self.asked(ungrouped(value), cells, is_contrary),
            _ => Reach::unknown(),
        }
    }

    /// A text, `none`, or an option of what it is compared with, written out.
    fn literal(&self, expr: &ast::Expr, compared: &ast::Expr) -> Option<Cell> {
        match &ungrouped(expr).node {
            Expression::None => Some(None),
            // An empty text is none.
            Expression::Text(text) => Some(Some(Arc::clone(text)).filter(|text| !text.is_empty())),
            Expression::Name(name) => {
                let is_column = self.object.is_none_or(|object| object.fields.contains_key(name));
                let gives_options = match &ungrouped(compared).node {
                    Expression::Pipe { function, .. } => self.tables.contains_key(&function.node),
                    _ => false,
                };
                (gives_options && !is_column).then(|| Some(Arc::clone(name)))
            }
            _ => None,
        }
    }

    fn asked(&self, value: &ast::Expr, cells: BTreeSet<Cell>, is_contrary: bool) -> Reach {
        let asked = if is_contrary { Cells::Except(cells) } else { Cells::Only(cells) };
        let asked = match self.possible(value) {
            Some(possible) => asked.both(&Cells::Only(possible)),
            None => asked,
        };
        Reach::of(format!("{:?}", value.node), asked)
    }

    /// Every cell that a value can be, where that is known: a column that is declared as a select, or what the rows of a picklist give.
    fn possible(&self, value: &ast::Expr) -> Option<BTreeSet<Cell>> {
        match &value.node {
            Expression::Name(name) => match &self.object?.fields.get(name)?.ty {
                Type::Select(options) => Some(options.values.iter().cloned().map(Some).chain([None]).collect()),
                _ => None,
            },
            Expression::Pipe { function, .. } => {
                let table = &self.tables.get(&function.node)?.spec;
                let mut given: BTreeSet<Cell> = table
                    .rows
                    .iter()
                    .filter_map(|row| row.values.first())
                    .map(|value| value.as_deref().map(Arc::from))
                    .chain([None])
                    .collect();
                match &table.otherwise {
                    PicklistOtherwise::Quarantine | PicklistOtherwise::Skip | PicklistOtherwise::None => {}
                    PicklistOtherwise::Use { value } => {
                        given.insert(Some(Arc::from(value.as_str())));
                    }
                    PicklistOtherwise::Create | PicklistOtherwise::UseAll { .. } => return None,
                }
                (table.fields.len() == 1).then_some(given)
            }
            _ => None,
        }
    }

    /// Says where a condition never holds, and where an `if` has a branch that nothing reaches.
    pub(crate) fn check(&self, expr: &ast::Expr, diagnostics: &mut Diagnostics) {
        each_choice(expr, &mut |choice| self.chain(choice, diagnostics));
    }

    /// `if a then … else if b then … else …`, each condition beside those before it.
    fn chain(&self, choice: &ast::Expr, diagnostics: &mut Diagnostics) {
        let mut left = Reach::always();
        let mut earlier: Vec<Span> = Vec::new();
        let mut next = Some(choice);
        while let Some(Expression::If { condition, then, otherwise }) = next.map(|expr| &ungrouped(expr).node) {
            let reach = self.reach(condition);
            if reach.is_never() {
                diagnostics
                    .push(never(condition.span, "no record fulfils this, so what stands behind `then` is never used"));
            } else if left.and(&reach).is_never() {
                let mut diagnostic =
                    never(then.span, "nothing is left for this branch: the conditions before it take it all");
                for span in &earlier {
                    diagnostic = diagnostic.with_label(*span, "taken here");
                }
                diagnostics.push(diagnostic);
            } else if reach.is_always() {
                diagnostics
                    .push(never(otherwise.span, "every record takes the branch before, so this one is never used"));
                return;
            }
            left = left.and(&reach.not());
            earlier.push(condition.span);
            next = Some(otherwise);
        }
    }
}

/// A condition or branch that is never reached.
pub(crate) fn never(span: Span, message: &str) -> Diagnostic {
    Diagnostic::new(Code::W0327, message, span, "never reached").with_help("remove it, or mend the condition")
}

fn ungrouped(expr: &ast::Expr) -> &ast::Expr {
    match &expr.node {
        Expression::Group(inner) => ungrouped(inner),
        _ => expr,
    }
}

/// Every `if` of an expression that is not the `else` of another one.
fn each_choice<'e>(expr: &'e ast::Expr, found: &mut dyn FnMut(&'e ast::Expr)) {
    match &expr.node {
        Expression::If { .. } => {
            found(expr);
            let mut next = expr;
            while let Expression::If { condition, then, otherwise } = &ungrouped(next).node {
                each_choice(condition, found);
                each_choice(then, found);
                next = otherwise;
            }
            each_choice(next, found);
        }
        other => other.each_part(&mut |part| each_choice(part, found)),
    }
}
