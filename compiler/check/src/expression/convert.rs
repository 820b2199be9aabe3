//! Conversions into a wanted type, and findings for types that do not meet.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{Expr, NamedExpr, Recovery};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{self, BinaryOperator, Expression};

use super::operator::{binary, choose};
use super::{Inference, Typed, Usage, linked_objects};
use crate::catalog::types::key_to;
use crate::errors;
use crate::types::{Composite, Labelled, Options, Type};

impl Inference<'_, '_> {
    /// The expression as a value of a type: conversions are pushed to where the values are, so that each is converted once and a failure is met by
    /// the `otherwise` beside it.
    pub(crate) fn against(&mut self, expr: &ast::Expr, wanted: &Type) -> Typed {
        if self.is_too_large(1, expr.span) {
            return Typed::unknown();
        }
        match (&expr.node, wanted) {
            (Expression::Group(inner), _) => self.against(inner, wanted),
            (Expression::Name(name), Type::Select(options) | Type::Multiselect(options)) if self.is_option(name) => {
                self.option(name, options, expr.span)
            }
            (Expression::Text(text), Type::Select(options)) => self.option(text, options, expr.span),
            (Expression::Binary { operator, left, right }, _) if operator.node == BinaryOperator::Coalesce => {
                let (left, right) = (self.against(left, wanted), self.against(right, wanted));
                binary(operator.node, left, right, wanted.clone())
            }
            (Expression::If { condition, then, otherwise }, _) => {
                let condition = self.against(condition, &Type::Boolean);
                let (then, otherwise) = (self.against(then, wanted), self.against(otherwise, wanted));
                choose(condition, then, otherwise, wanted.clone())
            }
            (Expression::Otherwise { value, recovery }, _) => self.against_otherwise(value, recovery, wanted),
            (Expression::Record(fields), Type::Composite(composite)) => self.against_record(fields, composite),
            (Expression::List(items), Type::List(of)) => self.against_list(items, of, wanted),
            (Expression::List(items), Type::Multiselect(options)) => {
                self.against_list(items, &Type::Select(Arc::clone(options)), wanted)
            }
            (Expression::List(items), Type::Many(many)) => {
                let of = linked_objects(self.world, many);
                self.against_links(items, &of, wanted)
            }
            _ => {
                let typed = self.infer(expr);
                self.convert(typed, wanted, expr.span)
            }
        }
    }

    /// A bare name is an option where it names neither a parameter nor a column.
    fn is_option(&self, name: &Arc<str>) -> bool {
        let is_parameter = self.scope.parameters.iter().any(|(parameter, _)| parameter == name);
        let is_column = self.scope.object.is_some_and(|object| object.fields.contains_key(name));
        !is_parameter && !is_column
    }

    fn is_own_key(&self, expr: &Expr) -> bool {
        let key = self.scope.object.map_or(&[][..], |object| object.key.as_slice());
        matches!((expr, key), (Expr::Column { name }, [key]) if **name == *key.node)
    }

    fn option(&mut self, value: &Arc<str>, options: &Arc<Options>, span: Span) -> Typed {
        // Without a list, a text that is no option of the server may still be the label of one.
        let is_listed = options.values.contains(value) || options.is_served(value);
        let is_known = is_listed || options.open;
        match options.by_label(value) {
            Labelled::One(labelled) if !is_listed => {
                return Typed::new(Expr::Option { value: labelled.to_string() }, Type::Select(Arc::clone(options)));
            }
            Labelled::Two(one, other) if !is_listed => {
                let finding = errors::options_of_one_label(&options.of, value, span, (&one, &other));
                self.diagnostics.push(finding);
                return Typed::unknown();
            }
            _ => {}
        }
        if !is_known {
            let near_column = self
                .scope
                .object
                .filter(|_| migr_diagnostics::nearest(value, options.values.iter().map(|one| &**one)).is_none());
            let mut diagnostic = errors::unknown_option(options, value, span, &options.all());
            if let Some(object) = near_column
                && let Some(near) = migr_diagnostics::nearest(value, object.field_names())
            {
                diagnostic = diagnostic.with_note(format!("`{}` has a column `{near}`", object.name.node));
                self.usage.columns.insert((Arc::clone(&object.name.node), near.into()));
            }
            self.diagnostics.push(diagnostic);
            return Typed::unknown();
        }
        Typed::new(Expr::Option { value: value.to_string() }, Type::Select(Arc::clone(options)))
    }

