//! TLS of a client: whom it trusts, and who it is.

use std::path::PathBuf;

use reqwest::{Certificate, ClientBuilder, Identity};
use schemars::JsonSchema;
use serde::Deserialize;
use spanledger_component::Error;

/// TLS of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether there is none, where the endpoint does not say so.
    pub insecure: bool,
    /// Whether any certificate of the server is taken: for trying out only.
    pub insecure_skip_verify: bool,
    /// The authorities that are trusted, as PEM, instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether those of the system are trusted, too.
    pub include_system_ca_certs_pool: bool,
    /// The certificate of the client, as PEM.
    pub cert_file: Option<PathBuf>,
    /// Its key, as PEM.
    pub key_file: Option<PathBuf>,
}

impl Tls {
    /// What is wrong with it.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let alone = |key: &str, other: &str| (format!("tls.{key}"), format!("it needs tls.{other} as well"));
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => vec![alone("cert_file", "key_file")],
            (None, Some(_)) => vec![alone("key_file", "cert_file")],
            _ => Vec::new(),
        }
    }

    /// Reads the files, and sets the client up with them.
    pub(crate) fn apply(&self, mut client: ClientBuilder) -> Result<ClientBuilder, Error> {
        if let Some(path) = &self.ca_file {
            let said = |error| Error::caused(format!("read tls.ca_file {}", path.display()), error);
            let pem = std::fs::read(path).map_err(said)?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| {
                Error::caused(format!("read tls.ca_file {} as PEM", path.display()), error)
            })?;
            client = client.tls_built_in_root_certs(self.include_system_ca_certs_pool);
            client = certificates.into_iter().fold(client, ClientBuilder::add_root_certificate);
        }
        if let (Some(certificate), Some(key)) = (&self.cert_file, &self.key_file) {
            let mut pem = Vec::new();
            for path in [certificate, key] {
                let part = std::fs::read(path)
                    .map_err(|error| Error::caused(format!("read {}", path.display()), error))?;
                pem.extend(part);
                pem.push(b'\n');
            }
            let identity = Identity::from_pem(&pem)
                .map_err(|error| Error::caused("read tls.cert_file and tls.key_file as PEM", error))?;
            client = client.identity(identity);
        }
        Ok(client.danger_accept_invalid_certs(self.insecure_skip_verify))
    }
}
