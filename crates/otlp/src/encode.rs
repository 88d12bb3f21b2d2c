//! Spans: from columns back to the wire.

use std::borrow::Cow;

use spanledger_schema::{Spans, Table as _, spans};

use crate::overlay::Overlay;
use crate::writer::Writer;
use crate::{Malformed, Requests};

/// The columns of [`Spans`] that a processor changed, so that they are written over the wire bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// The name of the span.
    pub name: bool,
    /// Its kind.
    pub kind: bool,
    /// Its status code and message.
    pub status: bool,
    /// Its attributes. Those that are a column of their own and were taken out of the map are gone from the wire too.
    pub span_attributes: bool,
}

/// Turns rows that [`crate::decode_spans`] made into an `ExportTraceServiceRequest`.
///
/// A row is its bytes on the wire with the `changed` columns written over them, so nothing that is no column is
/// lost, and without changes bytes are only copied. Neighbours of the same resource and scope share an envelope.
///
/// # Errors
/// Where the wire bytes of a row are not a span.
pub fn encode_spans(rows: &Spans, changed: Changed) -> Result<Vec<u8>, Malformed> {
    let mut requests = Requests::new(usize::MAX);
    for row in 0..rows.len() {
        requests.push(rows, row, &span(rows, row, changed)?);
    }
    Ok(requests.finish().pop().map(|request| request.body).unwrap_or_default())
}

/// The bytes of a row's span with the `changed` columns written over them.
fn span(rows: &Spans, row: usize, changed: Changed) -> Result<Cow<'_, [u8]>, Malformed> {
    let wire = rows.get(spans::WIRE_SPAN).value(row);
    if changed == Changed::default() {
        return Ok(wire.into());
    }
    let mut writer = Writer::default();
    Overlay { rows, row, changed }.write(wire, &mut writer).map_err(|fault| fault.within_span(wire))?;
    Ok(writer.into_bytes().into())
}
