//! Draws a migration from a seed and a number: the same two draw the same migration, on any machine.

use serde_json::{Map as Json, Value, json};

use crate::case::{Case, Column, Entry, Held, Map, Moment, Required, Table};

/// A stream of numbers, by SplitMix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const FIRM: &[(&str, &str, &str)] = &[
    ("firm_id", "text", ""),
    ("name", "text", ""),
    ("site", "text", ""),
    ("parent", "-> Firm", "Firm"),
    ("contact", "-> Person", "Person"),
    ("owner", "-> User.email ignore case", "User"),
    ("size", "text", ""),
    ("tier", "text", ""),
    ("seen", "date format \"%Y-%m-%d\"", ""),
    ("kind", "text", ""),
];

const PERSON: &[(&str, &str, &str)] = &[
    ("person_id", "text", ""),
    ("first", "text", ""),
    ("last", "text", ""),
    ("email", "text", ""),
    ("phone", "text", ""),
    ("job", "text", ""),
    ("firm", "-> Firm", "Firm"),
    ("boss", "-> Person", "Person"),
    ("mates", "list(-> Person) split \";\"", "Person"),
    ("owner", "-> User.email ignore case", "User"),
    ("score", "text", ""),
    ("tier", "text", ""),
    ("seen", "date format \"%Y-%m-%d\"", ""),
    ("kind", "text", ""),
];

const LEAD: &[(&str, &str, &str)] = &[
    ("lead_id", "text", ""),
    ("first", "text", ""),
    ("last", "text", ""),
    ("email", "text", ""),
    ("job", "text", ""),
    ("firm", "-> Firm", "Firm"),
    ("kind", "text", ""),
];

const DEAL: &[(&str, &str, &str)] = &[
    ("deal_id", "text", ""),
    ("name", "text", ""),
    ("amount", "text", ""),
    ("firm", "-> Firm", "Firm"),
    ("person", "-> Person", "Person"),
    ("before", "-> Deal", "Deal"),
    ("stage", "text", ""),
    ("owner", "-> User.email ignore case", "User"),
    ("seen", "date format \"%Y-%m-%d\"", ""),
    ("kind", "text", ""),
];

const NOTE: &[(&str, &str, &str)] = &[
    ("note_id", "text", ""),
    ("title", "text", ""),
    ("person", "-> Person", "Person"),
    ("people", "list(-> Person) split \";\"", "Person"),
    ("firm", "-> Firm", "Firm"),
    ("kind", "text", ""),
];

const SITES: &[&str] = &[
    "https://acme.example",
    "HTTPS://ACME.example/",
    "bolt.example",
    "https://www.cask.example/",
    "https://dune.example",
    "https://elm.example",
    "https://fir.example",
    "https://gale.example",
];
const EMAILS: &[&str] = &[
    "ada@x.example",
    "Ada@X.example",
    "bob@x.example",
    "cara@x.example",
    "dora@x.example",
    "emil@x.example",
    "finn@x.example",
    "gina@x.example",
];

fn columns(object: &str) -> &'static [(&'static str, &'static str, &'static str)] {
    match object {
        "Firm" => FIRM,
        "Person" => PERSON,
        "Lead" => LEAD,
        "Deal" => DEAL,
        "Note" => NOTE,
        _ => &[("email", "text", "")],
    }
}

