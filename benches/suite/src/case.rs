//! What is sent.

use spanledger_load::Shape;

/// A kind of load.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) shape: Shape,
    /// Ratios of Spanledger's processor time to that of others that are the goal: at most so much.
    pub(crate) goals: &'static [(&'static str, f64)],
}

/// All of them.
pub(crate) const CASES: [Case; 3] = [
    Case {
        name: "small-100",
        title: "small, 100 a request",
        shape: Shape { spans: 100, ..Shape::USUAL },
        goals: &[("collector-nop", 0.83), ("collector-genai", 0.22), ("collector-queue", 0.12)],
    },
    Case {
        name: "small-4",
        title: "small, 4 a request",
        shape: Shape { spans: 4, ..Shape::USUAL },
        goals: &[("collector-nop", 0.8), ("collector-genai", 0.27), ("collector-queue", 0.06)],
    },
    Case {
        name: "large-100",
        title: "large (8 KB of messages), 100 a request",
        shape: Shape { message_bytes: 8192, ..Shape::USUAL },
        goals: &[("collector-genai", 0.4), ("collector-queue", 0.075), (ZSTD, 1.3)],
    },
];

/// What stands in the place of a contender: compressing the same bytes, and nothing else.
pub(crate) const ZSTD: &str = "zstd";
