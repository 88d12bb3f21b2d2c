//! What the engine relies on of an exporter that holds nothing.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use spanledger_component::{Batch, Exporter};

/// An exporter that delivers at once never asks for a seal, so that every batch it took counts as delivered, and takes
/// the same batch again, as it gets it after a crash. It is started already.
pub async fn exporter_at_once(exporter: &mut dyn Exporter, batch: &Batch) {
    let none = Batch { rows: Vec::new(), ..batch.clone() };
    for (batch, what) in
        [(&none, "a batch without rows"), (batch, "a batch"), (batch, "the same batch again")]
    {
        if let Err(error) = exporter.export(batch).await {
            panic!("the exporter takes {what}: {error}");
        }
        assert_eq!(exporter.seal_by(), None, "{what} is delivered at once");
        exporter.abandon();
        assert_eq!(exporter.seal_by(), None, "there is nothing to abandon");
    }
}
