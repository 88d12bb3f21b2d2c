//! What the paths are given: requests like those that SDKs send, and the rows that are made of them.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_component::{Processor as _, Rows};
use spanledger_otlp::{Source, decode_spans};
use spanledger_processor_genai::Genai;
use spanledger_schema::Spans;
use spanledger_telemetry::Meter;
use spanledger_testkit::spans;

use crate::Failure;

const ATTRIBUTES: usize = 20;

/// When the first request arrives: some minutes after its spans began, in June 2025.
const FIRST_ARRIVAL_UNIX_NANO: u64 = 1_750_000_200_000_000_000;

/// Seeds of two requests lie so far apart, since the answers of calls have ids of the seed and the span's place in it.
const SEED_STEP: u64 = 1 << 16;

/// Requests that together are about what the engine decodes at once.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// How many requests.
    pub requests: u64,
    /// Spans in each of them.
    pub spans_a_request: usize,
    /// Bytes of messages in each span, beside its 20 attributes.
    pub message_bytes: usize,
    /// How many models are called.
    pub models: usize,
}

impl Input {
    /// Spans of 20 attributes, 100 a request.
    pub const SMALL: Self = Self { requests: 80, spans_a_request: 100, message_bytes: 0, models: 1 };

    /// The same, 4 a request, as SDKs send them.
    pub const SMALL_BY_FOUR: Self = Self { requests: 2_000, spans_a_request: 4, ..Self::SMALL };

    /// The same with 8 KiB of messages, and fewer of them.
    pub const LARGE: Self = Self { requests: 8, message_bytes: 8 << 10, ..Self::SMALL };

    /// Fewer small ones, to 50 models.
    pub const MANY_MODELS: Self = Self { requests: 20, models: 50, ..Self::SMALL };

    /// How many spans there are.
    pub fn spans(&self) -> u64 {
        self.requests * self.spans_a_request as u64
    }

    /// The requests of that turn; those of another have other ids.
    pub fn bodies(&self, turn: u64) -> Vec<Bytes> {
        let ordinals = turn * self.requests..(turn + 1) * self.requests;
        ordinals.map(|ordinal| self.request(ordinal * SEED_STEP).encode_to_vec().into()).collect()
    }

    fn request(&self, seed: u64) -> ExportTraceServiceRequest {
        let request = spans::with_models(spans::request(self.spans_a_request, ATTRIBUTES, seed), self.models);
        match self.message_bytes {
            0 => request,
            bytes => spans::with_messages(request, bytes),
        }
    }
}

/// The rows of requests that all arrive so many seconds after the first ones.
pub fn decode(bodies: &[Bytes], seconds: u64) -> Result<Spans, Failure> {
    let arrival_unix_nano = FIRST_ARRIVAL_UNIX_NANO + seconds * 1_000_000_000;
    let source = |(position, body)| Source { body, position, arrival_unix_nano, rejected: &[] };
    let sources: Vec<Source<'_>> = (1..).zip(bodies).map(source).collect();
    Ok(decode_spans("0123456789abcdef0123456789abcdef", &sources)?)
}

/// The same rows with what `genai` reads out of them.
pub fn read_calls(rows: Spans) -> Result<Rows, Failure> {
    Ok(Genai::new(&Meter::default(), "genai").process(Rows::Spans(rows))?)
}
