//! A spec's own tests: given records go through the real stages in memory, and what comes of them is held against what is expected.

use std::borrow::Cow;

use migr_plan::{Expectation, ExpectedField, Origin, Plan, Stage, Test};

use crate::evaluate::KEY_SEPARATOR;
use crate::{CompileError, Failure, Kinships, LookupError, MemoryLookup, Outcome, Sibling, Trial, Value, to_json};

/// Mask for a value that must not be shown.
const MASK: &str = "***";

/// A test that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// The test's sentence.
    pub name: String,
    /// Where it is written.
    pub origin: Origin,
    /// Mismatches between the result and what was expected; empty where the test passed.
    pub mismatches: Vec<Mismatch>,
}

/// Something that came out otherwise than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where the expectation is written.
    pub origin: Origin,
    /// Place of the mismatch: `people C7, company`.
    pub place: String,
    /// Expected value; masked where the field is sensitive.
    pub expected: String,
    /// Actual value; masked where the field is sensitive or a sensitive column may have contributed.
    pub actual: String,
}

/// Why tests could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SpecTestError {
    /// The plan is not one of this version.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A given record is not of the plan's export.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

impl TestOutcome {
    /// True where everything came out as expected.
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

/// Runs the tests, in order, each on its own records; `judge` says which of them are one.
pub fn run_spec_tests(
    plan: &Plan,
    tests: &[Test],
    judge: &dyn Fn(&Stage, &[Sibling<'_>]) -> Kinships,
) -> Result<Vec<TestOutcome>, SpecTestError> {
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let mut memory = MemoryLookup::new(plan)?;
    let mut outcomes = Vec::with_capacity(tests.len());
    for test in tests {
        memory.forget();
        for given in &test.given {
            let cells: Vec<(&str, &str)> =
                given.cells.iter().map(|(name, cell)| (name.as_str(), cell.as_str())).collect();
            memory.give(&given.object, &cells)?;
        }
        let trials = memory.trials(judge)?;
        let mut mismatches = Vec::new();
        for expectation in &test.expectations {
            mismatches.extend(mismatches_of(expectation, &trials, &memory)?);
        }
        outcomes.push(TestOutcome { name: test.name.clone(), origin: test.origin.clone(), mismatches });
    }
    Ok(outcomes)
}

fn mismatches_of(
    expectation: &Expectation,
    trials: &[Trial<'_>],
    memory: &MemoryLookup<'_>,
) -> Result<Vec<Mismatch>, SpecTestError> {
    match expectation {
        Expectation::Record { object, fields, origin } => record(object, fields, origin, trials, memory),
        Expectation::SetAside { skipped, object, key, on, origin } => {
            let wanted = SetAside { skipped: *skipped, object, key, on: on.as_deref() };
            Ok(wanted.mismatch(trials, origin).into_iter().collect())
        }
    }
}

/// Nothing where some record has the values; else how the record that comes closest differs.
fn record(
    object: &str,
    fields: &[ExpectedField],
    origin: &Origin,
    trials: &[Trial<'_>],
    memory: &MemoryLookup<'_>,
) -> Result<Vec<Mismatch>, SpecTestError> {
    let mut expected = Vec::with_capacity(fields.len());
    for field in fields {
        expected.push((field, memory.written(&field.value)?));
    }
    let made = trials.iter().filter(|trial| trial.program.stage().destination_object == object);
    let mut closest: Option<Vec<Mismatch>> = None;
    for trial in made.clone().filter(|trial| matches!(trial.outcome, Outcome::Ready(_))) {
        let found: Vec<Mismatch> =
            expected.iter().filter_map(|(field, value)| differs(object, field, value, trial)).collect();
        if found.is_empty() {
            return Ok(found);
        }
        if closest.as_ref().is_none_or(|closest| found.len() < closest.len()) {
            closest = Some(found);
        }
    }
    let nothing = || {
        let aside: Vec<String> =
            made.filter_map(|trial| Some(format!("{} is {}", named(trial), aside(trial)?))).collect();
        let actual = if aside.is_empty() {
            format!("no record: no map into {object} takes a given record")
        } else {
            format!("no record: {}", aside.join("; "))
        };
        vec![Mismatch { origin: origin.clone(), place: object.to_owned(), expected: "a record".to_owned(), actual }]
    };
    Ok(closest.unwrap_or_else(nothing))
}

fn differs(
    object: &str,
    field: &ExpectedField,
    expected: &Result<Value<'_>, Failure>,
    trial: &Trial<'_>,
) -> Option<Mismatch> {
    let (actual, is_masked) = actual_value(trial, &field.path);
    let mut actual_text = shown(&actual, is_masked);
    let expected_text = match expected {
        Ok(expected) if is_same(expected, &actual) => return None,
        Ok(expected) => {
            let text = shown(expected, is_masked);
            if text == actual_text {
                actual_text = format!("{actual_text}, {}", difference(expected, &actual));
            }
            text
        }
        Err(failure) => format!("a value that cannot be: {}", failure.reason),
    };
    Some(Mismatch {
        origin: field.origin.clone(),
        place: format!("{object} {}, {}", key_of(trial), field.path),
        expected: expected_text,
        actual: actual_text,
    })
}

/// Difference of two values that look the same where neither may be shown.
fn difference(expected: &Value<'_>, actual: &Value<'_>) -> String {
    let (Some(one), Some(other)) = (text_of(expected), text_of(actual)) else { return "another one".to_owned() };
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    if one.to_lowercase() == other.to_lowercase() {
        return "which differs in capitals alone".to_owned();
    }
    if bare(one) == bare(other) {
        return "which differs in blanks alone".to_owned();
    }
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    format!("another one from character {} on", same + 1)
}

fn text_of<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) | Value::Option(text) => Some(text),
        Value::Phone(phone) => Some(&phone.e164),
        _ => None,
    }
}

/// A value that must not be shown: its kind and its length.
fn masked(value: &Value<'_>) -> String {
    let characters = |text: &str| match text.chars().count() {
        1 => "of 1 character".to_owned(),
        count => format!("of {count} characters"),
    };
    let what = match value {
        Value::Text(text) | Value::Option(text) => format!("a text {}", characters(text)),
        Value::Phone(phone) => format!("a phone number {}", characters(&phone.e164)),
        Value::Integer(_) | Value::Decimal(_) => "a number".to_owned(),
        Value::Money(_) => "an amount".to_owned(),
        Value::Boolean(_) => "yes or no".to_owned(),
        Value::Date(_) => "a day".to_owned(),
        Value::Datetime(_) => "a time".to_owned(),
        Value::Reference(reference) => format!("a record of {}", reference.object),
        Value::List(items) => format!("a list of {}", items.len()),
        Value::Record(parts) => {
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_ref()).collect();
            format!("parts {}", names.join(", "))
        }
        _ => "a value".to_owned(),
    };
    format!("{MASK} (sensitive: {what})")
}

/// The value of a field or a part of one, and whether it must not be shown.
fn actual_value<'t>(trial: &'t Trial<'_>, path: &str) -> (Cow<'t, Value<'t>>, bool) {
    let none = (Cow::Owned(Value::None), false);
    let Outcome::Ready((fields, links)) = &trial.outcome else { return none };
    let stage = trial.program.stage();
    for (index, value) in &fields.values {
        let Some(mapping) = stage.fields.get(*index) else { continue };
        let rest = if mapping.field == path { Some("") } else { path.strip_prefix(&format!("{}.", mapping.field)) };
        if let Some(rest) = rest {
            return (Cow::Borrowed(part(value, rest)), trial.program.is_masked(*index));
        }
    }
    for (index, targets) in &links.links {
        if stage.links.get(*index).is_some_and(|link| link.field == path) {
            let targets = targets.iter().cloned().map(Value::Reference).collect();
            return (Cow::Owned(Value::list(targets)), trial.program.is_link_masked(*index));
        }
    }
    none
}

