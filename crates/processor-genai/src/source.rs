//! Where a table of prices comes from: a file that is watched, or an address that is asked.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, Url};
use spanledger_component::{Error, Source};
use spanledger_genai::PriceTable;

use crate::table::{self, TABLE_BYTES_MAX};

/// How often it is looked whether a file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long an address may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);

/// Where a table is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// On this machine.
    File(PathBuf),
    /// Elsewhere.
    Url(Box<Url>),
}

impl Place {
    /// An address; the error does not repeat it, since there may be a key in it.
    pub(crate) fn of_url(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
        match (url.scheme(), url.has_host()) {
            ("http" | "https", true) => Ok(Self::Url(Box::new(url))),
            _ => Err("is no address that begins with http or https".to_owned()),
        }
    }

    /// A path, or what is no secret of an address.
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.origin().ascii_serialization(),
        }
    }
}

/// A table that may change.
pub(crate) struct TableSource {
    place: Place,
    name: String,
    poll_interval: Duration,
    client: Option<Client>,
    /// The last answer of an address.
    etag: Option<HeaderValue>,
    /// The file when it was last read.
    seen: Option<Seen>,
    /// The text of the last answer.
    last: Option<Bytes>,
}

/// By what a file that was written anew is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    bytes: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Seen {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

impl TableSource {
    pub(crate) fn new(place: Place, poll_interval: Duration) -> Self {
        let name = place.name();
        Self { place, name, poll_interval, client: None, etag: None, seen: None, last: None }
    }

    /// The file's text, where it was written since the last look.
    async fn read_file(&mut self, path: &Path) -> Result<Option<Bytes>, Error> {
        let attempt = || format!("read price table {}", path.display());
        let metadata = tokio::fs::metadata(path).await.map_err(|error| Error::caused(attempt(), error))?;
        let seen = Seen::of(&metadata);
        if self.seen.replace(seen) == Some(seen) {
            return Ok(None);
        }
        if metadata.len() > TABLE_BYTES_MAX as u64 {
            return Err(Error::new(format!("{}: it is larger than {TABLE_BYTES_MAX} bytes", attempt())));
        }
        let text = tokio::fs::read(path).await.map_err(|error| Error::caused(attempt(), error))?;
        Ok(Some(text.into()))
    }

    /// The text at the address, where that says it is another than that of the last answer.
    async fn ask(&mut self, url: &Url) -> Result<Option<Bytes>, Error> {
        let attempt = format!("ask {} for the price table", self.name);
        let failed = |error: reqwest::Error| Error::caused(attempt.clone(), error.without_url());
        let client = match &self.client {
            Some(client) => client.clone(),
            None => Client::builder().timeout(ANSWER_PATIENCE).build().map_err(failed)?,
        };
        self.client = Some(client.clone());
        let mut request = client.get(url.clone());
        if let Some(etag) = &self.etag {
            request = request.header(IF_NONE_MATCH, etag.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(None),
            StatusCode::OK => {}
            status => return Err(Error::new(format!("{attempt}: it answered {status}"))),
        }
        let mut text = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if text.len() + part.len() > TABLE_BYTES_MAX {
                return Err(Error::new(format!("{attempt}: it is larger than {TABLE_BYTES_MAX} bytes")));
            }
            text.extend_from_slice(&part);
        }
        self.etag = response.headers().get(ETAG).cloned();
        Ok(Some(text.into()))
    }

    /// The table as it is kept.
    fn table(&self, text: &[u8]) -> Result<Bytes, Error> {
        let name = match self.place {
            Place::File(_) => "file",
            Place::Url(_) => "url",
        };
        let attempt = || format!("read price table {}", self.name);
        let text = std::str::from_utf8(text).map_err(|error| Error::caused(attempt(), error))?;
        let table = PriceTable::of_providers(name, text).map_err(|error| Error::caused(attempt(), error))?;
        table::keep(&table)
    }
}

#[async_trait]
impl Source for TableSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_local(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    fn interval(&self) -> Duration {
        if self.is_local() { LOOK_EVERY } else { self.poll_interval }
    }

    async fn fetch(&mut self) -> Result<Option<Bytes>, Error> {
        let text = match self.place.clone() {
            Place::File(path) => self.read_file(&path).await?,
            Place::Url(url) => self.ask(&url).await?,
        };
        let Some(text) = text.filter(|text| self.last.as_ref() != Some(text)) else { return Ok(None) };
        self.last = Some(text.clone());
        self.table(&text).map(Some)
    }
}

#[cfg(test)]
mod tests;
