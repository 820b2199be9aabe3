//! Every word of every cell: in its record as the destination holds it, or in a finding, a drop or a degradation that tells of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::arrived::micros;
use crate::harness::Project;
use crate::moved::{Moved, instant, moved, moved_from};

/// Words of a text, in small letters.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    // A link is the same with and without these.
    let is_word = |word: &&str| !matches!(*word, "" | "http" | "https" | "www");
    let words = text.split(|sign: char| !sign.is_alphanumeric()).filter(is_word);
    words.map(str::to_lowercase).collect()
}

/// The text of HTML as a reader sees it: no tags, and no entity for a sign.
pub(crate) fn seen(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        text.push_str(before);
        let is_tag = behind.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '/' || sign == '!');
        match behind.split_once('>') {
            Some((tag, after)) if is_tag && !tag.contains('@') => {
                text.push(' ');
                rest = after;
            }
            _ => {
                text.push('<');
                rest = behind;
            }
        }
    }
    text.push_str(rest);
    for (entity, sign) in
        [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&quot;", "\""), ("&#39;", "'")]
    {
        text = text.replace(entity, sign);
    }
    text
}

/// Words of everything that a record holds.
pub(crate) fn held(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => into.extend(words(text)),
        Value::Array(items) => items.iter().for_each(|item| held(item, into)),
        Value::Object(parts) => parts.values().for_each(|part| held(part, into)),
        other => into.extend(words(&other.to_string())),
    }
}

/// `1,204` as a number.
fn number(cell: &str) -> Option<f64> {
    cell.replace(',', "").trim().parse().ok()
}

/// `01/31/2024` as the destination shows days.
fn day(cell: &str) -> Option<String> {
    jiff::civil::Date::strptime("%m/%d/%Y", cell).ok().map(|day| day.to_string())
}

/// Meaning of a word of yes or no.
fn truth(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Some(true),
        "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Millionths of an amount, as a number or as digits.
fn micros_of(amount: &Value) -> Option<i64> {
    amount.as_i64().or_else(|| amount.as_str()?.parse().ok())
}

/// True where a field of telephone numbers holds the number of a cell: its digits to the last, behind no more than the code of its country.
fn is_number(there: &Value, cell: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let lower = cell.to_lowercase();
    let main = ["ext", "x", "#"].iter().filter_map(|mark| lower.find(mark)).min().map_or(cell, |at| &cell[..at]);
    let (written, national) = (digits(main), digits(there["primaryPhoneNumber"].as_str().unwrap_or_default()));
    let code = digits(there["primaryPhoneCallingCode"].as_str().unwrap_or_default());
    let before = written.strip_suffix(&national).filter(|_| !national.is_empty());
    before.is_some_and(|before| {
        before.is_empty() || before == code || before == format!("00{code}") || before == format!("011{code}")
    })
}

/// Ids of the records that a reference may lead to; absent where none of them was made by itself.
fn referred(moved: &Moved, column: &Value, cell: &str) -> Option<BTreeSet<String>> {
    let reference = &column["reference"];
    let objects = texts(&reference["objects"]);
    let stages = moved.plan["stages"].as_array().unwrap();
    let of_objects = stages.iter().filter(|stage| objects.iter().any(|object| stage["source_object"] == *object));
    let of_objects: Vec<&Value> = of_objects.filter(|stage| stage["distinct"].is_null()).collect();
    if of_objects.is_empty() {
        return None;
    }
    let mut keys = BTreeSet::from([cell.to_owned()]);
    if let Some(by) = reference["column"].as_str() {
        keys.clear();
        for object in moved.plan["source"]["objects"].as_array().unwrap() {
            if !objects.iter().any(|name| object["name"] == *name) {
                continue;
            }
            for (_, row) in moved.lines(object["file"].as_str().unwrap()) {
                let cell_of =
                    |name: &str| row.iter().find(|(known, _)| known == name).map_or("", |(_, cell)| cell.trim());
                if cell_of(by).eq_ignore_ascii_case(cell) {
                    let key = texts(&object["key"]).iter().map(|key| cell_of(key)).collect::<Vec<_>>().join("\u{1f}");
                    keys.insert(key);
                }
            }
        }
    }
    let ids = of_objects.iter().flat_map(|stage| {
        let map = stage["id"].as_str().unwrap();
        keys.iter().filter_map(move |key| moved.id(map, key).map(str::to_owned))
    });
    let ids: BTreeSet<String> = ids.collect();
    (!ids.is_empty()).then_some(ids)
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(parts) => parts.values().all(is_empty),
        _ => false,
    }
}

