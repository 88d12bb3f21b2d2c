//! One span as the ledger sees it: what was called, what it used and what it cost.

use std::borrow::Cow;

use crate::conventions::{Origin, Unit};
use crate::dialect::Dialect;
use crate::fields::Fields;
use crate::messages::{self, Content, Said};
use crate::usage::{self, Counting, InputTokens, OutputTokens, UsageSemantics};
use crate::{
    CallKind, CallRef, Cost, CostStatus, Field, Prices, Pricing, Shape, Source, SpanView, Usage, json,
    provider, value,
};

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
    /// Counts that are no column, by their keys: of calls those that the price does not depend on, in the order of
    /// [`Field::DETAILS`]; of what nobody bills all parts of the sums.
    pub usage_details: Vec<(&'static str, i64)>,
    /// The sender's sum of all tokens.
    pub total_tokens: Option<i64>,
    /// How the input is to be understood; none without numbers.
    pub usage_semantics: Option<UsageSemantics>,
    /// Input on a span that nobody bills: a sum over other spans.
    pub aggregated_input_tokens: Option<i64>,
    /// Output on a span that nobody bills.
    pub aggregated_output_tokens: Option<i64>,
    /// What that usage would cost by the model that is named, in USD with twelve decimals.
    pub aggregated_cost: Option<i128>,
    /// What people call the run: texts to find it by.
    pub tags: Option<Vec<String>>,
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
    /// What was said.
    pub content: Content<'a>,
    fields: Fields<'a>,
}

impl<'a> Call<'a> {
    /// The text of a field as it was sent.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.fields.text(field)
    }

    /// The fields whose columns are texts as they were sent, and where those stand; in any order.
    pub fn texts(&self) -> impl Iterator<Item = (Field, Source<'_>)> {
        let texts = self.fields.sources().filter(|(field, _)| field.is_text());
        texts.map(|(field, source)| match field {
            Field::ServerAddress => (field, self.host_at(source)),
            _ => (field, source),
        })
    }

    /// The host of the server's address, which stands there.
    fn host_at<'s>(&'s self, source: Source<'s>) -> Source<'s> {
        let address = self.fields.text(Field::ServerAddress).unwrap_or_default();
        let host = host(address);
        if host.len() == address.len() { source } else { Source::Derived(host) }
    }

    pub(crate) fn fields(&self) -> &Fields<'a> {
        &self.fields
    }

    /// How many attributes do not hold what their names say, as a number of tokens that is no number.
    pub fn unreadable(&self) -> u64 {
        self.fields.unreadable
    }

    /// The places of the attributes that need not be kept beside the columns.
    pub fn moved(&self) -> impl Iterator<Item = usize> + '_ {
        self.fields.moved().chain(self.content.moved.iter().copied())
    }
}

/// The host of an address, which may be a URL.
fn host(address: &str) -> &str {
    if !value::has_byte(address, |byte| byte == b':') {
        return address;
    }
    let Some(rest) = address.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//")) else {
        return address;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Reads a span; `None` when it is not about GenAI.
pub fn normalise<'a>(span: &SpanView<'a>, prices: &Prices) -> Option<Call<'a>> {
    let names = span.attributes.iter().map(|(name, _)| *name);
    Some(read(span, &Shape::of(span.scope_name, names)?, &mut Pricing::of(prices)))
}

/// Reads a span of a shape: one with this scope and these names of attributes, in this order.
pub fn read<'a>(span: &SpanView<'a>, shape: &Shape, pricing: &mut Pricing<'_>) -> Call<'a> {
    let dialect = shape.dialect;
    let mut fields = Fields::read(span, shape);
    let kind = kind(span, dialect, &fields);
    fields.read_deferred(shape, kind);
    let mut call = Call {
        dialect: dialect.name(),
        kind,
        is_billable: kind.is_billable(),
        provider: fields.borrowed(Field::Provider).and_then(canonical),
        model: None,
        finish_reasons: fields.texts(Field::FinishReasons).map(plain_reasons),
        is_stream: fields.flag(Field::IsStream),
        temperature: fields.float(Field::Temperature),
        top_p: fields.float(Field::TopP),
        max_tokens: fields.max_tokens(),
        choice_count: fields.choice_count(),
        usage: Usage::default(),
        usage_details: fields.usage_details(),
        total_tokens: fields.tokens(Field::TotalTokens),
        usage_semantics: None,
        aggregated_input_tokens: None,
        aggregated_output_tokens: None,
        aggregated_cost: None,
        tags: fields.texts(Field::Tags),
        ttft_ns: None,
        is_ttft_outside: false,
        tpot_ns: None,
        cost: Cost::none(CostStatus::NotBillable, None),
        reported_cost: None,
        content: messages::read_from(&shape.content, span, kind),
        fields,
    };
    call.read_reasons_in_messages();
    call.read_usage(&shape.counting);
    call.read_latency(span);
    call.read_reported_cost();
    call.price(span, pricing);
    call
}

