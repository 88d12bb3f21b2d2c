//! One span as the ledger sees it: what was called, what it used and what it cost.

use std::borrow::Cow;

use crate::conventions::{self, Field, Unit};
use crate::dialect::{self, Recognised};
use crate::usage::{self, UsageSemantics};
use crate::{CallRef, Cost, CostStatus, Prices, SpanView, Usage, provider, value};

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A model that answers.
    Llm,
    /// A model that makes vectors.
    Embedding,
    /// An agent at work.
    Agent,
    /// A tool at work.
    Tool,
    /// A search in documents.
    Retriever,
    /// A workflow.
    Chain,
    /// Something else of GenAI.
    Other,
}

impl CallKind {
    /// The text in the column `call_kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Embedding => "embedding",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Retriever => "retriever",
            Self::Chain => "chain",
            Self::Other => "other",
        }
    }

    fn of_operation(operation: &str) -> Self {
        match operation {
            "chat" | "text_completion" | "generate_content" => Self::Llm,
            "embeddings" => Self::Embedding,
            "invoke_agent" | "create_agent" => Self::Agent,
            "execute_tool" => Self::Tool,
            "retrieval" => Self::Retriever,
            "invoke_workflow" => Self::Chain,
            _ => Self::Other,
        }
    }

    fn is_billable(self) -> bool {
        matches!(self, Self::Llm | Self::Embedding)
    }
}

/// Which attribute a field came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The place in [`SpanView::attributes`].
    pub attribute: usize,
    /// The field's column holds the attribute's exact text, so that the attribute need not be kept beside it.
    pub is_exact: bool,
}

/// A span in canonical terms. Fields that are texts are those of the attributes: see [`Call::text`].
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The convention that was recognised.
    pub dialect: &'static str,
    /// What the span stands for.
    pub kind: CallKind,
    /// The span stands for a call that somebody bills.
    pub is_billable: bool,
    /// The provider's canonical name.
    pub provider: Option<Cow<'a, str>>,
    /// The model in lower case: under the name that has a price, else as answered, else as asked for.
    pub model: Option<Cow<'a, str>>,
    /// Why each choice ended.
    pub finish_reasons: Option<Vec<String>>,
    /// Whether the answer was streamed.
    pub is_stream: Option<bool>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Limit on output tokens.
    pub max_tokens: Option<i64>,
    /// Choices asked for.
    pub choice_count: Option<i32>,
    /// What the call used; empty where nobody bills.
    pub usage: Usage,
    /// Counts that the price does not depend on, by their keys; names come in the order of [`Field::DETAILS`].
    pub usage_details: Vec<(&'static str, i64)>,
    /// The sender's sum of all tokens.
    pub total_tokens: Option<i64>,
    /// How the input is to be understood; none without numbers.
    pub usage_semantics: Option<UsageSemantics>,
    /// Input on a span that nobody bills: a sum over other spans.
    pub aggregated_input_tokens: Option<i64>,
    /// Output on a span that nobody bills.
    pub aggregated_output_tokens: Option<i64>,
    /// Time to the first token of a stream.
    pub ttft_ns: Option<i64>,
    /// The time that was sent is none within the span.
    pub is_ttft_outside: bool,
    /// Time for each token after it.
    pub tpot_ns: Option<i64>,
    /// What it cost.
    pub cost: Cost,
    /// What the sender says it cost, in USD with twelve decimals.
    pub reported_cost: Option<i128>,
    /// Size of what was said; none where nothing was recorded.
    pub content_bytes: Option<i64>,
    fields: Fields<'a>,
}

impl<'a> Call<'a> {
    /// The text of a field as it was sent.
    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.fields.text(field)
    }

    /// The attribute that a field came from.
    pub fn source(&self, field: Field) -> Option<Source> {
        self.fields.source(field)
    }

    /// How many attributes do not hold what their names say, as a number of tokens that is no number.
    pub fn unreadable(&self) -> u64 {
        self.fields.unreadable
    }

    /// The places of the attributes that need not be kept beside the columns.
    pub fn moved(&self) -> impl Iterator<Item = usize> + '_ {
        self.fields
            .found
            .iter()
            .flatten()
            .filter(|found| found.is_exact)
            .map(|found| found.attribute as usize)
    }
}

