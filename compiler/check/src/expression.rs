//! Expressions: names resolved, types inferred, conversions written out, transforms expanded.

mod builtin;
mod call;
mod convert;
mod mentions;
mod names;
mod operator;
mod reference;

use std::collections::BTreeSet;
use std::sync::Arc;

use migr_diagnostics::{Applicability, Code, Diagnostic, Diagnostics, Edit, Fix};
use migr_plan::{Expr, OnMissing};
use migr_source::Span;
use migr_syntax::ast::{self, Expression, TemplatePart};

use crate::catalog::{Catalog, Object};
use crate::errors;
use crate::in_order::{IndexMap, IndexSet};
use crate::picklists::Table;
use crate::schema::Schema;
pub(crate) use convert::unknown_part;
pub(crate) use mentions::mark;
pub(crate) use names::needs_permit;

use crate::types::{Key, KeyTarget, Options, Type};

/// A transform may expand to so many nodes, and use transforms so deep.
const MOST_NODES: usize = 20_000;
/// Nodes that transforms may add to all expressions together.
const MOST_EXPANDED: usize = 1_000_000;
const DEEPEST: usize = 64;

/// Context that expressions are checked against; the same for the whole program.
pub(crate) struct World<'a> {
    pub(crate) source: &'a Catalog<'a>,
    pub(crate) schema: &'a Schema<'a>,
    pub(crate) tables: &'a IndexMap<Arc<str>, Table>,
    pub(crate) transforms: &'a IndexMap<Arc<str>, &'a ast::Transform>,
    pub(crate) makers: Makers<'a>,
    pub(crate) owners: Option<OwnersLink>,
    /// Objects with a `permit`.
    pub(crate) permits: BTreeSet<Arc<str>>,
    /// The destination's version, where its settings name one.
    pub(crate) version: Option<u32>,
    /// The migration names a time zone.
    pub(crate) has_zone: bool,
    /// Something could not be read, so what seems to be missing may stand there.
    pub(crate) is_broken: bool,
}

/// Which maps make records of what.
#[derive(Default)]
pub(crate) struct Makers<'a> {
    pub(crate) by_source: IndexMap<Arc<str>, Vec<Maker>>,
    pub(crate) by_destination: IndexMap<Arc<str>, Vec<Maker>>,
    pub(crate) distinct: IndexMap<Arc<str>, DistinctMaker<'a>>,
}

impl Makers<'_> {
    /// Maps whose records are known by a name.
    pub(crate) fn count(&self, id: &str) -> usize {
        let plain = self.by_destination.values().flatten().filter(|maker| &*maker.map == id).count();
        plain + self.distinct.values().filter(|maker| &*maker.map == id).count()
    }
}

/// One map.
#[derive(Clone)]
pub(crate) struct Maker {
    /// The name by which its records are known: the one that it had first.
    pub(crate) map: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) destination: Arc<str>,
}

/// A `map distinct`.
pub(crate) struct DistinctMaker<'a> {
    /// The name by which its records are known.
    pub(crate) map: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) destination: Arc<str>,
    pub(crate) value: &'a ast::Expr,
}

/// The two sides of `owners`.
pub(crate) struct OwnersLink {
    pub(crate) source_object: Arc<str>,
    pub(crate) source_column: Arc<str>,
    pub(crate) destination_object: Arc<str>,
}

/// Meaning of names at a place.
#[derive(Clone, Default)]
pub(crate) struct Scope<'a> {
    /// The object whose columns are names.
    pub(crate) object: Option<&'a Object<'a>>,
    /// The object was not found (reported), so any name may be a column of it.
    pub(crate) is_unknown: bool,
    /// `value` is the distinct value.
    pub(crate) is_distinct: bool,
    /// A test's expectations: no columns, and `companies("K3")` is a record.
    pub(crate) is_test: bool,
    /// A transform's parameters.
    pub(crate) parameters: Vec<(Arc<str>, Typed)>,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
    /// True where the expression can fail for some record.
    pub(crate) can_fail: bool,
}

impl Typed {
    pub(crate) fn new(expr: Expr, ty: Type) -> Self {
        Self { expr, ty, can_fail: false }
    }

