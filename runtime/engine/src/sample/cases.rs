//! Cases of a plan that a sample should show: its maps, fields, branches, rows of picklists, owners, rules and reasons.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use migr_journal::RecordReason;
use migr_plan::{Expr, Operator, Origin, PicklistOtherwise, Plan, ReasonCode, Recovery, Stage, render};
use migr_report::sample::{Covered, Uncovered};

use migr_decide::identities::Identities;

/// Separator within the name of a case.
const SEPARATOR: char = '\u{1f}';
/// Records that are remembered for a case.
const CANDIDATES: usize = 6;
/// Different cases that are told apart, those that only records bring included.
const MOST: usize = 5_000;
/// Longest text of an expression, in characters.
const LONGEST: usize = 90;

/// Kind of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A map writes a record.
    Map,
    /// A field gets a value.
    Field,
    /// A link is made.
    Link,
    /// One of the two ways of an expression is taken.
    Branch,
    /// A row of a picklist, or its `otherwise`, decides.
    Picklist,
    /// An owner is resolved.
    Owner,
    /// The destination has the record already.
    Existing,
    /// Records become one.
    Merge,
    /// A rule leaves a record behind.
    Skip,
    /// A rule leaves a value out or replaces it.
    Adjusted,
    /// A record is quarantined.
    Quarantine,
}

impl Kind {
    /// In words.
    fn in_words(self) -> &'static str {
        match self {
            Self::Map => "maps",
            Self::Field => "fields with a value",
            Self::Link => "links",
            Self::Branch => "branches of the rules",
            Self::Picklist => "rows of picklists",
            Self::Owner => "owners",
            Self::Existing => "maps that meet a record which is there already",
            Self::Merge => "maps whose records become one",
            Self::Skip => "rules that leave a record behind",
            Self::Adjusted => "rules that leave a value out or replace it",
            Self::Quarantine => "reasons for which a record is not written",
        }
    }

    /// One of the kind, in words.
    fn of_one(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Field => "field",
            Self::Link => "link",
            Self::Branch => "branch",
            Self::Picklist => "picklist row",
            Self::Owner => "owner",
            Self::Existing => "record that is there already",
            Self::Merge => "records that become one",
            Self::Skip => "rule that leaves a record behind",
            Self::Adjusted => "rule that leaves a value out",
            Self::Quarantine => "reason for not being written",
        }
    }
}

/// Record that shows a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Number of the stage.
    pub(crate) stage: usize,
    /// The line.
    pub(crate) line: u64,
    /// Key in the journal.
    pub(crate) key: String,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    kind: Kind,
    what: String,
    place: String,
    /// Records that show it; the first of them.
    pub(crate) candidates: Vec<Place>,
    /// The sample shows it.
    pub(crate) is_shown: bool,
    /// True where it is a matter of the sample: each is, but in a sample of a change those that the change leaves as they were.
    counts: bool,
}

/// Cases by number.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    pub(crate) list: Vec<Case>,
    by_name: HashMap<String, usize>,
}