/// Reads a span; `None` when it is not about GenAI.
pub fn normalise<'a>(span: &SpanView<'a>, prices: &Prices) -> Option<Call<'a>> {
    let recognised = dialect::recognise(span.scope_name, span.attributes.iter().map(|(name, _)| *name))?;
    let mut fields = Fields::read(span.attributes);
    let kind = match fields.text(Field::Operation) {
        Some(operation) => CallKind::of_operation(operation),
        None if fields.text(Field::ToolName).is_some() => CallKind::Tool,
        None => CallKind::Other,
    };
    let mut call = Call {
        dialect: recognised.dialect,
        kind,
        is_billable: kind.is_billable(),
        provider: fields.text(Field::Provider).and_then(provider::canonical),
        model: None,
        finish_reasons: fields.finish_reasons(),
        is_stream: fields.flag(Field::IsStream),
        temperature: fields.float(Field::Temperature),
        top_p: fields.float(Field::TopP),
        max_tokens: fields.tokens(Field::MaxTokens),
        choice_count: fields.choice_count(),
        usage: Usage::default(),
        usage_details: fields.usage_details(),
        total_tokens: fields.tokens(Field::TotalTokens),
        usage_semantics: None,
        aggregated_input_tokens: None,
        aggregated_output_tokens: None,
        ttft_ns: None,
        is_ttft_outside: false,
        tpot_ns: None,
        cost: Cost::none(CostStatus::NotBillable, None),
        reported_cost: None,
        content_bytes: fields.content_bytes(),
        fields,
    };
    call.read_usage(recognised);
    call.read_latency(span);
    call.read_reported_cost();
    call.price(span, prices);
    Some(call)
}

