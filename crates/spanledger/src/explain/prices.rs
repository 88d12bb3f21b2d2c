//! The prices that are explained with: those of the config, else those that are built in.

use std::sync::Arc;

use spanledger_component::{ComponentId, Error, Kind, Signal};
use spanledger_config::Loaded;
use spanledger_processor_genai::{Config, Prices};

use super::Heard;
use crate::show;

/// The prices that are built in.
pub(crate) fn built_in(heard: &mut Heard) -> Arc<Prices> {
    let prices = Prices::bundled();
    heard.tell(
        "prices",
        &format!("{}, which are built in; --config gives those of a config", prices.version()),
    );
    prices
}

/// The prices of a processor of the config: of the one that is named, else of the first that a pipeline of traces has.
pub(crate) async fn of_config(
    loaded: &Loaded,
    named: Option<&ComponentId>,
    heard: &mut Heard,
) -> Result<Arc<Prices>, Error> {
    let ids = match named {
        Some(id) => vec![id.clone()],
        None => in_pipelines(loaded),
    };
    let mut found: Vec<(&ComponentId, Arc<Prices>)> = Vec::new();
    for id in &ids {
        found.push((id, of_processor(loaded, id).await?));
    }
    let Some((id, prices)) = found.first() else {
        show::error("no pipeline of traces has a `genai` processor by this config");
        return Ok(built_in(heard));
    };
    if found.iter().any(|(_, other)| other.version() != prices.version()) {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        show::error(&format!(
            "processors with different prices read spans: {}; these are the prices of {id}, --processor takes another's",
            ids.join(", ")
        ));
    }
    heard.tell("prices", &format!("{}, of processors::{id}", prices.version()));
    Ok(prices.clone())
}

/// The processors `genai` that spans go through, each once.
fn in_pipelines(loaded: &Loaded) -> Vec<ComponentId> {
    let pipelines =
        loaded.graph.epoch.pipelines.iter().filter(|pipeline| pipeline.id.signal == Signal::Traces);
    let mut ids: Vec<ComponentId> = Vec::new();
    for (id, _) in pipelines.flat_map(|pipeline| &pipeline.processors) {
        if id.kind() == "genai" && !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

async fn of_processor(loaded: &Loaded, id: &ComponentId) -> Result<Arc<Prices>, Error> {
    let config = Some(id).filter(|id| id.kind() == "genai");
    let config: Option<Config> = config.and_then(|id| loaded.settings(Kind::Processor, id));
    let config =
        config.ok_or_else(|| Error::new(format!("processors: there is no `genai` processor {id}")))?;
    let current = config.prices.current().await;
    let current = current.map_err(|error| Error::caused(format!("processors::{id}"), error))?;
    if let Some(error) = current.failed {
        show::error(&format!("processors::{id}: {error}; the table is the one that is built in"));
    }
    Ok(current.prices)
}
