//! A table's source, with a file and with a server that this test is.

use std::sync::{Arc, Mutex};

use spanledger_genai::PriceSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn table(input: u32) -> String {
    format!(
        r#"[{{"id": "acme", "api_pattern": "https://acme", "models": [{{"id": "m", "match": {{"equals": "m"}},
            "prices": {{"input_mtok": {input}}}}}]}}]"#
    )
}

fn version(kept: &Bytes) -> String {
    table::read(kept, PriceSettings::default()).unwrap().version().to_owned()
}

#[tokio::test]
async fn a_file_gives_a_table_when_it_was_written_and_an_error_when_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.json");
    let mut source = TableSource::new(Place::File(path.clone()), Duration::from_secs(9));
    assert_eq!((source.is_local(), source.interval()), (true, LOOK_EVERY));
    let missing = source.fetch().await.unwrap_err().to_string();
    assert!(missing.contains("read price table") && missing.contains("prices.json"), "{missing}");
    std::fs::write(&path, table(1)).unwrap();
    let first = source.fetch().await.unwrap().unwrap();
    assert!(version(&first).starts_with("file+sha256:"));
    assert_eq!(source.fetch().await.unwrap(), None);
    std::fs::write(&path, "[{}").unwrap();
    assert!(source.fetch().await.is_err());
    assert_eq!(source.fetch().await.unwrap(), None, "the same is not read twice");
    std::fs::write(&path, table(25)).unwrap();
    let second = source.fetch().await.unwrap().unwrap();
    assert_ne!(version(&first), version(&second));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.json");
    std::fs::File::create(&path).unwrap().set_len(TABLE_BYTES_MAX as u64 + 1).unwrap();
    let mut source = TableSource::new(Place::File(path), Duration::from_secs(9));
    assert!(source.fetch().await.unwrap_err().to_string().contains("larger"));
}

/// Answers each request with the next of these, and keeps the requests.
async fn serve(answers: Vec<String>) -> (Place, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:hunter2@{}/prices?key=hunter2", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let requests = asked.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while !request.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            requests.lock().unwrap().push(String::from_utf8(request).unwrap().to_lowercase());
            // Whoever stops reading what is too much for it closes the connection.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (Place::of_url(&url).unwrap(), asked)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\netag: \"v1\"\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn an_address_is_asked_for_what_is_new_since_the_last_answer() {
    let (place, asked) = serve(vec![
        answer("200 OK", &table(1)),
        answer("304 Not Modified", ""),
        answer("200 OK", &table(1)),
        answer("200 OK", &table(2)),
    ])
    .await;
    let mut source = TableSource::new(place, Duration::from_secs(9));
    assert_eq!((source.is_local(), source.interval()), (false, Duration::from_secs(9)));
    let first = source.fetch().await.unwrap().unwrap();
    assert!(version(&first).starts_with("url+sha256:"));
    assert_eq!(source.fetch().await.unwrap(), None);
    assert_eq!(source.fetch().await.unwrap(), None, "the same text");
    assert_ne!(source.fetch().await.unwrap(), Some(first));
    let asked = asked.lock().unwrap();
    assert!(!asked[0].contains("if-none-match"), "{}", asked[0]);
    assert!(asked[1].contains("if-none-match: \"v1\""), "{}", asked[1]);
}

#[tokio::test]
async fn an_address_that_fails_is_an_error_without_its_secrets() {
    let large = "x".repeat(TABLE_BYTES_MAX + 1);
    let answers = [answer("500 No", ""), answer("200 OK", "[{"), answer("200 OK", &large), String::new()];
    let (place, _) = serve(answers.to_vec()).await;
    let mut source = TableSource::new(place, Duration::from_secs(9));
    for expected in ["answered 500", "read price table", "larger", "ask http://127.0.0.1"] {
        let error = source.fetch().await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{expected}: {error}");
    }
}

#[test]
fn an_address_is_http() {
    assert!(Place::of_url("https://prices.example/x.json").is_ok());
    for wrong in ["ftp://x/", "/etc/x", "http:", ""] {
        assert!(Place::of_url(wrong).is_err(), "{wrong}");
    }
}
