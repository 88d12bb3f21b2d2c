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
//!     problems.problems[0].to_string(),
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
mod unused;
mod widen;
mod without_effect;
mod words;
mod yaml;

use serde::de::DeserializeOwned;
use spanledger_component::{ComponentId, Kind, Registry};

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
    /// What was accepted and is worth a line: older names, keys without effect, variables that are not set,
    /// components that nothing uses.
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

    /// The settings of a component that is declared, secrets included, for whoever knows what they are; also where no
    /// pipeline names it. `None`: there is no such component, or its settings are others.
    pub fn settings<T: DeserializeOwned>(&self, kind: Kind, id: &ComponentId) -> Option<T> {
        let section = self.tree.child(kind.section())?.map()?;
        let (_, entry) =
            section.iter().find(|(key, _)| key.parse().is_ok_and(|known: ComponentId| known == *id))?;
        let read =
            settings::read(&entry.node, &[], &mut Vec::new(), &|input| erased_serde::deserialize(input));
        read.map(|read| read.settings)
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
    if sources.is_empty() {
        problems.push(Problem::anywhere("at least one config flag must be provided"));
    }
    let trees: Vec<Option<Node>> = sources.iter().map(|source| source.read(env, &mut problems)).collect();
    // Without one of the sources, what it has would be missed everywhere.
    let trees = trees.into_iter().collect::<Option<Vec<Node>>>();
    let Some(mut tree) = trees.and_then(|trees| trees.into_iter().reduce(Node::merged)) else {
        return Err(Problems::new(problems, Vec::new()));
    };
    let mut expander = Expander::new(env);
    expander.expand(&mut tree);
    problems.append(&mut expander.problems);
    let unset = expander.warnings;
    let mut warnings = unset.clone();
    schema::mark_secrets(&mut tree, registry);
    let graph = graph::build(&tree, registry, &mut problems, &mut warnings);
    warnings.iter_mut().for_each(|warning| *warning = words::without_userinfo(warning));
    warnings.sort();
    warnings.dedup();
    match graph {
        Some(graph) if problems.is_empty() => Ok(Loaded { graph, warnings, tree }),
        _ => Err(Problems::new(problems, unset)),
    }
}
