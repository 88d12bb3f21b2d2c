//! OTLP/gRPC: unary calls of the three services, over HTTP/2.

use std::borrow::Cow;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::Body;
use prost::Message as _;
use spanledger_component::{Accepted, Request as Export, Signal};

use crate::counts::Counted;
use crate::decoder::Encoding;
use crate::failure::{Failure, Reason};
use crate::frame::read_message;
use crate::reply::Reply;
use crate::success;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
const ACCEPTED_ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,zstd");

/// Answers OTLP/gRPC.
pub(crate) struct Grpc {
    pub(crate) counted: Counted,
    /// The largest message, if the settings say so.
    pub(crate) bytes_max: Option<usize>,
}

impl Grpc {
    /// Answers one call.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Reply>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, mut body) = request.into_parts();
        if let Err(failure) = check(&head) {
            let response = not_grpc(&failure);
            self.counted.ended::<()>(&Err(failure));
            return response;
        }
        let result = self.export(head.uri.path(), &head.headers, &mut body).await;
        self.counted.ended(&result);
        match result {
            Ok(accepted) => success(accepted),
            Err(failure) => refusal(&failure),
        }
    }

    async fn export<B>(&self, path: &str, headers: &HeaderMap, body: &mut B) -> Result<Accepted, Failure>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let signal =
            signal(path).ok_or_else(|| Failure::new(Reason::NotServed, format!("no such method: {path}")))?;
        if !self.counted.intake().takes(signal) {
            let message = format!("no pipeline takes {signal} from this receiver");
            return Err(Failure::new(Reason::NotServed, message));
        }
        let encoding = encoding(headers)?;
        let (body, room) = read_message(body, encoding, self.bytes_max, self.counted.intake()).await?;
        self.counted.accept(Export { signal, body }, room).await
    }
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        _ => None,
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/grpc")
        || media_type.eq_ignore_ascii_case("application/grpc+proto")
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
    let Some(value) = headers.get("grpc-encoding") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(name @ ("identity" | "gzip" | "zstd")) => Ok(Encoding::of(name)),
        _ => Err(Failure::new(
            Reason::Encoding,
            format!("grpc-encoding {value:?} is not supported: expected identity, gzip or zstd"),
        )),
    }
}

/// Whether it is gRPC at all.
fn check(head: &Parts) -> Result<(), Failure> {
    if head.version < Version::HTTP_2 || !is_grpc(&head.headers) {
        let message = "this port takes OTLP/gRPC, content-type application/grpc over HTTP/2; OTLP/HTTP has a port of its own";
        return Err(Failure::new(Reason::MediaType, message));
    }
    if head.method != Method::POST {
        let message = format!("{} is not allowed here: expected POST", head.method);
        return Err(Failure::new(Reason::Method, message));
    }
    Ok(())
}

/// What is no gRPC gets an answer of HTTP, as the protocol asks for.
fn not_grpc(failure: &Failure) -> Response<Reply> {
    let body = Bytes::from(failure.status().json().to_string());
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = failure.http_status();
    if failure.reason == Reason::Method {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn success(accepted: Accepted) -> Response<Reply> {
    let message = success::response(accepted).encode_to_vec();
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(Reply::with_trailers(frame.freeze(), trailers));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

/// A failure has no message: its trailers are its headers.
fn refusal(failure: &Failure) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert("grpc-status", HeaderValue::from(failure.code() as u16));
    let details = STANDARD_NO_PAD.encode(failure.status().encode_to_vec());
    for (name, value) in
        [("grpc-message", percent_encoded(failure.message())), ("grpc-status-details-bin", details.into())]
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if failure.reason == Reason::Encoding {
        headers.insert("grpc-accept-encoding", ACCEPTED_ENCODINGS);
    }
    response
}

/// As gRPC wants `grpc-message`: what is not printable ASCII, and the percent sign, as `%XX`.
fn percent_encoded(message: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%';
    if message.bytes().all(is_plain) {
        return message.into();
    }
    let encode = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    message.bytes().map(encode).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_percent_encoded_as_the_protocol_has_it() {
        assert_eq!(percent_encoded("plain text"), "plain text");
        assert_eq!(percent_encoded("50 %\né"), "50 %25%0A%C3%A9");
    }
}
