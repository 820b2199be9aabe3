//! Kinds of exports that went wrong in silence: of each several variations, with what must arrive, what must be said, and what never may stand in a record.

use serde_json::{Value, json};

use crate::small::Small;
use crate::stand_in::StandIn;

/// A small migration with what must come of it.
pub(crate) struct Kind<'k> {
    pub(crate) name: &'k str,
    pub(crate) objects: &'k str,
    pub(crate) maps: &'k str,
    pub(crate) files: &'k [(&'k str, &'k str)],
    /// One record of an object that holds these values.
    pub(crate) has: Vec<(&'k str, Value)>,
    /// Object and texts that stand in none of its records.
    pub(crate) never: &'k [(&'k str, &'k str)],
    pub(crate) says: &'k [&'k str],
    pub(crate) never_says: &'k [&'k str],
    /// Exit codes of `audit`, `setup`, `run` and `verify`.
    pub(crate) codes: [i32; 4],
}

pub(crate) fn judged(kinds: Vec<Kind<'_>>) {
    let mut short = Vec::new();
    for kind in kinds {
        let small = Small { objects: kind.objects, maps: kind.maps, files: kind.files, held: Vec::new() };
        let outcome = small.moved();
        let mut say = |what: String| short.push(format!("{}: {what}\n{}", kind.name, outcome.said));
        if outcome.codes != kind.codes {
            say(format!("codes {:?}", outcome.codes));
        }
        for (object, wanted) in &kind.has {
            let records = outcome.stand_in.records(object);
            if records.iter().filter(|record| crate::small::holds(record, wanted)).count() != 1 {
                say(format!("{wanted} is not one of {records:?}"));
            }
        }
        for (object, text) in kind.never {
            let records = outcome.stand_in.records(object);
            if records.iter().any(|record| record.to_string().contains(text)) {
                say(format!("{text} stands in {object}"));
            }
        }
        for text in kind.says.iter().filter(|text| !outcome.said.contains(**text)) {
            say(format!("nothing says {text}"));
        }
        for text in kind.never_says.iter().filter(|text| outcome.said.contains(**text)) {
            say(format!("it says {text}"));
        }
    }
    assert!(short.is_empty(), "{}", short.join("\n"));
}

pub(crate) const MOVED: [i32; 4] = [0, 0, 0, 0];
pub(crate) const QUARANTINED: [i32; 4] = [1, 0, 5, 0];

pub(crate) fn person(name: &str, more: &Value) -> (&'static str, Value) {
    let mut record = json!({ "name": { "lastName": name } });
    if let (Some(record), Some(more)) = (record.as_object_mut(), more.as_object()) {
        record.extend(more.clone());
    }
    ("people", record)
}

