//! Draws a migration into a location: the same seed and number draw the same one.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Stream of numbers, by SplitMix64.
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

/// Moment of the audit whose word is compared with the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeSetup,
    AfterSetup,
    AfterKill(usize),
    AfterRun,
}

/// A client of the export.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) email: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) seen: String,
}

/// A drawn migration.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) spec: String,
    pub(crate) files: Vec<(&'static str, String)>,
    /// Files that records name, by their paths in the export.
    pub(crate) named: &'static [(&'static str, &'static str)],
    pub(crate) clients: Vec<Client>,
    /// Contents of the location before the migration.
    pub(crate) before: Value,
    pub(crate) moment: Moment,
    /// `match email or phone` and a policy that merges: identities are judged.
    pub(crate) merges: bool,
    /// `on taken none` for phones, in a location that gives each to one contact.
    pub(crate) gives_up_phones: bool,
    pub(crate) allows_duplicates: bool,
    /// Contacts that are there are written to.
    pub(crate) writes_existing: bool,
}

/// Files that records name.
const NAMED: &[(&str, &str)] =
    &[("files/a.txt", "first"), ("files/b.txt", "second"), ("files/run.exe", "MZ"), ("files/empty.txt", "")];

const EMAILS: &[&str] = &["ada@x.example", "bob@x.example", "cara@x.example", "dan@x.example", "Ada@X.example", ""];
const PHONES: &[&str] = &["+12015550101", "+12015550102", "(201) 555-0103", "+1 201 555 0101", "", ""];
const FIRMS: &[&str] = &["Acme", "Acme ", "Bolt", ""];
const TAGS: &[&str] = &["vip", "\"VIP, new\"", "\"new,old customer\"", ""];

/// Start of this suite's streams.
const LOCATION: u64 = 0x6c6f_6361_7469_6f6e;

impl Case {
    /// The case with one row, or one record of the location, less: every way.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for (at, (_, text)) in self.files.iter().enumerate() {
            for row in (1..text.lines().count()).rev() {
                let left =
                    text.lines().enumerate().filter(|(line, _)| *line != row).map(|(_, line)| format!("{line}\n"));
                let mut case = self.clone();
                case.files[at].1 = left.collect();
                if self.files[at].0 == "clients.csv" {
                    let of_row = |client: &Client| {
                        text.lines().nth(row).is_some_and(|line| line.starts_with(&format!("{},", client.id)))
                    };
                    case.clients.retain(|client| !of_row(client));
                }
                smaller.push(case);
            }
        }
        for part in ["contacts", "businesses"] {
            for at in 0..self.before[part].as_array().map_or(0, Vec::len) {
                let mut case = self.clone();
                case.before[part].as_array_mut().unwrap().remove(at);
                smaller.push(case);
            }
        }
        smaller
    }
}

