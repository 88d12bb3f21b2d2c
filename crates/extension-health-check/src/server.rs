//! Serves the answers, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use ::http::Request;
use async_trait::async_trait;
use hyper::body::Incoming;
use spanledger_component::{Context, Error, Extension, ExtensionFactory, Host, Listener, Stability, http};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::health::Health;

/// Answers whether the collector is started, and whether it takes requests.
#[derive(Debug)]
pub struct HealthCheck {
    config: Config,
    context: Context,
    listener: Listener,
}

impl HealthCheck {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        let setting = format!("extensions::{}::endpoint", context.id);
        let listener = Listener::new(setting, &config.endpoint);
        Self { config: config.clone(), context: context.clone(), listener }
    }

    /// Where it listens, once it is started.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }
}

impl ExtensionFactory for HealthCheck {
    const TYPE: &'static str = "health_check";
    const STABILITY: Stability = Stability::Beta;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] =
        &[("check_collector_pipeline", "health never depends on load, as in the Collector")];
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Extension>, Error> {
        Ok(Box::new(Self::new(config, context)))
    }
}

#[async_trait]
impl Extension for HealthCheck {
    async fn start(&mut self) -> Result<(), Error> {
        self.listener.open().await
    }

    async fn run(mut self: Box<Self>, host: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error> {
        let health = Arc::new(Health {
            host,
            up_since: self.context.clock.now(),
            clock: self.context.clock,
            path: self.config.path,
            bodies: self.config.response_body,
        });
        on_own_thread(self.listener.take()?, health, stop).await
    }
}

/// The listener moves to the runtime of a new thread, which load on the collector's own workers cannot slow down.
async fn on_own_thread(
    listener: TcpListener,
    health: Arc<Health>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let failed = |error| Error::caused("serve health on a thread of its own", error);
    let listener = listener.into_std().map_err(failed)?;
    let (ended, end) = oneshot::channel();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            let answer = move |request: Request<Incoming>| {
                let response = health.answer(request.method(), request.uri().path());
                async move { response }
            };
            http::serve(listener, answer, stop).await;
            Ok(())
        })
    };
    let thread = thread::Builder::new().name("health".into()).spawn(move || {
        let _ = ended.send(serve());
    });
    let thread = thread.map_err(failed)?;
    let result = end.await.map_err(|_| Error::new("serve health: the thread ended"))?;
    let _ = thread.join();
    result.map_err(failed)
}
