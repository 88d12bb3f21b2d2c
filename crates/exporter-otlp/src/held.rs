//! The spans that an exporter holds until their range is sealed.

use spanledger_component::{Batch, Error, Rows};
use spanledger_otlp::{Encoded, Requests};
use spanledger_schema::{Spans, Table as _, spans};

use crate::current;

/// Requests are smaller than the 4 MiB that a server of gRPC takes unless it is told otherwise.
pub(crate) const REQUEST_BYTES_MAX: usize = (4 << 20) - 1;

/// Spans that are held.
#[derive(Debug, Default)]
pub(crate) struct Held {
    spans: Vec<Spans>,
    bytes: usize,
}

/// Where a span stands in the log, and where among those that are held.
type Place = ((i64, i32), usize, usize);

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// About how many bytes its requests will have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes a batch in, or nothing of it.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<(), Error> {
        let mut spans = Vec::new();
        for rows in batch.rows.iter() {
            match rows {
                Rows::Spans(rows) if rows.is_empty() => {}
                Rows::Spans(rows) => spans.push(rows.clone()),
                rows => return Err(Error::new(format!("{} cannot be sent yet, only traces", rows.signal()))),
            }
        }
        self.bytes += spans.iter().map(bytes).sum::<usize>();
        self.spans.extend(spans);
        Ok(())
    }

    /// The requests that send all of them: the same, however the range was cut into batches.
    pub(crate) fn requests(&self) -> Vec<Encoded> {
        let place = |of: usize, rows: &Spans, row: usize| -> Place {
            let (positions, indices) = (rows.get(spans::POSITION), rows.get(spans::INDEX));
            ((positions.value(row), indices.value(row)), of, row)
        };
        let all = self.spans.iter().enumerate();
        let places = all.flat_map(|(of, rows)| (0..rows.len()).map(move |row| place(of, rows, row)));
        let mut places: Vec<Place> = places.collect();
        places.sort_unstable();
        let mut requests = Requests::new(REQUEST_BYTES_MAX);
        for (_, of, row) in places {
            if let Some(rows) = self.spans.get(of) {
                requests.push(rows, row, &current::span(rows, row));
            }
        }
        requests.finish()
    }
}

fn bytes(rows: &Spans) -> usize {
    let wire = rows.get(spans::WIRE_SPAN);
    (0..rows.len()).map(|row| wire.value(row).len() + current::more_bytes(rows, row)).sum()
}
