//! What `genai` reads out of rows.

use std::hint::black_box;

use spanledger_component::{Processor as _, Rows};
use spanledger_processor_genai::Genai;
use spanledger_schema::{Spans, Table as _};
use spanledger_telemetry::Meter;

use crate::input::{Input, decode};
use crate::{Failure, Work};

/// Reads the calls of a window, price included.
pub struct Read {
    genai: Genai,
    rows: Spans,
}

impl Read {
    /// Of the rows of these requests.
    pub fn new(input: Input) -> Result<Self, Failure> {
        Ok(Self { genai: Genai::new(&Meter::default(), "genai"), rows: decode(&input.bodies(0), 0)? })
    }
}

impl Work for Read {
    fn items(&self) -> u64 {
        self.rows.len() as u64
    }

    fn run(&mut self) -> Result<(), Failure> {
        black_box(self.genai.process(Rows::Spans(self.rows.clone()))?);
        Ok(())
    }
}
