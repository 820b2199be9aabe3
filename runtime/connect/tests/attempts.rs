//! Tests of requests that fail, over real connections.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migr_load::{Deleted, LoadError, Map, NewRecord, Refusal, Written};
use serde_json::{Value, json};
use support::{Reply, Seen, Server, metadata_two, options, proofs, recording};

fn record(number: u32) -> NewRecord {
    let id = format!("00000000-0000-5000-8000-{number:012}");
    let body: Map = json!({"jobTitle": format!("Title{number}")}).as_object().unwrap().clone();
    NewRecord::new(id, body)
}

/// Faults of a create, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    TooMany,
    ServerError,
    CutBefore,
    CutAfter,
    HalfAfter,
    NoJsonAfter,
    ErrorAfter,
}

/// A server that holds people, and makes one fault per create until there are none left.
async fn people(faults: Vec<Fault>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let held: Arc<Mutex<Vec<String>>> = Arc::default();
    let store = held.clone();
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        if let Some(reply) = metadata_two(seen).or_else(|| proofs(seen)) {
            return reply;
        }
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/rest/batch/people") => {
                let fault = faults.get(turn.fetch_add(1, Ordering::SeqCst)).copied();
                match fault {
                    Some(Fault::TooMany) => {
                        return Reply::Json(429, json!({"statusCode": 429, "messages": ["Too many requests"]}));
                    }
                    Some(Fault::ServerError) => return Reply::Text(502, "<html>bad gateway".to_owned()),
                    Some(Fault::CutBefore) => return Reply::Cut,
                    _ => {}
                }
                let rows = seen.json();
                let mut store = store.lock().unwrap();
                let ids: Vec<String> =
                    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
                if ids.iter().any(|id| store.contains(id)) {
                    return Reply::Json(
                        400,
                        json!({"statusCode": 400, "messages": ["A duplicate entry was detected"]}),
                    );
                }
                store.extend(ids);
                let answer = json!({"data": {"createPeople": rows}});
                match fault {
                    Some(Fault::CutAfter) => Reply::Cut,
                    Some(Fault::HalfAfter) => Reply::Half(answer),
                    Some(Fault::NoJsonAfter) => Reply::Text(200, "<html>".to_owned()),
                    Some(Fault::ErrorAfter) => Reply::Json(500, json!({"statusCode": 500, "messages": ["Internal"]})),
                    _ => Reply::Json(201, answer),
                }
            }
            ("GET", "/rest/people") => Reply::Json(200, found(&store.lock().unwrap(), seen)),
            other => panic!("{other:?}"),
        }
    })
    .await;
    (server, held)
}

fn found(held: &[String], seen: &Seen) -> Value {
    let filter = seen.asks("filter").unwrap_or_default();
    let most = seen.asks("limit").unwrap().parse().unwrap();
    let is_asked_for = |id: &str| filter.contains(id) || !filter.contains("id[in]");
    let records: Vec<Value> = held
        .iter()
        .filter(|id| is_asked_for(id) && (!filter.contains("deletedAt") || filter.contains("deletedAt[is]:NULL")))
        .take(most)
        .map(|id| json!({"id": id, "deletedAt": null}))
        .collect();
    json!({"data": {"people": records}, "totalCount": records.len(), "pageInfo": {"hasNextPage": false}})
}

fn created(number: u32) -> Written {
    Written::Created { id: record(number).id }
}

