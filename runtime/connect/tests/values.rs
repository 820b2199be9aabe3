//! Typed values into bodies, and back against what the server answered.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::borrow::Cow;

use migr_load::{Comparison, Destination, Map};
use migr_transform::{Country, Currency, FileValue, Money, Phone, Reference, Value};
use serde_json::{Value as Json, json};
use support::{Reply, Server, mapping, metadata_one, metadata_two, recording};

const ID: &str = "ea43ef93-32b2-40e8-92c2-2a8f0a271ca5";

/// A workspace of 2.19 with one custom field of each type on companies, as recorded.
async fn workspace() -> Box<dyn Destination> {
    Server::start(|seen| match metadata_two(seen) {
        Some(Reply::Json(200, mut answer)) if answer["data"].is_array() => {
            for object in answer["data"].as_array_mut().unwrap() {
                if object["nameSingular"] == "company" {
                    object["fields"].as_array_mut().unwrap().extend(custom());
                }
            }
            Reply::Json(200, answer)
        }
        Some(other) => other,
        None => Reply::Json(404, Json::Null),
    })
    .await
    .twenty()
    .await
}

fn custom() -> Vec<Json> {
    let options = |values: [&str; 2]| json!(values.map(|value| json!({"id": value, "value": value, "label": value})));
    [
        ("legacyId", "TEXT", Json::Null),
        ("headcount", "NUMBER", Json::Null),
        ("originalCreatedAt", "DATE_TIME", Json::Null),
        ("renewalDate", "DATE", Json::Null),
        ("tier", "SELECT", options(["GOLD", "SILVER"])),
        ("regions", "MULTI_SELECT", options(["EMEA", "APAC"])),
        ("isPartner", "BOOLEAN", Json::Null),
        ("arr", "CURRENCY", Json::Null),
        ("blog", "LINKS", Json::Null),
        ("billingEmails", "EMAILS", Json::Null),
        ("officePhones", "PHONES", Json::Null),
        ("billingAddress", "ADDRESS", Json::Null),
        ("about1", "RICH_TEXT", Json::Null),
        ("rawSource", "RAW_JSON", Json::Null),
        ("tagsList", "ARRAY", Json::Null),
        ("extUuid", "UUID", Json::Null),
        ("contact", "FULL_NAME", Json::Null),
    ]
    .into_iter()
    .map(|(name, ty, options)| json!({"id": format!("f-{name}"), "name": name, "type": ty, "label": name, "isNullable": true, "options": options}))
    .collect()
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn record<'a>(parts: Vec<(&'a str, Value<'a>)>) -> Value<'a> {
    Value::Record(parts.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
}

fn phone() -> Value<'static> {
    Value::Phone(Phone {
        e164: "+442079460000".to_owned(),
        calling_code: 44,
        country: Country::new("GB"),
        extension: Some("55".into()),
    })
}

fn money(micros: i64) -> Value<'static> {
    Value::Money(Money { micros, currency: Currency::new("USD").unwrap() })
}

/// Values that the recorded exchange sent, typed.
fn of_every_type() -> Vec<(&'static str, Value<'static>)> {
    vec![
        ("name", text("Custom all")),
        ("legacyId", text("001xx")),
        ("headcount", Value::Decimal("12.345".parse().unwrap())),
        ("originalCreatedAt", Value::Datetime("2015-01-02T03:04:05Z".parse().unwrap())),
        ("renewalDate", Value::Date("2027-01-31".parse().unwrap())),
        ("tier", Value::Option("GOLD".into())),
        (
            "regions",
            Value::List(vec![Value::Option("EMEA".into()), Value::Option("APAC".into()), Value::Option("EMEA".into())]),
        ),
        ("isPartner", Value::Boolean(true)),
        ("arr", money(1_000_000)),
        ("blog", text("https://blog.example/")),
        ("billingEmails", text("B@x.example")),
        ("officePhones", phone()),
        ("billingAddress", record(vec![("addressCity", text("Rome"))])),
        ("about1", text("hi")),
        ("rawSource", Value::Json(Box::new(json!({"a": [1, {"b": null}]})))),
        ("tagsList", Value::List(vec![text("x"), text("y")])),
        ("extUuid", text("A3B48594-8045-4E5F-9239-6BA4608863B9")),
        ("contact", record(vec![("firstName", text("Ada"))])),
        ("accountOwner", Value::Reference(Reference { object: "workspaceMembers".into(), id: ID.into() })),
        ("createdAt", Value::Datetime("2019-03-04T05:06:07.000999Z".parse().unwrap())),
        (
            "createdBy",
            record(vec![
                ("source", Value::Option("IMPORT".into())),
                ("name", text("Ada")),
                ("workspaceMember", Value::Reference(Reference { object: "workspaceMembers".into(), id: ID.into() })),
            ]),
        ),
        ("position", Value::Default),
    ]
}

