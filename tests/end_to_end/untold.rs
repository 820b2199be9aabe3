//! Values that would go, or stay out, without a word: each is refused, or told with its line.

use serde_json::json;

use crate::kinds::{Kind, MOVED, QUARANTINED, judged, person};
use crate::small::Small;

#[test]
fn an_owner_who_is_no_member_is_told_however_the_export_names_them() {
    let deals = |owner: &str| {
        format!(
            "  object User from \"users.csv\" {{ key id; id: text; email: email; name: text }}\n  object Deal from \"deals.csv\" {{ key id; id: text; n: text; owner: -> {owner} }}"
        )
    };
    let maps = |fallback: &str| {
        format!(
            "owners {{\n  match User.email = workspaceMembers.userEmail\n  fallback {fallback}\n}}\n\nmap Deal -> opportunities {{\n  name = n\n  stage = NEW\n  owner = owner on missing none\n}}"
        )
    };
    let (none, taken) = (maps("none"), maps("\"front.desk@clinic.example\""));
    let (by_key, by_name, by_email) = (deals("User"), deals("User.name ignore case"), deals("User.email"));
    let kind = |name, objects, maps, deals: &'static [(&'static str, &'static str)], says| Kind {
        name,
        objects,
        maps,
        files: deals,
        has: Vec::new(),
        never: &[],
        says,
        never_says: &["u3", "jane.smith@clinic.example\" owns"],
        codes: MOVED,
    };
    judged(vec![
        kind(
            "by a key",
            &by_key,
            &none,
            &[
                (
                    "users.csv",
                    "id,email,name\nu1,Nobody@x.example,Nobody\nU2,,No Address\nu3,jane.smith@clinic.example,Jane Smith\n",
                ),
                ("deals.csv", "id,n,owner\n1,A,u1\n2,B,u1\n3,C,U2\n4,D,u3\n"),
            ],
            &[
                "\"nobody@x.example\" owns 2 records and is no member of the destination; their records have no owner",
                "\"u2\" owns 1 record and has no address by which a member is found",
            ],
        ),
        kind(
            "by a name, with one who takes over",
            &by_name,
            &taken,
            &[
                (
                    "users.csv",
                    "id,email,name\nu1,Nobody@x.example,Nobody\nU2,,No Address\nu3,jane.smith@clinic.example,Jane Smith\n",
                ),
                ("deals.csv", "id,n,owner\n1,A,nobody\n3,C,No Address\n4,D,jane smith\n"),
            ],
            &[
                "\"nobody@x.example\" owns 1 record and is no member of the destination; front.desk@clinic.example takes over",
                "\"no address\" owns 1 record and has no address by which a member is found",
            ],
        ),
        kind(
            "by an address in capitals",
            &by_email,
            &none,
            &[
                ("users.csv", "id,email,name\nu1,Nobody@x.example,Nobody\nu3,jane.smith@clinic.example,Jane Smith\n"),
                ("deals.csv", "id,n,owner\n1,A,Nobody@x.example\n4,D,jane.smith@clinic.example\n"),
            ],
            &["\"nobody@x.example\" owns 1 record and is no member of the destination"],
        ),
    ]);
}

#[test]
fn what_stands_on_one_side_of_an_operator_never_goes_because_nothing_stands_on_the_other() {
    let objects =
        "  object Contact from \"contacts.csv\" { key id; id: text; first: text; last: text; n: integer; m: integer }";
    let files: &[(&str, &str)] =
        &[("contacts.csv", "id,first,last,n,m\n1,Ann,Lee,1,2\n2,,Ray,1,2\n3,Cy,,1,2\n4,Di,Elm,5,\n5,,,,\n")];
    judged(vec![
        Kind {
            name: "refused",
            objects,
            maps: "map Contact -> people {\n  name = { lastName: first + \" \" + last }\n  new sum \"Sum\": integer = n + m\n}",
            files,
            has: vec![person("Ann Lee", &json!({ "sum": 3 }))],
            never: &[("people", "Ray"), ("people", "Cy"), ("people", "Elm")],
            says: &[
                "contacts.csv:3",
                "contacts.csv:4",
                "contacts.csv:5",
                "nothing stands behind what is added; `??` says what then",
            ],
            never_says: &[],
            codes: QUARANTINED,
        },
        Kind {
            name: "said what then",
            objects,
            maps: "map Contact -> people {\n  name = { lastName: first + \" \" + last ?? first ?? last }\n  new sum \"Sum\": integer = n + m ?? n\n}",
            files,
            has: vec![
                person("Ann Lee", &json!({ "sum": 3 })),
                person("Ray", &json!({ "sum": 3 })),
                person("Cy", &json!({ "sum": 3 })),
                person("Di Elm", &json!({ "sum": 5 })),
            ],
            never: &[],
            says: &[],
            never_says: &["nothing stands"],
            codes: MOVED,
        },
    ]);
}

