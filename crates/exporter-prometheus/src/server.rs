//! Answers scrapes.

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use spanledger_component::{Error, http::serve};
use spanledger_telemetry::text::{Format, negotiate, write};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Latest;

const PATH: &str = "/metrics";

/// Serves the latest families.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) latest: Latest,
    pub(crate) enable_open_metrics: bool,
}

impl Server {
    pub(crate) async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
        let answer = move |request: Request<Incoming>| {
            let response = self.answer(&request);
            async move { response }
        };
        serve(listener, answer, stop).await;
        Ok(())
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != PATH {
            return refusal(StatusCode::NOT_FOUND, "not found, metrics are at /metrics\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed, expected GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let format = self.format(request.headers());
        let Some(families) = self.latest.all() else {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "the counters are catching up with the log\n");
        };
        respond(StatusCode::OK, format.content_type(), write(families.iter().map(AsRef::as_ref), format))
    }

    fn format(&self, headers: &HeaderMap) -> Format {
        if !self.enable_open_metrics {
            return Format::Plain;
        }
        let accept: Vec<_> =
            headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok()).collect();
        negotiate(&accept.join(","))
    }
}

fn refusal(status: StatusCode, message: &'static str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", message)
}

fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
