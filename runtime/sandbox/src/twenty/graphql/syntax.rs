//! GraphQL documents, read by a parser of the language: fragments spread, directives heeded, variables put in, by their defaults where none is given.

use std::collections::HashMap;

use async_graphql_parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
    Selection as Item, SelectionSet,
};
use async_graphql_parser::{Positioned, parse_query};
use async_graphql_value::{Name, Value as Written};
use serde_json::{Map, Value};

/// A field with what was asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The key in the answer.
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
    pub(crate) fields: Vec<Selection>,
    /// 1-based.
    pub(crate) line: usize,
    /// 1-based.
    pub(crate) column: usize,
}

/// The operation of a document that is carried out.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) mutation: bool,
    pub(crate) fields: Vec<Selection>,
}

/// Reads a document and puts its variables in; `name` says which operation where there are several.
pub(crate) fn parse(text: &str, name: Option<&str>, variables: &Map<String, Value>) -> Result<Operation, String> {
    if text.trim().is_empty() {
        return Err("Syntax Error: Unexpected <EOF>.".to_owned());
    }
    let document = parse_query(text).map_err(|error| format!("Syntax Error: {error}"))?;
    let ExecutableDocument { operations, fragments } = document;
    let operation = match (operations, name) {
        (DocumentOperations::Single(operation), _) => operation.node,
        (DocumentOperations::Multiple(mut all), Some(name)) => {
            let found = all.remove(name).ok_or_else(|| format!("Unknown operation named \"{name}\"."))?;
            found.node
        }
        (DocumentOperations::Multiple(all), None) if all.len() > 1 => {
            return Err("Must provide operation name if query contains multiple operations.".to_owned());
        }
        (DocumentOperations::Multiple(all), None) => {
            let only = all.into_values().next().ok_or("Must provide an operation.")?;
            only.node
        }
    };
    let variables = given(&operation, variables)?;
    let reader = Reader { variables: &variables, fragments: &fragments };
    let mut fields = Vec::new();
    reader.select(&operation.selection_set.node, &mut Vec::new(), &mut fields)?;
    Ok(Operation { mutation: operation.ty == OperationType::Mutation, fields })
}

/// The value of every variable that an operation declares; none for one that is left out and may be.
fn given(operation: &OperationDefinition, sent: &Map<String, Value>) -> Result<HashMap<Name, Option<Value>>, String> {
    let mut values = HashMap::new();
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let default = definition.node.default_value.as_ref().map(|value| value.node.clone());
        let default = default.map(|value| value.into_json().unwrap_or_default());
        let value = sent.get(name.as_str()).cloned().or(default);
        match &value {
            None if !ty.nullable => {
                return Err(format!("Variable \"${name}\" of required type \"{ty}\" was not provided."));
            }
            Some(Value::Null) if !ty.nullable => {
                return Err(format!("Variable \"${name}\" of non-null type \"{ty}\" must not be null."));
            }
            _ => {}
        }
        values.insert(name.clone(), value);
    }
    Ok(values)
}

struct Reader<'d> {
    variables: &'d HashMap<Name, Option<Value>>,
    fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Reader<'_> {
    /// Adds the fields of a selection; `within` are the fragments that it stands in.
    fn select(&self, set: &SelectionSet, within: &mut Vec<Name>, fields: &mut Vec<Selection>) -> Result<(), String> {
        for item in &set.items {
            match &item.node {
                Item::Field(field) => {
                    if self.is_wanted(&field.node.directives)? {
                        add(fields, self.field(field, within)?);
                    }
                }
                Item::InlineFragment(inline) => {
                    if self.is_wanted(&inline.node.directives)? {
                        self.select(&inline.node.selection_set.node, within, fields)?;
                    }
                }
                Item::FragmentSpread(spread) => {
                    if !self.is_wanted(&spread.node.directives)? {
                        continue;
                    }
                    let name = &spread.node.fragment_name.node;
                    if within.contains(name) {
                        return Err(format!("Cannot spread fragment \"{name}\" within itself."));
                    }
                    let fragment = self.fragments.get(name).ok_or_else(|| format!("Unknown fragment \"{name}\"."))?;
                    within.push(name.clone());
                    self.select(&fragment.node.selection_set.node, within, fields)?;
                    within.pop();
                }
            }
        }
        Ok(())
    }

    fn field(&self, field: &Positioned<Field>, within: &mut Vec<Name>) -> Result<Selection, String> {
        let name = field.node.name.node.to_string();
        let mut arguments = Map::new();
        for (key, value) in &field.node.arguments {
            if let Some(value) = self.value(&value.node)? {
                arguments.insert(key.node.to_string(), value);
            }
        }
        let mut fields = Vec::new();
        self.select(&field.node.selection_set.node, within, &mut fields)?;
        let alias = field.node.alias.as_ref().map_or_else(|| name.clone(), |alias| alias.node.to_string());
        Ok(Selection { alias, name, arguments, fields, line: field.pos.line, column: field.pos.column })
    }

    /// True unless `@skip` or `@include` leaves the field out.
    fn is_wanted(&self, directives: &[Positioned<Directive>]) -> Result<bool, String> {
        for directive in directives {
            let name = directive.node.name.node.as_str();
            let told = directive.node.arguments.iter().find(|(key, _)| key.node.as_str() == "if");
            let told = told.map(|(_, value)| self.value(&value.node)).transpose()?.flatten();
            let missing = || {
                format!(
                    "Directive \"@{name}\" argument \"if\" of type \"Boolean!\" is required, but it was not provided."
                )
            };
            match name {
                "include" if !told.as_ref().and_then(Value::as_bool).ok_or_else(missing)? => return Ok(false),
                "skip" if told.as_ref().and_then(Value::as_bool).ok_or_else(missing)? => return Ok(false),
                "include" | "skip" => {}
                _ => return Err(format!("Unknown directive \"@{name}\".")),
            }
        }
        Ok(true)
    }

    /// A value; `None` for a variable that was not given.
    fn value(&self, written: &Written) -> Result<Option<Value>, String> {
        Ok(match written {
            Written::Variable(name) => match self.variables.get(name) {
                Some(value) => value.clone(),
                None => return Err(format!("Variable \"${name}\" is not defined.")),
            },
            Written::Null | Written::Binary(_) => Some(Value::Null),
            Written::Number(number) => Some(Value::Number(number.clone())),
            Written::String(text) => Some(Value::String(text.clone())),
            Written::Boolean(flag) => Some(Value::Bool(*flag)),
            Written::Enum(name) => Some(Value::String(name.to_string())),
            Written::List(items) => {
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| Ok(self.value(item)?.unwrap_or_default())).collect();
                Some(Value::Array(items?))
            }
            Written::Object(parts) => {
                let mut map = Map::new();
                for (key, part) in parts {
                    if let Some(value) = self.value(part)? {
                        map.insert(key.to_string(), value);
                    }
                }
                Some(Value::Object(map))
            }
        })
    }
}

