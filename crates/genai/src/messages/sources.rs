//! The attributes that messages come in: what each fills, and how it is read.
//!
//! To support another encoding, add a row. Of the rows of a field, the first that a span has counts. What stands in an
//! attribute is told by its shape, not by who sent it, so a row says only which side of the conversation it is.

use std::sync::LazyLock;

use Fills::*;

use super::json::{Json, Keys};
use crate::names::Names;

/// A row: this attribute fills this.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) fills: Fills,
    /// The name, or the beginning of the names of an indexed one.
    pub(crate) attribute: &'static str,
    /// Of an indexed one, how names must end to be read.
    pub(crate) only: &'static str,
    /// The attribute that says whether this one is JSON.
    pub(crate) mime_type: Option<&'static str>,
    /// Who sends it.
    from: &'static str,
}

/// What an attribute is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fills {
    /// Messages to the model, or a text in their place.
    Input,
    /// A list of texts, each as JSON.
    InputTexts,
    /// Messages from the model.
    Output,
    /// Messages in attributes with numbers in their names.
    InputIndexed,
    OutputIndexed,
    ToolsIndexed,
    /// Both sides in one.
    Both,
    /// A piece of the answer: all of them are one message.
    Answer,
    System,
    Tools,
    Arguments,
    Result,
    /// Whatever went in: on a tool's span its arguments.
    InputValue,
    /// Whatever came out: on a tool's span its result.
    OutputValue,
}

impl Fills {
    /// Whether anything may stand here, so that all others go before.
    pub(crate) fn is_value(self) -> bool {
        matches!(self, InputValue | OutputValue)
    }
}

const fn row(fills: Fills, attribute: &'static str, from: &'static str) -> Row {
    Row { fills, attribute, only: "", mime_type: None, from }
}

const fn only(only: &'static str, row: Row) -> Row {
    Row { only, ..row }
}