#[test]
fn values_that_differ_become_options_of_their_own() {
    let (objects, list) = (
        "  object Contact from \"contacts.csv\" { key id; id: text; name: text; size: text }",
        "  object Contact from \"contacts.csv\" { key id; id: text; name: text; tags: list(text) split \";\" }",
    );
    let map = "map Contact -> people {\n  name = { lastName: name }\n";
    judged(vec![
        Kind {
            name: "a list",
            objects: list,
            maps: &format!(
                "picklist Tag -> people.tags {{ otherwise create }}\n{map}  new tags \"Tags\": multiselect Tag = tags | Tag\n}}"
            ),
            files: &[("contacts.csv", "id,name,tags\n1,A,A-;A+\n2,B,C;C++;C#\n3,C,new;NEW;New?\n")],
            has: vec![
                person("A", &json!({ "tags": ["A_2", "A"] })),
                person("B", &json!({ "tags": ["C", "C_3", "C_2"] })),
                person("C", &json!({ "tags": ["NEW", "NEW_2"] })),
            ],
            never: &[],
            says: &["\"A-\" becomes the option A_2 of Tag", "kept apart"],
            never_says: &[],
            codes: MOVED,
        },
        Kind {
            name: "rows beside it",
            objects,
            maps: &format!(
                "picklist Size -> people.size {{\n  \"small\" = new OPT_SMALL \"Small\"\n  \"big\" = new A \"Big\"\n  otherwise create\n}}\n{map}  new size \"Size\": select Size = size | Size\n}}"
            ),
            files: &[(
                "contacts.csv",
                "id,name,size\n1,One,small\n2,Two,big\n3,Three,a\n4,Four,opt small\n5,Five,Opt-Small\n",
            )],
            has: vec![
                person("One", &json!({ "size": "OPT_SMALL" })),
                person("Two", &json!({ "size": "A" })),
                person("Three", &json!({ "size": "A_2" })),
                person("Four", &json!({ "size": "OPT_SMALL_2" })),
                person("Five", &json!({ "size": "OPT_SMALL_2" })),
            ],
            never: &[],
            says: &[],
            never_says: &[],
            codes: MOVED,
        },
        Kind {
            name: "options that the destination has",
            objects: "  object Deal from \"deals.csv\" { key id; id: text; name: text; stage: text }",
            maps: "picklist Stage -> opportunities.stage {\n  \"Open\" = NEW\n  otherwise create\n}\nmap Deal -> opportunities {\n  name = name\n  stage = stage | Stage\n}",
            files: &[("deals.csv", "id,name,stage\n1,A,Open\n2,B,New?\n3,C,new\n4,D,meeting!\n")],
            has: [("A", "NEW"), ("B", "NEW_2"), ("C", "NEW"), ("D", "MEETING_2")]
                .map(|(name, stage)| ("opportunities", json!({ "name": name, "stage": stage })))
                .into(),
            never: &[],
            says: &[],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn an_option_that_is_there_keeps_its_value_when_another_one_comes() {
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; size: text }",
        maps: "picklist Size -> people.size { otherwise create }\nmap Contact -> people {\n  name = { lastName: name }\n  new size \"Size\": select Size = size | Size\n}",
        files: &[("contacts.csv", "id,name,size\n1,Minus,A-\n")],
        held: Vec::new(),
    };
    let outcome = small.moved();
    outcome.has("people", &json!({ "name": { "lastName": "Minus" }, "size": "A" }));
    outcome.project.write("export/contacts.csv", "id,name,size\n1,Minus,A-\n2,Plus,A+\n");
    // Nothing but the destination tells who has which option.
    std::fs::remove_file(outcome.project.path().join("migr.staging.lock")).unwrap();
    std::fs::remove_dir_all(outcome.project.path().join(".migr")).unwrap();
    for command in [&["setup"][..], &["run", "--no-approval"], &["verify"]] {
        outcome.stand_in.migr(&outcome.project, command).exits(0);
    }
    outcome.has("people", &json!({ "name": { "lastName": "Minus" }, "size": "A" }));
    outcome.has("people", &json!({ "name": { "lastName": "Plus" }, "size": "A_2" }));
}

#[test]
fn an_empty_text_as_a_key_is_the_empty_cell() {
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; level: text; kind: text }",
        maps: "picklist Level -> people.level { \"\" = LOW; \"high\" = HIGH; otherwise quarantine }\npicklist Both (level, kind) -> people.both {\n  (\"high\", \"\") = ALONE\n  (\"\", \"b\") = OTHER\n  otherwise none\n}\nmap Contact -> people {\n  name.lastName = name\n  new level \"Level\": select Level = level | Level\n  new both \"Both\": select Both = (level, kind) | Both\n}",
        files: &[("contacts.csv", "id,name,level,kind\n1,One,,b\n2,Two,high,\n3,Three,high,b\n")],
        held: Vec::new(),
    };
    let outcome = small.moved();
    for (name, level, both) in
        [("One", "LOW", json!("OTHER")), ("Two", "HIGH", json!("ALONE")), ("Three", "HIGH", json!(null))]
    {
        outcome.has("people", &json!({ "name": { "lastName": name }, "level": level, "both": both }));
    }
    assert!(!outcome.said.contains("unused-row"), "{}", outcome.said);
}

#[test]
fn blanks_beside_an_empty_hole_go_at_either_end_of_a_text() {
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; role: text; rank: text }",
        maps: "map Contact -> people {\n  name = { lastName: name }\n  jobTitle = \"{role} {rank}\"\n  new more \"More\": text = \"Dr {role}, {rank} {role}\"\n}",
        files: &[(
            "contacts.csv",
            "id,name,role,rank\n1,None,,\n2,Two,Nurse,II\n3,First,Nurse,\n4,Last,,II\n5,Blank,\"\",\" II \"\n",
        )],
        held: Vec::new(),
    };
    let outcome = small.moved();
    for (name, title, more) in [
        ("None", "", "Dr ,"),
        ("Two", "Nurse II", "Dr Nurse, II Nurse"),
        ("First", "Nurse", "Dr Nurse,  Nurse"),
        ("Last", "II", "Dr , II"),
        // Blanks of a value are its own.
        ("Blank", " II ", "Dr ,  II "),
    ] {
        outcome.has("people", &json!({ "name": { "lastName": name }, "jobTitle": title, "more": more }));
    }
}

#[test]
fn an_option_that_a_value_made_keeps_its_place_when_it_gets_a_row_and_that_is_told() {
    let maps = "picklist Size -> people.size { otherwise create }\nmap Contact -> people {\n  name = { lastName: name }\n  new size \"Size\": select Size = size | Size\n}";
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; size: text }",
        maps,
        files: &[("contacts.csv", "id,name,size\n1,One,Small\n2,Two,Big\n")],
        held: Vec::new(),
    };
    let outcome = small.moved();
    let spec = std::fs::read_to_string(outcome.project.path().join("migration.migr")).unwrap();
    let with_row = "{\n  \"Big\" = new BIG \"Big\"\n  otherwise create\n}";
    outcome.project.write("migration.migr", &spec.replace("{ otherwise create }", with_row));
    outcome.stand_in.migr(&outcome.project, &["run", "--no-approval"]).exits(0);
    let told = outcome.stand_in.migr(&outcome.project, &["setup", "--checklist"]).exits(0).stdout;
    assert!(told.contains("are there as SMALL, BIG and keep that order; the plan has them as BIG, SMALL"), "{told}");
    outcome.stand_in.migr(&outcome.project, &["verify"]).exits(0);
}

