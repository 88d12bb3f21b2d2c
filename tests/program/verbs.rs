//! What the verbs print that only tell.

use serde_json::{Value, json};

use super::ended::{Ended, program};

fn printed(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path(), arguments);
    command.env("TMPDIR", folder.path());
    Ended::of(command).success()
}

#[test]
fn components_lists_every_word_of_the_yaml_under_its_section() {
    let listed = printed(&["components"]);
    for (section, words) in [
        ("receivers", &["nop", "otlp"][..]),
        ("processors", &["genai"]),
        ("exporters", &["debug", "nop", "otlp", "otlphttp", "parquet", "prometheus"]),
        ("connectors", &["genai_metrics"]),
        ("extensions", &["admin", "health_check", "wal"]),
    ] {
        let (_, after) = listed.split_once(&format!("\n{section}:\n")).unwrap();
        let of_section = after.lines().take_while(|line| line.starts_with(' '));
        let mut names: Vec<_> = of_section.filter_map(|line| line.strip_prefix("    - name: ")).collect();
        names.sort_unstable();
        assert_eq!(names, words, "{section}");
    }
    assert!(listed.contains(&format!("    version: {}\n", env!("CARGO_PKG_VERSION"))), "{listed}");
}

/// A part of JSON Schema, enough for the schema of the config: says where a value is not what the schema wants.
struct Schema(Value);

impl Schema {
    fn problems(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let Some(schema) = schema.as_object() else {
            return if schema == &json!(false) { vec![format!("{path}: not allowed")] } else { Vec::new() };
        };
        let mut problems = Vec::new();
        for (word, wanted) in schema {
            match word.as_str() {
                "$ref" => {
                    let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                    let target =
                        self.0.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not defined"));
                    problems.extend(self.problems(target, value, path));
                }
                "allOf" => {
                    let all = wanted.as_array().unwrap();
                    problems.extend(all.iter().flat_map(|schema| self.problems(schema, value, path)));
                }
                "anyOf" | "oneOf" => {
                    let choices = wanted.as_array().unwrap();
                    if !choices.iter().any(|schema| self.problems(schema, value, path).is_empty()) {
                        problems.push(format!("{path}: none of the choices"));
                    }
                }
                "type" if !is_of_type(wanted, value) => problems.push(format!("{path}: not {wanted}")),
                "const" if wanted != value => problems.push(format!("{path}: not {wanted}")),
                "enum" if !wanted.as_array().unwrap().contains(value) => {
                    problems.push(format!("{path}: not one of {wanted}"));
                }
                "pattern" => {
                    assert_eq!(wanted, "\\$\\{", "another pattern");
                    if value.as_str().is_some_and(|text| !text.contains("${")) {
                        problems.push(format!("{path}: no reference"));
                    }
                }
                "required" => {
                    let keys = wanted.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
                    let missing = keys.filter(|key| value.is_object() && value.get(key).is_none());
                    problems.extend(missing.map(|key| format!("{path}.{key}: missing")));
                }
                _ => {}
            }
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            let inner = self.of_property(schema, key);
            problems
                .extend(inner.iter().flat_map(|inner| self.problems(inner, value, &format!("{path}.{key}"))));
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            problems.extend(list.iter().flat_map(|value| self.problems(items, value, &format!("{path}[]"))));
        }
        problems
    }

    /// The schemas that hold for a key. Patterns are all of the form `^word(/.+)?$`.
    fn of_property<'a>(&self, schema: &'a serde_json::Map<String, Value>, key: &str) -> Vec<&'a Value> {
        let named = schema.get("properties").and_then(|properties| properties.get(key));
        let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let matching = patterns.filter(|(pattern, _)| {
            let word = pattern.strip_prefix('^').and_then(|pattern| pattern.strip_suffix("(/.+)?$"));
            let word = word.unwrap_or_else(|| panic!("another kind of pattern: {pattern}"));
            key == word || key.strip_prefix(word).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
        });
        let found: Vec<_> = named.into_iter().chain(matching.map(|(_, schema)| schema)).collect();
        if found.is_empty() { schema.get("additionalProperties").into_iter().collect() } else { found }
    }
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    match wanted.as_str() {
        None => wanted.as_array().unwrap().iter().any(|one| is_of_type(one, value)),
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => panic!("no such type: {other}"),
    }
}