/// Spans that look like calls, and are none: LiteLLM repeats what it sent to the provider, and Envoy AI Gateway tells
/// what it was asked to count.
const NO_CALLS: [(Dialect, &str); 2] =
    [(Dialect::Litellm, "raw_gen_ai_request"), (Dialect::Openinference, "CountTokens")];

/// LiteLLM's words for requests that it passes on unread: those of which it knows the usage are calls.
const PASSED_THROUGH: [&str; 3] =
    ["pass_through_endpoint", "llm_passthrough_route", "allm_passthrough_route"];

/// What a span stands for: what its sender calls it. Spans that are called nothing are known by what they have.
fn kind(span: &SpanView<'_>, dialect: Dialect, fields: &Fields<'_>) -> CallKind {
    if NO_CALLS.contains(&(dialect, span.name)) {
        return CallKind::Other;
    }
    let has = |field| fields.text(field).is_some();
    let has_model = has(Field::RequestModel) || has(Field::ResponseModel);
    // It tells of each try of a call, and of the answer, in spans of their own that name no model.
    if dialect == Dialect::Openrouter && !has_model {
        return CallKind::Other;
    }
    match fields.text(Field::Kind) {
        Some(word) if PASSED_THROUGH.contains(&word) && !has(Field::InputTokens) => CallKind::Other,
        Some(word) => CallKind::of_word(word, dialect),
        None if has(Field::ToolName) => CallKind::Tool,
        None if dialect == Dialect::PydanticAi && has(Field::AgentName) => CallKind::Agent,
        // They name the model on what is around a call, and on what is none: speech, the request that brought a call.
        None if matches!(dialect, Dialect::Bifrost | Dialect::Livekit) => of_name(span.name, dialect),
        None if has_model => CallKind::Llm,
        None => of_name(span.name, dialect),
    }
}

/// Of a call that failed at once there may be nothing but its name: `{operation} {model}`.
fn of_name(name: &str, dialect: Dialect) -> CallKind {
    match name.split_once(' ') {
        Some((word, model)) if !model.contains(' ') => CallKind::of_word(word, dialect),
        _ => CallKind::Other,
    }
}

fn canonical(name: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match name {
        Cow::Borrowed(name) => provider::canonical(name),
        Cow::Owned(name) => provider::canonical(&name).map(|name| Cow::Owned(name.into_owned())),
    }
}

/// Python prints an enumeration as `FinishReason.STOP`; some join what is a list to the conventions.
fn plain_reasons(reasons: Vec<String>) -> Vec<String> {
    let plain = |reason: &str| match reason.strip_prefix("FinishReason.") {
        Some(word) => word.to_ascii_lowercase(),
        None => reason.to_owned(),
    };
    let is_plain = |reason: &String| !reason.contains(", ") && !reason.starts_with("FinishReason.");
    if reasons.iter().all(is_plain) {
        return reasons;
    }
    reasons.iter().flat_map(|reason| reason.split(", ")).map(plain).collect()
}

