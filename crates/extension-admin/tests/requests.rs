//! Requests over a socket, against a host that is as a test wants it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use spanledger_component::{
    Bound, BranchStatus, Context, DeadLetter, Error, Extension as _, Host, LetterOutcome, Letters, Position,
    Replay, Replayed, Status, Waiting,
};
use spanledger_extension_admin::{Admin, Config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Has one branch, `parquet`; remembers what flushes were asked for, and what they find waiting.
#[derive(Default)]
struct FakeHost {
    asked: Mutex<Vec<(Option<String>, Duration)>>,
    waiting: Vec<Waiting>,
}

#[async_trait]
impl Host for FakeHost {
    fn status(&self) -> Status {
        let branch = BranchStatus { id: "parquet".into(), waiting_items: 7, ..BranchStatus::default() };
        Status { version: "1.2.3".into(), branches: vec![branch], ..Status::default() }
    }

    fn started(&self) -> bool {
        true
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    async fn flush(&self, branch: Option<&str>, timeout: Duration) -> Result<(), Vec<Waiting>> {
        self.asked.lock().unwrap().push((branch.map(str::to_owned), timeout));
        match self.waiting.is_empty() {
            true => Ok(()),
            false => Err(self.waiting.clone()),
        }
    }

    async fn replay_dead_letters(&self, which: &Letters, _: Duration) -> Vec<LetterOutcome> {
        outcome(which, Some("still a text of 3 GiB"))
    }

    async fn drop_dead_letters(&self, which: &Letters, _: Duration) -> Vec<LetterOutcome> {
        outcome(which, None)
    }

    fn dead_letters(&self) -> Vec<DeadLetter> {
        vec![letter()]
    }

    async fn replay(&self, replay: &Replay, _: Duration) -> Result<Replayed, Error> {
        match replay.exporter.as_str() {
            "parquet" => {
                Ok(Replayed { records: 3, stopped: Some(format!("{replay:?}")), ..Replayed::default() })
            }
            other => Err(Error::new(format!("no exporter {other:?}: there are parquet"))),
        }
    }

    async fn drain(&self, timeout: Duration) -> Result<(), Vec<Waiting>> {
        self.flush(Some("drain"), timeout).await
    }
}

fn outcome(which: &Letters, error: Option<&str>) -> Vec<LetterOutcome> {
    let branch = which.branch.clone().unwrap_or_else(|| "all".into());
    let position = which.position.unwrap_or(Position(0));
    vec![LetterOutcome { branch, position, error: error.map(str::to_owned) }]
}

fn letter() -> DeadLetter {
    DeadLetter {
        branch: "parquet".into(),
        position: Position(17),
        reason: "a text of 3 GiB".into(),
        unix_nano: 1_790_000_000_000_000_000,
        version: "1.2.3".into(),
        config: "0a0b".into(),
        signal: "traces".into(),
        receiver: "otlp".into(),
        arrival_unix_nano: 1_780_000_000_000_000_000,
        items: 2,
        file: "wal/dead-letters/00ff".into(),
        bytes: Some(300),
    }
}

async fn serve(config: &str, host: Arc<FakeHost>) -> SocketAddr {
    let mut config: Config = serde_json::from_str(config).unwrap();
    config.endpoint = "127.0.0.1:0".parse().unwrap();
    let context = Context::new("admin".parse().unwrap());
    let mut admin = Box::new(Admin::new(&config, &context));
    let host: Arc<dyn Host> = host;
    admin.start(&host).await.unwrap();
    let address = admin.address().unwrap();
    tokio::spawn(admin.run(host, CancellationToken::new()));
    address
}

async fn request(address: SocketAddr, line: &str, headers: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_status_is_the_host_s() {
    let address = serve("{}", Arc::default()).await;
    let (code, body) = request(address, "GET /status", "").await;
    assert_eq!((code, &body["version"]), (200, &json!("1.2.3")));
    assert_eq!(body["branches"][0]["waiting_items"], 7);
    assert_eq!(serde_json::from_value::<Status>(body).unwrap().branches[0].id, "parquet");
}

#[tokio::test]
async fn a_flush_waits_for_the_exporter_it_names() {
    let host = Arc::new(FakeHost::default());
    let address = serve("{}", host.clone()).await;
    assert_eq!(request(address, "PUT /flush?exporter=parquet&timeout=5s", "").await, (200, json!({})));
    assert_eq!(request(address, "PUT /flush", "").await, (200, json!({})));
    let asked = host.asked.lock().unwrap().clone();
    assert_eq!(asked, [(Some("parquet".into()), Duration::from_secs(5)), (None, Duration::from_secs(60))]);
}

#[tokio::test]
async fn a_flush_that_takes_too_long_says_what_waits() {
    let waiting =
        Waiting { branch: "parquet".into(), from: Position(12), items: 7, error: Some("bucket away".into()) };
    let address = serve("{}", Arc::new(FakeHost { waiting: vec![waiting], ..FakeHost::default() })).await;
    let (code, body) = request(address, "PUT /flush?timeout=1s", "").await;
    let expected =
        json!({"waiting": [{"branch": "parquet", "from": 12, "items": 7, "error": "bucket away"}]});
    assert_eq!((code, body), (504, expected));
}

#[tokio::test]
async fn what_is_not_there_or_not_understood_is_said() {
    let host = Arc::new(FakeHost::default());
    let address = serve("{}", host.clone()).await;
    for (line, code, part) in [
        ("PUT /flush?exporter=nope", 404, "there are parquet"),
        ("PUT /flush?timeout=soon", 400, "soon"),
        ("PUT /flush?wait=1", 400, "wait"),
        ("GET /flush", 405, "PUT"),
        ("DELETE /status", 405, "GET"),
        ("GET /", 404, "no such path"),
    ] {
        let (found, body) = request(address, line, "").await;
        assert_eq!(found, code, "{line}");
        assert!(body["error"].as_str().unwrap().contains(part), "{line}: {body}");
    }
    assert!(host.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_is_needed_when_one_is_set_and_is_never_shown() {
    let address = serve(r#"{"token": "s3cret"}"#, Arc::default()).await;
    for headers in ["", "authorization: Bearer wrong\r\n", "authorization: Basic s3cret\r\n"] {
        let (code, body) = request(address, "GET /status", headers).await;
        assert_eq!((code, body.to_string().contains("s3cret")), (401, false), "{headers}");
    }
    assert_eq!(request(address, "GET /status", "authorization: Bearer s3cret\r\n").await.0, 200);
}

#[tokio::test]
async fn dead_letters_are_listed_with_the_file_that_holds_the_request() {
    let address = serve("{}", Arc::default()).await;
    let expected = json!([{
        "branch": "parquet",
        "position": 17,
        "reason": "a text of 3 GiB",
        "unix_nano": 1_790_000_000_000_000_000_u64,
        "version": "1.2.3",
        "config": "0a0b",
        "signal": "traces",
        "receiver": "otlp",
        "arrival_unix_nano": 1_780_000_000_000_000_000_u64,
        "items": 2,
        "file": "wal/dead-letters/00ff",
        "bytes": 300,
    }]);
    assert_eq!(request(address, "GET /dead-letters", "").await, (200, expected));
    assert_eq!(request(address, "PUT /dead-letters", "").await.0, 405);
}

#[tokio::test]
async fn a_drain_answers_like_a_flush() {
    let host = Arc::new(FakeHost::default());
    let address = serve("{}", host.clone()).await;
    assert_eq!(request(address, "PUT /drain?timeout=5s", "").await, (200, json!({})));
    assert_eq!(*host.asked.lock().unwrap(), [(Some("drain".to_owned()), Duration::from_secs(5))]);
    assert_eq!(request(address, "PUT /drain?exporter=parquet", "").await.0, 400);
    assert_eq!(request(address, "GET /drain", "").await.0, 405);
}

#[tokio::test]
async fn dead_letters_are_tried_again_or_dropped_as_they_are_named() {
    let address = serve("{}", Arc::default()).await;
    let (code, body) = request(address, "PUT /dead-letters/replay", "").await;
    let still_there = json!([{"branch": "all", "position": 0, "error": "still a text of 3 GiB"}]);
    assert_eq!((code, body), (200, still_there));
    let (code, body) = request(address, "PUT /dead-letters/drop?branch=parquet&position=17", "").await;
    assert_eq!((code, body), (200, json!([{"branch": "parquet", "position": 17, "error": null}])));
    for (line, expected) in [
        ("PUT /dead-letters/drop", 400),
        ("PUT /dead-letters/drop?position=17", 400),
        ("PUT /dead-letters/replay?position=first", 400),
        ("PUT /dead-letters/replay?exporter=parquet", 400),
        ("GET /dead-letters/replay", 405),
        ("PUT /dead-letters", 405),
    ] {
        assert_eq!(request(address, line, "").await.0, expected, "{line}");
    }
}

#[tokio::test]
async fn a_replay_is_asked_for_with_its_ends_and_filters() {
    let address = serve("{}", Arc::default()).await;
    let line = "PUT /replay?exporter=parquet&rows_of=other&from=7&to=1970-01-02T00:00:00Z&where=service.name%3Da%3Db&again=true&timeout=5s";
    let (code, body) = request(address, line, "").await;
    let asked = Replay {
        exporter: "parquet".into(),
        rows_of: Some("other".into()),
        from: Some(Bound::Position(Position(7))),
        to: Some(Bound::Arrival(86_400_000_000_000)),
        filters: vec![("service.name".into(), "a=b".into())],
        again: true,
    };
    assert_eq!((code, &body["records"]), (200, &json!(3)));
    assert_eq!(body["stopped"], json!(format!("{asked:?}")));
    for (line, expected, said) in [
        ("PUT /replay?exporter=nobody", 400, "no exporter"),
        ("PUT /replay", 400, "expected exporter"),
        ("PUT /replay?exporter=parquet&from=yesterday", 400, "from: "),
        ("PUT /replay?exporter=parquet&where=service.name", 400, "where: "),
        ("PUT /replay?exporter=parquet&agian=true", 400, "unknown parameter"),
        ("GET /replay", 405, "expected PUT"),
    ] {
        let (code, body) = request(address, line, "").await;
        assert_eq!(code, expected, "{line}");
        assert!(body["error"].as_str().unwrap().contains(said), "{line}: {body}");
    }
}