#[test]
fn the_schema_accepts_the_default_and_refuses_what_is_misspelt() {
    let schema = Schema(serde_json::from_str(&printed(&["schema"])).unwrap());
    assert_eq!(schema.0["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let default: Value = serde_json::from_str(&printed(&["print-config", "--format", "json"])).unwrap();
    assert_eq!(schema.problems(&schema.0, &default, ""), Vec::<String>::new());

    let mut named = default.clone();
    named["exporters"]["parquet/cold"] = json!({"path": "./cold"});
    assert_eq!(schema.problems(&schema.0, &named, ""), Vec::<String>::new());
    for (pointer, key, value) in [
        ("", "exporters", json!("${file:exporters.yaml}")),
        ("/exporters", "parquet", json!("${file:parquet.yaml}")),
        ("/exporters/parquet", "path", json!(12)),
        ("/exporters/parquet/rotation", "max_rows", json!("${env:ROWS}")),
        ("/extensions/wal", "sync", json!("${env:SYNC:-always}")),
        ("/service/pipelines/traces", "exporters", json!(["${env:EXPORTER}"])),
        ("/service", "telemetry", json!({"logs": {"level": "INFO"}, "metrics": {"level": "Basic"}})),
    ] {
        let mut right = default.clone();
        right.pointer_mut(pointer).unwrap()[key] = value;
        assert_eq!(schema.problems(&schema.0, &right, ""), Vec::<String>::new(), "{pointer}/{key}");
    }
    for (pointer, key, value) in [
        ("", "sevice", json!({})),
        ("/exporters", "parket", json!({"path": "a"})),
        ("/exporters", "parquet", json!({})),
        ("/exporters/parquet", "pth", json!("a")),
        ("/exporters/parquet", "path", json!([7])),
        ("/exporters/parquet/rotation", "max_rows", json!("many")),
        ("/extensions/wal", "sync", json!("sometimes")),
        ("/service/pipelines/traces", "exporters", json!("parquet")),
    ] {
        let mut wrong = default.clone();
        wrong.pointer_mut(pointer).unwrap()[key] = value;
        assert!(!schema.problems(&schema.0, &wrong, "").is_empty(), "{pointer}/{key} is let through");
    }
}

#[test]
fn the_demo_shows_calls_cost_files_and_metrics_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path(), &["demo"]);
    command.env("TMPDIR", folder.path());
    let shown = Ended::of(command).success();
    // Summed by hand from the recorded calls, cost by the list prices of November 2026.
    for row in [
        "claude-sonnet-4-5 2 6410 1146 0.025361 4.47",
        "gpt-4o 1 2204 611 0.010340 3.87",
        "gpt-4o-mini 2 1189 201 0.000261 1.17",
        "house-model-7b 1 120 35 unknown 0.66",
        "text-embedding-3-small 1 9031 0 0.000181 0.18",
    ] {
        let is_row = |line: &str| line.split_whitespace().eq(row.split(' '));
        assert!(shown.lines().any(is_row), "{row} is not in\n{shown}");
    }
    let files: Vec<_> = shown.lines().filter(|line| line.ends_with(".parquet")).collect();
    assert!(files.iter().all(|file| std::path::Path::new(file).is_file()), "{files:?}");
    assert!(files.iter().any(|file| file.contains("/v1/spans/date=")), "{files:?}");
    assert!(files.iter().any(|file| file.contains("/v1/content/date=")), "{files:?}");
    let is_series = |line: &&str| line.starts_with("gen_ai_client_calls_total{");
    let calls = shown.lines().filter(is_series).map(|line| line.rsplit(' ').next().unwrap());
    assert_eq!(calls.map(|count| count.parse::<u32>().unwrap()).sum::<u32>(), 7);
    assert!(shown.contains("\ngen_ai_client_cost_usd_total{"), "{shown}");
}