fn encode(destination: &dyn Destination, object: &str, values: &[(&str, Value<'_>)]) -> Result<Map, Vec<String>> {
    let mappings: Vec<_> =
        values.iter().map(|(field, value)| (mapping(field, json!({"kind": "text"})), value)).collect();
    let fields: Vec<_> = mappings.iter().map(|(mapping, value)| (mapping, *value)).collect();
    destination.encode(object, &fields).map_err(|failures| {
        failures.into_iter().map(|failure| format!("{}: {}", failure.field, failure.reason)).collect()
    })
}

#[tokio::test]
async fn every_type_has_its_native_form() {
    let destination = workspace().await;
    let body = encode(destination.as_ref(), "companies", &of_every_type()).unwrap();
    insta::assert_json_snapshot!(body);
}

#[tokio::test]
async fn empty_values_are_written_empty_and_whole_or_left_out_where_nothing_can_be_empty() {
    let destination = workspace().await;
    let values: Vec<_> = of_every_type().into_iter().map(|(field, _)| (field, Value::None)).collect();
    let body = encode(destination.as_ref(), "companies", &values).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&body).unwrap().replace("},", "},\n"));
}

#[tokio::test]
async fn what_the_server_answered_to_the_same_values_is_the_same() {
    let destination = workspace().await;
    let recorded = recording("260-record-all-custom")["answer"]["data"]["createCompany"].as_object().unwrap().clone();
    for (field, value) in of_every_type() {
        if ["contact", "accountOwner", "createdAt", "createdBy", "extUuid"].contains(&field) {
            continue;
        }
        let mapping = mapping(field, json!({"kind": "text"}));
        assert_eq!(destination.compare("companies", &mapping, &value, &recorded), Comparison::Same, "{field}");
    }
}

#[tokio::test]
async fn the_older_servers_answers_are_the_same_too() {
    let destination =
        Server::start(|seen| metadata_one(seen).unwrap_or(Reply::Json(404, Json::Null))).await.twenty().await;
    let person = recording("v1-012-person")["answer"]["data"]["createPerson"].as_object().unwrap().clone();
    let name = record(vec![("firstName", text("Ada")), ("lastName", text("L"))]);
    let emails = record(vec![
        ("primaryEmail", text("Ada@Acme.example")),
        ("additionalEmails", Value::List(vec![text("a2@acme.example")])),
    ]);
    let number = Phone { e164: "+12025550123".to_owned(), calling_code: 1, country: None, extension: None };
    for (field, value) in [
        ("name", name),
        ("emails", emails),
        ("phones", Value::Phone(number)),
        ("linkedinLink", Value::None),
        ("city", text("Rome")),
    ] {
        assert_eq!(
            destination.compare("people", &mapping(field, json!({"kind": "text"})), &value, &person),
            Comparison::Same,
            "{field}"
        );
    }
    let company = recording("v1-011-company")["answer"]["data"]["createCompany"].as_object().unwrap().clone();
    let revenue = company["annualRecurringRevenue"].clone();
    let micros = revenue["amountMicros"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        destination.compare(
            "companies",
            &mapping("annualRecurringRevenue", json!({"kind": "currency"})),
            &money(micros),
            &company
        ),
        Comparison::Same
    );
}