#[test]
fn marks_of_a_spreadsheet_and_words_for_nothing_are_told() {
    judged(vec![Kind {
        name: "texts",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; zip: text; t: text; big: integer; at: datetime format \"milliseconds\" }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  jobTitle = t\n  new zip \"Zip\": text = zip\n  new big \"Big\": integer = big\n  new at \"At\": datetime = at\n}",
        files: &[(
            "contacts.csv",
            "id,n,zip,t,big,at\n1,A,\"=\"\"007\"\"\",NULL,1.23457E+10,1.40944E+12\n2,B,'0123, \"y z\",5,\n3,C,02134,\\N,6,\n4,D,5,'tis so,7,\n",
        )],
        has: vec![person("A", &json!({ "zip": "=\"007\"", "jobTitle": "NULL" }))],
        never: &[],
        says: &[
            "2 cells of `zip` look like",
            "1 cell of `t` looks like",
            "the marks around it are a spreadsheet's",
            "2 cells such as \"NULL\" count as text",
            "1 cell of `big` looks like \"1.23457E+10\": a spreadsheet has shortened them",
            "1 cell of `at` looks like \"1.40944E+12\": a spreadsheet has shortened them",
        ],
        never_says: &[],
        codes: MOVED,
    }]);
}

#[test]
fn times_since_1970_in_another_unit_are_told() {
    judged(vec![Kind {
        name: "seconds read as milliseconds, and days as seconds",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; a: datetime format \"milliseconds\"; b: datetime format \"seconds\" }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  new a \"A\": datetime = a\n  new b \"B\": datetime = b\n}",
        files: &[("contacts.csv", "id,n,a,b\n1,A,1409443200,20240301\n2,B,1409443200000,1409443200\n3,C,0,0\n")],
        has: vec![person("B", &json!({ "a": "2014-08-31T00:00:00.000Z", "b": "2014-08-31T00:00:00.000Z" }))],
        never: &[],
        says: &[
            "1 cell of `a` looks like \"1409443200\", which is a day of 1970 by `milliseconds`",
            "1 cell of `b` looks like \"20240301\", which is a day of 1970 by `seconds`",
        ],
        never_says: &[],
        codes: MOVED,
    }]);
}

#[test]
fn noughts_of_a_text_that_a_number_alone_is_made_of_are_told() {
    judged(vec![Kind {
        name: "a text as a number, and as both",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; zip: text; both: text }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  new zip \"Zip\": integer = zip | integer\n  new both \"Both\": integer = both | integer\n  new text \"Text\": text = both\n}",
        files: &[("contacts.csv", "id,n,zip,both\n1,A,02134,02134\n")],
        has: vec![person("A", &json!({ "zip": 2134, "both": 2134, "text": "02134" }))],
        never: &[],
        says: &["1 cell of `zip` looks like \"02134\": a number does not keep the noughts before it"],
        never_says: &["cell of `both`"],
        codes: MOVED,
    }]);
}

#[test]
fn a_record_that_must_be_there_and_is_not_goes_by_the_word_for_what_is_missing() {
    let maps = |word: &str| {
        format!(
            "map Contact -> people {{\n  name = {{ lastName: n }}\n  company = existing companies(name: \"Nowhere\"){word}\n}}"
        )
    };
    let (quarantined, none, skipped) = (maps(""), maps(" on missing none"), maps(" on missing skip"));
    let kind = |name, maps, says, codes| Kind {
        name,
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text }",
        maps,
        files: &[("contacts.csv", "id,n\n1,Ann\n")],
        has: Vec::new(),
        never: &[],
        says,
        never_says: &[],
        codes,
    };
    judged(vec![
        kind(
            "quarantine",
            &quarantined,
            &["error[missing-existing]", "the destination has no companies(name: \"Nowhere\")"],
            QUARANTINED,
        ),
        Kind {
            has: vec![person("Ann", &json!({ "companyId": null }))],
            ..kind(
                "none",
                &none,
                &["warning[missing-existing]", "is the name of no record of companies in the destination; left empty"],
                MOVED,
            )
        },
        Kind { never: &[("people", "Ann")], ..kind("skip", &skipped, &["warning[missing-existing]", "skip 1"], MOVED) },
    ]);
}

#[test]
fn rows_of_nothing_and_lines_of_totals_are_told() {
    judged(vec![Kind {
        name: "rows of nothing",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; t: text }",
        maps: "skip Contact when id == \"9\" : \"left out\"\n\nmap Contact -> people {\n  name = { lastName: n }\n  jobTitle = t\n}",
        files: &[("contacts.csv", "id,n,t\n1,Ann,\n2,,\n9,,\nTotal: 2,, \n")],
        has: vec![person("Ann", &json!({}))],
        never: &[],
        says: &[
            "warning[empty-record]",
            "contacts.csv:3 2: every column but its key is empty",
            "contacts.csv:5 Total: 2: every column but its key is empty",
        ],
        never_says: &["contacts.csv:2 1", "contacts.csv:4"],
        codes: MOVED,
    }]);
}

