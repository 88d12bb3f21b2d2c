//! kill -9 under load: what was acknowledged is there exactly once, and the counters agree.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use tokio::sync::Notify;

use crate::harness::{Collector, Setup, duck, load};

const KILLS: usize = 20;
const SENDERS: usize = 4;

/// What senders know: the spans of every acknowledged request, and of those whose outcome is unknown.
#[derive(Default)]
pub struct Sent {
    acknowledged: Mutex<HashSet<String>>,
    unknown: Mutex<HashSet<String>>,
    progress: Notify,
}

/// Sends until the connection breaks. Nothing is sent twice.
async fn send_until_it_breaks(port: u16, sent: Arc<Sent>) {
    let Ok(mut client) = load::client(port).await else { return };
    loop {
        let (request, ids) = load::request(5, 400);
        match client.export(request).await {
            Ok(_) => sent.acknowledged.lock().unwrap().extend(ids),
            Err(_) => return sent.unknown.lock().unwrap().extend(ids),
        }
        sent.progress.notify_waiters();
    }
}

/// Starts the collector, sends under load, and kills it after so many more spans were acknowledged.
async fn load_and_kill(setup: &Setup, sent: &Arc<Sent>, spans: usize) {
    let collector = setup.start();
    let senders: Vec<_> =
        (0..SENDERS).map(|_| tokio::spawn(send_until_it_breaks(setup.grpc, sent.clone()))).collect();
    let enough = sent.acknowledged.lock().unwrap().len() + spans;
    loop {
        let progress = sent.progress.notified();
        if sent.acknowledged.lock().unwrap().len() >= enough {
            break;
        }
        progress.await;
    }
    collector.kill();
    for sender in senders {
        sender.await.unwrap();
    }
}

/// Twenty kills at random moments, then a last start that catches up. The moments vary with `seed`.
pub async fn kill_twenty_times(setup: &Setup) -> (Collector, Arc<Sent>) {
    let sent = Arc::new(Sent::default());
    let mut seed = std::process::id().wrapping_mul(2_654_435_761);
    println!("moments from seed {seed}");
    for _ in 0..KILLS {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        load_and_kill(setup, &sent, 5 + (seed >> 16) as usize % 6000).await;
    }
    let collector = setup.start();
    collector.flush().await;
    (collector, sent)
}

/// What was acknowledged is in the files exactly once, nothing else is but what may be, and the counter says the same.
pub async fn everything_is_there_once(collector: &Collector, sent: &Sent, lake: &std::path::Path) {
    let rows = duck::query(lake, "select span_id, count(*) as n from {spans} group by all");
    let there: HashSet<String> = rows.iter().map(|row| row["span_id"].as_str().unwrap().to_owned()).collect();
    let twice: Vec<&Value> = rows.iter().filter(|row| row["n"] != 1).collect();
    assert!(twice.is_empty(), "{} spans stand there more than once: {:?}", twice.len(), twice.first());

    let acknowledged = sent.acknowledged.lock().unwrap().clone();
    let unknown = sent.unknown.lock().unwrap().clone();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged spans are lost", lost.len(), acknowledged.len());
    let strange: Vec<_> =
        there.iter().filter(|id| !acknowledged.contains(*id) && !unknown.contains(*id)).collect();
    assert!(strange.is_empty(), "{} spans were never sent", strange.len());
    assert!(acknowledged.len() > 1000, "the load was no load: {} spans", acknowledged.len());

    let places = "select count(*) - count(distinct (log, position, index)) from {spans}";
    assert_eq!(duck::number(lake, places), 0, "(log, position, index) is not unique");
    assert_eq!(
        collector.metric("gen_ai_client_calls_total").await,
        there.len() as f64,
        "calls counted against rows"
    );
    println!("{} spans acknowledged, {} unknown, {} rows", acknowledged.len(), unknown.len(), there.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_twenty_kills_is_in_parquet_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let (collector, sent) = kill_twenty_times(&setup).await;
    everything_is_there_once(&collector, &sent, &setup.lake()).await;
    assert!(collector.stop().0.success());
}
