//! What an LLM call is and what it costs: conventions, canonical names, prices. Pure: no I/O, no columns.
//!
//! ```
//! use spanledger_genai::{Prices, SpanView, normalise};
//!
//! let attributes = [
//!     ("gen_ai.operation.name", "chat"),
//!     ("gen_ai.provider.name", "openai"),
//!     ("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
//!     ("gen_ai.usage.input_tokens", "1000"),
//!     ("gen_ai.usage.output_tokens", "100"),
//! ];
//! let span = SpanView { attributes: &attributes, ..SpanView::default() };
//! let call = normalise(&span, &Prices::bundled()).ok_or("not GenAI")?;
//! assert_eq!(call.cost.total, Some(210_000_000)); // 0.00021 dollars
//! # Ok::<(), &str>(())
//! ```

mod call;
pub mod catalogue;
mod conventions;
mod decimal;
mod dialect;
mod explain;
mod field;
mod fields;
mod json;
mod kind;
pub mod messages;
mod names;
mod prices;
mod provider;
mod shape;
mod span;
mod usage;
mod value;

pub use call::{Call, normalise, read};
pub use conventions::NORMALISED;
pub use explain::{Explanation, Ignored, Price, Told, Value, explain};
pub use field::Field;
pub use fields::Source;
pub use kind::CallKind;
pub use prices::{
    Alias, CallRef, Cost, CostStatus, Entry, Error as PriceError, Match, Override, Prefer, PriceSettings,
    PriceTable, Prices, Pricing, Usage,
};
pub use shape::Shape;
pub use span::{EventView, SpanView};
pub use usage::UsageSemantics;
