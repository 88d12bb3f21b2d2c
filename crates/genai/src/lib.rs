//! What an LLM call is and what it costs: conventions, canonical names, prices. Pure: no I/O, no columns.

mod decimal;
mod prices;

pub use prices::{CallRef, Cost, CostStatus, Entry, Error, Prices, Usage};
