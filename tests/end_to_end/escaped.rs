//! Texts of a spec and an export that try to be something else in what migr shows: every output is read by a parser of its own kind, and nothing in it steers
//! a terminal, is a command of a CI system, is markup or is computed.

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use migr_escape::is_deceptive;
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::harness::Project;

/// Text that is everything at once: a formula, a reversed direction, markup of three kinds, an escape sequence, commands of two CI systems.
const NASTY: &str = "=1+1;\u{202e}<img src=x onerror=alert(1)>|`*a*[x](http://evil.example)`\u{1b}[2J\u{7}::error::x ##[add-mask]y##vso[task]";

fn hostile() -> Project {
    let project = Project::empty();
    let spec = r#"use "std/systems/twenty"

system clinic {
  timezone "America/New_York"
  object Person from "people.csv" {
    key id
    id: text
    first: text
    email: email
    born: date format "%Y-%m-%d"
    job: text
  }
}

migration clinic_to_twenty {
  source clinic { files = "export/*.csv" }
  destination twenty { url = env("NASTY"); token = secret("TWENTY_KEY") }
  timezone = "America/New_York"
  country  = "US"
  currency = "USD"
}

skip Person when job == "NASTY" : "NASTY"

map Person -> people {
  name     = { firstName: first, lastName: "NASTY" }
  emails   = { primaryEmail: email }
  new born "Born": date = born
  jobTitle = job
}

test "NASTY" {
  given Person { id: "NASTY", first: "NASTY", email: "a@b.example", born: "2000-01-01", job: "x" }
  expect people { jobTitle: "NASTY" }
}
"#;
    project.write("migration.migr", &spec.replace("NASTY", NASTY));
    let cell = format!("\"{}\"", NASTY.replace('"', "\"\""));
    let quoted = format!("\"{}\"", format!("{NASTY}\n::set-env name=x::y").replace('"', "\"\""));
    project.write(
        "export/people.csv",
        &format!(
            "id,first,email,born,job,{cell}\n\
             1,{cell},a@b.example,2000-01-01,x,1\n\
             {cell},{cell},c@d.example,no date at all,x,2\n\
             {quoted},{quoted},{cell},{cell},x,3\n\
             4,{cell},e@f.example,2000-01-01,{cell},4\n"
        ),
    );
    project
}

/// Check that a text holds nothing that no output may hold.
#[track_caller]
fn is_harmless(what: &str, text: &str) {
    let bad = text.chars().find(|one| is_deceptive(*one) && !matches!(one, '\n' | '\t'));
    assert_eq!(bad, None, "{what}: {text:?}");
    for line in text.lines() {
        let is_command = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        assert!(!is_command, "{what}: {line}");
    }
}

fn elements(node: &Handle, found: &mut Vec<String>) {
    match &node.data {
        NodeData::Element { name, attrs, .. } => {
            found.push(name.local.to_string());
            let scripted =
                attrs.borrow().iter().any(|one| one.name.local.starts_with("on") || one.value.contains("javascript:"));
            assert!(!scripted, "a script in {}", name.local);
        }
        NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. } => found.push("a comment".to_owned()),
        _ => {}
    }
    for child in node.children.borrow().iter() {
        elements(child, found);
    }
}

fn is_page(what: &str, text: &str) {
    is_harmless(what, text);
    let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(text);
    let mut found = Vec::new();
    elements(&dom.document, &mut found);
    for element in ["img", "script", "iframe", "a", "b-", "a comment"] {
        assert!(!found.iter().any(|one| one == element), "{what}: {element}");
    }
    assert!(found.iter().any(|one| one == "table"));
}

fn is_markdown(what: &str, text: &str) {
    is_harmless(what, text);
    for event in
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS)
    {
        match event {
            Event::InlineHtml(tag) => assert!(matches!(&*tag, "<code>" | "</code>"), "{what}: {tag}"),
            Event::Html(tag) => panic!("{what}: {tag}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => panic!("{what}: {dest_url}"),
            Event::Start(Tag::Emphasis | Tag::Strikethrough | Tag::CodeBlock(_)) => panic!("{what}: markup in {text}"),
            _ => {}
        }
    }
}

fn is_json(what: &str, text: &str) {
    is_harmless(what, text);
    serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
}

fn are_json_lines(what: &str, text: &str) {
    assert!(!text.is_empty(), "{what}");
    for line in text.lines() {
        is_json(what, line);
    }
}

fn is_xml(what: &str, text: &str) {
    is_harmless(what, text);
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!document.descendants().any(|node| node.has_tag_name("img")), "{what}");
}

