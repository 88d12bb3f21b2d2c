//! What `genai_metrics` makes of rows.

use spanledger_component::{Connector, ConnectorFactory as _, Context, Rows};
use spanledger_connector_genai_metrics::{Config, GenaiMetrics};

use crate::input::{Input, decode, read_calls};
use crate::{Failure, Work};

/// Turns after which as much is settled in each as comes: those of the settle window, and some.
const TURNS_BEFORE: u64 = 12;

/// Folds a window a second, so that what is folded in one is settled ten later, or sooner where there is no room.
pub struct Fold {
    connector: Box<dyn Connector>,
    input: Input,
    turn: u64,
    rows: Option<Rows>,
}

impl Fold {
    /// Of the rows of these requests, and more like them each time, within so much memory.
    pub fn new(input: Input, memory_bytes: usize) -> Result<Self, Failure> {
        let context = Context { memory_bytes, ..Context::new("genai_metrics".parse()?) };
        let connector = GenaiMetrics::build(&Config::default(), &context)?;
        let mut fold = Self { connector, input, turn: 0, rows: None };
        for _ in 0..TURNS_BEFORE {
            fold.prepare()?;
            fold.run()?;
        }
        Ok(fold)
    }
}

impl Work for Fold {
    fn items(&self) -> u64 {
        self.input.spans()
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        self.rows = Some(read_calls(decode(&self.input.bodies(self.turn), self.turn)?)?);
        self.turn += 1;
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failure> {
        self.rows.iter().for_each(|rows| self.connector.fold(rows));
        Ok(())
    }
}