/// The migration of a seed and a number.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    // A stream of its own: no other suite draws from this seed's numbers.
    let mut draw = Draw(LOCATION ^ seed.wrapping_mul(0x0001_0000_0001).wrapping_add(number));
    draw.next();
    let matching =
        draw.one(&["email or phone", "email or phone", "email or phone", "email", "phone", "email and phone"]);
    let duplicate = draw.one(&[
        "merge newest seen",
        "merge newest seen",
        "merge oldest seen",
        "keep newest seen",
        "keep oldest seen",
        "keep first",
        "quarantine",
    ]);
    let taken = draw.one(&[" on taken none", " on taken none", " on taken skip", ""]);
    let existing = draw.one(&["fill", "fill", "update", "skip", "quarantine"]);
    let allows_duplicates = draw.happens(30);
    let merges = matching == "email or phone" && duplicate.starts_with("merge");
    let clients = clients(&mut draw);
    let mut spec = String::new();
    let firm = draw.one(&["", "", "  on existing fill\n", "  on existing skip\n", "  on existing quarantine\n"]);
    let of_firm = draw.one(&[" on missing none", " on missing none", " on missing skip", " on missing quarantine"]);
    let _ = writeln!(
        spec,
        "map distinct Client.firm | collapse as Firm -> businesses {{\n  match name\n{firm}  name = value\n}}\n"
    );
    let _ = writeln!(
        spec,
        "map Client -> contacts {{\n  match {matching}\n  on existing {existing}\n  on duplicate {duplicate}"
    );
    if draw.happens(50) {
        let _ = writeln!(spec, "  on unidentified {}", draw.one(&["create", "skip", "quarantine"]));
    }
    let _ = writeln!(spec, "  firstName = name\n  email = email | trim | lower otherwise none");
    let _ = writeln!(spec, "  phone = phone | phone otherwise none{taken}\n  tags = tags | trim | lower");
    let _ = writeln!(spec, "  business = Firm(firm){of_firm}\n  assignedTo = coach");
    let _ = writeln!(spec, "  dateOfBirth = born\n  new score \"Score\": number = score | number otherwise none");
    let _ = writeln!(spec, "  new goal \"Goal\": text = goal\n  drop seen : \"decides\"\n}}\n");
    let by = draw.one(&["match name and contact\n  on existing fill\n  ", ""]);
    let missing = draw.one(&[" on missing quarantine", " on missing skip", ""]);
    let otherwise = draw.one(&["otherwise quarantine", "otherwise (\"Coaching\", \"New lead\", open)"]);
    let _ = writeln!(
        spec,
        "picklist Stage (stage) -> opportunities (pipeline, pipelineStage, status) {{\n  \"lead\" = (\"Coaching\", \"New lead\", open)\n  \"won\" = (\"Coaching\", \"Signed\", won)\n  \"booked\" = new (\"Workshops\", \"Booked\", open)\n  {otherwise}\n}}\n"
    );
    let _ = writeln!(
        spec,
        "map Deal -> opportunities {{\n  {by}name = title\n  contact = client{missing}\n  (pipeline, pipelineStage, status) = (stage) | Stage\n  monetaryValue = worth | money | amount\n  new source \"Source of it\": text = source\n}}\n"
    );
    let reference = draw.one(&["client", "mail"]);
    let other = if reference == "client" { "mail" } else { "client" };
    let missing = draw.one(&[" on missing skip", ""]);
    let _ = writeln!(
        spec,
        "map Memo -> notes {{\n  contact = {reference}{missing}\n  body = body\n  drop {other} : \"double\"\n}}\n"
    );
    let missing = draw.one(&[" on missing skip", ""]);
    let _ = writeln!(
        spec,
        "map Todo -> tasks {{\n  contact = client{missing}\n  title = title\n  dueDate = due\n  completed = done\n  assignedTo = coach\n}}\n"
    );
    let outside = draw.one(&["", " on outside first", " on outside none"]);
    let _ = writeln!(
        spec,
        "map Visit -> appointments {{\n  calendar = existing calendars(name: \"Client sessions\")\n  contact = client\n  startTime = starts\n  endTime = ends\n  title = title\n  assignedTo = coach{outside}\n}}"
    );
    let has_own = draw.happens(30);
    if has_own {
        let _ = writeln!(
            spec,
            "\nmap Course -> new courses \"Courses\" one course \"Course\" {{\n  new name \"Name\": text = name\n  new price \"Price\": currency = price | money otherwise none\n  \
             new kind \"Kind\": select {{ Long, Short }} = if name == \"Run\" then Long else Short\n  new guide \"Guide\": text = guide | plain\n}}\n\n\
             link Joined -> contacts(client) to courses(course) \"Takes part in\""
        );
    }
    let files = files(&mut draw, &clients, has_own);
    let moment = match draw.below(6) {
        0 | 1 => Moment::BeforeSetup,
        2 => Moment::AfterSetup,
        3 | 4 => Moment::AfterKill(draw.below(14)),
        _ => Moment::AfterRun,
    };
    let (mut objects, settings) =
        if has_own { (format!("{OBJECTS}{OWN}"), PERMITTED) } else { (OBJECTS.to_owned(), "") };
    let gives_up_phones = taken == " on taken none" && !allows_duplicates;
    let before = before(&mut draw, allows_duplicates);
    // Drawn last: the cases of before are drawn as they were.
    let mut files = files;
    if draw.happens(50) {
        objects.push_str(SCAN);
        let missing = draw.one(&["", " on missing skip"]);
        let _ = writeln!(
            spec,
            "\nmap Scan as OfClient -> contactFiles when client != none {{\n  contact = client{missing}\n  file = path as called\n}}\n\n\
             map Scan as OfNobody -> media when client == none {{\n  file = path as called\n}}"
        );
        files.push(("scans.csv", scans(&mut draw, &clients)));
    }
    let spec = format!(
        "{}{OWNERS}{spec}",
        migration(&objects).replace("currency = \"USD\"\n", &format!("currency = \"USD\"\n{settings}"))
    );
    let writes_existing = matches!(existing, "fill" | "update");
    Case {
        spec,
        files,
        named: NAMED,
        clients,
        before,
        moment,
        merges,
        gives_up_phones,
        allows_duplicates,
        writes_existing,
    }
}

