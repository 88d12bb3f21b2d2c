//! The verb `dead-letters`: what a running collector could not deliver, and what is to become of it.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use spanledger_component::{DeadLetter, Error, LetterOutcome};

use crate::admin::{Admin, PATIENCE, encode, expect_ok, parse};
use crate::args::LetterVerb;
use crate::http_client::Answer;
use crate::show;

/// Lists dead letters, has them tried again, or gives them up. 1 when some are there still that should not be.
pub(crate) async fn carry_out(admin: Admin, verb: LetterVerb, json: bool) -> Result<ExitCode, Error> {
    match verb {
        LetterVerb::List => list(&admin, json).await,
        LetterVerb::Show { branch, position } => show(&admin, &branch, position, json).await,
        LetterVerb::Replay { branch, position, timeout } => {
            let path = path("replay", branch.as_deref(), position, *timeout);
            act(&admin, &path, *timeout, json, "was delivered").await
        }
        LetterVerb::Drop { branch, position, timeout } => {
            let path = path("drop", Some(&branch), position, *timeout);
            act(&admin, &path, *timeout, json, "was given up").await
        }
    }
}

async fn list(admin: &Admin, json: bool) -> Result<ExitCode, Error> {
    let answer = listed(admin).await?;
    match json {
        true => show::text(&answer.body),
        false => show::text(&for_people(&parse::<Vec<DeadLetter>>(&answer.body)?)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(admin: &Admin) -> Result<Answer, Error> {
    let answer = admin.ask("GET", "/dead-letters", PATIENCE).await?;
    expect_ok(admin, &answer)?;
    Ok(answer)
}

async fn show(admin: &Admin, branch: &str, position: u64, json: bool) -> Result<ExitCode, Error> {
    let letters: Vec<DeadLetter> = parse(&listed(admin).await?.body)?;
    let is_meant = |letter: &&DeadLetter| letter.branch == branch && letter.position.0 == position;
    let letter = letters.iter().find(is_meant).ok_or_else(|| {
        Error::new(format!(
            "{branch} has no dead letter of position {position}: `spanledger dead-letters list` shows those there are"
        ))
    })?;
    let text = match json {
        true => serde_json::to_string(letter).map_err(|error| Error::caused("print JSON", error))?,
        false => in_full(letter),
    };
    show::text(&text);
    Ok(ExitCode::SUCCESS)
}

/// Everything but the content, which is for those who may read prompts: the file says it.
fn in_full(letter: &DeadLetter) -> String {
    let size = match letter.bytes {
        Some(bytes) => format!("{bytes} bytes of OTLP protobuf"),
        None => "missing".to_owned(),
    };
    let lines = [
        ("branch", letter.branch.clone()),
        ("position", letter.position.to_string()),
        ("reason", letter.reason.clone()),
        ("put aside", rfc3339(letter.unix_nano)),
        ("by version", letter.version.clone()),
        ("with config", letter.config.clone()),
        ("received", format!("{} by {}", rfc3339(letter.arrival_unix_nano), letter.receiver)),
        ("holds", format!("{} {}", letter.items, items(&letter.signal))),
        ("content", format!("{} ({size})", letter.file.display())),
    ];
    lines.map(|(name, value)| format!("{name:12}{value}")).join("\n")
}

/// What the items of a signal are called.
fn items(signal: &str) -> &str {
    match signal {
        "traces" => "spans",
        "logs" => "log records",
        "metrics" => "metric points",
        other => other,
    }
}

fn rfc3339(unix_nano: u64) -> String {
    let time = DateTime::<Utc>::from(SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_nano));
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn for_people(letters: &[DeadLetter]) -> String {
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

fn path(what: &str, branch: Option<&str>, position: Option<u64>, timeout: Duration) -> String {
    let branch = branch.map(|id| format!("&branch={}", encode(id))).unwrap_or_default();
    let position = position.map(|position| format!("&position={position}")).unwrap_or_default();
    format!("/dead-letters/{what}?timeout={}ms{branch}{position}", timeout.as_millis())
}

async fn act(
    admin: &Admin,
    path: &str,
    timeout: Duration,
    json: bool,
    done: &str,
) -> Result<ExitCode, Error> {
    let answer = admin.ask("PUT", path, timeout + PATIENCE).await?;
    expect_ok(admin, &answer)?;
    let outcomes: Vec<LetterOutcome> = parse(&answer.body)?;
    if json {
        show::text(&answer.body);
    } else if outcomes.is_empty() {
        show::text("there are no such dead letters");
    }
    for LetterOutcome { branch, position, error } in outcomes.iter().filter(|_| !json) {
        match error {
            None => show::text(&format!("{branch}: position {position} {done}")),
            Some(error) => show::error(&format!("{branch}: position {position}: {error}")),
        }
    }
    let all_done = outcomes.iter().all(|outcome| outcome.error.is_none());
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
