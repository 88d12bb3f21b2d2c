//! `docs/dialects.md` says what the tables say, and which SDKs were tried with what result. It is made here:
//! `SPANLEDGER_WRITE_DOCS=1 cargo test -p spanledger-genai --test docs` writes it anew.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of a test may stop it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use spanledger_genai::catalogue;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The captures, by name.
fn captures() -> Vec<(String, Value)> {
    let folders =
        std::fs::read_dir(root().join("tests/captures")).unwrap().map(|entry| entry.unwrap().path());
    let mut captures: Vec<_> = folders
        .filter_map(|folder| {
            let meta = std::fs::read(folder.join("meta.json")).ok()?;
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            Some((name, serde_json::from_slice(&meta).unwrap()))
        })
        .collect();
    captures.sort_by(|left, right| left.0.cmp(&right.0));
    captures
}

/// What a sender was seen to send of a count: all that there was, some, or nothing.
fn share(calls: &[&Value], count: &str) -> String {
    let there: Vec<_> =
        calls.iter().filter(|call| call[count].as_i64().is_some_and(|count| count > 0)).collect();
    let is_lost = |call: &&&&Value| {
        call["usage_not_on_wire"].as_array().is_some_and(|lost| lost.iter().any(|lost| lost == count))
    };
    let sent = there.len() - there.iter().filter(is_lost).count();
    match (sent, there.len()) {
        (_, 0) => "not tried".to_owned(),
        (sent, all) if sent == all => "yes".to_owned(),
        (0, _) => "no".to_owned(),
        (sent, all) => format!("{sent} of {all}"),
    }
}

fn tried(out: &mut String) {
    let counts = [
        ("input", "input_tokens"),
        ("output", "output_tokens"),
        ("cache read", "cache_read_tokens"),
        ("cache write", "cache_write_tokens"),
        ("reasoning", "reasoning_tokens"),
    ];
    let heads: Vec<_> = counts.iter().map(|(head, _)| *head).collect();
    writeln!(out, "| SDK, versions | calls | with a span | {} | response id |", heads.join(" | ")).unwrap();
    writeln!(out, "|---|---|---|{}---|", "---|".repeat(counts.len())).unwrap();
    for (name, meta) in captures() {
        let packages: Vec<_> = match &meta["packages"] {
            Value::Object(packages) => packages
                .iter()
                .map(|(name, version)| format!("{name} {}", version.as_str().unwrap()))
                .collect(),
            _ => Vec::new(),
        };
        let calls: Vec<_> = meta["llm_calls"].as_array().unwrap().iter().collect();
        let spans: Vec<_> = calls.iter().copied().filter(|call| call["span"].is_object()).collect();
        let shares: Vec<_> = counts.iter().map(|(_, count)| share(&spans, count)).collect();
        let shares = shares.join(" | ");
        let (all, with_span) = (calls.len(), spans.len());
        let ids = ids(&name, &spans);
        writeln!(out, "| **{name}**: {} | {all} | {with_span} | {shares} | {ids} |", packages.join(", "))
            .unwrap();
    }
}

/// Whether the provider's id of the answer stands in the bodies at all.
fn ids(name: &str, spans: &[&Value]) -> String {
    let with_id: Vec<_> = spans.iter().filter_map(|call| call["response_id"].as_str()).collect();
    let folder = root().join("tests/captures").join(name);
    let bodies: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "meta.json"))
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let stands =
        |id: &&&str| bodies.iter().any(|body| body.windows(id.len()).any(|part| part == id.as_bytes()));
    match (with_id.iter().filter(stands).count(), with_id.len()) {
        (_, 0) => "not tried".to_owned(),
        (sent, all) if sent == all => "yes".to_owned(),
        (0, _) => "no".to_owned(),
        (sent, all) => format!("{sent} of {all}"),
    }
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn document() -> String {
    let mut out = String::from(INTRODUCTION);
    tried(&mut out);
    out.push_str(CONVENTIONS);
    for row in catalogue::dialects() {
        writeln!(out, "| `{}` | {} | {} | {} |", row.name, row.title, code(row.scopes), code(row.markers))
            .unwrap();
    }
    out.push_str(COUNTING);
    for row in catalogue::counting() {
        let provider = row.provider.map(|provider| format!("`{provider}`")).unwrap_or_default();
        writeln!(out, "| `{}` | {provider} | {} |", row.scope, row.what).unwrap();
    }
    out.push_str(SOURCES);
    for row in catalogue::sources() {
        writeln!(out, "| {} | `{}` | {} | {} |", row.column, row.from, row.remarks, row.since).unwrap();
    }
    out
}

const INTRODUCTION: &str = "# Which SDKs are understood, and what each of them sends

Made from the tables in `crates/genai` and from the captures in `tests/captures` by a test, which also checks that it is up to date
(`crates/genai/tests/docs.rs` says how to make it anew). A number that looks wrong: `spanledger explain FILE` says where it came from.

## What was tried

Real SDKs against a stand-in for the providers, so that the true counts are known. \"yes\": the SDK sent the number on the span whenever it
was above 0; \"no\": it never did, so it cannot be in the ledger (a cost is too high by what a cached token is cheaper, for one); \"not tried\": no call
had it.

";

const CONVENTIONS: &str = "
## How a convention is told

By the instrumentation scope; where that tells nothing, by attributes that only this convention has, the first row first.

| `dialect` | what it is | scopes | attributes |
|---|---|---|---|
";

const COUNTING: &str = "
## How tokens are counted

In the ledger input contains cached tokens and output contains reasoning. What was seen of instrumentations, the first that fits counts; all others are
taken to do as the conventions say, unless their own numbers contradict it.

| scope | provider | what it does |
|---|---|---|
";

const SOURCES: &str = "
## Where each value comes from

Of the sources of a column that a span has, the first counts. `a → b.c` is the value at `b.c` in the JSON that the attribute `a` holds; `*` stands for
every place of a list, and `input*` for the sum of all numbers whose keys begin so. Messages have a table of their own:
[`messages/sources.rs`](../crates/genai/src/messages/sources.rs).

| column | source | remarks | since |
|---|---|---|---|
";

#[test]
fn the_document_says_what_the_tables_say() {
    let path = root().join("docs/dialects.md");
    let document = document();
    if std::env::var_os("SPANLEDGER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(document.lines()).find(|(left, right)| left != right);
    assert!(written == document, "docs/dialects.md is not up to date, first at {differs:?}");
}
