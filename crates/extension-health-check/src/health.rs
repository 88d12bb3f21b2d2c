//! What is answered: decided from the state of the collector, without a socket.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::http::{HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use serde_json::json;
use spanledger_component::{Clock, Host};

use crate::config::ResponseBody;

/// Answers liveness and readiness.
pub(crate) struct Health {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) up_since: SystemTime,
    pub(crate) path: String,
    pub(crate) bodies: ResponseBody,
}

/// An answer: a status, whether the body is JSON, and the body.
type Answer = (StatusCode, bool, String);

impl Health {
    /// Answers one request.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let is_read = method == Method::GET || method == Method::HEAD;
        let (status, is_json, body) = match path {
            _ if !is_read => self.method_not_allowed(),
            path if path == self.path => self.live(),
            "/ready" => self.ready(),
            _ => (StatusCode::NOT_FOUND, true, json!({"error": format!("no such path: {path}")}).to_string()),
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        let content_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    /// 503 only before the start is done, never because of load: orchestrators kill what is not alive.
    fn live(&self) -> Answer {
        let (status, text, own) = match self.host.started() {
            true => (StatusCode::OK, "Server available", &self.bodies.healthy),
            false => (StatusCode::SERVICE_UNAVAILABLE, "Server not available", &self.bodies.unhealthy),
        };
        if !own.is_empty() {
            return (status, false, own.clone());
        }
        // The Collector's body: not available has neither a time nor an uptime to tell.
        let (up_since, uptime) = match self.host.started() {
            true => (rfc3339(self.up_since), go_duration(self.uptime())),
            false => ("0001-01-01T00:00:00Z".into(), String::new()),
        };
        (status, true, json!({"status": text, "upSince": up_since, "uptime": uptime}).to_string())
    }

    fn ready(&self) -> Answer {
        let ready = match self.host.started() {
            true => self.host.ready(),
            false => Err("the collector is starting".to_owned()),
        };
        match ready {
            Ok(()) => (StatusCode::OK, true, json!({"status": "ready"}).to_string()),
            Err(reason) => {
                let body = json!({"status": "not ready", "reason": reason});
                (StatusCode::SERVICE_UNAVAILABLE, true, body.to_string())
            }
        }
    }

    fn method_not_allowed(&self) -> Answer {
        (StatusCode::METHOD_NOT_ALLOWED, true, json!({"error": "expected GET or HEAD"}).to_string())
    }

    fn uptime(&self) -> Duration {
        self.clock.now().duration_since(self.up_since).unwrap_or_default()
    }
}

fn rfc3339(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// As Go shows a duration: `1h2m3.5s`.
fn go_duration(duration: Duration) -> String {
    let (hours, minutes) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60);
    let seconds = (duration.as_secs() % 60) as f64 + f64::from(duration.subsec_nanos()) / 1e9;
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_looks_as_go_writes_it() {
        for (millis, text) in [(0, "0s"), (1_500, "1.5s"), (61_000, "1m1s"), (3_723_500, "1h2m3.5s")] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_time_looks_as_go_writes_it() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        assert_eq!(rfc3339(time), "2023-11-14T22:13:20.250Z");
    }
}
