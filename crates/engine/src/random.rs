//! Randomness, so that a test can choose it.

/// Gives random bytes.
pub trait Random: Send + Sync {
    /// Sixteen of them, for an identity.
    fn id(&self) -> [u8; 16];

    /// A number from 0 up to 1, for jitter.
    fn fraction(&self) -> f64 {
        let [a, b, c, d, ..] = self.id();
        f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without the system's randomness no identity is safe, and nothing can go on"
    )]
    fn id(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}
