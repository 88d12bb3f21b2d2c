//! Serves the answers.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spanledger_component::settings::bind;
use spanledger_component::{Context, Error, Extension, ExtensionFactory, Host, Stability, http};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::answer::Answers;
use crate::config::Config;

/// Answers what the collector is doing, and flushes it.
#[derive(Debug)]
pub struct Admin {
    config: Config,
    context: Context,
    listener: Option<TcpListener>,
}

impl Admin {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        Self { config: config.clone(), context: context.clone(), listener: None }
    }

    /// Where it listens, once it is started.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
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
    async fn start(&mut self) -> Result<(), Error> {
        let what = format!("extensions::{}::endpoint", self.context.id);
        let listener = bind(&self.config.endpoint.to_string(), &what).await?;
        let address = listener.local_addr().map_err(|error| Error::caused(what, error))?;
        info!(extension = %self.context.id, %address, "listening");
        self.listener = Some(listener);
        Ok(())
    }

    async fn run(self: Box<Self>, host: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error> {
        let listener = self.listener.ok_or_else(|| Error::new("serve admin: run before start"))?;
        let answers = Arc::new(Answers { host, token: self.config.token });
        let answer = move |request| {
            let answers = answers.clone();
            async move { answers.answer(request).await }
        };
        http::serve(listener, answer, stop).await;
        Ok(())
    }
}
