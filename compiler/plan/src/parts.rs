//! Parts of values that expressions take: what `nth`, `first`, `truncate`, `digits`, `date` and the like keep of a value.

use crate::{ColumnType, Expr, Operator, Recovery, SourceColumn};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The first element.
    First,
    /// The element at a place, from the end where it is negative.
    At(i64),
    /// An element at a place that is computed.
    Somewhere,
    /// Elements behind the first.
    Rest,
    /// The beginning, of at most so many characters; none where the number is computed.
    Start(Option<usize>),
    /// Something of it.
    Only(Aspect),
}

/// Something of a value that a function keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The amount of money, without its currency.
    Amount,
    /// Part that a pattern finds first.
    Captured,
    /// The letters, in capitals of another rule.
    Case,
    /// The day of an instant, without its time.
    Day,
    /// The digits.
    Digits,
    /// The extension of a phone number.
    Extension,
    /// Truth of a value's fitting a pattern.
    Fit,
    /// The length.
    Length,
    /// Something unreadable.
    Mask,
    /// Rest of a value where words are taken out.
    Rest,
    /// A number without the sign before it, or a text without another sign that says how much is meant.
    Unsigned,
    /// A date as a format writes it, which does not say all of it.
    Written,
}

/// A value of which parts are taken.
#[derive(Clone, Debug)]
pub struct Taken<'m> {
    /// The value.
    pub from: &'m Expr,
    /// Parts of a value, each with the call that takes it.
    pub takes: Vec<(Take, &'m Expr)>,
    /// Place of the first value that takes one, among those that were looked at.
    pub field: usize,
}

/// Something of a record's values that no expression takes.
#[derive(Clone, Debug)]
pub enum Left<'m> {
    /// Rest that parts leave of a value.
    Parts(Taken<'m>),
    /// Rest that a choice leaves: of the first way where the second is taken, and of the second.
    Other(Choice<'m>, [Vec<&'m Expr>; 2]),
    /// Links, images and formatting of a column of texts, by its name.
    Markup(&'m str),
}

/// Rests that a map leaves of its values, with the place of the field that does. `together` are all values that a record of the map arrives by.
pub fn left<'m>(values: &[&'m Expr], together: &[&'m Expr], columns: &[SourceColumn]) -> Vec<(usize, Left<'m>)> {
    let values = || values.iter().copied();
    let is_list_of_references = |expr: &Expr| match expr {
        Expr::Column { name } => {
            columns.iter().any(|column| column.name == *name && column.ty == ColumnType::ReferenceList)
        }
        _ => false,
    };
    let mut found = Vec::new();
    let taken = taken(values(), columns);
    for one in &taken {
        // Of lists of references another warning tells.
        if !is_list_of_references(one.from) && !is_whole(one, &taken, together, columns) {
            found.push((one.field, Left::Parts(one.clone())));
        }
    }
    for choice in choices(values(), columns) {
        let sides = choice
            .sides()
            .map(|side| side.into_iter().filter(|one| !arrives_whole(one, together, columns)).collect::<Vec<_>>());
        if sides.iter().any(|side| !side.is_empty()) {
            found.push((choice.field, Left::Other(choice, sides)));
        }
    }
    for (column, field) in plain_texts(values(), columns) {
        if !together.iter().any(|value| holds_markup(value, column)) {
            found.push((field, Left::Markup(column)));
        }
    }
    found
}

/// Parts that values take of others, as they are written one after the other.
fn taken<'m>(values: impl IntoIterator<Item = &'m Expr>, columns: &[SourceColumn]) -> Vec<Taken<'m>> {
    let mut taken: Vec<Taken<'m>> = Vec::new();
    for (field, value) in values.into_iter().enumerate() {
        visit(value, Use::Whole, columns, &mut |expr, used| {
            let Some((from, take)) = take(expr, columns).filter(|_| used != Use::Not) else { return };
            match taken.iter_mut().find(|one| one.from == from) {
                Some(one) => one.takes.push((take, expr)),
                None => taken.push(Taken { from, takes: vec![(take, expr)], field }),
            }
        });
    }
    taken
}

/// Columns of rich text of which values take the plain text, with the place of the first that does.
fn plain_texts<'m>(values: impl IntoIterator<Item = &'m Expr>, columns: &[SourceColumn]) -> Vec<(&'m str, usize)> {
    let may_be_rich = |name: &str| {
        let is_one = |column: &SourceColumn| matches!(column.ty, ColumnType::Richtext | ColumnType::Text);
        columns.iter().any(|column| column.name == name && is_one(column))
    };
    let mut found: Vec<(&str, usize)> = Vec::new();
    for (field, value) in values.into_iter().enumerate() {
        value.walk(&mut |expr| {
            if let Expr::Call { function, arguments } = expr
                && function == "plain"
                && let Some(first) = arguments.first()
            {
                texts_of(first, &mut |name| {
                    if may_be_rich(name) && !found.iter().any(|(column, _)| *column == name) {
                        found.push((name, field));
                    }
                });
            }
        });
    }
    found
}

