//! A bucket of an S3-compatible store: conditional uploads in one request.

use std::fs;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    Certificate, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, PutMode, PutPayload,
    PutResult, RetryConfig, StaticCredentialProvider,
};
use spanledger_component::settings::Secret;
use spanledger_component::{Error, Retry};

use crate::conditions::{Conditions, Known};
use crate::config::{Config, given};
use crate::store::Created;

/// A bucket that files are put into.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    name: String,
    prefix: String,
    conditions: Conditions,
}

impl Bucket {
    /// A bucket of any store.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, name: &str, prefix: &str) -> Self {
        Self { store, name: name.to_owned(), prefix: prefix.to_owned(), conditions: Conditions::default() }
    }

    /// The bucket that the settings describe. Asks nobody yet.
    pub(crate) fn open(config: &Config, name: &str, prefix: &str) -> Result<Self, Error> {
        Ok(Self::new(Arc::new(client(config, name)?), name, prefix))
    }

    /// The name an operator knows a file by.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("s3://{}/{}", self.name, self.key(path))
    }

    /// See [`crate::store::Store::create`].
    pub(crate) async fn create(&self, path: &str, content: &[Bytes]) -> Result<Created, Retry> {
        use object_store::Error as Store;
        if self.conditions.known() == Known::Ignored {
            return self.create_after_a_look(path, content).await;
        }
        match self.put(path, content, PutMode::Create).await {
            Ok(_) => {
                self.try_condition(path, content).await;
                Ok(Created::New)
            }
            Err(Store::AlreadyExists { .. }) => {
                self.conditions.are_kept();
                Ok(Created::Exists)
            }
            Err(Store::NotImplemented { .. } | Store::NotSupported { .. }) => {
                self.conditions.are_ignored(&self.name);
                self.create_after_a_look(path, content).await
            }
            Err(error) => Err(retry(format!("upload {}", self.address(path)), error)),
        }
    }

    /// Uploads the first object of this process once more, as a store should refuse to take it: one that knows no
    /// conditions takes it, and stands no worse than before.
    async fn try_condition(&self, path: &str, content: &[Bytes]) {
        if self.conditions.known() != Known::Nothing {
            return;
        }
        match self.put(path, content, PutMode::Create).await {
            Ok(_) => self.conditions.are_ignored(&self.name),
            Err(object_store::Error::AlreadyExists { .. }) => self.conditions.are_kept(),
            // The next object will tell.
            Err(_) => {}
        }
    }

    /// For stores without conditions. What another collector uploads between the look and the upload is overwritten;
    /// what an earlier attempt of this one uploads has the same content.
    async fn create_after_a_look(&self, path: &str, content: &[Bytes]) -> Result<Created, Retry> {
        let key = Path::from(self.key(path));
        match self.store.get_opts(&key, GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(_) => return Ok(Created::Exists),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(retry(format!("look for {}", self.address(path)), error)),
        }
        match self.put(path, content, PutMode::Overwrite).await {
            Ok(_) => Ok(Created::New),
            Err(error) => Err(retry(format!("upload {}", self.address(path)), error)),
        }
    }

    async fn put(&self, path: &str, content: &[Bytes], mode: PutMode) -> object_store::Result<PutResult> {
        let payload = PutPayload::from_iter(content.iter().cloned());
        self.store.put_opts(&Path::from(self.key(path)), payload, mode.into()).await
    }

    /// See [`crate::store::Store::end`].
    pub(crate) async fn end(&self, path: &str, bytes: usize) -> Result<Bytes, Retry> {
        let attempt = || format!("read the end of {}", self.address(path));
        let options = GetOptions { range: Some(GetRange::Suffix(bytes as u64)), ..GetOptions::default() };
        let answer = match self.store.get_opts(&Path::from(self.key(path)), options).await {
            // It was there a moment ago: a store says so too while somebody else uploads the same key.
            Err(error @ object_store::Error::NotFound { .. }) => {
                return Err(Retry::transient(Error::caused(attempt(), error)));
            }
            answer => answer.map_err(|error| retry(attempt(), error))?,
        };
        answer.bytes().await.map_err(|error| retry(attempt(), error))
    }

    /// See [`crate::store::Store::ranges`]. Parts that lie near each other are one request.
    pub(crate) async fn ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Retry> {
        let parts = self.store.get_ranges(&Path::from(self.key(path)), ranges).await;
        parts.map_err(|error| retry(format!("read parts of {}", self.address(path)), error))
    }

    /// See [`crate::store::Store::list`].
    pub(crate) async fn list(&self) -> Result<Vec<String>, Retry> {
        let root = Path::from(self.key(""));
        let attempt = || format!("list {}", self.address("v1"));
        let objects: Vec<_> = self
            .store
            .list(Some(&Path::from(self.key("v1"))))
            .try_collect()
            .await
            .map_err(|error| retry(attempt(), error))?;
        let below = |object: ObjectMeta| {
            Some(
                object
                    .location
                    .prefix_match(&root)?
                    .map(|part| part.as_ref().to_owned())
                    .collect::<Vec<_>>()
                    .join("/"),
            )
        };
        Ok(objects.into_iter().filter_map(below).collect())
    }

    /// See [`crate::store::Store::read`].
    pub(crate) async fn read(&self, path: &str) -> Result<Bytes, Retry> {
        let attempt = || format!("read {}", self.address(path));
        let answer = self.store.get_opts(&Path::from(self.key(path)), GetOptions::default()).await;
        let answer = answer.map_err(|error| retry(attempt(), error))?;
        answer.bytes().await.map_err(|error| retry(attempt(), error))
    }

    fn key(&self, path: &str) -> String {
        match self.prefix.as_str() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        }
    }
}