/// The migration of this number.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    let mut draw = Draw(seed.wrapping_mul(0x0001_0000_0001).wrapping_add(number));
    draw.next();
    let mut objects: Vec<&'static str> = Vec::new();
    for object in ["Firm", "Person", "Deal", "Lead", "Note"] {
        let share = match object {
            "Firm" => 55,
            "Person" => 75,
            _ => 25,
        };
        if objects.len() < 3 && draw.happens(share) {
            objects.push(object);
        }
    }
    if !objects.iter().any(|object| matches!(*object, "Firm" | "Person")) {
        objects.insert(0, "Person");
        objects.truncate(3);
    }
    let has_owners = draw.happens(40);
    let mut tables: Vec<Table> = objects.iter().map(|object| table(&mut draw, object)).collect();
    for at in 0..tables.len() {
        fill(&mut draw, &mut tables, at);
    }
    if has_owners {
        let users = ["rep0@visualpractice.example", "REP1@visualpractice.example", "nobody@x.example"];
        let rows = users.iter().map(|email| vec![(*email).to_owned()]).collect();
        let column = Column { name: "email", ty: "text unique ignore case", refers: "" };
        tables.push(Table { object: "User", columns: vec![column], rows, skips: false });
    }
    let maps = objects.iter().flat_map(|object| maps(&mut draw, object)).collect();
    let otherwise = ["Tier", "Grade", "Stage"].map(|name| {
        let ways: &[&'static str] = if name == "Stage" {
            &["quarantine", "skip", "none", "NEW"]
        } else {
            &["quarantine", "create", "skip", "none", "SILVER"]
        };
        (name, draw.one(ways))
    });
    let fallback = draw.one(&["none", "\"front.desk@clinic.example\""]);
    let held = held(&mut draw);
    let required = [("jobTitle", "text"), ("company", "-> companies"), ("emails", "emails unique")];
    let required = required.map(|(field, ty)| Required { field, ty });
    let asked = required.into_iter().filter(|_| draw.happens(20)).collect();
    let moment = match draw.below(10) {
        0..=3 => Moment::BeforeSetup,
        4..=6 => Moment::AfterSetup,
        7..=8 => Moment::AfterKill(draw.below(5)),
        _ => Moment::AfterRun,
    };
    Case {
        name: format!("seed {seed}, case {number}"),
        tables,
        maps,
        requires: asked,
        fallback,
        otherwise: otherwise.to_vec(),
        held,
        moment,
        batch: draw.one(&[1, 2, 3, 60]),
    }
}

fn table(draw: &mut Draw, object: &'static str) -> Table {
    let columns = columns(object).iter().map(|(name, ty, refers)| Column { name, ty, refers }).collect();
    let rows = (0..2 + draw.below(6)).map(|_| Vec::new()).collect();
    Table { object, columns, rows, skips: draw.happens(20) }
}

/// The key of a row of an object.
fn key(object: &str, number: usize) -> String {
    format!("{}{number}", object.get(..1).unwrap_or_default())
}

fn fill(draw: &mut Draw, tables: &mut [Table], at: usize) {
    let sizes: Vec<(&str, usize)> = tables.iter().map(|table| (table.object, table.rows.len())).collect();
    let table = &mut tables[at];
    for row in 0..table.rows.len() {
        let mut cells = Vec::new();
        for column in &table.columns {
            cells.push(if cells.is_empty() {
                own_key(draw, table.object, row)
            } else if column.refers.is_empty() || column.refers == "User" {
                value(draw, column.name).to_owned()
            } else {
                reference(draw, column, &sizes)
            });
        }
        if draw.happens(2) {
            cells.push("too many".to_owned());
        }
        table.rows[row] = cells;
    }
}

fn own_key(draw: &mut Draw, object: &str, row: usize) -> String {
    match draw.below(100) {
        0..=2 => String::new(),
        3..=11 if row > 0 => key(object, draw.below(row)),
        _ => key(object, row),
    }
}

fn reference(draw: &mut Draw, column: &Column, sizes: &[(&str, usize)]) -> String {
    let rows = sizes.iter().find(|(object, _)| *object == column.refers).map_or(2, |(_, rows)| *rows);
    let several = if column.ty.starts_with("list") { draw.below(3) } else { usize::from(draw.happens(65)) };
    let one =
        |draw: &mut Draw| if draw.happens(10) { key(column.refers, 99) } else { key(column.refers, draw.below(rows)) };
    (0..several).map(|_| one(draw)).collect::<Vec<_>>().join(";")
}

