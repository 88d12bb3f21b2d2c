//! Disks that are full, read-only, out of inodes, or fail to fsync and do not say so twice.

use std::time::Instant;

use crate::disk::{self, Memory};
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::Trial;

const DISK_MIB: u64 = 64;

/// The disk under log and lake is full for a while.
pub async fn no_room(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk(DISK_MIB, |setup| setup);
    trial.load(Shape::LARGE);
    trial.start();
    for _ in 0..2 {
        trial.acknowledge(200).await;
        fill_until_refused(&trial).await;
        trial.is_alive_and_not_ready().await;
        trial.disk().empty();
        trial.acknowledge(200).await;
        trial.is_ready().await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

/// The disk under the log alone is full, so that no plan can be written; the process is killed in the middle of it.
pub async fn no_room_for_plans(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::with_log_on_disk(DISK_MIB, |setup| setup);
    trial.load(Shape::LARGE);
    for _ in 0..2 {
        trial.start();
        trial.acknowledge(200).await;
        fill_until_refused(&trial).await;
        trial.kill();
        tally.crash();
        trial.disk().empty();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

async fn fill_until_refused(trial: &Trial) {
    let refusals = trial.sent.refusals();
    while trial.sent.refusals() < refusals + 5 {
        trial.disk().fill();
        trial.pause().await;
    }
}

/// An fsync fails because the disk below the disk is full; the kernel says OK to the next one, and nothing is there.
pub async fn fsyncgate(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk_in_memory(DISK_MIB, 80);
    trial.load(Shape::USUAL);
    for _ in 0..3 {
        trial.start();
        trial.acknowledge(500).await;
        let last = Instant::now();
        trial.memory().fill();
        trial.refuse(5).await;
        trial.is_alive_and_not_ready().await;
        trial.memory().empty();
        // Where a block of the journal was lost as well, ext4 gives up writing, as in `read_only`.
        let is_read_only = trial.disk().is_read_only();
        if is_read_only {
            trial.sent.was_dark(last..Instant::now());
        } else {
            trial.acknowledge(100).await;
            trial.is_ready().await;
        }
        // What is only in the page cache is gone with it.
        trial.kill();
        trial.disk().unmount();
        if is_read_only {
            trial.disk().repair();
        }
        trial.disk().mount();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// The file system turns read-only by an error of its own, and is mended while the collector is away.
pub async fn read_only(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk_mounted(DISK_MIB, &["-E", "nodiscard"], "loop,errors=remount-ro");
    trial.load(Shape::USUAL);
    for _ in 0..2 {
        trial.start();
        trial.acknowledge(300).await;
        let last = Instant::now();
        trial.disk().turn_read_only();
        trial.refuse(5).await;
        // The one fsync under way is told OK by the kernel, although its part of the journal is not written.
        trial.sent.was_dark(last..Instant::now());
        trial.is_alive_and_not_ready().await;
        trial.kill();
        trial.disk().unmount();
        trial.disk().repair();
        trial.disk().mount();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// No file can be made any more, for a while.
pub async fn no_inodes(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk_mounted(128, &["-E", "nodiscard", "-N", "128"], "loop");
    trial.setup = trial.setup.clone().set("extensions.wal.max_size=60MiB");
    trial.load(Shape::LARGE);
    trial.start();
    trial.acknowledge(200).await;
    let folder = trial.disk().path().join("files");
    std::fs::create_dir(&folder).unwrap();
    let refusals = trial.sent.refusals();
    for number in 0.. {
        if std::fs::File::create(folder.join(number.to_string())).is_err() {
            trial.pause().await;
        }
        if trial.sent.refusals() > refusals + 5 {
            break;
        }
    }
    trial.is_alive_and_not_ready().await;
    std::fs::remove_dir_all(&folder).unwrap();
    trial.acknowledge(200).await;
    trial.is_ready().await;
    tally.run();
    tally.judged(trial.judge().await);
}

impl Trial {
    fn memory(&self) -> &Memory {
        self.memory.as_ref().expect("the disk is in memory")
    }
}
