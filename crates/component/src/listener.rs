//! A TCP listener of a component: it is opened at the start and served until stop.

use std::net::SocketAddr;

use tokio::net::{TcpListener, lookup_host};
use tracing::info;

use crate::Error;

/// An address to listen on, and the listener once it is open.
#[derive(Debug)]
pub struct Listener {
    setting: String,
    endpoint: String,
    address: Option<SocketAddr>,
    open: Option<TcpListener>,
}

impl Listener {
    /// For `host:port`, where an empty host means every address. `setting` names the place in the YAML, for messages.
    /// Nothing is opened yet.
    pub fn new(setting: String, endpoint: impl ToString) -> Self {
        Self { setting, endpoint: endpoint.to_string(), address: None, open: None }
    }

    /// Listens, and says in the log where.
    pub async fn open(&mut self) -> Result<(), Error> {
        let failed = |error| Error::caused(format!("{}: listen on {}", self.setting, self.endpoint), error);
        let listener = bind(&self.endpoint).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        info!(setting = self.setting, %address, "listening");
        (self.address, self.open) = (Some(address), Some(listener));
        Ok(())
    }

    /// Where it listens, once it was opened.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The open listener, to be served; an error when it was not opened.
    pub fn take(&mut self) -> Result<TcpListener, Error> {
        self.open.take().ok_or_else(|| Error::new(format!("{}: served before it was opened", self.setting)))
    }
}

/// Of a name with addresses of both families, the IPv4 one is taken, as Go does. Every address is IPv6 and IPv4.
async fn bind(endpoint: &str) -> std::io::Result<TcpListener> {
    let mut addresses = Vec::new();
    match endpoint.strip_prefix(':') {
        Some(port) => {
            for host in ["[::]", "0.0.0.0"] {
                addresses.extend(lookup_host(format!("{host}:{port}")).await?);
            }
        }
        None => {
            addresses.extend(lookup_host(endpoint).await?);
            addresses.sort_by_key(|address| !address.is_ipv4());
        }
    }
    TcpListener::bind(addresses.as_slice()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(endpoint: &str) -> Result<SocketAddr, String> {
        let mut listener = Listener::new("receivers::otlp::endpoint".into(), endpoint);
        listener.open().await.map_err(|error| error.to_string())?;
        Ok(listener.address().unwrap())
    }

    #[tokio::test]
    async fn a_name_is_bound_to_its_ipv4_address_and_no_name_to_every_address() {
        let local = opened("localhost:0").await.unwrap();
        assert!(local.ip().is_loopback() && local.is_ipv4());
        assert!(opened(":0").await.unwrap().ip().is_unspecified());
        let error = opened("127.0.0.1").await.unwrap_err();
        assert!(error.starts_with("receivers::otlp::endpoint: listen on 127.0.0.1: "), "{error}");
    }

    #[test]
    fn what_was_not_opened_cannot_be_served() {
        let error = Listener::new("extensions::admin::endpoint".into(), "localhost:0").take().unwrap_err();
        assert_eq!(error.to_string(), "extensions::admin::endpoint: served before it was opened");
    }
}
