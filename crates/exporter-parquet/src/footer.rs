//! What a file's footer says of the plan that made it, and how that is read again.

use chrono::{DateTime, SecondsFormat};
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};
use spanledger_component::Plan;

use crate::checksum;
use crate::file::Facts;

/// The keys that a file is known by.
pub(crate) const PLAN: &str = "spanledger.plan";
pub(crate) const LOG: &str = "spanledger.log";
pub(crate) const EXPORTER: &str = "spanledger.exporter";
pub(crate) const FIRST: &str = "spanledger.first";
pub(crate) const LAST: &str = "spanledger.last";
pub(crate) const TABLE: &str = "spanledger.table";
pub(crate) const ROWS: &str = "spanledger.rows";
pub(crate) const CHECKSUM: &str = "spanledger.checksum";

/// Bytes at the end of a Parquet file that tell how long its footer is.
const TAIL_BYTES: usize = 8;

/// The keys and values of a file's footer.
pub(crate) fn metadata(table: &str, plan: &Plan, facts: &Facts) -> Vec<(&'static str, String)> {
    let mut metadata = vec![
        (PLAN, plan.id.to_string()),
        (LOG, plan.log.to_string()),
        (EXPORTER, plan.exporter.to_string()),
        (FIRST, plan.first.to_string()),
        (LAST, plan.last.to_string()),
        ("spanledger.schema_version", spanledger_schema::VERSION.to_owned()),
        ("spanledger.semconv", spanledger_schema::SEMANTIC_CONVENTIONS.to_owned()),
        (TABLE, table.to_owned()),
        ("spanledger.writer", concat!("spanledger ", env!("CARGO_PKG_VERSION")).to_owned()),
        (ROWS, facts.rows.to_string()),
        (CHECKSUM, checksum::placeholder()),
    ];
    if let Some((earliest, latest)) = facts.time_micros {
        metadata.push(("spanledger.time_min", timestamp(earliest)));
        metadata.push(("spanledger.time_max", timestamp(latest)));
    }
    if !facts.price_versions.is_empty() {
        let versions: Vec<&str> = facts.price_versions.iter().map(String::as_str).collect();
        metadata.push(("spanledger.price_version", versions.join(",")));
    }
    metadata
}

fn timestamp(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(|| micros.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// What the end of a file tells.
#[derive(Debug, PartialEq)]
pub(crate) enum Footer {
    /// Where everything stands in the file.
    Whole(Box<ParquetMetaData>),
    /// It is no Parquet file.
    Foreign,
    /// So many bytes from the end are needed to tell.
    Longer(usize),
}

/// The id of the plan that made a file; `None` when it is no file of ours.
pub(crate) fn plan(metadata: &ParquetMetaData) -> Option<&str> {
    let keys = metadata.file_metadata().key_value_metadata();
    keys.into_iter().flatten().find(|entry| entry.key == PLAN)?.value.as_deref()
}

/// Reads the end of a file.
pub(crate) fn read(end: &[u8]) -> Footer {
    let Some((rest, tail)) = end.split_last_chunk::<TAIL_BYTES>() else { return Footer::Foreign };
    let Ok(tail) = FooterTail::try_from(*tail) else { return Footer::Foreign };
    let length = tail.metadata_length();
    let Some(start) = rest.len().checked_sub(length) else {
        return Footer::Longer(length.saturating_add(TAIL_BYTES));
    };
    match rest.get(start..).map(ParquetMetaDataReader::decode_metadata) {
        Some(Ok(metadata)) => Footer::Whole(Box::new(metadata)),
        _ => Footer::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_parquet_file_is_of_no_plan() {
        for foreign in
            [&b""[..], b"PAR1", b"hello, this is text", b"\x04\0\0\0\xff\xff\xff\xff\x04\0\0\0PAR1"]
        {
            assert_eq!(read(foreign), Footer::Foreign, "{foreign:?}");
        }
        assert_eq!(read(b"\x10\0\0\0PAR1"), Footer::Longer(24));
    }
}
