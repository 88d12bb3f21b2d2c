//! Which rows a replay is about: those that have each of some attributes or columns at a value.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, BooleanArray, MapArray, RecordBatch};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use spanledger_component::{Error, Rows};
use spanledger_schema::{Logs, Spans, Table};

/// Attributes that are columns when a processor or the decoder has filled them: their name, and that of the column.
const COLUMNS: [(&str, &str); 18] = [
    ("service.name", "service_name"),
    ("service.namespace", "service_namespace"),
    ("service.version", "service_version"),
    ("service.instance.id", "service_instance_id"),
    ("deployment.environment.name", "deployment_environment"),
    ("error.type", "error_type"),
    ("gen_ai.operation.name", "operation"),
    ("gen_ai.provider.name", "provider"),
    ("gen_ai.request.model", "request_model"),
    ("gen_ai.response.model", "response_model"),
    ("gen_ai.response.id", "response_id"),
    ("gen_ai.conversation.id", "conversation_id"),
    ("gen_ai.agent.name", "agent_name"),
    ("gen_ai.agent.id", "agent_id"),
    ("gen_ai.tool.name", "tool_name"),
    ("server.address", "server_address"),
    ("session.id", "session_id"),
    ("user.id", "user_id"),
];

/// Every one of these has to be met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matching(Vec<(String, String)>);

impl Matching {
    pub(crate) fn new(wanted: Vec<(String, String)>) -> Self {
        Self(wanted)
    }

    /// The rows that meet all.
    pub(crate) fn of(&self, rows: Rows) -> Result<Rows, Error> {
        if self.0.is_empty() {
            return Ok(rows);
        }
        match &rows {
            Rows::Spans(spans) => self.filter::<Spans>(spans).map(Rows::Spans),
            Rows::Logs(logs) => self.filter::<Logs>(logs).map(Rows::Logs),
            Rows::Metrics(_) => Ok(rows),
        }
    }

    fn filter<T: Table>(&self, rows: &T) -> Result<T, Error> {
        let batch = rows.batch();
        let meets_all = |row| self.0.iter().all(|(key, value)| has::<T>(batch, row, key, value));
        let met: BooleanArray = (0..batch.num_rows()).map(|row| Some(meets_all(row))).collect();
        let kept = filter_record_batch(batch, &met).and_then(T::try_from_batch);
        kept.map_err(|error| Error::caused("pick the rows to be replayed", error))
    }
}

/// Whether a row has this value in the column of that name or for that attribute, or among the attributes that are no
/// columns.
fn has<T: Table>(batch: &RecordBatch, row: usize, key: &str, value: &str) -> bool {
    let column = COLUMNS.iter().find(|(attribute, _)| *attribute == key).map_or(key, |(_, column)| column);
    let place = T::FIELDS.iter().position(|field| field.name == column);
    let is_value = place.is_some_and(|place| is_at(batch.column(place), row, value));
    is_value || batch.columns().iter().any(|column| is_among(column, row, key, value))
}

fn is_at(column: &dyn Array, row: usize, value: &str) -> bool {
    if column.is_null(row) {
        return false;
    }
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(row) == value,
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string() == value,
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string() == value,
        DataType::Boolean => column.as_boolean().value(row).to_string() == value,
        _ => false,
    }
}

/// Whether a column of attributes has that one at that value.
fn is_among(column: &dyn Array, row: usize, key: &str, value: &str) -> bool {
    let Some(map) = column.as_any().downcast_ref::<MapArray>().filter(|map| map.is_valid(row)) else {
        return false;
    };
    let entries = map.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let (Some(keys), Some(values)) = (keys.as_string_view_opt(), values.as_string_view_opt()) else {
        return false;
    };
    (0..keys.len())
        .any(|entry| keys.value(entry) == key && values.is_valid(entry) && values.value(entry) == value)
}

#[cfg(test)]
mod tests {
    use spanledger_component::Signal;
    use spanledger_testkit::{rows, spans};

    use super::*;

    fn left(wanted: &[(&str, &str)]) -> usize {
        // Each request is of another service: chat-0, chat-1, chat-2.
        let bodies: Vec<_> = (0..3).map(|seed| spans::body(2, 20, seed)).collect();
        let wanted = wanted.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let rows = rows::decoded(Signal::Traces, 1, &bodies);
        Matching::new(wanted.collect()).of(rows).unwrap().len()
    }

    #[test]
    fn rows_are_picked_by_attributes_and_columns_and_all_have_to_be_met() {
        assert_eq!(left(&[]), 6);
        assert_eq!(left(&[("service.name", "chat-1")]), 2);
        assert_eq!(left(&[("service_name", "chat-1")]), 2);
        assert_eq!(left(&[("position", "3")]), 2);
        assert_eq!(left(&[("telemetry.sdk.language", "python")]), 6);
        assert_eq!(left(&[("telemetry.sdk.language", "python"), ("service.name", "chat-2")]), 2);
        assert_eq!(left(&[("service.name", "chat")]), 0);
        assert_eq!(left(&[("no.such.attribute", "python")]), 0);
    }
}
