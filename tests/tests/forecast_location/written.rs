//! Migrations written by hand, each for one decision that an audit and a run once made differently or wrongly.

use migr_journal::State;
use serde_json::{Value, json};

use crate::draw::{Case, Moment, migration};

/// A migration with the decision that is right for each of its rows.
pub(crate) struct Written {
    pub(crate) name: &'static str,
    /// The objects of the source.
    objects: &'static str,
    /// The maps, and what else the spec needs beside its system and settings.
    maps: &'static str,
    files: &'static [(&'static str, &'static str)],
    before: fn() -> Value,
    moment: Moment,
    /// Map, line and state of each record after the run.
    pub(crate) decisions: &'static [(&'static str, u64, State)],
    /// Object, a text that names the record, a field, and what it holds after the run.
    pub(crate) holds: &'static [(&'static str, &'static str, &'static str, Option<&'static str>)],
}

impl Written {
    pub(crate) fn case(&self) -> Case {
        let files = self.files.iter().map(|(name, text)| (*name, (*text).to_owned()));
        Case {
            spec: format!("{}{}", migration(self.objects), self.maps),
            files: files.collect(),
            named: &[],
            clients: Vec::new(),
            before: (self.before)(),
            moment: self.moment,
            merges: false,
            gives_up_phones: false,
            allows_duplicates: false,
            writes_existing: false,
        }
    }
}

/// A location with nothing but what every one has.
fn bare() -> Value {
    json!({
        "name": "Written", "timezone": "America/New_York", "country": "US",
        "settings": {"allowDuplicateContact": false, "allowDuplicateOpportunity": true},
        "users": [{"name": "Jane", "email": "jane@clinic.example"}],
        "pipelines": [{"name": "Coaching", "stages": ["New lead", "Signed"]}],
        "calendars": [{"name": "Client sessions", "team": ["jane@clinic.example"]}],
    })
}

/// A location that knows Ada, with a tag.
fn ada() -> Value {
    let mut before = bare();
    before["contacts"] = json!([{"firstName": "Ada", "email": "ada@x.example", "tags": ["old customer"]}]);
    before
}

/// A location with a business.
fn acme() -> Value {
    let mut before = bare();
    before["businesses"] = json!([{"name": "Acme"}]);
    before
}

const CLIENT: &str = "  object Client from \"clients.csv\" {\n    key id\n    id: text; name: text; email: email; phone: phone; tags: list(text) split \",\"\n  }\n";
const FIRM: &str = "  object Firm from \"firms.csv\" {\n    key id\n    id: text; name: text\n  }\n";
const CLIENT_OF_FIRM: &str = "  object Firm from \"firms.csv\" {\n    key id\n    id: text; name: text\n  }\n  object Client from \"clients.csv\" {\n    \
                              key id\n    id: text; name: text; email: email; phone: phone; firm: -> Firm\n  }\n";
const VISIT: &str = "  object Client from \"clients.csv\" {\n    key id\n    id: text; name: text; email: email\n  }\n  object Coach from \"coaches.csv\" { key email; email: email }\n  \
                     object Visit from \"visits.csv\" {\n    key id\n    id: text; client: -> Client; coach: -> Coach; starts: datetime format \"%Y-%m-%d %H:%M\"\n    \
                     ends: datetime format \"%Y-%m-%d %H:%M\"; title: text\n  }\n";
const VISITS: &str = "owners {\n  match Coach.email = users.email\n  fallback none\n}\n\n\
                      map Client -> contacts {\n  match email\n  firstName = name\n  email = email\n}\n\n\
                      map Visit -> appointments {\n  calendar = existing calendars(name: \"Client sessions\")\n  contact = client\n  startTime = starts\n  endTime = ends\n  \
                      title = title\n  assignedTo = coach on outside none\n}\n";
const ONE_CLIENT: (&str, &str) = ("clients.csv", "id,name,email\nC1,Ada,ada@x.example\n");
const COACHES: (&str, &str) = ("coaches.csv", "email\njane@clinic.example\ngone@clinic.example\n");

use State::{Created, Quarantined, Skipped, Updated};

