//! The part of GraphQL's syntax that clients of a CRM write: operations, fields, arguments, variables.

use std::collections::BTreeMap;

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

/// The first operation of a document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) mutation: bool,
    pub(crate) fields: Vec<Selection>,
}

/// Reads a document and puts its variables in.
pub(crate) fn parse(text: &str, variables: &Map<String, Value>) -> Result<Operation, String> {
    let mut parser = Parser { letters: text.chars().collect(), at: 0, variables, fragments: BTreeMap::new() };
    parser.document()
}

struct Parser<'a> {
    letters: Vec<char>,
    at: usize,
    variables: &'a Map<String, Value>,
    fragments: BTreeMap<String, Vec<Selection>>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<Operation, String> {
        let mut found = None;
        self.blank();
        while self.peek().is_some() {
            if self.peek() == Some('{') {
                found = found.or(Some(Operation { mutation: false, fields: self.selections()? }));
            } else {
                let word = self.word()?;
                self.blank();
                if word == "fragment" {
                    let name = self.word()?;
                    self.blank();
                    self.word()?;
                    self.blank();
                    self.word()?;
                    self.blank();
                    let fields = self.selections()?;
                    self.fragments.insert(name, fields);
                } else {
                    if self.peek() != Some('{') && self.peek() != Some('(') {
                        self.word()?;
                        self.blank();
                    }
                    self.skip_declarations()?;
                    let fields = self.selections()?;
                    found = found.or(Some(Operation { mutation: word == "mutation", fields }));
                }
            }
            self.blank();
        }
        let mut operation = found.ok_or_else(|| "Syntax Error: Unexpected <EOF>.".to_owned())?;
        let fragments = std::mem::take(&mut self.fragments);
        operation.fields = spread(operation.fields, &fragments, 0);
        Ok(operation)
    }

    /// Variables are typed by the server's schema; here their values are enough.
    fn skip_declarations(&mut self) -> Result<(), String> {
        if self.peek() != Some('(') {
            return Ok(());
        }
        while let Some(letter) = self.next() {
            if letter == ')' {
                self.blank();
                return Ok(());
            }
        }
        Err("Syntax Error: Expected \")\", found <EOF>.".to_owned())
    }

    fn selections(&mut self) -> Result<Vec<Selection>, String> {
        self.expect('{')?;
        let mut fields = Vec::new();
        loop {
            self.blank();
            match self.peek() {
                Some('}') => {
                    self.at += 1;
                    return Ok(fields);
                }
                Some('.') => fields.push(self.fragment_spread()?),
                Some(_) => fields.push(self.selection()?),
                None => return Err("Syntax Error: Expected Name, found <EOF>.".to_owned()),
            }
        }
    }

    fn fragment_spread(&mut self) -> Result<Selection, String> {
        for _ in 0..3 {
            self.expect('.')?;
        }
        self.blank();
        let name = self.word()?;
        Ok(Selection { alias: "...".to_owned(), name, arguments: Map::new(), fields: Vec::new(), line: 1, column: 1 })
    }

    fn selection(&mut self) -> Result<Selection, String> {
        let (line, column) = self.place();
        let mut name = self.word()?;
        let mut alias = name.clone();
        self.blank();
        if self.peek() == Some(':') {
            self.at += 1;
            self.blank();
            alias = name;
            name = self.word()?;
            self.blank();
        }
        let mut arguments = Map::new();
        if self.peek() == Some('(') {
            self.at += 1;
            loop {
                self.blank();
                if self.peek() == Some(')') {
                    self.at += 1;
                    break;
                }
                let key = self.word()?;
                self.blank();
                self.expect(':')?;
                if let Some(value) = self.value()? {
                    arguments.insert(key, value);
                }
            }
            self.blank();
        }
        let fields = if self.peek() == Some('{') { self.selections()? } else { Vec::new() };
        Ok(Selection { alias, name, arguments, fields, line, column })
    }

    /// A value; `None` for a variable that was not given.
    fn value(&mut self) -> Result<Option<Value>, String> {
        self.blank();
        match self.peek() {
            Some('$') => {
                self.at += 1;
                let name = self.word()?;
                Ok(self.variables.get(&name).cloned())
            }
            Some('"') => Ok(Some(Value::String(self.string()?))),
            Some('[') => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.blank();
                    if self.peek() == Some(']') {
                        self.at += 1;
                        return Ok(Some(Value::Array(items)));
                    }
                    items.push(self.value()?.unwrap_or_default());
                }
            }
            Some('{') => {
                self.at += 1;
                let mut parts = Map::new();
                loop {
                    self.blank();
                    if self.peek() == Some('}') {
                        self.at += 1;
                        return Ok(Some(Value::Object(parts)));
                    }
                    let key = self.word()?;
                    self.blank();
                    self.expect(':')?;
                    if let Some(value) = self.value()? {
                        parts.insert(key, value);
                    }
                }
            }
            Some(letter) if letter == '-' || letter.is_ascii_digit() => {
                let mut text = String::new();
                while let Some(letter) = self.peek().filter(|letter| "+-.eE0123456789".contains(*letter)) {
                    text.push(letter);
                    self.at += 1;
                }
                serde_json::from_str(&text).map(Some).map_err(|_| format!("Syntax Error: Invalid number \"{text}\"."))
            }
            _ => Ok(Some(match self.word()?.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                name => Value::String(name.to_owned()),
            })),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let block = self.letters.get(self.at..self.at + 3) == Some(&['"', '"', '"']);
        if block {
            self.at += 3;
            let mut text = String::new();
            while self.letters.get(self.at..self.at + 3) != Some(&['"', '"', '"']) {
                text.push(self.next().ok_or("Syntax Error: Unterminated string.")?);
            }
            self.at += 3;
            return Ok(text.trim().to_owned());
        }
        let mut raw = String::new();
        raw.push(self.next().unwrap_or('"'));
        loop {
            let letter = self.next().ok_or("Syntax Error: Unterminated string.")?;
            raw.push(letter);
            match letter {
                '\\' => raw.extend(self.next()),
                '"' => break,
                _ => {}
            }
        }
        serde_json::from_str(&raw).map_err(|_| "Syntax Error: Invalid character within String.".to_owned())
    }

    fn word(&mut self) -> Result<String, String> {
        let mut word = String::new();
        while let Some(letter) = self.peek().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_') {
            word.push(letter);
            self.at += 1;
        }
        if word.is_empty() {
            let found = self.peek().map_or_else(|| "<EOF>".to_owned(), |letter| format!("\"{letter}\""));
            return Err(format!("Syntax Error: Expected Name, found {found}."));
        }
        Ok(word)
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.next() {
            Some(found) if found == wanted => Ok(()),
            other => {
                let found = other.map_or_else(|| "<EOF>".to_owned(), |letter| format!("\"{letter}\""));
                Err(format!("Syntax Error: Expected \"{wanted}\", found {found}."))
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn blank(&mut self) {
        while let Some(letter) = self.peek() {
            if letter == '#' {
                while self.peek().is_some_and(|letter| letter != '\n') {
                    self.at += 1;
                }
            } else if letter.is_whitespace() || letter == ',' || letter == '\u{feff}' {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn place(&self) -> (usize, usize) {
        let before = self.letters.get(..self.at).unwrap_or_default();
        let line = before.iter().filter(|letter| **letter == '\n').count() + 1;
        let column = before.iter().rev().take_while(|letter| **letter != '\n').count() + 1;
        (line, column)
    }
}

/// Puts fragments in the place of their names; the depth keeps a circle from going on for ever.
fn spread(fields: Vec<Selection>, fragments: &BTreeMap<String, Vec<Selection>>, depth: usize) -> Vec<Selection> {
    let mut spread_out = Vec::new();
    for mut field in fields {
        if field.alias == "..." {
            if let Some(inner) = fragments.get(&field.name).filter(|_| depth < 8) {
                spread_out.extend(spread(inner.clone(), fragments, depth + 1));
            }
            continue;
        }
        field.fields = spread(field.fields, fragments, depth);
        spread_out.push(field);
    }
    spread_out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::parse;

    #[test]
    fn arguments_aliases_and_variables_are_read() {
        let mut variables = Map::new();
        variables.insert("f".into(), json!({"name": {"in": ["Acme, Inc."]}}));
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
    fn a_fragment_stands_for_its_fields() {
        let operation = parse("{people{edges{node{...P}}}} fragment P on Person { id name }", &Map::new()).unwrap();
        assert_eq!(operation.fields[0].fields[0].fields[0].fields.len(), 2);
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
