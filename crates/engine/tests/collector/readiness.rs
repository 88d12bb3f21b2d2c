//! What probes learn while something keeps requests from being taken in, and what the log says of it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Condvar, Mutex};

use spanledger_component::Reservation;
use spanledger_testkit::Scene;
use tokio::runtime;

use crate::setup::{Collector, LONG, PASSING, until};
use crate::told::Told;

const SMALL: &str = "
receivers: {handed: {scene: SCENE}}
exporters: {scripted: {scene: SCENE}}
service: {memory: 32MiB, pipelines: {traces: {receivers: [handed], exporters: [scripted]}}}
";

/// With probes at this port.
fn probed(port: u16) -> String {
    let health = format!(
        "extensions: {{health_check: {{endpoint: 127.0.0.1:{port}}}}}\nservice: {{extensions: [health_check], "
    );
    SMALL.replace("service: {", &health)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The status of an answer, asked from this thread.
fn probe(port: u16, path: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Takes all the memory for requests.
async fn take_all_room(scene: &Scene) -> Vec<Reservation> {
    let intake = scene.intake("handed").await;
    let mut taken = Vec::new();
    while let Ok(reservation) = intake.reserve(1 << 20).await {
        taken.push(reservation);
    }
    taken
}

#[test]
fn liveness_answers_while_intake_and_the_log_and_every_worker_are_blocked() {
    const WORKERS: usize = 2;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
    let port = free_port();
    let collector = runtime.block_on(Collector::start(&probed(port)));
    assert_eq!([probe(port, "/"), probe(port, "/ready")], [200, 200]);

    collector.disk.stall();
    let scene = collector.scene.clone();
    runtime.spawn(async move { scene.send(&["never durable"]).await });
    let taken = runtime.block_on(take_all_room(&collector.scene));
    let (all_blocked, release) = (Arc::new(Barrier::new(WORKERS + 1)), Arc::new(Released::default()));
    for _ in 0..WORKERS {
        let (all_blocked, release) = (all_blocked.clone(), release.clone());
        runtime.spawn(async move {
            all_blocked.wait();
            release.wait();
        });
    }
    all_blocked.wait();
    assert_eq!(probe(port, "/"), 200);
    let ready = probe(port, "/ready");
    assert!([200, 503].contains(&ready), "{ready}");
    assert_eq!(probe(port, "/"), 200);

    release.release();
    collector.disk.heal();
    drop(taken);
}

#[derive(Default)]
struct Released(Mutex<bool>, Condvar);

impl Released {
    fn wait(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |released| !*released).unwrap());
    }

    fn release(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[tokio::test]
async fn a_disk_that_heals_makes_the_collector_ready_although_nobody_sends() {
    let told = Told::listen("readiness changed");
    let collector = Collector::start(PASSING).await;
    until(|| told.reasons().len() == 1).await;
    collector.disk.refuse();
    assert!(collector.scene.send(&["a"]).await.is_err());
    let reason = collector.ready().unwrap_err();
    assert_eq!(reason, "the disk of the log does not take writes");
    until(|| told.reasons().len() == 2).await;
    collector.disk.heal();
    until(|| collector.ready().is_ok()).await;
    until(|| told.reasons().len() == 3).await;
    assert_eq!(
        told.reasons(),
        ["INFO requests are taken in", &format!("WARN {reason}"), "INFO requests are taken in"]
    );
    collector.send(&["b"]).await;
    collector.flush().await;
    assert_eq!(collector.target().names(), ["b"]);
}

#[tokio::test]
async fn a_log_without_room_is_not_ready_before_it_refuses_and_is_ready_again_once_it_has_room() {
    let told = Told::listen("readiness changed");
    let collector = Collector::start_with_log_of(SMALL, Some(32 << 20)).await;
    until(|| told.reasons().len() == 1).await;
    collector.target().shut();
    let large = "n".repeat(1 << 20);
    let mut taken = 0;
    let reason = loop {
        if let Err(reason) = collector.ready() {
            break reason;
        }
        collector.send(&[&format!("{taken} {large}")]).await;
        taken += 1;
    };
    assert!(reason.starts_with("the log is nearly full: "), "{reason}");
    // What is sent all the same is taken as long as there is room.
    collector.send(&[&format!("{taken} {large}")]).await;
    until(|| told.reasons().len() == 2).await;
    collector.target().open();
    collector.flush().await;
    until(|| collector.ready().is_ok()).await;
    until(|| told.reasons().len() == 3).await;
    let reasons = told.reasons();
    assert!(reasons[1].starts_with("WARN the log is nearly full: "), "{reasons:?}");
    assert_eq!(reasons[2], "INFO requests are taken in");
    assert_eq!(collector.target().names().len(), taken + 1);
}

#[tokio::test]
async fn a_drain_is_told_as_no_trouble() {
    let told = Told::listen("readiness changed");
    let collector = Collector::start(PASSING).await;
    until(|| told.reasons().len() == 1).await;
    assert_eq!(collector.drain().await, Ok(()));
    assert!(collector.ready().is_err());
    until(|| told.reasons().len() == 2).await;
    assert_eq!(told.reasons()[1], "INFO no more requests are taken in: it drains or stops");
}