    fn or_fails(mut self, can_fail: bool) -> Self {
        self.can_fail |= can_fail;
        self
    }

    /// Sandbox for an expression that is already reported.
    pub(crate) fn unknown() -> Self {
        Self::new(Expr::None, Type::Unknown)
    }
}

/// Columns and records that one expression reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Columns of the record itself.
    pub(crate) own: BTreeSet<Arc<str>>,
    pub(crate) is_sensitive: bool,
    /// True where the expression refers to a record of the destination.
    pub(crate) refers: bool,
}

/// Columns, objects and names that the whole program uses.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) columns: IndexSet<(Arc<str>, Arc<str>)>,
    /// Fields read through a reference.
    pub(crate) through: IndexSet<(Arc<str>, Arc<str>)>,
    /// Objects whose fields are read through a reference.
    pub(crate) objects: IndexSet<Arc<str>>,
    pub(crate) tables: IndexSet<Arc<str>>,
    /// Inputs that flow into each picklist of one input: the options of a column that is declared as a select, or anything.
    pub(crate) fed: IndexMap<Arc<str>, Vec<Option<Arc<Options>>>>,
    pub(crate) transforms: IndexSet<Arc<str>>,
    /// Nodes that transforms added to expressions so far.
    expanded: usize,
    /// Restricted things already reported.
    pub(crate) unpermitted: IndexSet<Arc<str>>,
}

/// Checks expressions of one scope.
pub(crate) struct Inference<'w, 'a> {
    pub(crate) world: &'w World<'a>,
    pub(crate) scope: Scope<'w>,
    pub(crate) usage: &'w mut Usage,
    pub(crate) diagnostics: &'w mut Diagnostics,
    pub(crate) reads: Reads,
    /// Policy of this expression's references where the record is not there.
    pub(crate) on_missing: OnMissing,
    /// The field that the value is for, and its type: the other end of a contradiction.
    pub(crate) target: Option<(Span, Type)>,
    /// A rule says what becomes of a failure.
    pub(crate) is_ruled: bool,
    /// Number of findings before this expression, or before the entry that it stands in.
    pub(crate) found_before: usize,
    expanding: Vec<Arc<str>>,
    nodes: usize,
}

impl<'w, 'a> Inference<'w, 'a> {
    pub(crate) fn new(
        world: &'w World<'a>,
        scope: Scope<'w>,
        usage: &'w mut Usage,
        diagnostics: &'w mut Diagnostics,
    ) -> Self {
        let found_before = diagnostics.items().len();
        Self {
            world,
            scope,
            usage,
            diagnostics,
            reads: Reads::default(),
            on_missing: OnMissing::default(),
            target: None,
            is_ruled: false,
            found_before,
            expanding: Vec::new(),
            nodes: 0,
        }
    }

    /// The columns read so far, sorted, and forgets them.
    pub(crate) fn take_reads(&mut self) -> Reads {
        self.nodes = 0;
        std::mem::take(&mut self.reads)
    }

