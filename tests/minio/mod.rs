//! Tests with a real MinIO: kills under load, a bucket that is away, and a trace that is looked up.

mod crash;
mod explain;
mod outage;

use crate::harness::{Setup, minio};

/// The usual pipelines in `folder`, with the lake in a bucket on `port`.
fn setup(folder: &std::path::Path, port: u16) -> Setup {
    let mut setup = Setup::new(folder);
    setup.sets.extend(minio::settings(port));
    setup
}