impl Call<'_> {
    fn read_usage(&mut self, recognised: Recognised) {
        if !self.is_billable {
            self.aggregated_input_tokens = self.fields.tokens(Field::InputTokens);
            self.aggregated_output_tokens = self.fields.tokens(Field::OutputTokens);
            return;
        }
        let fields = &mut self.fields;
        let cache_write_1h = fields.tokens(Field::CacheWrite1h);
        let sent = Usage {
            input_tokens: fields.tokens(Field::InputTokens),
            output_tokens: fields.tokens(Field::OutputTokens),
            cache_read_input_tokens: fields.tokens(Field::CacheRead),
            cache_write_input_tokens: fields.cache_write(cache_write_1h),
            cache_write_1h_input_tokens: cache_write_1h,
            reasoning_output_tokens: fields.tokens(Field::Reasoning),
            audio_input_tokens: fields.tokens(Field::AudioInput),
            audio_output_tokens: fields.tokens(Field::AudioOutput),
        };
        if sent.input_tokens.or(sent.output_tokens).is_none() || fields.is_usage_negative() {
            self.usage = sent;
            return;
        }
        let (usage, semantics) = usage::settle(sent, self.total_tokens, recognised.input);
        if usage.input_tokens != sent.input_tokens {
            fields.keep(Field::InputTokens);
        }
        if usage.output_tokens != sent.output_tokens {
            fields.keep(Field::OutputTokens);
        }
        self.usage = usage;
        self.usage_semantics = Some(semantics);
    }

    fn read_latency(&mut self, span: &SpanView<'_>) {
        let sent = self.fields.nanoseconds(Field::TimeToFirstToken);
        let ttft = sent.filter(|ttft| (0..=span.duration_ns).contains(ttft));
        self.is_ttft_outside = sent != ttft;
        if self.is_stream.is_none() && ttft.is_some() {
            self.is_stream = Some(true);
        }
        if self.is_stream != Some(true) {
            return;
        }
        self.ttft_ns = ttft;
        let tokens_after_first =
            self.usage.output_tokens.filter(|tokens| *tokens >= 2).map(|tokens| tokens - 1);
        self.tpot_ns = ttft.zip(tokens_after_first).map(|(ttft, tokens)| (span.duration_ns - ttft) / tokens);
    }

    /// A cost of 0 for tokens that were used means that the sender did not know.
    fn read_reported_cost(&mut self) {
        let used = [self.usage.input_tokens, self.usage.output_tokens];
        let aggregated = [self.aggregated_input_tokens, self.aggregated_output_tokens];
        let is_used = used.into_iter().chain(aggregated).flatten().any(|tokens| tokens > 0);
        self.reported_cost = self.fields.usd(Field::ReportedCost).filter(|usd| *usd > 0 || !is_used);
    }

    fn price(&mut self, span: &SpanView<'_>, prices: &Prices) {
        if !self.is_billable {
            return;
        }
        let (answered, asked) =
            (self.fields.text(Field::ResponseModel), self.fields.text(Field::RequestModel));
        self.cost = prices.cost(&CallRef {
            provider: self.fields.text(Field::Provider),
            server_address: self.fields.text(Field::ServerAddress),
            model: answered,
            request_model: asked,
            start_unix_nano: span.start_unix_nano,
            service_tier: self.fields.text(Field::ServiceTier),
            usage: self.usage,
            details: &self.usage_details,
            ..CallRef::default()
        });
        if self.fields.is_usage_negative()
            && matches!(self.cost.status, CostStatus::Priced | CostStatus::NoUsage)
        {
            self.cost = Cost::none(CostStatus::InvalidUsage, self.cost.entry.take());
        }
        let is_asked_priced = self.cost.entry.as_ref().is_some_and(|entry| !entry.is_response_model);
        self.model = if is_asked_priced { asked } else { answered.or(asked) }.map(crate::prices::lower_case);
        if let Some(alias) = self.cost.entry.as_ref().and_then(|entry| entry.alias.as_ref()) {
            self.model = Some(Cow::Owned(alias.model.to_string()));
            self.provider =
                alias.provider.as_deref().map(|name| Cow::Owned(name.to_owned())).or(self.provider.take());
        }
        let derived = std::mem::replace(&mut self.cost, Cost::none(CostStatus::NotBillable, None));
        self.cost = prices.preferred(derived, self.reported_cost);
    }
}

/// The attributes that were found, by field.
#[derive(Debug, Clone)]
struct Fields<'a> {
    attributes: &'a [(&'a str, &'a str)],
    found: [Option<Found>; Field::COUNT],
    /// Attributes whose text is not what they are read as.
    unreadable: u64,
}

/// One of them. Small, since every span has room for all.
#[derive(Debug, Clone, Copy)]
struct Found {
    row: u16,
    attribute: u32,
    is_exact: bool,
}

impl<'a> Fields<'a> {
    fn read(attributes: &'a [(&'a str, &'a str)]) -> Self {
        let mut fields = Self { attributes, found: [None; Field::COUNT], unreadable: 0 };
        for (attribute, (name, text)) in (0_u32..).zip(attributes) {
            let Some((row, field)) = conventions::row_of(name) else { continue };
            let Some(slot) = fields.found.get_mut(field as usize) else { continue };
            if !is_blank(text) && slot.is_none_or(|earlier| row < earlier.row) {
                *slot = Some(Found { row, attribute, is_exact: field.is_text() });
            }
        }
        fields
    }

    fn get(&self, field: Field) -> Option<&Found> {
        self.found.get(field as usize).and_then(Option::as_ref)
    }

    fn unit(&self, field: Field) -> Option<Unit> {
        conventions::ROWS.get(usize::from(self.get(field)?.row)).map(|row| row.unit)
    }

