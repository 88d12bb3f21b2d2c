//! What a server answered, and what that means for the request.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use prost::Message as _;
use spanledger_otlp::answer::{ExportResponse, RetryInfo, Status};

/// Of a longer message the beginning is said.
const SAID_CHARS_MAX: usize = 300;

/// The request was taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// So many spans of it were not.
    pub(crate) rejected: u64,
    /// Why, or another warning.
    pub(crate) message: String,
}

/// The request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    /// What was answered.
    pub(crate) message: String,
    /// When the server wants to be asked again.
    pub(crate) after: Option<Duration>,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The server, for now.
    Away,
    /// The way to it: an address, a key, a right. An operator has to act.
    Setup,
    /// The spans of the request: they are never taken as they are.
    Spans,
}

impl Problem {
    pub(crate) fn away(message: String) -> Self {
        Self { kind: ProblemKind::Away, message, after: None }
    }
}

/// Reads an answer of HTTP.
pub(crate) fn of_http(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<Taken, Problem> {
    if (200..300).contains(&status) {
        return Ok(taken(body));
    }
    let kind = match status {
        408 | 429 | 502 | 503 | 504 => ProblemKind::Away,
        400 | 413 | 422 => ProblemKind::Spans,
        _ => ProblemKind::Setup,
    };
    let after = headers.get("retry-after").and_then(|value| retry_after(value.to_str().ok()?, now));
    let after = after.filter(|_| kind == ProblemKind::Away);
    Err(Problem { kind, message: format!("HTTP {status}{}", said(&text_of(headers, body))), after })
}

/// Reads an answer of gRPC: `status` are the headers that have `grpc-status`.
pub(crate) fn of_grpc(status: &HeaderMap, message: &[u8]) -> Result<Taken, Problem> {
    let text = |name| status.get(name).and_then(|value| value.to_str().ok());
    let code: Option<u8> = text("grpc-status").and_then(|code| code.trim().parse().ok());
    let Some(code) = code else {
        return Err(Problem::away("the answer has no grpc-status: is this OTLP/gRPC?".to_owned()));
    };
    if code == 0 {
        return Ok(taken(message));
    }
    let after = text("grpc-status-details-bin").and_then(retry_info);
    let words = text("grpc-message").map(percent_decoded).unwrap_or_default();
    let kind = match (code, after) {
        // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
        (1 | 4 | 10 | 11 | 14 | 15, _) => ProblemKind::Away,
        // RESOURCE_EXHAUSTED is also what a message gets that is larger than the server takes.
        (8, None) if words.contains("larger than max") => ProblemKind::Spans,
        (8, _) => ProblemKind::Away,
        // INVALID_ARGUMENT
        (3, _) => ProblemKind::Spans,
        _ => ProblemKind::Setup,
    };
    let after = after.filter(|_| kind == ProblemKind::Away);
    Err(Problem { kind, message: format!("{}{}", name_of(code), said(&words)), after })
}

fn taken(body: &[u8]) -> Taken {
    // Some servers answer with JSON, or with nothing that is asked for: the status says enough.
    let partial = ExportResponse::decode(body).ok().and_then(|response| response.partial_success);
    let partial = partial.unwrap_or_default();
    Taken { rejected: u64::try_from(partial.rejected).unwrap_or(0), message: partial.error_message }
}

/// The message of a Status, or the text of another answer.
fn text_of(headers: &HeaderMap, body: &[u8]) -> String {
    let is_protobuf = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-protobuf"));
    let status = is_protobuf.then(|| Status::decode(body).ok()).flatten();
    status.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |status| status.message)
}

/// `: message` in one line, shortened.
fn said(message: &str) -> String {
    let line: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => String::new(),
        1..=SAID_CHARS_MAX => format!(": {line}"),
        _ => format!(": {}…", line.chars().take(SAID_CHARS_MAX).collect::<String>()),
    }
}

/// Seconds, or a date.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?.with_timezone(&Utc);
    (date - DateTime::<Utc>::from(now)).to_std().ok()
}

fn retry_info(details: &str) -> Option<Duration> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let base64 = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let status = Status::decode(base64.decode(details).ok()?.as_slice()).ok()?;
    let info = status.details.iter().find(|any| any.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(delay.seconds.try_into().ok()?, delay.nanos.try_into().ok()?))
}

