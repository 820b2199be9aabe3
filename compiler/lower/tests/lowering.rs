//! Plan of a checked program: changes of the schema in order, concepts with their state, and what a rollback can do.

use std::fmt::Write as _;

use migr_check::{CheckOptions, check};
use migr_diagnostics::Diagnostics;
use migr_lower::lower;
use migr_plan::render::{self, View};
use migr_plan::{PicklistOtherwise, Plan, SetupAction};
use migr_source::SourceMap;

const PROGRAM: &str = r#"
system shop {
  object Firm from "firms.csv" {
    key id
    id: text; name: text; tel: phone; kind: text; tags: list(text) split ";"
    partners: list(-> Firm) split ";"; about: richtext; boss: -> User.mail
  }
  object Paper from "papers.csv" { key id; id: text; firm: -> Firm; path: file }
  object User from "users.csv" { key mail; mail: email }
  object Junk from "junk.csv" { key id; id: text }
  object Robot from "robots.json"
}
system crm {
  connector twenty
  loses extension of phone : "the destination drops a phone number's extension"
  loses drawings of file : "the destination writes drawings in SVG anew: what is shown stays, the bytes are others"
  rollback of file best effort : "the record goes, the uploaded file stays in the destination's storage"
  object companies { name: text; kind: select { A } extensible; phones: phones; owner: -> members }
  object papers { file: file; target: -> companies | custom }
  object members matched only { mail: email unique }
  object custom { name: text }
}
migration m {
  source shop { files = "export/*" }
  destination crm { url = env("URL"); token = secret("TOKEN") }
}
owners { match User.mail = members.mail; fallback none }
picklist Kind -> companies.kind { "a" | "b" = A; "c" = new C "Cee" red; otherwise quarantine }
/// Name that the firm bore earlier.
map Firm -> companies {
  name   = name
  kind   = kind | Kind
  phones = tel | phone
  owner  = boss
  new partner "Partner": -> companies = partners | first
  new others "Others": text = partners.name | rest | join(", ")
  /// As Markdown.
  new about "About": richtext = about | markdown
  new marks "Marks": list(text) = tags
}
map Firm as Dossier -> new dossiers "Dossiers" one dossier "Dossier" when kind == "a" {
  name = name
  new firm "Firm": -> companies = id
}
map Paper -> papers { file = path; target = firm }
drop object Junk : "nobody reads it"
reference Robot from "robots.json"
"#;

fn plan(text: &str) -> Result<Plan, String> {
    let mut sources = SourceMap::default();
    let file = sources.add("main.migr", text);
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(file, text, &mut diagnostics);
    let spec = check(&[ast], CheckOptions::default(), &mut diagnostics);
    let plan = spec.and_then(|spec| lower(&spec, &sources, &mut diagnostics));
    plan.ok_or_else(|| {
        diagnostics.items().iter().map(|one| format!("{} {}", one.code, one.message)).collect::<Vec<_>>().join("\n")
    })
}

fn lines(plan: &Plan) -> String {
    let mut text = String::new();
    for action in &plan.setup {
        let _ = match action {
            SetupAction::CreateObject { object, singular, description, .. } => {
                writeln!(text, "setup: object {object}/{singular} {description:?}")
            }
            SetupAction::CreateField { object, field, description, .. } => {
                writeln!(text, "setup: field {object}.{field} {description:?}")
            }
            SetupAction::AddOptions { object, field, options, order, .. } => {
                let added: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
                writeln!(text, "setup: options {object}.{field} + {added:?} as {order:?}")
            }
        };
    }
    for stage in &plan.stages {
        let _ = writeln!(
            text,
            "stage: {} after {:?}, rollback {:?} {:?}",
            stage.id, stage.depends_on, stage.rollback.class, stage.rollback.reason
        );
        for edge in &stage.edges {
            let _ = writeln!(text, "  {} (later: {})", edge.reason, edge.deferred);
        }
    }
    for row in &plan.rows {
        let _ = writeln!(
            text,
            "row: {} {} -> {:?} {:?} {:?}",
            row.kind, row.concept, row.destination, row.state, row.reason
        );
    }
    for one in &plan.degradations {
        let _ = writeln!(text, "degraded: {} {} kept in {:?}", one.what, one.reason, one.kept_in);
    }
    text
}

