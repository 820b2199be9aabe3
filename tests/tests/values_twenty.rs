//! Every type of field there and back: what is read is what was written, and what is other is seen.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use migr_connect::connect;
use migr_load::{
    Comparison, Deleted, Destination, Endpoint, HttpOptions, LoadError, NewRecord, Rate, Secret, SetupOutcome, Written,
};
use migr_plan::{FieldMapping, Plan, SetupAction};
use migr_sandbox::{SandboxOptions, TwentyVersion, start};
use migr_transform::{Country, Currency, FileValue, Money, Phone, Reference, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value as Json, json};

/// Records of each object: every two of them are compared, field by field.
const RECORDS: u32 = 48;

type Values = BoxedStrategy<Value<'static>>;

/// A field, its type, what its creation needs besides, and values: many of them alike, so that what should be the same meets.
struct Case {
    object: &'static str,
    field: &'static str,
    ty: Json,
    /// None: it is of the stock.
    made_with: Option<Json>,
    values: Values,
}

/// A field of a type that no map makes: somebody else put it there.
const RATING: &str = "grade";
/// A field of files, which 1.x has not.
const FILES: &str = "scan";

fn file(name: &'static str) -> Value<'static> {
    Value::File(FileValue { path: format!("scans/{name}").into(), name: name.into() })
}

fn text(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}

fn of(texts: &[&str]) -> Values {
    let all: Vec<Value<'static>> = texts.iter().map(|one| text(one)).collect();
    prop::sample::select(all).boxed()
}

fn record(parts: Vec<(&'static str, Value<'static>)>) -> Value<'static> {
    Value::Record(parts.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn list(of: Values) -> Values {
    prop::collection::vec(of, 0..4).prop_map(Value::list).boxed()
}

fn emails() -> Values {
    let one = || of(&["Ada@X.example", "ada@x.example", "josé@münchen.example", "bob@x.example", "root@localhost"]);
    let parts = (one(), list(one()))
        .prop_map(|(first, others)| record(vec![("primaryEmail", first), ("additionalEmails", others)]));
    prop_oneof![one(), parts, Just(Value::None)].boxed()
}

fn phones() -> Values {
    let phone = |e164: &str, calling_code: u16, country: Option<&str>| {
        let country = country.and_then(Country::new);
        Value::Phone(Phone { e164: e164.to_owned(), calling_code, country, extension: None })
    };
    let one = prop::sample::select(vec![
        phone("+12025550199", 1, Some("US")),
        // A number that is of no country.
        phone("+80012345678", 800, None),
        phone("+12025550199", 1, Some("CA")),
        phone("+14165550123", 1, Some("CA")),
        phone("+442079460000", 44, Some("GB")),
        phone("+442079460001", 44, Some("GB")),
        phone("+390612345678", 39, Some("IT")),
    ]);
    let parts = (one.clone(), list(one.clone().boxed()))
        .prop_map(|(first, others)| record(vec![("primaryPhoneNumber", first), ("additionalPhones", others)]));
    prop_oneof![one, parts, Just(Value::None)].boxed()
}

fn links() -> Values {
    let one = || {
        of(&[
            "acme.example",
            "ACME.example/",
            "http://acme.example",
            "https://www.acme.example",
            "HTTPS://Münster.example/A/?b=C",
            "https://xn--mnster-3ya.example/A/?b=C",
            "https://acme.example/a",
        ])
    };
    let parts = (prop::option::of(one()), of(&["", "home", "Home"]), list(one())).prop_map(|(url, label, others)| {
        record(vec![
            ("primaryLinkUrl", url.unwrap_or(Value::None)),
            ("primaryLinkLabel", label),
            ("secondaryLinks", others),
        ])
    });
    prop_oneof![one(), parts, Just(Value::None)].boxed()
}

fn address() -> Values {
    let word = || of(&["", "1 Main St", "1 main st", "Roma", " Roma"]);
    let number = prop_oneof![
        Just(Value::None),
        prop::sample::select(vec!["39.5", "39.50", "-0.25", "12"])
            .prop_map(|text| Value::Decimal(text.parse().unwrap())),
    ];
    (word(), word(), word(), number)
        .prop_map(|(street, city, country, latitude)| {
            record(vec![
                ("addressStreet1", street),
                ("addressCity", city),
                ("addressCountry", country),
                ("addressLat", latitude),
            ])
        })
        .boxed()
}

fn actor() -> Values {
    (of(&["IMPORT", "API", "MANUAL"]), of(&["Ada", "ada", "Migration"]))
        .prop_map(|(source, name)| record(vec![("source", source), ("name", name)]))
        .boxed()
}

fn cases() -> Vec<Case> {
    let kind = |kind: &str| json!({"kind": kind});
    let composite = |name: &str| json!({"kind": "composite", "name": name, "parts": []});
    let options = |values: &[&str]| {
        let options: Vec<Json> =
            values.iter().map(|value| json!({"value": value, "label": value.to_lowercase()})).collect();
        json!({ "options": options })
    };
    let custom = |field, ty, with, values| Case { object: "visits", field, ty, made_with: Some(with), values };
    let stock = |object, field, ty, values| Case { object, field, ty, made_with: None, values };
    let moments =
        prop::sample::select(vec![0, 1, 999_999, 1_000_000, 1_425_300_245_678_901_000_i64, 1_425_300_245_678_000_000])
            .prop_map(|nanosecond| Value::Datetime(jiff::Timestamp::from_nanosecond(nanosecond.into()).unwrap()));
    let days = prop::sample::select(vec!["2024-02-29", "0001-01-01", "9999-12-31", "2024-03-01"])
        .prop_map(|day| Value::Date(day.parse().unwrap()));
    let money = (
        prop::sample::select(vec![0, 1, -1, 1_234_560_000, 1_234_560_001, 1 << 53]),
        prop::sample::select(vec!["USD", "EUR"]),
    )
        .prop_map(|(micros, code)| Value::Money(Money { micros, currency: Currency::new(code).unwrap() }));
    let any_json = prop::sample::select(vec![
        json!({"b": [1, 2.5, null], "a": "x"}),
        json!({"b": [1, 2.5], "a": "x"}),
        json!([]),
        json!("x"),
        json!(1),
    ])
    .prop_map(|json| Value::Json(Box::new(json)));
    let option = |values: &'static [&'static str]| {
        prop::sample::select(values.to_vec()).prop_map(|value| Value::Option(value.into()))
    };
    let person =
        (1..4_u32).prop_map(|number| Value::Reference(Reference { object: "people".into(), id: id(number).into() }));
    vec![
        custom(
            "reason",
            kind("text"),
            json!({}),
            prop_oneof![of(&["", " ", "a", "A", "a ", "Müller — “x”"]), ".{0,9}".prop_map(Value::text)].boxed(),
        ),
        custom(
            "story",
            kind("richtext"),
            json!({}),
            of(&["", "a", "A", "# T\n\n- a\n- b", "# T\n\n- a\n- c", "**a**"]),
        ),
        custom(
            "visits",
            kind("integer"),
            json!({}),
            prop_oneof![(-3..3_i64), any::<i64>()].prop_map(Value::Integer).boxed(),
        ),
        custom(
            "weight",
            kind("decimal"),
            json!({}),
            prop_oneof![(-30..30_i64), any::<i32>().prop_map(i64::from)]
                .prop_map(|number| Value::Decimal(rust_decimal::Decimal::new(number, 2)))
                .boxed(),
        ),
        custom("urgent", kind("boolean"), json!({}), any::<bool>().prop_map(Value::Boolean).boxed()),
        custom("day", kind("date"), json!({}), days.boxed()),
        custom("startedAt", kind("datetime"), json!({}), moments.boxed()),
        custom("mail", kind("email"), json!({}), emails()),
        custom("mobile", kind("phone"), json!({}), phones()),
        custom("site", kind("url"), json!({}), links()),
        custom("fee", kind("currency"), json!({}), prop_oneof![money, Just(Value::None)].boxed()),
        custom("raw", kind("json"), json!({}), any_json.boxed()),
        custom("tags", json!({"kind": "list", "of": {"kind": "text"}}), json!({}), list(of(&["x", "X", "y", "x, y"]))),
        custom(
            "legacy",
            kind("uuid"),
            json!({}),
            of(&[
                "A3B48594-8045-4E5F-9239-6BA4608863B9",
                "a3b48594-8045-4e5f-9239-6ba4608863b9",
                "a3b48594-8045-4e5f-9239-6ba4608863ba",
            ]),
        ),
        custom(
            "state",
            json!({"kind": "select", "options": ["OPEN", "DONE"]}),
            options(&["OPEN", "DONE"]),
            option(&["OPEN", "DONE"]).boxed(),
        ),
        custom(
            "kinds",
            json!({"kind": "multiselect", "options": ["X_RAY", "LAB"]}),
            options(&["X_RAY", "LAB"]),
            list(option(&["X_RAY", "LAB"]).boxed()),
        ),
        custom(
            "patient",
            json!({"kind": "reference", "objects": ["people"]}),
            json!({"inverse": "Visits"}),
            prop_oneof![person, Just(Value::None)].boxed(),
        ),
        stock(
            "visits",
            RATING,
            json!({"kind": "select", "options": ["RATING_1", "RATING_2", "RATING_3", "RATING_4", "RATING_5"]}),
            prop_oneof![option(&["RATING_1", "RATING_3", "RATING_5"]), Just(Value::None)].boxed(),
        ),
        custom(
            FILES,
            kind("file"),
            json!({}),
            prop::sample::select(vec![file("a.txt"), file("A.txt"), file("b.csv")]).boxed(),
        ),
        stock("companies", "address", composite("address"), address()),
        stock("companies", "createdBy", composite("actor"), actor()),
        stock("companies", "linkedinLink", composite("links"), links()),
        stock(
            "people",
            "name",
            composite("name"),
            (of(&["", "Ada", "ada", " Ada"]), of(&["", "L"]))
                .prop_map(|(first, last)| record(vec![("firstName", first), ("lastName", last)]))
                .boxed(),
        ),
        stock("people", "phones", composite("phones"), phones()),
    ]
}

fn id(number: u32) -> String {
    format!("00000000-0000-5000-8000-{number:012}")
}

fn plan() -> Plan {
    serde_json::from_value(json!({
        "format_version": 1, "migration": "m", "inputs": {"files": []}, "options": {},
        "source": {"system": "s", "files": "*.csv", "blank": [], "objects": []},
        "destination": {"system": "twenty", "connector": "twenty", "name": "staging", "settings": {}, "limits": [{"what": "batch", "value": 200}]},
        "setup": [], "stages": [], "picklists": [], "degradations": [], "rows": [],
        "estimate": {}, "summary": {"schema_changes": 0, "blocking": 0},
    }))
    .unwrap()
}

fn mapping(field: &str, ty: &Json) -> FieldMapping {
    let origin = json!({"file": "main.migr", "line": 1, "column": 1});
    serde_json::from_value(json!({"field": field, "type": ty, "value": {"op": "none"}, "reads": [], "origin": origin}))
        .unwrap()
}

async fn make(destination: &dyn Destination, mut action: Json) {
    action["origin"] = json!({"file": "main.migr", "line": 1, "column": 1});
    let action: SetupAction = serde_json::from_value(action).unwrap();
    match destination.setup(&action).await {
        Ok(SetupOutcome::Done(_)) => {}
        other => panic!("{action:?}: {other:?}"),
    }
}

/// Makes the field of grades as somebody would in the destination itself.
async fn make_rating(url: &str, token: &str) {
    let client = reqwest::Client::new();
    let answer = client.get(format!("{url}/rest/metadata/objects")).bearer_auth(token).send().await.unwrap();
    let answer: Json = answer.json().await.unwrap();
    // The versions name the list differently.
    let lists = [&answer["data"]["objects"], &answer["data"], &answer["objects"], &answer];
    let objects = lists.into_iter().find_map(Json::as_array).unwrap_or_else(|| panic!("{answer:.300}"));
    let visits = objects.iter().find(|object| object["namePlural"] == "visits").unwrap();
    let body = json!({"objectMetadataId": visits["id"], "type": "RATING", "name": RATING, "label": "Grade"});
    let made = client.post(format!("{url}/rest/metadata/fields")).bearer_auth(token).json(&body).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
}

/// What the two say of values is all there is: text may end in white space, and options have no order.
fn stored(field: &str, value: &Json) -> Json {
    match (field, value) {
        ("kinds", Json::Array(items)) => {
            let mut items: Vec<String> = items.iter().map(ToString::to_string).collect();
            items.sort_unstable();
            json!(items)
        }
        // A file is told by its name; each record has one of its own.
        (FILES, value) => value[0]["label"].clone(),
        // The older version says 1 where the newer one says 1.0, and gives amounts as texts.
        (_, Json::Number(number)) => json!(number.as_f64()),
        (_, value) => value.clone(),
    }
}

/// Every record was written.
fn all_written(written: Result<Vec<Written>, LoadError>) {
    let written = written.unwrap();
    let is_done = |outcome: &Written| matches!(outcome, Written::Created { .. } | Written::Updated);
    assert!(written.iter().all(is_done), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_back_is_the_same_exactly_where_the_server_keeps_the_same() {
    for version in [TwentyVersion::V2_19, TwentyVersion::V1_10] {
        let sandbox = start(SandboxOptions { version, ..SandboxOptions::default() }).await.unwrap();
        let options = HttpOptions {
            timeout: Duration::from_secs(20),
            rate: Some(Rate { requests: 60_000, per_seconds: 60, burst: None }),
            ..HttpOptions::default()
        };
        let endpoint = Endpoint { url: sandbox.url(), token: Secret::new(sandbox.token()) };
        let destination = connect(&plan(), endpoint, options).unwrap();
        destination.schema().await.unwrap();
        let object = json!({
            "action": "create_object", "object": "visits", "plural_label": "Visits", "singular": "visit", "singular_label": "Visit",
        });
        make(destination.as_ref(), object).await;
        let mut cases = cases();
        if version == TwentyVersion::V1_10 {
            cases.retain(|case| case.field != FILES);
        }
        make_rating(&sandbox.url(), sandbox.token()).await;
        destination.schema().await.unwrap();
        let scan = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(scan.path(), "a scan").unwrap();
        for case in &cases {
            let Some(Json::Object(with)) = case.made_with.clone() else { continue };
            let mut action = json!({
                "action": "create_field", "object": case.object, "field": case.field, "label": format!("The {}", case.field), "type": case.ty,
            });
            action.as_object_mut().unwrap().extend(with);
            make(destination.as_ref(), action).await;
        }
        let seed = std::env::var("MIGR_VALUES_SEED").map_or(1_u8, |text| text.parse().unwrap());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        // People first: visits refer to them.
        for object in ["people", "companies", "visits"] {
            let cases: Vec<&Case> = cases.iter().filter(|case| case.object == object).collect();
            let mappings: Vec<FieldMapping> = cases.iter().map(|case| mapping(case.field, &case.ty)).collect();
            let mut rows: Vec<Vec<Option<Value<'static>>>> = Vec::new();
            let mut batch = Vec::new();
            for number in 1..=RECORDS {
                let mut row = Vec::new();
                for (case, mapping) in cases.iter().zip(&mappings) {
                    let value = case.values.new_tree(&mut runner).unwrap().current();
                    // What cannot be written is refused beforehand.
                    row.push(destination.encode(object, &[(mapping, &value)]).is_ok().then_some(value));
                }
                let fields: Vec<_> =
                    mappings.iter().zip(&row).filter_map(|(mapping, value)| Some((mapping, value.as_ref()?))).collect();
                let mut body = destination.encode(object, &fields).unwrap();
                for (mapping, value) in &fields {
                    if let Value::File(file) = value {
                        let uploaded =
                            destination.upload(object, &mapping.field, scan.path(), &file.name).await.unwrap();
                        body.extend(uploaded.body);
                    }
                }
                batch.push(NewRecord::new(id(number), body));
                rows.push(row);
            }
            all_written(destination.create(object, &batch).await);
            let ids: Vec<String> = (1..=RECORDS).map(id).collect();
            let mut found = destination.fetch(object, &ids, Deleted::Live).await.unwrap();
            found.sort_by(|one, other| one.id.cmp(&other.id));
            let (mut same, mut other) = (0, 0);
            for (place, (case, mapping)) in cases.iter().zip(&mappings).enumerate() {
                let key = if case.field == "patient" { "patientId" } else { case.field };
                for (row, written) in rows.iter().zip(&found) {
                    let Some(value) = &row[place] else { continue };
                    for read in &found {
                        let is_kept_alike =
                            stored(case.field, &written.values[key]) == stored(case.field, &read.values[key]);
                        let comparison = destination.compare(object, mapping, value, &read.values);
                        assert_eq!(
                            comparison == Comparison::Same,
                            is_kept_alike,
                            "{version:?} {object}.{}: {value:?}\nkept as {}\nfound {}\n{comparison:?}",
                            case.field,
                            written.values[key],
                            read.values[key]
                        );
                        if is_kept_alike { same += 1 } else { other += 1 }
                    }
                }
            }
            assert!(same > 100 && other > 100, "{version:?} {object}: {same} the same, {other} other");
        }
    }
}
