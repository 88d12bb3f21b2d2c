//! The price of a call whose names are known.

use std::hint::black_box;
use std::sync::Arc;

use spanledger_genai::{CallRef, CostStatus, Prices, Usage};

use crate::{Failure, Work};

const CALLS: i64 = 20_000;

/// Prices calls of one model.
pub struct Price {
    prices: Arc<Prices>,
    provider: &'static str,
    model: &'static str,
}

impl Price {
    /// Of that model, by the prices that are built in. An error when it has none.
    pub fn new(provider: &'static str, model: &'static str) -> Result<Self, Failure> {
        let price = Self { prices: Prices::bundled(), provider, model };
        match price.prices.cost(&call(price.provider, price.model, 0)).status {
            CostStatus::Priced => Ok(price),
            status => Err(format!("price a call of {model}: {status:?}").into()),
        }
    }
}

/// A call of a model; its tokens and its time differ by its number.
pub fn call(provider: &'static str, model: &'static str, number: i64) -> CallRef<'static> {
    let usage = Usage {
        input_tokens: Some(1_000 + number),
        output_tokens: Some(200),
        cache_read_input_tokens: Some(400),
        cache_write_input_tokens: Some(100),
        ..Usage::default()
    };
    CallRef {
        provider: Some(provider),
        model: Some(model),
        request_model: Some(model),
        start_unix_nano: 1_795_000_000_000_000_000 + number,
        usage,
        ..CallRef::default()
    }
}

impl Work for Price {
    fn items(&self) -> u64 {
        CALLS.unsigned_abs()
    }

    fn run(&mut self) -> Result<(), Failure> {
        for number in 0..CALLS {
            black_box(self.prices.cost(black_box(&call(self.provider, self.model, number))));
        }
        Ok(())
    }
}
