//! `explain`: why a span of a captured request, or of the lake, is read as it is.

mod stored;

use std::fmt::Write as _;
use std::path::Path;

use spanledger_component::Error;
use spanledger_processor_genai::{Explained, Explanation, Prices, explain_request, explain_stored};

use crate::show;

/// Prints why the spans of a file, or of a trace of the lake, are read as they are. An error when there are none.
pub(crate) fn explain(what: &str, lake: &Path, as_json: bool) -> Result<(), Error> {
    let prices = Prices::bundled();
    let explained = if is_trace_id(what) && !Path::new(what).exists() {
        let stored = stored::spans_of(lake, &what.to_ascii_lowercase())?;
        stored.iter().map(|span| explain_stored(span, &prices)).collect()
    } else {
        let request = std::fs::read(what).map_err(|error| Error::caused(format!("read {what}"), error))?;
        explain_request(&request, &prices).map_err(|error| Error::caused(what.to_owned(), error))?
    };
    if explained.is_empty() {
        return Err(Error::new(format!("{what}: there is no span in it")));
    }
    if as_json {
        let json = serde_json::to_string_pretty(&explained);
        show::text(&json.map_err(|error| Error::caused("write JSON", error))?);
        return Ok(());
    }
    let texts: Vec<_> = explained.iter().map(text).collect();
    show::text(&texts.join("\n"));
    Ok(())
}

fn is_trace_id(what: &str) -> bool {
    what.len() == 32 && what.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An explanation for people.
fn text(explained: &Explained) -> String {
    let Explained { trace_id, span_id, explanation } = explained;
    let mut out = String::new();
    line(&mut out, "span", &format!("{:?}, {span_id} of trace {trace_id}", explanation.name));
    let Some(dialect) = &explanation.dialect else {
        line(
            &mut out,
            "dialect",
            "none: neither its scope nor its attributes are about GenAI, so it is left alone",
        );
        return out;
    };
    line(&mut out, "dialect", &format!("{}: {}", dialect.is, dialect.because));
    if let Some(kind) = &explanation.kind {
        let billable = if explanation.billable { "billable" } else { "not billable" };
        line(&mut out, "kind", &format!("{}, {billable}: {}", kind.is, kind.because));
    }
    for value in &explanation.values {
        let value = format!("{} = {}  ({}; {})", value.field, value.value, value.from, value.rule);
        line(&mut out, "value", &value);
    }
    rest(&mut out, explanation);
    out
}

fn rest(out: &mut String, explanation: &Explanation) {
    if let Some(usage) = &explanation.usage {
        line(out, "usage", &format!("{}: {}", usage.is, usage.because));
    }
    if let Some(price) = &explanation.price {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let (provider, model) = (or_none(&price.provider), or_none(&price.model));
        line(
            out,
            "price",
            &format!(
                "{}: {}; provider {provider}, model {model}, {}",
                price.status, price.because, price.table
            ),
        );
        if let (Some(entry), Some([input, output, total])) = (&price.entry, &price.cost) {
            line(out, "cost", &format!("{total} USD by {entry}: input {input}, output {output}"));
        }
    }
    for ignored in &explanation.ignored {
        line(out, "ignored", &format!("{} for {}: {}", ignored.from, ignored.field, ignored.because));
    }
    if !explanation.unknown.is_empty() {
        line(out, "kept", &explanation.unknown.join(", "));
    }
}

fn line(out: &mut String, head: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{head:<8} {text}");
}
