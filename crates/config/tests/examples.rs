//! The configs that come with the program load, whatever their components make of the settings.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::FakeEnv;
use serde_json::{Value, json};
use spanledger_component::{
    Connector, ConnectorFactory, Context, Error, Exporter, ExporterFactory, Extension, ExtensionFactory,
    Processor, ProcessorFactory, Receiver, ReceiverFactory, Registry, Signal, Stability,
};
use spanledger_config::{Loaded, load};

type Anything = BTreeMap<String, Value>;

macro_rules! lenient {
    ($name:ident, $factory:ident, $component:ident, $word:literal, {$($extra:tt)*}) => {
        struct $name;
        impl $factory for $name {
            const TYPE: &'static str = $word;
            const STABILITY: Stability = Stability::Alpha;
            type Config = Anything;
            $($extra)*
            fn build(_: &Anything, _: &Context) -> Result<Box<dyn $component>, Error> {
                Err(Error::new("a fake"))
            }
        }
    };
}

lenient!(Otlp, ReceiverFactory, Receiver, "otlp", {
    const SIGNALS: &'static [Signal] = &Signal::ALL;
});
lenient!(Genai, ProcessorFactory, Processor, "genai", {
    const SIGNALS: &'static [Signal] = &Signal::ALL;
});
lenient!(Parquet, ExporterFactory, Exporter, "parquet", {
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const ONCE: bool = true;
});
lenient!(Prometheus, ExporterFactory, Exporter, "prometheus", {
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];
});
lenient!(GenaiMetrics, ConnectorFactory, Connector, "genai_metrics", {
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];
});
lenient!(Wal, ExtensionFactory, Extension, "wal", {});
lenient!(Admin, ExtensionFactory, Extension, "admin", {});
lenient!(HealthCheck, ExtensionFactory, Extension, "health_check", {});

fn load_example(name: &str, text: &str, variables: &[(&str, &str)]) -> Loaded {
    let registry = Registry::default()
        .with_receiver::<Otlp>()
        .with_processor::<Genai>()
        .with_exporter::<Parquet>()
        .with_exporter::<Prometheus>()
        .with_connector::<GenaiMetrics>()
        .with_extension::<Wal>()
        .with_extension::<Admin>()
        .with_extension::<HealthCheck>();
    let env = FakeEnv::with(variables, &[(name, text)]);
    load(&[name.to_owned()], &[], &registry, &env).map_err(|problems| problems.to_string()).unwrap()
}

#[test]
fn the_default_listens_on_loopback_only() {
    let loaded = load_example("local.yaml", include_str!("../../../config/local.yaml"), &[]);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert!(!loaded.redacted_yaml().contains("0.0.0.0"));
    assert_eq!(loaded.graph.extensions.len(), 3);
    assert_eq!(loaded.graph.epoch.pipelines.len(), 3);
}

#[test]
fn the_gateway_takes_its_keys_from_the_environment() {
    let keys = [("AWS_ACCESS_KEY_ID", "minio"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
    let loaded = load_example("gateway.yaml", include_str!("../../../config/gateway.yaml"), &keys);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(
        loaded.redacted_json()["exporters"]["parquet"]["secret_access_key"],
        json!("${env:AWS_SECRET_ACCESS_KEY}")
    );
    assert_eq!(loaded.graph.service.memory, Some(512 << 20));
    assert_eq!(loaded.graph.service.telemetry.readers[0].host, "0.0.0.0");
}

#[test]
fn the_sidecar_takes_requests_of_its_pod_alone_and_holds_32_mib() {
    let keys = [("AWS_ACCESS_KEY_ID", "minio"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
    let loaded = load_example("sidecar.yaml", include_str!("../../../config/sidecar.yaml"), &keys);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.graph.service.memory, Some(32 << 20));
    let protocols = &loaded.redacted_json()["receivers"]["otlp"]["protocols"];
    assert_eq!(protocols["grpc"]["endpoint"], json!("127.0.0.1:4317"));
    assert_eq!(protocols["http"]["endpoint"], json!("127.0.0.1:4318"));
}
