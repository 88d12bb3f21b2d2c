//! Sends one request, by gRPC or by plain HTTP, and reads the answer.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use reqwest::{Client, Url};
use spanledger_component::{Clock, Error};

use crate::answer::{Problem, Taken, of_grpc, of_http};
use crate::config::{Compression, Headers, Tls};

/// Answers are small; of a larger one nothing is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How long it may take to reach the server.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The two ways to speak OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

/// How to reach a server.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) protocol: Protocol,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    pub(crate) compression: Compression,
    pub(crate) timeout: Duration,
    pub(crate) tls: Tls,
    pub(crate) user_agent: Option<String>,
}

/// Sends requests by one route.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
    route: Route,
    headers: HeaderMap,
    clock: Arc<dyn Clock>,
}

impl Sender {
    /// Reads the files that TLS needs. Connects to nothing yet.
    pub(crate) fn new(route: Route, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let user_agent = route.user_agent.clone();
        let user_agent = user_agent.unwrap_or_else(|| format!("spanledger/{}", env!("CARGO_PKG_VERSION")));
        let client = Client::builder()
            .user_agent(user_agent)
            .connect_timeout(CONNECT_TIME)
            .redirect(reqwest::redirect::Policy::none());
        let client = match route.protocol {
            Protocol::Grpc => client.http2_prior_knowledge(),
            Protocol::Http => client,
        };
        let client = route.tls.apply(client)?.build().map_err(|error| Error::caused("set up TLS", error))?;
        let headers = headers(&route);
        Ok(Self { client, route, headers, clock })
    }

    /// Sends a request, and waits for the answer.
    pub(crate) async fn send(&self, body: &[u8]) -> Result<Taken, Problem> {
        let sent = tokio::time::timeout(self.route.timeout, self.exchange(body)).await;
        let seconds = self.route.timeout.as_secs_f64();
        let late = || Problem::away(format!("no answer within {seconds} s"));
        let taken = sent.unwrap_or_else(|_| Err(late()));
        taken.map_err(|problem| Problem { message: self.described(problem.message), ..problem })
    }

    /// With the address, and without what must not be shown.
    fn described(&self, message: String) -> String {
        self.route.headers.hide(format!("send spans to {}: {message}", self.route.url))
    }

    async fn exchange(&self, body: &[u8]) -> Result<Taken, Problem> {
        let body =
            self.packed(body).map_err(|error| Problem::away(format!("compress a request: {error}")))?;
        let request = self.client.post(self.route.url.clone()).headers(self.headers.clone()).body(body);
        // The address is said once, by who says the error.
        let away = |error: reqwest::Error| {
            Problem::away(Error::caused("no answer", error.without_url()).to_string())
        };
        let response: http::Response<reqwest::Body> = request.send().await.map_err(away)?.into();
        let (head, body) = response.into_parts();
        let cut_off = |error| Problem::away(format!("the answer was cut off: {error}"));
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(cut_off)?;
        let trailers = body.trailers().cloned();
        let body = body.to_bytes();
        match self.route.protocol {
            Protocol::Grpc if head.status == 200 => {
                // An answer without a message has its trailers as headers.
                let status = trailers.filter(|trailers| trailers.contains_key("grpc-status"));
                of_grpc(&status.unwrap_or(head.headers), body.get(PREFIX_BYTES..).unwrap_or_default())
            }
            _ => of_http(head.status.as_u16(), &head.headers, &body, self.clock.now()),
        }
    }

    /// The request as it goes out.
    fn packed(&self, body: &[u8]) -> std::io::Result<Bytes> {
        let compressed = compress(self.route.compression, body)?;
        if self.route.protocol == Protocol::Http {
            return Ok(compressed.into());
        }
        let mut message = Vec::with_capacity(compressed.len() + PREFIX_BYTES);
        message.put_u8(u8::from(self.route.compression != Compression::None));
        message.put_u32(u32::try_from(compressed.len()).unwrap_or(u32::MAX));
        message.put_slice(&compressed);
        Ok(message.into())
    }
}

/// The prefix of a message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

fn compress(compression: Compression, body: &[u8]) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(body.to_vec()),
        Compression::Zstd => zstd::bulk::compress(body, 1),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
    }
}

fn headers(route: &Route) -> HeaderMap {
    let mut headers = route.headers.to_map();
    let encoding = route.compression.name().map(HeaderValue::from_static);
    match route.protocol {
        Protocol::Grpc => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            encoding.map(|encoding| headers.insert("grpc-encoding", encoding));
        }
        Protocol::Http => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
            encoding.map(|encoding| headers.insert(header::CONTENT_ENCODING, encoding));
        }
    }
    headers
}
