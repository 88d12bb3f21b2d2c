//! Spans put into requests, one behind the other.

use spanledger_schema::{Spans, Table as _, spans};

use crate::envelope::CHILDREN;
use crate::writer::Writer;

/// An `ExportTraceServiceRequest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// As protobuf.
    pub body: Vec<u8>,
    /// How many spans are in it.
    pub spans: usize,
}

/// Puts spans into requests in the order they come. What the requests are depends on that order alone.
#[derive(Debug)]
pub struct Requests {
    bytes_max: usize,
    done: Vec<Encoded>,
    writer: Writer,
    /// The envelopes that are open.
    resource: Vec<u8>,
    scope: Vec<u8>,
    /// How many spans are in the request that is open.
    spans: usize,
}

/// What the keys and lengths of three nested messages take at most.
const FRAMING_BYTES: usize = 3 * 11;

impl Requests {
    /// Requests of `bytes_max` at most, unless a span alone is larger.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            done: Vec::new(),
            writer: Writer::default(),
            resource: Vec::new(),
            scope: Vec::new(),
            spans: 0,
        }
    }

    /// Appends `span`, the bytes of a row's span, within the row's resource and scope. A neighbour of the same resource
    /// and scope shares their envelopes.
    pub fn push(&mut self, rows: &Spans, row: usize, span: &[u8]) {
        let resource = rows.get(spans::WIRE_RESOURCE).value(row);
        let scope = rows.get(spans::WIRE_SCOPE).value(row);
        let more_bytes = resource.len() + scope.len() + span.len() + FRAMING_BYTES;
        // Messages that are open get their lengths when they end.
        if self.spans > 0 && self.writer.len().saturating_add(more_bytes + FRAMING_BYTES) > self.bytes_max {
            self.end();
        }
        if self.spans == 0 || self.resource != resource {
            self.close_to(0);
            self.writer.open(1);
            self.writer.raw(resource);
            resource.clone_into(&mut self.resource);
        }
        if self.writer.depth() < 2 || self.scope != scope {
            self.close_to(1);
            self.writer.open(CHILDREN);
            self.writer.raw(scope);
            scope.clone_into(&mut self.scope);
        }
        self.writer.bytes(CHILDREN, span);
        self.spans += 1;
    }

    /// The requests; none without spans.
    pub fn finish(mut self) -> Vec<Encoded> {
        self.end();
        self.done
    }

    fn end(&mut self) {
        self.close_to(0);
        let (body, spans) = (std::mem::take(&mut self.writer).into_bytes(), std::mem::take(&mut self.spans));
        if spans > 0 {
            self.done.push(Encoded { body, spans });
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.writer.depth() > depth {
            self.writer.close();
        }
    }
}