    fn against_otherwise(&mut self, value: &ast::Expr, recovery: &Spanned<ast::Recovery>, wanted: &Type) -> Typed {
        let behind = value.span;
        let value = self.ruled(|inference| inference.against(value, wanted));
        let mut may_fail = false;
        let plan = match &recovery.node {
            ast::Recovery::Quarantine => Recovery::Quarantine,
            ast::Recovery::Skip => Recovery::Skip,
            ast::Recovery::Value(with) => {
                let with = self.against(with, wanted);
                may_fail = with.can_fail;
                Recovery::Use { value: Box::new(with.expr) }
            }
        };
        self.recovered(value, plan, (behind, recovery), wanted.clone()).or_fails(may_fail)
    }

    fn against_record(&mut self, fields: &[ast::RecordField], composite: &Arc<Composite>) -> Typed {
        let mut parts: Vec<NamedExpr> = Vec::new();
        let mut can_fail = false;
        let mut seen: Vec<(&Arc<str>, Span)> = Vec::new();
        for field in fields {
            let Some(name) = field.path.node.first() else { continue };
            if let Some(extra) = field.path.node.get(1) {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0304,
                        format!("`{}` has no parts of its own", name.node),
                        extra.span,
                        "no such part",
                    )
                    .with_help("name one part"),
                );
                continue;
            }
            if let Some((_, first)) = seen.iter().find(|(one, _)| **one == name.node) {
                let what = format!("`{}`", name.node);
                self.diagnostics
                    .push(errors::duplicate(Code::E0307, &what, name.span, *first).with_help("keep one of them"));
                continue;
            }
            seen.push((&name.node, name.span));
            let Some(part) = composite.part(&name.node) else {
                let value = self.infer(&field.value).ty;
                self.diagnostics.push(unknown_part(&composite.name, name, composite, &value));
                continue;
            };
            let value = self.against(&field.value, &part.ty);
            can_fail |= value.can_fail;
            parts.push(NamedExpr { name: name.node.to_string(), value: value.expr });
        }
        Typed::new(Expr::Record { fields: parts }, Type::Composite(Arc::clone(composite))).or_fails(can_fail)
    }

    fn against_list(&mut self, items: &[ast::Expr], of: &Type, wanted: &Type) -> Typed {
        let mut can_fail = false;
        let items = items
            .iter()
            .map(|item| {
                let typed = self.against(item, of);
                can_fail |= typed.can_fail;
                typed.expr
            })
            .collect();
        Typed::new(Expr::List { items }, wanted.clone()).or_fails(can_fail)
    }

    /// Links: references, and lists of them, whose members are linked one by one.
    fn against_links(&mut self, items: &[ast::Expr], of: &Type, wanted: &Type) -> Typed {
        let mut can_fail = false;
        let mut linked = Vec::with_capacity(items.len());
        for item in items {
            let typed = if self.is_list(item) { self.against(item, wanted) } else { self.against(item, of) };
            can_fail |= typed.can_fail;
            match typed.expr {
                Expr::List { items } => linked.extend(items),
                expr => linked.push(expr),
            }
        }
        Typed::new(Expr::List { items: linked }, wanted.clone()).or_fails(can_fail)
    }

    /// True where an expression gives a list. Nothing that is looked at for this counts as used or found.
    fn is_list(&self, expr: &ast::Expr) -> bool {
        let (mut usage, mut diagnostics) = (Usage::default(), Diagnostics::default());
        let mut inference = Inference::new(self.world, self.scope.clone(), &mut usage, &mut diagnostics);
        matches!(inference.infer(expr).ty, Type::List(_))
    }

    /// A conversion that the language makes by itself; any other is reported with the function that makes it.
    pub(crate) fn convert(&mut self, value: Typed, wanted: &Type, span: Span) -> Typed {
        if value.ty.is_silent() || matches!(wanted, Type::Unknown) {
            return Typed { ty: wanted.clone(), ..value };
        }
        match (&value.ty, wanted) {
            (Type::Key(_) | Type::DistinctKey(_) | Type::Record(_), Type::Key(key)) => {
                let key = Arc::clone(key);
                return self.reference(value, &key, wanted, span);
            }
            (Type::List(of), Type::List(to)) if is_reference(of) && matches!(**to, Type::Key(_)) => {
                let to = (**to).clone();
                return self.references(value, &to, wanted, span);
            }
            (Type::List(of), Type::Many(many)) if is_reference(of) => {
                let to = linked_objects(self.world, many);
                return self.references(value, &to, wanted, span);
            }
            (ty, Type::Many(many)) if is_reference(ty) => {
                let to = linked_objects(self.world, many);
                let one = self.convert(value, &to, span);
                return Typed::new(Expr::List { items: vec![one.expr] }, wanted.clone()).or_fails(one.can_fail);
            }
            // The record's own key names what other maps make of the same record.
            (Type::Text, Type::Key(key)) if self.is_own_key(&value.expr) => {
                let own = self.scope.object.map(|object| key_to(&object.name.node));
                let value = Typed { ty: own.unwrap_or(Type::Unknown), ..value };
                let key = Arc::clone(key);
                return self.reference(value, &key, wanted, span);
            }
            (from, Type::Composite(composite)) if !matches!(from, Type::Composite(_) | Type::Parts(_)) => {
                if let Some(part) = composite.primary()
                    && converts(from, &part.ty).is_some()
                {
                    let (name, ty) = (part.name.to_string(), part.ty.clone());
                    let one = self.convert(value, &ty, span);
                    let fields = vec![NamedExpr { name, value: one.expr }];
                    return Typed::new(Expr::Record { fields }, wanted.clone()).or_fails(one.can_fail);
                }
            }
            _ => {}
        }
        match converts(&value.ty, wanted) {
            Some(Conversion::Same) => Typed { ty: wanted.clone(), ..value },
            Some(Conversion::Sure) => convert_expr(value, wanted, false),
            Some(Conversion::MayFail) => {
                self.check_rule(&value, wanted, span);
                convert_expr(value, wanted, true)
            }
            None => {
                let mut diagnostic = mismatch(&value.ty, wanted, span);
                if let Some((target, _)) = self.target.as_ref().filter(|(_, ty)| ty == wanted) {
                    diagnostic = diagnostic.with_label(*target, format!("this is {wanted}"));
                }
                self.diagnostics.push(diagnostic);
                Typed::new(Expr::None, wanted.clone())
            }
        }
    }
}

