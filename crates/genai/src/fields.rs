//! What of a span fills which field, by the table of conventions.

use std::borrow::Cow;

use crate::conventions::{self, Origin, Place, ROWS, Row, Unit, When};
use crate::dialect::Dialect;
use crate::{CallKind, Field, Shape, SpanView, json, provider, value};

/// A source that only counts when there is no other: the name of a framework where the provider's belongs.
const WEAK: Place = 1 << 15;

/// The fields of a span that were found.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    span: SpanView<'a>,
    dialect: Dialect,
    /// In any order; each field once.
    found: Vec<Found>,
    /// By field, its place among those that were found, or [`NOWHERE`].
    places: [u8; Field::COUNT],
    /// Texts that are no attribute's as a whole.
    derived: Vec<Cow<'a, str>>,
    /// Attributes whose text is not what they are read as.
    pub(crate) unreadable: u64,
    /// There is no other source for the provider's name, so that it does not matter whether one is [`WEAK`].
    has_one_provider: bool,
}

/// No place: there are fewer fields.
const NOWHERE: u8 = u8::MAX;

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Found {
    field: Field,
    /// The place of its row, with [`WEAK`] where another source is better.
    rank: Place,
    text: Text,
    /// The field's column holds the attribute's exact text, so that the attribute need not be kept beside it.
    is_exact: bool,
}

#[derive(Debug, Clone, Copy)]
enum Text {
    Attribute(u32),
    Derived(u32),
}

/// Where the text of a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// It is that of an attribute: its place in [`SpanView::attributes`].
    Attribute(usize),
    /// It was taken out of something larger.
    Derived(&'a str),
}

impl<'a> Fields<'a> {
    /// Finds what does not depend on the kind of the span.
    pub(crate) fn read(span: &SpanView<'a>, shape: &Shape) -> Self {
        let mut fields = Self {
            span: *span,
            dialect: shape.dialect,
            found: Vec::with_capacity(shape.always.len()),
            places: [NOWHERE; Field::COUNT],
            derived: Vec::new(),
            unreadable: 0,
            has_one_provider: shape.has_one_provider,
        };
        for (attribute, place) in &shape.always {
            let text = span.attributes.get(*attribute as usize);
            if let (Some(row), Some((_, text))) = (ROWS.get(usize::from(*place)), text) {
                fields.consider(row, *place, Text::Attribute(*attribute), text);
            }
        }
        fields
    }

    /// Finds the rest, for a span of this kind.
    pub(crate) fn read_deferred(&mut self, shape: &Shape, kind: CallKind) {
        for of_attribute in shape.deferred.chunk_by(|(left, _), (right, _)| left == right) {
            self.read_attribute(of_attribute, kind);
        }
        if kind.is_billable() {
            self.read_events();
        }
        for place in conventions::rows_of_span_name() {
            let row = self.row(*place).filter(|row| is_for(row.when, kind) && self.is_better(row, *place));
            if let Some(row) = row {
                let text = self.derive(Cow::Borrowed(self.span.name));
                self.consider(row, *place, text, self.span.name);
            }
        }
        self.ask_where_nobody_answered();
    }

    fn read_attribute(&mut self, deferred: &[(u32, Place)], kind: CallKind) {
        let mut places = Vec::new();
        let mut paths = Vec::new();
        let Some((attribute, _)) = deferred.first() else { return };
        let Some((_, text)) = self.span.attributes.get(*attribute as usize) else { return };
        for (_, place) in deferred {
            let Some(row) =
                self.row(*place).filter(|row| is_for(row.when, kind) && self.is_better(row, *place))
            else {
                continue;
            };
            match row.from {
                Origin::Json(path) => {
                    places.push(*place);
                    paths.push(path);
                }
                _ => self.consider(row, *place, Text::Attribute(*attribute), text),
            }
        }
        if paths.is_empty() {
            return;
        }
        for (place, found) in places.into_iter().zip(json::find(text, &paths)) {
            if let (Some(row), Some(found)) = (self.row(place), found) {
                self.consider_derived(row, place, found);
            }
        }
    }

