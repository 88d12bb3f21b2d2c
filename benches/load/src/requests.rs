//! Requests to send: encoded once, and given new ids each time one is sent.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use spanledger_testkit::spans;

/// Bytes of the requests kept; enough that their text does not repeat within a row group.
const KEPT_BYTES: usize = 32 << 20;
/// What the id of a response begins with; 16 hex digits follow.
const RESPONSE_ID: &[u8] = b"chatcmpl-";
/// What gRPC puts before a message.
const PREFIX_BYTES: usize = 5;

/// What the requests look like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Spans in each request; fewer than 32,768.
    pub spans: usize,
    /// Attributes of each span; 20 make it one of about 800 bytes.
    pub attributes: usize,
    /// Bytes of messages in each span, beside its attributes.
    pub message_bytes: usize,
    /// Names of models in all spans. Where there are more than one, all spans are of one service, and metrics by model
    /// have so many series.
    pub models: usize,
}

impl Shape {
    /// A hundred small spans.
    pub const USUAL: Self = Self { spans: 100, attributes: 20, message_bytes: 0, models: 1 };
}

/// A supply of requests without end, none like another.
pub struct Requests {
    templates: Vec<Template>,
    shape: Shape,
    seed: u64,
    next: AtomicU64,
}

/// A request as gRPC frames it.
struct Template {
    frame: Vec<u8>,
    /// Where the id of each span stands, and the second half of that of its trace.
    id_offsets: Vec<usize>,
    /// Where the hex digits of the id of each response stand.
    response_offsets: Vec<usize>,
}

