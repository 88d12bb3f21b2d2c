//! The settings of `genai`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::settings::{Secret, UnitDuration};
use spanledger_component::{Error, Pinned};
use spanledger_genai::{Override, Prefer, PriceSettings};

use crate::source::{Place, TableSource};
use crate::table;

/// An address is not asked more often than this.
const POLL_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Settings of `genai`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What calls cost.
    pub prices: Prices,
    /// How calls go out by OTLP.
    pub emit: Emit,
    /// Whether attributes stay in `span_attributes` though a column or the messages hold all that they say.
    pub keep_originals: bool,
}

/// How GenAI spans go out by OTLP. The lake is the same with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Emit {
    /// What the columns hold as attributes of the current conventions, and what they do not hold as it was sent.
    #[default]
    Current,
    /// As they were sent.
    Original,
    /// All attributes as they were sent, and those of the current conventions beside them.
    Both,
}

impl Emit {
    /// The text in the column `emit`; none where spans go out as they came.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Current => Some("current"),
            Self::Original => None,
            Self::Both => Some("both"),
        }
    }
}

/// Prices as they are at this moment.
#[derive(Debug)]
pub struct CurrentPrices {
    /// The prices.
    pub prices: Arc<spanledger_genai::Prices>,
    /// Why the table is the one that is built in, where it should be that of `url`.
    pub failed: Option<Error>,
}

/// What calls cost: overrides first, then the table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// A file with a table of prices in the format of genai-prices, instead of the one that is built in. When it changes,
    /// what comes in from then on has the new prices.
    pub file: Option<PathBuf>,
    /// An address (http or https) with such a table, asked every `poll_interval`.
    pub url: Option<Secret>,
    /// How often `url` is asked.
    pub poll_interval: UnitDuration,
    /// Prices that come before the table; the first one that a call passes counts.
    pub overrides: Vec<Override>,
    /// What a gateway's names for models stand for, as `smart: anthropic/claude-sonnet-4-5`.
    pub aliases: BTreeMap<String, String>,
    /// Whether `cost_total` is always what the prices here give (`derived`), or what the sender says where it does
    /// (`reported`).
    pub prefer: Prefer,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            file: None,
            url: None,
            poll_interval: UnitDuration(Duration::from_secs(60 * 60)),
            overrides: Vec::new(),
            aliases: BTreeMap::new(),
            prefer: Prefer::Derived,
        }
    }
}

impl Prices {
    /// What changes prices beside the table.
    pub(crate) fn settings(&self) -> PriceSettings {
        PriceSettings {
            overrides: self.overrides.clone(),
            aliases: self.aliases.clone(),
            prefer: self.prefer,
        }
    }

    /// What is wrong with it, by key.
    pub(crate) fn check(&self) -> Vec<(String, String)> {
        let mut problems = self.settings().check();
        if self.file.is_some() && self.url.is_some() {
            problems.push((
                "url".to_owned(),
                "stands beside `file`: one table is in force, so leave one out".to_owned(),
            ));
        }
        if let Some(url) = &self.url
            && let Err(message) = Place::of_url(url.reveal())
        {
            problems.push(("url".to_owned(), message));
        }
        if *self.poll_interval < POLL_INTERVAL_MIN {
            problems.push(("poll_interval".to_owned(), "is less than a second".to_owned()));
        }
        problems
    }

    /// The prices by these settings as they are at this moment: `file` is read, `url` is asked once. Where that fails
    /// the table is the one that is built in.
    ///
    /// # Errors
    /// When the file cannot be read, or the prices are none.
    pub async fn current(&self) -> Result<CurrentPrices, Error> {
        let Pinned { built_in, source } = self.pinned();
        let (kept, failed) = match source {
            None => (built_in, None),
            Some(mut source) => match source.fetch().await {
                Ok(kept) => (kept.unwrap_or(built_in), None),
                Err(error) if source.is_local() => return Err(error),
                Err(error) => (built_in, Some(error)),
            },
        };
        Ok(CurrentPrices { prices: table::read(&kept, self.settings())?, failed })
    }

    /// The table that is built in, and where another comes from.
    pub(crate) fn pinned(&self) -> Pinned {
        let url = || Place::of_url(self.url.as_ref()?.reveal()).ok();
        let place = self.file.clone().map(Place::File).or_else(url);
        let source = place.map(|place| Box::new(TableSource::new(place, *self.poll_interval)) as _);
        Pinned { built_in: table::bundled(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Prices, String> {
        let prices: Prices = serde_json::from_str(json).map_err(|error| error.to_string())?;
        match prices.check().as_slice() {
            [] => Ok(prices),
            problems => Err(format!("{problems:?}")),
        }
    }

    #[test]
    fn every_setting_is_read() {
        let prices = read(
            r#"{"url": "https://key@prices.example/data.json", "poll_interval": "5m", "prefer": "reported",
                "overrides": [{"free": true}], "aliases": {"smart": "openai/gpt-4o"}}"#,
        )
        .unwrap();
        assert_eq!(*prices.poll_interval, Duration::from_secs(300));
        assert_eq!((prices.overrides.len(), prices.prefer), (1, Prefer::Reported));
        assert_eq!(prices.aliases.get("smart").map(String::as_str), Some("openai/gpt-4o"));
        let source = prices.pinned().source.unwrap();
        assert_eq!((source.name(), source.is_local()), ("https://prices.example", false));
        assert_eq!(source.interval(), Duration::from_secs(300));
        let source = read(r#"{"file": "/etc/prices.json"}"#).unwrap().pinned().source.unwrap();
        assert_eq!((source.name(), source.is_local()), ("/etc/prices.json", true));
        assert!(read("{}").unwrap().pinned().source.is_none());
    }

    #[test]
    fn what_cannot_be_is_an_error_that_names_the_key() {
        for (json, expected) in [
            (r#"{"fil": "x"}"#, "unknown field `fil`"),
            (r#"{"file": "x", "url": "http://x/"}"#, "leave one out"),
            (r#"{"url": "ftp://hunter2@x/"}"#, "http or https"),
            (r#"{"url": "http://x/", "poll_interval": "1ms"}"#, "poll_interval"),
            (r#"{"overrides": [{}]}"#, "overrides.0"),
            (r#"{"aliases": {"smart": ""}}"#, "aliases.smart"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{json}: {error}");
        }
    }
}
