//! Tests with a real MinIO: kills under load, and a bucket that is away.

mod crash;
mod outage;

use crate::harness::{Setup, minio};

/// The usual pipelines in `folder`, with the lake in a bucket on `port`.
fn setup(folder: &std::path::Path, port: u16) -> Setup {
    let mut setup = Setup::new(folder);
    setup.sets.extend(minio::settings(port));
    setup
}
