//! Serves the answers.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spanledger_component::settings::Secret;
use spanledger_component::{Context, Error, Extension, ExtensionFactory, Host, Listener, Stability, http};
use tokio_util::sync::CancellationToken;

use crate::answer::Answers;
use crate::config::Config;

/// Answers what the collector is doing, and flushes it.
#[derive(Debug)]
pub struct Admin {
    token: Option<Secret>,
    listener: Listener,
}

impl Admin {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        let setting = format!("extensions::{}::endpoint", context.id);
        Self { token: config.token.clone(), listener: Listener::new(setting, &config.endpoint) }
    }

    /// Where it listens, once it is started.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }
}

impl ExtensionFactory for Admin {
    const TYPE: &'static str = "admin";
    const STABILITY: Stability = Stability::Beta;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Extension>, Error> {
        Ok(Box::new(Self::new(config, context)))
    }
}

#[async_trait]
impl Extension for Admin {
    async fn start(&mut self, _: &Arc<dyn Host>) -> Result<(), Error> {
        self.listener.open().await
    }

    async fn run(mut self: Box<Self>, host: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error> {
        let answers = Arc::new(Answers { host, token: self.token });
        let answer = move |request| {
            let answers = answers.clone();
            async move { answers.answer(request).await }
        };
        http::serve(self.listener.take()?, answer, stop).await;
        Ok(())
    }
}