#[test]
fn a_spec_cannot_be_anything_but_text_in_what_is_said_of_it() {
    let project = hostile();
    // Something is wrong in it too, so that the text stands in findings.
    let broken = project.read("migration.migr").replace("jobTitle = job", &format!("jobTitle = \"{NASTY}\" | trimm"));
    project.write("broken/migration.migr", &broken);
    for path in [".", "broken"] {
        for format in ["human", "short"] {
            is_harmless(format, &project.migr(&["check", path, "--format", format]).stdout);
        }
        for format in ["json", "sarif", "gitlab"] {
            is_json(format, &project.migr(&["check", path, "--format", format]).stdout);
        }
        is_xml("junit", &project.migr(&["check", path, "--format", "junit"]).stdout);
        let commands = project.migr(&["check", path, "--format", "github"]).stdout;
        assert!(commands.lines().count() > 2, "{commands}");
        for command in commands.lines() {
            assert!(command.starts_with("::error ") || command.starts_with("::warning "), "{command}");
            assert!(!command.contains(is_deceptive), "{command:?}");
        }
        let said = project.migr(&["check", path, "--format", "json"]);
        is_harmless("stderr", &said.stderr);
        assert!(said.stdout.contains("W0110"), "what nobody sees is told: {}", said.stdout);
        let coloured = project.migr(&["check", path, "--color", "always"]).stdout;
        is_harmless("colours", &coloured.replace("\u{1b}[", "["));
        assert!(!coloured.contains("\u{1b}[2J"));
    }
    is_harmless("plan", &project.migr(&["plan", "--full"]).stdout);
    is_json("plan", &project.migr(&["plan", "--format", "json"]).stdout);
    is_markdown("plan", &project.migr(&["plan", "--format", "markdown"]).stdout);
    is_harmless("graph", &project.migr(&["graph"]).stdout);
    is_harmless("graph", &project.migr(&["graph", "--format", "dot"]).stdout);
    is_xml("graph", &project.migr(&["graph", "--format", "svg"]).stdout);
    is_harmless("test", &project.migr(&["test"]).exits(1).stdout);
    is_json("test", &project.migr(&["test", "--format", "json"]).stdout);
    is_xml("test", &project.migr(&["test", "--format", "junit"]).stdout);
}

#[test]
fn an_export_cannot_be_anything_but_text_in_what_is_said_of_it() {
    let project = hostile();
    for arguments in
        [&["check", "--data"][..], &["check", "--data", "--format", "short"], &["audit", "--sandbox", "--full"]]
    {
        let ran = project.migr(arguments);
        is_harmless("audit", &ran.stdout);
        is_harmless("audit", &ran.stderr);
    }
    is_markdown("audit", &project.migr(&["audit", "--sandbox", "--format", "markdown"]).stdout);
    is_json("audit", &project.migr(&["audit", "--sandbox", "--format", "json"]).stdout);
    are_json_lines("audit", &project.migr(&["audit", "--sandbox", "--format", "jsonl"]).stdout);
    let ran = project.migr(&["run", "--sandbox", "--no-approval"]);
    assert!(ran.code == 5, "{} {}", ran.stdout, ran.stderr);
    is_harmless("run", &ran.stdout);
    is_harmless("run", &ran.stderr);
    is_harmless("quarantine", &project.migr(&["quarantine", "list", "--sandbox"]).exits(0).stdout);
    is_json("quarantine", &project.migr(&["quarantine", "list", "--sandbox", "--json"]).exits(0).stdout);
    are_json_lines("journal", &project.migr(&["journal", "--sandbox"]).exits(0).stdout);
    is_harmless("why", &project.migr(&["why", "1", "--sandbox"]).exits(0).stdout);
    is_json("why", &project.migr(&["why", "1", "--sandbox", "--format", "json"]).exits(0).stdout);
    is_page("report", &project.migr(&["report", "--sandbox", "--format", "html"]).stdout);
    is_page("report", &project.read(".migr/sandbox/report.html"));
    is_markdown("report", &project.migr(&["report", "--sandbox", "--format", "markdown"]).stdout);
    is_json("report", &project.migr(&["report", "--sandbox", "--format", "json"]).stdout);
    is_harmless("verify", &project.migr(&["verify", "--sandbox"]).stdout);
    let mut cells = 0;
    for entry in std::fs::read_dir(project.path().join(".migr/sandbox/report")).unwrap() {
        let path = entry.unwrap().path();
        for record in csv::Reader::from_path(&path).unwrap().records() {
            for cell in &record.unwrap() {
                cells += 1;
                assert!(!cell.starts_with(['=', '+', '-', '@']), "{}: {cell}", path.display());
                assert!(!cell.contains(|one| is_deceptive(one) && one != '\n'), "{}: {cell:?}", path.display());
            }
        }
    }
    assert!(cells > 5, "{cells}");
    is_harmless("rollback", &project.migr(&["rollback", "--sandbox"]).stdout);
}
