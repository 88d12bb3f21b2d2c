//! The process dies at named points in the life of a span.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use spanledger_faults::Point;

use crate::harness::{Setup, http};
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::{self, Trial};

/// Under load, a process that passes a point passes it within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every point, at one of its first passes and at a later one.
pub async fn every_point(tally: &mut Tally) {
    for point in Point::ALL.iter().copied().filter(|point| *point != Point::InRecovery) {
        let mut trial = Trial::with(small_segments);
        trial.load(Shape::LARGE);
        for number in [1, tally.between(2.min(latest(point)), latest(point))] {
            dies_at(&mut trial, point, number).await;
            tally.crash();
        }
        trial.start();
        let figures = trial.judge().await;
        tally.note(format!("{point}: {} spans", figures.acknowledged));
        tally.judged(figures);
    }
}

/// Dies in its recovery, and in the recovery from that; the third start goes well.
pub async fn recovery_again_and_again(tally: &mut Tally) {
    let mut trial = Trial::with(small_segments);
    trial.load(Shape::LARGE);
    for point in [Point::InRecovery, Point::BeforeWrite, Point::BeforeFsync, Point::BeforeDirectoryFsync] {
        trial.start();
        trial.acknowledge(500).await;
        trial.kill();
        tally.crash();
        for _ in 0..2 {
            dies_at(&mut trial, point, 1).await;
            tally.crash();
        }
    }
    trial.start();
    tally.judged(trial.judge().await);
}

fn small_segments(setup: Setup) -> Setup {
    setup.set("extensions.wal.max_size=24MiB")
}

/// How many times a point is passed soon under load.
fn latest(point: Point) -> u64 {
    match point {
        Point::BeforeWrite | Point::BeforeFsync | Point::BeforeAnswer => 200,
        Point::BeforeDirectoryFsync | Point::AfterSeal | Point::BeforeRename => 2,
        point if by_a_stop(point) => 1,
        _ => 3,
    }
}

/// Under load these come every ten seconds; a stop brings them about at once.
fn by_a_stop(point: Point) -> bool {
    matches!(
        point,
        Point::BeforeCheckpoint | Point::AfterCheckpoint | Point::BeforeRemove | Point::BeforeRename
    )
}

/// Waits until so many more spans are acknowledged and counted: a connector that has counted nothing has no checkpoint.
async fn counted(trial: &Trial, spans: usize) {
    trial.acknowledge(spans).await;
    // An error: it died meanwhile.
    let _ = http::send("PUT", trial.setup.admin, "/flush?timeout=20s", &[], "").await;
}

/// Starts a process that dies at a point, and waits until it did. What only time or a stop brings about, a checkpoint
/// for one, a stop brings about.
pub async fn dies_at(trial: &mut Trial, point: Point, number: u64) {
    let doomed = trial.setup.clone().env("SPANLEDGER_DIES_AT", &format!("{point}:{number}"));
    let collector = doomed.start_until("");
    let pid = Pid::from_raw(collector.pid() as i32).unwrap();
    let ended = tokio::time::timeout(PATIENCE, async {
        let ended = trial::ended(collector);
        tokio::pin!(ended);
        tokio::select! {
            ended = &mut ended => return ended,
            // More than a segment.
            () = counted(trial, 1500), if by_a_stop(point) => kill_process(pid, Signal::TERM).unwrap(),
        }
        ended.await
    });
    let (status, log) = ended.await.unwrap_or_else(|_| panic!("{point} was not passed {number} times"));
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{point}:{number}: {status}\n{log}");
}
