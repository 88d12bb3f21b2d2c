//! OTLP/HTTP: protobuf and JSON bodies on the paths of the three signals.

use std::time::Duration;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use bytes::Bytes;
use http_body::Body;
use prost::Message as _;
use spanledger_component::{Accepted, Request as Export, Reservation, Signal};
use spanledger_otlp::{Malformed, Message, json_to_protobuf};

use crate::body::{Expected, Gathered, drain, next_piece, within};
use crate::config::HttpConfig;
use crate::counts::Counted;
use crate::decoder::Encoding;
use crate::failure::{Failure, Reason};
use crate::reply::Reply;
use crate::success;

/// Answers OTLP/HTTP.
pub(crate) struct Http {
    counted: Counted,
    paths: [(Signal, String); 3],
    bytes_max: Option<usize>,
    encodings: Vec<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    read_timeout: Option<Duration>,
    is_kept_alive: bool,
}

/// How a body is written: that of a request, and that of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

impl Http {
    pub(crate) fn new(config: &HttpConfig, counted: Counted) -> Self {
        Self {
            counted,
            paths: [
                (Signal::Traces, config.path(&config.traces_url_path)),
                (Signal::Metrics, config.path(&config.metrics_url_path)),
                (Signal::Logs, config.path(&config.logs_url_path)),
            ],
            bytes_max: config.bytes_max(),
            encodings: config.compression_algorithms.clone(),
            headers: config.headers(),
            read_timeout: (!config.read_timeout.is_zero()).then_some(config.read_timeout.0),
            is_kept_alive: config.keep_alives_enabled,
        }
    }

    /// Answers one request, in the form the request has; in JSON when it has none that is known.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Reply>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, mut body) = request.into_parts();
        let result = self.export(&head, &mut body).await;
        self.counted.ended(&result);
        if result.is_err() && is_to_be_drained(&head) {
            drain(&mut body).await;
        }
        let form = Form::of(&head.headers).unwrap_or(Form::Json);
        let mut response = match result {
            Ok((signal, accepted)) => success(form, signal, accepted),
            Err(failure) => refusal(form, &failure),
        };
        let headers = response.headers_mut();
        headers.extend(self.headers.iter().cloned());
        if !self.is_kept_alive && head.version < Version::HTTP_2 {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn export<B>(&self, head: &Parts, body: &mut B) -> Result<(Signal, Accepted), Failure>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (signal, form) = self.route(head)?;
        let encoding = self.encoding(&head.headers)?;
        let expected = Expected { encoding, bytes: content_length(&head.headers), bytes_max: self.bytes_max };
        let reading = read(Gathered::open(self.counted.intake(), expected).await?, body);
        let (body, room) = match self.read_timeout {
            None => reading.await?,
            Some(time) => within(time, reading).await.unwrap_or_else(|| Err(too_slow(time)))?,
        };
        let (body, room) = match form {
            Form::Protobuf => (body, room),
            Form::Json => transcode(signal, body, room).await?,
        };
        Ok((signal, self.counted.accept(Export { signal, body }, room).await?))
    }

    /// What is sent and how it is written, from the head alone.
    fn route(&self, head: &Parts) -> Result<(Signal, Form), Failure> {
        let path = head.uri.path();
        let route = self.paths.iter().find(|(_, known)| known == path);
        let (signal, _) =
            route.ok_or_else(|| Failure::new(Reason::NotServed, format!("no such path: {path}")))?;
        if head.method != Method::POST {
            let message = format!("{} is not allowed here: expected POST", head.method);
            return Err(Failure::new(Reason::Method, message));
        }
        let form = Form::of(&head.headers).ok_or_else(|| {
            let message = "unsupported content-type: expected application/x-protobuf or application/json";
            Failure::new(Reason::MediaType, message)
        })?;
        if !self.counted.intake().takes(*signal) {
            let message = format!("no pipeline takes {signal} from this receiver");
            return Err(Failure::new(Reason::NotServed, message));
        }
        Ok((*signal, form))
    }

    fn encoding(&self, headers: &HeaderMap) -> Result<Encoding, Failure> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let name = match (values.next(), values.next()) {
            (None, _) => "",
            (Some(value), None) => value.to_str().unwrap_or("?").trim(),
            _ => "more than one",
        };
        let name = if name.eq_ignore_ascii_case("identity") { "" } else { name };
        let taken = self.encodings.iter().find(|taken| taken.eq_ignore_ascii_case(name));
        taken.and_then(|taken| Encoding::of(taken)).ok_or_else(|| {
            let taken = self.encodings.join(", ");
            Failure::new(
                Reason::Encoding,
                format!("content-encoding {name:?} is not supported: expected one of {taken}"),
            )
        })
    }
}

async fn read<B>(mut gathered: Gathered, body: &mut B) -> Result<(Bytes, Reservation), Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(piece) = next_piece(body).await? {
        gathered.push(&piece).await?;
    }
    gathered.finish().await
}

/// JSON becomes protobuf at the door, so that everything behind it has one decoder.
async fn transcode(
    signal: Signal,
    json: Bytes,
    mut room: Reservation,
) -> Result<(Bytes, Reservation), Failure> {
    let bytes_max = room.bytes_max();
    // For a moment there are both; protobuf is hardly ever the larger one.
    room.grow_to(json.len().saturating_mul(2).min(bytes_max)).await?;
    match json_to_protobuf(message_of(signal), &json, bytes_max) {
        Ok(protobuf) => Ok((Bytes::from(protobuf), room)),
        Err(Malformed::TooLarge { .. }) => Err(Failure::too_large(json.len(), bytes_max)),
        Err(error) => Err(Failure::new(Reason::Malformed, error.to_string())),
    }
}

fn message_of(signal: Signal) -> Message {
    match signal {
        Signal::Traces => Message::Traces,
        Signal::Metrics => Message::Metrics,
        Signal::Logs => Message::Logs,
    }
}

fn too_slow(time: Duration) -> Failure {
    let after = Duration::from_secs(1);
    let message = format!("the request did not arrive within read_timeout, {} s", time.as_secs_f64());
    Failure::new(Reason::Unavailable { after }, message)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// HTTP/1 has to read what is left of a refused body, unless the sender waits for leave to send it. HTTP/2 resets.
fn is_to_be_drained(head: &Parts) -> bool {
    head.version < Version::HTTP_2 && !head.headers.contains_key(header::EXPECT)
}

fn success(form: Form, signal: Signal, accepted: Accepted) -> Response<Reply> {
    let told = success::response(accepted);
    let body = match form {
        Form::Protobuf => told.encode_to_vec().into(),
        Form::Json => told.json(message_of(signal)).to_string().into(),
    };
    response(StatusCode::OK, form, body)
}

fn refusal(form: Form, failure: &Failure) -> Response<Reply> {
    let status = failure.status();
    let body = match form {
        Form::Protobuf => status.encode_to_vec().into(),
        Form::Json => status.json().to_string().into(),
    };
    let mut response = response(failure.http_status(), form, body);
    let headers = response.headers_mut();
    if failure.reason == Reason::Method {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(after) = failure.retry_after() {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn response(status: StatusCode, form: Form, body: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, form.content_type());
    response
}

impl Form {
    /// Of a request, by its content type; parameters such as a charset do not matter.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let media_type = value.split(';').next()?.trim();
        if media_type.eq_ignore_ascii_case("application/x-protobuf") {
            return Some(Self::Protobuf);
        }
        media_type.eq_ignore_ascii_case("application/json").then_some(Self::Json)
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}
