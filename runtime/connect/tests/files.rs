//! Files by both protocols.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Reply, Server, metadata_one, metadata_two};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

#[tokio::test]
async fn a_file_goes_up_in_a_form_and_comes_back_the_same() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| match seen.path.as_str() {
            "/metadata" => Reply::Json(
                200,
                json!({"data": {"uploadFilesFieldFile": {"id": "file-1", "path": "p", "size": 12, "url": "u"}}}),
            ),
            _ => Reply::Text(200, "hello world\n".to_owned()),
        })
    })
    .await;
    let destination = server.twenty().await;
    let file = file(b"hello world\n");
    let uploaded = destination.upload("attachments", "file", file.path(), "hello.txt").await.unwrap();
    assert_eq!(Value::Object(uploaded.body), json!({"file": [{"fileId": "file-1", "label": "hello.txt"}]}));
    let seen = server.last("POST", "/metadata");
    let body = String::from_utf8_lossy(&seen.body);
    assert!(
        body.contains("name=\"operations\"")
            && body.contains("uploadFilesFieldFile")
            && body.contains("{\"0\":[\"variables.file\"]}"),
        "{body}"
    );
    assert!(
        body.contains("name=\"0\"; filename=\"hello.txt\"")
            && body.contains("text/plain")
            && body.contains("hello world\n"),
        "{body}"
    );

    let found = json!({"file": [{"fileId": "file-1", "label": "hello.txt", "url": format!("{}/file/files-field/1?token=SIGNED", server.url)}]});
    let stored = destination.stored_file("attachments", "file", found.as_object().unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.bytes, stored.hash), ("hello.txt", 12, uploaded.hash));
    let seen = server.last("GET", "/file/");
    assert!(!seen.head.contains("TOKEN-1"), "the address carries its own key: {}", seen.head);
    let none = destination.stored_file("attachments", "file", json!({"file": null}).as_object().unwrap()).await;
    assert_eq!(none, Ok(None));
}

#[tokio::test]
async fn a_large_file_goes_in_a_request_of_its_own() {
    let server = Server::start(|seen| {
        metadata_two(seen).unwrap_or_else(|| {
            let host = seen.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            match seen.path.as_str() {
                "/metadata" if body.contains("createFileUpload") => Reply::Json(
                    200,
                    json!({"data": {"createFileUpload": {"fileId": "file-2", "uploadUrl": format!("http://{host}/file-upload/2?token=SIGNED"), "contentType": "application/octet-stream"}}}),
                ),
                "/metadata" => Reply::Json(200, json!({"data": {"completeFileUpload": {"id": "file-2", "size": 1}}})),
                _ => Reply::Text(204, String::new()),
            }
        })
    })
    .await;
    let destination = server.twenty().await;
    let file = file(&vec![7; 11 * 1024 * 1024]);
    let uploaded = destination.upload("attachments", "file", file.path(), "scan.bin").await.unwrap();
    assert_eq!(Value::Object(uploaded.body), json!({"file": [{"fileId": "file-2", "label": "scan.bin"}]}));
    let put = server.last("PUT", "/file-upload/2");
    assert_eq!((put.body.len(), put.asks("token")), (11 * 1024 * 1024, Some("SIGNED")));
    assert!(!put.head.contains("TOKEN-1"), "{}", put.head);
    assert_eq!(server.requests().iter().filter(|request| *request == "POST /metadata").count(), 3);
}

#[tokio::test]
async fn the_older_version_keeps_a_path_and_a_name() {
    let server = Server::start(|seen| {
        metadata_one(seen).unwrap_or_else(|| match seen.path.as_str() {
            "/metadata" => {
                Reply::Json(200, json!({"data": {"uploadFile": {"path": "attachment/1.pdf", "token": "T"}}}))
            }
            _ => Reply::Text(200, "%PDF".to_owned()),
        })
    })
    .await;
    let destination = server.twenty().await;
    let file = file(b"%PDF");
    let uploaded = destination.upload("attachments", "file", file.path(), "scan.PDF").await.unwrap();
    assert_eq!(
        Value::Object(uploaded.body),
        json!({"name": "scan.PDF", "fullPath": "attachment/1.pdf", "fileCategory": "TEXT_DOCUMENT"})
    );
    let found = json!({"name": "scan.PDF", "fullPath": format!("{}/files/attachment/TOKEN/1.pdf", server.url)});
    let stored = destination.stored_file("attachments", "file", found.as_object().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.hash, uploaded.hash);
}

#[tokio::test]
async fn a_file_that_is_not_there_or_too_large_is_named() {
    let server = Server::start(|seen| metadata_two(seen).unwrap()).await;
    let destination = server.twenty().await;
    let error =
        destination.upload("attachments", "file", std::path::Path::new("/nowhere/x.txt"), "x.txt").await.unwrap_err();
    assert!(error.to_string().starts_with("x.txt: "), "{error}");
    assert!(!error.stops_the_run());
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_is_not_taken() {
    let file = file(b"before\n");
    let path = file.path().to_owned();
    let server = Server::start(move |seen| {
        metadata_two(seen).unwrap_or_else(|| {
            std::fs::write(&path, "another text\n").unwrap();
            Reply::Json(200, json!({"data": {"uploadFilesFieldFile": {"id": "file-1"}}}))
        })
    })
    .await;
    let destination = server.twenty().await;
    let error = destination.upload("attachments", "file", file.path(), "a.txt").await.unwrap_err();
    assert_eq!(error.to_string(), "a.txt: it changed while it was sent; leave it alone, and try the record again");
    assert!(!error.stops_the_run());
}
