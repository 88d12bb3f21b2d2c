//! The door: checks a request without building anything, counts its items and finds the ones to reject.

use std::fmt;

use crate::error::{Fault, Malformed, Reason};
use crate::fields::{self, DEPTH_MAX, Field, Kind, Role};
use crate::plain::{Plain, PlainValue, is_ascii};
use crate::wire::{Cursor, Key, Raw, Slice, Wire};
use crate::{Message, id};

/// What a request holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// Spans, log records or data points on the wire, rejected ones included.
    pub items: u32,
    /// The items that readers leave out, by rising index.
    pub rejected: Vec<Rejection>,
    /// Of the other items: parent ids of a wrong length, which are read as none, and links that are left out for an id.
    pub dropped_ids: u32,
}

/// An item that is not taken, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The item's ordinal on the wire, over the whole request.
    pub index: u32,
    /// What is wrong with it.
    pub reason: RejectReason,
}

/// Why an item is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// The trace id is not 16 bytes, or all zero.
    TraceId,
    /// The span id is not 8 bytes, or all zero.
    SpanId,
    /// The start, or the time of a log record, is after the year 2262.
    Time,
    /// The end, or the time when a log record was observed, is after the year 2262.
    SecondTime,
}

impl fmt::Display for RejectReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TraceId => "trace id is not 16 bytes or all zero",
            Self::SpanId => "span id is not 8 bytes or all zero",
            Self::Time => "time is after the year 2262",
            Self::SecondTime => "end or observed time is after the year 2262",
        })
    }
}

/// Checks that `body` is the request of `message` and says which of its items are to be rejected.
///
/// It accepts exactly what prost would decode: wire types, lengths, UTF-8 of every text, at most 100 messages
/// within one another; unknown fields are skipped but must be well-formed. There is one limit more: a request has at
/// most 256 items, attributes, events and links, and one more for each 16 of its bytes. An empty attribute takes
/// two bytes on the wire and sixteen times that in columns, so that without the limit a request, or many together,
/// could need more memory than there is. A control character in a list or map counts as well, for it is six bytes
/// as JSON, and so do four elements of lists. For the same reason it has at most 65,536 spans or log records: 30 bytes of
/// one are 400 in columns.
///
/// # Errors
/// Where the body is not protobuf of that request, and what is wrong there.
pub fn walk(message: Message, body: &[u8]) -> Result<Walked, Malformed> {
    let entries_left = ENTRIES_MIN + body.len() / ENTRY_BYTES_MIN;
    let mut walk = Walk { walked: Walked::default(), entries_left, lists: 0, elements: 0 };
    walk.message(fields::root(message), Cursor::new(body), DEPTH_MAX)
        .map_err(|fault| fault.within(message, body))?;
    Ok(walk.walked)
}

/// How many entries any request may have.
const ENTRIES_MIN: usize = 256;

/// In a request with more, entries take so many bytes or more on average. A key and a value take nine at least, an
/// item with its ids and times fifty.
const ENTRY_BYTES_MIN: usize = 16;

/// How many items that become rows any request may have: eight times what a batch of the Collector has by default.
const ROWS_MAX: u32 = 1 << 16;

struct Walk {
    walked: Walked,
    /// How many more items, attributes, events and links there may be.
    entries_left: usize,
    /// How many lists and maps are open.
    lists: u32,
    /// How many elements lists had.
    elements: u32,
}

/// Elements of lists take four bytes or more on average, as whole numbers do; what is empty takes two, and five as JSON.
const ELEMENTS_OF_AN_ENTRY: u32 = 4;

impl Walk {
    fn message(&mut self, message: &fields::Message, cursor: Cursor, depth: u32) -> Result<(), Fault> {
        if !matches!(message.role, Role::Part | Role::List | Role::Element) {
            self.count_entry(cursor)?;
        }
        match message.role {
            Role::Part | Role::Entry | Role::Attribute => self.fields(message, cursor, depth, |_, _| ()),
            Role::Element => {
                self.elements = self.elements.wrapping_add(1);
                if self.elements.is_multiple_of(ELEMENTS_OF_AN_ENTRY) {
                    self.count_entry(cursor)?;
                }
                self.fields(message, cursor, depth, |_, _| ())
            }
            Role::List => {
                self.lists += 1;
                self.fields(message, cursor, depth, |_, _| ())?;
                self.lists -= 1;
                Ok(())
            }
            Role::DataPoint => {
                self.walked.items = self.walked.items.saturating_add(1);
                self.fields(message, cursor, depth, |_, _| ())
            }
            Role::Link => self.link(message, cursor, depth),
            _ if self.walked.items >= ROWS_MAX => Err(cursor.fault(Reason::Rows)),
            Role::Span => self.span(message, cursor, depth),
            Role::LogRecord => self.log_record(message, cursor, depth),
        }
    }

