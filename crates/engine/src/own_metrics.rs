//! The engine's own metrics: the log, and for every branch what it delivered and what waits.

use std::sync::Arc;

use spanledger_component::{ComponentId, Host as _, Signal};
use spanledger_telemetry::{Meter, Type};

use crate::branch::Progress;
use crate::budget::Shares;
use crate::exporting::Sent;
use crate::host::Host;

/// The counters that the Collector has of every exporter.
pub(crate) fn sent(meter: &Meter, exporter: &str) -> Sent {
    let labels = [("exporter", exporter)];
    let items = [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| {
        let name = format!("otelcol_exporter_sent_{}", signal.items());
        meter.counter(&name, "Items that the exporter's target has taken", &labels)
    });
    let given_up = [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| {
        let name = format!("otelcol_exporter_send_failed_{}", signal.items());
        meter.counter(&name, "Items that the exporter can never take, in the dead letters", &labels)
    });
    let failures = meter.counter(
        "spanledger_exporter_failed_attempts",
        "Deliveries that failed and were tried again",
        &labels,
    );
    Sent { items, given_up, failures }
}

/// Observes the log and the branches of a running collector.
pub(crate) fn observe(
    meter: &Meter,
    host: &Arc<Host>,
    shares: &Shares,
    is_exporter: impl Fn(&ComponentId) -> bool,
) {
    observe_log(meter, host);
    for (index, progress) in host.branches.iter().enumerate() {
        observe_branch(meter, host, index);
        if is_exporter(&progress.id) {
            observe_queue(meter, host, progress);
        }
    }
    let intake = shares.intake as f64;
    meter.observe(
        "spanledger_memory_intake_limit_bytes",
        "Memory for requests",
        Type::Gauge,
        &[],
        move || intake,
    );
}

fn observe_log(meter: &Meter, host: &Arc<Host>) {
    let gauge = |name: &str, help: &str, kind, value: fn(&Host) -> f64| {
        let host = Arc::downgrade(host);
        meter.observe(name, help, kind, &[], move || host.upgrade().map_or(f64::NAN, |host| value(&host)));
    };
    gauge("spanledger_log_bytes", "Bytes of the log on disk", Type::Gauge, |host| {
        host.wal.stats().used_bytes as f64
    });
    gauge("spanledger_log_limit_bytes", "Bytes the log may take", Type::Gauge, |host| {
        host.wal.stats().max_bytes as f64
    });
    gauge("spanledger_log_fsyncs", "Fsyncs of the log", Type::Counter, |host| host.wal.stats().fsyncs as f64);
    gauge("spanledger_log_repaired_records", "Damaged records that were made whole", Type::Counter, |host| {
        host.wal.stats().repaired_records as f64
    });
    gauge(
        "spanledger_log_quarantined_items",
        "Items that cannot be read, since the log was made",
        Type::Counter,
        |host| host.wal.stats().quarantined_items.iter().sum::<u64>() as f64,
    );
    gauge(
        "spanledger_log_quarantined_bytes",
        "Bytes that cannot be read, since the log was made",
        Type::Counter,
        |host| host.wal.stats().quarantined_bytes as f64,
    );
    gauge(
        "spanledger_log_repeat_window_seconds",
        "How far back repeats are recognised",
        Type::Gauge,
        |host| host.wal.stats().repeat_reach.as_secs_f64(),
    );
    gauge("spanledger_log_durable_position", "The last durable position", Type::Gauge, |host| {
        host.status().log.durable.0 as f64
    });
    gauge("spanledger_log_accepted_items", "Items accepted since the log was made", Type::Counter, |host| {
        host.status().log.accepted_items as f64
    });
}

/// The Collector's words for what waits: here the log is the queue of every exporter, and both are bytes of it.
fn observe_queue(meter: &Meter, host: &Arc<Host>, progress: &Arc<Progress>) {
    let id = progress.id.to_string();
    let labels = [("exporter", id.as_str())];
    let (waiting, progress) = (Arc::downgrade(host), progress.clone());
    let size = move || waiting.upgrade().map_or(f64::NAN, |host| host.waiting_bytes(&progress) as f64);
    let help = "Bytes of the log that wait for the exporter";
    meter.observe("otelcol_exporter_queue_size", help, Type::Gauge, &labels, size);
    let full = Arc::downgrade(host);
    let capacity = move || full.upgrade().map_or(f64::NAN, |host| host.wal.stats().data_max_bytes as f64);
    let help = "Bytes of the log that may wait";
    meter.observe("otelcol_exporter_queue_capacity", help, Type::Gauge, &labels, capacity);
}

fn observe_branch(meter: &Meter, host: &Arc<Host>, index: usize) {
    let Some(id) = host.branches.get(index).map(|progress| progress.id.to_string()) else { return };
    let gauge = |name: &str, help: &str, value: fn(&spanledger_component::BranchStatus) -> f64| {
        let host = Arc::downgrade(host);
        let value = move || {
            let status = host.upgrade().and_then(|host| host.status().branches.into_iter().nth(index));
            status.map_or(f64::NAN, |status| value(&status))
        };
        meter.observe(name, help, Type::Gauge, &[("branch", &id)], value);
    };
    gauge("spanledger_branch_delivered_position", "The last delivered position", |status| {
        status.delivered.0 as f64
    });
    gauge("spanledger_branch_waiting_items", "Items that wait for delivery", |status| {
        status.waiting_items as f64
    });
    gauge("spanledger_branch_waiting_bytes", "Bytes that wait for delivery", |status| {
        status.waiting_bytes as f64
    });
    gauge("spanledger_branch_oldest_seconds", "Age of the oldest item that waits", |status| {
        status.oldest_seconds
    });
    gauge("spanledger_branch_dead_letters", "Records in the dead letters", |status| {
        status.dead_letters as f64
    });
    gauge("spanledger_branch_accepted_items", "Items that are durable and meant for it", |status| {
        status.ledger.accepted as f64
    });
    gauge("spanledger_branch_delivered_items", "Items that its target has taken", |status| {
        status.ledger.delivered as f64
    });
    gauge("spanledger_branch_dead_lettered_items", "Items that it can never take", |status| {
        status.ledger.dead_lettered as f64
    });
    gauge("spanledger_branch_quarantined_items", "Items that are damaged on disk", |status| {
        status.ledger.quarantined as f64
    });
    gauge("spanledger_branch_dropped_items", "Items that the configuration drops", |status| {
        status.ledger.dropped as f64
    });
    gauge("spanledger_ledger_imbalance", "Items that nobody accounts for: 0, or a bug", |status| {
        status.ledger.imbalance as f64
    });
    gauge("spanledger_branch_failing", "1 while deliveries fail", |status| {
        f64::from(u8::from(status.error.is_some()))
    });
}
