//! Migrations written by hand, each for one decision that an audit and a run once made differently or wrongly.

use migr_journal::State;
use serde_json::{Value, json};

use crate::case::{Held, Moment};

/// A migration with the decision that is right for each of its rows.
pub(crate) struct Written {
    pub(crate) name: &'static str,
    /// The maps, and what else the spec needs beside its system and settings.
    pub(crate) maps: &'static str,
    /// The objects of the source.
    pub(crate) objects: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) held: fn() -> Vec<Held>,
    pub(crate) moment: Moment,
    /// Map, line and state of each record after the run; empty where nothing may be written at all.
    pub(crate) decisions: &'static [(&'static str, u64, State)],
}

impl Written {
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let spec = format!(
            "use \"std/systems/twenty\"\n\nsystem old {{\n{}}}\n\nmigration old_to_twenty {{\n  source old {{ files = \"export/*.csv\" }}\n  \
             destination twenty {{ url = env(\"URL\"); token = secret(\"KEY\") }}\n  timezone = \"America/New_York\"\n  country = \"US\"\n  \
             currency = \"USD\"\n}}\n\n{}",
            self.objects, self.maps
        );
        let files = self.files.iter().map(|(path, text)| (format!("export/{path}"), (*text).to_owned()));
        std::iter::once(("migration.migr".to_owned(), spec)).chain(files).collect()
    }
}

fn nothing() -> Vec<Held> {
    Vec::new()
}

fn held(number: u32, object: &'static str, body: Value) -> Held {
    Held { object, id: format!("00000000-0000-4000-8000-{number:012}"), body, trashed: false }
}

fn acme() -> Vec<Held> {
    vec![held(1, "companies", json!({"name": "Acme", "domainName": {"primaryLinkUrl": "https://acme.example"}}))]
}

fn nurse() -> Vec<Held> {
    vec![held(1, "people", json!({"emails": {"primaryEmail": "ada@x.example"}, "jobTitle": "Nurse"}))]
}

fn ada() -> Vec<Held> {
    vec![held(1, "people", json!({"name": {"firstName": "Ada"}, "emails": {"primaryEmail": "ada@x.example"}}))]
}

fn trashed_ada() -> Vec<Held> {
    ada().into_iter().map(|held| Held { trashed: true, ..held }).collect()
}

/// Two companies in the trash; a person belongs to the first.
fn trashed_firms_of_ada() -> Vec<Held> {
    let bolt = json!({"name": "Bolt", "domainName": {"primaryLinkUrl": "https://bolt.example"}});
    let mut all: Vec<Held> = acme().into_iter().chain([held(2, "companies", bolt)]).collect();
    let of = all.first().map(|acme| acme.id.clone());
    for held in &mut all {
        held.trashed = true;
    }
    all.push(held(3, "people", json!({"name": {"firstName": "Ada"}, "companyId": of})));
    all
}

const DEAL: &str = "  object Deal from \"deals.csv\" {\n    key deal_id\n    deal_id: text\n    name: text\n    before: -> Deal\n    stage: text\n    kind: text\n  }\n";
const FIRM: &str = "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n    site: text\n    parent: -> Firm\n  }\n";
const PERSON: &str = "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n    boss: -> Person\n    \
                      seen: date format \"%Y-%m-%d\"\n  }\n";

const LEAD_BY_TWO: &str = "  object Lead from \"leads.csv\" {\n    key lead_id\n    lead_id: text\n    email: text\n    job: text\n    seen: date format \"%Y-%m-%d\"\n  }\n";
/// The first is found by its address, the second by its job.
const TWO_LEADS: &[(&str, &str)] =
    &[("leads.csv", "lead_id,email,job,seen\nL0,ada@x.example,Guard,2024-01-01\nL2,,Nurse,2024-02-01\n")];

use State::{Created, Quarantined, Skipped, Unchanged, Updated};

