//! Why a request was not taken in, and what that is called over gRPC and over HTTP.

use std::io;
use std::time::Duration;

use ::http::StatusCode;
use spanledger_component::Refused;
use spanledger_otlp::answer::{BadRequest, RetryInfo, Status};

/// The longest text that is sent back: gRPC puts it into headers, whose size clients bound.
const MESSAGE_BYTES_MAX: usize = 1024;

/// Why a request was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    message: String,
}

/// What kind of failure it is: what a sender would act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The body is not what it says it is.
    Malformed,
    /// Larger than a request may be.
    TooLarge,
    /// To be sent again after the delay.
    Unavailable { after: Duration },
    /// No such path, or no pipeline takes the signal.
    NotServed,
    /// Not POST.
    Method,
    /// Neither protobuf nor JSON.
    MediaType,
    /// An unknown compression.
    Encoding,
    /// Not exactly one message in a unary call.
    Cardinality,
    /// The framing of gRPC is broken.
    Framing,
    /// The sender went away; nobody reads the answer.
    Gone,
}

/// The codes of gRPC that are in use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Cancelled = 1,
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

impl Failure {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: shorten(message.into()) }
    }

    /// The body cannot be decompressed.
    pub(crate) fn undecodable(error: &io::Error) -> Self {
        Self::new(Reason::Malformed, format!("decompress the body: {error}"))
    }

    /// Larger than a request may be.
    pub(crate) fn too_large(bytes: usize, bytes_max: usize) -> Self {
        Refused::TooLarge { bytes, bytes_max }.into()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same request may be sent again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self.reason {
            Reason::Unavailable { after } => Some(after),
            _ => None,
        }
    }

    /// The code over gRPC, and in the body over HTTP.
    pub(crate) fn code(&self) -> Code {
        match self.reason {
            Reason::Malformed => Code::InvalidArgument,
            Reason::TooLarge => Code::ResourceExhausted,
            Reason::Unavailable { .. } => Code::Unavailable,
            Reason::NotServed | Reason::Method | Reason::Encoding | Reason::Cardinality => {
                Code::Unimplemented
            }
            Reason::MediaType => Code::InvalidArgument,
            Reason::Framing => Code::Internal,
            Reason::Gone => Code::Cancelled,
        }
    }

    /// The status over HTTP.
    pub(crate) fn http_status(&self) -> StatusCode {
        match self.reason {
            Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Reason::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Reason::NotServed => StatusCode::NOT_FOUND,
            Reason::Method => StatusCode::METHOD_NOT_ALLOWED,
            Reason::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Reason::Malformed | Reason::Encoding | Reason::Cardinality | Reason::Framing | Reason::Gone => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// The body of the answer: with RetryInfo exactly when the request may be sent again.
    pub(crate) fn status(&self) -> Status {
        let details = match self.reason {
            Reason::Malformed => vec![BadRequest::new(&self.message).into()],
            Reason::Unavailable { after } => vec![RetryInfo::new(after).into()],
            _ => Vec::new(),
        };
        Status { code: self.code() as i32, message: self.message.clone(), details }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let reason = match &refused {
            Refused::Malformed(_) => Reason::Malformed,
            Refused::TooLarge { .. } => Reason::TooLarge,
            Refused::Full { after, .. } | Refused::Stopping { after, .. } => {
                Reason::Unavailable { after: *after }
            }
        };
        Self::new(reason, refused.to_string())
    }
}

/// Cuts a text to what may be sent back.
pub(crate) fn shorten(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use spanledger_component::Error;

    use super::*;

    #[test]
    fn only_what_may_be_sent_again_says_when() {
        let after = Duration::from_secs(3);
        for (refused, code, status, retry) in [
            (Refused::Malformed(Error::new("bad")), Code::InvalidArgument, 400, None),
            (Refused::TooLarge { bytes: 2, bytes_max: 1 }, Code::ResourceExhausted, 413, None),
            (Refused::Full { reason: "memory".into(), after, items: 0 }, Code::Unavailable, 503, Some(after)),
            (Refused::Stopping { after, items: 0 }, Code::Unavailable, 503, Some(after)),
        ] {
            let failure = Failure::from(refused);
            assert_eq!((failure.code(), failure.http_status().as_u16()), (code, status));
            assert_eq!(failure.retry_after(), retry);
            let details = failure.status().details;
            assert_eq!(details.iter().any(|any| any.type_url.ends_with("RetryInfo")), retry.is_some());
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let failure = Failure::new(Reason::Malformed, "é".repeat(2000));
        assert!(failure.message().len() <= 1024 + 3 && failure.message().ends_with("é…"));
    }
}
