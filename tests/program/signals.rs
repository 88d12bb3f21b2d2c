//! Each signal is taken where a pipeline takes it, in every encoding and compression.

use bytes::{BufMut as _, BytesMut};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point::Value,
};
use prost::Message as _;

use super::lake;
use crate::harness::{Setup, grpc, http, load};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Metrics have exporters of their own later; until then they are taken in, logged and go nowhere.
const TO_NOP: &str = "
receivers:
  otlp: {protocols: {grpc: , http: }}
extensions: {wal: , admin: }
exporters:
  nop:
service:
  extensions: [wal, admin]
  pipelines:
    metrics: {receivers: [otlp], exporters: [nop]}
";

fn metrics() -> Vec<u8> {
    let point = |value| NumberDataPoint { value: Some(Value::AsInt(value)), ..Default::default() };
    let gauge = Gauge { data_points: vec![point(1), point(2)] };
    let metric = Metric { name: "queue.size".into(), data: Some(Data::Gauge(gauge)), ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..Default::default() }],
    }
    .encode_to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_no_pipeline_takes_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    for signal in ["metrics", "logs"] {
        let path = format!("/v1/{signal}");
        let answer = http::send("POST", collector.setup.http, &path, &[JSON], "{}").await.unwrap();
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        assert_eq!(answer.status(), 404, "{body}");
        assert!(body.contains(&format!("no pipeline takes {signal} from this receiver")), "{body}");
        let ended = grpc::export(collector.setup.grpc, signal, b"").await;
        assert_eq!(
            (ended.status, ended.message),
            (12, format!("no pipeline takes {signal} from this receiver"))
        );
    }
    assert_eq!(collector.status().await["log"]["accepted_items"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_taken_where_a_pipeline_takes_them_and_stand_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).config(TO_NOP).start();
    let answer =
        http::send("POST", collector.setup.http, "/v1/metrics", &[PROTOBUF], metrics()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0), "{answer:?}");
    let mut with_name = metrics();
    with_name.extend(metrics());
    let ended = grpc::export(collector.setup.grpc, "metrics", &with_name).await;
    assert_eq!(ended.status, 0, "{ended:?}");
    assert_eq!(collector.status().await["log"]["accepted_items"], 2 + 4);
    collector.flush().await;
    assert_eq!(collector.branch("nop").await["waiting_items"], 0);
    let broken =
        http::send("POST", collector.setup.http, "/v1/metrics", &[PROTOBUF], vec![0x08, 1]).await.unwrap();
    assert_eq!(broken.status(), 400, "metrics are walked, too");
    let ended = grpc::export(collector.setup.grpc, "traces", b"").await;
    assert_eq!(ended.status, 12, "traces have no pipeline here: {ended:?}");
    assert!(collector.stop().0.success());
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(plain, flate2::Compression::fast());
    std::io::Read::read_to_end(&mut encoder, &mut body).unwrap();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_requests_are_delivered_like_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let mut sent = Vec::new();
    for encoding in ["identity", "gzip", "zstd"] {
        let compress = |plain: Vec<u8>| match encoding {
            "gzip" => gzip(&plain),
            "zstd" => zstd::encode_all(plain.as_slice(), 1).unwrap(),
            _ => plain,
        };
        let (request, ids) = load::request(2, 5000);
        sent.extend(ids);
        let headers = [PROTOBUF, ("content-encoding", encoding)];
        let body = compress(request.encode_to_vec());
        let answer = http::send("POST", collector.setup.http, "/v1/traces", &headers, body).await.unwrap();
        assert_eq!(answer.status(), 200, "{encoding}: {answer:?}");

        let (request, ids) = load::request(2, 5000);
        sent.extend(ids);
        let message = compress(request.encode_to_vec());
        let mut frame = BytesMut::new();
        frame.put_u8(u8::from(encoding != "identity"));
        frame.put_u32(message.len() as u32);
        frame.put_slice(&message);
        let headers = [("grpc-encoding", encoding)];
        let ended = grpc::send(collector.setup.grpc, &grpc::method("traces"), &headers, frame.freeze()).await;
        assert_eq!(ended.status, 0, "{encoding}: {ended:?}");
    }
    collector.flush().await;
    sent.sort();
    assert_eq!(lake::span_ids(&collector.setup.lake()), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_delivered_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Setup::new(folder.path()).start();
    let span = |id: &str| {
        format!(
            r#"{{"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "{id}", "name": "chat", "kind": 3,
                "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": 1790000001000000000, "later": [1],
                "attributes": [{{"key": "gen_ai.operation.name", "value": {{"stringValue": "chat"}}}},
                               {{"key": "gen_ai.usage.input_tokens", "value": {{"intValue": "7"}}}}]}}"#
        )
    };
    let body = format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{}, {}]}}]}}]}}"#,
        span("EEE19B7EC3C1B174"),
        span("eee19b7ec3c1b175")
    );
    for (body, encoding) in [
        (body.clone().into_bytes(), "identity"),
        (gzip(body.replace("b17", "b27").replace("B17", "B27").as_bytes()), "gzip"),
    ] {
        let headers = [JSON, ("content-encoding", encoding)];
        let answer = http::send("POST", collector.setup.http, "/v1/traces", &headers, body).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"{}"[..]), "{answer:?}");
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
    collector.flush().await;
    let expected = ["eee19b7ec3c1b174", "eee19b7ec3c1b175", "eee19b7ec3c1b274", "eee19b7ec3c1b275"];
    assert_eq!(lake::span_ids(&collector.setup.lake()), expected);
    assert_eq!(collector.metric("gen_ai_client_calls_total").await, 4.0);
}