#[test]
fn a_table_over_a_list_keeps_the_order_of_its_options_and_tells_what_it_leaves_out() {
    let objects =
        "  object Contact from \"contacts.csv\" { key id; id: text; name: text; skills: list(text) split \";\" }";
    let rows = "  \"C\" = new C \"C\"\n  \"C++\" | \"cpp\" = new CPP \"C++\"\n  \"SQL\" = new SQL \"SQL\"\n";
    let map = "map Contact -> people {\n  name = { lastName: name }\n  new skills \"Skills\": multiselect Skill = skills | Skill\n}";
    let files: &[(&str, &str)] =
        &[("contacts.csv", "id,name,skills\n1,A,SQL;C\n2,B,cpp;SQL;C++\n3,D,\n4,E,Cobol\n5,F,SQL;Cobol;C\n")];
    let table =
        |otherwise: &str| format!("picklist Skill -> people.skills {{\n{rows}  otherwise {otherwise}\n}}\n{map}");
    let ordered =
        || vec![person("A", &json!({ "skills": ["C", "SQL"] })), person("B", &json!({ "skills": ["CPP", "SQL"] }))];
    let (none, create, quarantine) = (table("none"), table("create"), table("quarantine"));
    let kind = |name, maps, has, never, says, codes| Kind {
        name,
        objects,
        maps,
        files,
        has,
        never,
        says,
        never_says: &[],
        codes,
    };
    judged(vec![
        kind(
            "none",
            &none,
            [ordered(), vec![person("F", &json!({ "skills": ["C", "SQL"] }))]].concat(),
            &[],
            &["\"Cobol\" is in no row of Skill; left out of the list"],
            MOVED,
        ),
        kind(
            "create",
            &create,
            [ordered(), vec![person("F", &json!({ "skills": ["C", "SQL", "COBOL"] }))]].concat(),
            &[],
            &[],
            MOVED,
        ),
        kind(
            "quarantine",
            &quarantine,
            ordered(),
            &[("people", "\"E\""), ("people", "\"F\"")],
            &["contacts.csv:5"],
            QUARANTINED,
        ),
        Kind {
            name: "a single value",
            objects: "  object Deal from \"deals.csv\" { key id; id: text; name: text; stage: text }",
            maps: "picklist Stage -> opportunities.stage {\n  \"Open\" = MEETING\n  otherwise none\n}\nmap Deal -> opportunities {\n  name = name\n  stage = stage | Stage\n}",
            files: &[("deals.csv", "id,name,stage\n1,A,Open\n2,B,Weird\n")],
            has: vec![("opportunities", json!({ "name": "B", "stage": "NEW" }))],
            never: &[],
            says: &["\"Weird\" is in no row of Stage; left empty", "the destination's default"],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn what_is_no_comma_separated_file_of_the_object_is_named_as_what_it_is() {
    let objects =
        "  object Contact from \"contacts.csv\" { key id; id: text; name: text column \"Name, first\"; email: email }";
    let maps = "map Contact -> people {\n  name = { lastName: name }\n  emails = { primaryEmail: email }\n}";
    let kind = |name, file, says| Kind {
        name,
        objects,
        maps,
        files: file,
        has: Vec::new(),
        never: &[],
        says,
        never_says: &["list view", "Add them to the catalog", "UTF-16"],
        codes: [1, 1, 1, 6],
    };
    judged(vec![
        kind("semicolons", &[("contacts.csv", "id;Name, first;email\n1;Meier;m@x.example\n")], &["separated by ';'"]),
        kind(
            "tabs",
            &[("contacts.csv", "id\t\"Name, first\"\temail\n1\tMeier\tm@x.example\n")],
            &["separated by '\\t'"],
        ),
        kind(
            "a title",
            &[("contacts.csv", "Contacts\n\nid,\"Name, first\",email\n1,A,m@x.example\n")],
            &["stand in line 3"],
        ),
        kind("HTML", &[("contacts.csv", "<html><table><tr><td>id</td></tr></table></html>\n")], &["a page of HTML"]),
        kind("JSON", &[("contacts.csv", "[{\"id\":\"1\",\"email\":\"m@x.example\"}]\n")], &["the file is JSON"]),
        kind("gzip", &[("contacts.csv", "\u{1f}\u{8}\0\0\0\0\0\0")], &["this is no file of text"]),
        kind("another file", &[("contacts.csv", "number,colour\n1,red\n")], &["none of the columns of Contact"]),
    ]);
}

#[test]
fn line_ends_are_found_however_a_spec_writes_them() {
    judged(vec![Kind {
        name: "returns",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; street: text }",
        maps: "map Contact -> people {\n  name = { lastName: name }\n  new a \"A\": text = street | split(\"\\r\\n\") | nth(0)\n  new b \"B\": text = street | replace(\"\\r\\n\", \", \")\n  new c \"C\": boolean = street | matches(\".+\\r\\n.+\")\n  new d \"D\": text = street | replace(\"\\r\", \"\")\n}",
        files: &[(
            "contacts.csv",
            "id,name,street\r\n1,Ann,\"1 Main St\r\nFloor 2\"\r\n2,Bob,\"1 Main St\nFloor 2\"\r\n",
        )],
        has: ["Ann", "Bob"]
            .map(|name| {
                person(
                    name,
                    &json!({ "a": "1 Main St", "b": "1 Main St, Floor 2", "c": true, "d": "1 Main St\nFloor 2" }),
                )
            })
            .into(),
        never: &[],
        says: &[],
        never_says: &[],
        codes: MOVED,
    }]);
}

#[test]
fn a_column_is_what_its_catalog_declares() {
    let company = "  object Company from \"companies.csv\" { key id; id: text; name: text; rev: currency";
    let map = "map Company -> companies {\n  name = name\n";
    let files: &[(&str, &str)] =
        &[("companies.csv", "id,name,rev\n1,A,\"1.234,50 €\"\n2,B,12.500 €\n3,C,\"0,125 €\"\n4,D,five\n")];
    judged(vec![
        Kind {
            name: "money as the export writes it",
            objects: &format!("{company} format \"1.234.567,89\" }}"),
            maps: &format!("{map}  annualRevenue = rev\n}}"),
            files,
            has: [("A", 1_234_500_000_i64), ("B", 12_500_000_000), ("C", 125_000)]
                .map(|(name, micros)| {
                    (
                        "companies",
                        json!({ "name": name, "annualRevenue": { "amountMicros": micros, "currencyCode": "EUR" } }),
                    )
                })
                .into(),
            never: &[("companies", "\"D\"")],
            says: &["\"five\" is not an amount of money"],
            never_says: &[],
            codes: QUARANTINED,
        },
        Kind {
            name: "money read twice",
            objects: &format!("{company} format \"1.234.567,89\" }}"),
            maps: &format!("{map}  annualRevenue = rev | money\n}}"),
            files: &[("companies.csv", "id,name,rev\n1,A,\"1.234,50 €\"\n")],
            has: vec![(
                "companies",
                json!({ "name": "A", "annualRevenue": { "amountMicros": 1_234_500_000_i64, "currencyCode": "EUR" } }),
            )],
            never: &[],
            says: &[],
            never_says: &[],
            codes: MOVED,
        },
        Kind {
            name: "money whose format nothing proves",
            objects: &format!("{company} }}"),
            maps: &format!("{map}  annualRevenue = rev\n}}"),
            files: &[("companies.csv", "id,name,rev\n1,A,12.500\n2,B,\"2,5\"\n")],
            has: Vec::new(),
            never: &[("companies", "12500000,")],
            says: &["W0614"],
            never_says: &[],
            codes: [1, 0, 4, 6],
        },
        Kind {
            name: "Markdown that is said to be Markdown",
            objects: "  object Note from \"notes.csv\" { key id; id: text; body: richtext format \"markdown\" }",
            maps: "map Note -> notes {\n  title = id\n  bodyV2 = body\n}",
            files: &[("notes.csv", "id,body\n1,# Head\n")],
            has: vec![("notes", json!({ "title": "1", "bodyV2": { "markdown": "# Head" } }))],
            never: &[],
            says: &[],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn a_letter_typed_among_digits_is_no_key_of_a_telephone() {
    judged(vec![Kind {
        name: "letters",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; name: text; phone: phone }",
        maps: "map Contact -> people {\n  name = { lastName: name }\n  phones = { primaryPhoneNumber: phone | phone } otherwise none\n}",
        files: &[(
            "contacts.csv",
            "id,name,phone\n1,A,201 555 O123\n2,B,2O1 555 0123\n3,C,1-800-GO-FEDEX\n4,D,201-555-01l3\n",
        )],
        has: vec![
            person("C", &json!({ "phones": { "primaryPhoneNumber": "8004633339" } })),
            person("A", &json!({ "phones": { "primaryPhoneNumber": "" } })),
        ],
        never: &[("people", "2015556123"), ("people", "2015550153"), ("people", "2615550123")],
        says: &["\"201 555 O123\" has a letter among its digits"],
        never_says: &[],
        codes: MOVED,
    }]);
}

#[test]
fn a_format_is_held_against_values_wherever_they_come_from() {
    let column =
        |ty: &str| format!("  object Company from \"companies.csv\" {{ key id; id: text; name: text; v: {ty} }}");
    let map = |value: &str| format!("map Company -> companies {{\n  name = name\n  new v \"V\": date = {value}\n}}");
    let (text, list) = (column("text"), column("list(text) split \";\""));
    let number = "map Company -> companies {\n  name = name\n  new v \"V\": number = v | trim | number\n}".to_owned();
    let referred = "  object Account from \"accounts.csv\" { key id; id: text; opened: text }\n  object Company from \"companies.csv\" { key id; id: text; name: text; v: -> Account }".to_owned();
    let days: &[(&str, &str)] = &[("companies.csv", "id,name,v\n1,A,01/02/2024\n2,B,13/02/2024\n3,C,25/12/2023\n")];
    let lists: &[(&str, &str)] =
        &[("companies.csv", "id,name,v\n1,A,01/02/2024; 03/02/2024\n2,B,13/02/2024\n3,C,25/12/2023\n")];
    let numbers: &[(&str, &str)] = &[("companies.csv", "id,name,v\n1,A,12.000\n2,B,\"1.234,5\"\n")];
    let accounts: &[(&str, &str)] = &[
        ("accounts.csv", "id,opened\n1,01/02/2024\n2,13/02/2024\n3,25/12/2023\n"),
        ("companies.csv", "id,name,v\n1,A,1\n2,B,2\n3,C,3\n"),
    ];
    let function = "date(\"%m/%d/%Y\")";
    let cases = [
        ("trimmed", &text, map(&format!("v | trim | {function} otherwise none")), days),
        ("either", &text, map(&format!("(v ?? name) | {function} otherwise none")), days),
        ("a list", &list, map(&format!("v | {function} | first otherwise none")), lists),
        ("a list in a text", &text, map(&format!("v | split(\";\") | first | {function} otherwise none")), lists),
        ("a number", &text, number, numbers),
        ("through a reference", &referred, map(&format!("v.opened | {function} otherwise none")), accounts),
    ];
    let kinds = cases.iter().map(|(name, objects, maps, files)| Kind {
        name,
        objects,
        maps,
        files,
        has: Vec::new(),
        never: &[("companies", "2024-01-02"), ("companies", "\"v\":12,")],
        says: &["W0614"],
        never_says: &[],
        codes: [1, 0, 4, 6],
    });
    judged(kinds.collect());
}

#[test]
fn a_row_that_no_record_meets_is_told_whatever_its_key_is_made_of() {
    let deals = "id,name,pipe,stage\n1,A,Sales,Won\n2,B,Ren,Won\n3,C,,\n";
    judged(vec![
        Kind {
            name: "several keys",
            objects: "  object Deal from \"deals.csv\" { key id; id: text; name: text; pipe: text; stage: text }",
            maps: "picklist P (pipe, stage) -> opportunities (stage, pipelineName) {\n  (\"Sales\", \"Won\") = (CUSTOMER, \"Sales\")\n  (\"Ren\", \"Won\") = (CUSTOMER, \"Renewals\")\n  (\"Sales\", \"Never\") = (NEW, \"Sales\")\n  otherwise quarantine\n}\nmap Deal -> opportunities {\n  name = name\n  (stage, new pipelineName \"Pipeline\": text) = (pipe, stage) | P\n}",
            files: &[("deals.csv", deals)],
            has: vec![("opportunities", json!({ "name": "B", "stage": "CUSTOMER", "pipelineName": "Renewals" }))],
            never: &[],
            says: &["no record of the export has (\"Sales\", \"Never\") of P", "allow \"unused-row\""],
            never_says: &["has (\"Ren\", \"Won\")"],
            codes: MOVED,
        },
        Kind {
            name: "through a reference",
            objects: "  object Stage from \"stages.csv\" { key id; id: text; name: text }\n  object Deal from \"deals.csv\" { key id; id: text; name: text; stage: -> Stage }",
            maps: "drop object Stage : \"stages are options\"\npicklist S -> opportunities.stage {\n  \"Won\" = new WON \"Won\"\n  \"Never\" = new NEVER \"Never\"\n  otherwise quarantine\n}\nmap Deal -> opportunities {\n  name = name\n  stage = stage.name | S\n}",
            files: &[("stages.csv", "id,name\n1,Won\n2,Never\n"), ("deals.csv", "id,name,stage\n1,A,1\n")],
            has: vec![("opportunities", json!({ "name": "A", "stage": "WON" }))],
            never: &[],
            says: &["no record of the export has \"Never\" of S"],
            never_says: &[],
            codes: MOVED,
        },
        Kind {
            name: "a reference itself, and a map that takes some records",
            objects: "  object Stage from \"stages.csv\" { key id; id: text; name: text unique }\n  object Deal from \"deals.csv\" { key id; id: text; name: text; kind: text; stage: -> Stage.name }",
            maps: "drop object Stage : \"stages are options\"\nskip Deal when kind == \"x\" : \"not ours\"\npicklist S -> opportunities.stage {\n  \"Won\" = new WON \"Won\"\n  \"Never\" = new NEVER \"Never\"\n  otherwise quarantine\n}\npicklist K -> opportunities.kind {\n  \"a\" = new A \"A\"\n  \"x\" = new X \"X\"\n}\nmap Deal -> opportunities {\n  name = name\n  stage = stage | S\n  new kind \"Kind\": select K = kind | K otherwise none\n}",
            files: &[
                ("stages.csv", "id,name\n1,Won\n2,Never\n"),
                ("deals.csv", "id,name,kind,stage\n1,A,a,Won\n2,B,x,Never\n"),
            ],
            has: vec![("opportunities", json!({ "name": "A", "stage": "WON", "kind": "A" }))],
            never: &[("opportunities", "\"B\"")],
            says: &["no record of the export has \"Never\" of S", "no record of the export has \"x\" of K"],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn rows_that_stand_in_another_order_than_the_source_gives_their_values_are_told() {
    let stages = "id,pipe,name,position\n1,Sales,Won,2\n2,Sales,Start,1\n3,Ren,Start,1\n4,Ren,Won,2\n";
    let deals = "id,name,pipe,stage\n1,A,Sales,Start\n2,B,Ren,Won\n3,C,Sales,Won\n4,D,Ren,Start\n";
    let objects = "  object Stage from \"stages.csv\" { key id; id: text; pipe: text; name: text; position: integer }\n  object Deal from \"deals.csv\" { key id; id: text; name: text; pipe: text; stage: -> Stage.name }";
    let of_one = |rows: &str| {
        format!(
            "drop object Stage : \"stages are options\"\npicklist S (pipe, stage) -> opportunities (stage, pipelineName) {{\n{rows}\n  otherwise quarantine\n}}\nmap Deal -> opportunities {{\n  name = name\n  (stage, new pipelineName \"Pipeline\": text) = (pipe, stage) | S\n}}"
        )
    };
    let rows = |order: [(&str, &str); 4]| {
        order.map(|(pipe, stage)| format!("  (\"{pipe}\", \"{stage}\") = (CUSTOMER, \"{pipe}\")")).join("\n")
    };
    let right = of_one(&rows([("Sales", "Start"), ("Sales", "Won"), ("Ren", "Start"), ("Ren", "Won")]));
    let turned = of_one(&rows([("Ren", "Start"), ("Sales", "Won"), ("Sales", "Start"), ("Ren", "Won")]));
    let kind = |name, maps, says, never_says| Kind {
        name,
        objects,
        maps,
        files: &[],
        has: vec![],
        never: &[],
        says,
        never_says,
        codes: MOVED,
    };
    let files: &[(&str, &str)] = &[("stages.csv", stages), ("deals.csv", deals)];
    judged(vec![
        Kind { files, ..kind("in its order", right.as_str(), &[], &["stands before"]) },
        Kind {
            files,
            ..kind("turned", turned.as_str(), &["\"Won\" stands before \"Start\" in S, and behind it in Stage"], &[])
        },
    ]);
}

#[test]
fn a_part_that_a_function_keeps_of_a_value_is_told_where_nothing_keeps_the_rest() {
    let objects = "  object Firm from \"firms.csv\" { key id; id: text; name: text; site: text; seen: datetime; ext: text; code: text }";
    let files: &[(&str, &str)] = &[(
        "firms.csv",
        "id,name,site,seen,ext,code\n1,Acme,https://acme.example/about,2024-01-02T10:11:12Z,+1 212 555 0100 x12,AB-17\n2,Bolt,bolt.example,,,\n",
    )];
    let map = |more: &str| {
        format!(
            "map Firm -> companies {{\n  name = name\n  domainName = site | domain\n  new seen \"Seen\": date = seen | date\n  new ext \"Ext\": text = ext | extension\n  new code \"Code\": text = code | digits\n{more}}}"
        )
    };
    let (parts, whole) =
        (map(""), map("  new all \"All\": text = \"{site}, {seen | format(\"%Y-%m-%d %H:%M\")}, {ext}, {code}\"\n"));
    let parts_of = |maps: &str| {
        let outcome = Small { objects, maps, files, held: Vec::new() }.moved();
        assert_eq!(outcome.codes, MOVED, "{}", outcome.said);
        let check = outcome.project.migr(&["check"]);
        let plan = outcome.project.migr(&["plan", "--to", "staging", "--format", "json"]).json();
        (outcome, check.stdout + &check.stderr, plan)
    };
    let told = [
        "the day of `seen` is taken, without its time",
        "the extension of `ext` is taken",
        "the digits of `code` are taken",
    ];
    let (outcome, check, plan) = parts_of(&parts);
    outcome.has("companies", &json!({ "name": "Acme", "seen": "2024-01-02", "ext": "12", "code": "17" }));
    outcome.says(&["firms.csv:2 1: site: the address holds more than its site"]);
    assert!(!outcome.said.contains("firms.csv:3"), "{}", outcome.said);
    for text in told {
        assert!(check.contains(text), "{text} in {check}");
        let reasons = plan["degradations"].as_array().unwrap().iter();
        let counted = reasons.filter(|one| one["reason"].as_str().unwrap().starts_with(text));
        assert_eq!(counted.map(|one| &one["records"]).collect::<Vec<_>>(), [1], "{text} in {plan}");
    }
    let (_, check, plan) = parts_of(&whole);
    assert!(check.contains("no problems"), "{check}");
    assert_eq!(plan["degradations"], json!([]));
}

#[test]
fn name_domain_industry_employees_and_address_of_a_company_are_mapped_directly() {
    judged(vec![Kind {
        name: "a company",
        objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; site: text; industry: text; staff: integer; street: text; zip: text; town: text; land: text }",
        maps: "picklist Industry -> companies.industry ignore case {\n  \"Retail\" = new RETAIL \"Retail\"\n  \"Health care\" = new HEALTH \"Health care\"\n  otherwise quarantine\n}\nmap Firm -> companies {\n  name = name\n  domainName = site | domain\n  new industry \"Industry\": select Industry = industry | Industry\n  new employees \"Employees\": integer = staff\n  address = { addressStreet1: street, addressPostcode: zip, addressCity: town, addressCountry: land }\n}",
        files: &[(
            "firms.csv",
            "id,name,site,industry,staff,street,zip,town,land\n1,Acme,HTTPS://www.Acme.example/,health care,\"1,204\",1 Main St,02108,Boston,US\n2,Bolt,,Mining,3,,,,\n",
        )],
        has: vec![(
            "companies",
            json!({
                "name": "Acme", "domainName": { "primaryLinkUrl": "https://acme.example" }, "industry": "HEALTH", "employees": 1204,
                "address": { "addressStreet1": "1 Main St", "addressPostcode": "02108", "addressCity": "Boston", "addressCountry": "US" }
            }),
        )],
        never: &[("companies", "Bolt")],
        says: &["\"Mining\" is in no row of Industry"],
        never_says: &[],
        codes: QUARANTINED,
    }]);
}

#[test]
fn a_day_that_cannot_be_read_never_decides_which_record_is_newer() {
    let objects = "  object Contact from \"contacts.csv\" { key id; id: text; name: text; email: email; upd: date format \"%m/%d/%Y\" }";
    let files: &[(&str, &str)] = &[(
        "contacts.csv",
        "id,name,email,upd\n1,Old,a@x.example,9/30/2023\n2,Broken,a@x.example,13/40/2024\n3,Blank,b@x.example,\n4,Dated,b@x.example,1/1/2020\n",
    )];
    let map = |policy: &str| {
        format!(
            "map Contact -> people {{\n  match emails.primaryEmail\n  on duplicate {policy}\n  name = {{ lastName: name }}\n  emails = {{ primaryEmail: email }}\n}}"
        )
    };
    let (merge, keep) = (map("merge newest upd"), map("keep oldest upd"));
    let kind = |name, maps| Kind {
        name,
        objects,
        maps,
        files,
        has: vec![
            person("Old", &json!({ "emails": { "primaryEmail": "a@x.example" } })),
            person("Dated", &json!({ "emails": { "primaryEmail": "b@x.example" } })),
        ],
        never: &[("people", "Broken")],
        says: &["contacts.csv:3 2: upd: \"13/40/2024\" is not a date of the form %m/%d/%Y"],
        never_says: &[],
        codes: QUARANTINED,
    };
    judged(vec![kind("merge", merge.as_str()), kind("keep", keep.as_str())]);
}

#[test]
fn an_object_is_called_one_to_one_only_where_no_value_of_it_is_lost() {
    let objects = "  object Contact from \"contacts.csv\" { key id; id: text; name: text; email: email; size: text }";
    let map = |table: &str, policy: &str, size: &str| {
        format!(
            "{table}map Contact -> people {{\n{policy}  name = {{ lastName: name }}\n  emails = {{ primaryEmail: email }}\n  {size}\n}}"
        )
    };
    let table = |otherwise: &str| {
        format!("picklist Size -> people.size {{\n  \"big\" = new BIG \"Big\"\n  otherwise {otherwise}\n}}\n")
    };
    let (select, number) =
        ("new size \"Size\": select Size = size | Size", "new size \"Size\": integer = size | integer otherwise none");
    let alone = "id,name,email,size\n1,A,a@x.example,big\n";
    for (maps, file, exact) in [
        (map(&table("quarantine"), "", select), alone, 1),
        (map(&table("create"), "", select), "id,name,email,size\n1,A,a@x.example,A+\n2,B,b@x.example,A-\n", 1),
        (map(&table("none"), "", select), alone, 0),
        (map(&table("BIG"), "", select), alone, 0),
        (map("", "", number), "id,name,email,size\n1,A,a@x.example,7\n", 1),
        (map("", "", number), "id,name,email,size\n1,A,a@x.example,many\n", 0),
        (
            map("", "  match emails.primaryEmail\n  on duplicate keep first\n", "jobTitle = size"),
            "id,name,email,size\n1,A,a@x.example,b\n2,B,a@x.example,b\n",
            0,
        ),
    ] {
        let outcome = Small { objects, maps: &maps, files: &[("contacts.csv", file)], held: Vec::new() }.moved();
        let plan = outcome.stand_in.migr(&outcome.project, &["plan"]).exits(0).stdout;
        assert!(plan.contains(&format!("every other: {exact} of 1 objects")), "{maps}\n{plan}");
        let report = outcome.stand_in.migr(&outcome.project, &["report", "--format", "json"]).exits(0).json();
        assert_eq!(report["compatibility"]["objects"], json!({ "exact": exact, "all": 1 }), "{maps}");
    }
}

#[test]
fn each_element_of_a_list_is_read_as_what_the_column_says() {
    let objects = "  object Contact from \"contacts.csv\" {\n    key id\n    id: text\n    name: text\n    numbers: list(phone) split \";\"\n    days: list(date) split \";\" format \"%d.%m.%Y\"\n    scores: list(integer) split \",\"\n  }";
    let maps = "map Contact -> people {\n  name = { lastName: name }\n  phones = { primaryPhoneNumber: numbers | first | phone, additionalPhones: numbers | rest } on empty keep\n  new seen \"Seen\": date = days | first\n  new last \"Last\": date = days | nth(1)\n  new score \"Score\": integer = scores | nth(1)\n}";
    let kind = |name: &'static str, file: &'static [(&'static str, &'static str)]| Kind {
        name,
        objects,
        maps,
        files: file,
        has: Vec::new(),
        never: &[],
        says: &[],
        never_says: &[],
        codes: QUARANTINED,
    };
    judged(vec![
        Kind {
            has: vec![person(
                "A",
                &json!({
                    "phones": { "primaryPhoneNumber": "89123456", "additionalPhones": [{ "number": "30999888", "callingCode": "+49", "countryCode": "DE" }] },
                    "seen": "2020-01-02", "last": "2020-02-03", "score": 12
                }),
            )],
            codes: MOVED,
            ..kind(
                "well written",
                &[(
                    "contacts.csv",
                    "id,name,numbers,days,scores\n1,A,+49 89 123456;+49 30 999888,02.01.2020;03.02.2020,\"1,12\"\n",
                )],
            )
        },
        Kind {
            says: &["not a date", "contacts.csv:2"],
            ..kind(
                "a day that is none",
                &[("contacts.csv", "id,name,numbers,days,scores\n1,B,+49 89 123456,02.01.2020;99.02.2020,\n")],
            )
        },
        Kind {
            says: &["contacts.csv:2"],
            ..kind("a number that is none", &[("contacts.csv", "id,name,numbers,days,scores\n1,C,,,\"1,99 pts\"\n")])
        },
        Kind {
            says: &["99 Fax", "contacts.csv:2"],
            ..kind(
                "a phone that is none",
                &[("contacts.csv", "id,name,numbers,days,scores\n1,D,+49 89 123456;99 Fax,,\n")],
            )
        },
    ]);
}

#[test]
fn an_option_that_setup_could_not_make_of_a_value_is_foreseen_by_the_audit() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text; level: text }",
        maps: "picklist Level -> people.level { otherwise create }\nmap Person -> people {\n  name = { lastName: name }\n  new level \"Level\": select Level = level | Level\n}",
        files: &[("people.csv", "id,name,level\n1,Ann,\"high, and rising\"\n2,Bob,low\n")],
        held: Vec::new(),
    };
    let outcome = small.moved();
    assert_eq!(outcome.codes[..3], [1, 4, 4], "{}", outcome.said);
    outcome.says(&["people.csv: level: setup cannot make an option of \"high, and rising\": the label \"high, and rising\" of option"]);
    assert!(outcome.stand_in.records("people").iter().all(|one| one["name"]["lastName"] != "Bob"), "nothing is begun");
}

#[test]
fn columns_and_files_that_nobody_declares_stand_in_plan_run_and_report_with_or_without_an_audit() {
    let small = Small {
        objects: "  object Person from \"people.csv\" { key id; id: text; name: text }",
        maps: "map Person -> people { name = { lastName: name } }",
        files: &[("people.csv", "id,name,Fax No\n1,Ann,030\n2,Bob,\n"), ("calls.csv", "id\n1\n")],
        held: Vec::new(),
    };
    let (project, stand_in) = (small.project(), StandIn::new());
    let ran = stand_in.migr(&project, &["run", "--no-approval"]).exits(0);
    let report = |form: &str| stand_in.migr(&project, &["report", "--format", form]).exits(0).stdout;
    let before = [ran.stdout + &ran.stderr, report("markdown"), report("html"), report("json")];
    stand_in.migr(&project, &["audit"]).exits(1);
    let plan = |form: &str| project.migr(&["plan", "--to", "staging", "--format", form]).exits(0).stdout;
    let after = [plan("human"), plan("markdown"), plan("json"), report("markdown")];
    for (at, text) in before.iter().chain(&after).enumerate() {
        assert!(text.contains("Fax No") && text.contains("calls.csv"), "{at}: {text}");
    }
}
