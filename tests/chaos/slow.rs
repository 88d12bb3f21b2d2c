//! Disks that are slow, or hang; and processes that do.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;

use crate::cgroup::{self, Controller, Group};
use crate::disk;
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::Trial;

/// Beside the budget: code, stacks, connections of the test.
const ALLOWED_BESIDE_BYTES: u64 = 128 << 20;
const BUDGET_BYTES: u64 = 64 << 20;
const BYTES_PER_SECOND: u64 = 1 << 20;

/// One MiB a second is all the disk can do, and far more is sent.
pub async fn slow_disk(tally: &mut Tally) {
    if tally.skips(disk::lacking().or_else(|| cgroup::lacking(Controller::Disk))) {
        return;
    }
    let group = Group::new(Controller::Disk);
    let mut trial = Trial::on_disk(512, |setup| {
        setup.before(&group.entering()).set(format!("service.memory={}MiB", BUDGET_BYTES >> 20))
    });
    trial.load(Shape { clients: 32, ..Shape::LARGE });
    trial.start();
    trial.acknowledge(500).await;
    let device = fs::read_to_string(format!("/sys/class/block/{}/dev", trial.disk().device())).unwrap();
    group.limit_writes(device.trim(), Some(BYTES_PER_SECOND));
    tokio::time::sleep(Duration::from_secs(8)).await;
    trial.is_alive().await;
    group.limit_writes(device.trim(), None);
    trial.acknowledge(500).await;
    tally.note(format!("{} refusals while it was slow", trial.sent.refusals()));
    stays_within(&trial);
    tally.run();
    tally.judged(trial.judge().await);
}

/// Writing hangs for some seconds: nobody is told OK meanwhile, and all goes on by itself.
pub async fn frozen_disk(tally: &mut Tally) {
    if tally.skips(disk::lacking().or_else(|| disk::missing("fsfreeze"))) {
        return;
    }
    let mut trial = Trial::on_disk(512, |setup| setup);
    trial.load(Shape::USUAL);
    trial.start();
    for _ in 0..2 {
        trial.acknowledge(300).await;
        let frozen = trial.disk().freeze();
        // What was answered before is on its way.
        trial.pause().await;
        trial.pause().await;
        let spans = trial.sent.spans();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(trial.sent.spans(), spans, "acknowledged by a disk that hangs");
        trial.is_alive().await;
        drop(frozen);
        trial.acknowledge(300).await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

/// The process is stopped for a while, and goes on.
pub async fn frozen_process(tally: &mut Tally) {
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    trial.start();
    for _ in 0..2 {
        trial.acknowledge(300).await;
        trial.collector().signal(Signal::STOP);
        tokio::time::sleep(Duration::from_millis(tally.between(200, 1500))).await;
        trial.collector().signal(Signal::CONT);
        trial.acknowledge(300).await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

/// Far more is sent than a small memory and a small log take in.
pub async fn overload(tally: &mut Tally) {
    let mut trial = Trial::with(|setup| {
        setup
            .set(format!("service.memory={}MiB", BUDGET_BYTES >> 20))
            .set("extensions.wal.max_size=16MiB")
            .set("exporters.parquet.rotation.max_age=3s")
    });
    trial.load(Shape { clients: 64, spans: 100, prompt_bytes: 4000 });
    trial.start();
    trial.refuse(200).await;
    trial.is_alive().await;
    trial.acknowledge(200).await;
    stays_within(&trial);
    tally.run();
    tally.judged(trial.judge().await);
}

/// The kernel kills it for the memory it uses, under load; without the limit it goes on.
pub async fn out_of_memory(tally: &mut Tally) {
    if tally.skips(disk::lacking().or_else(|| cgroup::lacking(Controller::Memory))) {
        return;
    }
    let group = Group::new(Controller::Memory);
    let mut trial = Trial::with(|setup| setup.before(&group.entering()));
    trial.load(Shape { clients: 16, ..Shape::LARGE });
    for _ in 0..3 {
        group.limit_memory(None);
        trial.start();
        trial.acknowledge(200).await;
        let resident = trial.collector().resident_bytes();
        let more = tally.between(1, 12) << 20;
        group.limit_memory(Some(resident + more));
        let collector = trial.take_collector();
        let killed = tokio::time::timeout(Duration::from_secs(60), crate::trial::ended(collector)).await;
        let (status, log) = killed.expect("more memory than that is needed under load");
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}\n{log}");
        tally.crash();
    }
    group.limit_memory(None);
    trial.start();
    tally.judged(trial.judge().await);
}

fn stays_within(trial: &Trial) {
    let peak = trial.collector().peak_resident_bytes();
    assert!(peak < BUDGET_BYTES + ALLOWED_BESIDE_BYTES, "{} MiB", peak >> 20);
}
