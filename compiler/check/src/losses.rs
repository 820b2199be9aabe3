//! Parts of values that no map takes: what `nth`, `first`, `truncate`, `digits`, `date` and the like leave of a value, the other way of a choice, and columns that
//! conditions alone read, where nothing else of the record takes the rest.

use std::collections::BTreeMap;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::Expr;
use migr_plan::parts::{self, Aspect, Left, Take};

use crate::in_order::IndexMap;
use crate::maps::Checked;
use crate::spec::{Map, SourceObject};

/// An aspect in words, of a value.
fn aspect_of(aspect: Aspect, value: &str) -> String {
    match aspect {
        Aspect::Amount => format!("the amount of {value} is taken, without its currency"),
        Aspect::Captured => format!("what a pattern finds in {value} is taken"),
        Aspect::Case => format!("{value} is taken without its own capitals"),
        Aspect::Day => format!("the day of {value} is taken, without its time"),
        Aspect::Digits => format!("the digits of {value} are taken"),
        Aspect::Extension => format!("the extension of {value} is taken"),
        Aspect::Fit => format!("whether {value} fits a pattern is taken"),
        Aspect::Length => format!("the length of {value} is taken"),
        Aspect::Mask => format!("{value} is made unreadable"),
        Aspect::Rest => format!("words of {value} are taken out"),
        Aspect::Unsigned => format!("signs of {value} are taken out"),
        Aspect::Written => format!("a part of {value} is written"),
    }
}

/// Notes at each field what of its value stays behind, and warns of it.
pub(crate) fn check(
    maps: &mut [(migr_source::Span, Checked)],
    objects: &[SourceObject],
    diagnostics: &mut Diagnostics,
) {
    let mut by_object: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, (_, map)) in maps.iter().enumerate() {
        if map.spec.association.is_none() {
            by_object.entry(map.spec.source_object.clone()).or_default().push(at);
        }
    }
    let mut found: Vec<(usize, usize, String, bool, bool)> = Vec::new();
    let columns_of: IndexMap<&str, _> = objects.iter().map(|one| (one.name.as_str(), one.columns.as_slice())).collect();
    for (object, positions) in by_object {
        let columns = columns_of.get(object.as_str()).copied().unwrap_or_default();
        for at in &positions {
            let Some((_, map)) = maps.get(*at) else { continue };
            // A record of this map is in every map of its object that has no condition.
            let beside = positions.iter().filter(|other| *other != at).filter_map(|other| maps.get(*other));
            let beside = beside.map(|(_, map)| &map.spec).filter(|map| map.when.is_none() && map.distinct.is_none());
            let together: Vec<&Expr> = std::iter::once(&map.spec).chain(beside).flat_map(all_values).collect();
            let own: Vec<&Expr> = all_values(&map.spec).collect();
            for (field, left) in parts::left(&own, &together, columns) {
                found.push((*at, field, said(&left), is_told(&left), is_recased(&left)));
            }
        }
    }
    let has_errors = diagnostics.has_errors();
    for (map, field, what, is_told, is_recased) in found {
        let Some((_, map)) = maps.get_mut(map) else { continue };
        let is_broken = map.is_broken;
        // Links stand behind the fields.
        let links = field.checked_sub(map.spec.fields.len());
        let (loses, span) = match (map.spec.fields.get_mut(field), links) {
            (Some(field), _) => (&mut field.loses, field.span),
            (None, Some(at)) => match map.spec.links.get_mut(at) {
                Some(link) => (&mut link.loses, link.span),
                None => continue,
            },
            (None, None) => continue,
        };
        if let Some(known) = loses {
            if !known.contains(&what) {
                *known = format!("{known}; {what}");
            }
            continue;
        }
        if is_told && !is_broken && !has_errors {
            let (message, label, help) = if is_recased {
                (format!("{what}, and no map takes those"), "makes capitals anew", "leave `title` out, or")
            } else {
                (
                    format!("{what}, and no map takes the rest"),
                    "takes a part",
                    "take the rest too (`| rest | join(\", \")`), or",
                )
            };
            let whole = "keep the whole in a field of its own: `new name \"Label\": text = column`";
            diagnostics.push(Diagnostic::new(Code::W0335, message, span, label).with_help(format!("{help} {whole}")));
        }
        *loses = Some(what);
    }
}

/// Values that a map writes, links included.
fn all_values(map: &Map) -> impl Iterator<Item = &Expr> {
    map.fields.iter().map(|field| &field.value).chain(map.links.iter().map(|link| &link.value))
}

/// Columns that expressions read, as they are shown.
fn named(exprs: &[&Expr]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for expr in exprs {
        expr.walk(&mut |expr| {
            if let Expr::Column { name } = expr
                && !columns.contains(&name.as_str())
            {
                columns.push(name);
            }
        });
    }
    if columns.is_empty() { "the value".to_owned() } else { format!("`{}`", columns.join("`, `")) }
}

/// True where a warning tells of what is left, besides the plan. A choice, `plain` and some functions say by themselves that something is.
fn is_told(left: &Left<'_>) -> bool {
    let Left::Parts(taken) = left else { return false };
    taken.takes.iter().any(|(take, _)| match take {
        Take::Only(aspect) => {
            matches!(
                aspect,
                Aspect::Captured | Aspect::Case | Aspect::Day | Aspect::Digits | Aspect::Extension | Aspect::Rest
            )
        }
        Take::First | Take::At(_) | Take::Somewhere | Take::Rest | Take::Start(_) => true,
    })
}

/// True where nothing but the case of a value is left.
fn is_recased(left: &Left<'_>) -> bool {
    let Left::Parts(taken) = left else { return false };
    taken.takes.iter().all(|(take, _)| *take == Take::Only(Aspect::Case))
}

/// Words for what is left.
fn said(left: &Left<'_>) -> String {
    match left {
        Left::Parts(one) => {
            let of = named(&[one.from]);
            let takes = || one.takes.iter().map(|(take, _)| *take);
            let aspect = takes().find_map(|take| if let Take::Only(aspect) = take { Some(aspect) } else { None });
            if let Some(aspect) = aspect {
                aspect_of(aspect, &of)
            } else if takes().any(|take| matches!(take, Take::Start(_))) {
                format!("the start of {of} is taken")
            } else {
                format!("parts of {of} are taken")
            }
        }
        Left::Other(choice, sides) => {
            let left = sides.concat();
            let taken = if left.len() == 1 { "is taken" } else { "are taken" };
            match choice.expr {
                Expr::Binary { .. } if !choice.first.is_empty() => {
                    format!("{} {taken} only where {} has no value", named(&left), named(&choice.first))
                }
                _ => format!("{} {taken} only where a condition says so", named(&left)),
            }
        }
        Left::Markup(column) => format!("the text of `{column}` is taken without its links, images and formatting"),
    }
}
