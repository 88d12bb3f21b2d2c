//! The verb `dead-letters`: what a running collector could not deliver, and what is to become of it.

use std::process::ExitCode;
use std::time::Duration;

use spanledger_component::{DeadLetter, Error, LetterOutcome};

use crate::admin::{Admin, PATIENCE, encode, expect_ok, parse};
use crate::args::LetterVerb;
use crate::show;

/// Lists dead letters, has them tried again, or gives them up. 1 when some are there still that should not be.
pub(crate) async fn carry_out(admin: Admin, verb: LetterVerb, json: bool) -> Result<ExitCode, Error> {
    match verb {
        LetterVerb::List => list(&admin, json).await,
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
    let answer = admin.ask("GET", "/dead-letters", PATIENCE).await?;
    expect_ok(admin, &answer)?;
    match json {
        true => show::text(&answer.body),
        false => show::text(&for_people(&parse::<Vec<DeadLetter>>(&answer.body)?)),
    }
    Ok(ExitCode::SUCCESS)
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