/// Word of the program about a cell that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A finding of its line, or a `drop` of its column.
    Told,
    /// A degradation of its column, which counts the records that lose something.
    Counted,
}

/// Words of the program about a migration, by place.
pub(crate) struct Told<'m> {
    /// Columns of which a finding of the audit tells, by file and line. One that names none excuses nothing.
    findings: BTreeMap<(String, u64), Vec<&'m str>>,
    /// Rows that are set aside as a whole, since another one has their key, by file and line.
    set_aside: BTreeSet<(String, u64)>,
    /// Fields and columns of which a line of the preview tells, by map, file and line: values that are not written.
    preview: BTreeSet<(String, String, u64, String)>,
    /// `Company.phone`, of columns that stay behind.
    dropped: BTreeSet<String>,
    /// The same of those that are degraded, with the records that the plan counts.
    degraded: BTreeMap<String, u64>,
}

impl<'m> Told<'m> {
    pub(crate) fn of(audit: &'m Value, plan: &Value, preview: &str) -> Self {
        let mut findings: BTreeMap<(String, u64), Vec<&str>> = BTreeMap::new();
        for finding in audit["findings"].as_array().unwrap() {
            if let (Some(file), Some(line), Some(column)) =
                (finding["file"].as_str(), finding["line"].as_u64(), finding["column"].as_str())
            {
                findings.entry((file.to_owned(), line)).or_default().push(column);
            }
        }
        let rows = audit["findings"].as_array().unwrap().iter();
        let rows = rows.filter(|finding| finding["kind"] == "duplicate-key" && finding["severity"] == "error");
        let place = |finding: &Value| (finding["file"].as_str().unwrap().to_owned(), finding["line"].as_u64().unwrap());
        let set_aside = rows.map(place).collect();
        let preview = not_written(plan, preview);
        let (mut dropped, mut degraded) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
        for stage in plan["stages"].as_array().unwrap() {
            let object = stage["source_object"].as_str().unwrap();
            for entry in stage["dropped"].as_array().into_iter().flatten() {
                dropped.extend(texts(&entry["columns"]).iter().map(|column| format!("{object}.{column}")));
            }
            for entry in plan["degradations"].as_array().unwrap() {
                let what = entry["what"].as_str().unwrap();
                let mut columns = BTreeSet::from([what.to_owned()]);
                if entry["map"] == stage["map"] {
                    // A reason names what stays behind: "not which record it belongs to (owner_ref)".
                    if let Some((_, named)) = entry["reason"].as_str().unwrap().rsplit_once('(') {
                        columns.insert(format!("{object}.{}", named.trim_end_matches(')')));
                    }
                    let field = what.rsplit('.').next().unwrap();
                    let written = stage["fields"].as_array().unwrap().iter().find(|written| written["field"] == field);
                    let reads = written.map(|written| texts(&written["reads"])).unwrap_or_default();
                    columns.extend(reads.iter().map(|column| format!("{object}.{column}")));
                } else if !what.starts_with(&format!("{object}.")) {
                    continue;
                }
                // What the plan does not count is told of no record.
                let records = entry["records"].as_u64().unwrap_or_default();
                for column in columns {
                    *degraded.entry(column).or_default() += records;
                }
            }
            for row in plan["rows"].as_array().unwrap() {
                let Some((_, behind)) =
                    row["reason"].as_str().and_then(|why| why.split_once("columns that stay behind: "))
                else {
                    continue;
                };
                let is_of = row["concept"].as_str().is_some_and(|concept| concept.split(' ').next() == Some(object));
                let behind = behind.split([';', ':']).next().unwrap_or_default();
                dropped.extend(behind.split(", ").filter(|_| is_of).map(|column| format!("{object}.{column}")));
            }
        }
        Self { findings, set_aside, preview, dropped, degraded }
    }

    /// True for a row that is set aside as a whole: the record of its key is another row's.
    pub(crate) fn is_set_aside(&self, place: &(String, u64)) -> bool {
        self.set_aside.contains(place)
    }

    /// Word about a cell, by its column and its place.
    pub(crate) fn about(&self, object: &str, column: &str, place: &(String, u64)) -> Option<Word> {
        let is_found = self.findings.get(place).is_some_and(|columns| columns.contains(&column));
        let name = format!("{object}.{column}");
        let is_listed = self.preview.contains(&(object.to_owned(), place.0.clone(), place.1, column.to_owned()));
        if self.dropped.contains(&name) || is_found || is_listed {
            return Some(Word::Told);
        }
        self.degraded.contains_key(&name).then_some(Word::Counted)
    }

