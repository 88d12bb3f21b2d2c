//! Dead letters that are tried again: each is delivered by a plan of its own, under the position that it always had.

use spanledger_component::{Error, ExportError, Plan, Position};
use spanledger_wal::{Control, DeadLetter};
use tracing::info;

use crate::branch::Ask;
use crate::dead_letters;
use crate::delivering;
use crate::exporting::{Exporting, Open, logged};
use crate::window::Window;

impl Exporting {
    /// Does what is asked with the next dead letter. Nothing is held or in flight.
    pub(crate) async fn next_letter(&mut self) {
        let Some((position, ask)) = self.progress.next_letter() else { return };
        let branch = self.progress.id.to_string();
        let Some(letter) = dead_letters::find(&self.wal, &branch, position) else {
            return self.progress.letter_done();
        };
        match ask {
            Ask::Replay => {
                if let Err(reason) = self.try_replay(&letter).await {
                    self.exporter.abandon();
                    self.keep_again(&letter, &reason).await;
                }
            }
            Ask::Drop => match self.give_up(&branch, &letter).await {
                Ok(()) => {
                    self.counts.give_up(&letter);
                    self.progress.set_done(self.progress.delivered(), self.counts);
                    self.progress.letter_done();
                }
                Err(error) => self.wait_after(error).await,
            },
        }
    }

    async fn give_up(&mut self, branch: &str, letter: &DeadLetter) -> Result<(), Error> {
        // Else a crash could make it export the record again, and put it aside again.
        self.write_cursor();
        dead_letters::give_up(&self.wal, branch, letter).await
    }

    /// Begins to deliver a letter; the reason when it still cannot be taken.
    async fn try_replay(&mut self, letter: &DeadLetter) -> Result<(), Error> {
        let window = self.window_of(letter)?;
        self.offer(&window).await?;
        let position = Position(letter.position.0);
        let plan = self.plan(position, position);
        let delivery = match self.exporter.seal_by() {
            None => None,
            Some(_) => match self.try_seal(&plan) {
                Ok(delivery) => Some(delivery),
                Err(ExportError::Reject { source }) => return Err(source),
                Err(ExportError::Retry(retry)) => {
                    // The letter is still asked for: it is tried again after the pause.
                    self.exporter.abandon();
                    self.setback.after(&retry, &self.progress).await;
                    return Ok(());
                }
            },
        };
        // The counts of the commit belong to this cursor.
        self.write_cursor();
        delivering::note(&self.wal, Control::Plan(logged(&plan, true)), &self.progress, &self.random).await;
        self.start_delivery(delivery, plan, Some(letter.clone()));
        Ok(())
    }

    /// The letter that an open plan delivers, if it does.
    pub(crate) fn letter_of(&self, plan: &Plan) -> Option<DeadLetter> {
        let branch = self.progress.id.to_string();
        let replays = self.wal.state().branches.get(&branch)?.plan.as_ref()?.replays;
        replays.then(|| dead_letters::find(&self.wal, &branch, plan.first)).flatten()
    }

    /// Carries out a plan again that delivers a letter.
    pub(crate) async fn export_letter_again(&mut self, plan: &Plan, letter: DeadLetter) -> Result<(), Error> {
        let next = self.progress.delivered();
        self.open = Open { first: next, next, ..Open::default() };
        let window = self.window_of(&letter)?;
        self.try_export(&window.batch(&self.progress.id)?)
            .await
            .map_err(|error| Error::new(error.to_string()))?;
        let delivery = match self.exporter.seal_by() {
            Some(_) => Some(self.try_seal(plan).map_err(|error| Error::new(error.to_string()))?),
            None => None,
        };
        self.start_delivery(delivery, plan.clone(), Some(letter));
        Ok(())
    }

    fn window_of(&self, letter: &DeadLetter) -> Result<Window, Error> {
        let record = dead_letters::read(&self.wal, letter)?;
        self.reader.put_aside(&record, &self.progress.id)
    }

    /// The letter is delivered, and its plan committed.
    pub(crate) fn end_replay(&self, letter: &DeadLetter) {
        info!(branch = %self.progress.id, position = letter.position.0, "dead letter was delivered after all");
        dead_letters::remove(&self.wal, letter);
        // After a restart nobody asks for it.
        if self.progress.next_letter().is_some_and(|(next, _)| next.0 == letter.position.0) {
            self.progress.letter_done();
        }
    }

    async fn keep_again(&mut self, letter: &DeadLetter, reason: &Error) {
        let (branch, reason) = (self.progress.id.to_string(), reason.to_string());
        let clock = self.clock.clone();
        while let Err(error) =
            dead_letters::keep_again(&self.wal, clock.as_ref(), &branch, letter, &reason).await
        {
            self.wait_after(error).await;
        }
        self.progress.letter_done();
    }
}
