//! Meaning of each cell against what the destination holds after the run, by rules of the test's own: every value of the source is written as it is meant, left
//! out by a written rule, or told; and nothing changes in a record that no map wrote.

use std::collections::{BTreeMap, BTreeSet};

use migr_journal::State;
use migr_plan::{Step, StepKind};
use serde_json::{Map as Json, Value};

use crate::case::{Case, Column, Entry, Map, Table};
use crate::compare::Difference;
use crate::facts::{Journaled, Stored};
use crate::life::Life;

/// Faults of a case: what arrived otherwise than it is meant, or went without a word.
pub(crate) fn differences(case: &Case, life: &Life) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut touched: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for map in &case.maps {
        for (_, record) in life.outcome.journal.of(map.name()) {
            let Some(id) = record.id.as_deref() else { continue };
            let fields = map.entries.iter().filter(|entry| case.is_written(entry)).map(|entry| entry.field);
            touched.entry((map.table(), id)).or_default().extend(fields);
        }
    }
    for map in &case.maps {
        let Some(table) = case.table(map.object) else { continue };
        for (key, record) in life.outcome.journal.of(map.name()) {
            let row = usize::try_from(record.line).unwrap().checked_sub(2).and_then(|at| table.rows.get(at));
            let Some(row) = row.filter(|row| row.len() == table.columns.len()) else { continue };
            let of_row = OfRow { case, life, map, table, row, record, is_alone: is_alone(life, map, key, record) };
            found.extend(of_row.differences());
            found.extend(of_row.merged(key));
        }
    }
    found.extend(unwritten(life, &touched));
    found
}

/// True where no other row, of this map or another one, gives the record values.
fn is_alone(life: &Life, map: &Map, key: &str, record: &Journaled) -> bool {
    let mut others = life
        .outcome
        .journal
        .records
        .iter()
        .filter(|((step, of), _)| (step.as_str(), of.as_str()) != (map.name(), key) && is_records(step));
    !others.any(|(_, other)| (other.id == record.id && other.id.is_some()) || other.winner.as_deref() == Some(key))
}

/// True for a step that writes records, and not their links or what was deferred.
fn is_records(step: &str) -> bool {
    Step::parse(step).kind == StepKind::Records
}

/// Changes in records that were there, of fields that no map writes.
fn unwritten(life: &Life, touched: &BTreeMap<(&str, &str), BTreeSet<&str>>) -> Vec<Difference> {
    let mut found = Vec::new();
    for ((object, id), before) in &life.outcome.store_before.0 {
        let Some(after) = life.outcome.store.get(object, id) else { continue };
        let written = touched.get(&(object.as_str(), id.as_str()));
        for key in before.body.keys().chain(after.body.keys()) {
            let field = key.strip_suffix("Id").unwrap_or(key);
            let is_written = written.is_some_and(|fields| fields.contains(key.as_str()) || fields.contains(field));
            if !is_written && key != "deletedAt" && before.body.get(key) != after.body.get(key) {
                let (before, after) = (before.body.get(key), after.body.get(key));
                found.push(differs(format!("{object} {id} {key}"), format!("{before:?}"), format!("{after:?}")));
            }
        }
    }
    found
}

fn differs(place: String, forecast: String, outcome: String) -> Difference {
    Difference { what: "meaning", place, forecast, outcome }
}

/// A row and the record that it became.
struct OfRow<'c> {
    case: &'c Case,
    life: &'c Life,
    map: &'c Map,
    table: &'c Table,
    row: &'c [String],
    record: &'c Journaled,
    is_alone: bool,
}