/// Columns whose texts an expression gives with their markup.
fn texts_of<'m>(expr: &'m Expr, found: &mut impl FnMut(&'m str)) {
    match expr {
        Expr::Column { name } => found(name),
        Expr::Call { function, arguments } if matches!(function.as_str(), "trim" | "collapse") => {
            arguments.iter().take(1).for_each(|first| texts_of(first, found));
        }
        Expr::Binary { operator: Operator::Coalesce, left: one, right: other }
        | Expr::If { then: one, otherwise: other, .. } => {
            texts_of(one, found);
            texts_of(other, found);
        }
        Expr::Otherwise { value, .. } | Expr::Convert { value, .. } => texts_of(value, found),
        Expr::Template { parts } => parts.iter().for_each(|part| texts_of(part, found)),
        _ => {}
    }
}

/// A choice between two values, of which the other one stays behind.
#[derive(Clone, Debug)]
pub struct Choice<'m> {
    /// `a ?? b`, or `if`.
    pub expr: &'m Expr,
    /// Parts that the first way holds: the left side, or `then`.
    pub first: Vec<&'m Expr>,
    /// Parts that the second way holds.
    pub second: Vec<&'m Expr>,
    /// Place of the value that makes the choice, among those that were looked at.
    pub field: usize,
}

impl<'m> Choice<'m> {
    /// Parts that only one way holds: of the first way, and of the second.
    fn sides(&self) -> [Vec<&'m Expr>; 2] {
        let only = |these: &[&'m Expr], others: &[&'m Expr]| {
            these.iter().copied().filter(|one| !others.contains(one)).collect()
        };
        [only(&self.first, &self.second), only(&self.second, &self.first)]
    }
}

/// Choices that values make, as they are written one after the other.
fn choices<'m>(values: impl IntoIterator<Item = &'m Expr>, columns: &[SourceColumn]) -> Vec<Choice<'m>> {
    let mut found: Vec<Choice<'m>> = Vec::new();
    for (field, value) in values.into_iter().enumerate() {
        visit(value, Use::Whole, columns, &mut |expr, used| {
            let (first, second) = match expr {
                Expr::Binary { operator: Operator::Coalesce, left, right } => (left, right),
                Expr::If { then, otherwise, .. } => (then, otherwise),
                _ => return,
            };
            if used != Use::Not && !found.iter().any(|known| known.expr == expr) {
                let (first, second) = (holds(first, columns), holds(second, columns));
                found.push(Choice { expr, first, second, field });
            }
        });
    }
    found
}

/// Columns, and columns of referred records, that an expression's value holds.
fn holds<'m>(expr: &'m Expr, columns: &[SourceColumn]) -> Vec<&'m Expr> {
    let mut found = Vec::new();
    visit(expr, Use::Whole, columns, &mut |part, used| {
        if used != Use::Not && matches!(part, Expr::Column { .. } | Expr::Through { .. }) && !found.contains(&part) {
            found.push(part);
        }
    });
    found
}

fn take<'e>(expr: &'e Expr, columns: &[SourceColumn]) -> Option<(&'e Expr, Take)> {
    let Expr::Call { function, arguments } = expr else { return None };
    let from = match function.as_str() {
        "title" => with_its_case(arguments.first()?),
        _ => arguments.first()?,
    };
    let take = match function.as_str() {
        "first" => Take::First,
        "rest" => Take::Rest,
        "truncate" => Take::Start(match arguments.get(1) {
            Some(Expr::Number { value }) => value.parse().ok(),
            _ => None,
        }),
        "nth" => match arguments.get(1) {
            Some(Expr::Number { value }) => value.parse().map_or(Take::Somewhere, Take::At),
            _ => Take::Somewhere,
        },
        function => Take::Only(aspect(function, arguments, columns)?),
    };
    Some((from, take))
}

/// Value of which a function made the case before: that is what has one of its own.
fn with_its_case(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call { function, arguments } if matches!(function.as_str(), "lower" | "upper" | "trim" | "collapse") => {
            arguments.first().map_or(expr, with_its_case)
        }
        _ => expr,
    }
}

/// True for a text of signs that say how much a number beside them means: those of a minus, and of what is about, over or under it.
fn is_meaningful(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.chars().all(|sign| matches!(sign, '-' | '−' | '–' | '+' | '%' | '<' | '>' | '~' | '±' | '≈'))
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
        "capture" => Aspect::Captured,
        "date" if ty == Some(ColumnType::Datetime) => Aspect::Day,
        "digits" => Aspect::Digits,
        "extension" => Aspect::Extension,
        "format" if !holds_all(text(1)?, ty) => Aspect::Written,
        "length" => Aspect::Length,
        "mask" => Aspect::Mask,
        "matches" => Aspect::Fit,
        "replace" if text(1)?.chars().any(char::is_alphanumeric) && text(2)?.is_empty() => Aspect::Rest,
        "replace" if is_meaningful(text(1)?) && text(2)?.trim().is_empty() => Aspect::Unsigned,
        "title" => Aspect::Case,
        _ => return None,
    })
}

