//! A window of the log: some records in order, decoded once and run through the processors of each pipeline once.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use spanledger_component::{Batch, ComponentId, Error, Position, Processor, Rows, Signal};
use spanledger_otlp::{Source, decode_logs, decode_spans};
use spanledger_wal::Record;

use crate::epochs::{Live, Pipeline};

/// The records of a window and what the pipelines made of them.
pub(crate) struct Window {
    pub(crate) first: Position,
    /// The last data record; control records between are passed over.
    pub(crate) last: Position,
    pub(crate) bytes: usize,
    pub(crate) last_arrival_unix_nano: u64,
    epoch: Arc<Live>,
    /// In the order of the epoch's pipelines.
    made: Vec<Made>,
}

impl Window {
    /// Makes the rows of these records, which follow each other. There is at least one.
    pub(crate) fn new(log: &str, epoch: Arc<Live>, records: &[Record]) -> Option<Self> {
        let (first, last) = (records.first()?, records.last()?);
        let mut decoded = HashMap::new();
        let made =
            epoch.pipelines.iter().map(|pipeline| make(log, pipeline, records, &mut decoded)).collect();
        Some(Self {
            first: Position(first.position.0),
            last: Position(last.position.0),
            bytes: records.iter().map(|record| record.body.len()).sum(),
            last_arrival_unix_nano: last.arrival_unix_ns,
            made,
            epoch,
        })
    }

    /// The rows of every pipeline that names the branch; an error when one could not be made.
    pub(crate) fn batch(&self, branch: &ComponentId) -> Result<Batch, Error> {
        let mut rows = Vec::new();
        for (pipeline, made) in self.epoch.pipelines.iter().zip(&self.made) {
            if !pipeline.branches.contains(branch) {
                continue;
            }
            match &made.rows {
                Some(Ok(made)) => rows.push(made.clone()),
                Some(Err(reason)) => return Err(Error::new(format!("pipeline {}: {reason}", pipeline.name))),
                None => {}
            }
        }
        Ok(Batch { first: self.first, last: self.last, rows })
    }

    /// Items by signal (index = [`signal_index`]) that the branch gets from this window.
    pub(crate) fn items(&self, branch: &ComponentId) -> Items {
        let mut items = Items::default();
        for (pipeline, made) in self.epoch.pipelines.iter().zip(&self.made) {
            if let (true, Some(count)) = (
                pipeline.branches.contains(branch),
                items.get_mut(usize::from(signal_index(pipeline.signal))),
            ) {
                *count += made.items;
            }
        }
        items
    }
}

/// Items by signal.
pub(crate) type Items = [u64; spanledger_wal::SIGNALS];

/// Items by signal that a branch gets from records of an epoch.
pub(crate) fn items(epoch: &Live, branch: &ComponentId, records: &[Record]) -> Items {
    let mut items = Items::default();
    for pipeline in epoch.pipelines.iter().filter(|pipeline| pipeline.branches.contains(branch)) {
        for record in records.iter().filter(|record| pipeline.owns(record)) {
            if let Some(count) = items.get_mut(usize::from(record.signal)) {
                *count += u64::from(record.items);
            }
        }
    }
    items
}

/// What a pipeline made of a window.
struct Made {
    /// `None` where no record belongs to the pipeline, or its signal is not decoded.
    rows: Option<Result<Rows, String>>,
    /// Items that belong to it, without the rejected ones.
    items: u64,
}

/// The number that stands for a signal in the log.
pub(crate) fn signal_index(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 0,
        Signal::Metrics => 1,
        Signal::Logs => 2,
    }
}

type Decoded = HashMap<(Signal, Vec<String>), Option<Result<Rows, String>>>;

/// What a pipeline makes of the records that belong to it. Pipelines with the same sources share the decoding.
fn make(log: &str, pipeline: &Pipeline, records: &[Record], decoded: &mut Decoded) -> Made {
    let records: Vec<&Record> = records.iter().filter(|record| pipeline.owns(record)).collect();
    let items = records.iter().map(|record| u64::from(record.items)).sum();
    let key = (pipeline.signal, pipeline.sources.clone());
    let rows = decoded.entry(key).or_insert_with(|| decode(log, pipeline.signal, &records)).clone();
    let rows = rows.map(|rows| rows.and_then(|rows| process(&pipeline.processors, rows)));
    Made { rows, items }
}

fn decode(log: &str, signal: Signal, records: &[&Record]) -> Option<Result<Rows, String>> {
    if records.is_empty() {
        return None;
    }
    let records: Vec<Source<'_>> = records.iter().map(|record| source(record)).collect();
    let rows = catch_unwind(AssertUnwindSafe(|| match signal {
        Signal::Traces => Some(decode_spans(log, &records).map(Rows::Spans)),
        Signal::Logs => Some(decode_logs(log, &records).map(Rows::Logs)),
        // Not decoded before an exporter takes them.
        Signal::Metrics => None,
    }));
    match rows {
        Ok(rows) => rows.map(|rows| rows.map_err(|error| format!("decode: {error}"))),
        Err(_) => Some(Err("decoding panicked".to_owned())),
    }
}

fn source(record: &Record) -> Source<'_> {
    Source {
        body: &record.body,
        position: record.position.0,
        arrival_unix_nano: record.arrival_unix_ns,
        rejected: &record.rejected,
    }
}

/// What the processors make of rows; an error when one fails or panics.
pub(crate) fn process(processors: &[Box<dyn Processor>], rows: Rows) -> Result<Rows, String> {
    processors.iter().try_fold(rows, |rows, processor| {
        match catch_unwind(AssertUnwindSafe(|| processor.process(rows))) {
            Ok(processed) => processed.map_err(|error| error.to_string()),
            Err(_) => Err("a processor panicked".to_owned()),
        }
    })
}
