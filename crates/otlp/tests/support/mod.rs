//! What a request means, told by prost and by our columns, so that the two can be compared.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod arbitrary;
pub mod columns;
pub mod reference;
pub mod written;

use std::collections::BTreeMap;

use proptest::test_runner::Config as ProptestConfig;
use spanledger_schema::Table;

/// Enough cases to find what is wrong, in a few seconds; `PROPTEST_CASES` asks for more.
pub fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// A row as text by column; what is null is absent.
pub type Row = BTreeMap<String, String>;

/// Attributes in an order of their own.
pub fn attributes_text(attributes: &BTreeMap<String, String>) -> String {
    format!("{attributes:?}")
}

/// A row without empty text and zeros where a column may be null: prost does not tell them from what is absent.
pub fn without_defaults<T: Table>(mut row: Row) -> Row {
    let is_optional = |name: &str| T::FIELDS.iter().any(|field| field.name == name && field.nullable);
    row.retain(|name, text| !(is_optional(name) && (text.is_empty() || text == "0")));
    row
}
