//! Tests of the program that need nothing but the program.

mod admin;
mod audit;
mod bad_input;
mod config;
mod counters;
mod damage;
mod ended;
mod endpoints;
mod examples;
mod explain;
mod forwarding;
mod lake;
mod lifecycle;
mod prices;
mod repeats;
mod replay;
mod secrets;
mod signals;
mod unread;
mod verbs;

/// A bucket on a port where nobody listens, and no patience at the end.
const AWAY: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: , health_check: }
exporters:
  parquet:
    path: s3://ledger/lake
    endpoint: http://127.0.0.1:PORT
    access_key_id: key-of-the-test
    secret_access_key: secret-of-the-test
    rotation: {max_age: 100ms}
service:
  memory: 256MiB
  shutdown: {timeout: 200ms}
  extensions: [wal, admin, health_check]
  pipelines:
    traces: {receivers: [otlp], exporters: [parquet]}
";

/// A setup whose bucket is away.
fn away(folder: &std::path::Path) -> crate::harness::Setup {
    let [port] = crate::harness::free_ports();
    crate::harness::Setup::new(folder).config(&AWAY.replace("PORT", &port.to_string()))
}