/// A part of a composite by its path; the value itself for the empty path.
fn part<'v>(value: &'v Value<'v>, path: &str) -> &'v Value<'v> {
    path.split('.').filter(|name| !name.is_empty()).fold(value, |value, name| match value {
        Value::Record(parts) => parts.iter().find(|(known, _)| known == name).map_or(&Value::None, |(_, value)| value),
        _ => &Value::None,
    })
}

fn is_same(expected: &Value<'_>, actual: &Value<'_>) -> bool {
    match (expected, actual) {
        // A test names a file by its path; the name that a map gives it is not written in a test.
        (Value::File(expected), Value::File(actual)) => expected.path == actual.path,
        _ => to_json(expected) == to_json(actual),
    }
}

/// A value as a person reads it: a reference as a test writes it, anything else as JSON.
fn shown(value: &Value<'_>, is_masked: bool) -> String {
    match value {
        Value::None => "none".to_owned(),
        Value::Default => "default".to_owned(),
        value if is_masked => masked(value),
        Value::Reference(reference) => format!("{}(\"{}\")", reference.object, readable(&reference.id)),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        other => to_json(other).to_string(),
    }
}

/// A key whose columns are joined in the way a person reads it.
fn readable(key: &str) -> String {
    key.replace(KEY_SEPARATOR, ", ")
}

