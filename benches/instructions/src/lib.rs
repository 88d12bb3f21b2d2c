//! The paths that a span takes, each by itself and with the same input every time: what `spanledger-instructions` lets
//! callgrind count, and the benches of encoding and of metrics time.
//!
//! ```
//! use spanledger_instructions::{Decode, Input, Work as _};
//!
//! let mut decode = Decode::new(Input { requests: 2, ..Input::SMALL });
//! decode.run()?;
//! assert_eq!(decode.items(), 200);
//! # Ok::<(), spanledger_instructions::Failure>(())
//! ```

mod append;
mod decode;
mod encode;
mod fold;
mod input;
mod nowhere;
mod paths;
mod price;
mod read;

pub use append::Append;
pub use decode::{Decode, Walk};
pub use encode::Encode;
pub use fold::Fold;
pub use input::{Input, decode, read_calls};
pub use paths::Path;
pub use price::{Price, call};
pub use read::Read;

/// Why a path could not be taken, in words for whoever started it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A path that is taken again and again.
pub trait Work {
    /// How many items are worked on each time.
    fn items(&self) -> u64;

    /// Makes what the next time needs, where that may not be what it was the last time.
    fn prepare(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes it once.
    fn run(&mut self) -> Result<(), Failure>;
}
