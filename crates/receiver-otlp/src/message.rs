//! The messages of answers, `google.rpc.Status` and `Export*ServiceResponse`, as protobuf and as JSON.

use std::time::Duration;

use prost::Message;
use serde_json::{Value, json};
use spanledger_component::{Accepted, Signal};

use crate::failure::shorten;

/// `google.rpc.Status`: the body of every error.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.protobuf.Any`, with what it is in JSON.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`: the request may be sent again after the delay.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Delay {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

/// `google.rpc.BadRequest`: what is wrong with the request.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) field_violations: Vec<FieldViolation>,
}

/// One thing that is wrong with the request.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FieldViolation {
    #[prost(string, tag = "1")]
    pub(crate) field: String,
    #[prost(string, tag = "2")]
    pub(crate) description: String,
}

/// `Export{Trace,Metrics,Logs}ServiceResponse`: the same bytes for every signal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) partial_success: Option<PartialSuccess>,
}

/// What was rejected of a request that was taken in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(crate) rejected: i64,
    #[prost(string, tag = "2")]
    pub(crate) error_message: String,
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

impl RetryInfo {
    pub(crate) fn new(after: Duration) -> Self {
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let nanos = i32::try_from(after.subsec_nanos()).unwrap_or_default();
        Self { retry_delay: Some(Delay { seconds, nanos }) }
    }
}

impl BadRequest {
    pub(crate) fn new(description: &str) -> Self {
        let violation = FieldViolation { field: "body".into(), description: description.into() };
        Self { field_violations: vec![violation] }
    }
}

impl From<RetryInfo> for Any {
    fn from(info: RetryInfo) -> Self {
        Self { type_url: RETRY_INFO.into(), value: info.encode_to_vec() }
    }
}

impl From<BadRequest> for Any {
    fn from(bad: BadRequest) -> Self {
        Self { type_url: BAD_REQUEST.into(), value: bad.encode_to_vec() }
    }
}

impl Any {
    fn json(&self) -> Option<Value> {
        let mut json = match self.type_url.as_str() {
            RETRY_INFO => {
                let delay = RetryInfo::decode(self.value.as_slice()).ok()?.retry_delay?;
                let fraction = match delay.nanos {
                    0 => String::new(),
                    nanos => format!(".{nanos:09}"),
                };
                json!({"retryDelay": format!("{}{fraction}s", delay.seconds)})
            }
            BAD_REQUEST => {
                let violations = BadRequest::decode(self.value.as_slice()).ok()?.field_violations;
                let violations = violations
                    .iter()
                    .map(|violation| json!({"field": violation.field, "description": violation.description}));
                json!({"fieldViolations": violations.collect::<Vec<_>>()})
            }
            _ => return None,
        };
        json.as_object_mut()?.insert("@type".into(), self.type_url.as_str().into());
        Some(json)
    }
}

impl Status {
    /// As proto3 JSON has it.
    pub(crate) fn json(&self) -> Value {
        let details: Vec<_> = self.details.iter().filter_map(Any::json).collect();
        match details.is_empty() {
            true => json!({"code": self.code, "message": self.message}),
            false => json!({"code": self.code, "message": self.message, "details": details}),
        }
    }
}

impl ExportResponse {
    /// `partial_success` is unset when everything was taken in and there is nothing to say.
    pub(crate) fn new(accepted: Accepted) -> Self {
        if accepted.rejected == 0 && accepted.message.is_empty() {
            return Self { partial_success: None };
        }
        let rejected = i64::try_from(accepted.rejected).unwrap_or(i64::MAX);
        Self { partial_success: Some(PartialSuccess { rejected, error_message: shorten(accepted.message) }) }
    }

    /// As proto3 JSON has it: 64-bit numbers are strings, zero and empty are left out.
    pub(crate) fn json(&self, signal: Signal) -> Value {
        let Some(partial) = &self.partial_success else {
            return json!({});
        };
        let mut fields = serde_json::Map::new();
        if partial.rejected > 0 {
            let field = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            fields.insert(field.into(), partial.rejected.to_string().into());
        }
        if !partial.error_message.is_empty() {
            fields.insert("errorMessage".into(), partial.error_message.as_str().into());
        }
        json!({"partialSuccess": fields})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_success_leaves_partial_success_unset() {
        let full = ExportResponse::new(Accepted { items: 3, ..Accepted::default() });
        assert_eq!(full.encode_to_vec(), b"");
        assert_eq!(full.json(Signal::Traces), json!({}));
    }

    #[test]
    fn what_was_rejected_is_named_as_the_signal_has_it() {
        let some = ExportResponse::new(Accepted {
            items: 3,
            rejected: 2,
            message: "no trace id".into(),
            ..Accepted::default()
        });
        for (signal, field) in [
            (Signal::Traces, "rejectedSpans"),
            (Signal::Metrics, "rejectedDataPoints"),
            (Signal::Logs, "rejectedLogRecords"),
        ] {
            let expected = json!({"partialSuccess": {field: "2", "errorMessage": "no trace id"}});
            assert_eq!(some.json(signal), expected);
        }
    }

    #[test]
    fn a_delay_is_written_as_proto3_json_has_durations() {
        let status = Status {
            code: 14,
            message: "m".into(),
            details: vec![RetryInfo::new(Duration::from_millis(1500)).into()],
        };
        assert_eq!(status.json()["details"][0]["retryDelay"], "1.500000000s");
        assert_eq!(status.json()["details"][0]["@type"], RETRY_INFO);
    }
}
