//! The paths by their names, which stand beside the committed counts.

use crate::{Append, Decode, Encode, Failure, Fold, Input, Price, Read, Walk, Work};

/// A path and its input.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// What it is called: a word for the path, and what is special about the input.
    pub name: &'static str,
    make: fn() -> Result<Box<dyn Work>, Failure>,
}

impl Path {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self { name: "walk-small", make: || Ok(Box::new(Walk::new(Input::SMALL))) },
        Self { name: "walk-small-4", make: || Ok(Box::new(Walk::new(Input::SMALL_BY_FOUR))) },
        Self { name: "log-small", make: || Ok(Box::new(Append::new(Input::SMALL)?)) },
        Self { name: "log-small-4", make: || Ok(Box::new(Append::new(Input::SMALL_BY_FOUR)?)) },
        Self { name: "log-large", make: || Ok(Box::new(Append::new(Input::LARGE)?)) },
        Self { name: "decode-small", make: || Ok(Box::new(Decode::new(Input::SMALL))) },
        Self { name: "decode-small-4", make: || Ok(Box::new(Decode::new(Input::SMALL_BY_FOUR))) },
        Self { name: "decode-large", make: || Ok(Box::new(Decode::new(Input::LARGE))) },
        Self { name: "genai-small", make: || Ok(Box::new(Read::new(Input::SMALL)?)) },
        Self { name: "genai-large", make: || Ok(Box::new(Read::new(Input::LARGE)?)) },
        Self { name: "price", make: || Ok(Box::new(Price::new("anthropic", "claude-sonnet-4-5")?)) },
        Self { name: "encode-small", make: || Ok(Box::new(Encode::new(Input::SMALL)?)) },
        Self { name: "encode-large", make: || Ok(Box::new(Encode::new(Input::LARGE)?)) },
        Self { name: "metrics-small", make: || Ok(Box::new(Fold::new(Input::MANY_MODELS, 256 << 20)?)) },
        Self { name: "metrics-tight", make: || Ok(Box::new(Fold::new(Input::MANY_MODELS, 16 << 20)?)) },
    ];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.name == name)
    }

    /// Makes it and its input.
    pub fn make(&self) -> Result<Box<dyn Work>, Failure> {
        (self.make)()
    }
}
