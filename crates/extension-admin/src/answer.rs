//! What is asked and what is answered.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::json;
use spanledger_component::settings::{GoDuration, Secret};
use spanledger_component::{Host, Letters, Position, Waiting};

use crate::replay;

/// How long a flush or a drain waits when it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The longest that one may wait.
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// What names dead letters in a query.
const LETTERS: &[&str] = &["branch", "position", "timeout"];

/// Answers requests.
pub(crate) struct Answers {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) token: Option<Secret>,
}

/// What a flush or a drain was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    exporter: Option<String>,
    letters: Letters,
    timeout: Duration,
}

impl Answers {
    /// Answers one request; a flush or a drain when it is over.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>> {
        if !self.is_allowed(request.headers()) {
            let mut response = error(StatusCode::UNAUTHORIZED, "expected authorization: Bearer <token>");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return response;
        }
        match (request.uri().path(), request.method()) {
            ("/status", &Method::GET | &Method::HEAD) => respond(StatusCode::OK, &self.host.status()),
            ("/dead-letters", &Method::GET | &Method::HEAD) => {
                respond(StatusCode::OK, &self.host.dead_letters())
            }
            ("/status" | "/dead-letters", _) => method_not_allowed("GET, HEAD"),
            (path, &Method::PUT) => match (path, request.uri().query().unwrap_or_default()) {
                ("/flush", query) => self.flush(Wanted::of(query, &["exporter", "timeout"])).await,
                ("/drain", query) => self.drain(Wanted::of(query, &["timeout"])).await,
                ("/dead-letters/replay", query) => self.replay(Wanted::of(query, LETTERS)).await,
                ("/dead-letters/drop", query) => self.give_up(Wanted::of(query, LETTERS)).await,
                ("/replay", query) => self.replay_records(query).await,
                _ => not_found(path),
            },
            ("/flush" | "/drain" | "/replay" | "/dead-letters/replay" | "/dead-letters/drop", _) => {
                method_not_allowed("PUT")
            }
            (path, _) => not_found(path),
        }
    }

    async fn flush(&self, wanted: Result<Wanted, String>) -> Response<Full<Bytes>> {
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(message) => return error(StatusCode::BAD_REQUEST, &message),
        };
        if let Some(exporter) = &wanted.exporter {
            let branches = self.host.status().branches;
            if !branches.iter().any(|branch| branch.id == *exporter) {
                let known: Vec<_> = branches.iter().map(|branch| branch.id.as_str()).collect();
                let message = format!("no exporter {exporter:?}: there are {}", known.join(", "));
                return error(StatusCode::NOT_FOUND, &message);
            }
        }
        waited(self.host.flush(wanted.exporter.as_deref(), wanted.timeout).await)
    }

    async fn drain(&self, wanted: Result<Wanted, String>) -> Response<Full<Bytes>> {
        match wanted {
            Ok(wanted) => waited(self.host.drain(wanted.timeout).await),
            Err(message) => error(StatusCode::BAD_REQUEST, &message),
        }
    }

    async fn replay(&self, wanted: Result<Wanted, String>) -> Response<Full<Bytes>> {
        match wanted {
            Ok(Wanted { letters, timeout, .. }) => {
                respond(StatusCode::OK, &self.host.replay_dead_letters(&letters, timeout).await)
            }
            Err(message) => error(StatusCode::BAD_REQUEST, &message),
        }
    }

    async fn give_up(&self, wanted: Result<Wanted, String>) -> Response<Full<Bytes>> {
        match wanted {
            // What is dropped is gone: nobody drops everything by leaving something out.
            Ok(Wanted { letters: Letters { branch: None, .. }, .. }) => {
                error(StatusCode::BAD_REQUEST, "expected branch: whose dead letters are to be dropped")
            }
            Ok(Wanted { letters, timeout, .. }) => {
                respond(StatusCode::OK, &self.host.drop_dead_letters(&letters, timeout).await)
            }
            Err(message) => error(StatusCode::BAD_REQUEST, &message),
        }
    }

    async fn replay_records(&self, query: &str) -> Response<Full<Bytes>> {
        let (what, timeout) = match replay::asked(query) {
            Ok(asked) => asked,
            Err(message) => return error(StatusCode::BAD_REQUEST, &message),
        };
        match self.host.replay(&what, timeout).await {
            Ok(replayed) => respond(StatusCode::OK, &replayed),
            Err(refused) => error(StatusCode::BAD_REQUEST, &refused.to_string()),
        }
    }

    fn is_allowed(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = value.and_then(|value| value.split_once(' '));
        given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case("bearer")
                && is_same(given.trim().as_bytes(), token.reveal().as_bytes())
        })
    }
}

/// Compares without telling by its time where the first difference is.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let differences = given.iter().zip(expected).fold(0, |found, (one, other)| found | (one ^ other));
    given.len() == expected.len() && differences == 0
}

impl Wanted {
    fn of(query: &str, parameters: &[&str]) -> Result<Self, String> {
        let mut wanted = Self { exporter: None, letters: Letters::default(), timeout: TIMEOUT };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                key if !parameters.contains(&key) => {
                    return Err(format!("unknown parameter {key:?}: expected {}", parameters.join(" or ")));
                }
                "exporter" => wanted.exporter = Some(value.into_owned()),
                "branch" => wanted.letters.branch = Some(value.into_owned()),
                "position" => {
                    let position =
                        value.parse().map_err(|_| format!("position: {value:?} is no position"))?;
                    wanted.letters.position = Some(Position(position));
                }
                _ => {
                    let timeout = value.parse::<GoDuration>().map_err(|error| format!("timeout: {error}"))?;
                    wanted.timeout = timeout.0.min(TIMEOUT_MAX);
                }
            }
        }
        Ok(wanted)
    }
}

fn waited(outcome: Result<(), Vec<Waiting>>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(()) => respond(StatusCode::OK, &json!({})),
        Err(waiting) => respond(StatusCode::GATEWAY_TIMEOUT, &json!({"waiting": waiting})),
    }
}

fn not_found(path: &str) -> Response<Full<Bytes>> {
    error(StatusCode::NOT_FOUND, &format!("no such path: {path}"))
}

fn method_not_allowed(allowed: &'static str) -> Response<Full<Bytes>> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, &format!("expected {allowed}"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn error(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    respond(status, &json!({"error": message}))
}

fn respond(status: StatusCode, body: &impl serde::Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let both = |query| Wanted::of(query, &["exporter", "timeout"]);
        let wanted = both("exporter=parquet%2Feu&timeout=1m30s").unwrap();
        let (exporter, letters) = (Some("parquet/eu".into()), Letters::default());
        assert_eq!(wanted, Wanted { exporter, letters, timeout: Duration::from_secs(90) });
        assert_eq!(both("").unwrap().timeout, Duration::from_secs(60));
        assert_eq!(both("timeout=9999h").unwrap().timeout, Duration::from_secs(3600));
        assert!(both("timeout=soon").unwrap_err().contains("soon"));
        assert!(both("exportr=parquet").unwrap_err().contains("exportr"));
        assert!(Wanted::of("exporter=parquet", &["timeout"]).unwrap_err().contains("expected timeout"));
    }

    #[test]
    fn tokens_are_the_same_only_as_a_whole() {
        assert!(is_same(b"abc", b"abc"));
        assert!(!is_same(b"ab", b"abc") && !is_same(b"abcd", b"abc") && !is_same(b"abd", b"abc"));
    }
}
