//! The tables: which columns each has, in the order of their ids.

use std::sync::{Arc, OnceLock};

use arrow_array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow_schema::{ArrowError, Schema, SchemaRef};

use crate::column::field_id;
use crate::{Column, Field, Kind, Role, Value};

/// A table: its columns in the order of their ids.
pub trait Table: Sized {
    /// Every column, internal ones last.
    const FIELDS: &'static [Field];

    /// The Arrow schema, with Parquet field ids: 1 to N at the top, nested ones from 200 on.
    fn schema() -> &'static SchemaRef;

    /// Wraps a batch; an error when its columns are not this table's.
    fn try_from_batch(batch: RecordBatch) -> Result<Self, ArrowError>;

    /// The columns as one Arrow batch.
    fn batch(&self) -> &RecordBatch;

    /// Builds the table from all its columns in order; an error when a type, a length or a null is wrong.
    fn try_new(columns: Vec<ArrayRef>) -> Result<Self, ArrowError> {
        Self::try_from_batch(RecordBatch::try_new(Self::schema().clone(), columns)?)
    }

    /// A table without rows.
    fn empty() -> Self {
        let columns =
            Self::schema().fields().iter().map(|field| new_empty_array(field.data_type())).collect();
        #[expect(clippy::expect_used, reason = "empty arrays of the schema's own types fit the schema")]
        Self::try_new(columns).expect("empty columns fit their own schema")
    }

    /// Number of rows.
    fn len(&self) -> usize {
        self.batch().num_rows()
    }

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of one column.
    fn get<K: Kind>(&self, column: Column<K>) -> &K::Array {
        #[expect(
            clippy::expect_used,
            reason = "try_new checked every column against the schema the constant is from"
        )]
        self.batch()
            .column(column.index)
            .as_any()
            .downcast_ref()
            .expect("a column has the type its constant says")
    }

    /// The table with some columns replaced; an error when a length or a null is wrong.
    fn with(&self, values: Vec<Value>) -> Result<Self, ArrowError> {
        let mut columns = self.batch().columns().to_vec();
        for Value { index, array } in values {
            if let Some(column) = columns.get_mut(index) {
                *column = array;
            }
        }
        Self::try_new(columns)
    }
}