impl Requests {
    /// Encodes some; the ids of another supply differ when the lower 16 bits of its seed do.
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self::of(shape, seed, KEPT_BYTES)
    }

    /// All made of the same one, which is cheap; for when there are not many to send.
    pub(crate) fn few(shape: Shape, seed: u64) -> Self {
        Self::of(shape, seed, 1)
    }

    fn of(shape: Shape, seed: u64, kept_bytes: usize) -> Self {
        let mut templates = Vec::new();
        let mut kept = 0;
        while kept < kept_bytes || templates.len() * shape.spans < shape.models {
            let mut request = spans::request(shape.spans, shape.attributes, templates.len() as u64);
            if shape.message_bytes > 0 {
                request = spans::with_messages(request, shape.message_bytes);
            }
            if shape.models > 1 {
                let first = templates.len() * shape.spans;
                request = spans::with_series(request, (first..).map(|ordinal| ordinal % shape.models));
            }
            let template = Template::of(&request);
            kept += template.frame.len();
            templates.push(template);
        }
        Self { templates, shape, seed, next: AtomicU64::new(1) }
    }

    /// The next one as gRPC frames it.
    pub fn next(&self) -> Bytes {
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(ordinal).unwrap_or_default() % self.templates.len();
        self.templates.get(place).map(|template| template.frame(ordinal, self.seed)).unwrap_or_default()
    }

    /// The next one without a frame.
    pub fn next_body(&self) -> Bytes {
        self.next().split_off(PREFIX_BYTES)
    }

    /// What they look like.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Encoded bytes, on average.
    pub fn bytes_a_span(&self) -> f64 {
        let bytes: usize = self.bodies().map(<[u8]>::len).sum();
        bytes as f64 / (self.templates.len() * self.shape.spans) as f64
    }

    /// Those that are kept, without frames.
    pub fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        self.templates.iter().filter_map(|template| template.frame.get(PREFIX_BYTES..))
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
        let responses = frame.windows(RESPONSE_ID.len()).enumerate();
        let responses = responses.filter(|(_, window)| *window == RESPONSE_ID);
        let response_offsets = responses.map(|(offset, _)| offset + RESPONSE_ID.len()).collect();
        Self { frame, id_offsets, response_offsets }
    }

    fn frame(&self, ordinal: u64, seed: u64) -> Bytes {
        let mut frame = self.frame.clone();
        // An odd factor gives each number a different product, and none but 0 has 0, which is no id.
        let id = |place: u64| (seed << 48 ^ (ordinal << 16 | place)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (place, offset) in (0..).zip(&self.id_offsets) {
            if let Some(bytes) = frame.get_mut(*offset..offset + 8) {
                bytes.copy_from_slice(&id(place).to_be_bytes());
            }
        }
        for (place, offset) in (0..).zip(&self.response_offsets) {
            if let Some(mut digits) = frame.get_mut(*offset..offset + 16) {
                // Sixteen digits fit.
                let _ = write!(digits, "{:016x}", id(place));
            }
        }
        frame.into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use opentelemetry_proto::tonic::common::v1::KeyValue;

    use super::*;

    fn requests(message_bytes: usize, seed: u64) -> Requests {
        Requests::new(Shape { message_bytes, ..Shape::USUAL }, seed)
    }

    #[test]
    fn no_two_calls_share_the_id_of_a_response_or_else_they_would_count_as_one() {
        let supply = requests(0, 7);
        let mut responses = HashSet::new();
        // More than there are templates.
        let count = supply.templates.len() + 10;
        for body in (0..count).map(|_| supply.next_body()) {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            for span in &request.resource_spans[0].scope_spans[0].spans {
                assert!(responses.insert(value(&span.attributes, "gen_ai.response.id")));
            }
        }
        assert_eq!(responses.len(), 100 * count);
    }

    fn ids(body: &Bytes) -> Vec<(Vec<u8>, Vec<u8>)> {
        let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let spans = &request.resource_spans[0].scope_spans[0].spans;
        spans.iter().map(|span| (span.trace_id.clone(), span.span_id.clone())).collect()
    }

    #[test]
    fn no_two_requests_share_an_id_though_they_are_made_of_the_same_bytes() {
        let supply = requests(8192, 7);
        // More than there are templates.
        let count = 3 * supply.templates.len();
        let mut traces = HashSet::new();
        let mut spans = HashSet::new();
        for (trace, span) in (0..count).flat_map(|_| ids(&supply.next_body())) {
            assert!(traces.insert(trace) && spans.insert(span));
        }
        assert_eq!(spans.len(), count * 100);
    }

    #[test]
    fn supplies_of_two_seeds_share_no_id() {
        let (one, other) = (requests(0, 1), requests(0, 2));
        let of_one: HashSet<_> = ids(&one.next_body()).into_iter().map(|(_, span)| span).collect();
        assert!(ids(&other.next_body()).iter().all(|(_, span)| !of_one.contains(span)));
    }

    #[test]
    fn a_frame_says_how_long_its_message_is() {
        let frame = requests(0, 1).next();
        let length = u32::from_be_bytes(frame[1..5].try_into().unwrap());
        assert_eq!((frame[0], length as usize), (0, frame.len() - 5));
    }

    #[test]
    fn messages_make_a_span_larger_by_their_size() {
        let more = requests(8192, 1).bytes_a_span() - requests(0, 1).bytes_a_span();
        assert!((8192.0..8500.0).contains(&more), "{more}");
    }

    #[test]
    fn there_are_as_many_models_as_asked_for_and_then_one_service() {
        let supply = Requests::few(Shape { spans: 10, models: 25, ..Shape::USUAL }, 1);
        let mut series = HashSet::new();
        for body in supply.bodies() {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let resource = &request.resource_spans[0];
            let service = value(&resource.resource.as_ref().unwrap().attributes, "service.name");
            for span in &resource.scope_spans[0].spans {
                series.insert((service.clone(), value(&span.attributes, "gen_ai.request.model")));
            }
        }
        assert_eq!(series.len(), 25);
    }

    fn value(attributes: &[KeyValue], key: &str) -> String {
        format!("{:?}", attributes.iter().find(|attribute| attribute.key == key).unwrap().value)
    }
}
