//! Log records stand in `logs`.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use crate::harness::{Setup, duck, grpc, load};

const CONFIG: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: }
exporters:
  parquet: {path: ./data/lake}
service:
  extensions: [wal, admin]
  pipelines:
    logs: {receivers: [otlp], exporters: [parquet]}
";

fn request() -> ExportLogsServiceRequest {
    let body = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.into())) });
    let record = LogRecord {
        time_unix_nano: 1_790_000_000_000_000_001,
        observed_time_unix_nano: 1_790_000_000_000_000_002,
        severity_number: 9,
        severity_text: "INFO".into(),
        event_name: "gen_ai.choice".into(),
        body: body("an answer"),
        attributes: vec![load::text("gen_ai.system", "openai"), load::int("index", 3)],
        trace_id: vec![0xAB; 16],
        span_id: vec![0xCD; 8],
        ..Default::default()
    };
    let bare = LogRecord {
        observed_time_unix_nano: 1_790_000_000_000_000_003,
        body: body("bare"),
        ..Default::default()
    };
    let resource = Resource { attributes: vec![load::text("service.name", "chatty")], ..Default::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record, bare], ..Default::default() }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource: Some(resource), scope_logs, ..Default::default() }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_record_stands_in_the_logs_table_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).config(CONFIG).start();
    let ended = grpc::export(collector.setup.grpc, "logs", &request().encode_to_vec()).await;
    assert_eq!(ended.status, 0, "{ended:?}");
    collector.flush().await;
    let rows = duck::query(
        &collector.setup.lake(),
        "select body, event_name, severity_number, trace_id, span_id, service_name, log_attributes['index'] as i,
           time_unix_nano, observed_time_unix_nano from {logs} order by index",
    );
    let expected = serde_json::json!([
        {"body": "an answer", "event_name": "gen_ai.choice", "severity_number": 9, "trace_id": "ab".repeat(16),
         "span_id": "cd".repeat(8), "service_name": "chatty", "i": "3", "time_unix_nano": 1_790_000_000_000_000_001_i64,
         "observed_time_unix_nano": 1_790_000_000_000_000_002_i64},
        {"body": "bare", "event_name": null, "severity_number": null, "trace_id": null, "span_id": null,
         "service_name": "chatty", "i": null, "time_unix_nano": null,
         "observed_time_unix_nano": 1_790_000_000_000_000_003_i64},
    ]);
    assert_eq!(serde_json::Value::Array(rows), expected);
}
