//! The tables of this crate, to be shown: `docs/dialects.md` is made from them.

use crate::conventions::{self, Origin, Unit, When};
use crate::dialect;
use crate::usage::{ESTIMATES, InputTokens, MEASURED, Measured, OutputTokens};

/// A convention that is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectRow {
    /// The text in the column `dialect`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Instrumentation scopes that tell it; `*` at the end stands for anything that follows.
    pub scopes: &'static [&'static str],
    /// Attributes that tell it where the scope does not.
    pub markers: &'static [&'static str],
}

/// A source of a column: of several that a span has, the first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// The column.
    pub column: &'static str,
    /// The attribute, its path in JSON, or the event.
    pub from: String,
    /// Unit and conditions, in words.
    pub remarks: String,
    /// What brought it.
    pub since: &'static str,
}

/// What is known of how an instrumentation counts tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountingRow {
    /// Its scope.
    pub scope: &'static str,
    /// The only provider it was seen with.
    pub provider: Option<&'static str>,
    /// What was seen.
    pub what: String,
}

/// Every convention, in the order in which markers count.
pub fn dialects() -> Vec<DialectRow> {
    let rows = dialect::ROWS.iter();
    rows.map(|row| DialectRow { name: row.name, title: row.title, scopes: row.scopes, markers: row.markers })
        .collect()
}

/// Every source of every column, in the order in which they count.
pub fn sources() -> Vec<SourceRow> {
    let row = |row: &conventions::Row| SourceRow {
        column: row.field.column(),
        from: match row.from {
            Origin::Attribute => row.name.to_owned(),
            Origin::Json(path) => format!("{} → {path}", row.name),
            Origin::Event => format!("event {}", row.name),
            Origin::SpanName => "name of the span".to_owned(),
        },
        remarks: remarks(row),
        since: row.since,
    };
    conventions::ROWS.iter().map(row).collect()
}

fn remarks(row: &conventions::Row) -> String {
    let unit = match row.unit {
        Unit::Plain => "",
        Unit::Seconds => "seconds",
        Unit::Milliseconds => "milliseconds",
        Unit::Nanoseconds => "nanoseconds",
        Unit::SecondsOrMilliseconds => "seconds; milliseconds where seconds would be longer than the span",
        Unit::Instant => "a moment; the time since the start counts",
        Unit::Usd => "USD",
        Unit::Provider => "as the provider itself counts",
        Unit::AskedOrAnswered => "the model that was asked, where the call failed",
        Unit::BeforeSlash => "what stands before the first /",
        Unit::AfterSlash => "what stands behind the first /",
        Unit::SecondWord => "the second of two words",
        Unit::Commas => "commas between them",
    };
    let only = row.only.map(|dialect| format!("{} only", dialect.name()));
    let when = match row.when {
        When::Always => None,
        When::Calls => Some("calls only".to_owned()),
        When::Of(kind) => Some(format!("{} spans only", kind.as_str())),
    };
    let all = Some(unit.to_owned()).filter(|unit| !unit.is_empty()).into_iter().chain(only).chain(when);
    all.collect::<Vec<_>>().join("; ")
}

/// How instrumentations were measured to count tokens.
pub fn counting() -> Vec<CountingRow> {
    let measured = MEASURED.iter().map(|row| CountingRow {
        scope: row.scope,
        provider: row.provider,
        what: counted(row),
    });
    let estimates = ESTIMATES.iter().map(|row| CountingRow {
        scope: row.scope,
        provider: None,
        what: row.why.to_owned(),
    });
    measured.chain(estimates).collect()
}

fn counted(row: &Measured) -> String {
    let input = match row.input {
        InputTokens::ExcludesCache => "input leaves cached tokens out",
        InputTokens::IncludesCache => "input contains cached tokens",
        InputTokens::Unmeasured => "input as the conventions say",
    };
    let output = match row.output {
        OutputTokens::IncludesReasoning => "",
        OutputTokens::ExcludesReasoning => "; output leaves reasoning out",
        OutputTokens::IsAnswerAlone => "; output leaves reasoning out, which only the total contains",
    };
    let versions = row.unless.map(|unless| format!(", in versions that do not send `{unless}*`"));
    format!("{input}{output}{}", versions.unwrap_or_default())
}
