//! Calls of the language's own functions: input, arguments, formats and result type.

use std::sync::Arc;

use migr_diagnostics::{Code, Diagnostic};
use migr_plan::Expr;
use migr_plan::functions::{Function, Further, Output, Parameter};
use migr_source::{Span, Spanned};
use migr_syntax::ast::{self, Argument, Expression, Name, Text};

use super::{Inference, Typed};
use crate::errors;
use crate::formats::{self, Kind};
use crate::iso_codes::IsoCode;
use crate::types::Type;
use crate::values;

impl Inference<'_, '_> {
    /// A function of the language.
    pub(super) fn builtin(
        &mut self,
        function: &'static Function,
        name: &Name,
        input: Typed,
        input_span: Span,
        arguments: &[Argument],
    ) -> Typed {
        if function.only_in_settings {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("`{}` belongs to the settings of a source or destination", function.name),
                    name.span,
                    "not in a value",
                )
                .with_help("values come from the export alone, so that the same export gives the same records"),
            );
            return Typed::unknown();
        }
        let (mut exprs, can_fail) = self.arguments(function, name, arguments);
        let takes_list = function.input.is_list();
        // A function of one value applies to each element of a list.
        let (element, is_list) = match &input.ty {
            Type::List(of) if !takes_list => ((**of).clone(), true),
            ty => (ty.clone(), false),
        };
        let one = Typed { expr: input.expr, ty: element, can_fail: input.can_fail };
        let Some(one) = self.accept(function, one, input_span, is_list) else {
            return Typed::new(Expr::None, result_type(function.output, &Type::Unknown, is_list));
        };
        let ty = result_type(function.output, &one.ty, is_list);
        let can_fail = can_fail || one.can_fail || function.can_fail();
        let zone = function.parameters.iter().position(|parameter| parameter.takes == Parameter::Zone);
        let is_told = zone.and_then(|at| exprs.get(at)).is_some_and(|zone| *zone != Expr::None);
        if !is_told {
            self.check_has_zone(function, name, &one);
        }
        self.formats_of_system(function, &one, &mut exprs);
        exprs.insert(0, one.expr);
        Typed::new(Expr::Call { function: function.name.to_owned(), arguments: exprs }, ty).or_fails(can_fail)
    }

    /// An instant has no calendar date, and a date no instant, unless somebody says in which zone.
    fn check_has_zone(&mut self, function: &Function, name: &Name, input: &Typed) {
        let asks = match function.name {
            "at" => true,
            "format" | "date" => input.ty == Type::Datetime,
            _ => false,
        };
        let is_handed_on = matches!(&input.expr, Expr::Call { function: before, .. } if function.name == "format" && before == "in_zone");
        if !asks || is_handed_on || self.world.has_zone {
            return;
        }
        self.diagnostics.push(
            Diagnostic::new(
                Code::E0303,
                format!("`{}` needs a time zone, and the migration names none", function.name),
                name.span,
                "in which zone?",
            )
            .with_help("write `timezone = \"America/New_York\"` in the migration, or name the zone here"),
        );
    }

    /// The input as the function takes it; nothing if that was reported.
    fn accept(&mut self, function: &Function, input: Typed, span: Span, is_list: bool) -> Option<Typed> {
        let ty = &input.ty;
        if ty.is_silent() {
            return Some(input);
        }
        let fits = match function.input {
            Parameter::Text => ty.is_text_like() || matches!(ty, Type::Select(_)),
            Parameter::AnyText => ty.is_text_like() || matches!(ty, Type::Html | Type::Richtext | Type::Select(_)),
            Parameter::Integer => *ty == Type::Integer,
            Parameter::NumberOrText => {
                ty.is_numeric() || ty.is_text_like() || (*ty == Type::Currency && function.name == "money")
            }
            Parameter::Date => *ty == Type::Date,
            Parameter::DateOrDatetime => matches!(ty, Type::Date | Type::Datetime),
            Parameter::Datetime => *ty == Type::Datetime,
            Parameter::TextOrDatetime => ty.is_text_like() || *ty == Type::Datetime,
            Parameter::Currency => *ty == Type::Currency,
            Parameter::BooleanOrText => *ty == Type::Boolean || ty.is_text_like(),
            Parameter::List => matches!(ty, Type::List(_)),
            Parameter::Lists => matches!(ty, Type::List(of) if of.is_silent() || matches!(**of, Type::List(_))),
            Parameter::ListOrText => matches!(ty, Type::List(_)) || ty.is_text_like(),
            Parameter::Texts => {
                matches!(ty, Type::List(of) if of.is_silent() || of.is_text_like() || matches!(**of, Type::Select(_)))
            }
            Parameter::Literal
            | Parameter::Format
            | Parameter::NumberFormat
            | Parameter::Time
            | Parameter::Zone
            | Parameter::Pattern
            | Parameter::Country
            | Parameter::CurrencyCode => true,
        };
        if fits {
            return Some(input);
        }
        let is_written = |ty: &Type| ty.is_numeric() || *ty == Type::Boolean;
        let wanted = match (function.input, ty) {
            (Parameter::Text, ty) if is_written(ty) => Some(Type::Text),
            (Parameter::Texts, Type::List(of)) if is_written(of) => Some(Type::list(Type::Text)),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let (can_fail, to) = (input.can_fail, wanted.to_field_type());
            return Some(Typed::new(Expr::Convert { value: Box::new(input.expr), to }, wanted).or_fails(can_fail));
        }
        let found = if is_list { Type::list(ty.clone()).to_string() } else { ty.to_string() };
        let diagnostic = Diagnostic::new(
            Code::E0301,
            format!("`{}` takes {}, found {found}", function.name, function.input.describe()),
            span,
            format!("this is {found}"),
        );
        let help = accept_help(function, ty);
        let diagnostic = diagnostic.with_help(help.unwrap_or_else(|| format!("give it {}", function.input.describe())));
        self.diagnostics.push(diagnostic);
        None
    }

    /// Further arguments, in the order of parameters.
    fn arguments(&mut self, function: &Function, name: &Name, arguments: &[Argument]) -> (Vec<Expr>, bool) {
        let mut given: Vec<Option<Expr>> = vec![None; function.parameters.len()];
        let mut can_fail = false;
        let year = function.parameters.iter().position(|parameter| parameter.name == "pivot");
        let has_pivot = year.is_some_and(|year| {
            let is_year = |argument: &Argument| argument.name.as_ref().is_some_and(|name| &*name.node == "pivot");
            arguments.iter().any(is_year) || arguments.len() > year
        });
        for (at, argument) in arguments.iter().enumerate() {
            let place = match &argument.name {
                Some(named) => function.parameters.iter().position(|parameter| parameter.name == &*named.node),
                None => Some(at),
            };
            let Some((place, parameter)) = place.and_then(|place| Some((place, function.parameters.get(place)?)))
            else {
                let span = argument.name.as_ref().map_or(argument.value.span, |named| named.span);
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0303,
                        format!("`{}` takes no such argument", function.name),
                        span,
                        "not taken",
                    )
                    .with_help(format!("it is `{}`; what flows in through `|` is the first", function.signature())),
                );
                self.infer(&argument.value);
                continue;
            };
            let typed = self.argument(function, *parameter, &argument.value, has_pivot);
            can_fail |= typed.can_fail;
            if let Some(slot) = given.get_mut(place) {
                *slot = Some(typed.expr);
            }
        }
        let missing = given.iter().take(function.required()).position(Option::is_none);
        if let Some(missing) = missing.and_then(|at| function.parameters.get(at)).map(|parameter| parameter.name) {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0303,
                    format!("`{}` is not told its `{missing}`", function.name),
                    name.span,
                    format!("needs `{missing}`"),
                )
                .with_help(format!("it is `{}`; what flows in through `|` is the first", function.signature())),
            );
        }
        // A gap before a given argument is written out; what follows the last one is left to the runtime's default.
        let last = given.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
        (given.into_iter().take(last).map(|one| one.unwrap_or(Expr::None)).collect(), can_fail)
    }

    /// Formats, one or a list of them, as the runtime takes them.
    fn formats(&mut self, function: &Function, takes: Parameter, value: &ast::Expr, has_pivot: bool) -> Option<Typed> {
        let texts: Vec<Text> = match &value.node {
            Expression::Text(text) => vec![Spanned::new(Arc::clone(text), value.span)],
            Expression::List(items) => items
                .iter()
                .map(|item| match &item.node {
                    Expression::Text(text) => Some(Spanned::new(Arc::clone(text), item.span)),
                    _ => None,
                })
                .collect::<Option<_>>()?,
            _ => return None,
        };
        let kind = match (takes, function.name) {
            (Parameter::NumberFormat, _) => Some(Kind::Number),
            (_, "date") => Some(Kind::Date),
            (_, "datetime") => Some(Kind::Datetime),
            _ => None,
        };
        for text in &texts {
            match kind {
                Some(kind) => formats::check(text, kind, has_pivot, self.diagnostics),
                None => formats::check_written(text, self.diagnostics),
            }
        }
        if kind.is_none() && texts.len() != 1 {
            return None;
        }
        Some(Typed::new(format_argument(texts.iter().map(|text| text.node.to_string()).collect()), Type::Text))
    }

    /// The system's formats for what a function reads, where the call names none; a text of the spec itself is read by the language's own.
    fn formats_of_system(&self, function: &Function, input: &Typed, exprs: &mut Vec<Expr>) {
        let at = |takes: Parameter| function.parameters.iter().position(|parameter| parameter.takes == takes);
        let Some(place) = at(Parameter::Format).or_else(|| at(Parameter::NumberFormat)) else { return };
        let is_given = exprs.get(place).is_some_and(|format| *format != Expr::None);
        let is_read = input.ty.is_text_like() && !matches!(input.expr, Expr::Text { .. }) && function.name != "format";
        let Output::Plain(plain) = function.output else { return };
        let Some(found) = formats::of_type(plain, &self.world.source.formats).filter(|_| is_read && !is_given) else {
            return;
        };
        let mut put = |at: usize, value: Expr| {
            while exprs.len() <= at {
                exprs.push(Expr::None);
            }
            if let Some(slot) = exprs.get_mut(at) {
                *slot = value;
            }
        };
        put(place, format_argument(found.written.clone()));
        let year = function.parameters.iter().position(|parameter| parameter.name == "pivot");
        if let (Some(at), Some(year)) = (year, found.pivot) {
            put(at, Expr::Number { value: year.to_string() });
        }
    }

    fn argument(&mut self, function: &Function, parameter: Further, value: &ast::Expr, has_pivot: bool) -> Typed {
        if matches!(parameter.takes, Parameter::Format | Parameter::NumberFormat)
            && let Some(formats) = self.formats(function, parameter.takes, value, has_pivot)
        {
            return formats;
        }
        let literal = match &value.node {
            Expression::Text(text) => Some(Spanned::new(Arc::clone(text), value.span)),
            _ => None,
        };
        match (parameter.takes, &literal) {
            (takes, None) if takes.is_written_out() => {
                let message = format!("the `{}` of `{}` is written out", parameter.name, function.name);
                self.diagnostics.push(
                    Diagnostic::new(Code::E0303, message, value.span, "not a text")
                        .with_help("write it as a text in quotes"),
                );
                return Typed::unknown();
            }
            (Parameter::Zone, Some(text)) => values::check_zone(text, self.diagnostics),
            (Parameter::Time, Some(text)) => values::check_time(text, self.diagnostics),
            (Parameter::CurrencyCode, Some(text)) => {
                values::check_code(IsoCode::Currency, text, self.diagnostics);
            }
            (Parameter::Country, Some(text)) => {
                values::check_code(IsoCode::Country, text, self.diagnostics);
            }
            (Parameter::Pattern, Some(text)) => self.check_pattern(function, text),
            _ => {}
        }
        let wanted = match parameter.takes {
            Parameter::Integer => Type::Integer,
            _ => Type::Text,
        };
        self.against(value, &wanted)
    }

    fn check_pattern(&mut self, function: &Function, text: &Spanned<Arc<str>>) {
        let read = regex::Regex::new(&text.node);
        // The whole is a group of its own.
        let groups = read.as_ref().map_or(0, |pattern| pattern.captures_len().saturating_sub(1));
        if function.name == "capture" && groups > 1 {
            let message = format!("this pattern has {groups} groups, and `capture` gives one");
            self.diagnostics.push(
                Diagnostic::new(Code::E0303, message, text.span, "more than one group")
                    .with_help("write `(?:…)` for a group that is only one of the pattern"),
            );
        }
        if let Err(error) = read {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.diagnostics.push(errors::bad_value(
                format!("this is not a regular expression: {reason}"),
                text.span,
                "write one such as `^[A-Z]{2}$`",
            ));
        }
    }
}

