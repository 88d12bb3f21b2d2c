//! kill -9 under load, with the files in a bucket.

use crate::harness::free_ports;
use crate::harness::minio::Minio;
use crate::minio::setup;
use crate::python::crash::{everything_is_there_once, kill_twenty_times};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_twenty_kills_is_in_the_bucket_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let [port] = free_ports();
    let minio = Minio::start(&folder.path().join("minio"), port);
    let (collector, sent) = kill_twenty_times(&setup(folder.path(), port)).await;
    let lake = folder.path().join("downloaded");
    minio.download("lake", &lake).await;
    everything_is_there_once(&collector, &sent, &lake).await;
    assert!(collector.stop().0.success());
}