const fn with_mime(mime_type: &'static str, row: Row) -> Row {
    Row { mime_type: Some(mime_type), ..row }
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row(Input,         "gen_ai.input.messages",             "conventions 1.37; flat in Semantic Kernel, Bifrost"),
    row(Output,        "gen_ai.output.messages",            "conventions 1.37"),
    row(System,        "gen_ai.system_instructions",        "conventions 1.37"),
    row(System,        "gen_ai.request.instructions",       "Bifrost"),
    row(Tools,         "gen_ai.tool.definitions",           "conventions 1.38"),
    row(Arguments,     "gen_ai.tool.call.arguments",        "conventions 1.38"),
    row(Result,        "gen_ai.tool.call.result",           "conventions 1.38"),

    row(InputIndexed,  "llm.input_messages.",               "OpenInference"),
    row(OutputIndexed, "llm.output_messages.",              "OpenInference"),
    row(ToolsIndexed,  "llm.tools.",                        "OpenInference"),
    row(InputIndexed,  "gen_ai.prompt.",                    "OpenLLMetry before 0.50"),
    row(OutputIndexed, "gen_ai.completion.",                "OpenLLMetry before 0.50"),
    row(ToolsIndexed,  "llm.request.functions.",            "OpenLLMetry"),
    row(InputIndexed,  "llm.prompts.",                      "OpenInference (text completion), OpenLLMetry before 0.20"),
    row(OutputIndexed, "llm.choices.",                      "OpenInference (text completion)"),
    row(OutputIndexed, "llm.completions.",                  "OpenLLMetry before 0.20"),
    row(InputIndexed,  "llm.prompt.",                       "Traceloop Hub, embeddings"),
    only(".embedding.text", row(InputIndexed, "embedding.embeddings.", "OpenInference")),

    row(Input,         "ai.prompt.messages",                "Vercel AI SDK, the call"),
    row(Input,         "ai.prompt",                         "Vercel AI SDK, what is around the call"),
    row(Input,         "ai.value",                          "Vercel AI SDK, one embedding"),
    row(InputTexts,    "ai.values",                         "Vercel AI SDK, several embeddings"),
    row(Tools,         "ai.prompt.tools",                   "Vercel AI SDK"),
    row(Answer,        "ai.response.reasoning",             "Vercel AI SDK"),
    row(Answer,        "ai.response.text",                  "Vercel AI SDK"),
    row(Answer,        "ai.response.toolCalls",             "Vercel AI SDK"),
    row(Answer,        "ai.response.files",                 "Vercel AI SDK 5"),
    row(Answer,        "ai.response.object",                "Vercel AI SDK"),
    row(Answer,        "ai.result.text",                    "Vercel AI SDK 3"),
    row(Answer,        "ai.result.toolCalls",               "Vercel AI SDK 3"),
    row(Answer,        "ai.result.object",                  "Vercel AI SDK 3"),
    row(Arguments,     "ai.toolCall.args",                  "Vercel AI SDK"),
    row(Result,        "ai.toolCall.result",                "Vercel AI SDK"),

    row(Both,          "events",                            "pydantic-ai 1"),
    row(Both,          "pydantic_ai.all_messages",          "pydantic-ai 1.0, agents"),
    row(Both,          "all_messages_json",                 "pydantic-ai before 1.0, agents"),
    row(Arguments,     "tool_arguments",                    "pydantic-ai before 2"),
    row(Result,        "tool_response",                     "pydantic-ai before 2"),
    row(Arguments,     "gcp.vertex.agent.tool_call_args",   "Google ADK"),
    row(Result,        "gcp.vertex.agent.tool_response",    "Google ADK"),
    row(Arguments,     "gen_ai.tool.args",                  "OpenLIT"),

    row(Input,         "gcp.vertex.agent.llm_request",      "Google ADK"),
    row(Output,        "gcp.vertex.agent.llm_response",     "Google ADK"),
    row(Input,         "request_data",                      "logfire"),
    row(Output,        "response_data",                     "logfire"),
    row(Output,        "final_result",                      "pydantic-ai, agents"),
    row(Input,         "gen_ai.prompt_json",                "Cloudflare AI Gateway"),
    row(Output,        "gen_ai.completion_json",            "Cloudflare AI Gateway"),
    row(Arguments,     "lk.function_tool.arguments",        "LiveKit Agents"),
    row(Result,        "lk.function_tool.output",           "LiveKit Agents"),
    row(Arguments,     "lk.pii.function_tool.arguments",    "LiveKit Agents 1.4"),
    row(Result,        "lk.pii.function_tool.output",       "LiveKit Agents 1.4"),
    row(Output,        "response.model_output",             "Claude Code"),

    row(InputValue,    "langfuse.observation.input",        "Langfuse 3 to 5, JS"),
    row(OutputValue,   "langfuse.observation.output",       "Langfuse 3 to 5, JS"),
    row(InputValue,    "gen_ai.prompt",                     "LangSmith; conventions before 1.28"),
    row(OutputValue,   "gen_ai.completion",                 "LangSmith; conventions before 1.28"),
    row(InputValue,    "mlflow.spanInputs",                 "MLflow"),
    row(OutputValue,   "mlflow.spanOutputs",                "MLflow"),
    row(InputValue,    "genkit:input",                      "Genkit"),
    row(OutputValue,   "genkit:output",                     "Genkit"),
    with_mime("input.mime_type",  row(InputValue,  "input.value",  "OpenInference")),
    with_mime("output.mime_type", row(OutputValue, "output.value", "OpenInference")),
    row(InputValue,    "traceloop.entity.input",            "OpenLLMetry"),
    row(OutputValue,   "traceloop.entity.output",           "OpenLLMetry"),
    row(InputValue,    "new_context",                       "Claude Code"),
    row(InputValue,    "user_prompt",                       "Claude Code"),
    row(InputValue,    "input",                             "Pipecat"),
    row(OutputValue,   "output",                            "Pipecat"),
];

/// The place of a row in [`ROWS`], and that of an attribute for it.
pub(crate) type Candidate = (usize, usize);

