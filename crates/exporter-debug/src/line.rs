//! One row as one line. What a sender wrote stands there as JSON, so that it cannot begin a line of its own.

use arrow_array::RecordBatch;
use serde_json::{Map, Value};
use spanledger_component::Rows;
use spanledger_schema::{Field, Logs, Metrics, Role, Spans, Table, logs, metrics, spans};

use crate::value::value;

/// What tells spans apart, without prompts and answers.
const SPAN_COLUMNS: [usize; 11] = [
    spans::TRACE_ID.index,
    spans::SPAN_ID.index,
    spans::SERVICE_NAME.index,
    spans::NAME.index,
    spans::KIND.index,
    spans::STATUS_CODE.index,
    spans::DURATION_NS.index,
    spans::MODEL.index,
    spans::INPUT_TOKENS.index,
    spans::OUTPUT_TOKENS.index,
    spans::COST_TOTAL.index,
];

/// What tells log records apart, without bodies.
const LOG_COLUMNS: [usize; 7] = [
    logs::TIME.index,
    logs::SERVICE_NAME.index,
    logs::SEVERITY_NUMBER.index,
    logs::SEVERITY_TEXT.index,
    logs::EVENT_NAME.index,
    logs::TRACE_ID.index,
    logs::SPAN_ID.index,
];

/// What tells points apart.
const METRIC_COLUMNS: [usize; 6] = [
    metrics::NAME.index,
    metrics::KIND.index,
    metrics::ATTRIBUTES.index,
    metrics::VALUE.index,
    metrics::COUNT.index,
    metrics::SUM.index,
];

/// The columns that tell what a row is, without prompts and answers.
pub(crate) fn normal(rows: &Rows, row: usize) -> String {
    let columns: &[usize] = match rows {
        Rows::Spans(_) => &SPAN_COLUMNS,
        Rows::Logs(_) => &LOG_COLUMNS,
        Rows::Metrics(_) => &METRIC_COLUMNS,
    };
    line(rows, row, columns.iter().copied())
}

/// Every column that is not null.
pub(crate) fn detailed(rows: &Rows, row: usize) -> String {
    let (fields, _) = table(rows);
    let shown = fields.iter().enumerate().filter(|(_, field)| field.role != Role::Internal);
    line(rows, row, shown.map(|(index, _)| index))
}

fn line(rows: &Rows, row: usize, columns: impl Iterator<Item = usize>) -> String {
    let (fields, batch) = table(rows);
    let known = columns.filter_map(|index| Some((fields.get(index)?.name, batch.columns().get(index)?)));
    let values = known.map(|(name, column)| (name.to_owned(), value(column, row)));
    let values: Map<String, Value> = values.filter(|(_, value)| !value.is_null()).collect();
    format!("{} {}", rows.signal(), Value::Object(values))
}

fn table(rows: &Rows) -> (&'static [Field], &RecordBatch) {
    match rows {
        Rows::Spans(spans) => (Spans::FIELDS, spans.batch()),
        Rows::Logs(logs) => (Logs::FIELDS, logs.batch()),
        Rows::Metrics(metrics) => (Metrics::FIELDS, metrics.batch()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Float64Builder, ListBuilder, MapBuilder, MapFieldNames, StringViewBuilder};
    use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray, new_null_array};
    use arrow_schema::DataType;
    use spanledger_schema::content;

    use super::*;

    fn attributes() -> ArrayRef {
        let DataType::Map(entries, _) =
            Metrics::schema().field(metrics::ATTRIBUTES.index).data_type().clone()
        else {
            panic!("attributes are a map");
        };
        let DataType::Struct(fields) = entries.data_type() else { panic!("a map has entries") };
        let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
        let mut builder = MapBuilder::new(Some(names), StringViewBuilder::new(), StringViewBuilder::new())
            .with_keys_field(fields[0].clone())
            .with_values_field(fields[1].clone());
        builder.keys().append_value("gen_ai.request.model");
        builder.values().append_value("gpt\n5");
        builder.append(true).unwrap();
        Arc::new(builder.finish())
    }

    fn bounds() -> ArrayRef {
        let DataType::List(element) =
            Metrics::schema().field(metrics::EXPLICIT_BOUNDS.index).data_type().clone()
        else {
            panic!("bounds are a list");
        };
        let mut builder = ListBuilder::new(Float64Builder::new()).with_field(element);
        builder.append_value([Some(0.5), Some(1.0)]);
        Arc::new(builder.finish())
    }

    fn one_point() -> Rows {
        let columns = Metrics::schema().fields().iter().enumerate().map(|(index, field)| -> ArrayRef {
            match index {
                index if index == metrics::NAME.index => Arc::new(StringViewArray::from(vec!["tokens"])),
                index if index == metrics::KIND.index => Arc::new(StringViewArray::from(vec!["counter"])),
                index if index == metrics::ATTRIBUTES.index => attributes(),
                index if index == metrics::EXPLICIT_BOUNDS.index => bounds(),
                index if index == metrics::VALUE.index => Arc::new(Float64Array::from(vec![1.5])),
                index if index == metrics::START_TIME_UNIX_NANO.index => Arc::new(Int64Array::from(vec![7])),
                _ => new_null_array(field.data_type(), 1),
            }
        });
        Rows::Metrics(Metrics::try_new(columns.collect()).unwrap())
    }

    #[test]
    fn a_line_has_the_values_and_stays_one_line() {
        let expected = r#"metrics {"attributes":{"gen_ai.request.model":"gpt\n5"},"kind":"counter","name":"tokens","value":1.5}"#;
        assert_eq!(normal(&one_point(), 0), expected);
    }

    #[test]
    fn detailed_shows_every_column_that_is_not_null() {
        let line = detailed(&one_point(), 0);
        let json: Value = serde_json::from_str(line.strip_prefix("metrics ").unwrap()).unwrap();
        assert_eq!(json["explicit_bounds"], serde_json::json!([0.5, 1.0]));
        assert_eq!(json["start_time_unix_nano"], 7);
        assert_eq!(json.as_object().unwrap().len(), 6);
    }

    #[test]
    fn prompts_and_answers_are_not_in_a_normal_line() {
        assert!(SPAN_COLUMNS.iter().all(|index| *index < content::SPANS_COLUMNS));
        assert!(!LOG_COLUMNS.contains(&logs::BODY.index));
        assert_eq!(
            normal(&Rows::Spans(Spans::empty()), 0),
            "traces {}",
            "a row that is not there shows nothing"
        );
    }
}