#[tokio::test]
async fn a_lost_answer_leaves_every_record_uncertain_and_is_not_asked_for_again() {
    use Fault::{CutAfter, CutBefore, ErrorAfter, HalfAfter, NoJsonAfter, ServerError, TooMany};
    // The fault, whether what became of the records is known all the same, and how many of them are there.
    let table = [
        (TooMany, true, 3),
        (ServerError, false, 0),
        (CutBefore, false, 0),
        (CutAfter, false, 3),
        (HalfAfter, false, 3),
        (NoJsonAfter, false, 3),
        (ErrorAfter, false, 3),
    ];
    for (fault, is_known, there) in table {
        let (server, held) = people(vec![fault]).await;
        let destination = server.twenty().await;
        let batch: Vec<NewRecord> = (0..3).map(record).collect();
        let outcomes = destination.create("people", &batch).await.unwrap();
        assert_eq!(outcomes.len(), 3, "{fault:?}");
        let expected = (0..3).map(created).collect::<Vec<_>>();
        let is_uncertain = outcomes.iter().all(|outcome| matches!(outcome, Written::Uncertain { .. }));
        assert!(if is_known { outcomes == expected } else { is_uncertain }, "{fault:?}: {outcomes:?}");
        assert_eq!(held.lock().unwrap().len(), there, "{fault:?}");
        let sent = server.requests().iter().filter(|request| *request == "POST /rest/batch/people").count();
        assert_eq!(sent, if fault == TooMany { 2 } else { 1 }, "{fault:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_several_records_is_joint_and_of_one_is_its_own() {
    let (server, _held) = people(Vec::new()).await;
    let destination = server.twenty().await;
    assert_eq!(destination.create("people", &[record(1)]).await, Ok(vec![created(1)]));
    for batch in [vec![record(1)], vec![record(1), record(2)]] {
        let refusal = Refusal { is_joint: batch.len() > 1, ..Refusal::new(400, "A duplicate entry was detected") };
        let outcomes = destination.create("people", &batch).await;
        assert_eq!(outcomes, Ok(vec![Written::Refused(refusal); batch.len()]));
    }
}

#[tokio::test]
async fn a_record_that_the_answer_does_not_name_is_uncertain_and_the_others_are_created() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| Reply::Json(201, json!({"data": {"createPeople": [seen.json()[1]]}})))
    })
    .await;
    let destination = server.twenty().await;
    let outcomes = destination.create("people", &[record(1), record(2)]).await.unwrap();
    let why = "the answer does not name it".to_owned();
    assert_eq!(outcomes, [Written::Uncertain { why, is_answered: true }, created(2)]);
}

/// A server that answers reads of companies from a list, the last one for ever.
async fn reading(replies: Vec<fn() -> Reply>) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |seen| {
        if let Some(reply) = metadata_two(seen) {
            return reply;
        }
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        replies[turn.min(replies.len() - 1)]()
    })
    .await
}

fn counted() -> Reply {
    Reply::Json(200, json!({"data": {"companies": []}, "totalCount": 323, "pageInfo": {"hasNextPage": true}}))
}

#[tokio::test]
async fn a_read_is_repeated_through_every_passing_failure() {
    let failures: [fn() -> Reply; 8] = [
        || Reply::With(429, "retry-after: 0", json!({})),
        || Reply::Json(500, json!({"statusCode": 500, "messages": ["Metadata cache version not found"]})),
        || Reply::Text(503, String::new()),
        || Reply::Cut,
        || Reply::Half(json!({"data": {"companies": []}, "totalCount": 1})),
        || Reply::Text(200, "not JSON".to_owned()),
        || Reply::Json(200, recording("083-rate-limit-graphql")["answer"].clone()),
        || Reply::Json(429, recording("080-rate-limit-rest")["answer"].clone()),
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        let server = reading(vec![failure, failure, counted]).await;
        let destination = server.twenty().await;
        assert_eq!(destination.count("companies", Deleted::Live).await, Ok(323), "failure {number}");
    }
}

#[tokio::test]
async fn a_server_that_stays_silent_is_unavailable_after_the_last_attempt() {
    let server = reading(vec![|| Reply::Json(500, json!({"messages": ["boom TOKEN-1"]}))]).await;
    let destination = server.twenty().await;
    let error = destination.count("companies", Deleted::Live).await.unwrap_err();
    assert!(error.stops_the_run());
    let text = error.to_string().replace(&server.url, "URL");
    insta::assert_snapshot!(text, @"URL gave no usable answer to POST /graphql after 4 attempts: 500: boom ***. Run again when it answers; the run goes on where it stopped");
}

