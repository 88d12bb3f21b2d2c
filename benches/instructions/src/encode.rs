//! The way from rows to Parquet files that are ready for the bucket.

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use object_store::memory::InMemory;
use spanledger_component::{Batch, Context, Delivery, Exporter, Plan, PlanId, Position, Rows};
use spanledger_exporter_parquet::{Config, Parquet};

use crate::input::{Input, decode, read_calls};
use crate::{Failure, Work};

/// More than any run takes.
const MEMORY_BYTES: usize = 1 << 30;

/// Gathers a batch, sorts it, and encodes it as files of both tables.
pub struct Encode {
    exporter: Box<dyn Exporter>,
    context: Context,
    batch: Batch,
}

impl Encode {
    /// Of the rows of these requests, with what `genai` reads out of them.
    pub fn new(input: Input) -> Result<Self, Failure> {
        let rows = read_calls(decode(&input.bodies(0), 0)?)?;
        Self::of(rows)
    }

    /// Of these rows.
    pub fn of(rows: Rows) -> Result<Self, Failure> {
        let context = Context { memory_bytes: MEMORY_BYTES, ..Context::new("parquet".parse()?) };
        let config = Config { path: "s3://bench/lake".to_owned(), ..Config::default() };
        let exporter = Parquet::in_store(&config, &context, Arc::new(InMemory::new()))?;
        let batch = Batch { first: Position(1), last: Position(u64::from(u16::MAX)), rows: vec![rows] };
        Ok(Self { exporter, context, batch })
    }

    /// The files, as they are handed to the engine, which delivers them.
    pub fn seal(&mut self) -> Result<Box<dyn Delivery>, Failure> {
        let plan = self.plan();
        let mut exporting = self.exporter.export(&self.batch);
        // Nothing is waited for where nothing is delivered, so there is no runtime to be counted.
        let polled = exporting.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
        drop(exporting);
        match polled {
            Poll::Ready(exported) => exported?,
            Poll::Pending => return Err("export rows: the exporter waits for something".into()),
        }
        Ok(self.exporter.seal(&plan)?)
    }

    fn plan(&self) -> Plan {
        Plan {
            id: PlanId([7; 16]),
            log: self.context.log,
            exporter: self.context.id.clone(),
            first: self.batch.first,
            last: self.batch.last,
            excluded: Vec::new(),
        }
    }
}

impl Work for Encode {
    fn items(&self) -> u64 {
        self.batch.rows.iter().map(|rows| rows.len() as u64).sum()
    }

    fn run(&mut self) -> Result<(), Failure> {
        black_box(self.seal()?);
        Ok(())
    }
}