#[test]
fn a_program_becomes_setup_stages_rows_and_degradations() {
    insta::assert_snapshot!(plan(PROGRAM).map_or_else(|findings| findings, |plan| lines(&plan)));
}

#[test]
fn the_plan_reads_back_as_it_was_written() {
    let plan = plan(PROGRAM).unwrap();
    assert_eq!(Plan::from_json(&plan.to_json().unwrap()).unwrap(), plan);
}

#[test]
fn no_count_is_made_up() {
    let plan = plan(PROGRAM).unwrap();
    assert_eq!(plan.summary.create, None);
    assert_eq!(plan.estimate.records, None);
    assert_eq!(plan.summary.schema_changes, u64::try_from(plan.setup.len()).unwrap());
}

const CLINIC: &str = r#"
system clinic {
  object Note from "notes.csv" restricted "health" {
    key id
    id: text; client: -> Client; body: text sensitive retain 6y
    retain 7y
  }
  object Client from "clients.csv" { key id; id: text; firm: -> Firm; line: text; step: text }
  object Firm from "firms.csv" { key id; id: text }
}
system crm {
  connector highlevel; calls bulk
  object contacts { name: text; business: -> businesses linked by bulk; pipeline: select { A, B }; step: select { X, Y } }
  object businesses { name: text }
  object notes { contact: -> contacts; body: text }
}
migration m {
  source clinic { files = "export/*" }
  destination crm { url = env("URL"); token = secret("TOKEN") }
  permit Note : "J. Doe, 2026-11-02"
}
picklist Step (line, step) -> contacts (pipeline, step) { ("one", "two") = (A, X); otherwise (B, Y) }
map Firm -> businesses { name = id }
map Client -> contacts {
  name     = id
  business = firm
  (pipeline, step) = (line, step) | Step
}
map Note -> notes { contact = client; body = body }
"#;

#[test]
fn second_calls_what_is_to_be_kept_and_a_last_row_of_several_fields_are_in_the_plan() {
    let plan = plan(CLINIC).unwrap();
    let linked = plan.stages.iter().flat_map(|stage| &stage.fields).find(|field| field.field == "business").unwrap();
    assert_eq!(linked.linked_by.as_deref(), Some("bulk"));
    let values = vec![Some("B".to_owned()), Some("Y".to_owned())];
    assert_eq!(plan.picklists.first().unwrap().otherwise, PicklistOtherwise::UseAll { values });
    let terminal = render::terminal(&plan, &View::default());
    // Signs that mean something to Markdown stand behind a backslash there.
    let markdown = render::markdown(&plan, &View::default()).replace('\\', "");
    for line in [
        "second call `bulk`: links contacts.business (main.migr:26)",
        "To be kept 7y: Note",
        "To be kept 6y: Note.body",
        "every other value becomes B, Y",
    ] {
        assert!(terminal.contains(line), "no `{line}` in\n{terminal}");
        assert!(markdown.contains(line), "no `{line}` in\n{markdown}");
    }
}

const REMINDERS: &str = r#"
system clinic {
  object Client from "clients.csv" { key id; id: text; email: email sensitive; city: text }
  object Note from "notes.csv" { key id; id: text; client: -> Client.email; also: list(-> Client.email) split "," }
}
system crm {
  connector highlevel
  object contacts { email: email }
  object notes { contact: -> contacts; body: text; title: text; place: text }
}
migration m {
  source clinic { files = "export/*" }
  destination crm { url = env("URL"); token = secret("TOKEN") }
}
map Client -> contacts { email = email }
map Note -> notes {
  contact = client
  body    = "for {client}"
  title   = also | first
  place   = client.city
}
"#;

#[test]
fn a_reference_by_a_sensitive_column_is_sensitive_and_the_record_that_it_names_is_not() {
    let plan = plan(REMINDERS).unwrap();
    let note = plan.source.objects.iter().find(|object| object.name == "Note").unwrap();
    let sensitive: Vec<&str> =
        note.columns.iter().filter(|column| column.sensitive).map(|column| column.name.as_str()).collect();
    assert_eq!(sensitive, ["client", "also"]);
    let stage = plan.stages.iter().find(|stage| stage.source_object == "Note").unwrap();
    let sensitive: Vec<&str> =
        stage.fields.iter().filter(|field| field.sensitive).map(|field| field.field.as_str()).collect();
    assert_eq!(sensitive, ["body", "title"]);
}
