//! The rows of a table as text.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::DataType;
use spanledger_schema::{Role, Table};

use super::{Row, attributes_text, without_defaults};

/// Every column of every row but internal ones and those that say where a row stands.
pub fn rows<T: Table>(table: &T) -> Vec<Row> {
    (0..table.len()).map(|place| row(table, place)).collect()
}

fn row<T: Table>(table: &T, place: usize) -> Row {
    let mut row = Row::new();
    for (field, column) in T::FIELDS.iter().zip(table.batch().columns()) {
        let is_place = ["ingested_at", "log", "position"].contains(&field.name);
        if is_place || field.role == Role::Internal || column.is_null(place) {
            continue;
        }
        row.insert(field.name.to_owned(), text(field.name, column, place));
    }
    without_defaults::<T>(row)
}

fn text(name: &str, column: &ArrayRef, place: usize) -> String {
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(place).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(place).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(place).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(place).to_string(),
        DataType::Boolean => column.as_boolean().value(place).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(place).to_string(),
        DataType::Map(..) => attributes_text(&map(column, place)),
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(place);
            let element = if name == "events" { event } else { link };
            let texts: Vec<_> = (0..list.len()).map(|at| element(list.as_struct(), at)).collect();
            format!("{texts:?}")
        }
        other => panic!("column {name} of type {other}"),
    }
}

fn event(events: &StructArray, place: usize) -> String {
    let time = events.column(0).as_primitive::<Int64Type>().value(place);
    let name = events.column(1).as_string_view().value(place);
    format!("{time} {name} {}", attributes_text(&map(events.column(2), place)))
}

fn link(links: &StructArray, place: usize) -> String {
    let column = |at: usize| links.column(at).as_string_view();
    let state = if column(2).is_null(place) { "" } else { column(2).value(place) };
    let attributes = attributes_text(&map(links.column(3), place));
    format!("{} {} {state} {attributes}", column(0).value(place), column(1).value(place))
}

/// One row's map; its keys must be distinct.
pub fn map(column: &ArrayRef, place: usize) -> BTreeMap<String, String> {
    let entries = column.as_map().value(place);
    let (keys, values) = (entries.column(0).as_string_view(), entries.column(1).as_string_view());
    let pairs =
        keys.iter().zip(values).map(|(key, value)| (key.unwrap().to_owned(), value.unwrap().to_owned()));
    let map: BTreeMap<_, _> = pairs.collect();
    assert_eq!(map.len(), entries.len(), "a key repeats");
    map
}