/// A spec's beginning, over objects of a source.
pub(crate) fn migration(objects: &str) -> String {
    format!("use \"std/systems/highlevel\"\n\nsystem old {{\n{objects}}}\n\n{SETTINGS}")
}

const OBJECTS: &str = r#"  object Coach from "coaches.csv" { key email; email: email; name: text }
  object Client from "clients.csv" {
    key id
    id: text; name: text; email: email; phone: phone; tags: list(text) split ","; firm: text
    seen: date format "%Y-%m-%d"; goal: text; coach: -> Coach; born: date format "%Y-%m-%d"; score: text
  }
  object Deal from "deals.csv" { key id; id: text; title: text; client: -> Client; stage: text; worth: text; source: text }
  object Memo from "memos.csv" { key id; id: text; client: -> Client; mail: -> Client.email ignore case; body: text }
  object Todo from "todos.csv" {
    key id
    id: text; client: -> Client; coach: -> Coach; title: text; due: datetime format "%Y-%m-%d %H:%M"; done: boolean
  }
  object Visit from "visits.csv" {
    key id
    id: text; client: -> Client; coach: -> Coach; starts: datetime format "%Y-%m-%d %H:%M"; ends: datetime format "%Y-%m-%d %H:%M"; title: text
  }
"#;

const SETTINGS: &str = r#"migration old_to_highlevel {
  source old { files = "export/*.csv" }
  destination highlevel { location = env("L"); token = secret("K") }
  timezone = "America/New_York"
  country = "US"
  currency = "USD"
}

"#;

/// Objects of the source that become an object of one's own, and relations.
const OWN: &str = r#"  object Course from "courses.csv" { key id; id: text; name: text; price: text; guide: text }
  object Joined from "joined.csv" { key client, course; client: -> Client; course: -> Course }
"#;

/// Object of the source whose records are files.
const SCAN: &str =
    "  object Scan from \"scans.csv\" { key id; id: text; client: -> Client; path: file; called: text }\n";

const PERMITTED: &str = "  permit irreversible : \"an object of one's own stays\"\n";

const OWNERS: &str = "owners {\n  match Coach.email = users.email\n  fallback none\n}\n\n";

fn clients(draw: &mut Draw) -> Vec<Client> {
    let count = 2 + draw.below(7);
    let client = |number: usize, draw: &mut Draw| Client {
        id: format!("C{number}"),
        email: draw.one(EMAILS),
        phone: draw.one(PHONES),
        seen: if draw.happens(90) { format!("2024-0{}-01", 1 + draw.below(9)) } else { String::new() },
    };
    (1..=count).map(|number| client(number, draw)).collect()
}

