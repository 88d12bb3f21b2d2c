//! What a replay is asked for with, as a query.

use std::time::Duration;

use spanledger_component::settings::GoDuration;
use spanledger_component::{Bound, Replay};

/// How long a replay may take when it does not say.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// The longest that it may.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

const PARAMETERS: &str = "exporter, rows_of, from, to, where, again or timeout";

/// A replay and how long it may take; what is wrong when the query is none of one.
pub(crate) fn asked(query: &str) -> Result<(Replay, Duration), String> {
    let (mut replay, mut timeout) = (Replay::default(), TIMEOUT);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "exporter" => replay.exporter = value.into_owned(),
            "rows_of" => replay.rows_of = Some(value.into_owned()),
            "from" => replay.from = Some(bound("from", &value)?),
            "to" => replay.to = Some(bound("to", &value)?),
            "where" => replay.filters.push(filter(&value)?),
            "again" => {
                replay.again = value.parse().map_err(|_| format!("again: {value:?} is not true or false"))?
            }
            "timeout" => {
                let parsed = value.parse::<GoDuration>().map_err(|error| format!("timeout: {error}"))?;
                timeout = parsed.0.min(TIMEOUT_MAX);
            }
            key => return Err(format!("unknown parameter {key:?}: expected {PARAMETERS}")),
        }
    }
    match replay.exporter.is_empty() {
        true => Err("expected exporter: into which one".to_owned()),
        false => Ok((replay, timeout)),
    }
}

fn bound(key: &str, value: &str) -> Result<Bound, String> {
    value.parse().map_err(|error| format!("{key}: {error}"))
}

fn filter(value: &str) -> Result<(String, String), String> {
    let pair = value.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) =
        pair.ok_or_else(|| format!("where: {value:?} is not an attribute, =, and its value"))?;
    Ok((key.to_owned(), value.to_owned()))
}