/// A cell: one in eight is empty, and one in eight of those that can be bad is bad.
fn value(draw: &mut Draw, column: &str) -> &'static str {
    if draw.happens(12) && column != "kind" {
        return "";
    }
    let bad = draw.happens(12);
    match column {
        "name" | "title" => draw.one(&["Acme", "Bolt", "Cask", "acme", "Dune", "Elm", "Fir", " Acme "]),
        "site" if bad => "not a site",
        "site" => draw.one(SITES),
        "owner" if bad => "ghost@x.example",
        "owner" => draw.one(&["rep0@visualpractice.example", "rep1@visualpractice.example", "nobody@x.example"]),
        "size" | "score" if bad => "many",
        "size" | "score" => draw.one(&["12", "1000", "7"]),
        "amount" if bad => "abc",
        "amount" => draw.one(&["100", "1200.50"]),
        "tier" if bad => "bronze",
        "tier" => draw.one(&["gold", "silver"]),
        "stage" if bad => "odd",
        "stage" => draw.one(&["Open", "Won", "Lost"]),
        "seen" if bad && draw.happens(50) => "2024-13-40",
        "seen" => draw.one(&["2024-01-01", "2024-02-01", "2024-03-01", "2024-03-01"]),
        "kind" => draw.one(&["client", "client", "lead", "fax"]),
        "first" => draw.one(&["Ada", "Bob", "Cara"]),
        "last" => draw.one(&["Hill", "Lake"]),
        "email" if bad => "no address",
        "email" => draw.one(EMAILS),
        "phone" if bad => "12",
        "phone" => draw.one(&["212-555-0101", "+12125550102", "(212) 555-0103"]),
        "job" => draw.one(&["Nurse", "Cook", "Guard"]),
        _ => "",
    }
}

fn maps(draw: &mut Draw, object: &'static str) -> Vec<Map> {
    let target = match object {
        "Firm" if draw.happens(15) => "new offices \"Offices\" one office \"Office\"",
        "Firm" => "companies",
        "Person" | "Lead" => "people",
        "Deal" if draw.happens(25) => "new therapies \"Therapies\" one therapy \"Therapy\"",
        "Deal" => "opportunities",
        _ => "notes",
    };
    let mut maps = vec![map(draw, object, target)];
    if object != "Note" && draw.happens(15) {
        // A second map of the object, for the records that the first one leaves.
        let mut second = map(draw, object, target);
        let (first, other) = match object {
            "Firm" => ("Client", "Prospect"),
            "Person" => ("First", "Second"),
            "Lead" => ("Warm", "Cold"),
            _ => ("Sale", "Offer"),
        };
        maps[0].alias = Some(first);
        maps[0].when = Some("kind == \"client\"");
        second.alias = Some(other);
        let when = ["kind != \"client\"", "kind == \"lead\"", "kind in [\"client\", \"lead\"]"];
        second.when = Some(draw.one(&when));
        second.target = target.split_whitespace().nth(1).filter(|_| target.starts_with("new ")).unwrap_or(target);
        maps.push(second);
    }
    maps
}

fn map(draw: &mut Draw, object: &'static str, target: &'static str) -> Map {
    let mut entries = entries(draw, object, target);
    // What identifies stays more often than not.
    entries.retain(|entry| {
        matches!(entry.field, "name" | "title") || draw.happens(if entry.needs.is_empty() { 60 } else { 75 })
    });
    let rules = rules(draw, object, target, &entries);
    Map { object, alias: None, target, when: None, rules, entries }
}