/// The attributes of a span that there are rows for, by their names, in the order of the table.
pub(crate) fn candidates<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Candidate> {
    let rows = names.enumerate().filter_map(|(attribute, name)| Some((row_of(name)?, attribute)));
    let mut candidates: Vec<_> = rows.collect();
    candidates.sort_unstable();
    candidates
}

/// The rows whose attributes say something, with the places of the attributes. Of an indexed one it is any place.
pub(crate) fn find(candidates: &[Candidate], attributes: &[(&str, &str)]) -> Vec<(&'static Row, usize)> {
    let says_something =
        |attribute: usize| attributes.get(attribute).is_some_and(|(_, text)| says_something(text));
    let of_rows = candidates.chunk_by(|(left, _), (right, _)| left == right);
    let first =
        |of_row: &[Candidate]| of_row.iter().find(|(_, attribute)| says_something(*attribute)).copied();
    of_rows.filter_map(first).filter_map(|(row, attribute)| Some((ROWS.get(row)?, attribute))).collect()
}

fn says_something(text: &str) -> bool {
    !matches!(text, "" | "null" | "{}" | "[]" | "\"\"" | "None" | "<REDACTED>")
        && !text.starts_with("[Scrubbed due to ")
}

fn rows() -> impl Iterator<Item = (&'static str, usize)> {
    ROWS.iter().map(|row| row.attribute).zip(0..)
}

/// The place in [`ROWS`] of the row for an attribute.
fn row_of(name: &str) -> Option<usize> {
    static EXACT: LazyLock<Names<usize>> =
        LazyLock::new(|| Names::of(rows().filter(|(name, _)| !name.ends_with('.'))));
    static INDEXED: LazyLock<Vec<(&'static str, usize)>> =
        LazyLock::new(|| rows().filter(|(name, _)| name.ends_with('.')).collect());
    if let Some(row) = EXACT.get(name) {
        return Some(*row);
    }
    // All of these begin so, and have a number.
    let begins_so = match name.as_bytes() {
        [b'g', b'e', b'n', b'_', b'a', b'i', b'.', letter, ..] => matches!(letter, b'p' | b'c'),
        [b'l', b'l', b'm', ..] | [b'e', b'm', ..] => true,
        _ => false,
    };
    let may_be_indexed = begins_so && name.bytes().any(|byte| byte.is_ascii_digit());
    let is_indexed = |head: &str| {
        name.strip_prefix(head).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    INDEXED.iter().filter(|_| may_be_indexed).find(|(head, _)| is_indexed(head)).map(|(_, row)| *row)
}

/// A text that was thought, or a list of such thoughts.
pub(crate) fn reasoning(text: &str) -> Json<'_> {
    Keys::of_type("reasoning").with("content", Json::text(text)).json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_stands_in_the_table_once() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.attribute).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn every_row_says_who_sends_it() {
        assert!(ROWS.iter().all(|row| !row.from.is_empty()));
    }

    #[test]
    fn what_may_be_anything_stands_last() {
        let first_value = ROWS.iter().position(|row| row.fills.is_value()).unwrap();
        assert!(ROWS[first_value..].iter().all(|row| row.fills.is_value()));
    }

    #[test]
    fn every_row_finds_its_attribute() {
        for (place, row) in ROWS.iter().enumerate() {
            let is_indexed = row.attribute.ends_with('.');
            let name =
                if is_indexed { format!("{}0.content", row.attribute) } else { row.attribute.to_owned() };
            assert_eq!(row_of(&name), Some(place), "{name}");
        }
        for name in ["gen_ai.prompt.name", "gen_ai.prompt.version", "llm.tools", "llm.model_name", ""] {
            assert_eq!(row_of(name), None, "{name}");
        }
    }

    #[test]
    fn what_says_nothing_is_not_found() {
        let attributes =
            [("input.value", "null"), ("gen_ai.prompt", "{}"), ("output.value", "[Scrubbed due to 'x']")];
        let candidates = candidates(attributes.iter().map(|(name, _)| *name));
        assert_eq!(candidates.len(), attributes.len());
        assert_eq!(find(&candidates, &attributes), []);
    }
}
