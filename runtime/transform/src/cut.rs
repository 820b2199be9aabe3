//! Rest that an expression leaves of a record's values where it takes a part of one, or one of two.

use migr_plan::parts::{Aspect, Choice, Left, Take, Taken, left};
use migr_plan::{Expr, Plan, SourceObject, Stage};

use crate::compile::Compiler;
use crate::convert::text_of;
use crate::evaluate::{Evaluator, Stop};
use crate::functions::Settings;
use crate::node::Node;
use crate::{LookupError, Value, markup, money, phones, text};

/// Rule by which a field leaves something of a value.
#[derive(Debug)]
pub(crate) struct Cut {
    /// Index of the field in `stage.fields`, or behind these of the link in `stage.links`.
    pub(crate) field: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// `captured` are the calls that find a part by a pattern.
    Parts {
        from: Node,
        takes: Vec<(Take, String)>,
        captured: Vec<Node>,
    },
    Other {
        decides: Node,
        is_condition: bool,
        first: [Vec<Side>; 2],
        second: [Vec<Side>; 2],
    },
    Markup {
        column: Node,
    },
}

/// A value of one way of a choice.
#[derive(Debug)]
struct Side {
    node: Node,
    /// Objects that it refers to: one key may be that of two records.
    refers: Vec<String>,
}

/// The rules of a stage: parts that its fields take, where no other value of its records takes the rest.
pub(crate) fn compile<'p>(
    compiler: &mut Compiler<'p>,
    plan: &'p Plan,
    (object, stage): (&'p SourceObject, &'p Stage),
) -> Result<Vec<Cut>, String> {
    let values = |stage: &'p Stage| {
        let links = stage.links.iter().map(|link| &link.value);
        stage.fields.iter().map(|field| &field.value).chain(links)
    };
    // A record of this stage is in every stage of its object that has no condition.
    let beside = plan.stages.iter().filter(|other| {
        other.id != stage.id
            && other.source_object == stage.source_object
            && other.association.is_none()
            && other.when.is_none()
            && other.distinct.is_none()
    });
    let together: Vec<&Expr> = values(stage).chain(beside.flat_map(values)).collect();
    let own: Vec<&Expr> = values(stage).collect();
    let found = left(&own, &together, &object.columns);
    found.into_iter().map(|(field, left)| Ok(Cut { field, kind: kind(compiler, left)? })).collect()
}

fn kind<'p>(compiler: &mut Compiler<'p>, left: Left<'p>) -> Result<Kind, String> {
    Ok(match left {
        Left::Parts(Taken { from, takes, .. }) => {
            let is_captured = |take: &Take| *take == Take::Only(Aspect::Captured);
            let captured = takes.iter().filter(|(take, _)| is_captured(take)).map(|(_, call)| compiler.node(call));
            let captured = captured.collect::<Result<Vec<_>, _>>()?;
            let takes = takes.into_iter().map(|(take, call)| (take, taken_out(call).to_owned()));
            Kind::Parts { from: compiler.node(from)?, takes: takes.collect(), captured }
        }
        Left::Other(Choice { expr, first, second, .. }, [only_first, only_second]) => {
            let (decides, is_condition) = match expr {
                Expr::If { condition, .. } => (&**condition, true),
                Expr::Binary { left, .. } => (&**left, false),
                other => (other, false),
            };
            let mut nodes = |exprs: Vec<&'p Expr>| {
                let side = |expr| Ok(Side { node: compiler.node(expr)?, refers: compiler.refers(expr) });
                exprs.into_iter().map(side).collect::<Result<Vec<_>, String>>()
            };
            let (first, second) = ([nodes(first)?, nodes(only_first)?], [nodes(second)?, nodes(only_second)?]);
            Kind::Other { decides: compiler.node(decides)?, is_condition, first, second }
        }
        Left::Markup(column) => Kind::Markup { column: Node::Column(compiler.position(column)?) },
    })
}

/// The text that `replace` takes out; empty for another function.
fn taken_out(call: &Expr) -> &str {
    match call {
        Expr::Call { arguments, .. } => match arguments.get(1) {
            Some(Expr::Text { value }) => value,
            _ => "",
        },
        _ => "",
    }
}

impl Cut {
    /// True where something of the record's values is left. A value that cannot be computed is told of as a failure.
    pub(crate) fn leaves<'r>(
        &'r self,
        evaluator: &mut Evaluator<'r>,
        settings: &Settings,
    ) -> Result<bool, LookupError> {
        let found = match &self.kind {
            Kind::Parts { from, takes, captured } => evaluator.value(from).and_then(|value| {
                if value.is_none() || is_whole(&value, takes, settings) {
                    return Ok(false);
                }
                let whole = text_of(value).unwrap_or_default();
                for call in captured {
                    if text_of(evaluator.value(call)?).is_ok_and(|part| part.trim() == whole.trim()) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }),
            Kind::Other { decides, is_condition, first, second } => {
                let is_first = if *is_condition {
                    evaluator.truth(decides).map(|truth| truth == Some(true))
                } else {
                    evaluator.value(decides).map(|value| !value.is_none())
                };
                is_first.and_then(|is_first| {
                    let ([taken, _], [_, other]) = if is_first { (first, second) } else { (second, first) };
                    stays_behind(evaluator, taken, other)
                })
            }
            Kind::Markup { column } => evaluator.value(column).map(|value| match text_of(value) {
                Ok(text) => markup::has_form(&text),
                Err(_) => false,
            }),
        };
        match found {
            Ok(found) => Ok(found),
            Err(Stop::Lookup(error)) => Err(error),
            Err(Stop::Fault(_) | Stop::Quarantine(_) | Stop::Skip(_)) => Ok(false),
        }
    }
}

