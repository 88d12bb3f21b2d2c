//! kill -9 under load: what was acknowledged is there exactly once, and the counters agree.

use std::sync::Arc;

use crate::harness::{Collector, Sent, Setup, judge, load};

const KILLS: usize = 20;
const SENDERS: usize = 4;

/// Sends until the connection breaks. Nothing is sent twice.
async fn send_until_it_breaks(port: u16, sent: Arc<Sent>) {
    let Ok(mut client) = load::client(port).await else { return };
    loop {
        let (request, ids) = load::request(5, 400);
        match client.export(request).await {
            Ok(_) => sent.acknowledge(ids),
            Err(_) => return sent.leave_open(ids),
        }
    }
}

/// Starts the collector, sends under load, and kills it after so many more spans were acknowledged.
async fn load_and_kill(setup: &Setup, sent: &Arc<Sent>, spans: usize) {
    let collector = setup.start();
    let senders: Vec<_> =
        (0..SENDERS).map(|_| tokio::spawn(send_until_it_breaks(setup.grpc, sent.clone()))).collect();
    sent.wait_for(sent.spans() + spans).await;
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
    let figures = judge(sent, lake).unwrap();
    assert!(figures.acknowledged > 1000, "the load was no load: {figures:?}");
    assert_eq!(
        collector.metric("gen_ai_client_calls_total").await,
        figures.rows as f64,
        "calls counted against rows"
    );
    println!("{figures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_twenty_kills_is_in_parquet_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let (collector, sent) = kill_twenty_times(&setup).await;
    everything_is_there_once(&collector, &sent, &setup.lake()).await;
    assert!(collector.stop().0.success());
}
