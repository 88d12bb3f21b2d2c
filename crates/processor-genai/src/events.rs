//! The events of a batch of spans, read row by row.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, ListArray, MapArray, StringViewArray};
use arrow_schema::ArrowError;

/// The events of a batch of spans.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    lists: &'a ListArray,
    times: &'a Int64Array,
    names: &'a StringViewArray,
    attributes: &'a MapArray,
    attribute_names: &'a StringViewArray,
    attribute_texts: &'a StringViewArray,
}

/// One event: its name, its time, and where its attributes begin and end among those that were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) time_unix_nano: i64,
    pub(crate) attributes: (usize, usize),
}

impl<'a> Events<'a> {
    pub(crate) fn new(lists: &'a ListArray) -> Result<Self, ArrowError> {
        let wrong = || ArrowError::SchemaError("events are not what the schema says".to_owned());
        let text = |array: &'a ArrayRef| array.as_string_view_opt().ok_or_else(wrong);
        let events = lists.values().as_struct_opt().ok_or_else(wrong)?;
        let column = |name| events.column_by_name(name).ok_or_else(wrong);
        let attributes = column("attributes")?.as_map_opt().ok_or_else(wrong)?;
        Ok(Self {
            lists,
            times: column("time_unix_nano")?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            names: text(column("name")?)?,
            attributes,
            attribute_names: text(attributes.keys())?,
            attribute_texts: text(attributes.values())?,
        })
    }

    /// Reads the events of a row and their attributes, in place of what was there.
    pub(crate) fn read(&self, row: usize, events: &mut Vec<Event<'a>>, pairs: &mut Vec<(&'a str, &'a str)>) {
        events.clear();
        pairs.clear();
        if self.lists.is_null(row) {
            return;
        }
        let text = |place: usize| match self.attribute_texts.is_valid(place) {
            true => self.attribute_texts.value(place),
            false => "",
        };
        for event in place(self.lists.value_offsets(), row)..place(self.lists.value_offsets(), row + 1) {
            let offsets = self.attributes.value_offsets();
            let begin = pairs.len();
            let attributes = place(offsets, event)..place(offsets, event + 1);
            pairs.extend(attributes.map(|place| (self.attribute_names.value(place), text(place))));
            let (name, time_unix_nano) = (self.names.value(event), self.times.value(event));
            events.push(Event { name, time_unix_nano, attributes: (begin, pairs.len()) });
        }
    }
}

fn place(offsets: &[i32], row: usize) -> usize {
    offsets.get(row).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0)
}