pub(crate) const WRITTEN: &[Written] = &[
    Written {
        name: "a number of a client whose firm is missing is another's to have",
        objects: CLIENT_OF_FIRM,
        maps: "map Firm -> businesses {\n  match name\n  name = name\n}\n\n\
               map Client -> contacts {\n  match email\n  firstName = name\n  email = email\n  phone = phone | phone on taken none\n  business = firm\n}\n",
        files: &[
            ("firms.csv", "id,name\nF1,Acme\n"),
            (
                "clients.csv",
                "id,name,email,phone,firm\nC1,Ada,ada@x.example,+12015550101,F9\nC2,Bob,bob@x.example,+12015550101,F1\n",
            ),
        ],
        before: bare,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Created), ("Client", 2, Quarantined), ("Client", 3, Created)],
        holds: &[("contacts", "bob@x.example", "phone", Some("+12015550101"))],
    },
    Written {
        name: "of two rows of one address the one whose firm is missing leaves the other to be written",
        objects: CLIENT_OF_FIRM,
        maps: "map Firm -> businesses {\n  match name\n  name = name\n}\n\n\
               map Client -> contacts {\n  match email\n  on duplicate keep first\n  firstName = name\n  email = email\n  phone = phone | phone\n  business = firm on missing skip\n}\n",
        files: &[
            ("firms.csv", "id,name\nF1,Acme\n"),
            ("clients.csv", "id,name,email,phone,firm\nC1,Ada,ada@x.example,,F9\nC2,Bob,ada@x.example,,F1\n"),
        ],
        before: bare,
        moment: Moment::AfterSetup,
        decisions: &[("Firm", 2, Created), ("Client", 2, Skipped), ("Client", 3, Created)],
        holds: &[("contacts", "ada@x.example", "firstName", Some("Bob"))],
    },
    Written {
        name: "what the calendar gives an appointment is nobody's change, and a rollback takes it away",
        objects: VISIT,
        maps: VISITS,
        files: &[
            ONE_CLIENT,
            COACHES,
            ("visits.csv", "id,client,coach,starts,ends,title\nV1,C1,gone@clinic.example,2026-02-01 10:00,,Visit\n"),
        ],
        before: bare,
        moment: Moment::BeforeSetup,
        decisions: &[("Client", 2, Created), ("Visit", 2, Created)],
        holds: &[("appointments", "Visit", "endTime", Some("2026-02-01T16:00:00.000Z"))],
    },
    Written {
        name: "appointments whose answers were lost are found again by what was sent, whoever the calendar gave them to",
        objects: VISIT,
        maps: VISITS,
        files: &[
            ONE_CLIENT,
            COACHES,
            (
                "visits.csv",
                "id,client,coach,starts,ends,title\nV1,C1,jane@clinic.example,2026-02-01 10:00,2026-02-01 11:00,Visit\n\
                 V2,C1,gone@clinic.example,2026-02-01 10:00,2026-02-01 11:00,Visit\nV3,C1,,2026-02-01 10:00,,Visit\n",
            ),
        ],
        before: bare,
        moment: Moment::AfterKill(1),
        decisions: &[("Visit", 2, Created), ("Visit", 3, Created), ("Visit", 4, Created)],
        holds: &[],
    },
    Written {
        name: "a row that is left behind for its number is told so, and not as quarantined",
        objects: CLIENT,
        maps: "map Client -> contacts {\n  match email\n  firstName = name\n  email = email\n  phone = phone | phone on taken skip\n  tags = tags\n}\n",
        files: &[(
            "clients.csv",
            "id,name,email,phone,tags\nC1,Ada,ada@x.example,+12015550101,\nC2,Bob,bob@x.example,+12015550101,\n",
        )],
        before: bare,
        moment: Moment::BeforeSetup,
        decisions: &[("Client", 2, Created), ("Client", 3, Skipped)],
        holds: &[("contacts", "ada@x.example", "phone", Some("+12015550101"))],
    },
    Written {
        name: "a business that a killed run made counts as created",
        objects: FIRM,
        maps: "map Firm -> businesses {\n  match name\n  name = name\n}\n",
        files: &[("firms.csv", "id,name\nF1,Acme\nF2,Bolt\n")],
        before: bare,
        moment: Moment::AfterKill(0),
        decisions: &[("Firm", 2, Created), ("Firm", 3, Created)],
        holds: &[],
    },
    Written {
        name: "a business that a killed run made is not quarantined as somebody else's",
        objects: FIRM,
        maps: "map Firm -> businesses {\n  match name\n  on existing quarantine\n  name = name\n}\n",
        files: &[("firms.csv", "id,name\nF1,Acme\nF2,Bolt\n")],
        before: acme,
        moment: Moment::AfterKill(0),
        decisions: &[("Firm", 2, Quarantined), ("Firm", 3, Created)],
        holds: &[],
    },
    Written {
        name: "tags that a contact got besides its own are taken away by a rollback",
        objects: CLIENT,
        maps: "map Client -> contacts {\n  match email\n  on existing update\n  firstName = name\n  email = email\n  phone = phone | phone\n  tags = tags\n}\n",
        files: &[("clients.csv", "id,name,email,phone,tags\nC1,Ada,ada@x.example,,vip\n")],
        before: ada,
        moment: Moment::BeforeSetup,
        decisions: &[("Client", 2, Updated)],
        holds: &[],
    },
];