impl OfRow<'_> {
    fn differences(&self) -> Vec<Difference> {
        // What was not written is told with its reason, which other comparisons hold to be so.
        if !matches!(self.record.state, State::Created | State::Updated | State::Unchanged) || !self.is_alone {
            return Vec::new();
        }
        let (object, Some(id)) = (self.map.table(), self.record.id.as_deref()) else { return Vec::new() };
        let Some(stored) = self.life.outcome.store.get(object, id) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in self.map.entries.iter().filter(|entry| self.case.is_written(entry)) {
            let (_, value) = entry.text.split_once(" = ").unwrap();
            // What stands behind a `|` is a function, which may have a column's name.
            let value = value.split(" | ").next().unwrap();
            let named: BTreeSet<&str> = value.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).collect();
            for (column, cell) in self.table.columns.iter().zip(self.row) {
                if cell.trim().is_empty()
                    || !named.contains(column.name)
                    || self.is_kept(entry, id)
                    || self.is_told(entry)
                {
                    continue;
                }
                if self.stands(stored, entry, column, cell) == Some(false) {
                    let place = format!("{} line {} {}", self.map.name(), self.record.line, entry.field);
                    let now = format!("{:?}", of_field(&stored.body, entry.field));
                    found.push(differs(place, format!("{} {cell:?}", column.name), now));
                }
            }
        }
        found
    }

    /// Faults of a record that several rows became: it holds of each field the value of the first row that has one, in the written order, and what differs from it
    /// is told at its line.
    fn merged(&self, key: &str) -> Vec<Difference> {
        let journal = &self.life.outcome.journal;
        let is_written = matches!(self.record.state, State::Created | State::Updated | State::Unchanged);
        let (true, Some(id)) = (is_written && !self.is_alone, self.record.id.as_deref()) else { return Vec::new() };
        let of_it = |record: &Journaled| record.id.as_deref() == Some(id) || record.winner.as_deref() == Some(key);
        let own = || journal.records.iter().filter(|((step, _), _)| step == self.map.name());
        let others = journal.records.iter().filter(|((step, _), _)| step != self.map.name() && is_records(step));
        // Of what several maps make of it the last one's word counts.
        if others.filter(|(_, other)| other.id.as_deref() == Some(id)).count() > 0 {
            return Vec::new();
        }
        let rows = own().filter(|(_, record)| of_it(record)).filter_map(|(_, record)| {
            let at = usize::try_from(record.line).unwrap().checked_sub(2)?;
            Some((record, self.table.rows.get(at).filter(|row| row.len() == self.table.columns.len())?))
        });
        let mut rows: Vec<(&Journaled, &Vec<String>)> = rows.collect();
        let rule =
            |word: &str| self.map.rules.iter().any(|rule| rule.starts_with(&format!("on duplicate merge {word}")));
        if rows.len() < 2 || !(rule("newest") || rule("oldest")) {
            return Vec::new();
        }
        let seen = self.table.columns.iter().position(|column| column.name == "seen");
        let day =
            |row: &Vec<String>| seen.and_then(|at| row.get(at)).map(|day| day.trim().to_owned()).unwrap_or_default();
        rows.sort_by(|(one, a), (other, b)| {
            let (a, b) = (day(a), day(b));
            let by_day = if rule("newest") { b.cmp(&a) } else { a.cmp(&b) };
            a.is_empty().cmp(&b.is_empty()).then(by_day).then(one.line.cmp(&other.line))
        });
        // Of what an earlier run settled its own audit told.
        let before = self.life.outcome.journal_before.of(self.map.name());
        let settled: BTreeSet<u64> = before.map(|(_, record)| record.line).collect();
        if rows.iter().any(|(record, _)| settled.contains(&record.line)) {
            return Vec::new();
        }
        let Some(stored) = self.life.outcome.store.get(self.map.table(), id) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in self.map.entries.iter().filter(|entry| self.case.is_written(entry) && !self.is_kept(entry, id)) {
            let (_, value) = entry.text.split_once(" = ").unwrap();
            let value = value.split(" | ").next().unwrap();
            let named: BTreeSet<&str> = value.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).collect();
            for (at, column) in self.table.columns.iter().enumerate().filter(|(_, column)| named.contains(column.name))
            {
                let cells = rows.iter().map(|(record, row)| (*record, row[at].as_str()));
                let filled = cells.filter(|(_, cell)| !cell.trim().is_empty() && !cell.contains(';'));
                let mut counts = true;
                for (record, cell) in filled {
                    let of_row = OfRow { record, ..*self };
                    let stands = self.stands(stored, entry, column, cell);
                    let is_told = of_row.is_told(entry) || (!counts && of_row.is_told_lost());
                    if stands == Some(false) && !is_told {
                        let place = format!("{} line {} {} merged", self.map.name(), record.line, entry.field);
                        let now = format!("{:?}", of_field(&stored.body, entry.field));
                        found.push(differs(place, format!("{} {cell:?}", column.name), now));
                    }
                    counts = false;
                }
            }
        }
        found
    }

    /// True where the audit says of the row that it becomes one with another.
    fn is_told_lost(&self) -> bool {
        let here = |object: Option<&str>, line: Option<u64>| {
            object == Some(self.table.object) && line == Some(self.record.line)
        };
        self.life.forecast.findings.iter().any(|finding| here(finding.object.as_deref(), finding.line))
    }

    /// True where the record had a value before, which the map's rule leaves as it is.
    fn is_kept(&self, entry: &Entry, id: &str) -> bool {
        let updates = self.map.rules.iter().any(|rule| rule == "on existing update");
        let before = self.life.outcome.store_before.get(self.map.table(), id);
        before.is_some_and(|before| {
            (!updates && of_field(&before.body, entry.field).is_some()) || entry.field == "createdBy"
        })
    }

    /// True where a finding, a remark of the journal or a quarantine names the record's line.
    fn is_told(&self, entry: &Entry) -> bool {
        let journal = &self.life.outcome.journal;
        let name = self.map.name();
        let noted = journal.repaired.iter().chain(&journal.kept).chain(&journal.outdone).chain(&journal.given_way);
        let noted = noted.chain(&journal.orphaned).chain(&journal.quarantined);
        let mut noted = noted.filter(|(step, line, _)| Step::parse(step).stage == name && *line == self.record.line);
        let mut findings = self.life.forecast.findings.iter().filter(|finding| {
            finding.object.as_deref() == Some(self.table.object) && finding.line == Some(self.record.line)
        });
        noted.any(|(_, _, field)| field.is_empty() || field.split('.').next() == Some(entry.field))
            || findings.any(|finding| {
                let column = finding.column.as_deref();
                column.is_none_or(|column| column == entry.field || entry.text.contains(column))
            })
    }

    /// True where a cell stands in the field as it is meant; absent where this test has no rule for it.
    fn stands(&self, stored: &Stored, entry: &Entry, column: &Column, cell: &str) -> Option<bool> {
        let held = of_field(&stored.body, entry.field);
        let text = |held: Option<&Value>| held.and_then(Value::as_str).unwrap_or_default().to_owned();
        let part = |name: &str| text(held.and_then(|held| held.get(name)));
        if !column.refers.is_empty() {
            return self.refers(entry, column, cell, held);
        }
        Some(match column.name {
            // A text stands as it is written, with the blanks around it.
            "first" => part("firstName") == cell,
            "last" if entry.field == "name" => part("lastName") == cell,
            "name" | "title" | "job" => text(held) == cell,
            "email" => part("primaryEmail") == cell.to_lowercase(),
            "phone" => {
                let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
                digits.ends_with(&part("primaryPhoneNumber")) && !part("primaryPhoneNumber").is_empty()
            }
            "site" => {
                let host = |url: &str| {
                    let url = url.to_lowercase();
                    let url = url.trim_start_matches("https://").trim_start_matches("www.");
                    url.trim_end_matches('/').to_owned()
                };
                host(&part("primaryLinkUrl")) == host(cell)
            }
            "size" | "score" => held.and_then(Value::as_i64) == cell.parse().ok(),
            "amount" => {
                let micros = cell.parse::<f64>().ok().map(|amount| format!("{:.0}", amount * 1e6));
                let micros = micros.and_then(|micros| micros.parse::<i64>().ok());
                held.and_then(|held| held.get("amountMicros")).and_then(Value::as_i64) == micros
            }
            "seen" => text(held).starts_with(cell),
            "tier" if cell != "bronze" => text(held) == cell.to_uppercase(),
            "tier" => {
                let table = if column_is_of_firm(self.table.object) { "Grade" } else { "Tier" };
                self.falls_to(table, cell, &text(held))
            }
            "stage" => match cell {
                "Open" => text(held) == "NEW",
                "Won" => text(held) == "CUSTOMER",
                "Lost" => text(held) == "LOST",
                _ => self.falls_to("Stage", cell, &text(held)),
            },
            _ => return None,
        })
    }

    /// True where a field holds what a picklist's `otherwise` makes of a value without a row.
    fn falls_to(&self, table: &str, cell: &str, held: &str) -> bool {
        let rule = self.case.otherwise.iter().find(|(name, _)| *name == table).map_or("", |(_, rule)| rule);
        match rule {
            "create" => held == cell.to_uppercase(),
            // The record is not written, or the value is noted.
            "quarantine" | "skip" | "none" => false,
            option => held == option,
        }
    }

    /// A reference is the id of the record that the referred row became; an owner the one member of the address; a link leads to each member of its list.
    fn refers(&self, entry: &Entry, column: &Column, cell: &str, held: Option<&Value>) -> Option<bool> {
        if column.refers == "User" {
            let held = if entry.field == "createdBy" { held?.get("workspaceMemberId") } else { held };
            let store = &self.life.outcome.store;
            let mut members = store.0.iter().filter(|((object, _), member)| {
                let address = member.body.get("userEmail").and_then(Value::as_str).unwrap_or_default();
                object == "workspaceMembers" && address.eq_ignore_ascii_case(cell.trim())
            });
            let member = members.next().map(|((_, id), _)| id.as_str());
            return Some(member.is_some() && held.and_then(Value::as_str) == member);
        }
        if entry.field == "targets" {
            let note = self.record.id.as_deref()?;
            let ids = cell.split(';').map(str::trim).filter(|key| !key.is_empty()).map(|key| self.became(column, key));
            let links = || self.life.outcome.store.0.iter().filter(|((object, _), _)| object == "noteTargets");
            let is_linked = |id: &str| {
                links().any(|(_, link)| {
                    link.body.get("noteId").and_then(Value::as_str) == Some(note)
                        && link.body.values().any(|value| value.as_str() == Some(id))
                })
            };
            return Some(ids.into_iter().all(|id| id.is_some_and(is_linked)));
        }
        let key = cell.split(';').find(|key| !key.trim().is_empty())?.trim();
        let id = self.became(column, key)?;
        Some(held.and_then(Value::as_str) == Some(id))
    }

    /// Id of the record that a referred row became: of the first map that wrote one of it.
    fn became(&self, column: &Column, key: &str) -> Option<&str> {
        let journal = &self.life.outcome.journal;
        self.case.maps.iter().filter(|map| map.object == column.refers).find_map(|map| {
            let mut record = journal.get(map.name(), key)?;
            while let Some(winner) = &record.winner {
                record = journal.get(map.name(), winner)?;
            }
            record.id.as_deref()
        })
    }
}

/// True where a tier is the grade of a firm.
fn column_is_of_firm(object: &str) -> bool {
    object == "Firm"
}

/// Value of a field, by its own key or by that of the reference.
fn of_field<'b>(body: &'b Json<String, Value>, field: &str) -> Option<&'b Value> {
    let held = body.get(field).or_else(|| body.get(&format!("{field}Id")));
    held.filter(|held| !is_empty(held))
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
