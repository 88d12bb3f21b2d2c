//! A log without a thread: whoever opened it says when it writes, so that a simulation has one order of events.

use std::{sync::Arc, time::Duration};

use crate::{shared::Shared, wal::End, writer::Writer};

/// Does what the log thread does, a turn at a time. Dropped, it leaves the log as a crash would.
pub struct Stepper {
    shared: Arc<Shared>,
    running: Option<(Writer, End)>,
}

impl Stepper {
    pub(crate) fn new(shared: Arc<Shared>, writer: Writer, end: End) -> Self {
        Self { shared, running: Some((writer, end)) }
    }

    /// Waits until there is something to do: an append waits, the log is to be closed, or it was idle long enough.
    pub async fn ready(&self) {
        if let Some((writer, _)) = &self.running {
            self.shared.queue.ready(writer.patience()).await;
        }
    }

    /// Commits what waits, or does what an idle log does; never waits. False once the log is closed.
    pub fn step(&mut self) -> bool {
        let Some((writer, _)) = &mut self.running else { return false };
        if writer.turn(Duration::ZERO) {
            return true;
        }
        if let Some((mut writer, _end)) = self.running.take() {
            writer.retire();
        }
        false
    }
}