/// Code of a contradiction: a function could make the conversion and lose or fail, a reference takes one record, or the types have nothing to
/// do with each other.
fn code(found: &Type, wanted: &Type) -> Code {
    let text = found.is_text_like();
    match (found, wanted) {
        (Type::List(of), Type::Key(_)) if is_reference(of) => Code::E0328,
        (Type::Html | Type::Richtext, Type::Text)
        | (Type::Html, Type::Richtext)
        | (Type::Datetime, Type::Date)
        | (Type::Number | Type::Decimal, Type::Integer)
        | (Type::Currency, Type::Integer | Type::Number | Type::Decimal) => Code::E0324,
        (Type::List(of), _) if !matches!(wanted, Type::List(_)) && converts(of, wanted).is_some() => Code::E0324,
        (
            _,
            Type::Integer
            | Type::Number
            | Type::Decimal
            | Type::Boolean
            | Type::Date
            | Type::Datetime
            | Type::Currency
            | Type::Json,
        ) if text => Code::E0325,
        (Type::Number, Type::Decimal) | (Type::Date, Type::Datetime) => Code::E0325,
        (_, Type::Currency) if found.is_numeric() => Code::E0325,
        _ => Code::E0301,
    }
}

fn mismatch(found: &Type, wanted: &Type, span: Span) -> Diagnostic {
    let code = code(found, wanted);
    let message = match code {
        Code::E0324 => format!("{found} becomes {wanted} only by losing something"),
        Code::E0325 if *found == Type::Date => "a date is no datetime until a time of the day is said".to_owned(),
        Code::E0325 => format!("not every {found} can be read as {wanted}"),
        Code::E0328 => "this gives several records, and the field takes one".to_owned(),
        _ => format!("expected {wanted}, found {found}"),
    };
    let diagnostic = Diagnostic::new(code, message, span, format!("this is {found}"));
    if let Some(help) = mismatch_help(found, wanted) {
        return diagnostic.with_help(help);
    }
    match wanted {
        Type::Select(options) | Type::Multiselect(options) => {
            let names: Vec<&str> = options.values.iter().map(|value| &**value).collect();
            diagnostic.with_help(format!("options of `{}`: {}", options.of, errors::listed(&names)))
        }
        Type::Composite(composite) => {
            let parts: Vec<&str> = composite.parts.iter().map(|part| &*part.name).collect();
            let parts = errors::listed(&parts);
            diagnostic.with_help(format!("write a record `{{ … }}` of the parts of `{}`: {parts}", composite.name))
        }
        _ => diagnostic.with_help(format!("no function turns {found} into {wanted}: write it to another field")),
    }
}