    /// Columns of which more cells went than the plan counts.
    pub(crate) fn uncounted(&self, gone: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let counted = |column: &str| self.degraded.get(column).copied().unwrap_or_default();
        let more = gone.iter().filter(|(column, cells)| u64::try_from(cells.len()).unwrap() > counted(column));
        more.map(|(column, cells)| {
            format!("{column}: {} cells went, {} are counted: {}", cells.len(), counted(column), cells.join("; "))
        })
        .collect()
    }
}

/// Columns whose values are not written by a line of `preview.csv`: the destination holds another, or another row's counts. By object, file and line.
fn not_written(plan: &Value, preview: &str) -> BTreeSet<(String, String, u64, String)> {
    let mut columns = BTreeSet::new();
    for row in csv::Reader::from_reader(preview.as_bytes()).deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        if !matches!(row["action"].as_str(), "stay" | "merge" | "give_way") {
            continue;
        }
        for stage in plan["stages"].as_array().unwrap().iter().filter(|stage| stage["map"] == row["map"]) {
            let name = row["field"].split('.').next().unwrap();
            let fields = stage["fields"].as_array().unwrap().iter().filter(|field| field["field"] == name);
            for column in fields.flat_map(|field| texts(&field["reads"])) {
                let object = stage["source_object"].as_str().unwrap().to_owned();
                columns.insert((object, row["file"].clone(), row["line"].parse().unwrap(), column.to_owned()));
            }
        }
    }
    columns
}

/// Records that stand for others, by map, file and line of these: the key of each.
fn survivors(preview: &str) -> BTreeMap<(String, String, u64), String> {
    let rows = csv::Reader::from_reader(preview.as_bytes()).into_deserialize::<BTreeMap<String, String>>();
    let rows = rows.map(|row| row.unwrap());
    let is_other = |row: &BTreeMap<String, String>| matches!(row["action"].as_str(), "merge" | "give_way");
    let of = |row: BTreeMap<String, String>| {
        let line = row["line"].parse().unwrap();
        ((row["map"].clone(), row["file"].clone(), line), row["other"].clone())
    };
    rows.filter(is_other).map(of).collect()
}

