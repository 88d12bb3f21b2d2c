//! The verbs that ask a running collector: `status`, `flush`, `drain` and `dead-letters`.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use spanledger_component::{BranchStatus, DeadLetter, Error, Status, Waiting};

use crate::args::AdminArgs;
use crate::http_client::{self, Answer};
use crate::{show, table};

/// Asking is quick; what takes longer is a collector in trouble.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a drain says what still waits.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// The answer to a flush or a drain whose time ran out.
#[derive(Deserialize)]
struct LeftOver {
    waiting: Vec<Waiting>,
}

/// The status of a running collector: for people, or as JSON.
pub(crate) async fn status(admin: AdminArgs, json: bool) -> Result<String, Error> {
    let answer =
        http_client::send("GET", &admin.endpoint, "/status", admin.token.as_deref(), PATIENCE).await?;
    expect_ok(&admin, &answer)?;
    match json {
        true => Ok(answer.body),
        false => Ok(for_people(&parse(&answer.body)?)),
    }
}

/// What a running collector could not deliver: for people, or as JSON.
pub(crate) async fn dead_letters(admin: AdminArgs, json: bool) -> Result<String, Error> {
    let token = admin.token.as_deref();
    let answer = http_client::send("GET", &admin.endpoint, "/dead-letters", token, PATIENCE).await?;
    expect_ok(&admin, &answer)?;
    match json {
        true => Ok(answer.body),
        false => Ok(letters_for_people(&parse::<Vec<DeadLetter>>(&answer.body)?)),
    }
}

fn letters_for_people(letters: &[DeadLetter]) -> String {
    let lines = letters.iter().map(|letter| {
        let DeadLetter { branch, position, reason, version, file, .. } = letter;
        format!(
            "{branch}: position {position}, put aside by version {version}: {reason}\n    {}",
            file.display()
        )
    });
    match letters.is_empty() {
        true => "there are no dead letters".to_owned(),
        false => lines.collect::<Vec<_>>().join("\n"),
    }
}

/// Asks a running collector to deliver everything it accepted. 1 when something still waits, which is printed.
pub(crate) async fn flush(
    admin: AdminArgs,
    exporter: Option<String>,
    timeout: Duration,
) -> Result<ExitCode, Error> {
    let exporter = exporter.map(|id| format!("&exporter={}", encode(&id))).unwrap_or_default();
    let path = format!("/flush?timeout={}ms{exporter}", timeout.as_millis());
    put(&admin, &path, timeout).await
}

/// Makes a running collector take no more in and deliver everything; says every second what still waits. 1 when
/// something does at the end, which is printed.
pub(crate) async fn drain(admin: AdminArgs, timeout: Duration) -> Result<ExitCode, Error> {
    let path = format!("/drain?timeout={}ms", timeout.as_millis());
    let mut drained = pin!(put(&admin, &path, timeout));
    loop {
        tokio::select! {
            drained = &mut drained => return drained,
            () = tokio::time::sleep(REPORT_EVERY) => tell_what_waits(&admin).await,
        }
    }
}

async fn tell_what_waits(admin: &AdminArgs) {
    let token = admin.token.as_deref();
    // A status that fails says nothing; the answer to the drain tells why.
    let Ok(answer) = http_client::send("GET", &admin.endpoint, "/status", token, PATIENCE).await else {
        return;
    };
    let Ok(status) = parse::<Status>(&answer.body) else { return };
    for branch in status.branches.iter().filter(|branch| branch.waiting_items > 0) {
        show::error(&format!("{}: {} items wait", branch.id, branch.waiting_items));
    }
}

async fn put(admin: &AdminArgs, path: &str, timeout: Duration) -> Result<ExitCode, Error> {
    let token = admin.token.as_deref();
    let answer = http_client::send("PUT", &admin.endpoint, path, token, timeout + PATIENCE).await?;
    if answer.status == 504 {
        let left_over: LeftOver = parse(&answer.body)?;
        left_over.waiting.iter().for_each(|waiting| show::error(&left(waiting)));
        return Ok(ExitCode::FAILURE);
    }
    expect_ok(admin, &answer)?;
    Ok(ExitCode::SUCCESS)
}

fn expect_ok(admin: &AdminArgs, answer: &Answer) -> Result<(), Error> {
    match answer.status {
        200 => Ok(()),
        status => Err(Error::new(format!("{} answered {status}: {}", admin.endpoint, answer.body.trim()))),
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, Error> {
    serde_json::from_str(body).map_err(|error| Error::caused("read the collector's answer", error))
}

/// What a branch has left to do.
pub(crate) fn left(waiting: &Waiting) -> String {
    let error = waiting.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}: {} items wait from position {}{error}", waiting.branch, waiting.items, waiting.from)
}

fn for_people(status: &Status) -> String {
    let log = &status.log;
    let ready = if status.ready { "ready" } else { "not ready" };
    let head = ["branch", "delivered", "waiting", "bytes", "oldest", "dead letters", "error"];
    let rows: Vec<_> = status.branches.iter().map(row).collect();
    format!(
        "spanledger {} is {ready}\nlog {} in {}: durable to position {}, {} items accepted, {} of {} MiB\n\n{}",
        status.version,
        log.id,
        log.directory.display(),
        log.durable,
        log.accepted_items,
        log.bytes >> 20,
        log.max_bytes >> 20,
        table::render(&head, &rows),
    )
}

fn row(branch: &BranchStatus) -> Vec<String> {
    vec![
        branch.id.clone(),
        branch.delivered.to_string(),
        branch.waiting_items.to_string(),
        branch.waiting_bytes.to_string(),
        format!("{:.1} s", branch.oldest_seconds),
        branch.dead_letters.to_string(),
        branch.error.clone().unwrap_or_default(),
    ]
}

/// Percent-encodes what is not plain in a query.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
