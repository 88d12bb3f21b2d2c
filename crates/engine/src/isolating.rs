//! Finding the one record that an exporter can never take: the open range is exported again in halves until the
//! culprit stands alone. It goes to the dead letters; everything else goes on.

use std::collections::VecDeque;

use spanledger_component::{Error, Position};
use tracing::warn;

use crate::dead_letters;
use crate::exporting::{Exporting, Open, add};
use crate::reader::Piece;

/// First and last position, both inclusive.
type Range = (Position, Position);

impl Exporting {
    /// Exports the open range up to `last` again, without the records in it that cannot be taken.
    pub(crate) async fn isolate(&mut self, last: Position, reason: Error) -> Result<(), Error> {
        let first = self.open.first;
        warn!(branch = %self.progress.id, %first, %last, %reason, "records were rejected; looking for the one that is to blame");
        let mut todo = VecDeque::from([(first, last)]);
        self.start_over();
        while let Some(range) = todo.pop_front() {
            let Some(piece) =
                self.reader.exactly(range.0, range.1, &self.open.excluded, &self.progress.id)?
            else {
                break;
            };
            if piece.last < range.1 {
                todo.push_front((piece.last.next(), range.1));
            }
            let Err(reason) = self.offer_piece(&piece).await else { continue };
            self.put_aside_or_halve((range.0, piece.last), &piece, &reason, &mut todo).await?;
            // What was taken before the culprit is inside no more.
            if self.open.first < range.0 {
                todo.push_front((self.open.first, Position(range.0.0 - 1)));
            }
            self.start_over();
        }
        self.open.next = last.next();
        Ok(())
    }

    fn start_over(&mut self) {
        self.exporter.abandon();
        let first = self.open.first;
        self.open = Open {
            first,
            next: first,
            excluded: std::mem::take(&mut self.open.excluded),
            items: Default::default(),
            dead_items: self.open.dead_items,
        };
    }

    async fn offer_piece(&mut self, piece: &Piece) -> Result<(), Error> {
        let Some(window) = &piece.window else { return Ok(()) };
        self.offer(window).await?;
        self.exported(window);
        Ok(())
    }

    async fn put_aside_or_halve(
        &mut self,
        range: Range,
        piece: &Piece,
        reason: &Error,
        todo: &mut VecDeque<Range>,
    ) -> Result<(), Error> {
        match piece.records.as_slice() {
            [] => {}
            [record] => {
                let branch = self.progress.id.to_string();
                dead_letters::keep(&self.wal, self.clock.as_ref(), &branch, record, &reason.to_string())
                    .await?;
                self.open.excluded.push(Position(record.position.0));
                if let Some(window) = &piece.window {
                    add(&mut self.open.dead_items, &window.items(&self.progress.id));
                }
            }
            records => {
                let middle =
                    records.get(records.len() / 2).map_or(range.1, |record| Position(record.position.0));
                todo.push_front((middle, range.1));
                todo.push_front((range.0, Position(middle.0 - 1)));
            }
        }
        Ok(())
    }
}