impl Inference<'_, '_> {
    /// A text that becomes what not every text is: the catalog has declared it to be that, a function reads it, or a rule says what a failure becomes. An
    /// option is left out: the list of options is there to be read.
    fn check_rule(&mut self, value: &Typed, wanted: &Type, span: Span) {
        let is_wrong = self.diagnostics.items().len() > self.found_before;
        let is_asked = self.target.is_some() && !self.is_ruled && !is_wrong;
        let is_option = matches!(wanted, Type::Select(_) | Type::Multiselect(_));
        if !is_asked || is_option || value.can_fail || self.is_declared(&value.expr, wanted) {
            return;
        }
        let function = match wanted {
            Type::Email => Some("email"),
            Type::Phone => Some("phone"),
            Type::Url => Some("url"),
            _ => None,
        };
        let help = match function {
            Some(function) => format!("read it with `| {function}`, or say what a failure becomes: `otherwise none`"),
            None => {
                "say what a failure becomes, such as `otherwise none`, or `on error quarantine` in the map".to_owned()
            }
        };
        let found = &value.ty;
        let diagnostic = Diagnostic::new(
            Code::W0326,
            format!("not every {found} can be read as {wanted}, and nothing says what becomes of one that cannot"),
            span,
            "may fail",
        );
        self.diagnostics.push(diagnostic.with_help(help));
    }

    /// True where the catalog declares the column to hold just this type.
    fn is_declared(&self, expr: &Expr, wanted: &Type) -> bool {
        let world = self.world;
        let field = match expr {
            Expr::Column { name } => self.scope.object.and_then(|object| object.fields.get(name.as_str())),
            Expr::Through { target, field, .. } => {
                world.source.objects.get(target.object.as_str()).and_then(|object| object.fields.get(field.as_str()))
            }
            _ => None,
        };
        field.is_some_and(|field| field.ty == *wanted)
    }

    /// Runs `check` on an expression whose failures are met by a rule.
    pub(super) fn ruled(&mut self, check: impl FnOnce(&mut Self) -> Typed) -> Typed {
        let outer = std::mem::replace(&mut self.is_ruled, true);
        let typed = check(self);
        self.is_ruled = outer;
        typed
    }
}

fn is_reference(ty: &Type) -> bool {
    matches!(ty, Type::Key(_) | Type::DistinctKey(_) | Type::Record(_))
}

fn convert_expr(value: Typed, wanted: &Type, can_fail: bool) -> Typed {
    let before = value.can_fail;
    let expr = Expr::Convert { value: Box::new(value.expr), to: wanted.to_field_type() };
    Typed::new(expr, wanted.clone()).or_fails(before || can_fail)
}

enum Conversion {
    /// The value is of the type as it stands.
    Same,
    Sure,
    MayFail,
}

/// Conversion of one type into another that needs no function; none where a function must say how.
fn converts(from: &Type, to: &Type) -> Option<Conversion> {
    match (from, to) {
        (one, other) if one == other => Some(Conversion::Same),
        (one, other) if one.is_silent() || other.is_silent() => Some(Conversion::Same),
        (Type::Text | Type::Key(_) | Type::DistinctKey(_), Type::Text) => Some(Conversion::Same),
        (Type::Select(one), Type::Select(other))
            if other.open || one.values.iter().all(|value| other.values.contains(value)) =>
        {
            Some(Conversion::Same)
        }
        (
            Type::Email
            | Type::Phone
            | Type::Url
            | Type::Uuid
            | Type::File
            | Type::Select(_)
            | Type::Integer
            | Type::Number
            | Type::Decimal
            | Type::Boolean,
            Type::Text,
        )
        | (Type::Integer, Type::Number | Type::Decimal)
        | (Type::Decimal, Type::Number) => Some(Conversion::Sure),
        (one, Type::Richtext) if one.is_text_like() => Some(Conversion::Sure),
        (one, Type::Select(options)) if one.is_text_like() && options.open => Some(Conversion::Same),
        (one, Type::Email | Type::Phone | Type::Url | Type::Uuid | Type::Select(_)) if one.is_text_like() => {
            Some(Conversion::MayFail)
        }
        (Type::List(one), Type::Multiselect(_)) if one.is_text_like() || matches!(**one, Type::Select(_)) => {
            Some(Conversion::MayFail)
        }
        (Type::List(one), Type::List(other)) => match converts(one, other)? {
            Conversion::Same => Some(Conversion::Same),
            // References are resolved one by one elsewhere.
            _ if matches!(**other, Type::Key(_)) => None,
            conversion => Some(conversion),
        },
        _ => None,
    }
}