    fn fields<'a>(
        &mut self,
        message: &fields::Message,
        mut cursor: Cursor<'a>,
        depth: u32,
        mut see: impl FnMut(u32, Raw<'a>),
    ) -> Result<(), Fault> {
        while !cursor.is_done() {
            let start = cursor.place();
            let key = cursor.key()?;
            let field = message.field(key.number);
            if !fits(field, key) {
                return Err(Fault { offset: start, reason: Reason::WireType });
            }
            let value = self.value(field, key, &mut cursor, depth)?;
            see(key.number, value);
        }
        Ok(())
    }

    #[inline]
    fn value<'a>(
        &mut self,
        field: &Field,
        key: Key,
        cursor: &mut Cursor<'a>,
        depth: u32,
    ) -> Result<Raw<'a>, Fault> {
        let too_deep = depth == 0 && matches!(field.kind, Kind::Unknown | Kind::Message(_));
        if too_deep {
            return Err(cursor.fault(Reason::Depth));
        }
        let value = cursor.value(key, depth)?;
        let Raw::Bytes(slice) = value else { return Ok(value) };
        match field.kind {
            // The depth is for the value within it.
            Kind::Message(inner)
                if inner.role == Role::Attribute && depth > 1 && self.lists == 0 && is_plain(slice) =>
            {
                self.count_entry(cursor.inside(slice))?;
            }
            Kind::Message(inner) => self.message(inner, cursor.inside(slice), depth - 1)?,
            Kind::Text => {
                check_text(slice)?;
                if self.lists > 0 {
                    self.count_control_characters(slice)?;
                }
            }
            _ if field.repeated => check_packed(field.kind, cursor.inside(slice))?,
            _ => {}
        }
        Ok(value)
    }

    #[inline]
    fn count_entry(&mut self, cursor: Cursor) -> Result<(), Fault> {
        self.entries_left = self.entries_left.checked_sub(1).ok_or(cursor.fault(Reason::Entries))?;
        Ok(())
    }

    /// Counts what JSON writes as six bytes, each like an entry.
    fn count_control_characters(&mut self, text: Slice) -> Result<(), Fault> {
        let is_long = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\n' | b'\r' | b'\t');
        let count = text.bytes.iter().filter(is_long).count();
        self.entries_left =
            self.entries_left.checked_sub(count).ok_or(text.fault(Reason::ControlCharacters))?;
        Ok(())
    }

    fn span(&mut self, message: &fields::Message, cursor: Cursor, depth: u32) -> Result<(), Fault> {
        let (mut item, mut parent_id) = (Item::default(), Slice::default());
        let dropped_ids = self.walked.dropped_ids;
        self.fields(message, cursor, depth, |number, value| match (number, value) {
            (1, Raw::Bytes(slice)) => item.trace_id = slice,
            (2, Raw::Bytes(slice)) => item.span_id = slice,
            (4, Raw::Bytes(slice)) => parent_id = slice,
            (7, Raw::Number(nanos)) => item.times[0] = nanos,
            (8, Raw::Number(nanos)) => item.times[1] = nanos,
            _ => {}
        })?;
        let reason = if id::trace(item.trace_id.bytes).is_none() {
            Some(RejectReason::TraceId)
        } else if id::span(item.span_id.bytes).is_none() {
            Some(RejectReason::SpanId)
        } else {
            item.bad_time()
        };
        if reason.is_some() {
            self.walked.dropped_ids = dropped_ids;
        } else if !matches!(parent_id.bytes.len(), 0 | 8) {
            self.walked.dropped_ids += 1;
        }
        self.count(reason);
        Ok(())
    }

    fn link(&mut self, message: &fields::Message, cursor: Cursor, depth: u32) -> Result<(), Fault> {
        let (mut trace_id, mut span_id) = (Slice::default(), Slice::default());
        self.fields(message, cursor, depth, |number, value| match (number, value) {
            (1, Raw::Bytes(slice)) => trace_id = slice,
            (2, Raw::Bytes(slice)) => span_id = slice,
            _ => {}
        })?;
        if id::trace(trace_id.bytes).is_none() || id::span(span_id.bytes).is_none() {
            self.walked.dropped_ids += 1;
        }
        Ok(())
    }

    fn log_record(&mut self, message: &fields::Message, cursor: Cursor, depth: u32) -> Result<(), Fault> {
        let mut item = Item::default();
        self.fields(message, cursor, depth, |number, value| match (number, value) {
            (9, Raw::Bytes(slice)) => item.trace_id = slice,
            (10, Raw::Bytes(slice)) => item.span_id = slice,
            (1, Raw::Number(nanos)) => item.times[0] = nanos,
            (11, Raw::Number(nanos)) => item.times[1] = nanos,
            _ => {}
        })?;
        let reason = if !matches!(item.trace_id.bytes.len(), 0 | 16) {
            Some(RejectReason::TraceId)
        } else if !matches!(item.span_id.bytes.len(), 0 | 8) {
            Some(RejectReason::SpanId)
        } else {
            item.bad_time()
        };
        self.count(reason);
        Ok(())
    }

    fn count(&mut self, reason: Option<RejectReason>) {
        let index = self.walked.items;
        self.walked.items = index.saturating_add(1);
        if let Some(reason) = reason {
            self.walked.rejected.push(Rejection { index, reason });
        }
    }
}