impl Cases {
    /// Cases that a plan states.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut cases = Self::default();
        for (number, stage) in plan.stages.iter().enumerate() {
            cases.stage(number, stage);
        }
        let used = used_tables(plan);
        for picklist in plan.picklists.iter().filter(|picklist| used.contains(&picklist.name.as_str())) {
            for (at, row) in picklist.rows.iter().enumerate() {
                let keys: Vec<String> = row.keys.iter().map(|key| keys(key)).collect();
                let what = format!("{}: {}", picklist.name, keys.join(" | "));
                cases.state(Kind::Picklist, &row_name(&picklist.name, Some(at)), what, &row.origin);
            }
            if picklist.otherwise != PicklistOtherwise::Quarantine {
                let what = format!("{}: otherwise, for a value that no row names", picklist.name);
                cases.state(Kind::Picklist, &row_name(&picklist.name, None), what, &picklist.origin);
            }
        }
        for pair in plan.owners.iter().flat_map(|owners| &owners.overrides) {
            let what = format!("{} = {}", pair.source, pair.destination);
            cases.state(Kind::Owner, &owner_name(&pair.source.trim().to_lowercase()), what, &pair.origin);
        }
        for object in &plan.source.objects {
            for skip in &object.skips {
                let what = format!("{}: {}", object.name, skip.reason);
                cases.state(Kind::Skip, &skip_name(&object.name, &skip.reason), what, &skip.origin);
            }
        }
        cases
    }

    fn stage(&mut self, number: usize, stage: &Stage) {
        let (name, origin) = (&stage.map, &stage.origin);
        let object = &stage.destination_object;
        self.state(Kind::Map, &map_name(number), format!("{name} writes a record of {object}"), origin);
        for (at, field) in stage.fields.iter().enumerate() {
            let what = format!("{name}, {}", field.field);
            self.state(Kind::Field, &field_name(number, at), what.clone(), &field.origin);
            let parts = std::iter::once(&field.value).chain(&field.file_name);
            self.forks(parts, (number, 'f', at), &what, &field.origin);
        }
        for (at, link) in stage.links.iter().enumerate() {
            let what = format!("{name}, {}", link.field);
            self.state(Kind::Link, &link_name(number, at), what.clone(), &link.origin);
            self.forks(std::iter::once(&link.value), (number, 'l', at), &what, &link.origin);
        }
        if Identities::of(stage).matching > 0 {
            let what = format!("{name}: a record of {object} that was there before");
            self.state(Kind::Existing, &existing_name(number), what, origin);
            self.state(Kind::Merge, &merge_name(number), format!("{name}: two records become one"), origin);
        }
    }

    fn forks<'e>(
        &mut self,
        parts: impl Iterator<Item = &'e Expr>,
        (stage, kind, at): (usize, char, usize),
        what: &str,
        origin: &Origin,
    ) {
        let mut fork = 0;
        for part in parts {
            part.walk(&mut |expr| {
                let ways: &[(bool, &str)] = match expr {
                    Expr::If { .. } => &[(false, "then"), (true, "else")],
                    Expr::Binary { operator: Operator::Coalesce, .. } => &[(false, "left side"), (true, "right side")],
                    Expr::Otherwise { recovery: Recovery::Quarantine, .. } => &[],
                    Expr::Otherwise { .. } => &[(true, "otherwise")],
                    _ => return,
                };
                for (second, word) in ways {
                    let text = shortened(&render::expression(expr));
                    let name = way_name(stage, kind, at, (fork, *second));
                    self.state(Kind::Branch, &name, format!("{what}: {word} of `{text}`"), origin);
                }
                fork += 1;
            });
        }
    }

    fn state(&mut self, kind: Kind, name: &str, what: String, origin: &Origin) {
        self.add(kind, name, what, format!("{}:{}", origin.file, origin.line));
    }

    fn add(&mut self, kind: Kind, name: &str, what: String, place: String) -> Option<usize> {
        if let Some(known) = self.by_name.get(name) {
            return Some(*known);
        }
        if self.list.len() >= MOST {
            return None;
        }
        let number = self.list.len();
        self.list.push(Case { kind, what, place, candidates: Vec::new(), is_shown: false, counts: true });
        self.by_name.insert(name.to_owned(), number);
        Some(number)
    }

    /// Keeps the cases that records show, and those that one of the plans before has not, or has otherwise.
    pub(crate) fn keep_changed(&mut self, plan: &Plan, before: &[Plan]) {
        let earlier: Vec<Self> = before.iter().map(Self::of).collect();
        let known: Vec<BTreeSet<(Kind, &str)>> = earlier
            .iter()
            .map(|cases| cases.list.iter().map(|case| (case.kind, case.what.as_str())).collect())
            .collect();
        let differing = before.iter().map(|before| differing(plan, before));
        let differing: BTreeSet<usize> = differing.flatten().filter_map(|name| self.stated(&name)).collect();
        for (number, case) in self.list.iter_mut().enumerate() {
            let is_new = || known.iter().any(|known| !known.contains(&(case.kind, case.what.as_str())));
            case.counts = !case.candidates.is_empty() || differing.contains(&number) || is_new();
        }
    }

    /// Number of a case that the plan states.
    pub(crate) fn stated(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Number of a case that a record brings; none where there are too many.
    pub(crate) fn met(
        &mut self,
        kind: Kind,
        name: &str,
        what: impl FnOnce() -> String,
        origin: &Origin,
    ) -> Option<usize> {
        match self.stated(name) {
            Some(known) => Some(known),
            None => self.add(kind, name, what(), format!("{}:{}", origin.file, origin.line)),
        }
    }

    /// Notes a record that shows some cases; true where one of them needs candidates.
    pub(crate) fn shown_by(&mut self, cases: &[usize], place: &Place) {
        for number in cases {
            if let Some(case) = self.list.get_mut(*number)
                && case.candidates.len() < CANDIDATES
            {
                case.candidates.push(place.clone());
            }
        }
    }

    /// Words of a case.
    pub(crate) fn in_words(&self, number: usize) -> Option<String> {
        let case = self.list.get(number)?;
        Some(match case.kind {
            Kind::Map | Kind::Skip | Kind::Adjusted | Kind::Quarantine | Kind::Merge | Kind::Existing => {
                case.what.clone()
            }
            kind => format!("{} {}", kind.of_one(), case.what),
        })
    }

    /// Shown and possible cases by kind.
    pub(crate) fn coverage(&self) -> Vec<Covered> {
        let mut kinds: BTreeMap<Kind, (u64, u64)> = BTreeMap::new();
        for case in self.list.iter().filter(|case| case.counts) {
            let (shown, all) = kinds.entry(case.kind).or_default();
            *shown += u64::from(case.is_shown);
            *all += 1;
        }
        let covered =
            |(kind, (shown, all)): (Kind, (u64, u64))| Covered { kind: kind.in_words().to_owned(), shown, all };
        kinds.into_iter().map(covered).collect()
    }

    /// Cases that no record shows, in the order of the plan.
    pub(crate) fn uncovered(&self) -> Vec<Uncovered> {
        let cases = self.list.iter().filter(|case| case.counts && !case.is_shown);
        let uncovered = |case: &Case| Uncovered {
            kind: case.kind.of_one().to_owned(),
            what: case.what.clone(),
            place: case.place.clone(),
        };
        cases.map(uncovered).collect()
    }
}

