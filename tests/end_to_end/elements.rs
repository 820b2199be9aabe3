//! Kinds of exports that went wrong in silence: elements of lists, rows of one key, orders of options, what a spreadsheet left in cells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::small::Small;

/// Exit codes of `audit`, `setup`, `run` and `verify` where nothing is wrong.
const MOVED: [i32; 4] = [0; 4];

#[test]
fn lists_of_references_are_linked_member_by_member_beside_single_ones() {
    let outcome = Small {
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text }
  object Person from \"people.csv\" { key id; id: text; name: text }
  object Note from \"notes.csv\" {
    key id
    id: text; title: text
    people: list(-> Person) split \";\"
    firms: list(-> Firm) split \";\"
    firm: -> Firm
  }",
        maps: "map Firm -> companies {\n  name = name\n}\n\nmap Person -> people {\n  name.lastName = name\n}\n
map Note -> notes {\n  title = title\n  targets = [people, firms, firm] on missing none\n}",
        files: &[
            ("firms.csv", "id,name\nF1,Acme\nF2,Beta\n"),
            ("people.csv", "id,name\nP1,Ada\nP2,Bob\n"),
            (
                "notes.csv",
                "id,title,people,firms,firm\nN1,all,P1;P2,F1,F2\nN2,once,P1;P1,F1,F1\nN3,gone,P9;P2,,\nN4,none,,,\n",
            ),
        ],
        held: Vec::new(),
    }
    .moved();
    assert_eq!(outcome.codes, [0, 0, 0, 0], "{}", outcome.said);
    let names = |object: &str, name: fn(&Value) -> &Value| -> BTreeMap<String, String> {
        let records = outcome.stand_in.records(object);
        let one =
            |record: &Value| (record["id"].as_str().unwrap().to_owned(), name(record).as_str().unwrap().to_owned());
        records.iter().map(one).collect()
    };
    let mut known = names("companies", |record| &record["name"]);
    known.extend(names("people", |record| &record["name"]["lastName"]));
    let notes = names("notes", |record| &record["title"]);
    let mut linked: Vec<(String, String)> = Vec::new();
    for link in outcome.stand_in.records("noteTargets") {
        let target = link["targetPersonId"].as_str().or(link["targetCompanyId"].as_str()).unwrap();
        linked.push((notes[link["noteId"].as_str().unwrap()].clone(), known[target].clone()));
    }
    linked.sort();
    let expected = [
        ("all", "Acme"),
        ("all", "Ada"),
        ("all", "Beta"),
        ("all", "Bob"),
        ("gone", "Bob"),
        ("once", "Acme"),
        ("once", "Ada"),
    ];
    assert_eq!(linked, expected.map(|(note, target)| (note.to_owned(), target.to_owned())));
    outcome.says(&["P9"]);
}

#[test]
fn a_row_that_says_the_same_as_an_earlier_one_of_its_key_is_one_record_and_any_other_is_decided_by_the_map() {
    let rows = "id,name,city\nA,Ada,Bonn\nA,Ada,Bonn\nB,Bob,Ulm\nB,Bobby,Ulm\nB,Bob,Ulm\n";
    for (policy, codes, people) in [
        ("", [1, 0, 5, 0], ["Ada", "Bob"]),
        ("  on duplicate keep last\n", [0, 0, 0, 0], ["Ada", "Bob"]),
        ("  on duplicate keep first\n", [0, 0, 0, 0], ["Ada", "Bob"]),
    ] {
        let outcome = Small {
            objects: "  object Person from \"people.csv\" { key id; id: text; name: text; city: text }",
            maps: &format!(
                "map Person -> people {{\n{policy}  name.lastName = name\n  new city \"City\": text = city\n}}"
            ),
            files: &[("people.csv", rows)],
            held: Vec::new(),
        }
        .moved();
        assert_eq!(outcome.codes, codes, "{policy}{}", outcome.said);
        outcome.says(&["people.csv:3 A: line 2 already has id \"A\" and says the same in every column"]);
        let mut names: Vec<String> = outcome
            .stand_in
            .records("people")
            .iter()
            .filter(|record| record["city"] == "Bonn" || record["city"] == "Ulm")
            .map(|record| record["name"]["lastName"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, people, "{policy}");
        let report = outcome.project.report();
        let (read, left) = (&report["objects"][0]["read"], &report["objects"][0]["skipped"]);
        assert_eq!((read.as_u64(), left.as_u64()), (Some(5), Some(if policy.is_empty() { 2 } else { 3 })), "{report}");
    }
}

#[test]
fn one_element_that_cannot_be_read_falls_by_itself_where_a_rule_says_none() {
    let outcome = Small {
        objects: "  object Person from \"people.csv\" {
    key id
    id: text; name: text; email: email; more: list(email) split \";\"; phone: text; phones: list(text) split \";\"
    days: list(date) split \";\"
  }",
        maps: "map Person -> people {
  name.lastName = name
  emails = { primaryEmail: email, additionalEmails: more } otherwise none
  phones.primaryPhoneNumber = phone | phone otherwise none
  phones.additionalPhones = phones | phone otherwise none
  new days \"Days\": list(text) = days | format(\"%d.%m.%Y\") otherwise none
}",
        files: &[(
            "people.csv",
            "id,name,email,more,phone,phones,days\n\
             P1,Ada,ada@x.example,b@x.example;no address;c@x.example,212-555-0123,212-555-0124;12;212-555-0125,2024-01-02;soon;2024-02-01\n\
             P2,Bob,bob@x.example,no address,212-555-0126,12,soon\n",
        )],
        held: Vec::new(),
    }
    .moved();
    assert_eq!(outcome.codes, [0, 0, 0, 0], "{}", outcome.said);
    outcome.has(
        "people",
        &json!({
            "name": {"lastName": "Ada"},
            "emails": {"primaryEmail": "ada@x.example", "additionalEmails": ["b@x.example", "c@x.example"]},
            "phones": {
                "primaryPhoneNumber": "2125550123",
                "additionalPhones": [
                    {"number": "2125550124", "countryCode": "US", "callingCode": "+1"},
                    {"number": "2125550125", "countryCode": "US", "callingCode": "+1"},
                ],
            },
            "days": ["02.01.2024", "01.02.2024"],
        }),
    );
    outcome.has(
        "people",
        &json!({
            "name": {"lastName": "Bob"},
            "emails": {"primaryEmail": "bob@x.example"},
            "phones": {"primaryPhoneNumber": "2125550126"},
        }),
    );
    outcome.says(&["people.csv:2 P1: emails: \"no address\" is not an e-mail address; left out of the list"]);
}

