//! Values that another reading would change: each stands as it is written, or is refused or told with its line.

use serde_json::json;

use crate::kinds::{Kind, MOVED, QUARANTINED, judged, person};
use crate::small::Small;

#[test]
fn numbers_and_truths_that_become_texts_stand_as_they_are_written() {
    judged(vec![
        Kind {
            name: "columns of numbers and truths into texts, holes and lists",
            objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; i: integer; d: decimal; b: boolean; l: list(integer) split \";\"; z: integer }",
            maps: "map Contact -> people {\n  name = { lastName: n }\n  new i \"I\": text = i\n  new d \"D\": text = d\n  new b \"B\": text = b\n  new all \"All\": text = \"{i}/{d}/{b}\"\n  new l \"L\": text = l | join(\", \")\n  new m \"M\": list(text) = l\n  new z \"Z\": integer = z\n}",
            files: &[(
                "contacts.csv",
                "id,n,i,d,b,l,z\n1,A,007,1.10,Yes,01;2,7\n2,B,\"1,234\",\"1,000.00\",N,3,12\n3,C,x,1,No,1,2\n",
            )],
            has: vec![
                person(
                    "A",
                    &json!({ "i": "007", "d": "1.10", "b": "Yes", "all": "007/1.10/Yes", "l": "01, 2", "m": ["01", "2"], "z": 7 }),
                ),
                person("B", &json!({ "i": "1,234", "d": "1,000.00", "b": "N", "all": "1,234/1,000.00/N", "z": 12 })),
            ],
            never: &[("people", "\"C\"")],
            says: &["contacts.csv:4 3: i: \"x\" is not a whole number"],
            never_says: &["noughts"],
            codes: QUARANTINED,
        },
        Kind {
            name: "a column of a referred record, and noughts that a number does not keep",
            objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text; zip: integer }\n  object Contact from \"contacts.csv\" { key id; id: text; n: text; firm: -> Firm }",
            maps: "map Firm -> companies {\n  name = name\n  new zip \"Zip\": integer = zip\n}\n\nmap Contact -> people {\n  name = { lastName: n }\n  company = firm\n  new zip \"Zip\": text = firm.zip\n}",
            files: &[("firms.csv", "id,name,zip\nF1,Acme,02134\n"), ("contacts.csv", "id,n,firm\n1,A,F1\n")],
            has: vec![person("A", &json!({ "zip": "02134" })), ("companies", json!({ "name": "Acme", "zip": 2134 }))],
            never: &[],
            says: &[
                "firms.csv:2: zip: 1 cell of `zip` looks like \"02134\": a number does not keep the noughts before it",
            ],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn times_that_a_day_or_a_clock_would_lose_are_refused_or_told() {
    judged(vec![
        Kind {
            name: "a time of the day in a column of days",
            objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; day: date; us: text }",
            maps: "map Contact -> people {\n  name = { lastName: n }\n  new day \"Day\": date = day\n  new us \"Us\": date = us | date(\"%m/%d/%Y %H:%M\") otherwise none\n}",
            files: &[(
                "contacts.csv",
                "id,n,day,us\n1,A,2024-03-01 00:00:00,03/01/2024 00:00\n2,B,2024-03-01 17:30:00,\n3,C,,03/01/2024 17:30\n",
            )],
            has: vec![
                person("A", &json!({ "day": "2024-03-01", "us": "2024-03-01" })),
                person("C", &json!({ "us": null })),
            ],
            never: &[("people", "\"B\"")],
            says: &[
                "contacts.csv:3 2: day: \"2024-03-01 17:30:00\" has a time of the day, and a day was expected",
                "contacts.csv:4 3: us: \"03/01/2024 17:30\" has a time of the day",
            ],
            never_says: &[],
            codes: QUARANTINED,
        },
        Kind {
            name: "a leap second, and parts of a second",
            objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; at: datetime; by: datetime format \"%Y-%m-%d %H:%M:%S\" }",
            maps: "map Contact -> people {\n  name = { lastName: n }\n  new at \"At\": datetime = at\n  new by \"By\": datetime = by otherwise none\n}",
            files: &[(
                "contacts.csv",
                "id,n,at,by\n1,A,2024-06-01T12:00:00.123456Z,\n2,B,2016-12-31T23:59:60Z,\n3,C,2024-06-01T12:00:00.123000Z,2016-12-31 23:59:60\n",
            )],
            has: vec![person("A", &json!({ "at": "2024-06-01T12:00:00.123Z" })), person("C", &json!({ "by": null }))],
            never: &[("people", "\"B\"")],
            says: &[
                "contacts.csv:3 2: at: \"2016-12-31T23:59:60Z\" is a leap second",
                "contacts.csv:4 3: by: \"2016-12-31 23:59:60\" is a leap second",
                "1 cell of `at` looks like \"2024-06-01T12:00:00.123456Z\": of a second no more than thousandths are kept",
            ],
            never_says: &["2 cells of `at`"],
            codes: QUARANTINED,
        },
    ]);
}

#[test]
fn json_whose_names_or_digits_would_go_is_refused_and_an_address_without_a_scheme_is_whole() {
    judged(vec![
        Kind {
            name: "JSON that names a value twice, and numbers of too many digits",
            objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; j: json }",
            maps: "map Contact -> people {\n  name = { lastName: n }\n  new j \"J\": json = j otherwise none\n}",
            files: &[(
                "contacts.csv",
                "id,n,j\n1,A,\"{\"\"a\"\":1,\"\"a\"\":2}\"\n2,B,[12345678901234567890]\n3,C,\"{\"\"a\"\": [1.50, \"\"a\"\"]}\"\n",
            )],
            has: vec![
                person("A", &json!({ "j": null })),
                person("B", &json!({ "j": null })),
                person("C", &json!({ "j": { "a": [1.5, "a"] } })),
            ],
            never: &[],
            says: &["contacts.csv:2 1: j: \"{\"a\":1,\"a\":2}\" names `a` twice", "of which not all digits are kept"],
            never_says: &["contacts.csv:4"],
            codes: MOVED,
        },
        Kind {
            name: "an address that begins with its host",
            objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; site: url }",
            maps: "map Contact -> people {\n  name = { lastName: n }\n  linkedinLink = { primaryLinkUrl: site }\n}",
            files: &[("contacts.csv", "id,n,site\n1,A,//x.example/a\n")],
            has: vec![person("A", &json!({ "linkedinLink": { "primaryLinkUrl": "https://x.example/a" } }))],
            never: &[],
            says: &[],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn a_text_that_is_longer_than_the_destination_holds_is_foreseen_and_never_written() {
    judged(vec![Kind {
        name: "`max` of a field of the destination",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; t: text }",
        maps: "extend system twenty { object people { override jobTitle: text max 10 } }\n\nmap Contact -> people {\n  name = { lastName: n }\n  jobTitle = t\n}",
        files: &[("contacts.csv", "id,n,t\n1,A,éééééééééé\n2,B,elf Zeichen\n")],
        has: vec![person("A", &json!({ "jobTitle": "éééééééééé" }))],
        never: &[("people", "Zeichen")],
        says: &["contacts.csv:3 2: t: \"elf Zeichen\" has 11 characters, of which the destination holds 10"],
        never_says: &[],
        codes: QUARANTINED,
    }]);
}

#[test]
fn what_a_key_misses_by_its_form_is_told_and_a_name_of_two_is_none() {
    judged(vec![
        Kind {
            name: "keys in other forms",
            objects: "  object Firm from \"firms.csv\" { key id; id: text; name: text }\n  object Contact from \"contacts.csv\" { key id; id: text; n: text; firm: -> Firm }",
            maps: "map Firm -> companies { name = name }\n\nmap Contact -> people {\n  name = { lastName: n }\n  company = firm on missing none\n}",
            files: &[
                ("firms.csv", "id,name\n13,Acme\n001A0000012345A,Bolt\nMüller,Cole\n"),
                (
                    "contacts.csv",
                    "id,n,firm\n1,A,13.0\n2,B,0013\n3,C,001A0000012345AAAQ\n4,D,Mu\u{308}ller\n5,E,nowhere\n6,F,13\n",
                ),
            ],
            has: vec![person("A", &json!({ "companyId": null })), person("E", &json!({ "companyId": null }))],
            never: &[],
            says: &[
                "contacts.csv:2 1: firm: \"13.0\" is the key of no Firm; \"13\" is one, without `.0` at its end",
                "contacts.csv:3 2: firm: \"0013\" is the key of no Firm; \"13\" is one, without noughts before it",
                "\"001A0000012345A\" is one, by its first 15 signs",
                "is one, with its accents written in one sign",
            ],
            never_says: &["contacts.csv:7"],
            codes: MOVED,
        },
        Kind {
            name: "an owner whom two users are called like",
            objects: "  object User from \"users.csv\" { key email; email: email; name: text }\n  object Deal from \"deals.csv\" { key id; id: text; n: text; owner: -> User.name; boss: -> User.name }",
            maps: "owners {\n  match User.email = workspaceMembers.userEmail\n  fallback none\n}\n\nmap Deal -> opportunities {\n  name = n\n  owner = owner on missing none\n  new boss \"Boss\": text = boss.email on missing none\n}",
            files: &[
                ("users.csv", "email,name\na@x.example,Jane\nb@x.example,Jane\n"),
                ("deals.csv", "id,n,owner,boss\n1,One,Jane,Jane\n2,Two,,\n"),
            ],
            has: vec![("opportunities", json!({ "name": "One", "ownerId": null, "boss": null }))],
            never: &[],
            says: &["ambiguous-reference", "and none is meant for sure; left empty"],
            never_says: &[],
            codes: MOVED,
        },
    ]);
}

#[test]
fn the_other_way_of_a_choice_between_links_is_counted_and_so_is_what_a_pattern_leaves() {
    let objects = "  object A from \"a.csv\" { key id; id: text; n: text }\n  object B from \"b.csv\" { key id; id: text; n: text }\n  object Note from \"notes.csv\" { key id; id: text; t: text; x: -> A; y: -> B }";
    let maps = "map A -> people { name = { lastName: n } }\n\nmap B -> companies { name = n }\n\nmap Note -> notes {\n  title = t | capture(\"#([0-9]{2,4})\")\n  targets = x ?? y on missing none\n}";
    let files: &[(&str, &str)] = &[
        ("a.csv", "id,n\n1,P\n"),
        ("b.csv", "id,n\n1,F\n"),
        ("notes.csv", "id,t,x,y\n1,see #4711 here,1,1\n2,#12,1,\n3,,,1\n"),
    ];
    let outcome = Small { objects, maps, files, held: Vec::new() }.moved();
    assert_eq!(outcome.codes, MOVED, "{}", outcome.said);
    outcome.has("notes", &json!({ "title": "4711" }));
    let check = outcome.project.migr(&["check"]);
    let said = check.stdout + &check.stderr;
    assert!(said.contains("what a pattern finds in `t` is taken"), "{said}");
    let plan = outcome.project.migr(&["plan", "--to", "staging", "--format", "json"]).json();
    let records = |what: &str| {
        let all = plan["degradations"].as_array().unwrap().iter();
        all.filter(|one| one["what"] == what).map(|one| one["records"].clone()).collect::<Vec<_>>()
    };
    // One key is that of two records, and of the first note the company stays behind.
    assert_eq!(records("notes.targets"), [json!(1)], "{plan}");
    assert!(records("notes.title").contains(&json!(2)), "{plan}");
}

#[test]
fn letters_that_an_encoding_broke_are_told() {
    judged(vec![Kind {
        name: "UTF-8 that was read as Windows-1252, and signs that could not be read",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; t: text }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  jobTitle = t\n}",
        files: &[("contacts.csv", "id,n,t\n1,MÃ¼ller,Müller\n2,x\u{fffd}y,SÃO PAULO\n")],
        has: vec![person("MÃ¼ller", &json!({ "jobTitle": "Müller" }))],
        never: &[],
        says: &["contacts.csv:2: n: 2 cells of `n` look like \"MÃ¼ller\": letters in it were read in another encoding"],
        never_says: &["cells of `t`", "cell of `t`"],
        codes: MOVED,
    }]);
}
