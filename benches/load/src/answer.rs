//! What a collector answered.

use hyper::StatusCode;
use hyper::header::HeaderMap;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Acknowledged,
    /// Not taken; the sender may try again, as OTLP has it.
    Refused,
    /// Not taken for good, or not answered.
    Failed,
}

impl Answer {
    /// Of gRPC: the status is in the trailers.
    pub(crate) fn of_grpc(trailers: &HeaderMap) -> Self {
        let status = trailers.get("grpc-status").and_then(|status| status.to_str().ok());
        match status {
            Some("0") => Self::Acknowledged,
            // Cancelled, deadline exceeded, aborted, out of range, unavailable and data loss.
            Some("1" | "4" | "10" | "11" | "14" | "15") => Self::Refused,
            // Exhausted may be tried again when the answer says when.
            Some("8") if trailers.contains_key("grpc-status-details-bin") => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// Of HTTP.
    pub(crate) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            200 => Self::Acknowledged,
            429 | 502 | 503 | 504 => Self::Refused,
            _ => Self::Failed,
        }
    }
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
        assert_eq!(grpc(&[("grpc-status", "14")]), Answer::Refused);
        assert_eq!(grpc(&[("grpc-status", "8"), ("grpc-status-details-bin", "CAg")]), Answer::Refused);
        assert_eq!(grpc(&[("grpc-status", "8")]), Answer::Failed);
        assert_eq!(grpc(&[("grpc-status", "3")]), Answer::Failed);
        assert_eq!(grpc(&[]), Answer::Failed);
    }

    #[test]
    fn http_has_statuses_for_the_same() {
        let of = |status| Answer::of_http(StatusCode::from_u16(status).unwrap());
        assert_eq!([of(200), of(503), of(400)], [Answer::Acknowledged, Answer::Refused, Answer::Failed]);
    }
}
