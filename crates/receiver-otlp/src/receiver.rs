//! The receiver itself: opens the listeners and serves them.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spanledger_component::{
    Context, Error, Intake, Listener, Receiver, ReceiverFactory, Signal, Stability, http as server,
};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Protocols};
use crate::counts::Counted;
use crate::grpc::Grpc;
use crate::http::Http;

/// Takes OTLP in, over gRPC and HTTP.
#[derive(Debug)]
pub struct Otlp {
    config: Config,
    context: Context,
    grpc: Option<Listener>,
    http: Option<Listener>,
}

impl Otlp {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        let setting = |protocol| format!("receivers::{}::protocols::{protocol}::endpoint", context.id);
        let Protocols { grpc, http } = &config.protocols;
        let grpc = grpc.as_ref().map(|grpc| Listener::new(setting("grpc"), &grpc.endpoint));
        let http = http.as_ref().map(|http| Listener::new(setting("http"), &http.endpoint));
        Self { config: config.clone(), context: context.clone(), grpc, http }
    }

    /// Where it listens for gRPC, once it is started.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref()?.address()
    }

    /// Where it listens for HTTP, once it is started.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.address()
    }
}

impl ReceiverFactory for Otlp {
    const TYPE: &'static str = "otlp";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Beta;
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = crate::config::WITHOUT_EFFECT;
    type Config = Config;

    fn check(config: &Config) -> Vec<(String, String)> {
        config.problems()
    }

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Receiver>, Error> {
        Ok(Box::new(Self::new(config, context)))
    }
}

#[async_trait]
impl Receiver for Otlp {
    async fn start(&mut self) -> Result<(), Error> {
        for listener in self.grpc.iter_mut().chain(&mut self.http) {
            listener.open().await?;
        }
        Ok(())
    }

    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        let Self { config, context, mut grpc, mut http } = *self;
        let grpc = grpc.as_mut().map(Listener::take).transpose()?;
        let http = http.as_mut().map(Listener::take).transpose()?;
        let grpc = async {
            let (Some(listener), Some(config)) = (grpc, config.protocols.grpc) else { return };
            let counted = Counted::new(intake.clone(), &context, "grpc");
            let grpc = Arc::new(Grpc { counted, bytes_max: config.bytes_max() });
            let answer = move |request| {
                let grpc = grpc.clone();
                async move { grpc.answer(request).await }
            };
            server::serve(listener, answer, stop.clone()).await;
        };
        let http = async {
            let (Some(listener), Some(config)) = (http, config.protocols.http) else { return };
            let http = Arc::new(Http::new(&config, Counted::new(intake.clone(), &context, "http")));
            let answer = move |request| {
                let http = http.clone();
                async move { http.answer(request).await }
            };
            server::serve(listener, answer, stop.clone()).await;
        };
        tokio::join!(grpc, http);
        Ok(())
    }
}
