//! Requests to send: encoded once, and given new ids each time one is sent.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_testkit::spans;

/// Bytes of the requests kept; enough that their text does not repeat within a row group.
const KEPT_BYTES: usize = 32 << 20;

/// A supply of requests without end, none like another.
pub(crate) struct Load {
    templates: Vec<Template>,
    spans_a_request: usize,
    next: AtomicU64,
}

/// A request as gRPC frames it.
struct Template {
    frame: Vec<u8>,
    /// Where the id of each span stands, and the second half of that of its trace.
    id_offsets: Vec<usize>,
}

impl Load {
    pub(crate) fn new(spans_a_request: usize, message_bytes: usize) -> Self {
        let mut templates = Vec::new();
        let mut kept = 0;
        while kept < KEPT_BYTES {
            let request = spans::request(spans_a_request, 20, templates.len() as u64);
            let request =
                if message_bytes > 0 { spans::with_messages(request, message_bytes) } else { request };
            let template = Template::of(&request);
            kept += template.frame.len();
            templates.push(template);
        }
        Self { templates, spans_a_request, next: AtomicU64::new(1) }
    }

    /// The next request.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(ordinal).unwrap_or_default() % self.templates.len();
        self.templates.get(place).map(|template| template.frame(ordinal)).unwrap_or_default()
    }

    pub(crate) fn bytes_a_span(&self) -> f64 {
        let bytes: usize = self.templates.iter().map(|template| template.frame.len()).sum();
        bytes as f64 / (self.templates.len() * self.spans_a_request) as f64
    }
}

impl Template {
    fn of(request: &ExportTraceServiceRequest) -> Self {
        let body = request.encode_to_vec();
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let frame = [&[0], length.to_be_bytes().as_slice(), &body].concat();
        let spans = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let mut id_offsets = Vec::new();
        for span in spans.flat_map(|scope| &scope.spans) {
            let trace_half = span.trace_id.get(8..).unwrap_or_default();
            let from = id_offsets.last().copied().unwrap_or_default();
            for id in [trace_half, &span.span_id] {
                let rest = frame.get(from..).unwrap_or_default();
                let place = rest.windows(8).position(|window| window == id);
                id_offsets.extend(place.map(|place| from + place));
            }
        }
        Self { frame, id_offsets }
    }

    fn frame(&self, ordinal: u64) -> Vec<u8> {
        let mut frame = self.frame.clone();
        for (place, offset) in (0..).zip(&self.id_offsets) {
            let id = (ordinal << 16 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            if let Some(bytes) = frame.get_mut(*offset..offset + 8) {
                bytes.copy_from_slice(&id.to_be_bytes());
            }
        }
        frame
    }
}