/// One format as a text, several as a list.
fn format_argument(written: Vec<String>) -> Expr {
    let mut formats: Vec<Expr> = written.into_iter().map(|value| Expr::Text { value }).collect();
    match (formats.len(), formats.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            formats.extend(last);
            Expr::List { items: formats }
        }
    }
}

fn accept_help(function: &Function, ty: &Type) -> Option<String> {
    Some(match (function.input, ty) {
        (Parameter::Text, Type::Html | Type::Richtext) => "take the text out first: `| plain`".to_owned(),
        (Parameter::Text, Type::Date) => "write it out first: `| format(\"%Y-%m-%d\")`".to_owned(),
        (Parameter::Text, Type::Datetime) => "write it out first: `| format(\"%Y-%m-%d %H:%M\")`".to_owned(),
        (Parameter::Texts, Type::List(of)) if **of == Type::Date => {
            "write each out first: `| format(\"%Y-%m-%d\")`".to_owned()
        }
        (Parameter::Texts, Type::List(of)) if **of == Type::Datetime => {
            "write each out first: `| format(\"%Y-%m-%d %H:%M\")`".to_owned()
        }
        (Parameter::List | Parameter::Texts, ty) if ty.is_text_like() => {
            "make a list first: `| split(\",\")`".to_owned()
        }
        (Parameter::Date, Type::Datetime) => "it is a datetime already".to_owned(),
        (Parameter::Date | Parameter::DateOrDatetime, ty) if ty.is_text_like() => {
            "read it first: `| date(\"%m/%d/%Y\")`".to_owned()
        }
        (Parameter::Datetime, ty) if ty.is_text_like() => "read it first: `| datetime(\"%m/%d/%Y %H:%M\")`".to_owned(),
        (Parameter::Currency, ty) if ty.is_text_like() || ty.is_numeric() => "read it first: `| money`".to_owned(),
        (_, Type::Tuple(_)) => "several values flow into a picklist only".to_owned(),
        _ => return None,
    })
}

fn result_type(output: Output, input: &Type, is_list: bool) -> Type {
    let inner = |ty: &Type| match ty {
        Type::List(of) => (**of).clone(),
        _ => Type::Unknown,
    };
    let one = match output {
        Output::Plain(plain) => Type::of(plain),
        Output::Texts => Type::list(Type::Text),
        Output::Element => inner(input),
        Output::SameList => match input {
            Type::List(_) => input.clone(),
            _ => Type::Unknown,
        },
        Output::Flat => match inner(input) {
            list @ Type::List(_) => list,
            other => Type::list(other),
        },
    };
    if is_list { Type::list(one) } else { one }
}