#[test]
fn a_name_that_two_countries_bear_is_none_of_them() {
    judged(vec![Kind {
        name: "countries",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; c: text }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  new c \"C\": text = c | country_code\n}",
        files: &[("contacts.csv", "id,n,c\n1,A,Congo\n2,B,South Korea\n3,C,Korea\n4,D,DR Congo\n")],
        has: vec![person("B", &json!({ "c": "KR" })), person("D", &json!({ "c": "CD" }))],
        never: &[("people", "\"A\""), ("people", "\"C\"")],
        says: &["contacts.csv:2 1: c: \"Congo\" is the name of several countries: CD or CG", "KP or KR"],
        never_says: &[],
        codes: QUARANTINED,
    }]);
}

#[test]
fn the_name_of_a_file_that_is_not_there_is_told() {
    judged(vec![Kind {
        name: "attachments",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text }\n  object Scan from \"scans.csv\" { key id; id: text; who: -> Contact; path: file; called: text }",
        maps: "map Contact -> people { name = { lastName: n } }\n\nmap Scan -> attachments {\n  target = who\n  file = path as called\n}",
        files: &[("contacts.csv", "id,n\n1,A\n"), ("scans.csv", "id,who,path,called\n1,1,,x.txt\n2,1,,\n")],
        has: Vec::new(),
        never: &[],
        says: &["scans.csv:2 1: called: \"x.txt\" is the name of a file, and `path` names none"],
        never_says: &["scans.csv:3"],
        codes: MOVED,
    }]);
}

#[test]
fn values_that_stay_although_the_export_has_others_are_lines_of_the_preview() {
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; first: text; n: text; e: email; t: text; secret: text sensitive }",
        maps: "map Contact -> people {\n  match emails.primaryEmail\n  on existing fill\n  name = { firstName: first, lastName: n }\n  emails = { primaryEmail: e }\n  jobTitle = t\n  new card \"Card\": text sensitive = secret\n}",
        files: &[(
            "contacts.csv",
            "id,first,n,e,t,secret\n1,Ada,Hill,a@x.example,Nurse,123\n2,,Ray,b@x.example,,\n3,Cy,Fox,c@x.example,CFO,\n",
        )],
        held: vec![
            (
                "people",
                json!({ "name": { "firstName": "Adah", "lastName": "Hill" }, "emails": { "primaryEmail": "a@x.example" }, "jobTitle": "Doctor" }),
            ),
            (
                "people",
                json!({ "name": { "lastName": "Fox" }, "emails": { "primaryEmail": "c@x.example" }, "jobTitle": "CEO" }),
            ),
        ],
    };
    let outcome = small.moved();
    assert_eq!(outcome.codes, MOVED, "{}", outcome.said);
    outcome.says(&[
        "holds another value, which stays, jobTitle \"Doctor\"; \"Nurse\" of the export is not written",
        "holds another value, which stays, name.firstName \"Adah\"; \"Ada\" of the export is not written",
        "holds another value, which stays, jobTitle \"CEO\"; \"CFO\" of the export is not written",
    ]);
    assert!(!outcome.said.contains("holds all of it already"), "{}", outcome.said);
}

#[test]
fn a_text_that_is_longer_than_a_part_holds_and_a_record_beside_a_part_of_its_field() {
    judged(vec![Kind {
        name: "`max` of a part",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; first: text; n: text; e: email; more: list(email) split \";\" }",
        maps: "extend system twenty {\n  override composite name { firstName: text max 5; lastName: text }\n}\n\nmap Contact -> people {\n  name = { lastName: n }\n  name.firstName = first\n  emails.additionalEmails = more\n  emails = { primaryEmail: e } otherwise none\n}",
        files: &[(
            "contacts.csv",
            "id,first,n,e,more\n1,Édith,A,a@x.example,b@x.example\n2,Johann,B,,\n3,Cy,C,no address,c@x.example\n",
        )],
        has: vec![
            person(
                "A",
                &json!({ "name": { "firstName": "Édith", "lastName": "A" }, "emails": { "primaryEmail": "a@x.example", "additionalEmails": ["b@x.example"] } }),
            ),
            person("C", &json!({ "emails": { "primaryEmail": "", "additionalEmails": ["c@x.example"] } })),
        ],
        never: &[("people", "Johann")],
        says: &["contacts.csv:3 2: name.firstName: \"Johann\" has 6 characters, of which the destination holds 5"],
        never_says: &[],
        codes: QUARANTINED,
    }]);
}
