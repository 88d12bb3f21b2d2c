//! `explain`: why a span of a captured request, or of the lake, is read as it is.

mod prices;
mod stored;

use std::fmt::Write as _;
use std::path::Path;

use spanledger_component::{Error, Registry};
use spanledger_exporter_parquet::Lake;
use spanledger_processor_genai::{Explained, Explanation, StoredPrice, explain_request, explain_stored};

use crate::args::{ConfigArgs, ExplainArgs};
use crate::{load, show};

/// Where the lake is when neither a config nor an argument says.
const DEFAULT_LAKE: &str = "./data/lake";

/// Prints why the spans of a file, or of a trace of the lake, are read as they are. An error when there are none.
pub(crate) async fn explain(config: ConfigArgs, registry: &Registry, args: ExplainArgs) -> Result<(), Error> {
    let ExplainArgs { what, lake, exporter, processor, json } = args;
    let loaded = (!config.is_default()).then(|| load::load(&config, registry)).transpose()?;
    let mut heard = Heard::default();
    let prices = match &loaded {
        Some(loaded) => prices::of_config(loaded, processor.as_ref(), &mut heard).await?,
        None => prices::built_in(&mut heard),
    };
    let explained = if is_trace_id(&what) && !Path::new(&what).exists() {
        let lake = match (lake, &loaded) {
            (None, Some(loaded)) => stored::lake_of(loaded, exporter.as_ref())?,
            (lake, _) => Lake::at(lake.as_deref().unwrap_or(Path::new(DEFAULT_LAKE))),
        };
        let stored = stored::spans_of(&lake, &what.to_ascii_lowercase(), &mut heard).await?;
        stored.iter().map(|span| explain_stored(span, &prices)).collect()
    } else {
        let request = std::fs::read(&what).map_err(|error| Error::caused(format!("read {what}"), error))?;
        explain_request(&request, &prices).map_err(|error| Error::caused(what.clone(), error))?
    };
    if explained.is_empty() {
        return Err(Error::new(format!("{what}: there is no span in it")));
    }
    print(&heard, &explained, json)
}

fn print(heard: &Heard, explained: &[Explained], as_json: bool) -> Result<(), Error> {
    if as_json {
        let json = serde_json::to_string_pretty(explained);
        show::error(heard.lines.trim_end());
        show::text(&json.map_err(|error| Error::caused("write JSON", error))?);
        return Ok(());
    }
    let texts: Vec<_> = explained.iter().map(text).collect();
    show::text(&format!("{}\n{}", heard.lines, texts.join("\n")));
    Ok(())
}

/// What is to be known of all that is explained.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    lines: String,
}

impl Heard {
    /// For the lines before all spans; beside JSON they go to standard error.
    fn tell(&mut self, head: &str, text: &str) {
        line(&mut self.lines, head, text);
    }
}

fn is_trace_id(what: &str) -> bool {
    what.len() == 32 && what.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An explanation for people.
fn text(explained: &Explained) -> String {
    let Explained { trace_id, span_id, explanation, stored, difference } = explained;
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
    money(&mut out, explanation);
    if let Some(stored) = stored {
        line(&mut out, "stored", &of_row(stored));
    }
    if let Some(difference) = difference {
        line(&mut out, "differs", difference);
    }
    rest(&mut out, explanation);
    out
}

/// What the row of a span says of its price.
fn of_row(stored: &StoredPrice) -> String {
    let StoredPrice { cost_total, cost_status, price_version, price_model_id } = stored;
    let or_null = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
    format!(
        "cost_total {}, cost_status {}, price_version {}, price_model_id {}",
        or_null(cost_total),
        or_null(cost_status),
        or_null(price_version),
        or_null(price_model_id)
    )
}

fn money(out: &mut String, explanation: &Explanation) {
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
}

fn rest(out: &mut String, explanation: &Explanation) {
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
