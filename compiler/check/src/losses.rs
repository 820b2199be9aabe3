//! Parts of values that no map takes: what `nth`, `first`, `truncate`, `digits`, `date` and the like leave of a value, where nothing else of the record takes the rest.

use std::collections::BTreeMap;

use migr_diagnostics::{Code, Diagnostic, Diagnostics};
use migr_plan::{ColumnType, Expr, Operator, Recovery, SourceColumn};

use crate::maps::Checked;
use crate::spec::{Map, SourceObject};

/// Functions that take a part of what flows in.
const PARTS: [&str; 4] = ["first", "nth", "rest", "truncate"];
/// Functions whose result tells something about a value, and does not hold it.
const OPAQUE: [&str; 7] = ["country_code", "digits", "domain", "extension", "length", "mask", "matches"];
/// Marks of a written date that say its year, its month and its day.
const DATE: [&[&str]; 3] = [&["%Y", "%y", "%G"], &["%m", "%b", "%B", "%h", "%-m", "%j"], &["%d", "%e", "%-d", "%j"]];
/// Marks that say all three.
const WHOLE_DATE: [&str; 5] = ["%F", "%D", "%x", "%c", "%s"];
/// Marks of a written time.
const TIME: [&str; 10] = ["%H", "%I", "%-H", "%-I", "%k", "%l", "%T", "%R", "%c", "%s"];

/// A part that is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    First,
    At(i64),
    Rest,
    Start,
    Only(Aspect),
}

/// Something of a value that a function keeps of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aspect {
    Amount,
    Day,
    Digits,
    Extension,
    Fit,
    Length,
    Mask,
    Rest,
    Written,
}

impl Aspect {
    /// In words, of a value.
    fn of(self, value: &str) -> String {
        match self {
            Self::Amount => format!("the amount of {value} is taken, without its currency"),
            Self::Day => format!("the day of {value} is taken, without its time"),
            Self::Digits => format!("the digits of {value} are taken"),
            Self::Extension => format!("the extension of {value} is taken"),
            Self::Fit => format!("whether {value} fits a pattern is taken"),
            Self::Length => format!("the length of {value} is taken"),
            Self::Mask => format!("{value} is made unreadable"),
            Self::Rest => format!("words of {value} are taken out"),
            Self::Written => format!("a part of {value} is written"),
        }
    }

    /// True where a spec does not say by the function itself that something is left.
    fn is_told(self) -> bool {
        matches!(self, Self::Day | Self::Digits | Self::Extension | Self::Rest)
    }
}

/// A value of which parts are taken, and by which field first.
struct Taken<'m> {
    from: &'m Expr,
    takes: Vec<Take>,
    field: usize,
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
    let mut found: Vec<(usize, usize, String, bool)> = Vec::new();
    for (object, positions) in by_object {
        let columns = objects.iter().find(|one| one.name == object).map_or(&[][..], |object| object.columns.as_slice());
        let is_list_of_references = |expr: &Expr| match expr {
            Expr::Column { name } => {
                columns.iter().any(|column| column.name == *name && column.ty == ColumnType::ReferenceList)
            }
            _ => false,
        };
        for at in &positions {
            let Some((_, map)) = maps.get(*at) else { continue };
            let taken = taken(&map.spec, columns);
            let shown = texts_of_rich(&map.spec, columns);
            if taken.is_empty() && shown.is_empty() {
                continue;
            }
            // A record of this map is in every map of its object that has no condition.
            let beside = positions.iter().filter(|other| *other != at).filter_map(|other| maps.get(*other));
            let beside = beside.map(|(_, map)| &map.spec).filter(|map| map.when.is_none() && map.distinct.is_none());
            let together: Vec<&Map> = std::iter::once(&map.spec).chain(beside).collect();
            for one in &taken {
                // Of lists of references W0333 tells.
                if is_list_of_references(one.from) || is_whole(one, &taken, &together, columns) {
                    continue;
                }
                found.push((*at, one.field, said(one), is_told(one)));
            }
            for (column, field) in shown {
                if !together.iter().any(|map| holds_markup(map, column)) {
                    // `plain` says so itself: it is counted, and no warning.
                    let what = format!("the text of `{column}` is taken without its links, images and formatting");
                    found.push((*at, field, what, false));
                }
            }
        }
    }
    let has_errors = diagnostics.has_errors();
    for (map, field, what, is_told) in found {
        let Some((_, map)) = maps.get_mut(map) else { continue };
        let is_broken = map.is_broken;
        let Some(field) = map.spec.fields.get_mut(field).filter(|field| field.loses.is_none()) else { continue };
        if is_told && !is_broken && !has_errors {
            diagnostics.push(
                Diagnostic::new(Code::W0335, format!("{what}, and no map takes the rest"), field.span, "takes a part")
                    .with_help(
                        "take the rest too (`| rest | join(\", \")`), or keep the whole in a field of its own: `new name \"Label\": text = column`",
                    ),
            );
        }
        field.loses = Some(what);
    }
}

