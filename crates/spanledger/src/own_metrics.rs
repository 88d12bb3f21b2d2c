//! Serves the collector's own metrics, on `localhost:8888` by default.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};
use spanledger_component::{Error, Listener, http};
use spanledger_config::{PrometheusReader, TelemetrySettings};
use spanledger_engine::{Random as _, SystemRandom};
use spanledger_telemetry::text::negotiate;
use spanledger_telemetry::{Meter, Naming, render};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Serves `/metrics` for every reader of the config, until stop.
pub(crate) async fn serve(
    telemetry: &TelemetrySettings,
    meter: &Meter,
    stop: CancellationToken,
) -> Result<JoinSet<()>, Error> {
    let mut serving = JoinSet::new();
    let resource = Arc::new(resource(&telemetry.resource));
    for reader in &telemetry.readers {
        let endpoint = format!("{}:{}", reader.host, reader.port);
        let mut listener = Listener::new("service::telemetry::metrics".to_owned(), endpoint);
        listener.open().await?;
        let page = Page { meter: meter.clone(), naming: naming(reader), resource: resource.clone() };
        let handler = move |request: Request<Incoming>| {
            let response = page.answer(&request);
            async move { response }
        };
        serving.spawn(http::serve(listener.take()?, handler, stop.clone()));
    }
    Ok(serving)
}

fn naming(reader: &PrometheusReader) -> Naming {
    Naming {
        without_type_suffix: reader.without_type_suffix,
        without_units: reader.without_units,
        without_scope_info: reader.without_scope_info,
    }
}

/// What the collector says of itself; the config adds to it, and takes away with null.
fn resource(configured: &BTreeMap<String, Option<String>>) -> Vec<(String, String)> {
    let own = [
        ("service.name", "spanledger".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", uuid(SystemRandom.id())),
    ];
    let own = own.into_iter().filter(|(key, _)| !configured.contains_key(*key));
    let own = own.map(|(key, value)| (key.to_owned(), value));
    own.chain(configured.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)))).collect()
}

/// Random bytes in the form of a UUID of version 4.
fn uuid(random: [u8; 16]) -> String {
    let number = u128::from_be_bytes(random) & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
    let mut text = format!("{number:032x}");
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    text
}

#[derive(Clone)]
struct Page {
    meter: Meter,
    naming: Naming,
    resource: Arc<Vec<(String, String)>>,
}

impl Page {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != "/metrics" {
            return plain(StatusCode::NOT_FOUND, "404: metrics are at /metrics");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "405: only GET");
        }
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let format = negotiate(accept.unwrap_or_default());
        let mut response = plain(StatusCode::OK, render(&self.meter, format, self.naming, &self.resource));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(format.content_type()));
        response
    }
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_an_id_of_the_form_that_rfc_9562_gives() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
