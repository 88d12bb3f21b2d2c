//! The receiver itself: opens the listeners and serves them.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use spanledger_component::settings::{Endpoint, bind};
use spanledger_component::{
    Context, Error, Intake, Receiver, ReceiverFactory, Signal, Stability, http as server,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;
use crate::counts::Counted;
use crate::grpc::Grpc;
use crate::http::Http;

/// Takes OTLP in, over gRPC and HTTP.
#[derive(Debug)]
pub struct Otlp {
    config: Config,
    context: Context,
    grpc: Option<TcpListener>,
    http: Option<TcpListener>,
}

impl Otlp {
    /// With these settings; nothing is opened yet.
    pub fn new(config: &Config, context: &Context) -> Self {
        Self { config: config.clone(), context: context.clone(), grpc: None, http: None }
    }

    /// Where it listens for gRPC, once it is started.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref()?.local_addr().ok()
    }

    /// Where it listens for HTTP, once it is started.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref()?.local_addr().ok()
    }

    async fn listen(&self, endpoint: &Endpoint, protocol: &str) -> Result<TcpListener, Error> {
        let id = &self.context.id;
        let what = format!("receivers::{id}::protocols::{protocol}::endpoint");
        let listener = bind(&endpoint.to_string(), &what).await?;
        let address = listener.local_addr().map_err(|error| Error::caused(what, error))?;
        info!(receiver = %id, protocol, %address, "listening");
        Ok(listener)
    }
}

impl ReceiverFactory for Otlp {
    const TYPE: &'static str = "otlp";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Beta;
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
        if let Some(grpc) = &self.config.protocols.grpc {
            self.grpc = Some(self.listen(&grpc.endpoint, "grpc").await?);
        }
        if let Some(http) = &self.config.protocols.http {
            self.http = Some(self.listen(&http.endpoint, "http").await?);
        }
        Ok(())
    }

    async fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Result<(), Error> {
        let Self { config, context, grpc, http } = *self;
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
