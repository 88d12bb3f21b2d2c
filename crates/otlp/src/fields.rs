//! The messages of OTLP: which fields each has, under which number and JSON name, and of which kind.
//!
//! One table drives the walk, the transcoding of JSON and the paths in errors. It is the field set of the
//! `opentelemetry-proto` crate that the tests compare with.

/// How deep messages may lie within one another, as in prost.
pub(crate) const DEPTH_MAX: u32 = 100;

/// One more than the largest field number.
pub(crate) const NUMBERS: usize = 17;

/// A message: its fields by number.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) role: Role,
    fields: [Field; NUMBERS],
}

/// What the walk makes of a message besides checking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing.
    Part,
    /// Counts it among what makes a request larger in columns: an event.
    Entry,
    /// Counts it likewise, and judges its ids.
    Link,
    /// Counts the control characters within it, which are longer as JSON.
    List,
    /// Counts four of them like an entry.
    Element,
    /// Counts it likewise; most are of one shape, which is looked for first.
    Attribute,
    /// Judges its ids and times.
    Span,
    /// Judges its ids and times.
    LogRecord,
    /// Counts it.
    DataPoint,
}

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Unknown,
    Text,
    Bytes,
    /// Bytes that are hex in JSON.
    Id,
    Bool,
    /// `int32`, `int64`.
    Int,
    Sint32,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    /// The names of its values, by number.
    Enum(&'static [&'static str]),
    Message(&'static Message),
}

const UNKNOWN: Field = Field { name: "(unknown)", kind: Kind::Unknown, repeated: false };

impl Message {
    #[expect(clippy::indexing_slicing, reason = "runs when compiled")]
    const fn new(role: Role, list: &[(usize, Field)]) -> Self {
        let mut fields = [UNKNOWN; NUMBERS];
        let mut place = 0;
        while place < list.len() {
            fields[list[place].0] = list[place].1;
            place += 1;
        }
        Self { role, fields }
    }

    #[inline]
    pub(crate) fn field(&self, number: u32) -> &Field {
        self.fields.get(number as usize).unwrap_or(&UNKNOWN)
    }

    /// The field that JSON calls `name`, with its number.
    pub(crate) fn named(&self, name: &str) -> Option<(u32, &Field)> {
        let numbered = (0..).zip(&self.fields);
        numbered.into_iter().find(|(_, field)| !matches!(field.kind, Kind::Unknown) && field.name == name)
    }
}

const fn one(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, repeated: false }
}

const fn many(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, repeated: true }
}

/// The request of one signal.
pub(crate) fn root(message: crate::Message) -> &'static Message {
    match message {
        crate::Message::Traces => &TRACES,
        crate::Message::Metrics => &METRICS,
        crate::Message::Logs => &LOGS,
    }
}

use Kind::{Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int, Sfixed64, Sint32, Text, Uint32, Uint64};
use Role::{Attribute, DataPoint, Element, Entry, Link, List, LogRecord, Part, Span};

const ATTRIBUTES: Field = many("attributes", Kind::Message(&KEY_VALUE));
const DROPPED_ATTRIBUTES: Field = one("droppedAttributesCount", Uint32);
const SCHEMA_URL: Field = one("schemaUrl", Text);
const START: Field = one("startTimeUnixNano", Fixed64);
const TIME: Field = one("timeUnixNano", Fixed64);
const FLAGS: Field = one("flags", Uint32);
const RESOURCE_FIELD: Field = one("resource", Kind::Message(&RESOURCE));
const SCOPE_FIELD: Field = one("scope", Kind::Message(&SCOPE));
const EXEMPLARS: Field = many("exemplars", Kind::Message(&EXEMPLAR));
const TEMPORALITY: Field = one(
    "aggregationTemporality",
    Enum(&[
        "AGGREGATION_TEMPORALITY_UNSPECIFIED",
        "AGGREGATION_TEMPORALITY_DELTA",
        "AGGREGATION_TEMPORALITY_CUMULATIVE",
    ]),
);

static KEY_VALUE: Message = Message::new(
    Attribute,
    &[(1, one("key", Text)), (2, one("value", Kind::Message(&ANY_VALUE))), (3, one("keyStrindex", Int))],
);

static ANY_VALUE: Message = any_value(Part);
static ELEMENT: Message = any_value(Element);