/// Adds a field; one that is asked for again under the same key is one with all that is asked of it.
fn add(fields: &mut Vec<Selection>, field: Selection) {
    match fields.iter_mut().find(|known| known.alias == field.alias && known.name == field.name) {
        Some(known) if known.arguments == field.arguments => {
            for inner in field.fields {
                add(&mut known.fields, inner);
            }
        }
        _ => fields.push(field),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::{Operation, parse as read};

    fn parse(text: &str, variables: &Map<String, Value>) -> Result<Operation, String> {
        read(text, None, variables)
    }

    fn variables(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn arguments_aliases_and_variables_are_read() {
        let variables = variables(&json!({"f": {"name": {"in": ["Acme, Inc."]}}}));
        let text = "query F($f:CompanyFilterInput){a: companies(filter:$f,first:5,orderBy:[{name:AscNullsLast}])\
                    {totalCount edges{node{id name}}}}";
        let operation = parse(text, &variables).unwrap();
        let field = &operation.fields[0];
        assert!(!operation.mutation);
        assert_eq!((field.alias.as_str(), field.name.as_str()), ("a", "companies"));
        assert_eq!(field.arguments["filter"]["name"]["in"][0], "Acme, Inc.");
        assert_eq!(field.arguments["orderBy"], json!([{"name": "AscNullsLast"}]));
        assert_eq!(field.fields[1].fields[0].fields.len(), 2);
    }

    #[test]
    fn fragments_stand_for_their_fields_named_and_inline() {
        let text = "{people{edges{node{...P ... on Person{city} ...{id}}}}} fragment P on Person{id ...Q} fragment Q on Person{name}";
        let operation = parse(text, &Map::new()).unwrap();
        let names: Vec<&str> =
            operation.fields[0].fields[0].fields[0].fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "name", "city"]);
        for (text, refusal) in [
            ("{people{...P}}", "Unknown fragment \"P\"."),
            ("{people{...P}} fragment P on Person{...P}", "Cannot spread fragment \"P\" within itself."),
        ] {
            assert_eq!(parse(text, &Map::new()).unwrap_err(), refusal);
        }
    }

    #[test]
    fn directives_leave_fields_out_and_unknown_ones_are_refused() {
        let text = "query Q($all: Boolean!){people{id @include(if: $all) name @skip(if: $all)}}";
        for (all, name) in [(true, "id"), (false, "name")] {
            let operation = parse(text, &variables(&json!({ "all": all }))).unwrap();
            assert_eq!(operation.fields[0].fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), [name]);
        }
        assert_eq!(parse("{people{id @live}}", &Map::new()).unwrap_err(), "Unknown directive \"@live\".");
    }

    #[test]
    fn variables_have_defaults_and_are_missed_where_they_must_be_given() {
        let text = "query Q($first: Int = 5, $after: String){people(first: $first, after: $after){totalCount}}";
        let arguments = parse(text, &Map::new()).unwrap().fields[0].arguments.clone();
        assert_eq!(Value::Object(arguments), json!({"first": 5}));
        for (text, refusal) in [
            (
                "query Q($id: UUID!){person(id: $id){id}}",
                "Variable \"$id\" of required type \"UUID!\" was not provided.",
            ),
            ("{person(id: $id){id}}", "Variable \"$id\" is not defined."),
            ("query A{x{id}} query B{y{id}}", "Must provide operation name if query contains multiple operations."),
        ] {
            assert_eq!(parse(text, &Map::new()).unwrap_err(), refusal);
        }
        let named = read("query A{x{id}} mutation B{y{id}}", Some("B"), &Map::new()).unwrap();
        assert!(named.mutation && named.fields[0].name == "y");
    }

    proptest! {
        #[test]
        fn no_document_brings_the_parser_down(text in "[ -~\\n]{0,80}", wrapped in any::<bool>()) {
            let text = if wrapped { format!("query{{{text}}}") } else { text };
            let _either_way = parse(&text, &Map::new());
        }
    }

    #[test]
    fn an_unfinished_document_is_refused() {
        assert!(parse("{companies{edges", &Map::new()).is_err());
        assert!(parse("", &Map::new()).is_err());
    }
}
