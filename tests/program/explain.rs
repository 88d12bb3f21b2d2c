//! `explain` with a config: its prices, its lake, and what a stored row says beside what is true today.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::ended::{Ended, program};
use super::lake;
use crate::harness::{Setup, http, load};

/// One dollar for a million tokens of input, two for a million of output.
const TABLE: &str = r#"[{"id": "openai", "api_pattern": "https://api\\.openai\\.com", "models":
    [{"id": "m", "match": {"starts_with": "gpt"}, "prices": {"input_mtok": 1, "output_mtok": 2}}]}]"#;

/// A call of a model that no table has: 100 tokens in, 10 out.
fn call_of_a_gateway(folder: &Path) {
    let request = call(
        "",
        &[("provider.name", "openai"), ("request.model", "smart")],
        &[("usage.input_tokens", "100"), ("usage.output_tokens", "10")],
    );
    fs::write(folder.join("call.json"), request).unwrap();
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A request of one chat call, with attributes whose names begin with `gen_ai.`.
fn call(scope: &str, texts: &[(&str, &str)], counts: &[(&str, &str)]) -> String {
    let attribute = |kind: &str, (key, value): &(&str, &str)| json!({"key": format!("gen_ai.{key}"), "value": {kind: value}});
    let texts = [("operation.name", "chat")].iter().chain(texts).map(|pair| attribute("stringValue", pair));
    let attributes: Vec<_> = texts.chain(counts.iter().map(|pair| attribute("intValue", pair))).collect();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let span = json!({
        "traceId": TRACE, "spanId": "b7ad6b7169203331", "name": "chat", "kind": 3,
        "startTimeUnixNano": (now - 1_000_000_000).to_string(), "endTimeUnixNano": now.to_string(),
        "attributes": attributes,
    });
    let spans = json!({"scope": {"name": scope}, "spans": [span]});
    json!({"resourceSpans": [{"scopeSpans": [spans]}]}).to_string()
}

/// A config whose only step is `genai` with these settings.
fn with_prices(prices: &str) -> String {
    format!(
        "yaml:{{receivers: {{nop: }}, exporters: {{nop: }}, processors: {{genai: {{prices: {prices}}}}}, \
         service: {{pipelines: {{traces: {{receivers: [nop], processors: [genai], exporters: [nop]}}}}}}}}"
    )
}

fn explain(folder: &Path, more: &[&str]) -> Ended {
    Ended::of(program(folder, &[&["explain", "call.json"], more].concat()))
}

/// The lines of the text that begin with a word.
fn lines<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let rest = |line: &'a str| line.strip_prefix(head)?.strip_prefix(' ').map(str::trim_start);
    text.lines().filter_map(rest).collect()
}

#[test]
fn a_captured_call_has_the_prices_of_the_config_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    call_of_a_gateway(folder.path());
    let built_in = explain(folder.path(), &[]).success();
    assert!(
        lines(&built_in, "prices")[0].ends_with("which are built in; --config gives those of a config"),
        "{built_in}"
    );
    assert!(lines(&built_in, "price")[0].starts_with("unknown_model: "), "{built_in}");

    let own = with_prices("{overrides: [{match: {equals: smart}, prices: {input_mtok: 3, output_mtok: 5}}]}");
    let told = explain(folder.path(), &["--config", &own]).success();
    assert!(lines(&told, "prices")[0].ends_with(", of processors::genai"), "{told}");
    // 100 * 3 + 10 * 5 millionths of a dollar.
    assert_eq!(
        lines(&told, "cost"),
        ["0.000350000000 USD by overrides::0: input 0.000300000000, output 0.000050000000"]
    );

    let alias = with_prices("{aliases: {smart: openai/gpt-4o}}");
    let told = explain(folder.path(), &["--config", &alias, "--json"]);
    assert!(told.stderr.contains(", of processors::genai"), "{told:?}");
    let spans: Value = serde_json::from_str(&told.success()).unwrap();
    assert_eq!(
        (&spans[0]["price"]["status"], &spans[0]["price"]["entry"]),
        (&json!("priced"), &json!("openai/gpt-4o"))
    );
    assert_eq!((spans[0].get("stored"), spans[0].get("difference")), (None, None));
}

#[test]
fn a_price_file_is_read_and_one_that_is_missing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    call_of_a_gateway(folder.path());
    let config = with_prices("{file: prices.json}");
    let missing = explain(folder.path(), &["--config", &config]).failure();
    assert!(missing.contains("processors::genai: read price table prices.json: No such file"), "{missing}");
    fs::write(folder.path().join("prices.json"), TABLE.replace("gpt", "smart")).unwrap();
    let told = explain(folder.path(), &["--config", &config]).success();
    assert_eq!(
        lines(&told, "cost"),
        ["0.000120000000 USD by openai/m: input 0.000100000000, output 0.000020000000"]
    );
}