/// Names of the fields and of the rows of picklists that another plan has otherwise.
fn differing(plan: &Plan, before: &Plan) -> Vec<String> {
    let (now, then) = (plan.effect(), before.effect());
    let mut names = Vec::new();
    for (number, stage) in plan.stages.iter().enumerate() {
        let Some((now, then)) = now.stages.get(&stage.id).zip(then.stages.get(&stage.id)) else { continue };
        for field in now.differing_fields(then) {
            let at = stage.fields.iter().position(|known| known.field == field);
            names.extend(at.map(|at| field_name(number, at)));
        }
    }
    for picklist in &plan.picklists {
        let then = before.picklist(&picklist.name).map_or(&[][..], |then| &then.rows);
        for (at, row) in picklist.rows.iter().enumerate() {
            if !then.iter().any(|known| (&known.keys, &known.values) == (&row.keys, &row.values)) {
                names.push(row_name(&picklist.name, Some(at)));
            }
        }
    }
    names
}

fn keys(key: &[Option<String>]) -> String {
    let parts = key.iter().map(|part| part.as_ref().map_or_else(|| "none".to_owned(), |text| format!("\"{text}\"")));
    parts.collect::<Vec<_>>().join(", ")
}

fn used_tables(plan: &Plan) -> Vec<&str> {
    let mut used = Vec::new();
    for expression in plan.stages.iter().flat_map(migr_decide::expressions::of_stage) {
        expression.walk(&mut |inner| {
            if let Expr::Picklist { table, .. } = inner
                && !used.contains(&table.as_str())
            {
                used.push(table.as_str());
            }
        });
    }
    used
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(crate) fn map_name(stage: usize) -> String {
    format!("map{SEPARATOR}{stage}")
}

pub(crate) fn field_name(stage: usize, field: usize) -> String {
    format!("field{SEPARATOR}{stage}{SEPARATOR}{field}")
}

pub(crate) fn link_name(stage: usize, link: usize) -> String {
    format!("link{SEPARATOR}{stage}{SEPARATOR}{link}")
}

pub(crate) fn way_name(stage: usize, kind: char, at: usize, (fork, second): (u32, bool)) -> String {
    format!("way{SEPARATOR}{stage}{SEPARATOR}{kind}{at}{SEPARATOR}{fork}{SEPARATOR}{second}")
}

pub(crate) fn row_name(table: &str, row: Option<usize>) -> String {
    let row = row.map_or_else(|| "otherwise".to_owned(), |row| row.to_string());
    format!("row{SEPARATOR}{table}{SEPARATOR}{row}")
}

pub(crate) fn owner_name(source: &str) -> String {
    format!("owner{SEPARATOR}{source}")
}

pub(crate) fn existing_name(stage: usize) -> String {
    format!("existing{SEPARATOR}{stage}")
}

pub(crate) fn merge_name(stage: usize) -> String {
    format!("merge{SEPARATOR}{stage}")
}

pub(crate) fn skip_name(object: &str, reason: &str) -> String {
    format!("skip{SEPARATOR}{object}{SEPARATOR}{reason}")
}

pub(crate) fn adjusted_name(stage: usize, field: &str, reason: &str) -> String {
    format!("adjusted{SEPARATOR}{stage}{SEPARATOR}{field}{SEPARATOR}{reason}")
}

pub(crate) fn quarantine_name(stage: usize, code: Option<ReasonCode>, kind: &RecordReason) -> String {
    let code = code.map_or("", ReasonCode::as_str);
    format!("quarantine{SEPARATOR}{stage}{SEPARATOR}{code}{SEPARATOR}{kind}")
}
