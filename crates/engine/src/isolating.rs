//! Finding the records that an exporter can never take: the open range is tried out in halves until a culprit stands
//! alone. It goes to the dead letters; everything else is exported again and goes on.

use std::collections::VecDeque;

use spanledger_component::{Error, ExportError, Position};
use tracing::warn;

use crate::dead_letters;
use crate::exporting::{Exporting, Open};
use crate::reader::{Piece, dead};

/// First and last position, both inclusive.
type Range = (Position, Position);

/// What became of a piece that was tried out.
enum Outcome {
    /// The exporter holds its rows: it can take them, and is to be given them again.
    Held,
    /// Nothing is held: it had no rows, or they are delivered.
    Done,
}

impl Exporting {
    /// Finds the records up to `last` that cannot be taken, and exports the open range again without them.
    pub(crate) async fn isolate(&mut self, last: Position, reason: Error) {
        let first = self.open.first;
        warn!(branch = %self.progress.id, %first, %last, %reason, "records were rejected; looking for those to blame");
        let culprits = self.open.excluded.len();
        self.put_culprits_aside(first, last).await;
        let found = culprits < self.open.excluded.len() || first < self.open.first;
        if !found {
            self.wait_after(Error::caused("find the record that is to blame: each was taken alone", reason))
                .await;
        }
        while let Err(reason) = self.export_again(last).await {
            self.wait_after(Error::caused("export records together that were taken alone", reason)).await;
        }
    }

    async fn put_culprits_aside(&mut self, first: Position, last: Position) {
        let mut todo = VecDeque::from([(first, last)]);
        let mut holds = false;
        while let Some((first, last)) = todo.pop_front() {
            let piece = self.piece(first, last).await;
            if piece.last < last {
                todo.push_front((piece.last.next(), last));
            }
            self.exporter.abandon();
            match self.try_out(&piece).await {
                Ok(Outcome::Held) => holds = true,
                // Everything before it is delivered, too, or put aside.
                Ok(Outcome::Done) if !holds => self.pass(&piece),
                Ok(Outcome::Done) => {}
                Err(reason) => self.put_aside_or_halve((first, piece.last), &piece, &reason, &mut todo).await,
            }
        }
    }

    /// Reads a piece, however long it takes until the disk allows it.
    async fn piece(&mut self, first: Position, last: Position) -> Piece {
        loop {
            match self.reader.exactly(first, last, &self.open.excluded, &self.progress) {
                Ok(piece) => return piece,
                Err(error) => self.wait_after(error).await,
            }
        }
    }

    /// Exports a piece alone, and seals it for a delivery that never begins: some rows are rejected only then.
    async fn try_out(&mut self, piece: &Piece) -> Result<Outcome, Error> {
        let Some(window) = &piece.window else { return Ok(Outcome::Done) };
        self.offer(window).await?;
        if self.exporter.seal_by().is_none() {
            return Ok(Outcome::Done);
        }
        match self.try_seal(&self.plan(window.first, window.last)) {
            Err(ExportError::Reject { source }) => Err(source),
            Ok(_) | Err(ExportError::Retry(_)) => Ok(Outcome::Held),
        }
    }

    fn pass(&mut self, piece: &Piece) {
        self.count(piece);
        self.pass_when_nothing_is_held();
    }

    fn count(&mut self, piece: &Piece) {
        if let Some(window) = &piece.window {
            self.open.counts += window.counts(&self.progress.id);
        }
        self.open.counts += piece.counts;
        self.passed(piece.last.next(), piece.passes_damage);
    }

    async fn export_again(&mut self, last: Position) -> Result<(), Error> {
        self.exporter.abandon();
        let (first, excluded) = (self.open.first, std::mem::take(&mut self.open.excluded));
        self.open = Open { first, next: first, excluded, ..Open::default() };
        while self.open.next <= last {
            let piece = self.piece(self.open.next, last).await;
            if let Some(window) = &piece.window {
                self.offer(window).await?;
            }
            self.count(&piece);
        }
        Ok(())
    }

    async fn put_aside_or_halve(
        &mut self,
        (first, last): Range,
        piece: &Piece,
        reason: &Error,
        todo: &mut VecDeque<Range>,
    ) {
        match piece.records.as_slice() {
            [] => {}
            [record] => {
                let (branch, reason) = (self.progress.id.to_string(), reason.to_string());
                let clock = self.clock.clone();
                while let Err(error) =
                    dead_letters::keep(&self.wal, clock.as_ref(), &branch, record, &reason).await
                {
                    self.wait_after(error).await;
                }
                self.open.excluded.push(Position(record.position.0));
                if let Some(window) = &piece.window {
                    self.open.counts += dead(window.counts(&self.progress.id));
                }
                self.open.counts += piece.counts;
            }
            records => {
                let middle =
                    records.get(records.len() / 2).map_or(last, |record| Position(record.position.0));
                todo.push_front((middle, last));
                todo.push_front((first, Position(middle.0 - 1)));
            }
        }
    }
}
