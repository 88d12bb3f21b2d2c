//! Replays: what the log still holds, given to an exporter once more.

use spanledger_component::{Bound, Position, Replay};
use spanledger_testkit::exporters::Target;

use crate::setup::{Collector, LONG, SHORT};

/// One exporter that runs, and one that is only declared and holds rows until its range is sealed.
const SPARE: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted: {scene: SCENE}, scripted/second: {scene: SCENE, holds: 100}}
service: {pipelines: {traces: {receivers: [handed], exporters: [scripted]}}}
";

fn into_second() -> Replay {
    Replay { exporter: "scripted/second".into(), ..Replay::default() }
}

/// A collector that has delivered one record of each of these spans.
async fn with_delivered(names: &[&str]) -> Collector {
    let collector = Collector::start(SPARE).await;
    for name in names {
        collector.send(&[name]).await;
    }
    collector.flush().await;
    collector
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_replayed_once_and_the_live_exporter_gets_nothing_again() {
    let collector = with_delivered(&["a", "b"]).await;
    let replayed = collector.replay_records(&into_second(), LONG).await.unwrap();
    assert_eq!((replayed.records, replayed.items, replayed.stopped), (2, 2, None));
    assert_eq!(collector.scene.target("scripted/second").names(), ["a", "b"]);
    collector.send(&["c"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["a", "b", "c"]);
    let rest = Replay { from: Some(Bound::Position(replayed.until)), ..into_second() };
    assert_eq!(collector.replay_records(&rest, LONG).await.unwrap().items, 1);
    assert_eq!(collector.scene.target("scripted/second").names(), ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_taken_is_named_and_all_others_are_replayed() {
    for reject in [Target::reject as fn(&Target, &str), Target::reject_at_seal, Target::panic_on] {
        let collector = with_delivered(&["a", "b", "bad", "c", "worse", "d"]).await;
        let second = collector.scene.target("scripted/second");
        ["bad", "worse"].iter().for_each(|name| reject(&second, name));
        let replayed = collector.replay_records(&into_second(), LONG).await.unwrap();
        assert_eq!((replayed.items, replayed.refused_records, replayed.stopped), (4, 2, None));
        let reasons: Vec<_> = replayed.refused.iter().map(|refusal| refusal.reason.as_str()).collect();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert_eq!(second.names(), ["a", "b", "c", "d"]);
        assert_eq!(collector.dead_letters(), [], "they are none of the exporter's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_made_as_they_were_when_they_arrived() {
    let with = |suffix: &str| {
        let processors = format!("processors: {{suffixing: {{suffix: {suffix}}}}}\nservice:");
        SPARE
            .replace("service:", &processors)
            .replace("exporters: [", "processors: [suffixing], exporters: [")
    };
    let mut collector = Collector::start(&with("-one")).await;
    collector.send(&["a"]).await;
    collector.flush().await;
    collector.stop().await;
    collector.start_again(&with("-two")).await;
    collector.send(&["b"]).await;
    collector.flush().await;
    assert_eq!(collector.replay_records(&into_second(), LONG).await.unwrap().items, 2);
    assert_eq!(collector.scene.target("scripted/second").names(), ["a-one", "b-two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_interrupted_says_where_it_goes_on() {
    let collector = with_delivered(&["a", "b"]).await;
    let second = collector.scene.target("scripted/second");
    second.shut();
    let interrupted = collector.replay_records(&into_second(), SHORT).await.unwrap();
    assert_eq!(interrupted.stopped.as_deref(), Some("the time was up"));
    assert_eq!((interrupted.until, interrupted.items), (interrupted.from, 0));
    second.open();
    let rest = Replay { from: Some(Bound::Position(interrupted.until)), ..into_second() };
    assert_eq!(collector.replay_records(&rest, LONG).await.unwrap().items, 2);
    assert_eq!(second.names(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_for() {
    let collector = with_delivered(&["a", "b"]).await;
    let second = collector.scene.target("scripted/second");
    second.fail(2);
    second.be_busy(1);
    assert_eq!(collector.replay_records(&into_second(), LONG).await.unwrap().items, 2);
    assert_eq!(second.names(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_as_asked_for_is_refused() {
    let two = SPARE.replace("exporters: [scripted]", "exporters: [scripted, scripted/third]");
    let two = two.replace("exporters: {scripted:", "exporters: {scripted/third: {scene: SCENE}, scripted:");
    let collector = Collector::start(&two).await;
    for (what, said) in [
        (
            Replay { exporter: "nobody".into(), ..Replay::default() },
            "no exporter \"nobody\": there are scripted, scripted/second",
        ),
        (into_second(), "expected --rows-of scripted or scripted/third"),
        (
            Replay { rows_of: Some("scripted/second".into()), ..into_second() },
            "no receiver feeds an exporter",
        ),
    ] {
        let refused = collector.replay_records(&what, LONG).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
    collector.send(&["a"]).await;
    let named = Replay { rows_of: Some("scripted/third".into()), ..into_second() };
    assert_eq!(collector.replay_records(&named, LONG).await.unwrap().items, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_are_positions_or_arrivals() {
    let collector = with_delivered(&["a", "b", "c"]).await;
    let all = collector.replay_records(&into_second(), LONG).await.unwrap();
    let bounded = |from, to| Replay { from, to, ..into_second() };
    let far = Bound::Arrival(u64::MAX / 2);
    for (from, to, items) in [
        (Some(Bound::Arrival(0)), Some(far), 3),
        (Some(far), None, 0),
        (None, Some(Bound::Arrival(1)), 0),
        (Some(Bound::Position(Position(all.until.0 - 1))), None, 1),
        (None, Some(Bound::Position(Position(all.until.0 - 1))), 2),
        (Some(Bound::Position(all.until)), Some(Bound::Position(all.from)), 0),
    ] {
        let replayed = collector.replay_records(&bounded(from, to), LONG).await.unwrap();
        assert_eq!((replayed.items, replayed.stopped), (items, None), "{from:?} to {to:?}");
    }
}
