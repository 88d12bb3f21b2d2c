//! The config: YAML from several sources, merged, expanded and checked against the registry of components, so that
//! everything that is wrong is said before anything starts.
//!
//! ```
//! use spanledger_component::Registry;
//! use spanledger_config::{SystemEnv, load};
//!
//! let yaml = "yaml:service: {pipelines: {traces: {receivers: [otlp], exporters: [parquet]}}}";
//! let problems = load(&[yaml.to_owned()], &[], &Registry::default(), &SystemEnv).err().unwrap();
//! assert_eq!(
//!     problems.0[0].to_string(),
//!     "--config 1:1:44: service::pipelines::traces: references receiver \"otlp\" which is not configured"
//! );
//! ```

mod canonical;
mod edges;
mod epoch;
mod expand;
mod graph;
mod node;
mod pipelines;
mod place;
mod print;
mod read;
mod scalar;
mod schema;
mod sections;
mod service;
mod settings;
mod source;
mod without_effect;
mod words;
mod yaml;

use spanledger_component::Registry;

pub use epoch::{Epoch, Pipeline};
pub use graph::{Graph, Service};
pub use pipelines::PipelineId;
pub use place::{Place, Problem, Problems};
pub use schema::schema;
pub use service::{LogEncoding, LogLevel, MetricLevel, PrometheusReader, TelemetrySettings};
pub use source::{Env, Source, SystemEnv};

use expand::Expander;
use node::Node;

/// A config that can run.
pub struct Loaded {
    /// What runs.
    pub graph: Graph,
    /// What was accepted and is worth a line: older names, keys without effect, variables that are not set.
    pub warnings: Vec<String>,
    tree: Node,
}

impl Loaded {
    /// The merged config as YAML: secrets as `[REDACTED]`, references as they were written.
    pub fn redacted_yaml(&self) -> String {
        print::yaml(&print::redacted(&self.tree))
    }

    /// The same as JSON.
    pub fn redacted_json(&self) -> serde_json::Value {
        print::redacted(&self.tree)
    }
}

/// Loads the config that `--config` and `--set` arguments name.
pub fn load(
    configs: &[String],
    sets: &[String],
    registry: &Registry,
    env: &dyn Env,
) -> Result<Loaded, Problems> {
    let configs = configs.iter().zip(1..).map(|(argument, number)| Source::config(argument, number));
    let sources: Vec<Source> = configs.chain(sets.iter().map(|argument| Source::set(argument))).collect();
    load_sources(&sources, registry, env)
}

/// Loads a config from sources, each of which overrides those before it.
pub fn load_sources(sources: &[Source], registry: &Registry, env: &dyn Env) -> Result<Loaded, Problems> {
    let mut problems = Vec::new();
    let mut tree: Option<Node> = None;
    for source in sources {
        match (source.read(env), &mut tree) {
            (Ok(node), None) => tree = Some(node),
            (Ok(node), Some(tree)) => tree.merge(node),
            (Err(problem), _) => problems.push(problem),
        }
    }
    let Some(mut tree) = tree.filter(|_| problems.is_empty()) else {
        if sources.is_empty() {
            problems.push(Problem::anywhere("at least one config flag must be provided"));
        }
        return Err(Problems::new(problems));
    };
    let mut expander = Expander::new(env);
    expander.expand(&mut tree);
    let (mut problems, mut warnings) = (expander.problems, expander.warnings);
    schema::mark_secrets(&mut tree, registry);
    let graph = graph::build(&tree, registry, &mut problems, &mut warnings);
    warnings.iter_mut().for_each(|warning| *warning = words::without_userinfo(warning));
    warnings.sort();
    warnings.dedup();
    match graph {
        Some(graph) if problems.is_empty() => Ok(Loaded { graph, warnings, tree }),
        _ => Err(Problems::new(problems)),
    }
}