    fn text(&self, field: Field) -> Option<&'a str> {
        let (_, text) = self.attributes.get(self.get(field)?.attribute as usize)?;
        Some(text)
    }

    fn source(&self, field: Field) -> Option<Source> {
        self.get(field).map(|found| Source { attribute: found.attribute as usize, is_exact: found.is_exact })
    }

    /// Says that the column of a field does not hold the attribute's text.
    fn keep(&mut self, field: Field) {
        self.set_exact(field, false);
    }

    fn set_exact(&mut self, field: Field, is_exact: bool) {
        if let Some(Some(found)) = self.found.get_mut(field as usize) {
            found.is_exact = is_exact;
        }
    }

    /// Reads a field, and notes whether the column `writes` the same text.
    fn read_as<T>(
        &mut self,
        field: Field,
        read: fn(&str) -> Option<T>,
        writes: fn(&T, &str) -> bool,
    ) -> Option<T> {
        let text = self.text(field)?;
        let Some(value) = read(text) else {
            self.unreadable += 1;
            self.keep(field);
            return None;
        };
        self.set_exact(field, writes(&value, text));
        Some(value)
    }

    fn tokens(&mut self, field: Field) -> Option<i64> {
        self.read_as(field, value::tokens, |_, text| value::is_plain_integer(text))
    }

    fn choice_count(&mut self) -> Option<i32> {
        let read = |text: &str| value::tokens(text).and_then(|count| i32::try_from(count).ok());
        self.read_as(Field::ChoiceCount, read, |_, text| value::is_plain_integer(text))
    }

    fn float(&mut self, field: Field) -> Option<f64> {
        self.read_as(field, value::float, |_, text| value::is_plain_decimal(text))
    }

    fn flag(&mut self, field: Field) -> Option<bool> {
        self.read_as(field, value::flag, |flag, text| flag.to_string() == text)
    }

    fn finish_reasons(&mut self) -> Option<Vec<String>> {
        self.read_as(
            Field::FinishReasons,
            |text| Some(value::list(text)),
            |_, text| value::plain_list(text).is_some(),
        )
    }

    /// What was written to a cache: the sum, or that of its two parts.
    fn cache_write(&mut self, one_hour: Option<i64>) -> Option<i64> {
        let five_minutes = self.tokens(Field::CacheWrite5m);
        self.keep(Field::CacheWrite5m);
        let parts = five_minutes.into_iter().chain(one_hour).reduce(|sum, part| sum + part);
        self.tokens(Field::CacheWrite).or(parts)
    }

    fn usage_details(&mut self) -> Vec<(&'static str, i64)> {
        let details = Field::DETAILS.into_iter();
        details.filter_map(|(field, key)| Some((key, self.tokens(field)?))).collect()
    }

    /// Whether one of the counts that the price depends on is below 0.
    fn is_usage_negative(&self) -> bool {
        let is_negative = |field| self.text(field).and_then(value::integer).is_some_and(|count| count < 0);
        self.unreadable > 0 && Field::PRICED.into_iter().any(is_negative)
    }

    fn nanoseconds(&mut self, field: Field) -> Option<i64> {
        let is_time = self.unit(field) == Some(Unit::Seconds);
        if is_time { self.read_as(field, value::nanoseconds, |_, _| false) } else { None }
    }

    fn usd(&mut self, field: Field) -> Option<i128> {
        let is_money = self.unit(field) == Some(Unit::Usd);
        if is_money { self.read_as(field, value::usd, |_, _| false) } else { None }
    }

    fn content_bytes(&self) -> Option<i64> {
        let sizes = Field::CONTENT.into_iter().filter_map(|field| self.text(field)).map(str::len);
        sizes.reduce(|sum, size| sum + size).and_then(|sum| i64::try_from(sum).ok())
    }
}

/// Nothing, or what a sender puts in the place of what it will not say.
fn is_blank(text: &str) -> bool {
    text.is_empty() || text.starts_with("[Scrubbed due to ")
}

#[cfg(test)]
mod tests;
