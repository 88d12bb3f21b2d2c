//! Why a span was read as it was: which convention was recognised, which rule gave each value, what was left aside, and
//! how the price was found. This is how people report a wrong number.

use serde::Serialize;

use crate::conventions::{self, Origin, ROWS, Row, When};
use crate::dialect::{self, Dialect};
use crate::fields::Fields;
use crate::usage::{Counting, InputTokens};
use crate::{Call, CostStatus, Field, Prices, Pricing, Shape, SpanView, UsageSemantics, read};

/// Why a span was read as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The span's name.
    pub name: String,
    /// Its instrumentation scope.
    pub scope: Option<String>,
    /// The convention, and what told it; none when the span is not about GenAI.
    pub dialect: Option<Told>,
    /// What the span stands for.
    pub kind: Option<Told>,
    /// It stands for a call that somebody bills.
    pub billable: bool,
    /// Every value, with the rule that gave it.
    pub values: Vec<Value>,
    /// Attributes that could have told something and did not count, and why.
    pub ignored: Vec<Ignored>,
    /// Attributes that no rule knows; they stay as they are.
    pub unknown: Vec<String>,
    /// What the numbers mean.
    pub usage: Option<Told>,
    /// How the price was found.
    pub price: Option<Price>,
}

/// A decision, and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What was decided.
    pub is: String,
    /// What told it.
    pub because: String,
}

/// A value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The field.
    pub field: String,
    /// The text that was read, cut when it is long.
    pub value: String,
    /// The attribute, its path in JSON, or the event.
    pub from: String,
    /// What brought the rule: a version of the conventions, or an instrumentation.
    pub rule: String,
}

/// What did not count, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// The attribute, or its path in JSON.
    pub from: String,
    /// The field it could have filled.
    pub field: String,
    /// Why it did not.
    pub because: String,
}

/// How a price was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    /// `priced`, or why there is no cost.
    pub status: String,
    /// What the status means here, and what to do about it.
    pub because: String,
    /// The provider, canonical.
    pub provider: Option<String>,
    /// The model that was looked for.
    pub model: Option<String>,
    /// The entry of the price table.
    pub entry: Option<String>,
    /// Which table.
    pub table: String,
    /// USD: of input, output and all, with twelve decimals.
    pub cost: Option<[String; 3]>,
}

const VALUE_CHARS_MAX: usize = 120;

/// Says why a span is read as it is.
pub fn explain(span: &SpanView<'_>, prices: &Prices) -> Explanation {
    let names = || span.attributes.iter().map(|(name, _)| *name);
    let shape = Shape::of(span.scope_name, names());
    let told = shape.as_ref().map(|Shape { dialect, .. }| Told {
        is: dialect.name().to_owned(),
        because: dialect::reason(*dialect, span.scope_name, names()),
    });
    let mut explanation = Explanation {
        name: span.name.to_owned(),
        scope: span.scope_name.map(str::to_owned),
        dialect: told,
        kind: None,
        billable: false,
        values: Vec::new(),
        ignored: Vec::new(),
        unknown: Vec::new(),
        usage: None,
        price: None,
    };
    if let Some(shape) = shape {
        explanation.fill(span, &shape, prices);
    }
    explanation
}

impl Explanation {
    fn fill(&mut self, span: &SpanView<'_>, shape: &Shape, prices: &Prices) {
        let call = &read(span, shape, &mut Pricing::of(prices));
        let fields = call.fields();
        self.billable = call.is_billable;
        self.kind = Some(Told { is: call.kind.as_str().to_owned(), because: why_kind(fields) });
        self.values = Field::all().filter_map(|field| value(field, fields)).collect();
        self.usage = call.usage_semantics.map(|semantics| Told {
            is: semantics.as_str().to_owned(),
            because: why_usage(&shape.counting, call, semantics),
        });
        let is_call = call.is_billable || call.aggregated_cost.is_some();
        self.price = is_call.then(|| price(call, prices));
        for (name, _) in span.attributes {
            let rows: Vec<_> =
                conventions::rows_of(name).iter().filter_map(|place| ROWS.get(usize::from(*place))).collect();
            if rows.is_empty() && !is_content(span, call, name) {
                self.unknown.push((*name).to_owned());
            }
            self.ignored.extend(rows.into_iter().filter_map(|row| ignored(row, shape.dialect, call)));
        }
    }
}

fn is_content(span: &SpanView<'_>, call: &Call<'_>, name: &str) -> bool {
    call.content
        .moved
        .iter()
        .any(|place| span.attributes.get(*place).is_some_and(|(moved, _)| *moved == name))
}

fn why_kind(fields: &Fields<'_>) -> String {
    match fields.row_of(Field::Kind) {
        Some(row) => format!("{} is {:?}", row.name, fields.text(Field::Kind).unwrap_or_default()),
        None => {
            "nothing says what kind of span it is; told by the attributes it has and by its name".to_owned()
        }
    }
}

fn value(field: Field, fields: &Fields<'_>) -> Option<Value> {
    let (row, text) = (fields.row_of(field)?, fields.text(field)?);
    let mut value: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if value.len() < text.len() {
        value.push('…');
    }
    Some(Value { field: field.column().to_owned(), value, from: from(row), rule: row.since.to_owned() })
}

fn from(row: &Row) -> String {
    match row.from {
        Origin::Attribute => row.name.to_owned(),
        Origin::Json(path) => format!("{} at {path}", row.name),
        Origin::Event => format!("time of the event {:?}", row.name),
        Origin::SpanName => "the name of the span".to_owned(),
    }
}

