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
        files: &[("contacts.csv", "id,n,t\n1,Ann,\n2,,\n9,,\nTotal: 2,, \nGrand Total,2,\n")],
        has: vec![person("Ann", &json!({}))],
        never: &[],
        says: &[
            "warning[empty-record]",
            "contacts.csv:3 2: every column but its key is empty",
            "contacts.csv:5 Total: 2: every column but its key is empty",
            "contacts.csv:6 Grand Total: its key reads like that of a line of totals",
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

#[test]
fn the_values_that_go_where_one_record_is_kept_of_several_are_named() {
    let objects = "  object Contact from \"contacts.csv\" { key id; id: text; n: text; e: email; t: text; tags: list(text) split \";\"; at: date; pin: text sensitive }";
    let map = |matched: &str| {
        format!(
            "map Contact -> people {{\n{matched}  on duplicate keep newest at\n  name = {{ lastName: n }}\n  emails = {{ primaryEmail: e }}\n  jobTitle = t\n  new tags \"Tags\": list(text) = tags\n  new pin \"Pin\": text sensitive = pin\n  drop at : \"only for the order\"\n}}"
        )
    };
    let (by_email, by_key) = (map("  match emails.primaryEmail\n"), map(""));
    let kind = |name, maps, files, says| Kind {
        name,
        objects,
        maps,
        files,
        has: vec![person("Hill", &json!({ "jobTitle": "", "tags": ["a"] }))],
        never: &[("people", "Nurse"), ("people", "Hull"), ("people", "\"b\"")],
        says,
        never_says: &["\"77\"", "emails.primaryEmail \"A@x.example\""],
        codes: MOVED,
    };
    judged(vec![
        kind(
            "by an address",
            &by_email,
            &[(
                "contacts.csv",
                "id,n,e,t,tags,at,pin\n1,Hull,A@x.example,Nurse,a;b,2024-01-01,77\n2,Hill,a@x.example,,a,2024-02-01,\n",
            )],
            &[
                "contacts.csv:2 1: gives way to 2, and is not written: name.lastName \"Hull\" (\"Hill\" counts)",
                "jobTitle \"Nurse\" (\"\" counts)",
                "tags \"b\" (\"\" counts)",
                "pin \"***\" (\"\" counts)",
            ],
        ),
        kind(
            "by a key",
            &by_key,
            &[(
                "contacts.csv",
                "id,n,e,t,tags,at,pin\n1,Hull,a@x.example,Nurse,a;b,2024-01-01,77\n1,Hill,a@x.example,,a,2024-02-01,\n1,Hill,a@x.example,,a,2024-02-01,\n",
            )],
            &[
                "gives way to 1, and is not written: name.lastName \"Hull\" (\"Hill\" counts)",
                "jobTitle \"Nurse\" (\"\" counts)",
            ],
        ),
    ]);
    let small = Small {
        objects,
        maps: &by_email,
        files: &[(
            "contacts.csv",
            "id,n,e,t,tags,at,pin\n1,Hull,a@x.example,Nurse,a;b,2024-01-01,77\n2,Hill,a@x.example,,a,2024-02-01,\n3,Hill,a@x.example,,a,2024-01-03,\n",
        )],
        held: Vec::new(),
    };
    let outcome = small.moved();
    let report = outcome.project.report();
    let given =
        |reason: &serde_json::Value| (reason["field"].clone(), reason["code"].clone(), reason["entries"].clone());
    let reasons: Vec<_> = report["reasons"].as_array().unwrap().iter().map(given).collect();
    let one = |field: &str| (json!(field), json!("R203"), json!(1));
    for field in ["name.lastName", "jobTitle", "tags", "pin"] {
        assert!(reasons.contains(&one(field)), "{field}: {reasons:?}");
    }
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    // What was said before is what was noted, once however often a run goes on.
    outcome.stand_in.migr(&outcome.project, &["run", "--no-approval"]).exits(0);
    assert_eq!(outcome.project.report()["reasons"], report["reasons"]);
}

#[test]
fn amounts_without_a_currency_beside_others_that_name_one_are_told_once() {
    let objects = "  object Deal from \"deals.csv\" { key id; id: text; n: text; a: currency; b: text; code: text; c: currency; d: currency; e: number }";
    judged(vec![Kind {
        name: "amounts",
        objects,
        maps: "map Deal -> opportunities {\n  name = n\n  stage = NEW\n  amount = a\n  new b \"B\": currency = b | money(code)\n  new c \"C\": currency = c\n  new d \"D\": currency = d\n  new e \"E\": currency = e | money(\"EUR\")\n}",
        files: &[(
            "deals.csv",
            "id,n,a,b,code,c,d,e\n1,A,12.50,5,EUR,5,$7,1\n2,B,13,6,,6,8,2\n3,C,EUR 14,7,chf,7,9,3\n4,D,$15,,,,,\n",
        )],
        has: vec![(
            "opportunities",
            json!({ "name": "B", "amount": { "amountMicros": 13_000_000, "currencyCode": "USD" } }),
        )],
        never: &[],
        says: &[
            "warning[unnamed-currency]",
            "`a`: 2 amounts name no currency such as \"12.50\", and take the migration's, USD; others of the column name EUR 1, USD 1",
            "`b`: 1 amount names no currency such as \"6\", and takes the migration's, USD; others of the column name CHF 1, EUR 1",
            "note[unnamed-currency]",
            "`d`: 2 amounts name no currency such as \"8\", and take the migration's, USD; others of the column name USD 1",
        ],
        never_says: &["`c`: ", "`e`: "],
        codes: MOVED,
    }]);
}

#[test]
fn a_phone_with_a_word_beside_it_is_refused_for_the_word() {
    judged(vec![Kind {
        name: "phones",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; p: phone }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  phones = { primaryPhoneNumber: p }\n}",
        files: &[(
            "contacts.csv",
            "id,n,p\n1,A,+1 555 0100 (home)\n2,B,(w) 201 555 0123\n3,C,555-0100 ext. 4 (front desk)\n4,D,\"201-555-0123, 201-555-0124\"\n5,E,(201) 555-0123\n",
        )],
        has: vec![person("E", &json!({ "phones": { "primaryPhoneNumber": "2015550123" } }))],
        never: &[("people", "\"A\""), ("people", "\"B\""), ("people", "\"C\""), ("people", "\"D\"")],
        says: &[
            "\"+1 555 0100 (home)\" has letters behind the number, which are no digits of it",
            "\"(w) 201 555 0123\" has letters before the number, which are no digits of it",
            "\"555-0100 ext. 4 (front desk)\" has letters behind the number",
            "\"201-555-0123, 201-555-0124\" holds more than one number",
        ],
        never_says: &[],
        codes: QUARANTINED,
    }]);
}

