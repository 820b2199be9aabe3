//! A drawn migration: its source tables, maps, policies and the records that the destination holds before it, as a spec, an export and native bodies.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

/// When the audit is made whose word is compared with the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The destination has nothing of the migration yet.
    BeforeSetup,
    /// Objects, fields and options are made, records are not.
    AfterSetup,
    /// A run was killed behind this many writes.
    AfterKill(usize),
    /// A run went through.
    AfterRun,
}

/// A migration with all that decides what becomes of its records.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) maps: Vec<Map>,
    /// Fields of people without which the destination creates none, where every map to people fills them.
    pub(crate) requires: Vec<Required>,
    /// Value of `fallback` in `owners`.
    pub(crate) fallback: &'static str,
    /// `otherwise` of each picklist, by name.
    pub(crate) otherwise: Vec<(&'static str, &'static str)>,
    /// Records that are there before the audit, in the order in which they are made.
    pub(crate) held: Vec<Held>,
    pub(crate) moment: Moment,
    pub(crate) batch: u64,
}

/// A field of people that the destination requires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Required {
    pub(crate) field: &'static str,
    pub(crate) ty: &'static str,
}

/// A source object and its rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) object: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Cells of each row; a row with a cell too many cannot be read.
    pub(crate) rows: Vec<Vec<String>>,
    /// Records of the kind `fax` are skipped by a rule.
    pub(crate) skips: bool,
}

/// A column of a source object; the first one is the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) ty: &'static str,
    /// Source object that it refers to; empty where it holds a value.
    pub(crate) refers: &'static str,
}

/// A map.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) object: &'static str,
    /// Name where the object has several maps.
    pub(crate) alias: Option<&'static str>,
    pub(crate) target: &'static str,
    pub(crate) when: Option<&'static str>,
    /// `match`, `on existing`, … in the order of the map.
    pub(crate) rules: Vec<String>,
    pub(crate) entries: Vec<Entry>,
}

/// A line of a map that fills a field.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Destination field; rules that name it go with it.
    pub(crate) field: &'static str,
    pub(crate) text: String,
    /// Source object that must be migrated for it; empty where there is none.
    pub(crate) needs: &'static str,
}

/// A record that the destination holds before the audit.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) object: &'static str,
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) trashed: bool,
}

const PICKLISTS: &[(&str, &str)] = &[
    ("Tier", "picklist Tier -> people.tier {\n  \"gold\" = new GOLD \"Gold\"\n  \"silver\" = new SILVER \"Silver\"\n"),
    (
        "Grade",
        "picklist Grade -> FIRMS.grade {\n  \"gold\" = new GOLD \"Gold\"\n  \"silver\" = new SILVER \"Silver\"\n",
    ),
    (
        "Stage",
        "picklist Stage -> opportunities.stage {\n  \"Open\" = NEW\n  \"Won\" = CUSTOMER\n  \"Lost\" = new LOST \"Lost\" red\n",
    ),
];

/// The words of a text of the language.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).collect()
}

