//! A record on its way into the log: everything but its place.

use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    Position,
    control::Control,
    parity,
    record::{FLAG_PARITY, FLAG_PLACED, Header, Kind, Meta, crc32c, record_bytes},
    repeats::{self, Key, Known},
};

/// A request to be appended.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which signal, 0 to 7; items of any other are not counted.
    pub signal: u8,
    /// Id of the receiver that took it in.
    pub receiver: Arc<str>,
    /// Items that count: those of the body without the rejected ones.
    pub items: u32,
    /// Indices of items that readers must leave out.
    pub rejected: Vec<u32>,
    /// The request.
    pub body: Bytes,
}

/// A request as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position.
    pub position: Position,
    /// When it arrived, in nanoseconds since 1970; never less than the record before.
    pub arrival_unix_ns: u64,
    /// Which signal.
    pub signal: u8,
    /// Id of the receiver that took it in.
    pub receiver: Arc<str>,
    /// Items that count.
    pub items: u32,
    /// Indices of items to be left out.
    pub rejected: Arc<[u32]>,
    /// The request.
    pub body: Bytes,
}

/// What a draft holds, in the form the log works with.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Data(Meta),
    Control(Box<Control>),
    /// A control record of a newer program: kept, without effect.
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) content: Content,
    meta: Vec<u8>,
    payload: Bytes,
    parity: Bytes,
    signal: u8,
    items: u32,
    arrival_unix_ns: u64,
    body_hash: u128,
    payload_crc: u32,
}

impl Draft {
    pub(crate) fn of_entry(entry: Entry, arrival_unix_ns: u64) -> Self {
        let meta = Meta { receiver: entry.receiver, rejected: entry.rejected.into() };
        let (signal, items) = (entry.signal, entry.items);
        Self::new(Content::Data(meta.clone()), meta.encode(), entry.body, signal, items, arrival_unix_ns)
    }

    pub(crate) fn of_control(control: Control, arrival_unix_ns: u64) -> Self {
        let payload = Bytes::from(control.encode());
        Self::new(Content::Control(Box::new(control)), Vec::new(), payload, 0, 0, arrival_unix_ns)
    }

    fn new(content: Content, meta: Vec<u8>, payload: Bytes, signal: u8, items: u32, arrival: u64) -> Self {
        let body_hash = xxh3_128(&payload);
        let payload_crc = crc32c(&[&meta, &payload]);
        let parity = Bytes::new();
        Self {
            content,
            meta,
            payload,
            parity,
            signal,
            items,
            arrival_unix_ns: arrival,
            body_hash,
            payload_crc,
        }
    }

    /// Adds what the content can be repaired from, if that is wanted.
    pub(crate) fn with_parity(mut self, is_wanted: bool) -> Self {
        self.parity = if is_wanted { parity::of(&self.meta, &self.payload) } else { Bytes::new() };
        self
    }

    /// The draft that became this record; `None` if it is neither data nor control, or does not parse.
    pub(crate) fn of_record(header: &Header, meta: &[u8], payload: Bytes) -> Option<Self> {
        let content = match header.kind {
            Kind::Data => Content::Data(Meta::decode(meta)?),
            Kind::Control => Control::decode(&payload)
                .map_or(Content::Unknown, |control| Content::Control(Box::new(control.at(header.position)))),
            Kind::Snapshot | Kind::Seal | Kind::Mark => return None,
        };
        Some(Self {
            content,
            meta: meta.to_vec(),
            payload,
            parity: Bytes::new(),
            signal: header.signal,
            items: header.items,
            arrival_unix_ns: header.arrival_unix_ns,
            body_hash: header.body_hash,
            payload_crc: header.payload_crc,
        })
    }

    pub(crate) fn record_bytes(&self) -> u64 {
        record_bytes((self.meta.len() + self.payload.len() + self.parity.len()) as u64)
    }

    pub(crate) fn arrival_unix_ns(&self) -> u64 {
        self.arrival_unix_ns
    }

    pub(crate) fn is_data(&self) -> bool {
        matches!(self.content, Content::Data(_))
    }

    pub(crate) fn meta(&self) -> &[u8] {
        &self.meta
    }

    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub(crate) fn parity(&self) -> &Bytes {
        &self.parity
    }

    /// Time never goes back from one record to the next.
    pub(crate) fn arrive_not_before(&mut self, unix_ns: u64) -> u64 {
        self.arrival_unix_ns = self.arrival_unix_ns.max(unix_ns);
        self.arrival_unix_ns
    }

    pub(crate) fn header(&self, position: Position, generation: u64, durable: Position) -> Header {
        Header {
            kind: if self.is_data() { Kind::Data } else { Kind::Control },
            flags: flags(&self.parity),
            signal: self.signal,
            generation,
            position,
            durable,
            arrival_unix_ns: self.arrival_unix_ns,
            body_hash: self.body_hash,
            meta_bytes: self.meta.len() as u32,
            payload_bytes: self.payload.len() as u32,
            payload_crc: self.payload_crc,
            parity_bytes: self.parity.len() as u32,
            items: self.items,
        }
    }

    /// What a repeat is recognised by; `None` for a control record.
    pub(crate) fn key(&self) -> Option<Key> {
        let Content::Data(meta) = &self.content else { return None };
        Some(repeats::key(self.signal, &meta.receiver, self.body_hash))
    }

    /// What the window of repeats keeps of it; `None` for a control record.
    pub(crate) fn known(&self, position: Position) -> Option<Known> {
        let Content::Data(meta) = &self.content else { return None };
        let rejected = meta.rejected.len() as u32;
        Some(Known { key: self.key()?, position, arrival_unix_ns: self.arrival_unix_ns, rejected })
    }

    /// What readers get; `None` for a control record.
    pub(crate) fn record(&self, position: Position) -> Option<Record> {
        let Content::Data(meta) = &self.content else { return None };
        Some(Record {
            position,
            arrival_unix_ns: self.arrival_unix_ns,
            signal: self.signal,
            receiver: meta.receiver.clone(),
            items: self.items,
            rejected: meta.rejected.clone(),
            body: self.payload.clone(),
        })
    }
}

/// The flags of a record with this parity.
pub(crate) fn flags(parity: &Bytes) -> u8 {
    FLAG_PLACED | if parity.is_empty() { 0 } else { FLAG_PARITY }
}

/// A draft with its position.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    pub(crate) draft: Draft,
}