fn build_schema(fields: &[Field], types: &[fn(&mut i32) -> arrow_schema::DataType]) -> SchemaRef {
    let mut nested_id = 200;
    let fields = fields.iter().zip(types).zip(1..).map(|((field, data_type), id)| {
        arrow_schema::Field::new(field.name, data_type(&mut nested_id), field.nullable)
            .with_metadata(field_id(id))
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

macro_rules! required {
    (required) => {
        false
    };
    (optional) => {
        true
    };
}

macro_rules! table {
    ($(#[$table_doc:meta])* $table:ident, $(#[$module_doc:meta])* $module:ident, {
        $($(#[$doc:meta])* $column:ident: $kind:ident = $name:literal, $need:ident, $role:ident;)*
    }) => {
        $(#[$table_doc])*
        #[derive(Debug, Clone)]
        pub struct $table(RecordBatch);

        impl Table for $table {
            const FIELDS: &'static [Field] =
                &[$(Field { name: $name, nullable: required!($need), role: Role::$role }),*];

            fn schema() -> &'static SchemaRef {
                static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
                SCHEMA.get_or_init(|| build_schema(Self::FIELDS, &[$(crate::$kind::data_type),*]))
            }

            fn try_from_batch(batch: RecordBatch) -> Result<Self, ArrowError> {
                if batch.schema_ref() != Self::schema() {
                    return Err(ArrowError::SchemaError(format!("not the columns of {}", stringify!($table))));
                }
                Ok(Self(batch))
            }

            fn batch(&self) -> &RecordBatch {
                &self.0
            }
        }

        $(#[$module_doc])*
        pub mod $module {
            use crate::Column;

            #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the columns below in their order")]
            enum Place { $($column),* }

            $($(#[$doc])* pub const $column: Column<crate::$kind> = Column::new(Place::$column as usize, $name);)*

        }
    };
}

table! {
    /// Spans: the columns of `spans` and of `content`, the wire bytes, and how they go out.
    Spans,
    /// Columns of [`Spans`].
    spans, {
        /// Start; what people filter and group by.
        TIME: Time = "time", required, Delta;
        /// Exact start, ns.
        START_TIME_UNIX_NANO: Int = "start_time_unix_nano", required, Delta;
        /// End minus start, ns.
        DURATION_NS: Int = "duration_ns", required, Delta;
        /// Lower-case hex, 32 digits.
        TRACE_ID: Text = "trace_id", required, Lookup;
        /// Lower-case hex, 16 digits.
        SPAN_ID: Text = "span_id", required, Id;
        /// Lower-case hex, 16 digits; null at a root.
        PARENT_SPAN_ID: Text = "parent_span_id", optional, Id;
        /// W3C trace state.
        TRACE_STATE: Text = "trace_state", optional, Dictionary;
        /// Span name.
        NAME: Text = "name", required, Dictionary;
        /// `CLIENT`, `INTERNAL`, …; unknown numbers as digits.
        KIND: Text = "kind", required, Dictionary;
        /// `UNSET`, `OK`, `ERROR`; unknown numbers as digits.
        STATUS_CODE: Text = "status_code", required, Dictionary;
        /// What the status says.
        STATUS_MESSAGE: Text = "status_message", optional, Plain;
        /// `error.type`.
        ERROR_TYPE: Text = "error_type", optional, Dictionary;
        /// `service.name` of the resource.
        SERVICE_NAME: Text = "service_name", required, Dictionary;
        /// `service.namespace` of the resource.
        SERVICE_NAMESPACE: Text = "service_namespace", optional, Dictionary;
        /// `service.version` of the resource.
        SERVICE_VERSION: Text = "service_version", optional, Dictionary;
        /// `service.instance.id` of the resource.
        SERVICE_INSTANCE_ID: Text = "service_instance_id", optional, Dictionary;
        /// `deployment.environment.name` of the resource, or its old name.
        DEPLOYMENT_ENVIRONMENT: Text = "deployment_environment", optional, Dictionary;
        /// Instrumentation scope.
        SCOPE_NAME: Text = "scope_name", optional, Dictionary;
        /// Its version.
        SCOPE_VERSION: Text = "scope_version", optional, Dictionary;
        /// Which convention was recognised; null is not GenAI.
        DIALECT: Text = "dialect", optional, Dictionary;
        /// llm, embedding, rerank, agent, tool, retriever, chain, guardrail, evaluator, other.
        CALL_KIND: Text = "call_kind", optional, Dictionary;
        /// `gen_ai.operation.name`.
        OPERATION: Text = "operation", optional, Dictionary;
        /// Canonical name of the provider.
        PROVIDER: Text = "provider", optional, Dictionary;
        /// The provider as sent.
        PROVIDER_RAW: Text = "provider_raw", optional, Dictionary;
        /// Host that was called.
        SERVER_ADDRESS: Text = "server_address", optional, Dictionary;
        /// Model asked for.
        REQUEST_MODEL: Text = "request_model", optional, Dictionary;
        /// Model that answered.
        RESPONSE_MODEL: Text = "response_model", optional, Dictionary;
        /// The key it was priced under.
        MODEL: Text = "model", optional, Dictionary;
        /// The provider's id of the answer.
        RESPONSE_ID: Text = "response_id", optional, Id;
        /// Why each choice ended.
        FINISH_REASONS: TextList = "finish_reasons", optional, Dictionary;
        /// Whether the answer was streamed.
        IS_STREAM: Flag = "is_stream", optional, Plain;
        /// The tier that served the call.
        SERVICE_TIER: Text = "service_tier", optional, Dictionary;
        /// Sampling temperature.
        TEMPERATURE: Float = "temperature", optional, Plain;
        /// Nucleus sampling.
        TOP_P: Float = "top_p", optional, Plain;
        /// Limit on output tokens.
        MAX_TOKENS: Int = "max_tokens", optional, Plain;
        /// Choices asked for.
        CHOICE_COUNT: SmallInt = "choice_count", optional, Plain;
        /// All input tokens, cache reads and writes included.
        INPUT_TOKENS: Int = "input_tokens", optional, Plain;
        /// All output tokens, reasoning included.
        OUTPUT_TOKENS: Int = "output_tokens", optional, Plain;
        /// Subset of the input.
        CACHE_READ_INPUT_TOKENS: Int = "cache_read_input_tokens", optional, Plain;
        /// Subset of the input.
        CACHE_WRITE_INPUT_TOKENS: Int = "cache_write_input_tokens", optional, Plain;
        /// Subset of the input.
        CACHE_WRITE_1H_INPUT_TOKENS: Int = "cache_write_1h_input_tokens", optional, Plain;
        /// Subset of the output.
        REASONING_OUTPUT_TOKENS: Int = "reasoning_output_tokens", optional, Plain;
        /// Subset of the input.
        AUDIO_INPUT_TOKENS: Int = "audio_input_tokens", optional, Plain;
        /// Subset of the output.
        AUDIO_OUTPUT_TOKENS: Int = "audio_output_tokens", optional, Plain;
        /// As reported.
        TOTAL_TOKENS: Int = "total_tokens", optional, Plain;
        /// As reported.
        USAGE_DETAILS: CountMap = "usage_details", optional, Dictionary;
        /// Usage on agents, chains and wrappers: sums over children, never counted.
        AGGREGATED_INPUT_TOKENS: Int = "aggregated_input_tokens", optional, Plain;
        /// Likewise.
        AGGREGATED_OUTPUT_TOKENS: Int = "aggregated_output_tokens", optional, Plain;
        /// table, repaired, assumed, estimated.
        USAGE_SEMANTICS: Text = "usage_semantics", optional, Dictionary;
        /// This span stands for a real model call.
        BILLABLE: Flag = "billable", required, Plain;
        /// Time to first token, streams only.
        TTFT_NS: Int = "ttft_ns", optional, Plain;
        /// Time per output token after it, streams only.
        TPOT_NS: Int = "tpot_ns", optional, Plain;
        /// USD, derived; null where the cost that counts is the reported one.
        COST_INPUT: Usd = "cost_input", optional, Plain;
        /// USD, derived; null where the cost that counts is the reported one.
        COST_OUTPUT: Usd = "cost_output", optional, Plain;
        /// USD, derived, rounded half-even once; the reported cost where the settings prefer it and `cost_status` is `reported`.
        COST_TOTAL: Usd = "cost_total", optional, Plain;
        /// priced, reported, unknown_model, unknown_provider, no_usage, invalid_usage, not_billable.
        COST_STATUS: Text = "cost_status", optional, Dictionary;
        /// USD, as the sender computed it, whichever counts.
        REPORTED_COST: Usd = "reported_cost", optional, Plain;
        /// Which price table was in force, also where it gave no price.
        PRICE_VERSION: Text = "price_version", optional, Dictionary;
        /// Which entry of it.
        PRICE_MODEL_ID: Text = "price_model_id", optional, Dictionary;
        /// `session.id`.
        SESSION_ID: Text = "session_id", optional, DictionaryLookup;
        /// `gen_ai.conversation.id`.
        CONVERSATION_ID: Text = "conversation_id", optional, Dictionary;
        /// `user.id`.
        USER_ID: Text = "user_id", optional, DictionaryLookup;
        /// `gen_ai.agent.name`.
        AGENT_NAME: Text = "agent_name", optional, Dictionary;
        /// `gen_ai.agent.id`.
        AGENT_ID: Text = "agent_id", optional, Dictionary;
        /// `gen_ai.workflow.name`.
        WORKFLOW_NAME: Text = "workflow_name", optional, Dictionary;
        /// `gen_ai.tool.name`.
        TOOL_NAME: Text = "tool_name", optional, Dictionary;
        /// `gen_ai.tool.call.id`.
        TOOL_CALL_ID: Text = "tool_call_id", optional, Dictionary;
        /// `gen_ai.prompt.name`.
        PROMPT_NAME: Text = "prompt_name", optional, Dictionary;
        /// Version of the prompt.
        PROMPT_VERSION: Text = "prompt_version", optional, Dictionary;
        /// Tags.
        TAGS: TextList = "tags", optional, Dictionary;
        /// Size of the messages.
        CONTENT_BYTES: Int = "content_bytes", optional, Plain;
        /// stored, dropped, redacted, truncated, external.
        CONTENT_STATE: Text = "content_state", optional, Dictionary;
        /// What is no column; other types as JSON text.
        RESOURCE_ATTRIBUTES: TextMap = "resource_attributes", required, Dictionary;
        /// What is no column; other types as JSON text.
        SPAN_ATTRIBUTES: TextMap = "span_attributes", required, Dictionary;
        /// Events of the span.
        EVENTS: Events = "events", optional, Dictionary;
        /// Links of the span.
        LINKS: Links = "links", optional, Dictionary;
        /// Dropped by the sender.
        DROPPED_ATTRIBUTES_COUNT: SmallInt = "dropped_attributes_count", optional, Plain;
        /// When it was received.
        INGESTED_AT: Time = "ingested_at", required, Delta;
        /// The log it stands in.
        LOG: Text = "log", required, Dictionary;
        /// Its record in that log.
        POSITION: Int = "position", required, Delta;
        /// Its ordinal on the wire, rejected ones included.
        INDEX: SmallInt = "index", required, Delta;
        /// W3C and OTLP flags.
        FLAGS: Int = "flags", optional, Plain;
        /// Schema URL of the scope, else of the resource.
        SPAN_SCHEMA_URL: Text = "span_schema_url", optional, Dictionary;
        /// Attributes of the scope.
        SCOPE_ATTRIBUTES: TextMap = "scope_attributes", optional, Dictionary;
        /// Dropped by the sender.
        DROPPED_EVENTS_COUNT: SmallInt = "dropped_events_count", optional, Plain;
        /// Dropped by the sender.
        DROPPED_LINKS_COUNT: SmallInt = "dropped_links_count", optional, Plain;
        /// USD, derived: what the usage on a wrapper would cost by its model; never counted by itself. Since 1.1.
        AGGREGATED_COST: Usd = "aggregated_cost", optional, Plain;
        /// JSON, `[{role, parts}]`; stands in `content`.
        INPUT_MESSAGES: Text = "input_messages", optional, Heavy;
        /// JSON, `[{role, parts}]`; stands in `content`.
        OUTPUT_MESSAGES: Text = "output_messages", optional, Heavy;
        /// JSON; stands in `content`.
        SYSTEM_INSTRUCTIONS: Text = "system_instructions", optional, HeavyDictionary;
        /// JSON; stands in `content`.
        TOOL_DEFINITIONS: Text = "tool_definitions", optional, HeavyDictionary;
        /// JSON; stands in `content`.
        TOOL_ARGUMENTS: Text = "tool_arguments", optional, Heavy;
        /// JSON; stands in `content`.
        TOOL_RESULT: Text = "tool_result", optional, Heavy;
        /// Messages were cut; stands in `content`.
        TRUNCATED: Flag = "truncated", optional, Plain;
        /// The span's bytes on the wire.
        WIRE_SPAN: Bytes = "wire_span", optional, Internal;
        /// The bytes of its scope's envelope without spans.
        WIRE_SCOPE: Bytes = "wire_scope", optional, Internal;
        /// The bytes of its resource's envelope without scopes.
        WIRE_RESOURCE: Bytes = "wire_resource", optional, Internal;
        /// How the span goes out by OTLP: `current`, `both`; null is as it came, as spans do that are not GenAI.
        EMIT: Text = "emit", optional, Internal;
    }
}

table! {
    /// Log records: the columns of `logs`, and those of `content` for the records that messages came in.
    Logs,
    /// Columns of [`Logs`].
    logs, {
        /// When it happened, else when it was observed.
        TIME: Time = "time", required, Delta;
        /// Exact time, ns.
        TIME_UNIX_NANO: Int = "time_unix_nano", optional, Delta;
        /// When it was observed, ns.
        OBSERVED_TIME_UNIX_NANO: Int = "observed_time_unix_nano", required, Delta;
        /// Lower-case hex, 32 digits.
        TRACE_ID: Text = "trace_id", optional, Lookup;
        /// Lower-case hex, 16 digits.
        SPAN_ID: Text = "span_id", optional, Id;
        /// 1 to 24.
        SEVERITY_NUMBER: SmallInt = "severity_number", optional, Plain;
        /// As sent.
        SEVERITY_TEXT: Text = "severity_text", optional, Dictionary;
        /// Name of the event.
        EVENT_NAME: Text = "event_name", optional, Dictionary;
        /// Text, or JSON when structured.
        BODY: Text = "body", optional, Heavy;
        /// `service.name` of the resource.
        SERVICE_NAME: Text = "service_name", required, Dictionary;
        /// `service.namespace` of the resource.
        SERVICE_NAMESPACE: Text = "service_namespace", optional, Dictionary;
        /// `service.version` of the resource.
        SERVICE_VERSION: Text = "service_version", optional, Dictionary;
        /// `service.instance.id` of the resource.
        SERVICE_INSTANCE_ID: Text = "service_instance_id", optional, Dictionary;
        /// `deployment.environment.name` of the resource, or its old name.
        DEPLOYMENT_ENVIRONMENT: Text = "deployment_environment", optional, Dictionary;
        /// Instrumentation scope.
        SCOPE_NAME: Text = "scope_name", optional, Dictionary;
        /// Its version.
        SCOPE_VERSION: Text = "scope_version", optional, Dictionary;
        /// What is no column; other types as JSON text.
        RESOURCE_ATTRIBUTES: TextMap = "resource_attributes", required, Dictionary;
        /// What is no column; other types as JSON text.
        LOG_ATTRIBUTES: TextMap = "log_attributes", required, Dictionary;
        /// W3C flags.
        FLAGS: Int = "flags", optional, Plain;
        /// Dropped by the sender.
        DROPPED_ATTRIBUTES_COUNT: SmallInt = "dropped_attributes_count", optional, Plain;
        /// When it was received.
        INGESTED_AT: Time = "ingested_at", required, Delta;
        /// The log it stands in.
        LOG: Text = "log", required, Dictionary;
        /// Its record in that log.
        POSITION: Int = "position", required, Delta;
        /// Its ordinal on the wire, rejected ones included.
        INDEX: SmallInt = "index", required, Delta;
        /// Of the call that the messages belong to; stands in `content`.
        CALL_KIND: Text = "call_kind", optional, Dictionary;
        /// Of the call that the messages belong to; stands in `content`.
        SESSION_ID: Text = "session_id", optional, DictionaryLookup;
        /// JSON, `[{role, parts}]`; stands in `content`.
        INPUT_MESSAGES: Text = "input_messages", optional, Heavy;
        /// JSON, `[{role, parts}]`; stands in `content`.
        OUTPUT_MESSAGES: Text = "output_messages", optional, Heavy;
        /// JSON; stands in `content`.
        SYSTEM_INSTRUCTIONS: Text = "system_instructions", optional, HeavyDictionary;
        /// JSON; stands in `content`.
        TOOL_DEFINITIONS: Text = "tool_definitions", optional, HeavyDictionary;
        /// JSON; stands in `content`.
        TOOL_ARGUMENTS: Text = "tool_arguments", optional, Heavy;
        /// JSON; stands in `content`.
        TOOL_RESULT: Text = "tool_result", optional, Heavy;
        /// Messages were cut; stands in `content`.
        TRUNCATED: Flag = "truncated", optional, Plain;
    }
}

table! {
    /// Metric points: a cumulative snapshot, one row a series.
    Metrics,
    /// Columns of [`Metrics`].
    metrics, {
        /// OpenTelemetry name, as `gen_ai.client.token.usage`.
        NAME: Text = "name", required, Dictionary;
        /// What it measures.
        DESCRIPTION: Text = "description", optional, Dictionary;
        /// UCUM unit, as `s` or `{token}`.
        UNIT: Text = "unit", optional, Dictionary;
        /// counter, gauge, histogram.
        KIND: Text = "kind", required, Dictionary;
        /// Labels of the series.
        ATTRIBUTES: TextMap = "attributes", required, Dictionary;
        /// Since when it has been counted, ns.
        START_TIME_UNIX_NANO: Int = "start_time_unix_nano", optional, Delta;
        /// When it was read, ns.
        TIME_UNIX_NANO: Int = "time_unix_nano", optional, Delta;
        /// Of counters and gauges.
        VALUE: Float = "value", optional, Plain;
        /// Observations of a histogram.
        COUNT: Int = "count", optional, Plain;
        /// Their sum.
        SUM: Float = "sum", optional, Plain;
        /// Observations a bucket, not cumulative; one more than bounds.
        BUCKET_COUNTS: CountList = "bucket_counts", optional, Plain;
        /// Upper bounds, rising.
        EXPLICIT_BOUNDS: FloatList = "explicit_bounds", optional, Plain;
    }
}

/// How [`crate::Spans`] and [`crate::Logs`] are split into the tables of the lake.
pub mod content {
    use super::{logs, spans};

    /// How many columns of [`crate::Spans`], from the first, stand in the table `spans`.
    pub const SPANS_COLUMNS: usize = spans::INPUT_MESSAGES.index;

    /// How many columns of [`crate::Logs`], from the first, stand in the table `logs`.
    pub const LOGS_COLUMNS: usize = logs::CALL_KIND.index;

    /// The columns of [`crate::Spans`] that stand in the table `content`, in the order of its ids.
    pub const COLUMNS: [usize; 16] = [
        spans::TIME.index,
        spans::TRACE_ID.index,
        spans::SPAN_ID.index,
        spans::SERVICE_NAME.index,
        spans::CALL_KIND.index,
        spans::SESSION_ID.index,
        spans::INPUT_MESSAGES.index,
        spans::OUTPUT_MESSAGES.index,
        spans::SYSTEM_INSTRUCTIONS.index,
        spans::TOOL_DEFINITIONS.index,
        spans::TOOL_ARGUMENTS.index,
        spans::TOOL_RESULT.index,
        spans::TRUNCATED.index,
        spans::LOG.index,
        spans::POSITION.index,
        spans::INDEX.index,
    ];

    /// The columns of [`crate::Logs`] that stand there, in the same order.
    pub const COLUMNS_OF_LOGS: [usize; COLUMNS.len()] = [
        logs::TIME.index,
        logs::TRACE_ID.index,
        logs::SPAN_ID.index,
        logs::SERVICE_NAME.index,
        logs::CALL_KIND.index,
        logs::SESSION_ID.index,
        logs::INPUT_MESSAGES.index,
        logs::OUTPUT_MESSAGES.index,
        logs::SYSTEM_INSTRUCTIONS.index,
        logs::TOOL_DEFINITIONS.index,
        logs::TOOL_ARGUMENTS.index,
        logs::TOOL_RESULT.index,
        logs::TRUNCATED.index,
        logs::LOG.index,
        logs::POSITION.index,
        logs::INDEX.index,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_87_columns_of_schema_v1_then_content_and_internal_ones() {
        assert_eq!(content::SPANS_COLUMNS, 87);
        assert_eq!(Spans::FIELDS.len(), 98);
        assert_eq!(spans::BILLABLE.index + 1, 50, "Parquet field id of billable in schema v1");
        assert_eq!(spans::LOG.index + 1, 79, "Parquet field id of log in schema v1");
        assert_eq!(spans::AGGREGATED_COST.index + 1, 87, "the first column of schema 1.1");
    }

    #[test]
    fn messages_of_log_records_have_the_columns_of_those_of_spans() {
        for (of_spans, of_logs) in content::COLUMNS.into_iter().zip(content::COLUMNS_OF_LOGS) {
            let (span, record) = (Spans::schema().field(of_spans), Logs::schema().field(of_logs));
            assert_eq!((span.name(), span.data_type()), (record.name(), record.data_type()));
        }
        assert_eq!(content::LOGS_COLUMNS, 24);
    }

    #[test]
    fn every_top_level_field_has_its_place_as_parquet_id() {
        for (place, field) in Spans::schema().fields().iter().enumerate() {
            assert_eq!(field.metadata()["PARQUET:field_id"], (place + 1).to_string());
        }
    }
}