/// What an item is judged by.
#[derive(Default)]
struct Item<'a> {
    trace_id: Slice<'a>,
    span_id: Slice<'a>,
    times: [u64; 2],
}

impl Item<'_> {
    fn bad_time(&self) -> Option<RejectReason> {
        let [first, second] = self.times.map(|nanos| i64::try_from(nanos).is_err());
        match (first, second) {
            (true, _) => Some(RejectReason::Time),
            (_, true) => Some(RejectReason::SecondTime),
            _ => None,
        }
    }
}

/// Whether a value of this field may be written this way.
#[inline]
fn fits(field: &Field, key: Key) -> bool {
    match wire_of(field.kind) {
        None => true,
        Some(wire) => wire == key.wire || (field.repeated && key.wire == Wire::Length),
    }
}

#[inline]
fn wire_of(kind: Kind) -> Option<Wire> {
    match kind {
        Kind::Unknown => None,
        Kind::Text | Kind::Bytes | Kind::Id | Kind::Message(_) => Some(Wire::Length),
        Kind::Bool | Kind::Int | Kind::Sint32 | Kind::Uint32 | Kind::Uint64 | Kind::Enum(_) => {
            Some(Wire::Varint)
        }
        Kind::Fixed32 => Some(Wire::Four),
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Some(Wire::Eight),
    }
}

/// Whether an attribute is an ASCII key and a whole number or an ASCII text: nothing more is to be checked then.
#[inline]
fn is_plain(attribute: Slice) -> bool {
    match Plain::read(attribute) {
        Some(Plain { key, value: PlainValue::Int(_) }) => is_ascii(key),
        // In a short one the keys of fields and the lengths are ASCII as well.
        Some(_) if attribute.bytes.len() < 0x80 => is_ascii(attribute.bytes),
        Some(Plain { key, value: PlainValue::Text(text) }) => is_ascii(key) && text.bytes.is_ascii(),
        None => false,
    }
}

/// Checks that text is UTF-8. Most of it is short and ASCII, which is found sooner than by the full check.
#[inline]
fn check_text(text: Slice) -> Result<(), Fault> {
    if text.bytes.is_ascii() {
        return Ok(());
    }
    match std::str::from_utf8(text.bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault { offset: text.offset + error.valid_up_to(), reason: Reason::Utf8 }),
    }
}

/// Checks numbers that stand one after another without keys.
fn check_packed(kind: Kind, mut cursor: Cursor) -> Result<(), Fault> {
    while !cursor.is_done() {
        match wire_of(kind) {
            Some(Wire::Varint) => cursor.varint()?,
            Some(Wire::Eight) => cursor.eight()?,
            Some(Wire::Four) => cursor.four()?,
            _ => return Ok(()),
        };
    }
    Ok(())
}