/// Why a row for an attribute that the span has did not count; `None` when it did, or when it had nothing to say.
fn ignored(row: &'static Row, dialect: Dialect, call: &Call<'_>) -> Option<Ignored> {
    let winner = call.fields().row_of(row.field);
    if winner.is_some_and(|winner| std::ptr::eq(winner, row)) {
        return None;
    }
    let is_meant = match row.when {
        When::Always => true,
        When::Calls => call.is_billable,
        When::Of(kind) => kind == call.kind,
    };
    let because = match winner {
        _ if !row.is_of(dialect) => {
            format!("means something else outside {}", row.only.map_or("", Dialect::name))
        }
        _ if !is_meant => format!("does not count on a span that is {}", call.kind.as_str()),
        Some(winner) => format!("{} counts before it", from(winner)),
        // A path that leads nowhere says nothing.
        None if row.from != Origin::Attribute => return None,
        None => "holds nothing that can be used".to_owned(),
    };
    Some(Ignored { from: from(row), field: row.field.column().to_owned(), because })
}

fn why_usage(counting: &Counting, call: &Call<'_>, semantics: UsageSemantics) -> String {
    let (measured, _) = counting.counts(call.provider.as_deref());
    match semantics {
        UsageSemantics::Estimated => {
            let why = counting.estimates.unwrap_or("counts the tokens of streams by itself");
            format!("this instrumentation {why}")
        }
        UsageSemantics::Repaired => {
            "the numbers contradicted each other: cached tokens or reasoning were counted apart, and were added".to_owned()
        }
        UsageSemantics::Table if measured == InputTokens::ExcludesCache => {
            "this instrumentation was measured: its input leaves cached tokens out, so they were added".to_owned()
        }
        UsageSemantics::Table => "this instrumentation was measured: its input contains cached tokens".to_owned(),
        UsageSemantics::Assumed => {
            "this instrumentation was not measured; the conventions say that input contains cached tokens".to_owned()
        }
    }
}

fn price(call: &Call<'_>, prices: &Prices) -> Price {
    let cost = &call.cost;
    let because = match cost.status {
        CostStatus::Priced => "the entry lists prices for what was used",
        CostStatus::UnknownModel => {
            "no entry of this provider has a model of this name; an alias or an override in `prices` gives it one"
        }
        CostStatus::UnknownProvider => {
            "the table has no provider of this name; an override in `prices` gives it prices"
        }
        CostStatus::NoUsage => "the span does not say how much was used",
        CostStatus::InvalidUsage => "a count is below 0, or counts contradict each other",
        _ => "nobody bills this span; what its usage would cost is never counted",
    };
    let usd = |cost: i128| {
        let (whole, rest) = (cost / 1_000_000_000_000, cost % 1_000_000_000_000);
        format!("{whole}.{rest:012}")
    };
    let amount = |amount: Option<i128>| amount.map_or_else(|| "-".to_owned(), usd);
    Price {
        status: cost.status.as_str().to_owned(),
        because: because.to_owned(),
        provider: call.provider.as_deref().map(str::to_owned),
        model: call.model.as_deref().map(str::to_owned),
        entry: cost.entry.as_ref().map(|entry| entry.model_id.to_string()),
        table: prices.version().to_owned(),
        cost: cost.total.is_some().then(|| [amount(cost.input), amount(cost.output), amount(cost.total)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scope: Option<&str>, attributes: &[(&str, &str)]) -> Explanation {
        explain(&SpanView { scope_name: scope, attributes, ..SpanView::default() }, &Prices::bundled())
    }

    #[test]
    fn every_value_names_the_attribute_it_came_from() {
        let told = told(
            Some("langfuse-sdk"),
            &[
                ("langfuse.observation.type", "generation"),
                ("langfuse.observation.model.name", "gpt-4o-mini-2024-07-18"),
                (
                    "langfuse.observation.usage_details",
                    r#"{"input": 39, "input_cached_tokens": 6, "output": 4}"#,
                ),
                ("gen_ai.usage.prompt_tokens", "many"),
                ("my.own", "x"),
            ],
        );
        let dialect = told.dialect.unwrap();
        assert_eq!(
            (dialect.is.as_str(), dialect.because.as_str()),
            ("langfuse", "the scope is \"langfuse-sdk\"")
        );
        assert_eq!(told.kind.unwrap().because, "langfuse.observation.type is \"generation\"");
        let from = |field: &str| {
            told.values.iter().find(|value| value.field == field).map(|value| value.from.as_str())
        };
        assert_eq!(from("input_tokens"), Some("gen_ai.usage.prompt_tokens"));
        assert_eq!(from("output_tokens"), Some("langfuse.observation.usage_details at output*"));
        assert_eq!(from("response_model"), Some("langfuse.observation.model.name"));
        assert_eq!(told.unknown, ["my.own"]);
        assert!(told.ignored.iter().any(|ignored| {
            ignored.from == "langfuse.observation.usage_details at input*"
                && ignored.because == "gen_ai.usage.prompt_tokens counts before it"
        }));
    }

    #[test]
    fn what_counts_is_not_said_to_be_ignored() {
        let told = told(
            Some("opentelemetry.instrumentation.openai_v2"),
            &[("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", "7")],
        );
        assert_eq!(told.values.len(), 3);
        assert_eq!(told.ignored, []);
    }

    #[test]
    fn a_missing_price_says_what_to_do() {
        let call = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "smart"),
        ];
        let price = told(None, &call).price.unwrap();
        assert_eq!(price.status, "unknown_model");
        assert!(price.because.contains("alias"), "{price:?}");
        assert_eq!((price.provider.as_deref(), price.model.as_deref()), (Some("openai"), Some("smart")));
    }

    #[test]
    fn a_span_that_is_not_about_genai_says_so() {
        let told = told(Some("http"), &[("http.route", "/")]);
        assert_eq!((told.dialect, told.billable, told.values.len()), (None, false, 0));
    }
}
