//! The loop of a replay: read what the log still holds, export it to an instance of its own, seal and deliver.
//!
//! It pins no plan and moves no cursor: a replay that is interrupted says how far it came.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use spanledger_component::{
    Batch, Bound, ComponentId, Delivery, Error, ExportError, Exporter, LogId, Plan, PlanId, Position,
    Refusal, Replayed, Rows, Signal,
};
use spanledger_schema::{Table as _, logs, spans};
use spanledger_telemetry::Counter;
use spanledger_wal::{Counts, Wal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::branch::Progress;
use crate::delivering::{self, Backoff};
use crate::exporting::panicked;
use crate::matching::Matching;
use crate::random::Random;
use crate::reader::{Piece, Reader};
use crate::window::Window;

/// How many refused records are told one by one.
const REFUSED_TOLD: usize = 100;

/// Where the rows come from, and which of them are meant.
pub(crate) struct Source {
    pub(crate) reader: Reader,
    pub(crate) wal: Wal,
    /// The exporter whose rows they are.
    pub(crate) rows_of: Progress,
    /// What the exporter takes that they go to.
    pub(crate) signals: &'static [Signal],
    pub(crate) matching: Matching,
}

/// A replay that runs.
pub(crate) struct Rereading {
    exporter: Box<dyn Exporter>,
    source: Source,
    progress: Arc<Progress>,
    random: Arc<dyn Random>,
    report: Arc<Mutex<Replayed>>,
    open: Open,
}

/// The range that fills.
struct Open {
    first: Position,
    next: Position,
    /// The last position that was exported, taken or not.
    tried: Position,
    records: u64,
    items: u64,
    unreadable_items: u64,
    released_positions: u64,
}

impl Open {
    fn at(first: Position) -> Self {
        let (records, items, unreadable_items, released_positions) = (0, 0, 0, 0);
        Self { first, next: first, tried: first, records, items, unreadable_items, released_positions }
    }
}

/// Why a range was not delivered.
enum Trouble {
    /// A record in it can never be taken.
    Rejected(Error),
    /// It cannot go on.
    Failed(Error),
}

impl Source {
    /// The meant rows of a window.
    fn rows(&self, window: &Window) -> Result<Batch, Error> {
        let mut batch = window.batch(&self.rows_of.id)?;
        batch.rows.retain(|rows| self.signals.contains(&rows.signal()));
        batch.rows = batch.rows.into_iter().map(|rows| self.matching.of(rows)).collect::<Result<_, _>>()?;
        batch.rows.retain(|rows| !rows.is_empty());
        Ok(batch)
    }

    /// The ends as positions: the first, and the one behind the last.
    fn ends(&self, (from, to): (Option<Bound>, Option<Bound>)) -> (Position, Position) {
        let position = |bound| match bound {
            Bound::Position(position) => position,
            Bound::Arrival(unix_ns) => self.first_since(unix_ns),
        };
        let end = Position(self.wal.data_end().0);
        let from = from.map_or(Position(self.wal.first_retained().0), position);
        (from, to.map_or(end, position).min(end))
    }

    /// The first position whose record arrived then or later. Arrivals never go back in the log.
    fn first_since(&self, unix_ns: u64) -> Position {
        let (mut low, mut high) = (self.wal.first_retained().0, self.wal.data_end().0);
        while low < high {
            let middle = low + (high - low) / 2;
            let arrival = self.wal.waiting(spanledger_wal::Position(middle)).oldest_arrival_unix_ns;
            match arrival.is_some_and(|arrival| arrival < unix_ns) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Position(low)
    }
}

impl Rereading {
    pub(crate) fn new(
        exporter: Box<dyn Exporter>,
        id: ComponentId,
        source: Source,
        random: Arc<dyn Random>,
        report: Arc<Mutex<Replayed>>,
    ) -> Self {
        let progress = Arc::new(Progress::new(id, &[], Position(0), Counts::default()));
        Self { exporter, source, progress, random, report, open: Open::at(Position(0)) }
    }

    /// Runs to the end, or until stop. How far it came is in the report.
    pub(crate) async fn run(
        mut self,
        ends: (Option<Bound>, Option<Bound>),
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let service = self.exporter.start(stop.clone()).await?.map(tokio::spawn);
        let (from, end) = self.source.ends(ends);
        self.open = Open::at(from);
        let exporter = self.progress.id.clone();
        info!(%exporter, rows_of = %self.source.rows_of.id, %from, before = %end, "replay begins");
        let begun = Replayed { from, until: from, ..Replayed::default() };
        *self.report() = begun;
        let stopped = match stop.run_until_cancelled(self.run_on(end)).await {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(error.to_string()),
            None => Some("it was stopped".to_owned()),
        };
        service.inspect(|service| service.abort());
        let mut report = self.report();
        let Replayed { until, records, items, refused_records, .. } = *report;
        info!(%exporter, %until, records, items, refused_records, stopped, "replay ended");
        report.stopped = stopped;
        Ok(())
    }

    async fn run_on(&mut self, end: Position) -> Result<(), Error> {
        while self.open.next < end {
            match self.fill(Position(end.0 - 1)).await {
                Ok(()) => {}
                Err(Trouble::Failed(error)) => return Err(error),
                Err(Trouble::Rejected(_)) => self.isolate().await?,
            }
        }
        Ok(())
    }

    /// Exports everything up to `last`, and delivers it.
    async fn fill(&mut self, last: Position) -> Result<(), Trouble> {
        while self.open.next <= last {
            self.pass_released(last);
            if self.open.next > last {
                break;
            }
            let piece = self.source.reader.exactly(self.open.next, last, &[], &self.source.rows_of);
            let piece = piece.map_err(Trouble::Failed)?;
            let from = self.open.next;
            self.export(&piece).await?;
            // What the log gave up meanwhile may be missing in what was read.
            let retained = self.source.wal.first_retained().0.min(self.open.next.0);
            self.open.released_positions += retained.saturating_sub(from.0);
            let is_due = self.exporter.seal_by().is_none_or(|due| due <= Instant::now().into_std());
            if is_due {
                self.deliver().await?;
            }
        }
        self.deliver().await
    }

    /// What the log has given up by now is passed over.
    fn pass_released(&mut self, last: Position) {
        let retained = Position(self.source.wal.first_retained().0).min(last.next());
        self.open.released_positions += retained.0.saturating_sub(self.open.next.0);
        self.open.next = retained.max(self.open.next);
    }

    async fn export(&mut self, piece: &Piece) -> Result<(), Trouble> {
        self.open.tried = piece.last;
        if let Some(window) = &piece.window {
            let batch = self.source.rows(window).map_err(Trouble::Rejected)?;
            if !batch.rows.is_empty() {
                self.offer(&batch).await?;
            }
            self.open.records += batch.rows.iter().map(records).sum::<u64>();
            self.open.items += batch.rows.iter().map(|rows| rows.len() as u64).sum::<u64>();
        }
        if piece.passes_damage {
            self.open.unreadable_items += self.unreadable_items(piece);
        }
        self.open.next = piece.last.next();
        Ok(())
    }

    /// Items that stood before the records of a piece, and would be meant for the exporter.
    fn unreadable_items(&self, piece: &Piece) -> u64 {
        let Source { wal, rows_of, .. } = &self.source;
        let at = |position: Position| spanledger_wal::Position(position.0);
        let mut read = wal.accepted_before(at(self.open.next));
        for record in &piece.records {
            let items = read.get_mut(usize::from(record.signal));
            items.into_iter().for_each(|items| *items += u64::from(record.items));
        }
        rows_of.share_of(&wal.lost_before(at(piece.last.next()), &read))
    }

    async fn offer(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let mut backoff = Backoff::new(self.random.clone());
        loop {
            let exported = AssertUnwindSafe(self.exporter.export(batch)).catch_unwind().await;
            match exported.unwrap_or_else(|_| Err(panicked())) {
                Ok(()) => {
                    delivering::recovered(&self.progress, backoff.attempt);
                    return Ok(());
                }
                Err(ExportError::Reject { source }) => return Err(Trouble::Rejected(source)),
                Err(ExportError::Retry(retry)) => backoff.after(&retry, &self.progress).await,
            }
        }
    }

    /// Delivers the open range, however long the target takes to allow it.
    async fn deliver(&mut self) -> Result<(), Trouble> {
        if self.exporter.seal_by().is_some() {
            let delivery = self.seal().await?;
            let backoff = Backoff::new(self.random.clone());
            delivering::deliver(delivery, self.progress.clone(), backoff, Counter::default()).await;
        }
        let next = self.open.next;
        let done = std::mem::replace(&mut self.open, Open::at(next));
        let mut report = self.report();
        report.until = next;
        report.records += done.records;
        report.items += done.items;
        report.unreadable_items += done.unreadable_items;
        report.released_positions += done.released_positions;
        Ok(())
    }

    async fn seal(&mut self) -> Result<Box<dyn Delivery>, Trouble> {
        let plan = Plan {
            id: PlanId(self.random.id()),
            log: LogId(self.source.wal.id().0),
            exporter: self.progress.id.clone(),
            first: self.open.first,
            last: Position(self.open.next.0.saturating_sub(1)),
            excluded: Vec::new(),
        };
        let mut backoff = Backoff::new(self.random.clone());
        loop {
            let sealed = catch_unwind(AssertUnwindSafe(|| self.exporter.seal(&plan)));
            match sealed.unwrap_or_else(|_| Err(panicked())) {
                Ok(delivery) => return Ok(delivery),
                Err(ExportError::Reject { source }) => return Err(Trouble::Rejected(source)),
                Err(ExportError::Retry(retry)) => backoff.after(&retry, &self.progress).await,
            }
        }
    }

    /// Exports and delivers the open range in halves, until the record that cannot be taken stands alone.
    async fn isolate(&mut self) -> Result<(), Error> {
        let last = self.open.tried.max(Position(self.open.next.0.saturating_sub(1)));
        let mut todo = vec![(self.open.first, last)];
        while let Some((first, last)) = todo.pop() {
            self.exporter.abandon();
            self.open = Open::at(first);
            let reason = match self.fill(last).await {
                Ok(()) => continue,
                Err(Trouble::Failed(error)) => return Err(error),
                Err(Trouble::Rejected(reason)) => reason,
            };
            // A part may be delivered.
            let first = self.open.first;
            if first >= last {
                self.refuse(first, &reason);
                continue;
            }
            let middle = Position(first.0 + (last.0 - first.0) / 2);
            todo.extend([(middle.next(), last), (first, middle)]);
        }
        self.open = Open::at(last.next());
        Ok(())
    }

    fn refuse(&mut self, position: Position, reason: &Error) {
        self.exporter.abandon();
        warn!(exporter = %self.progress.id, %position, %reason, "record cannot be replayed and is left out");
        let mut report = self.report();
        report.until = position.next();
        report.refused_records += 1;
        if report.refused.len() < REFUSED_TOLD {
            report.refused.push(Refusal { position, reason: reason.to_string() });
        }
    }

    fn report(&self) -> MutexGuard<'_, Replayed> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many records rows are of.
fn records(rows: &Rows) -> u64 {
    let positions = match rows {
        Rows::Spans(rows) => rows.get(spans::POSITION),
        Rows::Logs(rows) => rows.get(logs::POSITION),
        Rows::Metrics(_) => return 0,
    };
    positions.values().iter().collect::<HashSet<_>>().len() as u64
}
