//! `exporters: otlp:` sends over gRPC.

use spanledger_component::{Context, Error, Exporter, ExporterFactory, Signal, Stability};

use crate::config::GrpcConfig;
use crate::exporter::Forwarder;
use crate::sender::{Protocol, Route};

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Sends spans over OTLP/gRPC.
#[derive(Debug)]
pub struct Otlp;

impl ExporterFactory for Otlp {
    const TYPE: &'static str = "otlp";
    const ALIASES: &'static [&'static str] = &["otlp_grpc"];
    const SIGNALS: &'static [Signal] = &[Signal::Traces];
    const STABILITY: Stability = Stability::Alpha;
    const ONCE: bool = true;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = GrpcConfig::WITHOUT_EFFECT;
    type Config = GrpcConfig;

    fn check(config: &GrpcConfig) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &GrpcConfig, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        let mut url =
            config.url().map_err(|problem| Error::new(format!("{}: endpoint: {problem}", context.id)))?;
        url.set_path(METHOD);
        let route = Route {
            protocol: Protocol::Grpc,
            url,
            headers: config.headers.clone(),
            compression: config.compression,
            timeout: config.timeout.0,
            tls: config.tls.clone(),
            user_agent: config.user_agent.clone(),
        };
        Ok(Box::new(Forwarder::new(route, context)))
    }
}