/// True where a value of the other way is none of those that are taken.
fn stays_behind<'r>(evaluator: &mut Evaluator<'r>, taken: &'r [Side], other: &'r [Side]) -> Result<bool, Stop> {
    let mut known = Vec::with_capacity(taken.len());
    for side in taken {
        known.push((&side.refers, evaluator.value(&side.node)?));
    }
    for side in other {
        let value = evaluator.value(&side.node)?;
        if !value.is_none() && !known.iter().any(|known| *known.0 == side.refers && known.1 == value) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True where the parts that are taken of a value are all that it holds.
fn is_whole(value: &Value<'_>, takes: &[(Take, String)], settings: &Settings) -> bool {
    let by_place = takes.iter().filter(|(take, _)| !matches!(take, Take::Start(_) | Take::Only(_)));
    let by_place: Vec<Take> = by_place.map(|(take, _)| *take).collect();
    if !by_place.is_empty() && holds_each(value, &by_place) {
        return true;
    }
    takes.iter().any(|(take, out)| match take {
        Take::Start(most) => each(value, &|one| {
            let length = text_of(one.clone()).map_or(0, |text| text.trim().chars().count());
            most.is_some_and(|most| length <= most)
        }),
        Take::Only(aspect) => each(value, &|one| is_all(*aspect, one, out, settings)),
        Take::First | Take::At(_) | Take::Somewhere | Take::Rest => false,
    })
}

/// True where each element of a list that has a value is at a place that is taken.
fn holds_each(value: &Value<'_>, takes: &[Take]) -> bool {
    let single = std::slice::from_ref(value);
    let items = match value {
        Value::List(items) => items.as_slice(),
        _ => single,
    };
    let takes_place = |at: usize| {
        takes.iter().any(|take| match take {
            Take::First => at == 0,
            Take::Rest => at > 0,
            Take::At(place) => match usize::try_from(*place) {
                Ok(place) => at == place,
                Err(_) => usize::try_from(place.unsigned_abs()).is_ok_and(|back| at + back == items.len()),
            },
            Take::Somewhere => items.len() == 1,
            Take::Start(_) | Take::Only(_) => false,
        })
    };
    let kept = |wanted: &Value<'_>| items.iter().enumerate().any(|(at, item)| takes_place(at) && item == wanted);
    items.iter().enumerate().all(|(at, item)| item.is_none() || takes_place(at) || kept(item))
}

/// True where something holds of a value, or of each element of a list.
fn each(value: &Value<'_>, holds: &dyn Fn(&Value<'_>) -> bool) -> bool {
    match value {
        Value::List(items) => items.iter().all(|item| each(item, holds)),
        Value::None => true,
        one => holds(one),
    }
}

/// True where an aspect of a value is all that it says.
fn is_all(aspect: Aspect, value: &Value<'_>, out: &str, settings: &Settings) -> bool {
    let text = || text_of(value.clone()).ok();
    match aspect {
        Aspect::Amount => match value {
            Value::Money(money) => settings.currency == Some(money.currency),
            Value::Integer(_) | Value::Decimal(_) => true,
            _ => text().is_some_and(|text| money::names_no_other(&text, settings.currency)),
        },
        // Small letters alone have no case of their own.
        Aspect::Case => text().is_some_and(|text| text::title(&text) == text || !text.chars().any(char::is_uppercase)),
        Aspect::Day => match (value, &settings.zone) {
            (Value::Datetime(instant), Some(zone)) => zone.wall(*instant).time() == jiff::civil::Time::midnight(),
            (value, _) => matches!(value, Value::Date(_)),
        },
        Aspect::Digits => {
            text().is_some_and(|text| text.chars().all(|sign| sign.is_ascii_digit() || sign.is_whitespace()))
        }
        Aspect::Extension => match value {
            Value::Phone(_) => false,
            _ => text().is_some_and(|text| !phones::split_extension(&text).0.chars().any(char::is_alphanumeric)),
        },
        Aspect::Rest => text().is_some_and(|text| !text.contains(out)),
        Aspect::Unsigned => text().is_some_and(|text| !says_more(&text, out)),
        Aspect::Captured | Aspect::Fit | Aspect::Length | Aspect::Mask | Aspect::Written => false,
    }
}

/// True where a sign says something of a number: a minus or plus before its first digit, any other wherever it stands.
fn says_more(text: &str, sign: &str) -> bool {
    let sign = sign.trim();
    if !matches!(sign, "-" | "−" | "–" | "+") {
        return text.contains(sign);
    }
    let first = text.find(|one: char| one.is_ascii_digit()).and_then(|at| text.get(..at));
    first.is_some_and(|before| before.contains(sign) && !before.chars().any(char::is_alphanumeric))
}