#[tokio::test]
async fn nobody_listening_is_said_so() {
    let server = reading(vec![counted]).await;
    let destination = server.twenty().await;
    drop(destination);
    let endpoint = migr_load::Endpoint { url: "http://127.0.0.1:9".to_owned(), token: migr_load::Secret::new("T") };
    let destination = migr_connect::connect(&support::plan(), endpoint, options()).unwrap();
    let error = destination.schema().await.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "http://127.0.0.1:9 gave no usable answer to GET /rest/metadata/objects after 1 attempt: no connection ("
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_token_stops_at_once() {
    let answers: [(fn() -> Reply, u16); 3] = [
        (|| Reply::Json(401, json!({"statusCode": 401, "error": "X", "messages": ["Token invalid."]})), 401),
        (
            || {
                Reply::Json(
                    403,
                    json!({"statusCode": 403, "messages": ["Missing authentication token"], "error": "FORBIDDEN_EXCEPTION"}),
                )
            },
            403,
        ),
        (
            || {
                Reply::Json(
                    200,
                    json!({"errors": [{"message": "Token invalid.", "extensions": {"code": "UNAUTHENTICATED"}}]}),
                )
            },
            200,
        ),
    ];
    for (answer, expected) in answers {
        let server = reading(vec![answer]).await;
        let destination = server.twenty().await;
        match destination.count("companies", Deleted::Live).await {
            Err(LoadError::Unauthorized { status, .. }) => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_records_fault_ends_the_run_after_the_second_answer_and_says_whose_page_it_is() {
    type Page = (fn() -> Reply, u16, &'static str);
    let pages: [Page; 6] = [
        (|| Reply::Text(404, "404 page not found".to_owned()), 404, "a text, “404 page not found”"),
        (
            || Reply::Json(404, json!({"message": "no Route matched"})),
            404,
            "a JSON answer that is none of the destination's, “no Route matched”",
        ),
        (
            || Reply::Text(403, "<html><head><title>Blocked</title></head></html>".to_owned()),
            403,
            "an HTML page, “Blocked”",
        ),
        (
            || Reply::Json(402, json!({"statusCode": 402, "messages": ["Payment required"]})),
            402,
            "its refusal “Payment required”",
        ),
        (|| Reply::Text(413, "<html>".to_owned()), 413, "an HTML page"),
        (|| Reply::Text(451, String::new()), 451, "an empty answer"),
    ];
    for (answer, expected, whose) in pages {
        let server = reading(vec![answer]).await;
        let destination = server.twenty().await;
        let before = server.requests().len();
        match destination.create("people", &[record(1), record(2)]).await {
            Err(error @ LoadError::Gateway { .. }) => {
                assert!(error.stops_the_run());
                let LoadError::Gateway { status, page, .. } = error else { return };
                assert_eq!((status, page.as_str()), (expected, whose));
            }
            other => panic!("{whose}: {other:?}"),
        }
        assert_eq!(server.requests().len() - before, 2, "{whose}");
    }
}

#[tokio::test]
async fn a_pause_longer_than_we_wait_ends_the_run() {
    let server = reading(vec![|| Reply::With(429, "retry-after: 86400", json!({"message": "daily quota used"}))]).await;
    let destination = server.twenty().await;
    let outcome = destination.count("companies", Deleted::Live).await;
    assert!(
        matches!(&outcome, Err(LoadError::Quota { seconds: 86400, message, .. }) if message == "daily quota used"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_redirect_never_tells_people_to_send_their_token_where_it_leads() {
    let server =
        reading(vec![|| Reply::With(308, "location: https://crm.example/rest/companies?x=1", json!({}))]).await;
    let destination = server.twenty().await;
    let error =
        destination.count("companies", Deleted::Live).await.unwrap_err().to_string().replace(&server.url, "URL");
    insta::assert_snapshot!(error, @"URL sends POST /graphql elsewhere (308); find out from those who run it what its address is, and send the token nowhere else");
}

#[tokio::test]
async fn a_server_that_never_says_a_word_is_given_up_within_the_stated_time() {
    let server = Server::start(|_| Reply::Silence(Duration::from_secs(30))).await;
    let endpoint = migr_load::Endpoint { url: server.url.clone(), token: migr_load::Secret::new("T") };
    let patience = migr_load::HttpOptions { timeout: Duration::from_millis(300), ..options() };
    let destination = migr_connect::connect(&support::plan(), endpoint, patience).unwrap();
    let begun = std::time::Instant::now();
    let error = destination.schema().await.unwrap_err().to_string();
    assert!(error.contains("after 1 attempt: no answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_pause_of_any_value_is_waited_for_or_ends_the_run() {
    let answers: [fn() -> Reply; 4] = [
        || Reply::With(429, "retry-after: 18446744073709551615", json!({})),
        || Reply::With(429, "retry-after: 1e300", json!({})),
        || Reply::With(503, "retry-after: 99999999999999999999", json!({})),
        || Reply::With(503, "retry-after: Fri, 01 Jan 9999 00:00:00 GMT", json!({})),
    ];
    for answer in answers {
        let server = reading(vec![answer]).await;
        let destination = server.twenty().await;
        let outcome = destination.count("companies", Deleted::Live).await;
        assert!(matches!(&outcome, Err(LoadError::Quota { .. })), "{outcome:?}");
    }
    let answers: [fn() -> Reply; 4] = [
        || Reply::With(503, "retry-after: -1", json!({})),
        || Reply::With(503, "retry-after: 0.01", json!({})),
        || Reply::With(503, "retry-after: soon", json!({})),
        || Reply::With(503, "retry-after: NaN", json!({})),
    ];
    for (number, value) in answers.into_iter().enumerate() {
        let server = reading(vec![value, counted]).await;
        let destination = server.twenty().await;
        assert_eq!(destination.count("companies", Deleted::Live).await, Ok(323), "answer {number}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_and_an_endless_refusal_is_read_at_its_beginning() {
    let endless = || Reply::Text(200, "x".repeat(3 << 20));
    let server = reading(vec![endless]).await;
    let endpoint = migr_load::Endpoint { url: server.url.clone(), token: migr_load::Secret::new("T") };
    let little = migr_load::HttpOptions { largest_answer: 1 << 20, ..options() };
    let destination = migr_connect::connect(&support::plan(), endpoint, little).unwrap();
    destination.schema().await.unwrap();
    let error = destination.count("companies", Deleted::Live).await.unwrap_err().to_string();
    assert!(error.contains("it is longer than 1 MiB"), "{error}");
    let server = reading(vec![|| Reply::Text(422, "x".repeat(3 << 20))]).await;
    let error = server.twenty().await.count("companies", Deleted::Live).await.unwrap_err().to_string();
    assert!(error.len() < 1000 && error.contains("422"), "{error}");
}

#[tokio::test]
async fn an_answer_of_more_values_than_there_is_memory_for_is_cut_off() {
    let refused = async |body: String| {
        let answer = move |seen: &Seen| metadata_two(seen).unwrap_or_else(|| Reply::Text(200, body.clone()));
        let destination = Server::start(answer).await.twenty().await;
        destination.count("companies", Deleted::Live).await.unwrap_err().to_string()
    };
    for value in ["1,", "{},", "{\"a\":\"\\\",\"},"] {
        let error = refused(format!("[{}", value.repeat(2_000_001))).await;
        assert!(error.contains("it has more than 2 million values"), "{error}");
    }
    let error = refused(format!("\"{}\"", ",".repeat(2_000_001))).await;
    assert!(!error.contains("values"), "a text is one value: {error}");
}

/// Pauses that were told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl migr_load::WaitSink for Told {
    fn wait(&self, wait: &migr_load::Wait) {
        self.0.lock().unwrap().push(format!("{} s: {}", wait.pause.as_secs(), wait.why));
    }
}

#[tokio::test]
async fn a_long_pause_is_told_with_its_reason_before_it_is_waited_for() {
    let server = reading(vec![|| Reply::With(429, "retry-after: 60", json!({"message": "one moment"}))]).await;
    let told = Arc::new(Told::default());
    let endpoint = migr_load::Endpoint { url: server.url.clone(), token: migr_load::Secret::new("T") };
    let telling =
        migr_load::HttpOptions { waits: Some(told.clone()), longest_wait: Duration::from_secs(100), ..options() };
    let destination = migr_connect::connect(&support::plan(), endpoint, telling).unwrap();
    destination.schema().await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(2), destination.count("companies", Deleted::Live)).await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(*told.0.lock().unwrap(), ["60 s: it asked for a pause (one moment)"]);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_in_time() {
    let server = reading(vec![|| Reply::Silence(Duration::from_secs(30)), counted]).await;
    let endpoint = migr_load::Endpoint { url: server.url.clone(), token: migr_load::Secret::new("T") };
    let patience = migr_load::HttpOptions { timeout: Duration::from_millis(200), ..options() };
    let destination = migr_connect::connect(&support::plan(), endpoint, patience).unwrap();
    destination.schema().await.unwrap();
    assert_eq!(destination.count("companies", Deleted::Live).await, Ok(323));
}

#[tokio::test]
async fn a_500_by_which_the_older_server_refuses_is_a_refusal() {
    let recorded = recording("v1-035-fk");
    let server =
        Server::start(move |seen| metadata_two(seen).unwrap_or_else(|| Reply::Json(500, recorded["answer"].clone())))
            .await;
    let destination = server.twenty().await;
    match destination.create("people", &[record(1)]).await.as_deref() {
        Ok([Written::Refused(Refusal { status: Some(500), message, .. })]) => {
            assert!(message.contains("violates foreign key constraint"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_value_of_a_sensitive_field_is_masked_in_what_the_server_says() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| {
            Reply::Json(400, json!({"messages": ["Invalid value \"Title7\" for field \"jobTitle\" (title7)"]}))
        })
    })
    .await;
    let destination = server.twenty().await;
    match destination.create("people", &[record(7)]).await.as_deref() {
        Ok([Written::Refused(Refusal { message, .. })]) => {
            assert_eq!(message, "Invalid value \"***\" for field \"jobTitle\" (***)");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_request_carries_the_token_and_no_debug_text_shows_it() {
    let server = reading(vec![counted]).await;
    let destination = server.twenty().await;
    destination.count("companies", Deleted::Live).await.unwrap();
    let seen = server.last("GET", "/rest/companies");
    assert!(seen.head.contains("authorization: Bearer TOKEN-1"), "{}", seen.head);
    assert!(!format!("{destination:?}").contains("TOKEN-1"));
    // What is no answer of GraphQL is asked for by REST.
    assert_eq!(destination.requests(), 5);
}

#[test]
fn settings_that_cannot_be_used_are_said_before_anything_is_sent() {
    let mut told = Vec::new();
    for (url, token) in [
        ("crm.example", "T"),
        ("ftp://crm.example", "T"),
        ("https://me:secret@crm.example", "T"),
        ("https://crm.example", " \n"),
        ("https://crm.example", "a\u{1}b"),
    ] {
        let endpoint = migr_load::Endpoint { url: url.to_owned(), token: migr_load::Secret::new(token) };
        told.push(migr_connect::connect(&support::plan(), endpoint, options()).unwrap_err().to_string());
    }
    let endpoint = migr_load::Endpoint { url: "https://crm.example".to_owned(), token: migr_load::Secret::new("T") };
    let mut other = support::plan();
    other.destination.connector = "salesforce".to_owned();
    told.push(migr_connect::connect(&other, endpoint.clone(), options()).unwrap_err().to_string());
    let proxied = migr_load::HttpOptions { proxy: Some("http://user:hidden@".to_owned()), ..options() };
    told.push(migr_connect::connect(&support::plan(), endpoint.clone(), proxied).unwrap_err().to_string());
    let trusted = migr_load::HttpOptions {
        certificates: vec![b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----".to_vec()],
        ..options()
    };
    told.push(migr_connect::connect(&support::plan(), endpoint, trusted).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn requests_go_through_the_proxy_that_is_set() {
    let proxy = reading(vec![counted]).await;
    let endpoint = migr_load::Endpoint { url: "http://crm.invalid".to_owned(), token: migr_load::Secret::new("T") };
    let proxied = migr_load::HttpOptions { proxy: Some(proxy.url.clone()), ..options() };
    let destination = migr_connect::connect(&support::plan(), endpoint, proxied).unwrap();
    // A proxy is asked for the whole address; the scripted server does not know it and answers the count to everything.
    assert!(destination.schema().await.is_err());
    let seen = proxy.seen.lock().unwrap();
    assert!(seen[0].head.starts_with("GET http://crm.invalid/rest/metadata/objects"), "{}", seen[0].head);
}