    fn read_events(&mut self) {
        for event in self.span.events {
            for place in conventions::rows_of_event(event.name) {
                let Some(row) = self.row(*place) else { continue };
                // The first event of a name comes first.
                if self.is_better(row, *place) {
                    self.consider_derived(row, *place, Cow::Owned(event.time_unix_nano.to_string()));
                }
            }
        }
    }

    fn row(&self, place: Place) -> Option<&'static Row> {
        ROWS.get(usize::from(place)).filter(|row| row.is_of(self.dialect))
    }

    /// Whether a row comes before what was found for its field.
    fn is_better(&self, row: &Row, place: Place) -> bool {
        self.get(row.field).is_none_or(|found| place < found.rank)
    }

    fn consider_derived(&mut self, row: &Row, place: Place, text: Cow<'a, str>) {
        if self.is_better(row, place) && !is_blank(&text) {
            let copy = text.clone();
            let text = self.derive(text);
            self.consider(row, place, text, &copy);
        }
    }

    /// Takes a text for a row's field if it is no worse than what was found.
    fn consider(&mut self, row: &Row, place: Place, source: Text, text: &str) {
        if is_blank(text) || !self.is_better(row, place) {
            return;
        }
        let field = row.field;
        let is_weak = field == Field::Provider && !self.has_one_provider && provider::is_framework(text);
        let rank = if is_weak { place | WEAK } else { place };
        if self.get(field).is_some_and(|found| found.rank <= rank) {
            return;
        }
        let Some(text) = self.cut(row, source, text) else { return };
        let is_exact = field.is_text() && matches!(text, Text::Attribute(_));
        self.put(Found { field, rank, text, is_exact });
    }

    fn put(&mut self, new: Found) {
        match self.get_mut(new.field) {
            Some(found) => *found = new,
            None => {
                self.set_place(new.field, self.found.len());
                self.found.push(new);
            }
        }
    }

    fn take(&mut self, field: Field) -> Option<Found> {
        let place = self.place(field);
        let taken = self.found.get(place).copied()?;
        self.found.swap_remove(place);
        self.set_place(field, usize::from(NOWHERE));
        if let Some(moved) = self.found.get(place).map(|moved| moved.field) {
            self.set_place(moved, place);
        }
        Some(taken)
    }

    fn set_place(&mut self, field: Field, place: usize) {
        if let Some(slot) = self.places.get_mut(field as usize) {
            *slot = u8::try_from(place).unwrap_or(NOWHERE);
        }
    }

    /// What of a text, which stands there, a row means; `None` when it does not have it.
    fn cut(&mut self, row: &Row, source: Text, whole: &str) -> Option<Text> {
        let cut: Cow<'a, str> = match row.unit {
            Unit::SecondWord => match whole.split_once(' ')? {
                (first, second) if is_operation(first) && !second.contains(' ') => {
                    Cow::Owned(second.to_owned())
                }
                _ => return None,
            },
            Unit::BeforeSlash => Cow::Owned(whole.split_once('/')?.0.to_owned()),
            Unit::AfterSlash => Cow::Owned(whole.split_once('/').map_or(whole, |(_, rest)| rest).to_owned()),
            // Some senders encode every value as JSON.
            _ if whole.as_bytes().first() == Some(&b'"') => {
                let inner = json::unquote(whole)?;
                if is_blank(&inner) {
                    return None;
                }
                Cow::Owned(inner.into_owned())
            }
            _ => return Some(source),
        };
        Some(self.derive(cut))
    }

    fn derive(&mut self, text: Cow<'a, str>) -> Text {
        let place = u32::try_from(self.derived.len()).unwrap_or(u32::MAX);
        self.derived.push(text);
        Text::Derived(place)
    }

    fn text_at(&self, text: Text) -> Option<&str> {
        match text {
            Text::Attribute(place) => self.span.attributes.get(place as usize).map(|(_, text)| *text),
            Text::Derived(place) => self.derived.get(place as usize).map(AsRef::as_ref),
        }
    }

    fn get(&self, field: Field) -> Option<&Found> {
        self.found.get(self.place(field))
    }

    fn get_mut(&mut self, field: Field) -> Option<&mut Found> {
        let place = self.place(field);
        self.found.get_mut(place)
    }

    fn place(&self, field: Field) -> usize {
        self.places.get(field as usize).copied().unwrap_or(NOWHERE).into()
    }

    /// The row that filled a field.
    pub(crate) fn row_of(&self, field: Field) -> Option<&'static Row> {
        ROWS.get(usize::from(self.get(field)?.rank & !WEAK))
    }

    /// The text of a field.
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        self.text_at(self.get(field)?.text)
    }

    /// The text of a field, borrowed from the span where it stands there.
    pub(crate) fn borrowed(&self, field: Field) -> Option<Cow<'a, str>> {
        match self.get(field)?.text {
            Text::Attribute(place) => {
                self.span.attributes.get(place as usize).map(|(_, text)| Cow::Borrowed(*text))
            }
            Text::Derived(place) => self.derived.get(place as usize).cloned(),
        }
    }

    /// The fields that were found, and where their texts stand.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (Field, Source<'_>)> {
        self.found.iter().filter_map(|found| Some((found.field, self.source_of(found)?)))
    }

    fn source_of(&self, found: &Found) -> Option<Source<'_>> {
        Some(match found.text {
            Text::Attribute(place) => Source::Attribute(place as usize),
            Text::Derived(_) => Source::Derived(self.text_at(found.text)?),
        })
    }

    /// The places of the attributes that need not be kept beside the columns.
    pub(crate) fn moved(&self) -> impl Iterator<Item = usize> + '_ {
        self.found.iter().filter(|found| found.is_exact).filter_map(|found| match found.text {
            Text::Attribute(place) => Some(place as usize),
            Text::Derived(_) => None,
        })
    }

    /// Says that the column of a field does not hold the attribute's text.
    pub(crate) fn keep(&mut self, field: Field) {
        self.set_exact(field, false);
    }

    fn set_exact(&mut self, field: Field, is_exact: bool) {
        if let Some(found) = self.get_mut(field) {
            found.is_exact = is_exact && matches!(found.text, Text::Attribute(_));
        }
    }

    /// Of a call that failed nobody answered: what may be the model that did is the one that was asked.
    fn ask_where_nobody_answered(&mut self) {
        let is_either =
            self.row_of(Field::ResponseModel).is_some_and(|row| row.unit == Unit::AskedOrAnswered);
        if self.span.is_error
            && is_either
            && let Some(model) = self.take(Field::ResponseModel)
            && self.get(Field::RequestModel).is_none()
        {
            self.put(Found { field: Field::RequestModel, ..model });
        }
    }

    /// Reads a field, and notes whether the column `writes` the same text. What stands in JSON may be anything.
    fn read_as<T>(
        &mut self,
        field: Field,
        read: impl Fn(&str) -> Option<T>,
        writes: impl Fn(&T, &str) -> bool,
    ) -> Option<T> {
        let text = self.text(field)?;
        let Some(value) = read(text) else {
            let is_attribute = self.row_of(field).is_some_and(|row| row.from == Origin::Attribute);
            self.unreadable += u64::from(is_attribute);
            self.keep(field);
            return None;
        };
        let is_exact = writes(&value, text);
        self.set_exact(field, is_exact);
        Some(value)
    }

    pub(crate) fn tokens(&mut self, field: Field) -> Option<i64> {
        if let Some(count) = self.text(field).and_then(value::plain_tokens) {
            self.set_exact(field, true);
            return Some(count);
        }
        self.read_as(field, value::tokens, |_, text| value::is_plain_integer(text))
    }

    /// A limit on tokens; -1 is how some say that there is none.
    pub(crate) fn max_tokens(&mut self) -> Option<i64> {
        if self.text(Field::MaxTokens) == Some("-1") {
            self.keep(Field::MaxTokens);
            return None;
        }
        self.tokens(Field::MaxTokens)
    }

    pub(crate) fn choice_count(&mut self) -> Option<i32> {
        let read = |text: &str| value::tokens(text).and_then(|count| i32::try_from(count).ok());
        self.read_as(Field::ChoiceCount, read, |_, text| value::is_plain_integer(text))
    }

    pub(crate) fn float(&mut self, field: Field) -> Option<f64> {
        self.read_as(field, value::float, |_, text| value::is_plain_decimal(text))
    }

    pub(crate) fn flag(&mut self, field: Field) -> Option<bool> {
        self.read_as(field, value::flag, |flag, text| flag.to_string() == text)
    }

    pub(crate) fn texts(&mut self, field: Field) -> Option<Vec<String>> {
        let is_commas = self.row_of(field).is_some_and(|row| row.unit == Unit::Commas);
        let read = if is_commas { value::commas } else { value::list };
        let texts =
            self.read_as(field, |text| Some(read(text)), |_, text| value::plain_list(text).is_some())?;
        let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        (!texts.is_empty()).then_some(texts)
    }

    /// What was written to a cache: the sum, or that of its two parts, beside which LangChain sends a sum of 0.
    pub(crate) fn cache_write(&mut self, one_hour: Option<i64>) -> Option<i64> {
        let five_minutes = self.tokens(Field::CacheWrite5m);
        self.keep(Field::CacheWrite5m);
        let parts = five_minutes.into_iter().chain(one_hour).reduce(|sum, part| sum + part);
        self.tokens(Field::CacheWrite).filter(|sum| *sum > 0 || parts.is_none()).or(parts)
    }

    pub(crate) fn usage_details(&mut self) -> Vec<(&'static str, i64)> {
        let mut details = Vec::new();
        for (field, key) in Field::DETAILS {
            if self.get(field).is_some() {
                details.extend(self.tokens(field).map(|count| (key, count)));
            }
        }
        details
    }

    /// Whether one of the counts that the price depends on is below 0.
    pub(crate) fn is_usage_negative(&self) -> bool {
        let is_negative = |field| self.text(field).and_then(value::integer).is_some_and(|count| count < 0);
        self.unreadable > 0 && Field::PRICED.into_iter().any(is_negative)
    }

    /// The time to the first token, by the unit of its source.
    pub(crate) fn time_to_first_token(&mut self) -> Option<i64> {
        let (start, duration) = (self.span.start_unix_nano, self.span.duration_ns);
        let row = self.row_of(Field::TimeToFirstToken)?;
        let milliseconds = |text: &str| value::nanoseconds(text)?.checked_div(1000);
        let read = |text: &str| match row.unit {
            Unit::Milliseconds => milliseconds(text),
            Unit::Nanoseconds => value::integer(text),
            Unit::SecondsOrMilliseconds => {
                let seconds = value::nanoseconds(text);
                seconds.filter(|time| *time <= duration).or_else(|| milliseconds(text))
            }
            Unit::Instant if row.from == Origin::Event => value::integer(text)?.checked_sub(start),
            Unit::Instant => value::unix_nano(text)?.checked_sub(start),
            _ => value::nanoseconds(text),
        };
        self.read_as(Field::TimeToFirstToken, read, |_, _| false)
    }

    pub(crate) fn usd(&mut self, field: Field) -> Option<i128> {
        self.read_as(field, value::usd, |_, _| false)
    }
}

/// Whether a word is the conventions' own for a call, as the names of their spans begin.
fn is_operation(word: &str) -> bool {
    word == word.to_ascii_lowercase() && CallKind::of_word(word, Dialect::Otel).is_billable()
}

fn is_for(when: When, kind: CallKind) -> bool {
    match when {
        When::Always => true,
        When::Calls => kind.is_billable(),
        When::Of(of) => of == kind,
    }
}

/// Nothing, or what a sender puts in the place of what it will not say.
#[inline]
fn is_blank(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [b'[', ..] => text.starts_with("[Scrubbed due to "),
        [b'n', ..] => text == "null",
        [b'N', ..] => text == "None",
        [b'<', ..] => text == "<not specified>",
        _ => false,
    }
}
