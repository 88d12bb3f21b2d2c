//! A table of prices as it is kept with an epoch: its JSON, compressed.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use spanledger_component::Error;
use spanledger_genai::{PriceSettings, PriceTable, Prices};

/// The largest table, so that no file or address can use up the memory.
pub(crate) const TABLE_BYTES_MAX: usize = 16 << 20;

/// What a kept table may come to: the units stand in it, too.
const KEPT_BYTES_MAX: usize = TABLE_BYTES_MAX + (1 << 20);

const LEVEL: i32 = 3;

/// The table that is built in, as it is kept.
pub(crate) fn bundled() -> Bytes {
    static BUNDLED: OnceLock<Bytes> = OnceLock::new();
    let kept = || keep(&PriceTable::bundled()).unwrap_or_default();
    BUNDLED.get_or_init(kept).clone()
}

/// A table as it is kept.
pub(crate) fn keep(table: &PriceTable) -> Result<Bytes, Error> {
    let kept = zstd::bulk::compress(&table.to_json(), LEVEL);
    kept.map(Bytes::from).map_err(|error| Error::caused("compress the price table", error))
}

/// The prices of a table that was kept.
pub(crate) fn read(kept: &[u8], settings: PriceSettings) -> Result<Arc<Prices>, Error> {
    let json = zstd::bulk::decompress(kept, KEPT_BYTES_MAX)
        .map_err(|error| Error::caused("decompress the price table", error))?;
    let table = PriceTable::of_json(&json).map_err(|error| Error::caused("read the price table", error))?;
    Prices::new(&table, settings).map_err(|error| Error::caused("read the prices", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_back_from_what_is_kept_which_is_small() {
        let prices = read(&bundled(), PriceSettings::default()).unwrap();
        assert_eq!(prices.version(), Prices::bundled().version());
        assert!(bundled().len() < 200_000, "{} bytes", bundled().len());
        assert!(read(b"no table", PriceSettings::default()).is_err());
    }
}