/// True where a written form says all of a date, or of an instant to the minute.
fn holds_all(format: &str, ty: Option<ColumnType>) -> bool {
    let has = |marks: &[&str]| marks.iter().any(|mark| format.contains(mark));
    let has_date = has(&WHOLE_DATE) || DATE.iter().all(|marks| has(marks));
    has_date && (ty != Some(ColumnType::Datetime) || has(&TIME))
}

/// Part of an expression's value that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Whole value.
    Whole,
    /// Whole value but for its case.
    Recased,
    /// Whole value in some records: the other way of a choice.
    Sometimes,
    /// A part is taken of it, and it is a part itself.
    Part,
    /// Nothing.
    Not,
}

impl Use {
    /// The same where it depends on the record.
    fn sometimes(self) -> Self {
        if matches!(self, Self::Whole | Self::Recased) { Self::Sometimes } else { self }
    }
}

/// Shows each expression, and whether all of it arrives where the outermost one is written.
pub fn visit<'e>(expr: &'e Expr, used: Use, columns: &[SourceColumn], found: &mut dyn FnMut(&'e Expr, Use)) {
    found(expr, used);
    match expr {
        Expr::Call { function, arguments } => {
            let aspect = aspect(function, arguments, columns);
            let is_recased = aspect == Some(Aspect::Case);
            let is_part = PARTS.contains(&function.as_str()) || aspect.is_some() && !is_recased;
            let holds = !is_part && !OPAQUE.contains(&function.as_str());
            // What a part is taken of is not whole there, and what it is taken of may itself take parts.
            let takes = PARTS.contains(&function.as_str()) || aspect == Some(Aspect::Digits);
            let used = if is_recased && used == Use::Whole { Use::Recased } else { used };
            for (at, argument) in arguments.iter().enumerate() {
                if at == 0 && takes && used != Use::Not {
                    inside(argument, found);
                } else {
                    visit(argument, if holds && at == 0 { used } else { Use::Not }, columns, found);
                }
            }
        }
        Expr::Binary { operator: Operator::Coalesce, left, right } => {
            visit(left, used, columns, found);
            visit(right, used.sometimes(), columns, found);
        }
        Expr::Binary { operator, left, right } => {
            let holds = if *operator == Operator::Add { used } else { Use::Not };
            visit(left, holds, columns, found);
            visit(right, holds, columns, found);
        }
        Expr::Not { value } => visit(value, Use::Not, columns, found),
        Expr::If { condition, then, otherwise } => {
            visit(condition, Use::Not, columns, found);
            visit(then, used.sometimes(), columns, found);
            visit(otherwise, used.sometimes(), columns, found);
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
                visit(value, used.sometimes(), columns, found);
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

/// True where a value takes a column of rich text with all that is in it.
fn holds_markup(value: &Expr, column: &str) -> bool {
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
    holds(value, column)
}

/// True where the rest of a value is taken too: its first element and the others, the whole of it, or the whole of what it is made of.
fn is_whole(one: &Taken<'_>, taken: &[Taken<'_>], together: &[&Expr], columns: &[SourceColumn]) -> bool {
    // `ids | first` and `ids.name | rest` are of one list.
    let of_one_list = |other: &&Taken<'_>| {
        other.from == one.from || list(one.from).is_some_and(|column| list(other.from) == Some(column))
    };
    let has = |wanted: Take| {
        taken.iter().filter(of_one_list).any(|other| other.takes.iter().any(|(take, _)| *take == wanted))
    };
    if (has(Take::First) || has(Take::At(0))) && has(Take::Rest) {
        return true;
    }
    let needs_case = one.takes.iter().any(|(take, _)| *take == Take::Only(Aspect::Case));
    // All that it is made of holds it too.
    let mut from = one.from;
    loop {
        if arrives(from, needs_case, together, columns) {
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

/// True where some value holds all of an expression's.
fn arrives_whole(expr: &Expr, together: &[&Expr], columns: &[SourceColumn]) -> bool {
    arrives(expr, false, together, columns)
}

/// The same, and where its case counts that too.
fn arrives(expr: &Expr, needs_case: bool, together: &[&Expr], columns: &[SourceColumn]) -> bool {
    let is_enough = |used| used == Use::Whole || !needs_case && used == Use::Recased;
    together.iter().any(|value| {
        let mut found = false;
        visit(value, Use::Whole, columns, &mut |one, used| found |= is_enough(used) && one == expr);
        found
    })
}
