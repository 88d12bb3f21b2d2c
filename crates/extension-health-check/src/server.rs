//! Serves the answers, on a thread of its own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use ::http::Request;
use async_trait::async_trait;
use hyper::body::Incoming;
use spanledger_component::{Context, Error, Extension, ExtensionFactory, Host, Listener, Stability, http};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::Config;
use crate::health::Health;

/// Answers whether the collector is started, and whether it takes requests.
pub struct HealthCheck {
    config: Config,
    context: Context,
    listener: Listener,
    serving: Option<Serving>,
}

impl fmt::Debug for HealthCheck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HealthCheck").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl HealthCheck {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        let setting = format!("extensions::{}::endpoint", context.id);
        let listener = Listener::new(setting, &config.endpoint);
        let (config, context) = (config.clone(), context.clone());
        Self { config, context, listener, serving: None }
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
    async fn start(&mut self, host: &Arc<dyn Host>) -> Result<(), Error> {
        self.listener.open().await?;
        let health = Health {
            host: host.clone(),
            up_since: self.context.clock.now(),
            clock: self.context.clock.clone(),
            path: self.config.path.clone(),
            bodies: self.config.response_body.clone(),
        };
        self.serving = Some(Serving::start(self.listener.take()?, health)?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, _: Arc<dyn Host>, stop: CancellationToken) -> Result<(), Error> {
        match self.serving.take() {
            Some(serving) => serving.until(stop).await,
            None => Err(Error::new("serve health: it was not started")),
        }
    }
}

/// The thread that answers. It shares nothing with the collector's own workers, all of which may be busy.
#[derive(Debug)]
struct Serving {
    thread: thread::JoinHandle<()>,
    ended: oneshot::Receiver<std::io::Result<()>>,
    stop: DropGuard,
}

impl Serving {
    fn start(listener: TcpListener, health: Health) -> Result<Self, Error> {
        let listener = listener.into_std().map_err(failed)?;
        let stop = CancellationToken::new();
        let (ended, end) = oneshot::channel();
        let until = stop.clone();
        let thread = thread::Builder::new().name("health".into()).spawn(move || {
            let _ = ended.send(serve(listener, Arc::new(health), until));
        });
        Ok(Self { thread: thread.map_err(failed)?, ended: end, stop: stop.drop_guard() })
    }

    async fn until(self, stop: CancellationToken) -> Result<(), Error> {
        let Self { thread, mut ended, stop: serving } = self;
        let result = tokio::select! {
            result = &mut ended => result,
            () = stop.cancelled() => {
                drop(serving);
                ended.await
            }
        };
        let result = result.map_err(|_| Error::new("serve health: the thread ended"))?;
        let _ = thread.join();
        result.map_err(failed)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::caused("serve health on a thread of its own", error)
}

fn serve(
    listener: std::net::TcpListener,
    health: Arc<Health>,
    stop: CancellationToken,
) -> std::io::Result<()> {
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
}