/// Columns of rich text of which a map takes the plain text, with the first field that does.
fn texts_of_rich<'m>(map: &'m Map, columns: &[SourceColumn]) -> Vec<(&'m str, usize)> {
    let is_rich = |name: &str| columns.iter().any(|column| column.name == name && column.ty == ColumnType::Richtext);
    let mut found: Vec<(&str, usize)> = Vec::new();
    for (field, mapping) in map.fields.iter().enumerate() {
        mapping.value.walk(&mut |expr| {
            if let Expr::Call { function, arguments } = expr
                && function == "plain"
                && let Some(Expr::Column { name }) = arguments.first()
                && is_rich(name)
                && !found.iter().any(|(column, _)| column == name)
            {
                found.push((name, field));
            }
        });
    }
    found
}

/// True where a map takes a column of rich text with all that is in it.
fn holds_markup(map: &Map, column: &str) -> bool {
    fn holds(expr: &Expr, column: &str) -> bool {
        match expr {
            Expr::Column { name } => name == column,
            Expr::Call { function, arguments } => {
                let is_text =
                    function == "plain" || PARTS.contains(&function.as_str()) || OPAQUE.contains(&function.as_str());
                !is_text && arguments.first().is_some_and(|first| holds(first, column))
            }
            Expr::Binary { left, right, .. } => holds(left, column) || holds(right, column),
            Expr::If { then, otherwise, .. } => holds(then, column) || holds(otherwise, column),
            Expr::Convert { value, .. } | Expr::Otherwise { value, .. } => holds(value, column),
            Expr::Record { fields } => fields.iter().any(|field| holds(&field.value, column)),
            Expr::List { items } | Expr::Tuple { items } => items.iter().any(|item| holds(item, column)),
            Expr::Template { parts } => parts.iter().any(|part| holds(part, column)),
            _ => false,
        }
    }
    map.fields.iter().any(|field| holds(&field.value, column))
}

/// True where a warning tells of a part, besides the plan.
fn is_told(one: &Taken<'_>) -> bool {
    one.takes.iter().any(|take| match take {
        Take::Only(aspect) => aspect.is_told(),
        Take::First | Take::At(_) | Take::Rest | Take::Start => true,
    })
}

fn said(one: &Taken<'_>) -> String {
    let mut columns: Vec<&str> = Vec::new();
    one.from.walk(&mut |expr| {
        if let Expr::Column { name } = expr
            && !columns.contains(&name.as_str())
        {
            columns.push(name);
        }
    });
    let of = if columns.is_empty() { "the value".to_owned() } else { format!("`{}`", columns.join("`, `")) };
    let aspect = one.takes.iter().find_map(|take| if let Take::Only(aspect) = take { Some(aspect) } else { None });
    if let Some(aspect) = aspect {
        aspect.of(&of)
    } else if one.takes.contains(&Take::Start) {
        format!("the start of {of} is taken")
    } else {
        format!("parts of {of} are taken")
    }
}