fn key_of(trial: &Trial<'_>) -> String {
    trial.key.as_ref().map_or_else(|_| "without a key".to_owned(), |key| readable(key))
}

fn named(trial: &Trial<'_>) -> String {
    format!("{} {}", trial.program.stage().source_object, key_of(trial))
}

/// Reason why a record was not written: `quarantined on stage: …`.
fn aside(trial: &Trial<'_>) -> Option<String> {
    match &trial.outcome {
        Outcome::Ready(_) => None,
        Outcome::Skip { reason } => Some(format!("skipped: {reason}")),
        Outcome::Quarantine(failures) => {
            let all: Vec<String> = failures.iter().map(|one| format!("on {}: {}", one.field, one.reason)).collect();
            Some(format!("quarantined {}", all.join(", ")))
        }
    }
}

/// An expected skip or quarantine.
struct SetAside<'e> {
    skipped: bool,
    object: &'e str,
    key: &'e [String],
    on: Option<&'e str>,
}

impl SetAside<'_> {
    fn mismatch(&self, trials: &[Trial<'_>], origin: &Origin) -> Option<Mismatch> {
        let key = self.key.iter().map(|part| part.trim()).collect::<Vec<_>>().join(&KEY_SEPARATOR.to_string());
        let is_of_it = |trial: &&Trial<'_>| {
            !trial.program.is_distinct()
                && trial.program.stage().source_object == self.object
                && trial.key.as_ref().is_ok_and(|known| *known == key)
        };
        let of_it: Vec<&Trial<'_>> = trials.iter().filter(is_of_it).collect();
        if of_it.iter().any(|trial| self.is_met(&trial.outcome)) {
            return None;
        }
        let became: Vec<String> = of_it.iter().map(|trial| became(trial)).collect();
        Some(Mismatch {
            origin: origin.clone(),
            place: format!("{} {}", self.object, readable(&key)),
            expected: match (self.skipped, self.on) {
                (true, _) => "skipped".to_owned(),
                (false, None) => "quarantined".to_owned(),
                (false, Some(on)) => format!("quarantined on {on}"),
            },
            actual: if became.is_empty() {
                "nothing: no map takes it, or no such record is given".to_owned()
            } else {
                became.join("; ")
            },
        })
    }

    fn is_met<T>(&self, outcome: &Outcome<T>) -> bool {
        match outcome {
            Outcome::Ready(_) => false,
            Outcome::Skip { .. } => self.skipped,
            Outcome::Quarantine(failures) => {
                let is_on = |field: &str, on: &str| {
                    field == on || field.strip_prefix(on).is_some_and(|rest| rest.starts_with('.'))
                };
                !self.skipped && self.on.is_none_or(|on| failures.iter().any(|failure| is_on(&failure.field, on)))
            }
        }
    }
}

fn became(trial: &Trial<'_>) -> String {
    let stage = trial.program.stage();
    aside(trial).unwrap_or_else(|| format!("a record of {}", stage.destination_object))
}
