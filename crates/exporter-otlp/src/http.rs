//! `exporters: otlphttp:` sends over HTTP, as protobuf.

use spanledger_component::{Context, Error, Exporter, ExporterFactory, Signal, Stability};

use crate::config::HttpConfig;
use crate::exporter::Forwarder;
use crate::sender::{Protocol, Route};

/// Sends spans over OTLP/HTTP.
#[derive(Debug)]
pub struct OtlpHttp;

impl ExporterFactory for OtlpHttp {
    const TYPE: &'static str = "otlphttp";
    const ALIASES: &'static [&'static str] = &["otlp_http"];
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const STABILITY: Stability = Stability::Alpha;
    const ONCE: bool = true;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = HttpConfig::WITHOUT_EFFECT;
    type Config = HttpConfig;

    fn check(config: &HttpConfig) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &HttpConfig, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        let url = config.traces_url();
        let route = Route {
            protocol: Protocol::Http,
            url: url.map_err(|problem| Error::new(format!("{}: endpoint: {problem}", context.id)))?,
            headers: config.headers.clone(),
            compression: config.compression,
            timeout: config.timeout.0,
            tls: config.tls.clone(),
            user_agent: None,
        };
        Ok(Box::new(Forwarder::new(route, context)))
    }
}
