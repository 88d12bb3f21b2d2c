//! The registry: what components there are, and how their settings are read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::Schema;

use crate::{
    Connector, ConnectorFactory, Context, Error, Exporter, ExporterFactory, Extension, ExtensionFactory,
    Pinned, Processor, ProcessorFactory, Receiver, ReceiverFactory, Signal,
};

/// How settled a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// May change in any release.
    Alpha,
    /// Its settings are not expected to change.
    Beta,
    /// Its settings change only with a deprecation.
    Stable,
}

impl fmt::Display for Stability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
            Self::Stable => "Stable",
        })
    }
}

/// The five kinds of component, in the order of the YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Brings data in.
    Receiver,
    /// Changes rows.
    Processor,
    /// Takes rows out.
    Exporter,
    /// Folds rows of one pipeline into another.
    Connector,
    /// Serves the collector itself.
    Extension,
}

impl Kind {
    /// The key of the section: `receivers`, …
    pub fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
            Self::Connector => "connectors",
            Self::Extension => "extensions",
        }
    }
}

/// What a component type is called and takes.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// The word in the YAML.
    pub word: &'static str,
    /// Other words for it, each accepted with a warning.
    pub aliases: &'static [&'static str],
    /// How settled it is.
    pub stability: Stability,
    /// Signals it may stand in; empty for connectors and extensions.
    pub signals: &'static [Signal],
    /// Of a connector: which signal becomes which.
    pub turns: &'static [(Signal, Signal)],
    /// Of an exporter or connector: a span must reach it by one path only.
    pub once: bool,
    /// Of an extension: only one of its type can run.
    pub single: bool,
    /// Keys that do nothing here: path below the component's, and what became of it.
    pub without_effect: &'static [(&'static str, &'static str)],
}

/// Gives the JSON Schema of a component's settings.
pub type SchemaOf = fn() -> Schema;

/// Settings that were read: builds the component, as often as needed.
pub type Build<C> = Box<dyn Fn(&Context) -> Result<Box<C>, Error> + Send + Sync>;

/// What reading a component's settings gave.
pub struct Configured<C: ?Sized> {
    /// Builds the component.
    pub build: Build<C>,
    /// What is wrong all the same: path below the component's, message.
    pub problems: Vec<(String, String)>,
    /// Of a processor: what its rows depend on beside the settings.
    pub pinned: Box<dyn Fn() -> Option<Pinned> + Send + Sync>,
}

/// One component type of a kind.
pub struct Entry<C: ?Sized> {
    /// What it is called and takes.
    pub listing: Listing,
    /// The JSON Schema of its settings.
    pub schema: SchemaOf,
    /// Reads its settings, strictly: an unknown key is an error.
    pub read: fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Configured<C>, erased_serde::Error>,
    /// Its settings when the YAML gives none.
    pub default: fn() -> Configured<C>,
}

type Entries<C> = BTreeMap<&'static str, Entry<C>>;

/// What components there are.
#[derive(Default)]
pub struct Registry {
    receivers: Entries<dyn Receiver>,
    processors: Entries<dyn Processor>,
    exporters: Entries<dyn Exporter>,
    connectors: Entries<dyn Connector>,
    extensions: Entries<dyn Extension>,
}

macro_rules! kind {
    ($(#[$doc:meta])* $factory:ident, $component:ident, $map:ident, $with:ident, $find:ident, $list:ident,
     $signals:expr, $turns:expr, $once:expr, $single:expr, $pinned:expr) => {
        impl Registry {
            $(#[$doc])*
            #[must_use]
            pub fn $with<F: $factory>(mut self) -> Self {
                fn configured<F: $factory>(config: F::Config) -> Configured<dyn $component> {
                    let problems = F::check(&config);
                    let (config, of) = (Arc::new(config), $pinned);
                    let pinned = config.clone();
                    Configured {
                        build: Box::new(move |context| F::build(&config, context)),
                        problems,
                        pinned: Box::new(move || of(&pinned)),
                    }
                }
                let listing = Listing {
                    word: F::TYPE,
                    aliases: F::ALIASES,
                    stability: F::STABILITY,
                    signals: $signals,
                    turns: $turns,
                    once: $once,
                    single: $single,
                    without_effect: F::WITHOUT_EFFECT,
                };
                self.$map.insert(F::TYPE, Entry {
                    listing,
                    schema: || schemars::schema_for!(F::Config),
                    read: |input| Ok(configured::<F>(erased_serde::deserialize(input)?)),
                    default: || configured::<F>(F::Config::default()),
                });
                self
            }

            /// The type of that word or alias.
            pub fn $find(&self, word: &str) -> Option<&Entry<dyn $component>> {
                self.$map.get(word).or_else(|| self.$map.values().find(|entry| entry.listing.aliases.contains(&word)))
            }

            /// Every type of this kind, by name.
            pub fn $list(&self) -> impl Iterator<Item = &Entry<dyn $component>> {
                self.$map.values()
            }
        }
    };
}

kind!(
    /// Adds a receiver type.
    ReceiverFactory, Receiver, receivers, with_receiver, receiver, receivers, F::SIGNALS, &[], false, false, |_: &F::Config| None
);
kind!(
    /// Adds a processor type.
    ProcessorFactory, Processor, processors, with_processor, processor, processors, F::SIGNALS, &[], false, false, F::pinned
);
kind!(
    /// Adds an exporter type.
    ExporterFactory, Exporter, exporters, with_exporter, exporter, exporters, F::SIGNALS, &[], F::ONCE, false, |_: &F::Config| None
);
kind!(
    /// Adds a connector type.
    ConnectorFactory, Connector, connectors, with_connector, connector, connectors, &[], F::SIGNALS, F::ONCE, false, |_: &F::Config| None
);
kind!(
    /// Adds an extension type.
    ExtensionFactory, Extension, extensions, with_extension, extension, extensions, &[], &[], false, F::SINGLE, |_: &F::Config| None
);
