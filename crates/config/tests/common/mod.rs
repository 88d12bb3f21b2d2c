//! A small registry of components that do nothing, and an environment that tests own.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a module of the tests, each of which uses a part"
)]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{ByteSize, Secret, UnitDuration};
use spanledger_component::{
    Connector, ConnectorFactory, Context, Error, Exporter, ExporterFactory, Extension, ExtensionFactory,
    Processor, ProcessorFactory, Receiver, ReceiverFactory, Registry, Signal, Stability,
};
use spanledger_config::{Env, Loaded, load};

/// Variables and files of a test.
#[derive(Default)]
pub struct FakeEnv {
    pub variables: BTreeMap<String, String>,
    pub files: BTreeMap<String, String>,
}

impl FakeEnv {
    pub fn with(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let owned =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { variables: owned(variables), files: owned(files) }
    }
}

impl Env for FakeEnv {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let name = path.to_string_lossy().into_owned();
        self.files.get(&name).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }
}

/// What loading `config.yaml` gives.
pub fn load_yaml(yaml: &str) -> Result<Loaded, Vec<String>> {
    load_with(yaml, &FakeEnv::default())
}

/// What loading `config.yaml` gives in an environment.
pub fn load_with(yaml: &str, env: &FakeEnv) -> Result<Loaded, Vec<String>> {
    let mut files = env.files.clone();
    files.insert("config.yaml".to_owned(), yaml.to_owned());
    let env = FakeEnv { variables: env.variables.clone(), files };
    load(&["config.yaml".to_owned()], &[], &registry(), &env).map_err(|problems| lines(&problems.to_string()))
}

pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The least that can run; more is merged over it.
pub const MINIMAL: &str = "
receivers: {otlp: }
exporters: {parquet: {path: ./lake}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}}
";

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpConfig {
    protocols: Protocols,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Protocols {
    grpc: Option<Server>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    endpoint: String,
    port: u16,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParquetConfig {
    path: String,
    #[serde(default)]
    rotation: Rotation,
    #[serde(default)]
    secret_access_key: Option<Secret>,
    #[serde(default)]
    compression: Compression,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Default for ParquetConfig {
    fn default() -> Self {
        Self {
            path: "./lake".to_owned(),
            rotation: Rotation::default(),
            secret_access_key: None,
            compression: Compression::default(),
            labels: BTreeMap::new(),
        }
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    max_age: UnitDuration,
    max_bytes: ByteSize,
    max_rows: u64,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    #[default]
    Zstd,
    Snappy,
    None,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Empty {}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenaiConfig {
    prices: Vec<f64>,
    version: String,
    key: Option<Secret>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WalConfig {
    directory: String,
}

macro_rules! fake {
    ($name:ident, $factory:ident, $component:ident, $word:literal, $config:ty, {$($extra:tt)*}) => {
        pub struct $name;
        impl $factory for $name {
            const TYPE: &'static str = $word;
            const STABILITY: Stability = Stability::Alpha;
            type Config = $config;
            $($extra)*
            fn build(_: &$config, _: &Context) -> Result<Box<dyn $component>, Error> {
                Err(Error::new("a fake"))
            }
        }
    };
}

const ALL: &[Signal] = &Signal::ALL;
fake!(FakeOtlp, ReceiverFactory, Receiver, "otlp", OtlpConfig, {
    const SIGNALS: &'static [Signal] = ALL;
});
fake!(FakeGenai, ProcessorFactory, Processor, "genai", GenaiConfig, {
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
});
fake!(FakeParquet, ExporterFactory, Exporter, "parquet", ParquetConfig, {
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Logs];
    const ONCE: bool = true;
    fn check(config: &ParquetConfig) -> Vec<(String, String)> {
        let zero = config.rotation.max_rows == 7;
        zero.then(|| ("rotation.max_rows".to_owned(), "seven brings bad luck".to_owned()))
            .into_iter()
            .collect()
    }
});
fake!(FakePrometheus, ExporterFactory, Exporter, "prometheus", Empty, {
    const ALIASES: &'static [&'static str] = &["prom"];
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];
});
fake!(FakeGenaiMetrics, ConnectorFactory, Connector, "genai_metrics", Empty, {
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];
    const ONCE: bool = true;
});
fake!(FakeForward, ConnectorFactory, Connector, "forward", Empty, {
    const SIGNALS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Traces)];
});
fake!(FakeWal, ExtensionFactory, Extension, "wal", WalConfig, {
    const SINGLE: bool = true;
});
fake!(FakeAdmin, ExtensionFactory, Extension, "admin", Empty, {});

pub fn registry() -> Registry {
    Registry::default()
        .with_receiver::<FakeOtlp>()
        .with_processor::<FakeGenai>()
        .with_exporter::<FakeParquet>()
        .with_exporter::<FakePrometheus>()
        .with_connector::<FakeGenaiMetrics>()
        .with_connector::<FakeForward>()
        .with_extension::<FakeWal>()
        .with_extension::<FakeAdmin>()
}
