//! Free ports, so that the demo runs beside whatever else does.

use std::net::TcpListener;
use std::path::Path;

use spanledger_component::Error;

/// The endpoints of the demo, each `127.0.0.1:port`.
pub(crate) struct Ports {
    pub(crate) grpc: String,
    pub(crate) http: String,
    pub(crate) prometheus: String,
    pub(crate) health: String,
    admin: String,
    own_metrics: u16,
}

impl Ports {
    /// Six ports that were free a moment ago.
    pub(crate) fn free() -> Result<Self, Error> {
        // All are held while the next is chosen, so that they differ.
        let listen =
            || TcpListener::bind("127.0.0.1:0").and_then(|listener| Ok((listener.local_addr()?, listener)));
        let held: Result<Vec<_>, _> = (0..6).map(|_| listen()).collect();
        let held = held.map_err(|error| Error::caused("find free ports", error))?;
        let mut ports = held.iter().map(|(address, _)| *address);
        let mut next = || ports.next().ok_or_else(|| Error::new("find free ports"));
        Ok(Self {
            grpc: next()?.to_string(),
            http: next()?.to_string(),
            prometheus: next()?.to_string(),
            health: next()?.to_string(),
            admin: next()?.to_string(),
            own_metrics: next()?.port(),
        })
    }

    /// The settings that put the embedded default on these ports and into `folder`.
    pub(crate) fn settings(&self, folder: &Path) -> Vec<String> {
        vec![
            format!("receivers.otlp.protocols.grpc.endpoint={}", self.grpc),
            format!("receivers.otlp.protocols.http.endpoint={}", self.http),
            format!("exporters.prometheus.endpoint={}", self.prometheus),
            format!("extensions.health_check.endpoint={}", self.health),
            format!("extensions.admin.endpoint={}", self.admin),
            format!("extensions.wal.directory={}", folder.join("wal").display()),
            format!("exporters.parquet.path={}", folder.join("lake").display()),
            // The demo sends every call once, and does not wait.
            "connectors.genai_metrics.settle.window=0s".to_owned(),
            format!("service.telemetry.metrics.address=127.0.0.1:{}", self.own_metrics),
        ]
    }
}