/// Parts of values that the fields of a map take.
fn taken<'m>(map: &'m Map, columns: &[SourceColumn]) -> Vec<Taken<'m>> {
    let mut taken: Vec<Taken<'m>> = Vec::new();
    for (field, mapping) in map.fields.iter().enumerate() {
        visit(&mapping.value, Use::Whole, columns, &mut |expr, used| {
            let Some((from, take)) = take(expr, columns).filter(|_| used != Use::Not) else { return };
            match taken.iter_mut().find(|one| one.from == from) {
                Some(one) => one.takes.push(take),
                None => taken.push(Taken { from, takes: vec![take], field }),
            }
        });
    }
    taken
}

fn take<'e>(expr: &'e Expr, columns: &[SourceColumn]) -> Option<(&'e Expr, Take)> {
    let Expr::Call { function, arguments } = expr else { return None };
    let from = arguments.first()?;
    let take = match function.as_str() {
        "first" => Take::First,
        "rest" => Take::Rest,
        "truncate" => Take::Start,
        "nth" => match arguments.get(1) {
            Some(Expr::Number { value }) => Take::At(value.parse().ok()?),
            _ => return None,
        },
        function => Take::Only(aspect(function, arguments, columns)?),
    };
    Some((from, take))
}

/// Part of its first argument that a function keeps; none where it keeps all of it.
fn aspect(function: &str, arguments: &[Expr], columns: &[SourceColumn]) -> Option<Aspect> {
    let ty = match arguments.first() {
        Some(Expr::Column { name }) => columns.iter().find(|column| column.name == *name).map(|column| column.ty),
        _ => None,
    };
    let text = |at: usize| match arguments.get(at) {
        Some(Expr::Text { value }) => Some(value.as_str()),
        _ => None,
    };
    Some(match function {
        "amount" => Aspect::Amount,
        "date" if ty == Some(ColumnType::Datetime) => Aspect::Day,
        "digits" => Aspect::Digits,
        "extension" => Aspect::Extension,
        "format" if !holds_all(text(1)?, ty) => Aspect::Written,
        "length" => Aspect::Length,
        "mask" => Aspect::Mask,
        "matches" => Aspect::Fit,
        "replace" if text(1)?.chars().any(char::is_alphanumeric) && text(2)?.is_empty() => Aspect::Rest,
        _ => return None,
    })
}

/// True where a written form says all of a date, or of an instant to the minute.
fn holds_all(format: &str, ty: Option<ColumnType>) -> bool {
    let has = |marks: &[&str]| marks.iter().any(|mark| format.contains(mark));
    let has_date = has(&WHOLE_DATE) || DATE.iter().all(|marks| has(marks));
    has_date && (ty != Some(ColumnType::Datetime) || has(&TIME))
}

/// True where the rest of a value is taken too: its first element and the others, the whole of it, or the whole of what it is made of.
fn is_whole(one: &Taken<'_>, taken: &[Taken<'_>], maps: &[&Map], columns: &[SourceColumn]) -> bool {
    // `ids | first` and `ids.name | rest` are of one list.
    let of_one_list = |other: &&Taken<'_>| {
        other.from == one.from || list(one.from).is_some_and(|column| list(other.from) == Some(column))
    };
    let has = |take: Take| taken.iter().filter(of_one_list).any(|other| other.takes.contains(&take));
    if (has(Take::First) || has(Take::At(0))) && has(Take::Rest) {
        return true;
    }
    // All that it is made of holds it too.
    let mut from = one.from;
    loop {
        if whole_somewhere(from, maps, columns) {
            return true;
        }
        match from {
            Expr::Call { arguments, .. } => match arguments.first() {
                Some(inner) => from = inner,
                None => return false,
            },
            Expr::Convert { value, .. } | Expr::Otherwise { value, .. } | Expr::Through { key: value, .. } => {
                from = value;
            }
            _ => return false,
        }
    }
}

