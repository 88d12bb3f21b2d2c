//! The walk at the door, and the way from requests to columns.

use std::hint::black_box;

use bytes::Bytes;
use spanledger_otlp::{Message, walk};

use crate::input::{Input, decode};
use crate::{Failure, Work};

/// Checks requests, as the door does.
pub struct Walk {
    input: Input,
    bodies: Vec<Bytes>,
}

/// Decodes requests to columns, as one window.
pub struct Decode {
    input: Input,
    bodies: Vec<Bytes>,
}

impl Walk {
    /// Of these requests.
    pub fn new(input: Input) -> Self {
        Self { input, bodies: input.bodies(0) }
    }
}

impl Work for Walk {
    fn items(&self) -> u64 {
        self.input.spans()
    }

    fn run(&mut self) -> Result<(), Failure> {
        for body in &self.bodies {
            black_box(walk(Message::Traces, body)?);
        }
        Ok(())
    }
}

impl Decode {
    /// Of these requests.
    pub fn new(input: Input) -> Self {
        Self { input, bodies: input.bodies(0) }
    }
}

impl Work for Decode {
    fn items(&self) -> u64 {
        self.input.spans()
    }

    fn run(&mut self) -> Result<(), Failure> {
        black_box(decode(&self.bodies, 0)?);
        Ok(())
    }
}
