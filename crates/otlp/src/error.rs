//! What is wrong with a request, and where.

use crate::Message;
use crate::fields::{self, Kind};
use crate::wire::{Cursor, Raw};

/// A request that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not the protobuf of OTLP.
    #[error("{path}: {reason}, at byte {offset}")]
    Protobuf {
        /// The field, as `resourceSpans[0].scopeSpans[1].spans[2].name`.
        path: String,
        /// Where in the body.
        offset: usize,
        /// What is wrong.
        reason: Reason,
    },
    /// Not the JSON of OTLP; the message holds line and column.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// A batch that cannot become columns; the walk and the engine's limits keep this from happening.
    #[error("columns of the batch")]
    Columns(#[from] arrow_schema::ArrowError),
    /// Larger as protobuf than allowed.
    #[error("larger than {bytes_max} bytes as protobuf")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

/// What is wrong with bytes that should be protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The body or a message ends within a value.
    #[error("ends within a value")]
    Truncated,
    /// More than ten bytes, or more than 64 bits.
    #[error("not a varint")]
    Varint,
    /// Field number zero or too large, or an unknown wire type.
    #[error("not the key of a field")]
    Key,
    /// A known field with the wrong kind of value.
    #[error("wrong wire type")]
    WireType,
    /// The end of a group that was not open.
    #[error("end of a group that was not open")]
    GroupEnd,
    /// Text that is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// More than 100 messages within one another.
    #[error("nested more than 100 deep")]
    Depth,
    /// So many items, attributes, events, links and elements of lists that the rows would be far larger than the request.
    #[error(
        "more items, attributes, events, links and elements of lists than a request of this size may have"
    )]
    Entries,
    /// So many control characters in lists and maps, which are text as JSON, that it would be far larger than the request.
    #[error("more control characters in lists and maps than a request of this size may have")]
    ControlCharacters,
    /// More than 65,536 spans or log records.
    #[error("more than 65536 items in one request")]
    Rows,
}

/// What is wrong at which byte of a body. Its path is looked up only when it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) reason: Reason,
}

impl Fault {
    pub(crate) fn within(self, message: Message, body: &[u8]) -> Malformed {
        self.found(fields::root(message), body)
    }

    /// The same for the bytes of one span.
    pub(crate) fn within_span(self, wire: &[u8]) -> Malformed {
        self.found(&fields::SPAN, wire)
    }

    fn found(self, message: &fields::Message, bytes: &[u8]) -> Malformed {
        let mut path = String::new();
        locate(message, Cursor::new(bytes), self.offset, &mut path);
        let path = if path.is_empty() { "request".to_owned() } else { path };
        Malformed::Protobuf { path, offset: self.offset, reason: self.reason }
    }
}

/// The longest path that is shown, so that what is wrong with a deeply nested value is not lost behind where it is.
const PATH_BYTES_MAX: usize = 256;

/// Appends the name of each field whose value holds `offset`, outermost first.
fn locate(message: &fields::Message, mut cursor: Cursor, offset: usize, path: &mut String) {
    if path.len() > PATH_BYTES_MAX {
        return path.push('…');
    }
    let mut seen = [0_usize; fields::NUMBERS];
    while !cursor.is_done() {
        let Ok(key) = cursor.key() else { return };
        let field = message.field(key.number);
        let mut after = cursor;
        let value = after.value(key, fields::DEPTH_MAX);
        let ordinal = seen.get_mut(key.number as usize).map_or(0, |seen| std::mem::replace(seen, *seen + 1));
        if value.is_ok() && after.place() <= offset {
            cursor = after;
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(field.name);
        if field.repeated {
            path.push_str(&format!("[{ordinal}]"));
        }
        if let (Kind::Message(inner), Ok(Raw::Bytes(slice))) = (field.kind, value) {
            locate(inner, after.inside(slice), offset, path);
        }
        return;
    }
}
