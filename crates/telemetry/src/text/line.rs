//! The lines of both formats: names, escapes, numbers, and where the formats differ.

use std::fmt::{self, Write as _};

use super::{Format, Histogram, Kind, MetricFamily, Point, Value};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Writes one body.
pub(super) struct Writer {
    format: Format,
    out: String,
}

impl Writer {
    pub(super) fn new(format: Format) -> Self {
        Self { format, out: String::new() }
    }

    pub(super) fn family(&mut self, family: &MetricFamily) {
        self.head(family);
        for point in &family.points {
            match &point.value {
                Value::Number(value) => self.sample(&family.name, "", &point.labels, None, Number(*value)),
                Value::Histogram(histogram) => self.histogram(&family.name, point, histogram),
            }
            if family.kind != Kind::Gauge {
                self.created(family, point);
            }
        }
    }

    pub(super) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn head(&mut self, family: &MetricFamily) {
        let name = self.head_name(family);
        if !family.help.is_empty() {
            let help = Help(&family.help, self.format);
            self.line(format_args!("# HELP {name} {help}"));
        }
        let kind = self.kind_word(family);
        self.line(format_args!("# TYPE {name} {kind}"));
        let unit = family.unit.as_str();
        let is_named = name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        if self.format == Format::OpenMetrics && !unit.is_empty() && is_named {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
    }

    /// OpenMetrics names a family without the suffix that its type gives to its samples.
    fn head_name<'a>(&self, family: &'a MetricFamily) -> &'a str {
        let name = family.name.as_str();
        let suffix = match (self.format, family.kind) {
            (Format::OpenMetrics, Kind::Counter) => "_total",
            (Format::OpenMetrics, Kind::Info) => "_info",
            _ => "",
        };
        name.strip_suffix(suffix).unwrap_or(name)
    }

    fn kind_word(&self, family: &MetricFamily) -> &'static str {
        match (self.format, family.kind) {
            // A counter without `_total` is none in OpenMetrics; Prometheus' own client says the same of it.
            (Format::OpenMetrics, Kind::Counter) if !family.name.ends_with("_total") => "unknown",
            (_, Kind::Counter) => "counter",
            (Format::OpenMetrics, Kind::Info) => "info",
            (_, Kind::Gauge | Kind::Info) => "gauge",
            (_, Kind::Histogram) => "histogram",
        }
    }

    fn histogram(&mut self, name: &str, point: &Point, histogram: &Histogram) {
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let mut count = 0_u64;
        for (bound, bucket) in bounds.zip(&histogram.counts) {
            count = count.saturating_add(*bucket);
            let bound = Bound(bound, self.format);
            self.sample(name, "_bucket", &point.labels, Some(bound), count);
        }
        self.sample(name, "_sum", &point.labels, None, Number(histogram.sum));
        self.sample(name, "_count", &point.labels, None, count);
    }

    fn created(&mut self, family: &MetricFamily, point: &Point) {
        let has_created = matches!(self.kind_word(family), "counter" | "histogram");
        let (Format::OpenMetrics, true, Some(nanos)) = (self.format, has_created, point.created_unix_nano)
        else {
            return;
        };
        let seconds = nanos.div_euclid(NANOS_PER_SECOND);
        let nanos = nanos.rem_euclid(NANOS_PER_SECOND);
        let name = self.head_name(family);
        self.sample(name, "_created", &point.labels, None, format_args!("{seconds}.{nanos:09}"));
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(String, String)],
        bound: Option<Bound>,
        value: impl fmt::Display,
    ) {
        self.line(format_args!("{name}{suffix}{} {value}", Braces(labels, bound)));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        #[expect(clippy::expect_used, reason = "a String takes whatever is written to it")]
        writeln!(self.out, "{line}").expect("a String takes what is written");
    }
}

struct Braces<'a>(&'a [(String, String)], Option<Bound>);

impl fmt::Display for Braces<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = '{';
        for (name, value) in self.0 {
            write!(out, "{separator}{name}=\"{}\"", Escaped(value))?;
            separator = ',';
        }
        if let Some(bound) = self.1 {
            write!(out, "{separator}le=\"{bound}\"")?;
            separator = ',';
        }
        if separator == ',' { out.write_char('}') } else { Ok(()) }
    }
}

/// Text between quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, &['\\', '\n', '"'], out)
    }
}

/// Text to the end of the line; only OpenMetrics escapes quotes in it.
struct Help<'a>(&'a str, Format);

impl fmt::Display for Help<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Format::Plain => escape(self.0, &['\\', '\n'], out),
            Format::OpenMetrics => escape(self.0, &['\\', '\n', '"'], out),
        }
    }
}

fn escape(text: &str, special: &[char], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    for part in text.split_inclusive(special) {
        let last = part.chars().next_back().filter(|last| special.contains(last));
        let Some(last) = last else {
            out.write_str(part)?;
            continue;
        };
        out.write_str(part.strip_suffix(last).unwrap_or(part))?;
        out.write_char('\\')?;
        out.write_char(if last == '\n' { 'n' } else { last })?;
    }
    Ok(())
}

/// A value: whole numbers without a point.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.is_nan() => out.write_str("NaN"),
            f64::INFINITY => out.write_str("+Inf"),
            f64::NEG_INFINITY => out.write_str("-Inf"),
            value if value.fract() == 0.0 && value.abs() < 1e15 => write!(out, "{value}"),
            value => write!(out, "{value:?}"),
        }
    }
}

/// A bucket's bound; OpenMetrics wants a point in whole numbers.
#[derive(Clone, Copy)]
struct Bound(f64, Format);

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Format::OpenMetrics if self.0.is_finite() => write!(out, "{:?}", self.0),
            _ => Number(self.0).fmt(out),
        }
    }
}
