//! Spans: from columns back to the wire.

use spanledger_schema::{Spans, Table as _, spans};

use crate::Malformed;
use crate::envelope::CHILDREN;
use crate::overlay::Overlay;
use crate::writer::Writer;

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
    let (resource, scope) = (rows.get(spans::WIRE_RESOURCE), rows.get(spans::WIRE_SCOPE));
    let mut writer = Writer::default();
    for row in 0..rows.len() {
        let before = row.checked_sub(1);
        let same_resource = before.is_some_and(|before| resource.value(before) == resource.value(row));
        let same_scope =
            same_resource && before.is_some_and(|before| scope.value(before) == scope.value(row));
        if !same_resource {
            close_to(&mut writer, 0);
            writer.open(1);
            writer.raw(resource.value(row));
        }
        if !same_scope {
            close_to(&mut writer, 1);
            writer.open(CHILDREN);
            writer.raw(scope.value(row));
        }
        write_span(rows, row, changed, &mut writer)?;
    }
    close_to(&mut writer, 0);
    Ok(writer.into_bytes())
}

fn close_to(writer: &mut Writer, depth: usize) {
    while writer.depth() > depth {
        writer.close();
    }
}

fn write_span(rows: &Spans, row: usize, changed: Changed, writer: &mut Writer) -> Result<(), Malformed> {
    let wire = rows.get(spans::WIRE_SPAN).value(row);
    if changed == Changed::default() {
        writer.bytes(CHILDREN, wire);
        return Ok(());
    }
    writer.open(CHILDREN);
    Overlay { rows, row, changed }.write(wire, writer).map_err(|fault| fault.within_span(wire))?;
    writer.close();
    Ok(())
}
