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
    /// What is asked of it here waits for nobody.
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

/// As Go shows a duration: `1h2m3.5s`, and `15ms` below a second.
fn go_duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), u64::from(duration.subsec_nanos()));
    let (hours, minutes, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, second, nanos) {
        (0, 0, 0, 0) => "0s".to_owned(),
        (0, 0, 0, 1..1_000) => format!("{nanos}ns"),
        (0, 0, 0, 1_000..1_000_000) => format!("{}µs", decimal(nanos, 3)),
        (0, 0, 0, _) => format!("{}ms", decimal(nanos, 6)),
        (0, 0, ..) => format!("{}s", decimal(second * 1_000_000_000 + nanos, 9)),
        (0, ..) => format!("{minutes}m{}s", decimal(second * 1_000_000_000 + nanos, 9)),
        _ => format!("{hours}h{minutes}m{}s", decimal(second * 1_000_000_000 + nanos, 9)),
    }
}

/// A number whose last `digits` stand behind the point, without zeros at the end.
fn decimal(number: u64, digits: u32) -> String {
    let (unit, width) = (10_u64.pow(digits), digits as usize);
    let text = format!("{}.{:0width$}", number / unit, number % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_looks_as_go_writes_it() {
        for (nanos, text) in [
            (0, "0s"),
            (999, "999ns"),
            (1_500, "1.5µs"),
            (15_000_000, "15ms"),
            (1_605_256_881, "1.605256881s"),
            (61_000_000_000, "1m1s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_723_500_000_000, "1h2m3.5s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn a_time_looks_as_go_writes_it() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        assert_eq!(rfc3339(time), "2023-11-14T22:13:20.250Z");
    }
}