#[test]
fn options_out_of_order_are_told_of_plain_texts_and_of_what_a_catalog_or_a_new_field_declares() {
    let stages = "id,name,position\n1,Won,2\n2,Demo done,1\n";
    let deals = "id,name,stage,kind\n1,A,Won,Low\n2,B,Demo done,High\n";
    let files: &[(&str, &str)] = &[("stages.csv", stages), ("deals.csv", deals)];
    let objects = "  object Stage from \"stages.csv\" { key id; id: text; name: text; position: integer }
  object Deal from \"deals.csv\" { key id; id: text; name: text; stage: text; kind: select { Low, High } }";
    for (entry, told) in [
        ("stage = stage | S\n  new kind \"Kind\": select { LOW, HIGH } = kind | upper", None),
        (
            "stage = stage | trim | T\n  drop kind : \"x\"",
            Some("\"Won\" stands before \"Demo done\" in T, and behind it in Stage"),
        ),
        (
            "new state \"State\": select { WON, DEMO_DONE } = stage | upper | replace(\" \", \"_\")\n  drop kind : \"x\"",
            Some(
                "\"WON\" stands before \"DEMO DONE\" among the options of opportunities.state, and behind it in Stage",
            ),
        ),
        (
            "new kind \"Kind\": select { HIGH, LOW } = kind | upper\n  drop stage : \"x\"",
            Some("among the options of opportunities.kind, and behind it in the catalog's `kind` of Deal"),
        ),
    ] {
        let maps = format!(
            "drop object Stage : \"stages are options\"
picklist S -> opportunities.stage {{ \"Demo done\" = NEW; \"Won\" = CUSTOMER; otherwise quarantine }}
picklist T -> opportunities.stage {{ \"Won\" = CUSTOMER; \"Demo done\" = NEW; otherwise quarantine }}
map Deal -> opportunities {{\n  name = name\n  {entry}\n}}"
        );
        let outcome = Small { objects, maps: &maps, files, held: Vec::new() }.moved();
        assert_eq!(outcome.codes, MOVED, "{entry}{}", outcome.said);
        match told {
            Some(told) => outcome.says(&[told]),
            None => assert!(!outcome.said.contains("stands before"), "{}", outcome.said),
        }
    }
}

#[test]
fn what_a_spreadsheet_left_in_cells_is_told_once_for_each_column() {
    let outcome = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text; code: text; about: text }",
        maps: "map Person -> people {\n  name.lastName = name\n  jobTitle = code\n  new about \"About\": richtext = about\n}",
        files: &[(
            "people.csv",
            "id,name,code,about\n1.23457E+15,Ada,#N/A,**bold** words\n1.23458E+15,Bob,17,# of seats\n3,Cy,####,plain\n",
        )],
        held: Vec::new(),
    }
    .moved();
    assert_eq!(outcome.codes, MOVED, "{}", outcome.said);
    outcome.says(&[
        "people.csv:2: id: 2 cells of `id` look like \"1.23457E+15\": a spreadsheet has shortened them, and their last digits are lost",
        "people.csv:2: code: 2 cells of `code` are what a spreadsheet writes where a formula failed, such as \"#N/A\"",
        "people.csv:2: about: 2 cells of `about` look like Markdown, such as \"**bold** words\"; they will be shown as written",
    ]);
}