impl Case {
    pub(crate) fn table(&self, object: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.object == object)
    }

    fn is_mapped(&self, object: &str) -> bool {
        self.maps.iter().any(|map| map.object == object)
    }

    /// The project's files.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![("migration.migr".to_owned(), self.spec())];
        for table in &self.tables {
            files.push((format!("export/{}", table.file()), table.csv()));
        }
        files
    }

    /// The spec.
    pub(crate) fn spec(&self) -> String {
        let mut spec = String::from("use \"std/systems/twenty\"\n\nsystem old {\n");
        for table in &self.tables {
            let _ = writeln!(spec, "  object {} from \"{}\" {{", table.object, table.file());
            let _ = writeln!(spec, "    key {}", table.columns[0].name);
            for column in &table.columns {
                let _ = writeln!(spec, "    {}: {}", column.name, self.type_of(column));
            }
            spec.push_str("  }\n");
        }
        spec.push_str("}\n\nmigration old_to_twenty {\n  source old { files = \"export/*.csv\" }\n");
        spec.push_str("  destination twenty { url = env(\"URL\"); token = secret(\"KEY\") }\n");
        spec.push_str("  timezone = \"America/New_York\"\n  country = \"US\"\n  currency = \"USD\"\n}\n");
        let maps: Vec<String> = self.maps.iter().map(|map| self.map(map)).collect();
        if self.table("User").is_some() {
            let _ = writeln!(
                spec,
                "\nowners {{\n  match User.email = workspaceMembers.userEmail\n  fallback {}\n}}",
                self.fallback
            );
        }
        let is_required = |required: &&Required| {
            let mut people = self.maps.iter().filter(|map| map.table() == "people");
            let is_filled = |map: &Map| {
                let mut entries = map.entries.iter().filter(|entry| self.is_written(entry));
                // What is emptied cannot be required.
                !map.rules.iter().any(|rule| rule == "on empty clear")
                    && entries.any(|entry| entry.field == required.field)
            };
            self.maps.iter().any(|map| map.table() == "people") && people.all(is_filled)
        };
        for Required { field, ty } in self.requires.iter().filter(is_required) {
            let _ =
                writeln!(spec, "\nextend system twenty {{\n  object people {{ override {field}: {ty} required }}\n}}");
        }
        for table in self.tables.iter().filter(|table| table.skips) {
            let _ = writeln!(spec, "\nskip {} when kind == \"fax\" : \"faxes stay behind\"", table.object);
        }
        for (name, rows) in PICKLISTS {
            if maps.iter().any(|map| words(map).contains(name)) {
                let otherwise = self.otherwise.iter().find(|(of, _)| of == name).map_or("quarantine", |(_, way)| way);
                let is_own = self.maps.iter().any(|map| map.object == "Firm" && map.target.contains("offices"));
                let rows = rows.replace("FIRMS", if is_own { "offices" } else { "companies" });
                let _ = writeln!(spec, "\n{rows}  otherwise {otherwise}\n}}");
            }
        }
        for map in maps {
            let _ = write!(spec, "\n{map}");
        }
        spec
    }

    /// References to objects that are not part of the migration are read as text.
    fn type_of(&self, column: &Column) -> &'static str {
        let is_there = column.refers.is_empty() || self.table(column.refers).is_some();
        if is_there { column.ty } else { "text" }
    }

    fn map(&self, map: &Map) -> String {
        let alias = map.alias.map(|alias| format!(" as {alias}")).unwrap_or_default();
        let when = map.when.map(|when| format!(" when {when}")).unwrap_or_default();
        let mut text = format!("map {}{alias} -> {}{when} {{\n", map.object, map.target);
        for rule in &map.rules {
            let _ = writeln!(text, "  {rule}");
        }
        for entry in map.entries.iter().filter(|entry| self.is_written(entry)) {
            // A field is made once: the map before has it.
            let is_known = entry.text.starts_with("new ") && self.is_made_before(map, entry.field);
            let (_, value) = entry.text.split_once(" = ").unwrap();
            let known = format!("{} = {value}", entry.field);
            let _ = writeln!(text, "  {}", if is_known { &known } else { &entry.text });
        }
        let dropped = self.dropped(map);
        if !dropped.is_empty() {
            let _ = writeln!(text, "  drop {} : \"not needed\"", dropped.join(", "));
        }
        text + "}\n"
    }

    fn is_made_before(&self, map: &Map, field: &str) -> bool {
        let before = self.maps.iter().take_while(|other| !std::ptr::eq(*other, map));
        let same = before.filter(|other| other.table() == map.table());
        same.flat_map(|other| &other.entries).any(|entry| entry.field == field && self.is_written(entry))
    }

    /// True where the map has the entry: what it refers to is migrated.
    pub(crate) fn is_written(&self, entry: &Entry) -> bool {
        match entry.needs {
            "" => true,
            "User" => self.table("User").is_some(),
            // A firm may be an object of its own in place of a company.
            object if entry.field == "company" => {
                self.maps.iter().any(|map| map.object == object && map.table() == "companies")
            }
            object => self.is_mapped(object),
        }
    }

    /// Columns that no map of the object reads; its first map says so.
    fn dropped(&self, map: &Map) -> Vec<&'static str> {
        let maps = || self.maps.iter().filter(|other| other.object == map.object);
        let is_first = maps().next().is_some_and(|first| std::ptr::eq(first, map));
        let Some(table) = self.table(map.object).filter(|_| is_first) else { return Vec::new() };
        let read: BTreeSet<&str> = maps()
            .flat_map(|map| {
                let entries = map.entries.iter().filter(|entry| self.is_written(entry));
                entries.map(|entry| entry.text.as_str()).chain(map.rules.iter().map(String::as_str)).chain(map.when)
            })
            .flat_map(|text| words(text.split_once(" = ").map_or(text, |(_, value)| value)))
            .collect();
        let is_read = |name: &str| read.contains(name) || (table.skips && name == "kind");
        table.columns.iter().skip(1).map(|column| column.name).filter(|name| !is_read(name)).collect()
    }
}

impl Map {
    /// Name by which its records are known.
    pub(crate) fn name(&self) -> &'static str {
        self.alias.unwrap_or(self.object)
    }

    /// Destination object, without what is said where it is made.
    pub(crate) fn table(&self) -> &'static str {
        let name = self.target.strip_prefix("new ").unwrap_or(self.target);
        name.split(' ').next().unwrap_or(name)
    }
}

impl Table {
    fn file(&self) -> String {
        format!("{}s.csv", self.object.to_lowercase())
    }

    pub(crate) fn csv(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let rows = self.rows.iter().map(|row| row.join(","));
        std::iter::once(names.join(",")).chain(rows).map(|line| line + "\n").collect()
    }
}
