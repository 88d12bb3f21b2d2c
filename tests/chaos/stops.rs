//! Stops: a kill in the middle of one, one while the store is away, and the drain of what is left behind.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::minio::{self, Minio};
use crate::harness::{free_ports, tools};
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::{self, Trial};

/// SIGTERM, and SIGKILL some moments later.
pub async fn killed_while_draining(tally: &mut Tally) {
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    for _ in 0..5 {
        trial.start();
        trial.acknowledge(300).await;
        trial.collector().signal(Signal::TERM);
        tokio::time::sleep(Duration::from_millis(tally.between(0, 120))).await;
        trial.collector().signal(Signal::KILL);
        let _ = trial::ended(trial.take_collector()).await;
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// SIGTERM while the store is away: it ends in time with 0 and says what is left, and `drain --wal` brings that over.
pub async fn stopped_in_an_outage(tally: &mut Tally) {
    if tally.skips((!tools::minio().exists()).then(|| "MinIO is not installed".to_owned())) {
        return;
    }
    let [port] = free_ports();
    let mut trial = Trial::with(|mut setup| {
        setup.sets.extend(minio::settings(port));
        setup.set("service.shutdown.timeout=1s")
    });
    trial.load(Shape::USUAL);
    for _ in 0..2 {
        trial.start();
        trial.acknowledge(500).await;
        trial.collector().signal(Signal::TERM);
        let stopped = trial::ended(trial.take_collector());
        let stopped = tokio::time::timeout(Duration::from_secs(20), stopped).await;
        let (status, log) = stopped.expect("it stops in time");
        assert!(status.success(), "{status}\n{log}");
        assert!(log.contains("parquet: ") && log.contains(" items are not delivered yet"), "{log}");
        tally.run();
    }
    let server = Minio::start(&trial.folder().join("minio"), port);
    let log = trial.setup.folder.join("data/wal");
    let drained = trial.setup.command(&["drain", "--wal", log.to_str().unwrap()]).output().unwrap();
    assert!(drained.status.success(), "{}", String::from_utf8_lossy(&drained.stderr));
    let left = trial.setup.command(&["verify"]).output().unwrap();
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    trial.start();
    tally.judged(trial.judge_bucket(&server).await);
}