pub(crate) const WRITTEN: &[Written] = &[
    Written {
        name: "circles that are quarantined are foreseen so",
        objects: PERSON,
        maps: "map Person -> people {\n  on cycle quarantine\n  name = { firstName: first }\n  new boss \"Boss\": -> people inverse \"Staff\" = boss\n  drop email, seen : \"not needed\"\n}\n",
        files: &[(
            "people.csv",
            "person_id,first,email,boss,seen\nP1,Ada,,,\nP2,Bob,,P2,\nP3,Cara,,P4,\nP4,Dora,,P3,\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[
            ("Person", 2, Created),
            ("Person", 3, Quarantined),
            ("Person", 4, Quarantined),
            ("Person", 5, Quarantined),
        ],
    },
    Written {
        name: "a record that is skipped twice over is counted once",
        objects: PERSON,
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing skip\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  \
               new boss \"Boss\": -> people inverse \"Staff\" = boss on missing skip\n  drop seen : \"not needed\"\n}\n",
        files: &[("people.csv", "person_id,first,email,boss,seen\nP1,Ada,ada@x.example,P9,\n")],
        held: ada,
        moment: Moment::BeforeSetup,
        decisions: &[("Person", 2, Skipped)],
    },
    Written {
        name: "of two rows of one key the one that is kept may be there already",
        objects: PERSON,
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on duplicate keep oldest seen\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  drop boss, seen : \"not needed\"\n}\n",
        files: &[(
            "people.csv",
            "person_id,first,email,boss,seen\nP1,Bob,bob@x.example,,2024-02-01\nP1,Ada,ada@x.example,,2024-01-01\n",
        )],
        held: ada,
        moment: Moment::BeforeSetup,
        decisions: &[("Person", 2, Skipped), ("Person", 3, Unchanged)],
    },
    Written {
        name: "a deferred reference of a record that is there changes it",
        objects: PERSON,
        maps: "map Person -> people {\n  match emails.primaryEmail\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  \
               new boss \"Boss\": -> people inverse \"Staff\" = boss\n  drop seen : \"not needed\"\n}\n",
        files: &[("people.csv", "person_id,first,email,boss,seen\nP1,Ada,ada@x.example,P2,\nP2,Bob,bob@x.example,,\n")],
        held: ada,
        moment: Moment::BeforeSetup,
        decisions: &[("Person", 2, Updated), ("Person", 3, Created)],
    },
    Written {
        name: "a child whose parent is quarantined because the destination has it is quarantined",
        objects: FIRM,
        maps: "map Firm -> companies {\n  match domainName\n  on existing quarantine\n  name = name\n  domainName = site | url\n  \
               new parentFirm \"Parent firm\": -> companies inverse \"Daughters\" = parent on missing quarantine\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,parent\nF1,Acme,https://acme.example,\nF2,Bolt,https://bolt.example,F1\n",
        )],
        held: acme,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Quarantined), ("Firm", 3, Quarantined)],
    },
    Written {
        name: "an author without a name is foreseen as it is written",
        objects: "  object User from \"users.csv\" {\n    key email\n    email: text unique ignore case\n  }\n  object Person from \"people.csv\" {\n    \
                  key person_id\n    person_id: text\n    first: text\n    author: text\n    owner: -> User.email ignore case\n  }\n",
        maps: "owners {\n  match User.email = workspaceMembers.userEmail\n  fallback none\n}\n\n\
               map Person -> people {\n  name = { firstName: first }\n  createdBy = { source: IMPORT, name: author, workspaceMember: owner }\n}\n",
        files: &[
            ("users.csv", "email\nrep0@visualpractice.example\n"),
            (
                "people.csv",
                "person_id,first,author,owner\nP1,Ada,Jane,rep0@visualpractice.example\nP2,Bob,,rep0@visualpractice.example\nP3,Cara,,\n",
            ),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Person", 2, Created), ("Person", 3, Quarantined), ("Person", 4, Created)],
    },
    Written {
        name: "leads and contacts who are one person become one record",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n  }\n  object Lead from \"leads.csv\" {\n    \
                  key lead_id\n    lead_id: text\n    job: text\n    email: text\n  }\n",
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing update\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n}\n\n\
               map Lead -> people {\n  match emails.primaryEmail\n  on existing update\n  jobTitle = job\n  emails = { primaryEmail: email | email }\n}\n",
        files: &[
            ("people.csv", "person_id,first,email\nP1,Ada,ada@x.example\nP2,Bob,bob@x.example\n"),
            (
                "leads.csv",
                "lead_id,job,email\nL1,Nurse,ada@x.example\nL2,Cook,bob@x.example\nL3,Guard,cara@x.example\n",
            ),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[
            ("Person", 2, Created),
            ("Person", 3, Created),
            ("Lead", 2, Updated),
            ("Lead", 3, Updated),
            ("Lead", 4, Created),
        ],
    },
    Written {
        name: "what the second map into one object fills does not keep verify from holding",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n    kind: text\n    job: text\n  }\n",
        maps: "map Person as First -> people when kind == \"client\" {\n  match emails.primaryEmail\n  on existing fill\n  name = { firstName: first }\n  jobTitle = job\n  emails = { primaryEmail: email | email }\n}\n\n\
               map Person as Second -> people when kind != \"client\" {\n  match emails.primaryEmail\n  on existing fill\n  jobTitle = first\n  emails = { primaryEmail: email | email }\n  drop job : \"the first map takes it\"\n}\n",
        files: &[(
            "people.csv",
            "person_id,first,email,kind,job\nP1,Ada,ada@x.example,client,\nP2,Nurse,ada@x.example,lead,\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("First", 2, Created), ("Second", 3, Updated)],
    },
    Written {
        name: "a column that has another name is found before anything is made",
        objects: PERSON,
        maps: "map Person -> people {\n  name = { firstName: first }\n  new boss \"Boss\": -> people inverse \"Staff\" = boss\n  drop email, seen : \"not needed\"\n}\n",
        files: &[("people.csv", "person_id,first,email,manager,seen\nP1,Ada,,,\n")],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[],
    },
    Written {
        name: "links through an object that does not refer to their owner are refused before anything is made",
        objects: "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n  }\n  object Person from \"people.csv\" {\n    \
                  key person_id\n    person_id: text\n    first: text\n    firm: -> Firm\n  }\n",
        maps: "extend system twenty {\n  object people { deals: many companies through workspaceMembers }\n}\n\n\
               map Firm -> companies {\n  name = name\n}\n\n\
               map Person -> people {\n  name = { firstName: first }\n  deals = firm\n}\n",
        files: &[("firms.csv", "firm_id,name\nF1,Acme\n"), ("people.csv", "person_id,first,firm\nP1,Ada,F1\n")],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[],
    },
    Written {
        name: "a member of a list that is not there quarantines the record",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n  }\n  object Note from \"notes.csv\" {\n    \
                  key note_id\n    note_id: text\n    title: text\n    about: list(-> Person) split \";\"\n  }\n",
        maps: "map Person -> people {\n  name = { firstName: first }\n}\n\nmap Note -> notes {\n  title = title\n  targets = about\n}\n",
        files: &[
            ("people.csv", "person_id,first\nP1,Ada\nP2,Bob\n"),
            ("notes.csv", "note_id,title,about\nN1,Both,P1;P2\nN2,One,P1;P9\nN3,None,\n"),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[
            ("Person", 2, Created),
            ("Person", 3, Created),
            ("Note", 2, Created),
            ("Note", 3, Quarantined),
            ("Note", 4, Created),
        ],
    },
    Written {
        name: "a required reference whose cell is empty quarantines the record",
        objects: "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n  }\n  object Person from \"people.csv\" {\n    \
                  key person_id\n    person_id: text\n    first: text\n    firm: -> Firm\n  }\n",
        maps: "extend system twenty {\n  object people { override company: -> companies required }\n}\n\n\
               map Firm -> companies {\n  name = name\n}\n\n\
               map Person -> people {\n  name = { firstName: first }\n  company = firm\n}\n",
        files: &[
            ("firms.csv", "firm_id,name\nF1,Acme\n"),
            ("people.csv", "person_id,first,firm\nP1,Ada,F1\nP2,Bob,\n"),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Created), ("Person", 2, Created), ("Person", 3, Quarantined)],
    },
    Written {
        name: "blanks tell names apart in an object that setup makes",
        objects: "  object Deal from \"deals.csv\" {\n    key deal_id\n    deal_id: text\n    name: text\n  }\n",
        maps: "map Deal -> new therapies \"Therapies\" one therapy \"Therapy\" {\n  match name\n  name = name\n}\n",
        files: &[("deals.csv", "deal_id,name\nD1,Acme\nD2, Acme \nD3,Acme\n")],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Deal", 2, Created), ("Deal", 3, Created), ("Deal", 4, Quarantined)],
    },
    Written {
        name: "a deferred reference of a record that a killed run changed is foreseen",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n    boss: -> Person\n  }\n  object Note from \"notes.csv\" {\n    \
                  key note_id\n    note_id: text\n    title: text\n  }\n",
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing update\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  \
               new boss \"Boss\": -> people inverse \"Staff\" = boss\n}\n\nmap Note -> notes {\n  title = title\n}\n",
        files: &[
            ("people.csv", "person_id,first,email,boss\nP1,Eda,ada@x.example,P2\nP2,Bob,bob@x.example,\n"),
            ("notes.csv", "note_id,title\nN1,One\n"),
        ],
        held: ada,
        moment: Moment::AfterKill(2),
        decisions: &[("Person", 2, Updated), ("Person", 3, Created), ("Note", 2, Created)],
    },
    Written {
        name: "an update whose answer a kill swallowed counts for the next run, which changes no field",
        objects: PERSON,
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on existing update\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  drop boss, seen : \"not needed\"\n}\n",
        files: &[("people.csv", "person_id,first,email,boss,seen\nP1,Eda,ada@x.example,,\n")],
        held: ada,
        moment: Moment::AfterKill(0),
        decisions: &[("Person", 2, Updated)],
    },
    Written {
        name: "a record that the first map takes out of the trash is in use for the second",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n    kind: text\n  }\n",
        maps: "map Person as First -> people when kind == \"client\" {\n  match emails.primaryEmail\n  on existing update\n  on deleted restore\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n}\n\n\
               map Person as Second -> people when kind != \"client\" {\n  match emails.primaryEmail\n  on existing quarantine\n  on deleted destroy\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n}\n",
        files: &[(
            "people.csv",
            "person_id,first,email,kind\nP1,Ida,ada@x.example,client\nP2,Eda,ada@x.example,lead\n",
        )],
        held: trashed_ada,
        moment: Moment::BeforeSetup,
        decisions: &[("First", 2, Updated), ("Second", 3, Quarantined)],
    },
    Written {
        name: "a circular record is quarantined alone, and those that it would be one with are written",
        objects: PERSON,
        maps: "map Person -> people {\n  match emails.primaryEmail\n  on duplicate merge oldest seen\n  on cycle quarantine\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n  \
               new boss \"Boss\": -> people inverse \"Staff\" = boss\n}\n",
        files: &[(
            "people.csv",
            "person_id,first,email,boss,seen\nP1,Ada,ada@x.example,P1,2024-01-01\nP2,Eda,ada@x.example,,2024-02-01\nP3,Ida,ada@x.example,,2024-03-01\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Person", 2, Quarantined), ("Person", 3, Created), ("Person", 4, Skipped)],
    },
    Written {
        name: "a record whose site another has leaves those that it would be one with, and they are written",
        objects: "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n    site: text\n    seen: date format \"%Y-%m-%d\"\n  }\n",
        maps: "map Firm -> companies {\n  match name\n  on duplicate merge oldest seen\n  name = name\n  domainName = site | url\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,seen\nF1,Elm,https://elm.example,2024-01-01\nF2,Fir,,2024-01-01\nF3,Fir,https://elm.example,2024-02-01\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Created), ("Firm", 3, Created), ("Firm", 4, Quarantined)],
    },
    Written {
        name: "a site that gives way where records become one keeps nobody from it",
        objects: "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n    site: text\n    seen: date format \"%Y-%m-%d\"\n  }\n",
        maps: "map Firm -> companies {\n  match name\n  on duplicate merge oldest seen\n  name = name\n  domainName = site | url\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,seen\nF1,Fir,https://fir.example,2024-01-01\nF2,Fir,https://elm.example,2024-02-01\nF3,Elm,https://elm.example,2024-03-01\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Created), ("Firm", 3, Skipped), ("Firm", 4, Created)],
    },
    Written {
        name: "what a second map changes of a record is not counted for the first",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    first: text\n    email: text\n    kind: text\n  }\n  object Lead from \"leads.csv\" {\n    \
                  key lead_id\n    lead_id: text\n    job: text\n    email: text\n  }\n",
        maps: "map Person as First -> people when kind == \"client\" {\n  match emails.primaryEmail\n  name = { firstName: first }\n  emails = { primaryEmail: email | email }\n}\n\n\
               map Person as Second -> people when kind != \"client\" {\n  name = { firstName: first }\n}\n\n\
               map Lead -> people {\n  match emails.primaryEmail\n  on existing update\n  jobTitle = job\n  emails = { primaryEmail: email | email }\n}\n",
        files: &[
            ("people.csv", "person_id,first,email,kind\nP1,Ada,ada@x.example,client\nP2,Bob,bob@x.example,lead\n"),
            ("leads.csv", "lead_id,job,email\nL1,Nurse,ada@x.example\n"),
        ],
        held: nothing,
        moment: Moment::AfterKill(1),
        decisions: &[("First", 2, Created), ("Second", 3, Created), ("Lead", 2, Updated)],
    },
    Written {
        name: "a deferred reference of a later map is that map's to answer for",
        objects: DEAL,
        maps: "map Deal as Sale -> opportunities when kind == \"client\" {\n  name = name\n  new before \"Before\": -> opportunities inverse \"After\" = before on missing none\n  drop stage : \"not needed\"\n}\n\n\
               map Deal as Offer -> opportunities when kind != \"client\" {\n  match name\n  name = name\n  before = before on missing skip\n}\n",
        files: &[("deals.csv", "deal_id,name,before,stage,kind\nD0,,,,lead\nD1,Acme,D0,,lead\nD3,Acme,,,client\n")],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Sale", 4, Created), ("Offer", 2, Created), ("Offer", 3, Updated)],
    },
    Written {
        name: "what the destination gives a new record is there when a second map fills",
        objects: DEAL,
        maps: "picklist Stage -> opportunities.stage {\n  \"Won\" = CUSTOMER\n  otherwise quarantine\n}\n\n\
               map Deal as Sale -> opportunities when kind == \"client\" {\n  name = name\n  drop before : \"not needed\"\n}\n\n\
               map Deal as Offer -> opportunities when kind != \"client\" {\n  match name\n  on existing fill\n  name = name\n  stage = stage | Stage\n}\n",
        files: &[("deals.csv", "deal_id,name,before,stage,kind\nD1,Acme,,,client\nD2,Acme,,Won,lead\n")],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Sale", 2, Created), ("Offer", 3, Unchanged)],
    },
    Written {
        name: "a deferred reference that stays is told as any other value",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    last: text\n    job: text\n    boss: -> Person\n    kind: text\n  }\n",
        maps: "map Person as First -> people when kind == \"client\" {\n  jobTitle = job\n  new boss \"Boss\": -> people inverse \"Staff\" = boss\n  drop last : \"not needed\"\n}\n\n\
               map Person as Second -> people when kind != \"client\" {\n  match jobTitle\n  name = { lastName: last }\n  jobTitle = job\n  boss = boss\n}\n",
        files: &[(
            "people.csv",
            "person_id,last,job,boss,kind\nP1,,Nurse,P2,client\nP2,,Cook,,client\nP3,,Guard,,client\nP4,Hill,Nurse,P3,lead\n",
        )],
        held: nothing,
        moment: Moment::AfterKill(0),
        decisions: &[("First", 2, Created), ("First", 3, Created), ("First", 4, Created), ("Second", 5, Updated)],
    },
    Written {
        name: "a record that a killed run made stays, whoever has its value in the export",
        objects: FIRM,
        maps: "map Firm -> companies {\n  domainName = site | url\n  new parentFirm \"Parent firm\": -> companies inverse \"Daughters\" = parent\n  drop name : \"not needed\"\n}\n",
        files: &[("firms.csv", "firm_id,name,site,parent\nF1,,https://fir.example,F6\nF4,,https://fir.example,\n")],
        held: nothing,
        moment: Moment::AfterKill(0),
        decisions: &[("Firm", 2, Quarantined), ("Firm", 3, Created)],
    },
    Written {
        name: "a record in the trash that others refer to is not destroyed, whatever the map says",
        objects: FIRM,
        maps: "map Firm -> companies {\n  match domainName\n  on deleted destroy\n  name = name\n  domainName = site | url\n  drop parent : \"not needed\"\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,parent\nF1,Acme,https://acme.example,\nF2,Bolt,https://bolt.example,\n",
        )],
        held: trashed_firms_of_ada,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Quarantined), ("Firm", 3, Created)],
    },
    Written {
        name: "of two records that the destination has as one the second is quarantined",
        objects: LEAD_BY_TWO,
        maps: "map Lead -> people {\n  match emails.primaryEmail or jobTitle\n  on existing update\n  emails = { primaryEmail: email | email } otherwise none\n  jobTitle = job\n  drop seen : \"not needed\"\n}\n",
        files: TWO_LEADS,
        held: nurse,
        moment: Moment::BeforeSetup,
        decisions: &[("Lead", 2, Updated), ("Lead", 3, Quarantined)],
    },
    Written {
        name: "of two records that the destination has as one the last stands where the map says so",
        objects: LEAD_BY_TWO,
        maps: "map Lead -> people {\n  match emails.primaryEmail or jobTitle\n  on existing update\n  on duplicate keep last\n  emails = { primaryEmail: email | email } otherwise none\n  jobTitle = job\n  drop seen : \"not needed\"\n}\n",
        files: TWO_LEADS,
        held: nurse,
        moment: Moment::BeforeSetup,
        decisions: &[("Lead", 2, Skipped), ("Lead", 3, Unchanged)],
    },
    Written {
        name: "two records that the destination has as one are written as one where the map merges",
        objects: LEAD_BY_TWO,
        maps: "map Lead -> people {\n  match emails.primaryEmail or jobTitle\n  on existing update\n  on duplicate merge oldest seen\n  emails = { primaryEmail: email | email } otherwise none\n  jobTitle = job\n}\n",
        files: TWO_LEADS,
        held: nurse,
        moment: Moment::BeforeSetup,
        decisions: &[("Lead", 2, Updated), ("Lead", 3, Skipped)],
    },
    Written {
        name: "a value that an earlier map takes from a record identifies it no more",
        objects: "  object Person from \"people.csv\" {\n    key person_id\n    person_id: text\n    email: text\n    job: text\n  }\n  object Lead from \"leads.csv\" {\n    \
                  key lead_id\n    lead_id: text\n    email: text\n    job: text\n    kind: text\n  }\n",
        maps: "map Person -> people {\n  emails = { primaryEmail: email | email }\n  jobTitle = job\n}\n\n\
               map Lead as Warm -> people when kind == \"warm\" {\n  match emails.primaryEmail\n  on existing update\n  emails = { primaryEmail: email | email }\n  jobTitle = job\n}\n\n\
               map Lead as Cold -> people when kind != \"warm\" {\n  match jobTitle\n  on existing update\n  jobTitle = job\n  drop email : \"not needed\"\n}\n",
        files: &[
            ("people.csv", "person_id,email,job\nP1,ada@x.example,Nurse\nP2,bob@x.example,Nurse\n"),
            ("leads.csv", "lead_id,email,job,kind\nL1,ada@x.example,Guard,warm\nL2,,Nurse,cold\n"),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Warm", 2, Updated), ("Cold", 3, Unchanged)],
    },
    Written {
        name: "a site of a record that a missing reference keeps out is another's to have",
        objects: FIRM,
        maps: "map Firm -> companies {\n  match name\n  name = name\n  domainName = site | url\n  \
               new parentFirm \"Parent firm\": -> companies inverse \"Daughters\" = parent on missing quarantine\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,parent\nF1,Acme,https://elm.example,F9\nF2,Bolt,https://elm.example,\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Quarantined), ("Firm", 3, Created)],
    },
    Written {
        name: "a site that a record of a chain would have is another's where the chain's end is missing",
        objects: FIRM,
        maps: "map Firm -> companies {\n  match name\n  name = name\n  domainName = site | url otherwise none on taken none\n  \
               new parentFirm \"Parent firm\": -> companies inverse \"Daughters\" = parent on missing skip\n}\n",
        files: &[(
            "firms.csv",
            "firm_id,name,site,parent\nF1,Acme,https://elm.example,F2\nF2,Bolt,,F9\nF3,Cask,https://elm.example,\n",
        )],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Skipped), ("Firm", 3, Skipped), ("Firm", 4, Created)],
    },
    Written {
        name: "a row that a missing link keeps out leaves the one that it would be one with to be written",
        objects: "  object Firm from \"firms.csv\" {\n    key firm_id\n    firm_id: text\n    name: text\n  }\n  object Note from \"notes.csv\" {\n    \
                  key note_id\n    note_id: text\n    title: text\n    about: list(-> Firm) split \";\"\n    seen: date format \"%Y-%m-%d\"\n  }\n",
        maps: "map Firm -> companies {\n  name = name\n}\n\nmap Note -> notes {\n  match title\n  on duplicate keep newest seen\n  title = title\n  targets = about on missing quarantine\n}\n",
        files: &[
            ("firms.csv", "firm_id,name\nF1,Acme\n"),
            ("notes.csv", "note_id,title,about,seen\nN1,One,F9,2024-02-01\nN2,One,F1,2024-01-01\n"),
        ],
        held: nothing,
        moment: Moment::BeforeSetup,
        decisions: &[("Firm", 2, Created), ("Note", 2, Quarantined), ("Note", 3, Created)],
    },
];