/// The column of a list, or of a list of what it refers to.
fn list(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column { name } => Some(name),
        Expr::Through { key, .. } => list(key),
        _ => None,
    }
}

/// Part of an expression's value that arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Whole,
    /// A part is taken of it, and it is a part itself.
    Part,
    Not,
}

fn whole_somewhere(expr: &Expr, maps: &[&Map], columns: &[SourceColumn]) -> bool {
    let mut found = false;
    for map in maps {
        let links = map.links.iter().map(|link| &link.value);
        for value in map.fields.iter().map(|field| &field.value).chain(links) {
            visit(value, Use::Whole, columns, &mut |one, used| found |= used == Use::Whole && one == expr);
            if found {
                return true;
            }
        }
    }
    false
}

/// Shows each expression, and whether all of it arrives where the outermost one is written.
fn visit<'e>(expr: &'e Expr, used: Use, columns: &[SourceColumn], found: &mut dyn FnMut(&'e Expr, Use)) {
    found(expr, used);
    match expr {
        Expr::Call { function, arguments } => {
            let is_part = PARTS.contains(&function.as_str()) || aspect(function, arguments, columns).is_some();
            let holds = !is_part && !OPAQUE.contains(&function.as_str());
            // What a part is taken of is not whole there, and what it is taken of may itself take parts.
            let takes = PARTS.contains(&function.as_str());
            for (at, argument) in arguments.iter().enumerate() {
                if at == 0 && takes && used != Use::Not {
                    inside(argument, found);
                } else {
                    visit(argument, if holds && at == 0 { used } else { Use::Not }, columns, found);
                }
            }
        }
        Expr::Binary { operator, left, right } => {
            let holds = if matches!(operator, Operator::Add | Operator::Coalesce) { used } else { Use::Not };
            visit(left, holds, columns, found);
            visit(right, holds, columns, found);
        }
        Expr::Not { value } => visit(value, Use::Not, columns, found),
        Expr::If { condition, then, otherwise } => {
            visit(condition, Use::Not, columns, found);
            visit(then, used, columns, found);
            visit(otherwise, used, columns, found);
        }
        Expr::Record { fields } => fields.iter().for_each(|field| visit(&field.value, used, columns, found)),
        Expr::List { items } | Expr::Tuple { items } => items.iter().for_each(|item| visit(item, used, columns, found)),
        Expr::Template { parts } => parts.iter().for_each(|part| visit(part, used, columns, found)),
        Expr::Picklist { inputs, .. } => inputs.iter().for_each(|input| visit(input, used, columns, found)),
        Expr::Reference { key, .. } | Expr::Owner { key, .. } => visit(key, used, columns, found),
        Expr::Through { key, .. } => visit(key, Use::Not, columns, found),
        Expr::Existing { fields, .. } => fields.iter().for_each(|field| visit(&field.value, Use::Not, columns, found)),
        Expr::Convert { value, .. } => visit(value, used, columns, found),
        Expr::Otherwise { value, recovery } => {
            visit(value, used, columns, found);
            if let Recovery::Use { value } = recovery {
                visit(value, used, columns, found);
            }
        }
        Expr::None
        | Expr::Default
        | Expr::Boolean { .. }
        | Expr::Number { .. }
        | Expr::Text { .. }
        | Expr::Option { .. }
        | Expr::Column { .. }
        | Expr::DistinctValue => {}
    }
}

/// Visits the value that a part is taken of: not whole itself, but the parts that are taken in it are taken all the same.
fn inside<'e>(expr: &'e Expr, found: &mut dyn FnMut(&'e Expr, Use)) {
    found(expr, if take(expr, &[]).is_some() { Use::Part } else { Use::Not });
    if let Expr::Call { arguments, .. } = expr
        && let Some(first) = arguments.first()
    {
        inside(first, found);
    }
}