fn entries(draw: &mut Draw, object: &str, target: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |field: &'static str, needs: &'static str, text: String| entries.push(Entry { field, text, needs });
    let otherwise =
        |draw: &mut Draw| draw.one(&["", "", " otherwise none", " otherwise skip", " otherwise quarantine"]);
    let missing = |draw: &mut Draw| draw.one(&["", " on missing none", " on missing skip", " on missing quarantine"]);
    let is_own = target.starts_with("new ");
    match object {
        "Firm" => {
            let (many, new) = if is_own { ("offices", "new ") } else { ("companies", "") };
            add("name", "", "name = name".to_owned());
            let site = format!(
                "{new}domainName {}= site | url{}",
                if is_own { "\"Site\": url " } else { "" },
                otherwise(draw)
            );
            add("domainName", "", site);
            add(
                "parentFirm",
                "Firm",
                format!("new parentFirm \"Parent firm\": -> {many} inverse \"Daughters\" = parent{}", missing(draw)),
            );
            add(
                "mainContact",
                "Person",
                format!(
                    "new mainContact \"Main contact\": -> people inverse \"Contact of {many}\" = contact{}",
                    missing(draw)
                ),
            );
            if !is_own {
                add("accountOwner", "User", "accountOwner = owner".to_owned());
            }
            add("employees", "", format!("new employees \"Employees\": integer = size | integer{}", otherwise(draw)));
            add("grade", "", "new grade \"Grade\": select Grade = tier | Grade".to_owned());
            add("seenOn", "", "new seenOn \"Seen on\": date = seen".to_owned());
        }
        "Person" | "Lead" => {
            add("name", "", "name = { firstName: first, lastName: last }".to_owned());
            add("emails", "", format!("emails = {{ primaryEmail: email | email }}{}", otherwise(draw)));
            add("jobTitle", "", "jobTitle = job".to_owned());
            add("company", "Firm", format!("company = firm{}", missing(draw)));
            if object == "Person" {
                add("phones", "", format!("phones = {{ primaryPhoneNumber: phone | phone }}{}", otherwise(draw)));
                add(
                    "boss",
                    "Person",
                    format!("new boss \"Boss\": -> people inverse \"Staff\" = boss{}", missing(draw)),
                );
                add(
                    "mate",
                    "Person",
                    format!("new mate \"Mate\": -> people inverse \"Mates\" = mates | first{}", missing(draw)),
                );
                add("score", "", format!("new score \"Score\": integer = score | integer{}", otherwise(draw)));
                add("tier", "", "new tier \"Tier\": select Tier = tier | Tier".to_owned());
                add("seenOn", "", "new seenOn \"Seen on\": date = seen".to_owned());
                add(
                    "createdBy",
                    "User",
                    "createdBy = { source: IMPORT, name: last, workspaceMember: owner }".to_owned(),
                );
                add(
                    "owner",
                    "User",
                    "new owner \"Owner\": -> workspaceMembers inverse \"Owned people\" = owner".to_owned(),
                );
            }
        }
        "Deal" => {
            add("name", "", "name = name".to_owned());
            let new = |draw: &mut Draw, field: &str, label: &str| {
                if is_own {
                    format!("new {field} \"{label}\": ")
                } else {
                    let _ = draw;
                    format!("{field} ")
                }
            };
            let amount = new(draw, "amount", "Amount");
            add(
                "amount",
                "",
                format!("{amount}{}= amount | money{}", if is_own { "currency " } else { "" }, otherwise(draw)),
            );
            if is_own {
                add(
                    "company",
                    "Firm",
                    format!("new company \"Company\": -> companies inverse \"Therapies\" = firm{}", missing(draw)),
                );
                add(
                    "patient",
                    "Person",
                    format!("new patient \"Patient\": -> people inverse \"Therapies\" = person{}", missing(draw)),
                );
                add(
                    "before",
                    "Deal",
                    format!("new before \"Before\": -> therapies inverse \"After\" = before{}", missing(draw)),
                );
            } else {
                add("company", "Firm", format!("company = firm{}", missing(draw)));
                add("pointOfContact", "Person", format!("pointOfContact = person{}", missing(draw)));
                add("stage", "", "stage = stage | Stage".to_owned());
                add("owner", "User", "owner = owner".to_owned());
                add(
                    "before",
                    "Deal",
                    format!("new before \"Before\": -> opportunities inverse \"After\" = before{}", missing(draw)),
                );
            }
        }
        _ => {
            add("title", "", "title = title".to_owned());
            add("targets", "Person", format!("targets = {}{}", draw.one(&["[person]", "people"]), missing(draw)));
        }
    }
    entries
}

