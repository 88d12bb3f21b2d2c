//! What it costs to read calls out of decoded spans, price included, against decoding them.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_benches::{Report, quantile};
use spanledger_component::{Processor as _, Rows};
use spanledger_otlp::{Source, decode_spans};
use spanledger_processor_genai::Genai;
use spanledger_schema::Spans;
use spanledger_telemetry::Meter;
use spanledger_testkit::spans;

// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 60;

/// Spans that are read at once.
struct Case {
    name: &'static str,
    spans: usize,
    is_genai: bool,
    message_bytes: usize,
}

const CASES: [Case; 4] = [
    Case { name: "small, 20 attributes", spans: 8_000, is_genai: true, message_bytes: 0 },
    Case { name: "not GenAI, 20 attributes", spans: 8_000, is_genai: false, message_bytes: 0 },
    Case { name: "8 KB of messages", spans: 1_000, is_genai: true, message_bytes: 8 << 10 },
    Case { name: "100 KB of messages", spans: 100, is_genai: true, message_bytes: 100 << 10 },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut report = Report::new("genai", "reading calls out of spans, us a span on one core");
    for case in &CASES {
        report.add(case.name, measure(case)?);
    }
    report.print();
    Ok(())
}

fn measure(case: &Case) -> Result<Vec<(&'static str, f64)>, Box<dyn std::error::Error>> {
    let genai = Genai::new(&Meter::default(), "genai");
    let body = case.body();
    let (mut decodes, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let rows = decode(&body)?;
        let decoded = Instant::now();
        black_box(genai.process(Rows::Spans(rows))?);
        let read = Instant::now();
        for (times, time) in [(&mut decodes, decoded - started), (&mut reads, read - decoded)] {
            times.push(time.as_secs_f64() * 1e6 / case.spans as f64);
        }
    }
    let (decode, read) = (quantile(&mut decodes, 0.5), quantile(&mut reads, 0.5));
    let mut figures = vec![("read us", read), ("decode us", decode), ("read / decode", read / decode)];
    if case.message_bytes > 0 {
        figures.push(("messages GB/s", case.message_bytes as f64 / read / 1e3));
    }
    Ok(figures)
}

fn decode(body: &Bytes) -> Result<Spans, Box<dyn std::error::Error>> {
    let source = Source { body, position: 1, arrival_unix_nano: 0, rejected: &[] };
    Ok(decode_spans("bench", &[source])?)
}

impl Case {
    fn body(&self) -> Bytes {
        let mut request = spans::request(self.spans, 20, 1);
        if !self.is_genai {
            rename(&mut request);
        }
        if self.message_bytes > 0 {
            request = spans::with_messages(request, self.message_bytes);
        }
        request.encode_to_vec().into()
    }
}

/// Makes spans of a web server of them.
fn rename(request: &mut ExportTraceServiceRequest) {
    for of_scope in request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans) {
        of_scope.scope.get_or_insert_default().name = "opentelemetry.instrumentation.fastapi".to_owned();
        for pair in of_scope.spans.iter_mut().flat_map(|span| &mut span.attributes) {
            pair.key = pair.key.replace("gen_ai.", "http.");
        }
    }
}