/// A part that a composite does not have; those are named that take a list where the value is one, and one value else.
pub(crate) fn unknown_part(of: &str, name: &ast::Name, composite: &Composite, value: &Type) -> Diagnostic {
    let is_list = |ty: &Type| matches!(ty, Type::List(_));
    let fits = |name: &str| composite.part(name).is_some_and(|part| is_list(&part.ty) == is_list(value));
    let missing = errors::missing_field(of, "part", &name.node, name.span);
    missing.among_fitting(composite.parts.iter().map(|part| &*part.name), fits)
}

/// Help that names the function to write where a conversion needs one.
fn mismatch_help(found: &Type, wanted: &Type) -> Option<String> {
    let text = found.is_text_like();
    Some(match (found, wanted) {
        (Type::List(of), Type::Text) if of.is_text_like() || of.is_numeric() || **of == Type::Boolean => {
            "join it: `| join(\"; \")`".to_owned()
        }
        (Type::List(of), Type::Many(_)) if of.is_text_like() => {
            "name the references side by side, `[one, other]`: joined by `+`, those of two kinds are texts".to_owned()
        }
        (Type::List(of), _) if converts(of, wanted).is_some() => "take one element: `| first`".to_owned(),
        (Type::List(_), Type::Boolean) => "ask something of it, such as `… in LIST`".to_owned(),
        (Type::List(of), Type::Key(_)) if is_reference(of) => "take one of them: `| first`".to_owned(),
        (one, Type::List(of)) if *one == **of => "write a list of one: `[value]`".to_owned(),
        (_, Type::List(_)) if text => "make a list: `| split(\",\")`".to_owned(),
        (Type::Html, Type::Richtext) => "turn the HTML into Markdown: `| markdown`".to_owned(),
        (Type::Html | Type::Richtext, Type::Text) => "take the text out: `| plain`".to_owned(),
        (Type::Date, Type::Datetime) => {
            "say at what time of the day: `| at(\"12:00\", \"America/New_York\")`".to_owned()
        }
        (Type::Datetime, Type::Date) => "take the day, in the migration's zone: `| date`".to_owned(),
        (Type::Date, Type::Text) => "write it out: `| format(\"%Y-%m-%d\")`".to_owned(),
        (Type::Datetime, Type::Text) => "write it out: `| format(\"%Y-%m-%d %H:%M\")`".to_owned(),
        (Type::Currency, Type::Number | Type::Decimal | Type::Integer) => "take the amount: `| amount`".to_owned(),
        (Type::Currency, Type::Text) => "declare the column as `text` to keep it as it is written".to_owned(),
        (_, Type::Currency) if text || found.is_numeric() => "read it as money: `| money`".to_owned(),
        (_, Type::Integer) if text || found.is_numeric() => "read it as a number: `| integer`".to_owned(),
        (_, Type::Number) if text => "read it as a number: `| number`".to_owned(),
        (_, Type::Decimal) if text || found.is_numeric() => "read it as a number: `| decimal`".to_owned(),
        (_, Type::Boolean) if text => "read it as yes or no: `| boolean`".to_owned(),
        (_, Type::Boolean) => "ask something of it, such as `!= none`".to_owned(),
        (_, Type::Date) if text => "read it as a date: `| date(\"%m/%d/%Y\")`".to_owned(),
        (_, Type::Datetime) if text => "read it: `| datetime(\"%m/%d/%Y %I:%M %p\")`".to_owned(),
        (_, Type::Json) if text => "read it: `| json`".to_owned(),
        (_, Type::File) => "only a column of type file holds one".to_owned(),
        (_, Type::Key(_) | Type::Many(_)) if text => {
            "declare the column in the catalog as a reference: `-> Object`".to_owned()
        }
        _ => return None,
    })
}