    /// True where the expression grew beyond what a plan should hold; reported once.
    fn is_too_large(&mut self, by: usize, span: Span) -> bool {
        let was_too_large = self.nodes >= MOST_NODES;
        self.nodes = self.nodes.saturating_add(by);
        if !self.expanding.is_empty() {
            self.usage.expanded = self.usage.expanded.saturating_add(by);
            if self.usage.expanded > MOST_EXPANDED {
                self.nodes = self.nodes.max(MOST_NODES);
            }
        }
        if self.nodes >= MOST_NODES && !was_too_large {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0109,
                    "this expression is too large once its transforms are written out",
                    span,
                    "too large",
                )
                .with_help("use fewer transforms inside each other"),
            );
        }
        self.nodes >= MOST_NODES
    }

    /// The expression with the type it has by itself.
    pub(crate) fn infer(&mut self, expr: &ast::Expr) -> Typed {
        if self.is_too_large(1, expr.span) {
            return Typed::unknown();
        }
        match &expr.node {
            Expression::None => Typed::new(Expr::None, Type::None),
            Expression::Default => {
                self.diagnostics.push(
                    Diagnostic::new(Code::E0303, "`default` stands alone", expr.span, "inside an expression")
                        .with_help("write `field = default`, or leave the field out"),
                );
                Typed::unknown()
            }
            Expression::Boolean(value) => Typed::new(Expr::Boolean { value: *value }, Type::Boolean),
            Expression::Number(number) => {
                let ty = if number.contains('.') { Type::Decimal } else { Type::Integer };
                if is_too_large(number) {
                    let help = "a whole number has at most 18 digits, a decimal 28; a longer one is a text, in quotes";
                    self.diagnostics.push(errors::bad_value(
                        "this number is too large to be computed with",
                        expr.span,
                        help,
                    ));
                    return Typed::unknown();
                }
                Typed::new(Expr::Number { value: number.to_string() }, ty)
            }
            Expression::Quantity(_) => {
                self.diagnostics.push(errors::bad_value(
                    "a number with a unit is a setting, not a value of a record",
                    expr.span,
                    "write the number alone",
                ));
                Typed::unknown()
            }
            Expression::Text(text) => Typed::new(Expr::Text { value: text.to_string() }, Type::Text),
            Expression::Template(parts) => self.template(parts),
            Expression::Name(name) => self.name(name, expr.span),
            Expression::Field { base, name } => self.field(base, name, expr.span),
            Expression::Call { function, arguments } => self.call(function, arguments, expr.span),
            Expression::Pipe { input, function, arguments } => {
                let typed = self.infer(input);
                self.apply(function, typed, input.span, arguments, expr.span)
            }
            Expression::Binary { operator, left, right } => self.binary(operator, left, right),
            Expression::Not(inner) => {
                let inner = self.against(inner, &Type::Boolean);
                let can_fail = inner.can_fail;
                Typed::new(Expr::Not { value: Box::new(inner.expr) }, Type::Boolean).or_fails(can_fail)
            }
            Expression::If { condition, then, otherwise } => self.infer_if(condition, then, otherwise),
            Expression::Record(fields) => self.record(fields),
            Expression::List(items) => self.infer_list(items),
            Expression::Tuple(items) => {
                let items: Vec<Typed> = items.iter().map(|item| self.infer(item)).collect();
                let can_fail = items.iter().any(|item| item.can_fail);
                let (items, types) = items.into_iter().map(|item| (item.expr, item.ty)).unzip();
                Typed::new(Expr::Tuple { items }, Type::Tuple(types)).or_fails(can_fail)
            }
            Expression::Group(inner) => self.infer(inner),
            Expression::Existing { object, arguments } => self.existing(object, arguments),
            Expression::Otherwise { value, recovery } => self.infer_otherwise(value, recovery),
            Expression::Error => Typed::unknown(),
        }
    }

    fn template(&mut self, parts: &[TemplatePart]) -> Typed {
        let mut exprs = Vec::new();
        let mut can_fail = false;
        for part in parts {
            match part {
                TemplatePart::Text(text) => exprs.push(Expr::Text { value: text.node.to_string() }),
                TemplatePart::Hole(hole) if self.is_of_pattern(exprs.last(), hole) => {
                    self.diagnostics.push(brace_of_pattern(hole));
                    return Typed::unknown();
                }
                TemplatePart::Hole(hole) => {
                    self.sign_before(exprs.last(), hole);
                    let typed = self.against(hole, &Type::Text);
                    can_fail |= typed.can_fail;
                    exprs.push(typed.expr);
                }
            }
        }
        Typed::new(Expr::Template { parts: exprs }, Type::Text).or_fails(can_fail)
    }

    /// True where a hole is no value but the class of a pattern, as in `"\\p{L}"`: nothing has its name.
    fn is_of_pattern(&self, before: Option<&Expr>, hole: &ast::Expr) -> bool {
        let Some(Expr::Text { value }) = before else { return false };
        let Expression::Name(name) = &hole.node else { return false };
        let is_known = self.scope.parameters.iter().any(|(parameter, _)| parameter == name)
            || self.scope.object.is_some_and(|object| object.fields.contains_key(name));
        !is_known && ["\\p", "\\P", "\\x", "\\u"].iter().any(|sign| value.ends_with(sign))
    }

    /// A warning of `$` before a hole, which other languages write and this one shows.
    fn sign_before(&mut self, before: Option<&Expr>, hole: &ast::Expr) {
        let Some(Expr::Text { value }) = before else { return };
        // Blanks within the braces would hide where the sign stands.
        let sign =
            Span { start: hole.span.start.saturating_sub(2), end: hole.span.start.saturating_sub(1), ..hole.span };
        if value.ends_with('$') {
            self.diagnostics.push(
                Diagnostic::new(Code::W0340, "`$` stands in this text before a value", sign, "part of the text")
                    .with_help("leave out the `$`: `{…}` alone is the value")
                    .with_fix(Fix {
                        title: "leave out the `$`".to_owned(),
                        edits: vec![Edit { span: sign, text: String::new() }],
                        applicability: Applicability::Unsafe,
                    }),
            );
        }
    }

    /// A record by itself; into a composite it goes through [`Inference::against`].
    fn record(&mut self, fields: &[ast::RecordField]) -> Typed {
        let mut parts = Vec::new();
        let mut types = Vec::new();
        let mut can_fail = false;
        for field in fields {
            let value = self.infer(&field.value);
            let Some(name) = field.path.node.first() else { continue };
            can_fail |= value.can_fail;
            types.push((Arc::clone(&name.node), value.ty));
            parts.push(migr_plan::NamedExpr { name: name.node.to_string(), value: value.expr });
        }
        Typed::new(Expr::Record { fields: parts }, Type::Parts(types)).or_fails(can_fail)
    }

    fn infer_list(&mut self, items: &[ast::Expr]) -> Typed {
        let mut of = Type::None;
        let mut exprs = Vec::new();
        let mut can_fail = false;
        for item in items {
            let typed = self.infer(item);
            can_fail |= typed.can_fail;
            if let Some(ty) = operator::unify(&of, &typed.ty) {
                of = ty;
            } else {
                let (wanted, found) = (of.to_string(), typed.ty.to_string());
                let diagnostic = errors::type_mismatch(&wanted, &found, item.span);
                self.diagnostics.push(diagnostic.with_help("elements of a list have one type"));
            }
            exprs.push(typed.expr);
        }
        Typed::new(Expr::List { items: exprs }, Type::list(of)).or_fails(can_fail)
    }
}

