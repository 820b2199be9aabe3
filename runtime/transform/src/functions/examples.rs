//! Tests that run the documented examples of the functions.

use std::borrow::Cow;

use migr_plan::functions::FUNCTIONS;

use super::{Arguments, Function, Scope, Settings, TABLE};
use crate::dates::Zone;
use crate::phones::Region;
use crate::{Currency, Value, to_json};

fn settings() -> Settings {
    Settings { region: Region::of("US"), currency: Currency::from_code("USD"), zone: Zone::named("America/New_York") }
}

fn value(json: &serde_json::Value) -> Value<'static> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::None,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => Value::Integer(number.as_i64().unwrap()),
        Json::String(text) => Value::Text(Cow::Owned(text.clone())),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(map) => {
            let (kind, text) = map.iter().next().unwrap();
            let text = text.as_str().unwrap();
            match kind.as_str() {
                "date" => Value::Date(text.parse().unwrap()),
                "datetime" => Value::Datetime(text.parse().unwrap()),
                "money" => Value::Money(crate::money::money(text, None, None, &[]).unwrap()),
                other => panic!("no such kind of value: {other}"),
            }
        }
    }
}

fn call(function: &Function, input: Value<'static>, arguments: &[Value<'static>]) -> Result<String, String> {
    let written = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => vec![&**text],
        _ => Vec::new(),
    };
    let prepared = function.prepare(written)?;
    let settings = settings();
    let mut losses = Vec::new();
    let mut scope = Scope { settings: &settings, prepared: &prepared, losses: &mut losses };
    let mut given = arguments.iter().cloned();
    let arguments: Arguments<'static> = std::array::from_fn(|_| given.next().unwrap_or(Value::None));
    let found = function.call(&mut scope, input, arguments);
    found.map(|value| to_json(&value).to_string()).map_err(|fault| fault.reason(false))
}

#[test]
fn every_example_gives_what_it_says() {
    for documented in FUNCTIONS.iter().filter(|function| !function.only_in_settings) {
        let function = Function::find(documented.name).unwrap();
        for example in documented.examples {
            let parse = |text: &str| value(&serde_json::from_str(text).unwrap());
            let arguments: Vec<_> = example.arguments.iter().map(|argument| parse(argument)).collect();
            let found = call(&function, parse(example.input), &arguments);
            let expected = example.result.map(ToOwned::to_owned).map_err(ToOwned::to_owned);
            assert_eq!(found, expected, "{} | {}({:?})", example.input, documented.name, example.arguments);
        }
    }
}

#[test]
fn every_documented_function_does_something_and_nothing_else_does() {
    let documented: Vec<_> = FUNCTIONS.iter().filter(|one| !one.only_in_settings).map(|one| one.name).collect();
    let done: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented, done);
}

proptest::proptest! {
    #[test]
    fn no_function_panics_whatever_flows_in(text in ".*", near in "[-+ ().,;:/x0-9A-Za-z<>&$@%\n]{0,24}", other in ".{0,3}", number in -3..40_i64) {
        for (name, _) in TABLE {
            let function = Function::find(name).unwrap();
            for input in [
                Value::None,
                Value::Text(Cow::Owned(text.clone())),
                Value::Text(Cow::Owned(near.clone())),
                Value::Integer(number),
                Value::Boolean(true),
                Value::Tuple(vec![Value::Integer(number)]),
                Value::List(vec![Value::Text(Cow::Owned(near.clone())), Value::None, Value::List(vec![Value::Integer(number)])]),
            ] {
                let _ = call(&function, input.clone(), &[Value::Integer(number), Value::Text(Cow::Owned(other.clone()))]);
                let _ = call(&function, input, &[Value::Text(Cow::Owned(other.clone())), Value::Text(Cow::Owned(near.clone()))]);
            }
        }
    }
}