/// Cells of a migration that went without a word.
fn lost(moved: &Moved) -> (Vec<String>, usize) {
    let preview = moved.project.read(".migr/staging/preview.csv");
    let (told, survivors) = (Told::of(&moved.audit, &moved.plan, &preview), survivors(&preview));
    let (mut lost, mut gone, mut looked_at) = (Vec::new(), BTreeMap::<String, Vec<String>>::new(), 0);
    for stage in moved.plan["stages"].as_array().unwrap().iter().filter(|stage| stage["distinct"].is_null()) {
        let (map, name) = (stage["id"].as_str().unwrap(), stage["source_object"].as_str().unwrap());
        let objects = moved.plan["source"]["objects"].as_array().unwrap();
        let object = objects.iter().find(|object| object["name"] == name).unwrap();
        let file = object["file"].as_str().unwrap();
        let keys = texts(&object["key"]);
        let there = moved.by_id(stage["destination_object"].as_str().unwrap());
        for (line, row) in moved.lines(file) {
            let cell = |column: &str| row.iter().find(|(known, _)| known == column).map_or("", |(_, cell)| cell.trim());
            let key: Vec<&str> = keys.iter().map(|key| cell(key)).collect();
            let place = (stage["map"].as_str().unwrap().to_owned(), format!("export/{file}"), line);
            let key = match survivors.get(&place) {
                // What is not in the record of the row that counts must be named.
                Some(survivor) => survivor.replace(" + ", "\u{1f}"),
                None => key.join("\u{1f}"),
            };
            if told.is_set_aside(&(format!("export/{file}"), line)) {
                continue;
            }
            // What is not written stays behind with its reason, in the report and in its lists.
            let Some(record) = moved.id(map, &key).and_then(|id| there.get(id)) else { continue };
            let mut holds = BTreeSet::new();
            held(record, &mut holds);
            for link in moved.of("noteTargets").iter().filter(|link| link["noteId"] == record["id"]) {
                held(link, &mut holds);
            }
            for column in object["columns"].as_array().unwrap() {
                let (column_name, ty) = (column["name"].as_str().unwrap(), column["type"].as_str().unwrap());
                let cell = cell(column_name);
                // By the condition of its map a row's kind is where it stands.
                let is_condition = stage["when"].to_string().contains(&format!("\"{column_name}\""));
                let word = told.about(name, column_name, &(format!("export/{file}"), line));
                if cell.is_empty() || is_condition || keys.contains(&column_name) || word == Some(Word::Told) {
                    continue;
                }
                looked_at += 1;
                let fields: Vec<&Value> = stage["fields"].as_array().unwrap().iter().collect();
                let reading = || fields.iter().filter(|field| texts(&field["reads"]).contains(&column_name));
                let is_filled = |field: &&&Value| {
                    let name = field["field"].as_str().unwrap();
                    // A reference to one of several objects has a key for each of them.
                    record.as_object().unwrap().iter().any(|(key, value)| key.starts_with(name) && !is_empty(value))
                };
                let holding = |kinds: &'static [&str]| {
                    let of_kinds = |field: &&&Value| kinds.iter().any(|kind| field["type"]["kind"] == *kind);
                    reading().filter(of_kinds).map(|field| &record[field["field"].as_str().unwrap()])
                };
                let arrived = match ty {
                    "text" | "email" | "url" | "text_list"
                        if reading().all(|field| field["type"]["kind"] == "select") =>
                    {
                        reading().any(|field| is_filled(&field))
                    }
                    "text" if holding(&["currency"]).next().is_some() => {
                        holding(&["currency"]).all(|there| match micros(cell) {
                            Some(amount) => micros_of(&there["amountMicros"]) == Some(amount),
                            None => there["currencyCode"].as_str().is_some_and(|code| code.eq_ignore_ascii_case(cell)),
                        })
                    }
                    "text" | "email" | "url" | "text_list" => words(cell).is_subset(&holds),
                    "richtext" => words(&seen(cell)).is_subset(&holds),
                    "integer" if holding(&["integer", "number"]).next().is_some() => {
                        holding(&["integer", "number"]).all(|there| there.as_f64() == number(cell))
                    }
                    "datetime" if holding(&["datetime"]).next().is_some() => {
                        holding(&["datetime"]).all(|there| there.as_str().map(str::to_owned) == instant(cell))
                    }
                    // At an hour of the day in the destination, and of no other day.
                    "date" if holding(&["date", "datetime"]).next().is_some() => holding(&["date", "datetime"])
                        .all(|there| there.as_str().and_then(|there| there.get(..10)) == day(cell).as_deref()),
                    "boolean" if holding(&["boolean"]).next().is_some() => {
                        holding(&["boolean"]).all(|there| there.as_bool() == truth(cell))
                    }
                    "phone" if holding(&["phone", "composite"]).next().is_some() => {
                        holding(&["phone", "composite"]).any(|there| is_number(there, cell))
                    }
                    "reference" if holding(&["reference"]).next().is_some() => {
                        let field = reading().find(|field| field["type"]["kind"] == "reference").unwrap();
                        let name = field["field"].as_str().unwrap();
                        // A reference to one of several objects has a key for each of them.
                        let keys = record.as_object().unwrap().iter();
                        let mut there = keys
                            .filter(|(key, value)| key.starts_with(name) && key.ends_with("Id") && !is_empty(value))
                            .map(|(_, value)| value.as_str().unwrap());
                        match referred(moved, column, cell) {
                            Some(ids) => there.any(|id| ids.contains(id)),
                            // No map makes it, or it became one with another record.
                            None => there.next().is_some(),
                        }
                    }
                    // Several references are counted where one is kept.
                    _ => reading().any(|field| is_filled(&field)) || stage["links"].to_string().contains(column_name),
                };
                if !arrived && word == Some(Word::Counted) {
                    gone.entry(format!("{name}.{column_name}")).or_default().push(format!("{line} {cell:?}"));
                } else if !arrived {
                    let words: Vec<String> = words(cell).difference(&holds).cloned().collect();
                    lost.push(format!("{map} {file}:{line} {column_name} {cell:?}: {words:?}"));
                }
            }
        }
    }
    lost.extend(told.uncounted(&gone));
    (lost, looked_at)
}

#[test]
fn each_word_of_each_cell_stands_in_its_record_or_is_told() {
    let (lost, looked_at) = lost(moved());
    assert!(looked_at > 3_000, "{looked_at}");
    assert!(lost.is_empty(), "{} cells:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn each_word_of_a_generated_export_stands_in_its_record_or_is_told() {
    for seed in [3, 8] {
        let Some((project, _)) = Project::generated(40, seed) else { return };
        let moved = moved_from(project);
        let (lost, looked_at) = lost(&moved);
        assert!(looked_at > 500, "{looked_at}");
        assert!(lost.is_empty(), "seed {seed}, {} cells:\n{}", lost.len(), lost.join("\n"));
    }
}