/// What gRPC writes as `%XX`.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn name_of(code: u8) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(usize::from(code)).map_or_else(|| format!("gRPC status {code}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use ProblemKind::{Away, Setup, Spans};

    use super::*;
    use spanledger_otlp::answer::{Any, Delay, PartialSuccess};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn http(status: u16, pairs: &[(&'static str, &str)]) -> Problem {
        of_http(status, &headers(pairs), b"no\nway", SystemTime::UNIX_EPOCH).unwrap_err()
    }

    fn grpc(code: &str, more: &[(&'static str, &str)]) -> Problem {
        of_grpc(&headers(&[&[("grpc-status", code)], more].concat()), b"").unwrap_err()
    }

    #[test]
    fn an_outage_is_told_from_a_wrong_setup_and_from_spans_that_are_refused() {
        for (status, kind) in [
            (429, Away),
            (502, Away),
            (503, Away),
            (504, Away),
            (400, Spans),
            (413, Spans),
            (301, Setup),
            (401, Setup),
            (403, Setup),
            (404, Setup),
            (500, Setup),
        ] {
            assert_eq!(http(status, &[]).kind, kind, "{status}");
        }
        for (code, kind) in [
            ("1", Away),
            ("4", Away),
            ("8", Away),
            ("10", Away),
            ("11", Away),
            ("14", Away),
            ("15", Away),
            ("3", Spans),
            ("2", Setup),
            ("5", Setup),
            ("7", Setup),
            ("12", Setup),
            ("13", Setup),
            ("16", Setup),
        ] {
            assert_eq!(grpc(code, &[]).kind, kind, "{code}");
        }
        let too_large = "grpc: received message larger than max (5000000 vs. 4194304)";
        assert_eq!(grpc("8", &[("grpc-message", too_large)]).kind, Spans);
        assert_eq!(of_grpc(&HeaderMap::new(), b"").unwrap_err().kind, Away, "a proxy's answer, say");
    }

    #[test]
    fn an_answer_is_said_in_one_short_line() {
        assert_eq!(http(503, &[]).message, "HTTP 503: no way");
        assert_eq!(
            grpc("16", &[("grpc-message", "key%20of%0A caf%C3%A9")]).message,
            "UNAUTHENTICATED: key of café"
        );
        let status = Status { message: "in a Status".into(), ..Status::default() }.encode_to_vec();
        let protobuf = headers(&[("content-type", "application/x-protobuf")]);
        let problem = of_http(400, &protobuf, &status, SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(problem.message, "HTTP 400: in a Status");
        let long = "word ".repeat(1000);
        assert!(
            of_http(400, &HeaderMap::new(), long.as_bytes(), SystemTime::UNIX_EPOCH)
                .unwrap_err()
                .message
                .len()
                < 400
        );
    }

    #[test]
    fn when_to_come_back_is_read_as_seconds_or_a_date_or_retry_info() {
        let after = |value| http(503, &[("retry-after", value)]).after;
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Thu, 01 Jan 1970 00:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("soon"), None);
        let info = RetryInfo { retry_delay: Some(Delay { seconds: 2, nanos: 500_000_000 }) };
        let any =
            Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value: info.encode_to_vec() };
        let status = Status { details: vec![any], ..Status::default() }.encode_to_vec();
        for details in [
            base64::engine::general_purpose::STANDARD.encode(&status),
            base64::engine::general_purpose::STANDARD_NO_PAD.encode(&status),
        ] {
            let problem = grpc("14", &[("grpc-status-details-bin", details.as_str())]);
            assert_eq!(problem.after, Some(Duration::from_millis(2500)));
        }
    }

    #[test]
    fn what_was_rejected_of_a_request_that_was_taken_is_read() {
        let partial = PartialSuccess { rejected: 3, error_message: "too old".into() };
        let body = ExportResponse { partial_success: Some(partial) }.encode_to_vec();
        let expected = Taken { rejected: 3, message: "too old".into() };
        assert_eq!(of_http(200, &HeaderMap::new(), &body, SystemTime::UNIX_EPOCH), Ok(expected));
        assert_eq!(of_grpc(&headers(&[("grpc-status", "0")]), b""), Ok(Taken::default()));
        assert_eq!(of_http(202, &HeaderMap::new(), b"{}", SystemTime::UNIX_EPOCH), Ok(Taken::default()));
    }
}
