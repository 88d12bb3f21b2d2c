//! What a column can hold: one marker type a kind, with its Arrow array and data type.

use std::sync::Arc;

use arrow_array::types::{Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BinaryViewArray, BooleanArray, ListArray, MapArray, PrimitiveArray, StringViewArray,
};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// A kind of column. Nested Parquet field ids start at `nested_id`; kinds without children ignore it.
pub trait Kind {
    /// The Arrow array that holds the values.
    type Array: Array + Clone + 'static;
    /// The Arrow type of the column.
    fn data_type(nested_id: &mut i32) -> DataType;
}

macro_rules! flat_kinds {
    ($($(#[$doc:meta])* $name:ident = $array:ty, $data_type:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Kind for $name {
            type Array = $array;
            fn data_type(_: &mut i32) -> DataType {
                $data_type
            }
        }
    )*};
}

flat_kinds! {
    /// UTF-8 text, as views.
    Text = StringViewArray, DataType::Utf8View;
    /// Raw bytes, as views.
    Bytes = BinaryViewArray, DataType::BinaryView;
    /// Microseconds since the epoch, UTC.
    Time = PrimitiveArray<TimestampMicrosecondType>, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    /// A 64-bit integer.
    Int = PrimitiveArray<Int64Type>, DataType::Int64;
    /// A 32-bit integer.
    SmallInt = PrimitiveArray<Int32Type>, DataType::Int32;
    /// A double.
    Float = PrimitiveArray<Float64Type>, DataType::Float64;
    /// A boolean.
    Flag = BooleanArray, DataType::Boolean;
    /// US dollars with twelve decimals.
    Usd = PrimitiveArray<Decimal128Type>, DataType::Decimal128(18, 12);
}

/// A list of texts.
#[derive(Debug, Clone, Copy)]
pub struct TextList;
impl Kind for TextList {
    type Array = ListArray;
    fn data_type(id: &mut i32) -> DataType {
        DataType::List(nested("element", DataType::Utf8View, true, id))
    }
}

/// A list of counts.
#[derive(Debug, Clone, Copy)]
pub struct CountList;
impl Kind for CountList {
    type Array = ListArray;
    fn data_type(id: &mut i32) -> DataType {
        DataType::List(nested("element", DataType::Int64, false, id))
    }
}

/// A list of doubles.
#[derive(Debug, Clone, Copy)]
pub struct FloatList;
impl Kind for FloatList {
    type Array = ListArray;
    fn data_type(id: &mut i32) -> DataType {
        DataType::List(nested("element", DataType::Float64, false, id))
    }
}

/// Texts by text; values that were not strings are JSON text.
#[derive(Debug, Clone, Copy)]
pub struct TextMap;
impl Kind for TextMap {
    type Array = MapArray;
    fn data_type(id: &mut i32) -> DataType {
        map(DataType::Utf8View, id)
    }
}

/// Counts by text.
#[derive(Debug, Clone, Copy)]
pub struct CountMap;
impl Kind for CountMap {
    type Array = MapArray;
    fn data_type(id: &mut i32) -> DataType {
        map(DataType::Int64, id)
    }
}

/// A span's events: `{time_unix_nano, name, attributes}`.
#[derive(Debug, Clone, Copy)]
pub struct Events;
impl Kind for Events {
    type Array = ListArray;
    fn data_type(id: &mut i32) -> DataType {
        let element = take(id);
        let fields = Fields::from(vec![
            nested("time_unix_nano", DataType::Int64, false, id),
            nested("name", DataType::Utf8View, false, id),
            map_field("attributes", id),
        ]);
        DataType::List(with_id("element", DataType::Struct(fields), false, element))
    }
}

/// A span's links: `{trace_id, span_id, trace_state, attributes}`.
#[derive(Debug, Clone, Copy)]
pub struct Links;
impl Kind for Links {
    type Array = ListArray;
    fn data_type(id: &mut i32) -> DataType {
        let element = take(id);
        let fields = Fields::from(vec![
            nested("trace_id", DataType::Utf8View, false, id),
            nested("span_id", DataType::Utf8View, false, id),
            nested("trace_state", DataType::Utf8View, true, id),
            map_field("attributes", id),
        ]);
        DataType::List(with_id("element", DataType::Struct(fields), false, element))
    }
}

fn map(value: DataType, id: &mut i32) -> DataType {
    let entries =
        Fields::from(vec![nested("key", DataType::Utf8View, false, id), nested("value", value, true, id)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
}

fn map_field(name: &str, id: &mut i32) -> Arc<Field> {
    let own = take(id);
    with_id(name, map(DataType::Utf8View, id), false, own)
}

fn nested(name: &str, data_type: DataType, nullable: bool, id: &mut i32) -> Arc<Field> {
    let own = take(id);
    with_id(name, data_type, nullable, own)
}

fn with_id(name: &str, data_type: DataType, nullable: bool, id: i32) -> Arc<Field> {
    Arc::new(Field::new(name, data_type, nullable).with_metadata(crate::column::field_id(id)))
}

fn take(id: &mut i32) -> i32 {
    let own = *id;
    *id += 1;
    own
}
