//! Messages in log records: the columns that the table `content` has of them.

use arrow_array::builder::{BooleanBuilder, StringViewBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array, StringViewArray};
use arrow_schema::ArrowError;
use spanledger_genai::messages::{Content, RecordView, Said, read_record};
use spanledger_schema::{Column, Logs, Table, Text, logs};

type Read = for<'c> fn(&'c Content<'_>) -> Option<&'c Said<'c>>;

/// Columns of what was said.
const SAID: [(Column<Text>, Read); 4] = [
    (logs::INPUT_MESSAGES, |content| content.input_messages.as_ref()),
    (logs::OUTPUT_MESSAGES, |content| content.output_messages.as_ref()),
    (logs::SYSTEM_INSTRUCTIONS, |content| content.system_instructions.as_ref()),
    (logs::TOOL_DEFINITIONS, |content| content.tool_definitions.as_ref()),
];

/// Fills the columns of messages; `None` when no record has any. The records stay as they are.
pub(crate) fn read_messages(records: &Logs) -> Result<Option<Logs>, ArrowError> {
    let map = records.get(logs::LOG_ATTRIBUTES);
    let texts = |array: &dyn Array| -> Result<StringViewArray, ArrowError> {
        let texts = array.as_string_view_opt().cloned();
        texts.ok_or_else(|| ArrowError::SchemaError("attributes are not text views".to_owned()))
    };
    let (names, values) = (texts(map.keys())?, texts(map.values())?);
    let mut columns = Columns::new(records.len());
    let mut attributes = Vec::new();
    for row in 0..records.len() {
        attributes.clear();
        let offset =
            |row: usize| map.value_offsets().get(row).and_then(|offset| usize::try_from(*offset).ok());
        let places = offset(row).unwrap_or_default()..offset(row + 1).unwrap_or_default();
        let value = |place| if values.is_valid(place) { values.value(place) } else { "" };
        attributes.extend(places.map(|place| (names.value(place), value(place))));
        let record = RecordView {
            event_name: text(records.get(logs::EVENT_NAME), row),
            body: text(records.get(logs::BODY), row),
            attributes: &attributes,
        };
        columns.put(read_record(&record), &attributes);
    }
    columns.finish(records)
}

fn text(texts: &StringViewArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// The columns under construction.
struct Columns {
    is_any: bool,
    said: [StringViewBuilder; SAID.len()],
    call_kind: StringViewBuilder,
    session_id: StringViewBuilder,
    truncated: BooleanBuilder,
}

impl Columns {
    fn new(rows: usize) -> Self {
        Self {
            is_any: false,
            said: Default::default(),
            call_kind: StringViewBuilder::new(),
            session_id: StringViewBuilder::new(),
            truncated: BooleanBuilder::with_capacity(rows),
        }
    }

    fn put(&mut self, content: Option<Content<'_>>, attributes: &[(&str, &str)]) {
        let content = content.as_ref();
        self.is_any |= content.is_some();
        for ((_, read), column) in SAID.iter().zip(&mut self.said) {
            column.append_option(content.and_then(*read).map(Said::as_str));
        }
        // Only inference is told so.
        self.call_kind.append_option(content.map(|_| "llm"));
        let session = || attributes.iter().find(|(name, _)| *name == "session.id").map(|(_, text)| *text);
        self.session_id.append_option(content.and_then(|_| session()));
        self.truncated.append_option(content.filter(|content| content.is_truncated).map(|_| true));
    }

    fn finish(mut self, records: &Logs) -> Result<Option<Logs>, ArrowError> {
        if !self.is_any {
            return Ok(None);
        }
        let said = SAID.iter().zip(&mut self.said).map(|((column, _), texts)| column.set(texts.finish()));
        let mut values: Vec<_> = said.collect();
        values.push(logs::CALL_KIND.set(self.call_kind.finish()));
        values.push(logs::SESSION_ID.set(self.session_id.finish()));
        values.push(logs::TRUNCATED.set(self.truncated.finish()));
        records.with(values).map(Some)
    }
}
