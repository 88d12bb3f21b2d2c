//! The verbs that ask a running collector: `status`, `flush` and `drain`.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use spanledger_component::{BranchStatus, ComponentId, Error, Registry, Status, Waiting};

use crate::args::{AdminArgs, ConfigArgs};
use crate::http_client::{self, Answer};
use crate::{load, show, table};

/// Asking is quick; what takes longer is a collector in trouble.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How often a drain says what still waits.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Where the `admin` extension listens when nothing says so.
const DEFAULT_ENDPOINT: &str = "127.0.0.1:13134";

/// The `admin` extension of a running collector.
pub(crate) struct Admin {
    endpoint: String,
    token: Option<String>,
}

impl Admin {
    /// Finds it: at the address that is given, else by the config that is given, else at its default.
    pub(crate) fn find(args: AdminArgs, config: &ConfigArgs, registry: &Registry) -> Result<Self, Error> {
        let endpoint = match args.endpoint {
            Some(endpoint) => endpoint,
            None if config.is_default() => DEFAULT_ENDPOINT.to_owned(),
            None => configured(config, registry)?,
        };
        Ok(Self { endpoint, token: args.token })
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, timeout: Duration) -> Result<Answer, Error> {
        let answer = http_client::send(method, &self.endpoint, path, self.token.as_deref(), timeout).await;
        answer.map_err(|error| {
            Error::new(format!(
                "{error}; is a collector with the admin extension running there? --admin names another address"
            ))
        })
    }
}

/// Where the `admin` extension of a config listens, as this machine reaches it.
fn configured(config: &ConfigArgs, registry: &Registry) -> Result<String, Error> {
    let loaded = load::load(config, registry)?;
    let is_admin = |id: &&ComponentId| id.kind() == "admin";
    let id = loaded.graph.extensions.iter().map(|(id, _)| id).find(is_admin).ok_or_else(|| {
        Error::new("service::extensions: there is no admin extension to ask; --admin names an address")
    })?;
    let config = loaded.redacted_json();
    let pointer = format!("/extensions/{}/endpoint", id.to_string().replace('/', "~1"));
    let endpoint =
        config.pointer(&pointer).and_then(|endpoint| endpoint.as_str()).unwrap_or(DEFAULT_ENDPOINT);
    Ok(endpoint.replacen("0.0.0.0:", "127.0.0.1:", 1).replacen("[::]:", "[::1]:", 1))
}

/// How much of an error a table shows; `--json` has all of it.
const ERROR_CHARACTERS_MAX: usize = 80;

/// The answer to a flush or a drain whose time ran out.
#[derive(Deserialize)]
struct LeftOver {
    waiting: Vec<Waiting>,
}

/// The status of a running collector: for people, or as JSON.
pub(crate) async fn status(admin: Admin, json: bool) -> Result<String, Error> {
    let answer = admin.ask("GET", "/status", PATIENCE).await?;
    expect_ok(&admin, &answer)?;
    match json {
        true => Ok(answer.body),
        false => Ok(for_people(&parse(&answer.body)?)),
    }
}

/// Asks a running collector to deliver everything it accepted. 1 when something still waits, which is printed.
pub(crate) async fn flush(
    admin: Admin,
    exporter: Option<String>,
    timeout: Duration,
) -> Result<ExitCode, Error> {
    let exporter = exporter.map(|id| format!("&exporter={}", encode(&id))).unwrap_or_default();
    let path = format!("/flush?timeout={}ms{exporter}", timeout.as_millis());
    put(&admin, &path, timeout).await
}

/// Makes a running collector take no more in and deliver everything; says every second what still waits. 1 when
/// something does at the end, which is printed.
pub(crate) async fn drain(admin: Admin, timeout: Duration) -> Result<ExitCode, Error> {
    let path = format!("/drain?timeout={}ms", timeout.as_millis());
    let mut drained = pin!(put(&admin, &path, timeout));
    loop {
        tokio::select! {
            drained = &mut drained => return drained,
            () = tokio::time::sleep(REPORT_EVERY) => tell_what_waits(&admin).await,
        }
    }
}

async fn tell_what_waits(admin: &Admin) {
    // A status that fails says nothing; the answer to the drain tells why.
    let Ok(answer) = admin.ask("GET", "/status", PATIENCE).await else { return };
    let Ok(status) = parse::<Status>(&answer.body) else { return };
    for branch in status.branches.iter().filter(|branch| branch.waiting_items > 0) {
        show::error(&format!("{}: {} items wait", branch.id, branch.waiting_items));
    }
}

async fn put(admin: &Admin, path: &str, timeout: Duration) -> Result<ExitCode, Error> {
    let answer = admin.ask("PUT", path, timeout + PATIENCE).await?;
    if answer.status == 504 {
        let left_over: LeftOver = parse(&answer.body)?;
        left_over.waiting.iter().for_each(|waiting| show::error(&left(waiting)));
        return Ok(ExitCode::FAILURE);
    }
    expect_ok(admin, &answer)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn expect_ok(admin: &Admin, answer: &Answer) -> Result<(), Error> {
    match answer.status {
        200 => Ok(()),
        status => Err(Error::new(format!("{} answered {status}: {}", admin.endpoint, answer.body.trim()))),
    }
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, Error> {
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
    let head = [
        "branch",
        "safe to",
        "accepted",
        "delivered",
        "waiting",
        "oldest",
        "dead letters",
        "quarantined",
        "dropped",
        "error",
    ];
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
    let ledger = &branch.ledger;
    vec![
        branch.id.clone(),
        branch.delivered.to_string(),
        ledger.accepted.to_string(),
        ledger.delivered.to_string(),
        ledger.waiting.to_string(),
        format!("{:.1} s", branch.oldest_seconds),
        ledger.dead_lettered.to_string(),
        ledger.quarantined.to_string(),
        ledger.dropped.to_string(),
        trouble(branch),
    ]
}

/// Why a branch is stuck, or that its figures do not add up.
fn trouble(branch: &BranchStatus) -> String {
    let imbalance = match branch.ledger.imbalance {
        0 => None,
        items => Some(format!("{items} items are not accounted for: please report this")),
    };
    let error = branch.error.as_deref().map(shorten);
    [imbalance, error].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The beginning of an error, for a cell of a table.
fn shorten(error: &str) -> String {
    match error.char_indices().nth(ERROR_CHARACTERS_MAX) {
        None => error.to_owned(),
        Some((end, _)) => format!("{}…", error.get(..end).unwrap_or_default()),
    }
}

/// Percent-encodes what is not plain in a query.
pub(crate) fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(shorten("access denied"), "access denied");
        assert_eq!(shorten(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(shorten(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
    }
}