/// Answers the first request with a table; gives the requests that came until `stop`.
fn serve(listener: TcpListener) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        let table = TABLE.replace("gpt", "smart");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", table.len());
        connection.write_all((head + &table).as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    })
}

#[test]
fn an_address_is_asked_for_the_table_and_when_it_fails_that_is_said_without_its_key() {
    let folder = tempfile::tempdir().unwrap();
    call_of_a_gateway(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/prices?key=hunter2", listener.local_addr().unwrap());
    let config = with_prices(&format!("{{url: '{address}'}}"));
    let server = serve(listener);
    let told = explain(folder.path(), &["--config", &config]).success();
    assert!(server.join().unwrap().starts_with("GET /prices?key=hunter2 "));
    assert_eq!(
        lines(&told, "cost"),
        ["0.000120000000 USD by openai/m: input 0.000100000000, output 0.000020000000"]
    );

    // Nobody listens there any more.
    let told = explain(folder.path(), &["--config", &config]);
    assert!(told.stderr.contains("for the price table"), "{told:?}");
    assert!(told.stderr.ends_with("; the table is the one that is built in\n"), "{told:?}");
    assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
    assert!(lines(&told.success(), "price")[0].starts_with("unknown_model: "));
}

#[test]
fn of_processors_with_different_prices_one_is_taken_and_named() {
    const CONFIG: &str = "yaml:{receivers: {nop: }, exporters: {nop: }, processors: {
        genai/a: {prices: {overrides: [{free: true}]}},
        genai/b: {prices: {aliases: {smart: openai/gpt-4o}}},
        genai/unused: {prices: {aliases: {smart: openai/gpt-4o-mini}}}},
      service: {pipelines: {
        traces/1: {receivers: [nop], processors: [genai/a], exporters: [nop]},
        traces/2: {receivers: [nop], processors: [genai/b], exporters: [nop]}}}}";
    let folder = tempfile::tempdir().unwrap();
    call_of_a_gateway(folder.path());
    let first = explain(folder.path(), &["--config", CONFIG]);
    assert!(
        first.stderr.contains("genai/a, genai/b; these are the prices of genai/a, --processor "),
        "{first:?}"
    );
    assert!(lines(&first.success(), "cost")[0].starts_with("0.000000000000 USD by overrides::0"));
    for (id, entry) in [("genai/b", "openai/gpt-4o"), ("genai/unused", "openai/gpt-4o-mini")] {
        let named = explain(folder.path(), &["--config", CONFIG, "--processor", id]);
        assert_eq!(named.stderr, "");
        let told = named.success();
        assert!(lines(&told, "prices")[0].ends_with(&format!(", of processors::{id}")), "{told}");
        assert!(lines(&told, "cost")[0].contains(&format!(" by {entry}: ")), "{told}");
    }
    let unknown = explain(folder.path(), &["--config", CONFIG, "--processor", "genai/c"]).failure();
    assert!(unknown.contains("processors: there is no `genai` processor genai/c"), "{unknown}");
}