fn rules(draw: &mut Draw, object: &str, target: &str, entries: &[Entry]) -> Vec<String> {
    let has = |field: &str| entries.iter().any(|entry| entry.field == field);
    let mut rules = Vec::new();
    let paths: Vec<&str> = match object {
        "Firm" => ["domainName", "name"].into_iter().filter(|field| has(field)).collect(),
        "Person" | "Lead" => {
            [("emails", "emails.primaryEmail"), ("jobTitle", "jobTitle"), ("phones", "phones.primaryPhoneNumber")]
                .into_iter()
                .filter(|(field, _)| has(field))
                .map(|(_, path)| path)
                .collect()
        }
        "Deal" => vec!["name"],
        _ => vec!["title"],
    };
    let is_matched = !paths.is_empty() && draw.happens(75);
    if is_matched {
        let joined = match draw.below(10) {
            0..=6 => paths[0].to_owned(),
            7 => paths[draw.below(paths.len())].to_owned(),
            8 => paths.join(" or "),
            _ => paths.join(" and "),
        };
        rules.push(format!("match {joined}"));
        if draw.happens(70) {
            let existing = draw.one(&["fill", "update", "update", "skip", "quarantine"]);
            rules.push(format!("on existing {existing}"));
            if existing == "update" && draw.happens(25) {
                rules.push("on empty clear".to_owned());
            }
        }
        if draw.happens(50) {
            rules.push(format!("on deleted {}", draw.one(&["restore", "destroy", "quarantine"])));
        }
    }
    if draw.happens(60) {
        let ways = [
            "quarantine",
            "keep first",
            "keep newest seen",
            "keep oldest seen",
            "merge newest seen",
            "merge oldest seen",
        ];
        let way = draw.one(&ways);
        let has_seen = columns(object).iter().any(|(name, ..)| *name == "seen");
        if has_seen || !way.ends_with("seen") {
            rules.push(format!("on duplicate {way}"));
        }
    }
    let refers_to_itself = entries.iter().any(|entry| entry.needs == object);
    if refers_to_itself && draw.happens(50) {
        rules.push(format!("on cycle {}", draw.one(&["cut", "quarantine"])));
    }
    let _ = target;
    rules
}

/// Records of others that are there before: each value that must be unique is held once.
fn held(draw: &mut Draw) -> Vec<Held> {
    let mut held = Vec::new();
    let mut add = |draw: &mut Draw, object: &'static str, body: Value| {
        let id = format!("00000000-0000-4000-8000-{:012}", held.len() + 1);
        held.push(Held { object, id: id.clone(), body, trashed: draw.happens(20) });
        id
    };
    if draw.happens(25) {
        return held;
    }
    let mut firms = Vec::new();
    for site in ["https://acme.example", "https://bolt.example", "https://www.cask.example/", ""] {
        if draw.happens(45) {
            let mut body = Json::new();
            body.insert("name".to_owned(), json!(draw.one(&["Acme", "Bolt", "Elsewhere", ""])));
            if !site.is_empty() {
                body.insert("domainName".to_owned(), json!({"primaryLinkUrl": site}));
            }
            firms.push(add(draw, "companies", body.into()));
        }
    }
    for email in ["ada@x.example", "bob@x.example", "cara@x.example", ""] {
        if draw.happens(45) {
            let mut body = Json::new();
            body.insert(
                "name".to_owned(),
                json!({"firstName": draw.one(&["Ada", "Other", ""]), "lastName": draw.one(&["Hill", ""])}),
            );
            if !email.is_empty() {
                body.insert("emails".to_owned(), json!({"primaryEmail": email}));
            }
            body.insert("jobTitle".to_owned(), json!(draw.one(&["Nurse", "Clerk", ""])));
            if !firms.is_empty() && draw.happens(40) {
                body.insert("companyId".to_owned(), json!(firms[draw.below(firms.len())]));
            }
            add(draw, "people", body.into());
        }
    }
    for name in ["Acme", "Bolt", "Acme"] {
        if draw.happens(25) {
            add(draw, "opportunities", json!({"name": name, "stage": "NEW"}));
        }
        if draw.happens(15) {
            add(draw, "notes", json!({"title": name}));
        }
    }
    held
}