#[test]
fn values_that_a_condition_or_the_catalog_spells_otherwise_are_told() {
    judged(vec![Kind {
        name: "conditions and lists",
        objects: "  object Task from \"tasks.csv\" { key id; id: text; n: text; s: text; k: select { call, mail } }",
        maps: "skip Task when s in [\"gone\", \"left out\"] : \"over\"\n\nmap Task -> tasks {\n  title = n\n  status = if s == \"done\" then DONE else TODO\n  new s \"State\": text = s\n  new k \"Kind\": text = k\n}",
        files: &[(
            "tasks.csv",
            "id,n,s,k\n1,A,done,call\n2,B,Done,Call\n3,C,\"left  out\",mail\n4,D,gone,\n5,E,open,fax\n",
        )],
        has: vec![("tasks", json!({ "title": "B", "status": "TODO", "s": "Done", "k": "Call" }))],
        never: &[("tasks", "gone")],
        says: &[
            "2 cells of `s` look like \"Done\", which a condition asks for in another spelling: there it is another value",
            "2 cells of `k` look like \"Call\", which is none of the values that the catalog lists",
        ],
        never_says: &[],
        codes: MOVED,
    }]);
}

#[test]
fn days_that_stand_for_none_are_told() {
    judged(vec![Kind {
        name: "days",
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; a: date; b: datetime format \"%m/%d/%Y %H:%M\" }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  new a \"A\": date = a\n  new b \"B\": datetime = b\n}",
        files: &[(
            "contacts.csv",
            "id,n,a,b\n1,A,1900-01-01,12/31/2999 23:59\n2,B,2024-01-02,01/01/1970 08:30\n3,C,1900-01-01,\n",
        )],
        has: vec![person("B", &json!({ "a": "2024-01-02" }))],
        never: &[],
        says: &[
            "`a`: 2 cells such as \"1900-01-01\" count as a day, which often stands for none",
            "`b`: 1 cell such as \"12/31/2999 23:59\" counts as a day, which often stands for none",
        ],
        never_says: &["08:30"],
        codes: MOVED,
    }]);
}

#[test]
fn markup_of_a_column_of_texts_that_only_its_plain_text_is_taken_of_is_counted() {
    let small = Small {
        objects: "  object Contact from \"contacts.csv\" { key id; id: text; n: text; a: text; b: richtext }",
        maps: "map Contact -> people {\n  name = { lastName: n }\n  jobTitle = a | trim | plain\n  new b \"B\": text = \"{b | plain}\"\n}",
        files: &[(
            "contacts.csv",
            "id,n,a,b\n1,A,<b>x</b> <img src=y>,<i>z</i>\n2,B,plain,plain\n3,C,a < b,<p>q</p>\n",
        )],
        held: Vec::new(),
    };
    let outcome = small.moved();
    assert_eq!(outcome.codes, MOVED, "{}", outcome.said);
    let report = outcome.project.report();
    let counted = |what: &str| {
        let entries = report["degradations"].as_array().unwrap();
        let one =
            entries.iter().find(|one| one["what"] == what && one["reason"].as_str().unwrap().contains("formatting"));
        one.unwrap_or_else(|| panic!("{what}: {entries:#?}"))["records"].clone()
    };
    assert_eq!((counted("people.jobTitle"), counted("people.b")), (json!(1), json!(1)));
}
