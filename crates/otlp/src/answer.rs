//! The messages of answers, `google.rpc.Status` and `Export*ServiceResponse`, as protobuf and as JSON.

use std::time::Duration;

use prost::Message;
use serde_json::{Value, json};

/// `google.rpc.Status`: the body of every error.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// The code of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What is wrong.
    #[prost(string, tag = "2")]
    pub message: String,
    /// What else there is to say.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`, with what it is in JSON.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    /// Which message it is.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// That message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`: the request may be sent again after the delay.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    /// How long to wait.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Delay {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.rpc.BadRequest`: what is wrong with the request.
#[derive(Clone, PartialEq, Message)]
pub struct BadRequest {
    /// Each of them.
    #[prost(message, repeated, tag = "1")]
    pub field_violations: Vec<FieldViolation>,
}

/// One thing that is wrong with the request.
#[derive(Clone, PartialEq, Message)]
pub struct FieldViolation {
    /// Which field.
    #[prost(string, tag = "1")]
    pub field: String,
    /// What is wrong with it.
    #[prost(string, tag = "2")]
    pub description: String,
}

/// `Export{Trace,Metrics,Logs}ServiceResponse`: the same bytes for every signal.
#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    /// Unset when everything was taken in and there is nothing to say.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// What was rejected of a request that was taken in.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// How many spans, log records or data points.
    #[prost(int64, tag = "1")]
    pub rejected: i64,
    /// Why, or with nothing rejected a warning.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

impl RetryInfo {
    /// After this time.
    pub fn new(after: Duration) -> Self {
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let nanos = i32::try_from(after.subsec_nanos()).unwrap_or_default();
        Self { retry_delay: Some(Delay { seconds, nanos }) }
    }
}

impl BadRequest {
    /// That the body is wrong.
    pub fn new(description: &str) -> Self {
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
    pub fn json(&self) -> Value {
        let details: Vec<_> = self.details.iter().filter_map(Any::json).collect();
        match details.is_empty() {
            true => json!({"code": self.code, "message": self.message}),
            false => json!({"code": self.code, "message": self.message, "details": details}),
        }
    }
}

impl ExportResponse {
    /// As proto3 JSON has it: 64-bit numbers are strings, zero and empty are left out.
    pub fn json(&self, of: crate::Message) -> Value {
        let Some(partial) = &self.partial_success else {
            return json!({});
        };
        let mut fields = serde_json::Map::new();
        if partial.rejected > 0 {
            let field = match of {
                crate::Message::Traces => "rejectedSpans",
                crate::Message::Metrics => "rejectedDataPoints",
                crate::Message::Logs => "rejectedLogRecords",
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
        let full = ExportResponse { partial_success: None };
        assert_eq!(full.encode_to_vec(), b"");
        assert_eq!(full.json(crate::Message::Traces), json!({}));
    }

    #[test]
    fn what_was_rejected_is_named_as_the_signal_has_it() {
        let partial = PartialSuccess { rejected: 2, error_message: "no trace id".into() };
        let some = ExportResponse { partial_success: Some(partial) };
        for (of, field) in [
            (crate::Message::Traces, "rejectedSpans"),
            (crate::Message::Metrics, "rejectedDataPoints"),
            (crate::Message::Logs, "rejectedLogRecords"),
        ] {
            let expected = json!({"partialSuccess": {field: "2", "errorMessage": "no trace id"}});
            assert_eq!(some.json(of), expected);
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