/// The client of the bucket: what the settings leave out comes from the environment.
fn client(config: &Config, bucket: &str) -> Result<AmazonS3, Error> {
    let mut client = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // The engine has the one retry loop.
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() });
    for (key, value) in [
        (AmazonS3ConfigKey::Region, given(&config.region)),
        (AmazonS3ConfigKey::Endpoint, given(&config.endpoint)),
    ] {
        if let Some(value) = value {
            client = client.with_config(key, value);
        }
    }
    if let Some(keys) = keys(config) {
        client = client.with_credentials(Arc::new(StaticCredentialProvider::new(keys)));
    }
    let endpoint = client.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let endpoint = endpoint.as_deref().map(|endpoint| endpoint.trim_end_matches('/'));
    let path_style = config.path_style.unwrap_or(endpoint.is_some() || bucket.contains('.'));
    client = match endpoint {
        Some(endpoint) if path_style => client.with_endpoint(endpoint),
        Some(endpoint) => client.with_endpoint(host_style(endpoint, bucket)),
        None => client,
    };
    client
        .with_virtual_hosted_style_request(!path_style)
        .with_client_options(http(config, endpoint)?)
        .build()
        .map_err(|error| Error::caused(format!("set up the client of bucket {bucket}"), error))
}

/// The keys of the settings: all or none of them, so that a token in the environment is not taken with another's key.
fn keys(config: &Config) -> Option<AwsCredential> {
    let reveal = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
    Some(AwsCredential {
        key_id: given(&config.access_key_id)?.to_owned(),
        secret_key: reveal(&config.secret_access_key)?,
        token: reveal(&config.session_token).filter(|token| !token.is_empty()),
    })
}

/// The endpoint with the bucket as part of the host name.
fn host_style(endpoint: &str, bucket: &str) -> String {
    endpoint.replacen("://", &format!("://{bucket}."), 1)
}

fn http(config: &Config, endpoint: Option<&str>) -> Result<ClientOptions, Error> {
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut options = ClientOptions::new().with_allow_http(plain);
    options = match *config.timeout {
        timeout if timeout.is_zero() => options.with_timeout_disabled(),
        timeout => options.with_timeout(timeout),
    };
    if let Some(file) = &config.ca_file {
        let attempt = || format!("read certificates of ca_file {}", file.display());
        let pem = fs::read(file).map_err(|error| Error::caused(attempt(), error))?;
        let certificates =
            Certificate::from_pem_bundle(&pem).map_err(|error| Error::caused(attempt(), error))?;
        options = certificates.into_iter().fold(options, ClientOptions::with_root_certificate);
    }
    Ok(options)
}