/// A collector that delivers ranges of one call each by the table of `prices.json`, and is stopped; with the trace ids.
async fn delivered(folder: &Path, ranges: usize) -> (Setup, Vec<String>) {
    fs::write(folder.join("prices.json"), TABLE).unwrap();
    let setup = Setup::new(folder).set("processors.genai.prices.file=prices.json");
    let collector = setup.start();
    let mut traces = Vec::new();
    for _ in 0..ranges {
        let (mut request, _) = load::request(1, 0);
        let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
        for attribute in &mut span.attributes {
            match attribute.key.as_str() {
                "gen_ai.usage.input_tokens" => *attribute = load::int("gen_ai.usage.input_tokens", 100),
                "gen_ai.usage.output_tokens" => *attribute = load::int("gen_ai.usage.output_tokens", 10),
                _ => {}
            }
        }
        traces.push(span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect());
        load::client(setup.grpc).await.unwrap().export(request).await.unwrap();
        collector.flush().await;
    }
    assert!(collector.stop().0.success());
    (setup, traces)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_span_tells_what_it_was_priced_with_and_what_is_different_today() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, traces) = delivered(folder.path(), 3).await;
    let trace = traces[1].as_str();
    let told = Ended::of(setup.command(&["explain", trace])).success();
    assert_eq!(lines(&told, "lake"), ["./data/lake: looked into 3 files of spans, read 1"]);
    assert_eq!(lines(&told, "differs"), Vec::<&str>::new(), "{told}");
    let version = lines(&told, "prices")[0].split(',').next().unwrap();
    let stored = format!(
        "cost_total 0.000120000000, cost_status priced, price_version {version}, price_model_id openai/m"
    );
    assert_eq!(lines(&told, "stored"), [&stored]);

    fs::write(folder.path().join("prices.json"), TABLE.replace("\"output_mtok\": 2", "\"output_mtok\": 4"))
        .unwrap();
    let told = Ended::of(setup.command(&["explain", trace])).success();
    let today = lines(&told, "prices")[0].split(',').next().unwrap();
    assert_ne!(today, version);
    assert_eq!(lines(&told, "stored"), [&stored]);
    let difference = format!(
        "the row was priced with {version}: 0.000120000000 USD (priced, entry openai/m); with the prices of today, \
         {today}, it would be 0.000140000000 USD (priced, entry openai/m)"
    );
    assert_eq!(lines(&told, "differs"), [&difference]);

    let told = Ended::of(setup.command(&["explain", "--json", trace]));
    assert!(told.stderr.contains("./data/lake: looked into 3 files of spans, read 1"), "{told:?}");
    let spans: Value = serde_json::from_str(&told.success()).unwrap();
    let stored = json!({"cost_total": "0.000120000000", "cost_status": "priced", "price_version": version,
        "price_model_id": "openai/m"});
    assert_eq!((&spans[0]["stored"], &spans[0]["difference"]), (&stored, &json!(difference)));
    assert_eq!(spans[0]["price"]["cost"][2], "0.000140000000");

    // By a folder and without a config the table is the one that is built in.
    let told = Ended::of(program(folder.path(), &["explain", trace, "--lake", "data/lake"])).success();
    assert!(
        lines(&told, "differs")[0].starts_with(&format!("the row was priced with {version}: ")),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_a_row_are_not_made_more_once_again() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let collector = setup.start();
    // This instrumentation leaves the six tokens from the cache out of the ten, and has an older name for these.
    let call = call(
        "openlit.instrumentation.anthropic",
        &[("system", "anthropic"), ("request.model", "claude-sonnet-4-5")],
        &[
            ("usage.prompt_tokens", "10"),
            ("usage.cache_read.input_tokens", "6"),
            ("usage.completion_tokens", "2"),
        ],
    );
    let headers = [("content-type", "application/json")];
    let answer = http::send("POST", setup.http, "/v1/traces", &headers, call).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:?}");
    collector.flush().await;
    assert!(collector.stop().0.success());
    let told = Ended::of(setup.command(&["explain", TRACE])).success();
    // Of a million tokens 3 dollars are for input, 0.3 for input from the cache, 15 for output.
    assert!(lines(&told, "stored")[0].starts_with("cost_total 0.000061800000, "), "{told}");
    assert!(
        lines(&told, "cost")[0].starts_with("0.000061800000 USD by anthropic/claude-sonnet-4-5"),
        "{told}"
    );
    assert_eq!(lines(&told, "differs"), Vec::<&str>::new(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_is_nowhere_and_a_file_that_is_none_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, traces) = delivered(folder.path(), 1).await;
    let file = lake::files(&setup.lake().join("v1/spans")).remove(0);
    fs::write(file.with_file_name("foreign.parquet"), "no table").unwrap();
    let told = Ended::of(setup.command(&["explain", &traces[0]]));
    assert!(told.stderr.contains("foreign.parquet is no Parquet file"), "{told:?}");
    assert_eq!(lines(&told.success(), "stored").len(), 1);
    let nowhere = Ended::of(setup.command(&["explain", &"ab".repeat(16)]));
    let nowhere = nowhere.failure();
    assert!(nowhere.contains("foreign.parquet is no Parquet file"), "{nowhere}");
    assert!(nowhere.contains("stands in ./data/lake: looked into 2 files of spans, read 0"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_exporters_one_has_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mut setup, traces) = delivered(folder.path(), 1).await;
    let exporters = "exporters: [parquet, genai_metrics]";
    setup.config =
        setup.config.replace(exporters, "exporters: [parquet, parquet/second, genai_metrics]").replace(
            "exporters:\n",
            "exporters:\n  parquet/second: {path: ./data/second}\n  parquet/spare: {path: ./data/lake}\n",
        );
    let asked = Ended::of(setup.command(&["explain", &traces[0]]));
    assert!(
        asked
            .stderr
            .contains("several exporters may have the trace: parquet, parquet/second; --exporter says which"),
        "{asked:?}"
    );
    for (id, code) in
        [("parquet", 0), ("parquet/second", 1), ("parquet/spare", 0), ("parquet/none", 1), ("prometheus", 1)]
    {
        let named = Ended::of(setup.command(&["explain", &traces[0], "--exporter", id]));
        assert_eq!(named.code, Some(code), "{id}: {named:?}");
    }
}

#[test]
fn a_bucket_that_is_away_is_named_and_its_secret_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let setup = super::away(folder.path());
    let told = Ended::of(setup.command(&["explain", &"ab".repeat(16)]));
    assert_eq!(told.code, Some(1));
    assert!(told.stderr.contains("list s3://ledger/lake/v1"), "{told:?}");
    assert!(!format!("{told:?}").contains("secret-of-the-test"), "{told:?}");
}
