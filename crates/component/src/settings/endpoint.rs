//! Endpoints: `host:port` to listen on.

use tokio::net::TcpListener;

use crate::Error;

/// Listens on `host:port`; an empty host means every address. `what` names the setting in the error.
pub async fn bind(endpoint: &str, what: &str) -> Result<TcpListener, Error> {
    let address = match endpoint.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => endpoint.to_owned(),
    };
    TcpListener::bind(&address)
        .await
        .map_err(|error| Error::caused(format!("{what}: listen on {endpoint}"), error))
}
