//! One value of a column, as JSON.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde_json::{Map, Value};

/// The value in a row; null when there is none, or when the schema has no such type.
pub(crate) fn value(column: &ArrayRef, row: usize) -> Value {
    if row >= column.len() || column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Timestamp(..) => {
            let time = column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
            time.map_or(Value::Null, |time| format!("{}Z", time.format("%FT%T%.6f")).into())
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Map(..) => {
            let entries: ArrayRef = std::sync::Arc::new(column.as_map().value(row));
            let entries = (0..entries.len()).map(|entry| pair(&entries, entry));
            Value::Object(entries.collect())
        }
        DataType::Struct(_) => {
            let fields = column.as_struct();
            let values = fields.column_names().into_iter().zip(fields.columns());
            let values: Map<_, _> =
                values.map(|(name, field)| (name.to_owned(), value(field, row))).collect();
            Value::Object(values)
        }
        _ => Value::Null,
    }
}

fn pair(entries: &ArrayRef, entry: usize) -> (String, Value) {
    let mut columns = entries.as_struct().columns().iter().map(|column| value(column, entry));
    let key = columns.next().unwrap_or_default();
    (key.as_str().unwrap_or_default().to_owned(), columns.next().unwrap_or_default())
}