#[tokio::test]
async fn what_differs_is_shown_unless_it_is_sensitive() {
    let destination = workspace().await;
    let found = json!({"legacyId": "002"}).as_object().unwrap().clone();
    let mut field = mapping("legacyId", json!({"kind": "text"}));
    let differs = |destination: &dyn Destination, field: &migr_plan::FieldMapping| {
        destination.compare("companies", field, &text("001"), &found)
    };
    assert_eq!(
        differs(destination.as_ref(), &field),
        Comparison::Differs { expected: "001".to_owned(), found: "002".to_owned() }
    );
    field.sensitive = true;
    assert_eq!(
        differs(destination.as_ref(), &field),
        Comparison::Differs { expected: "***".to_owned(), found: "***".to_owned() }
    );
}

#[tokio::test]
async fn values_that_the_server_would_refuse_or_spoil_fail_beforehand_and_all_at_once() {
    let destination = workspace().await;
    let values = vec![
        ("legacyId", text("a\0b")),
        ("headcount", Value::Integer(9_007_199_254_740_993)),
        ("tier", Value::Option("BRONZE".into())),
        ("regions", Value::List(vec![text("MARS")])),
        ("isPartner", text("true")),
        ("arr", money(i64::MAX)),
        ("blog", text("mailto:x@y.example")),
        ("billingEmails", record(vec![("primaryEmail", text("not an address"))])),
        ("billingAddress", record(vec![("addressPlanet", text("Mars"))])),
        ("extUuid", text("003Ab000001")),
        ("contact", text("Ada")),
        (
            "createdBy",
            record(vec![
                ("source", Value::Option("IMPORT".into())),
                ("workspaceMember", Value::Reference(Reference { object: "workspaceMembers".into(), id: ID.into() })),
            ]),
        ),
        ("employees", Value::Integer(3)),
        ("renewalDate", Value::Datetime("2015-01-02T03:04:05Z".parse().unwrap())),
    ];
    let failures = encode(destination.as_ref(), "companies", &values).unwrap_err();
    insta::assert_snapshot!(failures.join("\n"));
}

#[tokio::test]
async fn a_failure_of_a_sensitive_field_does_not_show_the_value() {
    let destination = workspace().await;
    let mut field = mapping("billingEmails", json!({"kind": "email"}));
    field.sensitive = true;
    let failures = destination.encode("companies", &[(&field, &text("secret thing"))]).unwrap_err();
    assert_eq!(failures[0].reason, "the value (masked) is not an e-mail address");
}

#[tokio::test]
async fn a_reference_to_one_of_several_objects_goes_by_that_objects_key() {
    let destination = workspace().await;
    let to = |object: &'static str| Value::Reference(Reference { object: object.into(), id: ID.into() });
    let body = |object| encode(destination.as_ref(), "attachments", &[("target", to(object))]).map(Json::Object);
    assert_eq!(body("people"), Ok(json!({"targetPersonId": ID})));
    assert_eq!(body("notes"), Ok(json!({"targetNoteId": ID})));
    assert_eq!(
        body("widgets"),
        Err(vec![
            "target: it cannot refer to `widgets`; it refers to companies, notes, opportunities, people, tasks"
                .to_owned()
        ])
    );
    let found = json!({"targetPersonId": ID, "targetNoteId": null}).as_object().unwrap().clone();
    let field = mapping("target", json!({"kind": "reference", "objects": ["people"]}));
    assert_eq!(destination.compare("attachments", &field, &to("people"), &found), Comparison::Same);
    assert_ne!(destination.compare("attachments", &field, &to("notes"), &found), Comparison::Same);
}