const fn any_value(role: Role) -> Message {
    Message::new(
        role,
        &[
            (1, one("stringValue", Text)),
            (2, one("boolValue", Bool)),
            (3, one("intValue", Int)),
            (4, one("doubleValue", Double)),
            (5, one("arrayValue", Kind::Message(&ARRAY_VALUE))),
            (6, one("kvlistValue", Kind::Message(&KEY_VALUE_LIST))),
            (7, one("bytesValue", Bytes)),
            (8, one("stringValueStrindex", Int)),
        ],
    )
}

static ARRAY_VALUE: Message = Message::new(List, &[(1, many("values", Kind::Message(&ELEMENT)))]);
static KEY_VALUE_LIST: Message = Message::new(List, &[(1, many("values", Kind::Message(&KEY_VALUE)))]);

static RESOURCE: Message = Message::new(
    Part,
    &[(1, ATTRIBUTES), (2, DROPPED_ATTRIBUTES), (3, many("entityRefs", Kind::Message(&ENTITY_REF)))],
);

static ENTITY_REF: Message = Message::new(
    Part,
    &[(1, SCHEMA_URL), (2, one("type", Text)), (3, many("idKeys", Text)), (4, many("descriptionKeys", Text))],
);

static SCOPE: Message = Message::new(
    Part,
    &[(1, one("name", Text)), (2, one("version", Text)), (3, ATTRIBUTES), (4, DROPPED_ATTRIBUTES)],
);

static TRACES: Message = Message::new(Part, &[(1, many("resourceSpans", Kind::Message(&RESOURCE_SPANS)))]);

static RESOURCE_SPANS: Message = Message::new(
    Part,
    &[(1, RESOURCE_FIELD), (2, many("scopeSpans", Kind::Message(&SCOPE_SPANS))), (3, SCHEMA_URL)],
);

static SCOPE_SPANS: Message =
    Message::new(Part, &[(1, SCOPE_FIELD), (2, many("spans", Kind::Message(&SPAN))), (3, SCHEMA_URL)]);

pub(crate) static SPAN: Message = Message::new(
    Span,
    &[
        (1, one("traceId", Id)),
        (2, one("spanId", Id)),
        (3, one("traceState", Text)),
        (4, one("parentSpanId", Id)),
        (5, one("name", Text)),
        (6, one("kind", Enum(SPAN_KINDS))),
        (7, START),
        (8, one("endTimeUnixNano", Fixed64)),
        (9, ATTRIBUTES),
        (10, DROPPED_ATTRIBUTES),
        (11, many("events", Kind::Message(&EVENT))),
        (12, one("droppedEventsCount", Uint32)),
        (13, many("links", Kind::Message(&LINK))),
        (14, one("droppedLinksCount", Uint32)),
        (15, one("status", Kind::Message(&STATUS))),
        (16, one("flags", Fixed32)),
    ],
);

const SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

static EVENT: Message =
    Message::new(Entry, &[(1, TIME), (2, one("name", Text)), (3, ATTRIBUTES), (4, DROPPED_ATTRIBUTES)]);

static LINK: Message = Message::new(
    Link,
    &[
        (1, one("traceId", Id)),
        (2, one("spanId", Id)),
        (3, one("traceState", Text)),
        (4, ATTRIBUTES),
        (5, DROPPED_ATTRIBUTES),
        (6, one("flags", Fixed32)),
    ],
);

