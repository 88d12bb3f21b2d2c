//! Definitions of tools: each provider's into `{type: function, name, description, parameters}`.

use super::json::{Json, Keys, parse};

/// The tools in a list, or in what stands for one.
pub(crate) fn read(json: Json<'_>) -> Vec<Json<'_>> {
    match json {
        Json::Array(elements) => elements.into_iter().flat_map(read).collect(),
        Json::Object(keys) => read_object(keys),
        // Vercel sends a list of texts, OpenInference a text for each tool.
        Json::Text(text) => match parse(&text) {
            Some(json @ (Json::Object(_) | Json::Array(_))) => {
                read(json).into_iter().map(Json::into_owned).collect()
            }
            _ => vec![Keys::of_type("function").with("name", Json::Text(text)).json()],
        },
        Json::Null => Vec::new(),
        other => vec![other],
    }
}

fn read_object(mut keys: Keys<'_>) -> Vec<Json<'_>> {
    // Gemini lists functions inside of a tool.
    for name in ["functionDeclarations", "function_declarations"] {
        if let Some(functions) = keys.take(name) {
            let mut tools = read(functions);
            if keys.0.iter().any(|(_, value)| !value.is_empty()) {
                tools.push(keys.json());
            }
            return tools;
        }
    }
    // OpenAI's chat has `function`, Bedrock's Converse `toolSpec`.
    if let Some(inner) = keys.take_object("function").or_else(|| keys.take_object("toolSpec")) {
        keys.take("type");
        keys = inner.and_rest(keys);
    }
    // LangChain's Anthropic tools and MCP have no type; types of their own are of tools that the provider runs.
    let kind = keys.take("type").unwrap_or(Json::text("function"));
    let (name, description) = (keys.take("name"), keys.take("description"));
    let parameters = keys
        .take_any(&[
            "parameters",
            "input_schema",
            "inputSchema",
            "parametersJsonSchema",
            "parameters_json_schema",
        ])
        .map(schema);
    vec![
        Keys::default()
            .with("type", kind)
            .with_some("name", name)
            .with_some("description", description)
            .with_some("parameters", parameters)
            .and_rest(keys)
            .json(),
    ]
}

/// A schema; Bedrock wraps it, and OpenLLMetry sends its text.
fn schema(schema: Json<'_>) -> Json<'_> {
    match schema {
        Json::Object(mut keys) if keys.0.len() == 1 && keys.has("json") => {
            keys.take("json").unwrap_or(Json::Null)
        }
        Json::Text(text) => match parse(&text) {
            Some(json @ Json::Object(_)) => json.into_owned(),
            _ => Json::Text(text),
        },
        other => other,
    }
}