#[tokio::test]
async fn identities_of_what_is_sent_and_of_what_is_found_are_the_same() {
    let destination = workspace().await;
    let sent = encode(
        destination.as_ref(),
        "companies",
        &[("domainName", text("HTTP://ACME.example/")), ("name", text("Acme "))],
    )
    .unwrap();
    let found =
        json!({"domainName": {"primaryLinkUrl": "http://acme.example"}, "name": "Acme "}).as_object().unwrap().clone();
    for path in ["domainName", "domainName.primaryLinkUrl", "name"] {
        let identity = destination.identity("companies", path, &sent);
        assert!(
            identity.is_some() && identity == destination.identity("companies", path, &found),
            "{path}: {identity:?}"
        );
    }
    let empty = json!({"domainName": {"primaryLinkUrl": ""}, "name": ""}).as_object().unwrap().clone();
    assert_eq!(destination.identity("companies", "domainName", &empty), None);
    assert_eq!(destination.identity("companies", "name", &empty), None);
}

#[tokio::test]
async fn a_file_is_left_to_its_upload_and_told_by_its_name() {
    let destination = workspace().await;
    let field = mapping("file", json!({"kind": "file"}));
    let value = Value::File(FileValue { path: "a/hello.txt".into(), name: "hello.txt".into() });
    assert_eq!(destination.encode("attachments", &[(&field, &value)]), Ok(Map::new()));
    let found = recording("321-attachment-create")["answer"]["data"]["createAttachment"].as_object().unwrap().clone();
    assert_eq!(destination.compare("attachments", &field, &value, &found), Comparison::Same);
}

/// Compares with what a server that keeps values as they are recorded would answer: the body, with the same rewriting
/// applied twice.
#[test]
fn any_value_that_can_be_encoded_is_found_again_in_its_own_body() {
    use proptest::prelude::{Just, Strategy, any, prop_oneof};

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let destination = runtime.block_on(workspace());
    let texts = (
        "(legacyId|about1|blog|billingEmails|extUuid|tier)",
        ".{0,40}|[A-Za-z]{1,5}@[A-Z]{1,5}\\.example|(https?://)?[A-Za-zö]{1,9}\\.[a-z]{2}(/[A-Za-z]{0,3}){0,2}|GOLD",
    )
        .prop_map(|(field, text)| (field, Value::text(text)));
    let others = prop_oneof![
        any::<i64>().prop_map(|number| ("headcount".to_owned(), Value::Integer(number))),
        (any::<i64>(), 0..6_u32).prop_map(|(number, scale)| (
            "headcount".to_owned(),
            Value::Decimal(rust_decimal::Decimal::new(number / 1000, scale))
        )),
        any::<i64>().prop_map(|micros| ("arr".to_owned(), money(micros))),
        (-60_000_000_000_i64..250_000_000_000, 0..1_000_000_000_i32).prop_map(|(second, nano)| (
            "originalCreatedAt".to_owned(),
            Value::Datetime(jiff::Timestamp::new(second, nano).unwrap())
        )),
        "[1-9][0-9]{6,11}".prop_map(|digits| {
            let phone =
                Phone { e164: format!("+{digits}"), calling_code: 7, country: Country::new("KZ"), extension: None };
            ("officePhones".to_owned(), Value::Phone(phone))
        }),
        Just(("arr".to_owned(), Value::None)),
        proptest::collection::vec(".{0,9}", 0..4).prop_map(|items| (
            "tagsList".to_owned(),
            Value::list(items.into_iter().map(Value::text).filter(|item| !item.is_none()).collect())
        )),
    ];
    proptest::test_runner::TestRunner::default()
        .run(&prop_oneof![texts, others], |(field, value)| {
            let mapping = mapping(&field, json!({"kind": "text"}));
            if let Ok(body) = destination.encode("companies", &[(&mapping, &value)]) {
                assert_eq!(destination.compare("companies", &mapping, &value, &body), Comparison::Same);
                let again = destination.identity("companies", &field, &body);
                assert_eq!(
                    again.is_none(),
                    destination.compare("companies", &mapping, &Value::None, &body) == Comparison::Same,
                    "{field} {again:?}"
                );
            }
            Ok(())
        })
        .unwrap();
}
