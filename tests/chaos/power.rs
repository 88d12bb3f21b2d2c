//! Power loss on a real file system.

use std::time::Duration;

use spanledger_faults::Point;

use crate::disk;
use crate::harness::Figures;
use crate::load::Shape;
use crate::points::dies_at;
use crate::scenario::Tally;
use crate::trial::Trial;

const LOSSES: u64 = 5;
const DISK_MIB: u64 = 512;
/// Attempts after which a planted fault has to be found.
const CONTROLS: u64 = 10;

/// The power fails after a random number of spans, again and again.
pub async fn under_load(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk(DISK_MIB, |setup| setup);
    trial.load(Shape::USUAL);
    for _ in 0..LOSSES {
        trial.start();
        trial.acknowledge(tally.between(5, 1500) as usize).await;
        trial.lose_power();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// The power fails while the collector starts, in the middle of its recovery if it comes to that.
pub async fn while_starting(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk(DISK_MIB, |setup| setup);
    trial.load(Shape::USUAL);
    for _ in 0..LOSSES {
        trial.start();
        trial.acknowledge(200).await;
        trial.lose_power();
        trial.start_unready();
        tokio::time::sleep(Duration::from_millis(tally.between(0, 80))).await;
        trial.lose_power();
        tally.crash();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// Killed between write and fsync, started again, the clients send again and are told that it is there: then the power
/// fails, and it has to be there.
pub async fn after_repeats(tally: &mut Tally) {
    if tally.skips(disk::lacking()) {
        return;
    }
    let mut trial = Trial::on_disk(DISK_MIB, |setup| setup);
    trial.load(Shape::USUAL);
    for point in [Point::BeforeFsync, Point::BeforeAnswer, Point::BeforeDirectoryFsync, Point::BeforeFsync] {
        let number = if point == Point::BeforeDirectoryFsync { 1 } else { tally.between(3, 40) };
        dies_at(&mut trial, point, number).await;
        tally.crash();
        trial.start();
        trial.acknowledge(20).await;
        trial.lose_power();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}

/// A collector that does not fsync loses what it acknowledged, and this is noticed.
pub async fn without_fsync(tally: &mut Tally) {
    is_caught(tally, "no-fsync").await;
}

/// A collector that answers before its fsync loses what it acknowledged, sooner or later, and this is noticed.
pub async fn with_early_answers(tally: &mut Tally) {
    is_caught(tally, "answer-before-fsync").await;
}

async fn is_caught(tally: &mut Tally, fault: &str) {
    if tally.skips(disk::lacking()) {
        return;
    }
    for attempt in 1..=CONTROLS {
        tally.crash();
        if let Err(wrong) = lose_power_with(fault, tally.between(50, 500) as usize).await {
            let wrong = wrong.lines().next().unwrap_or_default();
            return tally.note(format!("{fault} was caught at power loss {attempt}: {wrong}"));
        }
    }
    panic!("{fault} was not caught in {CONTROLS} power losses");
}

/// One power loss with a planted fault, and the judgement of a collector without it.
async fn lose_power_with(fault: &str, spans: usize) -> Result<Figures, String> {
    let mut trial = Trial::on_disk(DISK_MIB, |setup| setup.env("SPANLEDGER_FAULT", fault));
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(spans).await;
    // Nothing follows that would bring about the fsync of what was acknowledged last.
    trial.end_load().await;
    trial.lose_power();
    trial.setup.env.clear();
    trial.start();
    // So that there are rows, whatever was lost.
    trial.load(Shape::USUAL);
    trial.acknowledge(20).await;
    trial.verdict(None).await
}