/// Whether waiting may do, or an operator has to act, who is then told what the store's answer means.
fn retry(attempt: String, error: object_store::Error) -> Retry {
    use object_store::Error as Store;
    let meaning = match &error {
        Store::NotFound { .. } => "there is no such bucket; it is never created, make it first",
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => KEYS_REFUSED,
        // What a listing is answered comes as it is.
        Store::Generic { source, .. } if FORBIDDEN.iter().any(|text| source.to_string().contains(text)) => {
            KEYS_REFUSED
        }
        Store::Generic { source, .. } if source.to_string().contains(MACHINE_KEYS) => {
            "no keys are set, and the machine has none: set access_key_id and secret_access_key"
        }
        Store::Generic { source, .. } if REFUSALS.iter().any(|text| source.to_string().contains(text)) => {
            "the store does not take the request as it is; check the region, and whether the keys have expired"
        }
        _ => return Retry::transient(Error::caused(attempt, error)),
    };
    Retry::alarm(Error::caused(format!("{attempt}: {meaning}"), error))
}

const KEYS_REFUSED: &str = "the store refuses these keys; check them and what they may do: s3:PutObject and s3:GetObject, to read back s3:ListBucket";

/// How the client words answers of 401 and 403.
const FORBIDDEN: [&str; 2] = ["status code: 401", "status code: 403"];

/// How the client words an answer of 400, and a redirect to another region.
const REFUSALS: [&str; 2] = ["status code: 400", "incorrectly configured region"];

/// Where machines of a cloud are asked for their keys.
const MACHINE_KEYS: &str = "169.254.169.254";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use object_store::signer::Signer as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn url(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config {
            region: Some("eu-central-1".into()),
            access_key_id: Some("key".into()),
            secret_access_key: Some("secret".to_owned().into()),
            ..Config::default()
        };
        change(&mut config);
        let client = client(&config, "lake").unwrap();
        let url =
            client.signed_url(http::Method::PUT, &Path::from("x/y"), Duration::from_secs(1)).await.unwrap();
        url.as_ref().split('?').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_bucket_stands_in_the_path_or_in_the_host_name() {
        let minio = |config: &mut Config| config.endpoint = Some("http://minio:9000/".into());
        assert_eq!(url(minio).await, "http://minio:9000/lake/x/y");
        let hosted = |config: &mut Config| {
            minio(config);
            config.path_style = Some(false);
        };
        assert_eq!(url(hosted).await, "http://lake.minio:9000/x/y");
        assert_eq!(url(|_| ()).await, "https://lake.s3.eu-central-1.amazonaws.com/x/y");
        let path = |config: &mut Config| config.path_style = Some(true);
        assert_eq!(url(path).await, "https://s3.eu-central-1.amazonaws.com/lake/x/y");
    }

    /// What an upload asks of a store, and what becomes of the answer.
    async fn upload_answered(status: &str) -> (String, Result<Created, Retry>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config {
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            access_key_id: Some("key".into()),
            secret_access_key: Some("secret".to_owned().into()),
            ..Config::default()
        };
        let bucket = Bucket::open(&config, "lake", "llm").unwrap();
        // So that there is one request.
        bucket.conditions.are_kept();
        let answer =
            format!("HTTP/1.1 {status}\r\nETag: \"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let served = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"onetwo") {
                assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
            }
            connection.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap().to_lowercase()
        };
        let content = ["one".into(), "two".into()];
        tokio::join!(served, bucket.create("v1/x=y/z.parquet", &content))
    }

    #[tokio::test]
    async fn an_upload_is_one_request_on_the_condition_that_there_is_no_such_object() {
        let (request, created) = upload_answered("200 OK").await;
        assert!(request.starts_with("put /lake/llm/v1/x%3dy/z.parquet http/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nif-none-match: *\r\n"), "{request}");
        assert_eq!(created.unwrap(), Created::New);
    }

    #[tokio::test]
    async fn answers_of_a_store_are_delivered_there_already_for_later_or_for_an_operator() {
        assert_eq!(upload_answered("412 Precondition Failed").await.1.unwrap(), Created::Exists);
        for (status, alarm) in [
            ("503 Service Unavailable", false),
            ("500 Internal Server Error", false),
            ("301 Moved Permanently", true),
            ("400 Bad Request", true),
            ("403 Forbidden", true),
            ("404 Not Found", true),
        ] {
            let retry = upload_answered(status).await.1.unwrap_err();
            assert_eq!(retry.alarm, alarm, "{status}: {retry}");
            assert!(!retry.to_string().contains("secret"), "{retry}");
        }
    }

    #[test]
    fn a_ca_file_that_cannot_be_read_is_named() {
        let config = Config { ca_file: Some("/nowhere/ca.pem".into()), ..Config::default() };
        let error = Bucket::open(&config, "lake", "").unwrap_err().to_string();
        assert!(error.contains("ca_file /nowhere/ca.pem"), "{error}");
    }
}
