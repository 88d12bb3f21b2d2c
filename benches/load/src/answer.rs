//! What a collector answered.

use hyper::StatusCode;
use hyper::header::HeaderMap;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Acknowledged,
    /// Not taken; the sender may try again, as OTLP has it.
    Refused(Cause),
    /// Not taken for good, or not answered.
    Failed(Cause),
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What such causes have in common: a status, or that there was no answer.
    pub kind: String,
    /// In the words of the collector, or of whatever else failed.
    pub message: String,
}

impl Answer {
    /// Of gRPC: the status is in the trailers.
    pub(crate) fn of_grpc(trailers: &HeaderMap) -> Self {
        let status = trailers.get("grpc-status").and_then(|status| status.to_str().ok());
        let cause = || Cause {
            kind: status.map_or_else(|| "gRPC without status".to_owned(), |status| format!("gRPC {status}")),
            message: text(trailers, "grpc-message"),
        };
        match status {
            Some("0") => Self::Acknowledged,
            // Cancelled, deadline exceeded, aborted, out of range, unavailable and data loss.
            Some("1" | "4" | "10" | "11" | "14" | "15") => Self::Refused(cause()),
            // Exhausted may be tried again when the answer says when.
            Some("8") if trailers.contains_key("grpc-status-details-bin") => Self::Refused(cause()),
            _ => Self::Failed(cause()),
        }
    }

    /// Of HTTP.
    pub(crate) fn of_http(status: StatusCode, body: &[u8]) -> Self {
        let cause = || Cause {
            kind: format!("HTTP {}", status.as_u16()),
            message: String::from_utf8_lossy(body).into_owned(),
        };
        match status.as_u16() {
            200 => Self::Acknowledged,
            429 | 502 | 503 | 504 => Self::Refused(cause()),
            _ => Self::Failed(cause()),
        }
    }

    /// Of nobody: the connection failed.
    pub(crate) fn none(failure: &crate::Failure) -> Self {
        Self::Failed(Cause { kind: "no answer".to_owned(), message: failure.to_string() })
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc(pairs: &[(&'static str, &'static str)]) -> Answer {
        let pairs = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Answer::of_grpc(&pairs.collect())
    }

    #[test]
    fn what_may_be_tried_again_is_refused_and_the_rest_failed() {
        assert_eq!(grpc(&[("grpc-status", "0")]), Answer::Acknowledged);
        assert!(matches!(grpc(&[("grpc-status", "14")]), Answer::Refused(_)));
        let when = [("grpc-status", "8"), ("grpc-status-details-bin", "CAg")];
        assert!(matches!(grpc(&when), Answer::Refused(_)));
        assert!(matches!(grpc(&[("grpc-status", "8")]), Answer::Failed(_)));
        assert!(matches!(grpc(&[("grpc-status", "3")]), Answer::Failed(_)));
        assert!(matches!(grpc(&[]), Answer::Failed(_)));
    }

    #[test]
    fn http_has_statuses_for_the_same() {
        let of = |status| Answer::of_http(StatusCode::from_u16(status).unwrap(), b"");
        assert_eq!(of(200), Answer::Acknowledged);
        assert!(matches!(of(503), Answer::Refused(_)));
        assert!(matches!(of(400), Answer::Failed(_)));
    }

    #[test]
    fn a_cause_has_the_status_and_the_words_of_the_answer() {
        let cause = |kind: &str| Cause { kind: kind.to_owned(), message: "no room".to_owned() };
        let answer = grpc(&[("grpc-status", "14"), ("grpc-message", "no room")]);
        assert_eq!(answer, Answer::Refused(cause("gRPC 14")));
        let answer = Answer::of_http(StatusCode::PAYLOAD_TOO_LARGE, b"no room");
        assert_eq!(answer, Answer::Failed(cause("HTTP 413")));
    }
}