/// Relation to the objects that a `many` field may link.
pub(crate) fn linked_objects(world: &World<'_>, many: &crate::types::Many) -> Type {
    let mut objects: Vec<Arc<str>> = Vec::new();
    for object in &many.objects {
        if &**object == crate::catalog::CUSTOM {
            let new = world.schema.objects.values().filter(|object| object.is_new);
            objects.extend(new.map(|object| Arc::clone(&object.name)));
        } else {
            objects.push(Arc::clone(object));
        }
    }
    let target = |object| KeyTarget { object, column: None, ignore_case: false, ignore_space: false };
    Type::Key(Arc::new(Key { targets: objects.into_iter().map(target).collect(), by: None }))
}

/// True for a number of more digits than the runtime computes with.
fn is_too_large(number: &str) -> bool {
    let digits = number.trim_start_matches('-').trim_start_matches('0').bytes().filter(u8::is_ascii_digit).count();
    digits > if number.contains('.') { 28 } else { 18 }
}

/// A class of a pattern, whose brace is taken for the beginning of a value.
fn brace_of_pattern(hole: &ast::Expr) -> Diagnostic {
    let brace = Span { start: hole.span.start.saturating_sub(1), end: hole.span.start, ..hole.span };
    Diagnostic::new(Code::E0304, "`{` begins a value in this text, and no column has its name", brace, "begins a value")
        .with_help("write `\\{` for a brace that means itself, as in a pattern")
        .with_fix(Fix {
            title: "write `\\{`".to_owned(),
            edits: vec![Edit { span: brace, text: "\\{".to_owned() }],
            applicability: Applicability::Unsafe,
        })
}