fn files(draw: &mut Draw, clients: &[Client], has_own: bool) -> Vec<(&'static str, String)> {
    let mut rows = String::from("id,name,email,phone,tags,firm,seen,goal,coach,born,score\n");
    for client in clients {
        let name = draw.one(&["Ada", "Bob", "Cara", "dan"]);
        let (tags, firm, goal) = (draw.one(TAGS), draw.one(FIRMS), draw.one(&["run", "", "swim"]));
        let coach = draw.one(&["jane@clinic.example", "gone@clinic.example", ""]);
        let (born, score) = (draw.one(&["1980-05-01", "", "1990-02-28"]), draw.one(&["7", "", "2.50", "many"]));
        let Client { id, email, phone, seen, .. } = client;
        let _ = writeln!(rows, "{id},{name},{email},{phone},{tags},{firm},{seen},{goal},{coach},{born},{score}");
    }
    if draw.happens(20) {
        let _ = writeln!(rows, "{},Twice,ada@x.example,,,,2024-01-01,,,,", clients[0].id);
    }
    let client = |draw: &mut Draw| format!("C{}", 1 + draw.below(clients.len() + 1));
    let mut deals = String::from("id,title,client,stage,worth,source\n");
    let mut memos = String::from("id,client,mail,body\n");
    let mut visits = String::from("id,client,coach,starts,ends,title\n");
    for number in 1..=draw.below(6) {
        let (title, stage) = (draw.one(&["One", "Two"]), draw.one(&["lead", "won", "booked", "odd", ""]));
        let (worth, source) = (draw.one(&["$10.00", "", "12.5"]), draw.one(&["web", ""]));
        let _ = writeln!(deals, "D{number},{title},{},{stage},{worth},{source}", client(draw));
    }
    for number in 1..=draw.below(6) {
        let (mail, body) = (draw.one(EMAILS), draw.one(&["Hello", "Hello", ""]));
        let _ = writeln!(memos, "M{number},{},{mail},{body}", client(draw));
    }
    let mut todos = String::from("id,client,coach,title,due,done\n");
    for number in 1..=draw.below(4) {
        let (coach, title) = (draw.one(&["jane@clinic.example", "gone@clinic.example", ""]), draw.one(&["Call", ""]));
        let (due, done) = (draw.one(&["2026-02-01 10:00", "", "2026-03-08 02:30"]), draw.one(&["yes", "no", ""]));
        let _ = writeln!(todos, "T{number},{},{coach},{title},{due},{done}", client(draw));
    }
    for number in 1..=draw.below(4) {
        let coach = draw.one(&["jane@clinic.example", "desk@clinic.example", "gone@clinic.example", ""]);
        let ends = draw.one(&["2026-02-01 11:00", "2026-02-01 11:00", "2026-02-01 09:00", ""]);
        let _ = writeln!(visits, "V{number},{},{coach},2026-02-01 10:00,{ends},Visit", client(draw));
    }
    let coaches = "email,name\njane@clinic.example,Jane\ndesk@clinic.example,Desk\ngone@clinic.example,Gone\n";
    let (mut courses, mut joined) = (String::from("id,name,price,guide\n"), String::from("client,course\n"));
    let mut pairs: Vec<(String, usize)> = Vec::new();
    for number in 1..=draw.below(3) {
        let (name, price) = (draw.one(&["Run", "Swim"]), draw.one(&["$20.00", "", "many"]));
        let _ = writeln!(courses, "P{number},{name},{price},{}", draw.one(&["Slowly", ""]));
    }
    for _ in 0..draw.below(5) {
        let pair = (client(draw), 1 + draw.below(4));
        if !pairs.contains(&pair) {
            let _ = writeln!(joined, "{},P{}", pair.0, pair.1);
            pairs.push(pair);
        }
    }
    let own = if has_own { vec![("courses.csv", courses), ("joined.csv", joined)] } else { Vec::new() };
    let mut files = vec![
        ("clients.csv", rows),
        ("deals.csv", deals),
        ("memos.csv", memos),
        ("visits.csv", visits),
        ("todos.csv", todos),
        ("coaches.csv", coaches.to_owned()),
    ];
    files.extend(own);
    files
}

fn scans(draw: &mut Draw, clients: &[Client]) -> String {
    let mut rows = String::from("id,client,path,called\n");
    for number in 1..=draw.below(5) {
        let of = format!("C{}", 1 + draw.below(clients.len() + 1));
        let client = if draw.happens(60) { of.as_str() } else { "" };
        let path = draw.one(&[
            "files/a.txt",
            "files/a.txt",
            "files/b.txt",
            "files/run.exe",
            "files/empty.txt",
            "files/gone.txt",
            "",
        ]);
        let _ = writeln!(rows, "S{number},{client},{path},{}", draw.one(&["one.txt", "two.txt", "", "odd.exe"]));
    }
    rows
}

fn before(draw: &mut Draw, allows_duplicates: bool) -> Value {
    let mut contacts = Vec::new();
    for email in ["ada@x.example", "bob@x.example", "other@x.example"] {
        if draw.happens(35) {
            let phone = if contacts.is_empty() { draw.one(&["+12015550101", "+12015550102", ""]) } else { "" };
            let mut contact =
                json!({"firstName": draw.one(&["Ada", "Other"]), "email": email, "tags": ["old customer"]});
            if !phone.is_empty() {
                contact["phone"] = json!(phone);
            }
            contacts.push(contact);
        }
    }
    if draw.happens(25) {
        contacts.push(json!({"firstName": "Bare", "phone": "+12015550103"}));
    }
    let team: &[&str] =
        if draw.happens(60) { &["jane@clinic.example", "desk@clinic.example"] } else { &["desk@clinic.example"] };
    json!({
        "name": "Drawn", "timezone": "America/New_York", "country": draw.one(&["US", "DE"]),
        "settings": {
            "allowDuplicateContact": allows_duplicates, "allowDuplicateOpportunity": draw.happens(50),
            "duplicateOrder": ["email", "phone"],
        },
        "users": [{"name": "Jane", "email": "jane@clinic.example"}, {"name": "Desk", "email": "desk@clinic.example"}],
        "pipelines": [
            {"name": "Coaching", "stages": ["New lead", "Signed"]}, {"name": "Elsewhere", "stages": ["New lead"]},
        ],
        "calendars": [{"name": "Client sessions", "team": team}],
        "businesses": if draw.happens(40) { json!([{"name": "Acme"}]) } else { json!([]) },
        "contacts": contacts,
    })
}
