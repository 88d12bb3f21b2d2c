//! What a span costs on its way in: the walk at the door, the decoding to columns, and prost decoding the same bytes.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_benches::{Report, quantile};
use spanledger_otlp::{Malformed, Message, Source, decode_spans, walk};
use spanledger_testkit::spans;

// The program's own: what prost allocates should cost what it would cost there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 60;

/// Requests that together are about what the engine decodes at once.
struct Case {
    name: &'static str,
    requests: usize,
    spans_a_request: usize,
    message_bytes: usize,
}

const CASES: [Case; 3] = [
    Case { name: "small, 100 a request", requests: 80, spans_a_request: 100, message_bytes: 0 },
    Case { name: "small, 4 a request", requests: 2000, spans_a_request: 4, message_bytes: 0 },
    Case { name: "8 KB, 10 a request", requests: 80, spans_a_request: 10, message_bytes: 8192 },
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut report = Report::new("decode", "walk and columns against prost, us a span on one core");
    for case in &CASES {
        report.add(case.name, measure(case)?);
    }
    report.print();
    Ok(())
}

fn measure(case: &Case) -> Result<Vec<(&'static str, f64)>, Box<dyn std::error::Error>> {
    let bodies: Vec<Bytes> = (0..case.requests).map(|seed| case.body(seed as u64)).collect();
    let span_count = (case.requests * case.spans_a_request) as f64;
    let (mut walks, mut decodes, mut prosts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        walk_all(&bodies)?;
        let walked = Instant::now();
        decode_all(&bodies)?;
        let decoded = Instant::now();
        prost_all(&bodies)?;
        let done = Instant::now();
        for (times, time) in
            [(&mut walks, walked - started), (&mut decodes, decoded - walked), (&mut prosts, done - decoded)]
        {
            times.push(time.as_secs_f64() * 1e6 / span_count);
        }
    }
    let mut against: Vec<f64> = prosts.iter().zip(&decodes).map(|(prost, decode)| prost / decode).collect();
    let body_bytes: usize = bodies.iter().map(Bytes::len).sum();
    let [walk, decode, prost] = [&mut walks, &mut decodes, &mut prosts].map(|times| quantile(times, 0.5));
    Ok(vec![
        ("bytes a span", body_bytes as f64 / span_count),
        ("walk us", walk),
        ("decode us", decode),
        ("prost us", prost),
        ("prost / decode", quantile(&mut against, 0.5)),
        ("prost / (walk + decode)", prost / (walk + decode)),
    ])
}

impl Case {
    fn body(&self, seed: u64) -> Bytes {
        let request = spans::request(self.spans_a_request, 20, seed);
        match self.message_bytes {
            0 => request.encode_to_vec().into(),
            bytes => spans::with_messages(request, bytes).encode_to_vec().into(),
        }
    }
}

fn walk_all(bodies: &[Bytes]) -> Result<(), Malformed> {
    bodies.iter().try_for_each(|body| {
        black_box(walk(Message::Traces, body)?);
        Ok(())
    })
}

fn decode_all(bodies: &[Bytes]) -> Result<(), Malformed> {
    let source = |(position, body)| Source { body, position, arrival_unix_nano: 0, rejected: &[] };
    let sources: Vec<Source> = (0..).zip(bodies).map(source).collect();
    black_box(decode_spans("bench", &sources)?);
    Ok(())
}

fn prost_all(bodies: &[Bytes]) -> Result<(), prost::DecodeError> {
    bodies.iter().try_for_each(|body| {
        black_box(ExportTraceServiceRequest::decode(body.clone())?);
        Ok(())
    })
}
