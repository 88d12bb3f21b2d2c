//! A window of the log: some records in order, decoded once and run through the processors of each pipeline once.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use spanledger_component::{Batch, ComponentId, Error, Position, Processor, Rows, Signal};
use spanledger_otlp::{Source, decode_logs, decode_spans};
use spanledger_wal::{Counts, Record};

use crate::epochs::{Live, Pipeline};

/// The records of a window and what the pipelines made of them.
pub(crate) struct Window {
    pub(crate) first: Position,
    /// The last data record; control records between are passed over.
    pub(crate) last: Position,
    pub(crate) bytes: usize,
    pub(crate) last_arrival_unix_nano: u64,
    epoch: Arc<Live>,
    /// In the order of the epoch's pipelines: the rows; `None` where no record belongs to it, or its signal is not
    /// decoded.
    made: Vec<Option<Result<Rows, String>>>,
    arrived: Arrived,
    /// Whether something that cannot be read stood before it.
    pub(crate) follows_damage: bool,
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
            arrived: Arrived::new(records),
            follows_damage: false,
            made,
            epoch,
        })
    }

    /// The same, of which it is known whether something that cannot be read stood before it.
    pub(crate) fn behind_damage(self, follows_damage: bool) -> Self {
        Self { follows_damage, ..self }
    }

    /// The rows of every pipeline that names the branch; an error when one could not be made.
    pub(crate) fn batch(&self, branch: &ComponentId) -> Result<Batch, Error> {
        let mut rows = Vec::new();
        for (pipeline, made) in self.epoch.pipelines.iter().zip(&self.made) {
            if !pipeline.branches.contains(branch) {
                continue;
            }
            match made {
                Some(Ok(made)) => rows.push(made.clone()),
                Some(Err(reason)) => return Err(Error::new(format!("pipeline {}: {reason}", pipeline.name))),
                None => {}
            }
        }
        Ok(Batch { first: self.first, last: self.last, rows })
    }

    /// What is counted of this window once the branch has taken it.
    pub(crate) fn counts(&self, branch: &ComponentId) -> Counts {
        self.arrived.counts(&self.epoch, branch)
    }
}

/// Items by signal (index = [`signal_index`]).
pub(crate) type Items = [u64; spanledger_wal::SIGNALS];

/// How many items came from which receiver.
pub(crate) struct Arrived(Vec<(u8, Arc<str>, u64)>);

impl Arrived {
    /// The items of these records, without the rejected ones.
    pub(crate) fn new(records: &[Record]) -> Self {
        let mut arrived: Vec<(u8, Arc<str>, u64)> = Vec::new();
        for Record { signal, receiver, items, .. } in records {
            match arrived.iter_mut().find(|known| known.0 == *signal && known.1 == *receiver) {
                Some(known) => known.2 += u64::from(*items),
                None => arrived.push((*signal, receiver.clone(), u64::from(*items))),
            }
        }
        Self(arrived)
    }

    /// Delivered is what comes to the branch, by however many pipelines; the rest is for others.
    pub(crate) fn counts(&self, epoch: &Live, branch: &ComponentId) -> Counts {
        let mut counts = Counts::default();
        for (signal, receiver, items) in &self.0 {
            let mut naming = epoch.pipelines.iter().filter(|pipeline| pipeline.branches.contains(branch));
            let is_taken = naming.any(|pipeline| pipeline.owns(*signal, receiver));
            let to = if is_taken { &mut counts.delivered } else { &mut counts.elsewhere };
            to.get_mut(usize::from(*signal)).into_iter().for_each(|to| *to += items);
        }
        counts
    }
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
fn make(
    log: &str,
    pipeline: &Pipeline,
    records: &[Record],
    decoded: &mut Decoded,
) -> Option<Result<Rows, String>> {
    let records: Vec<&Record> =
        records.iter().filter(|record| pipeline.owns(record.signal, &record.receiver)).collect();
    let key = (pipeline.signal, pipeline.sources.clone());
    let rows = decoded.entry(key).or_insert_with(|| decode(log, pipeline.signal, &records)).clone();
    rows.map(|rows| rows.and_then(|rows| process(&pipeline.processors, rows)))
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
