//! The way of requests into the log, but for the disk.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use spanledger_wal::{Appending, Entry, Options, Stepper, Wal};

use crate::input::Input;
use crate::nowhere::Nowhere;
use crate::{Failure, Work};

/// Requests that are committed together.
const GROUP: usize = 16;

/// Appends requests in groups, and waits until each is answered.
pub struct Append {
    input: Input,
    turn: u64,
    wal: Wal,
    stepper: Stepper,
    entries: Vec<Entry>,
}

impl Append {
    /// Of these requests, and others like them each time, since the log recognises repeats.
    pub fn new(input: Input) -> Result<Self, Failure> {
        let clock = Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000));
        let options = Options {
            repeat_window: Duration::from_secs(900),
            monotonic: Arc::new(|| Duration::ZERO),
            random: Arc::new(|| 4),
            ..Options::new("/nowhere", clock)
        };
        let (wal, stepper) = Wal::open_stepped(options, Arc::new(Nowhere))?;
        Ok(Self { input, turn: 0, wal, stepper, entries: Vec::new() })
    }

    fn commit(&mut self, waiting: &mut Vec<Appending>) -> Result<(), Failure> {
        self.stepper.step();
        for appending in waiting.drain(..) {
            appending.wait()?;
        }
        Ok(())
    }
}

impl Work for Append {
    fn items(&self) -> u64 {
        self.input.spans()
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        let items = u32::try_from(self.input.spans_a_request)?;
        let entry = |body| Entry { signal: 0, receiver: "otlp".into(), items, rejected: Vec::new(), body };
        self.entries = self.input.bodies(self.turn).into_iter().map(entry).collect();
        self.turn += 1;
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let mut waiting = Vec::with_capacity(GROUP);
        for entry in std::mem::take(&mut self.entries) {
            waiting.push(self.wal.append(entry)?);
            if waiting.len() == GROUP {
                self.commit(&mut waiting)?;
            }
        }
        self.commit(&mut waiting)
    }
}