static STATUS: Message = Message::new(
    Part,
    &[
        (2, one("message", Text)),
        (3, one("code", Enum(&["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]))),
    ],
);

static LOGS: Message = Message::new(Part, &[(1, many("resourceLogs", Kind::Message(&RESOURCE_LOGS)))]);

static RESOURCE_LOGS: Message = Message::new(
    Part,
    &[(1, RESOURCE_FIELD), (2, many("scopeLogs", Kind::Message(&SCOPE_LOGS))), (3, SCHEMA_URL)],
);

static SCOPE_LOGS: Message = Message::new(
    Part,
    &[(1, SCOPE_FIELD), (2, many("logRecords", Kind::Message(&LOG_RECORD))), (3, SCHEMA_URL)],
);

static LOG_RECORD: Message = Message::new(
    LogRecord,
    &[
        (1, TIME),
        (2, one("severityNumber", Enum(SEVERITIES))),
        (3, one("severityText", Text)),
        (5, one("body", Kind::Message(&ANY_VALUE))),
        (6, ATTRIBUTES),
        (7, DROPPED_ATTRIBUTES),
        (8, one("flags", Fixed32)),
        (9, one("traceId", Id)),
        (10, one("spanId", Id)),
        (11, one("observedTimeUnixNano", Fixed64)),
        (12, one("eventName", Text)),
    ],
);

const SEVERITIES: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];

static METRICS: Message =
    Message::new(Part, &[(1, many("resourceMetrics", Kind::Message(&RESOURCE_METRICS)))]);

static RESOURCE_METRICS: Message = Message::new(
    Part,
    &[(1, RESOURCE_FIELD), (2, many("scopeMetrics", Kind::Message(&SCOPE_METRICS))), (3, SCHEMA_URL)],
);

static SCOPE_METRICS: Message =
    Message::new(Part, &[(1, SCOPE_FIELD), (2, many("metrics", Kind::Message(&METRIC))), (3, SCHEMA_URL)]);

static METRIC: Message = Message::new(
    Part,
    &[
        (1, one("name", Text)),
        (2, one("description", Text)),
        (3, one("unit", Text)),
        (5, one("gauge", Kind::Message(&GAUGE))),
        (7, one("sum", Kind::Message(&SUM))),
        (9, one("histogram", Kind::Message(&HISTOGRAM))),
        (10, one("exponentialHistogram", Kind::Message(&EXPONENTIAL_HISTOGRAM))),
        (11, one("summary", Kind::Message(&SUMMARY))),
        (12, many("metadata", Kind::Message(&KEY_VALUE))),
    ],
);

static GAUGE: Message = Message::new(Part, &[(1, many("dataPoints", Kind::Message(&NUMBER_POINT)))]);

static SUM: Message = Message::new(
    Part,
    &[(1, many("dataPoints", Kind::Message(&NUMBER_POINT))), (2, TEMPORALITY), (3, one("isMonotonic", Bool))],
);

static HISTOGRAM: Message =
    Message::new(Part, &[(1, many("dataPoints", Kind::Message(&HISTOGRAM_POINT))), (2, TEMPORALITY)]);

static EXPONENTIAL_HISTOGRAM: Message =
    Message::new(Part, &[(1, many("dataPoints", Kind::Message(&EXPONENTIAL_POINT))), (2, TEMPORALITY)]);

static SUMMARY: Message = Message::new(Part, &[(1, many("dataPoints", Kind::Message(&SUMMARY_POINT)))]);

static NUMBER_POINT: Message = Message::new(
    DataPoint,
    &[
        (2, START),
        (3, TIME),
        (4, one("asDouble", Double)),
        (5, EXEMPLARS),
        (6, one("asInt", Sfixed64)),
        (7, ATTRIBUTES),
        (8, FLAGS),
    ],
);

static HISTOGRAM_POINT: Message = Message::new(
    DataPoint,
    &[
        (2, START),
        (3, TIME),
        (4, one("count", Fixed64)),
        (5, one("sum", Double)),
        (6, many("bucketCounts", Fixed64)),
        (7, many("explicitBounds", Double)),
        (8, EXEMPLARS),
        (9, ATTRIBUTES),
        (10, FLAGS),
        (11, one("min", Double)),
        (12, one("max", Double)),
    ],
);

static EXPONENTIAL_POINT: Message = Message::new(
    DataPoint,
    &[
        (1, ATTRIBUTES),
        (2, START),
        (3, TIME),
        (4, one("count", Fixed64)),
        (5, one("sum", Double)),
        (6, one("scale", Sint32)),
        (7, one("zeroCount", Fixed64)),
        (8, one("positive", Kind::Message(&BUCKETS))),
        (9, one("negative", Kind::Message(&BUCKETS))),
        (10, FLAGS),
        (11, EXEMPLARS),
        (12, one("min", Double)),
        (13, one("max", Double)),
        (14, one("zeroThreshold", Double)),
    ],
);

static BUCKETS: Message =
    Message::new(Part, &[(1, one("offset", Sint32)), (2, many("bucketCounts", Uint64))]);

static SUMMARY_POINT: Message = Message::new(
    DataPoint,
    &[
        (2, START),
        (3, TIME),
        (4, one("count", Fixed64)),
        (5, one("sum", Double)),
        (6, many("quantileValues", Kind::Message(&QUANTILE))),
        (7, ATTRIBUTES),
        (8, FLAGS),
    ],
);

static QUANTILE: Message = Message::new(Part, &[(1, one("quantile", Double)), (2, one("value", Double))]);

static EXEMPLAR: Message = Message::new(
    Part,
    &[
        (2, TIME),
        (3, one("asDouble", Double)),
        (4, one("spanId", Id)),
        (5, one("traceId", Id)),
        (6, one("asInt", Sfixed64)),
        (7, many("filteredAttributes", Kind::Message(&KEY_VALUE))),
    ],
);