impl Call<'_> {
    /// Some say why a choice ended only with its message, in an event.
    fn read_reasons_in_messages(&mut self) {
        let Some(messages @ Said::Rebuilt(_)) = &self.content.output_messages else { return };
        if !self.is_billable || self.finish_reasons.is_some() {
            return;
        }
        let reasons = json::find(messages.as_str(), &["*.finish_reason"]).pop().flatten();
        let reasons = reasons.map(|reasons| plain_reasons(value::list(&reasons)));
        self.finish_reasons = reasons.filter(|reasons| !reasons.is_empty());
    }

    fn read_usage(&mut self, counting: &Counting) {
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
        let has_usage = sent.input_tokens.or(sent.output_tokens).is_some() && !fields.is_usage_negative();
        let usage = if has_usage { self.settle(counting, sent) } else { sent };
        if self.is_billable {
            self.usage = usage;
        } else {
            self.aggregate(usage);
        }
    }

    /// Makes the counts inclusive, and notes how that was found out.
    fn settle(&mut self, counting: &Counting, sent: Usage) -> Usage {
        let provider = self.provider.as_deref();
        let is_of_provider = |field| self.fields.row_of(field).is_some_and(|row| row.unit == Unit::Provider);
        let counts = match is_of_provider(Field::InputTokens) {
            true => usage::of_provider(provider.or_else(|| provider::of_model(self.model_text()?))),
            false if self.is_sum_of_parts() => (self.cache_beside_parts(), OutputTokens::IncludesReasoning),
            false => counting.counts(provider),
        };
        let (usage, semantics) = usage::settle(sent, self.total_tokens, counts);
        if usage.input_tokens != sent.input_tokens {
            self.fields.keep(Field::InputTokens);
        }
        if usage.output_tokens != sent.output_tokens {
            self.fields.keep(Field::OutputTokens);
        }
        let is_estimated = self.is_stream == Some(true) && counting.estimates.is_some();
        let semantics = if is_estimated { UsageSemantics::Estimated } else { semantics };
        self.usage_semantics = self.is_billable.then_some(semantics);
        usage
    }

    /// Whether the input is the sum of parts that do not overlap.
    fn is_sum_of_parts(&self) -> bool {
        self.json_path_of(Field::InputTokens).is_some_and(|path| path.ends_with('*'))
    }

    /// Where the input is a sum of parts: whether those from and to a cache are among them, by their names.
    fn cache_beside_parts(&self) -> InputTokens {
        let is_beside = |field| self.json_path_of(field).is_some_and(|path| !path.starts_with("input"));
        match is_beside(Field::CacheRead) || is_beside(Field::CacheWrite) {
            true => InputTokens::ExcludesCache,
            false => InputTokens::IncludesCache,
        }
    }

    fn json_path_of(&self, field: Field) -> Option<&'static str> {
        match self.fields.row_of(field)?.from {
            Origin::Json(path) => Some(path),
            _ => None,
        }
    }

    /// The model as answered, else as asked for.
    fn model_text(&self) -> Option<&str> {
        self.fields.text(Field::ResponseModel).or_else(|| self.fields.text(Field::RequestModel))
    }

    /// Usage of what nobody bills: sums over other spans.
    fn aggregate(&mut self, usage: Usage) {
        self.aggregated_input_tokens = usage.input_tokens;
        self.aggregated_output_tokens = usage.output_tokens;
        let parts = [
            ("cache_read.input_tokens", usage.cache_read_input_tokens, Field::CacheRead),
            ("cache_write.input_tokens", usage.cache_write_input_tokens, Field::CacheWrite),
            ("cache_write_1h.input_tokens", usage.cache_write_1h_input_tokens, Field::CacheWrite1h),
            ("reasoning.output_tokens", usage.reasoning_output_tokens, Field::Reasoning),
            ("audio.input_tokens", usage.audio_input_tokens, Field::AudioInput),
            ("audio.output_tokens", usage.audio_output_tokens, Field::AudioOutput),
        ];
        for (key, count, field) in parts {
            self.usage_details.extend(count.map(|count| (key, count)));
            self.fields.keep(field);
        }
    }

    fn read_latency(&mut self, span: &SpanView<'_>) {
        let sent = self.fields.time_to_first_token();
        if self.is_stream.is_none() && is_streaming(self.fields.text(Field::Kind)) {
            self.is_stream = Some(true);
        }
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

    fn price(&mut self, span: &SpanView<'_>, pricing: &mut Pricing<'_>) {
        let usage = if self.is_billable { self.usage } else { self.aggregated_usage() };
        if !self.is_billable && (usage.input_tokens.is_none() || self.model_text().is_none()) {
            return;
        }
        let of_model = |call: &Self| call.model_text().and_then(provider::of_model);
        // A framework's name is not that of a provider.
        let is_named = self.provider.is_some();
        let guessed = if is_named { None } else { of_model(self) };
        self.provider = self.provider.take().or(guessed.map(Cow::Borrowed));
        // As it was sent: the table tells names apart that are one provider's to the conventions.
        let named = self.fields.text(Field::Provider).filter(|_| is_named);
        let mut cost = self.cost_at(named.or(guessed), usage, span, pricing);
        // OpenAI's client calls every provider `openai`: who else has a model of this name is who was called.
        if cost.status == CostStatus::UnknownModel
            && self.provider.as_deref() == Some("openai")
            && let Some(of_model) = of_model(self)
        {
            let other = self.cost_at(Some(of_model), usage, span, pricing);
            if other.entry.is_some() {
                (self.provider, cost) = (Some(Cow::Borrowed(of_model)), other);
            }
        }
        if !self.is_billable {
            self.aggregated_cost = cost.total;
            return;
        }
        if self.fields.is_usage_negative() && matches!(cost.status, CostStatus::Priced | CostStatus::NoUsage)
        {
            cost = Cost::none(CostStatus::InvalidUsage, cost.entry.take());
        }
        self.name_model(&cost);
        self.cost = pricing.prices().preferred(cost, self.reported_cost);
    }

    fn cost_at(
        &self,
        provider: Option<&str>,
        usage: Usage,
        span: &SpanView<'_>,
        pricing: &mut Pricing<'_>,
    ) -> Cost {
        pricing.cost(&CallRef {
            provider,
            server_address: self.fields.text(Field::ServerAddress),
            model: self.fields.text(Field::ResponseModel),
            request_model: self.fields.text(Field::RequestModel),
            start_unix_nano: span.start_unix_nano,
            service_tier: self.fields.text(Field::ServiceTier),
            usage,
            details: if self.is_billable { &self.usage_details } else { &[] },
            ..CallRef::default()
        })
    }

    fn name_model(&mut self, cost: &Cost) {
        let entry = cost.entry.as_ref();
        if self.provider.is_none() {
            self.provider = entry
                .and_then(|entry| provider::canonical(&entry.provider))
                .map(|provider| Cow::Owned(provider.into_owned()));
        }
        let (answered, asked) =
            (self.fields.borrowed(Field::ResponseModel), self.fields.borrowed(Field::RequestModel));
        let is_asked_priced = entry.is_some_and(|entry| !entry.is_response_model);
        let model = if is_asked_priced { asked } else { answered.or(asked) };
        self.model = model.map(|model| match model {
            Cow::Borrowed(model) => crate::prices::lower_case(model),
            Cow::Owned(model) => Cow::Owned(model.to_lowercase()),
        });
        if let Some(alias) = entry.and_then(|entry| entry.alias.as_ref()) {
            self.model = Some(Cow::Owned(alias.model.to_string()));
            let provider = alias.provider.as_deref().map(|name| Cow::Owned(name.to_owned()));
            self.provider = provider.or(self.provider.take());
        }
    }

    fn aggregated_usage(&self) -> Usage {
        let part = |key| self.usage_details.iter().find(|(of, _)| *of == key).map(|(_, count)| *count);
        Usage {
            input_tokens: self.aggregated_input_tokens,
            output_tokens: self.aggregated_output_tokens,
            cache_read_input_tokens: part("cache_read.input_tokens"),
            cache_write_input_tokens: part("cache_write.input_tokens"),
            cache_write_1h_input_tokens: part("cache_write_1h.input_tokens"),
            reasoning_output_tokens: part("reasoning.output_tokens"),
            audio_input_tokens: part("audio.input_tokens"),
            audio_output_tokens: part("audio.output_tokens"),
        }
    }
}

/// Whether the word for a kind of span is one for streams: `ai.streamText.doStream`, `chat.streaming_completions`,
/// `chat_streaming`.
fn is_streaming(word: Option<&str>) -> bool {
    let is_vercel = |word: &str| word.starts_with("ai.") && word.ends_with(".doStream");
    let is_named = |word: &str| word.ends_with(".streaming_completions") || word == "chat_streaming";
    word.is_some_and(|word| is_vercel(word) || is_named(word))
}

#[cfg(test)]
mod tests;
