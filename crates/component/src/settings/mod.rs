//! Settings that components share: durations, sizes, secrets, endpoints.

mod bytes;
mod duration;
mod endpoint;
mod secret;
mod unit_duration;

pub use bytes::{ByteSize, InvalidByteSize};
pub use duration::{GoDuration, InvalidDuration};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use secret::Secret;
pub use unit_duration::UnitDuration;
