//! A real MinIO with a bucket `ledger`, and a way to bring what is in it to DuckDB.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::aws::AmazonS3Builder;

use super::tools;

pub const USER: &str = "ledger-user";
pub const PASSWORD: &str = "ledger-password";

/// A running MinIO; killed when dropped.
pub struct Minio {
    child: Child,
    port: u16,
}

impl Minio {
    /// Starts it on `port` with its data in `folder`, and waits until it listens.
    pub fn start(folder: &Path, port: u16) -> Self {
        Self::start_with(folder, port, PASSWORD)
    }

    /// The same with another password.
    pub fn start_with(folder: &Path, port: u16, password: &str) -> Self {
        // A folder below the data is a bucket.
        std::fs::create_dir_all(folder.join("ledger")).unwrap();
        let mut child = Command::new(tools::minio())
            .args(["server", "--address", &format!("127.0.0.1:{port}")])
            .arg(folder)
            .envs([("MINIO_ROOT_USER", USER), ("MINIO_ROOT_PASSWORD", password), ("MINIO_BROWSER", "off")])
            .env("HOME", folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("API:") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "minio ended before it listened");
        }
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(drop));
        Self { child, port }
    }

    /// Downloads every object below `prefix` to `lake`, under the same names.
    pub async fn download(&self, prefix: &str, lake: &Path) {
        let store = AmazonS3Builder::new()
            .with_endpoint(format!("http://127.0.0.1:{}", self.port))
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_bucket_name("ledger")
            .with_access_key_id(USER)
            .with_secret_access_key(PASSWORD)
            .build()
            .unwrap();
        let objects: Vec<_> = store.list(Some(&prefix.into())).try_collect().await.unwrap();
        for object in objects {
            let below = object.location.as_ref().strip_prefix(&format!("{prefix}/")).unwrap().to_owned();
            let bytes = object_store::ObjectStoreExt::get(&store, &object.location)
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            let path = lake.join(below);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The settings that make the exporter `parquet` write to the bucket under `lake`.
pub fn settings(port: u16) -> Vec<String> {
    vec![
        "exporters.parquet.path=s3://ledger/lake".to_owned(),
        format!("exporters.parquet.endpoint=http://127.0.0.1:{port}"),
        "exporters.parquet.region=us-east-1".to_owned(),
        "exporters.parquet.path_style=true".to_owned(),
        format!("exporters.parquet.access_key_id={USER}"),
        format!("exporters.parquet.secret_access_key={PASSWORD}"),
    ]
}
