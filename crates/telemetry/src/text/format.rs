//! The two text formats, and which of them a scraper wants.

/// A text format that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    Plain,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What stands in `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The format that an `Accept` header prefers; the plain one when it names neither.
pub fn negotiate(accept: &str) -> Format {
    let mut best = (Format::Plain, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(format) = parts.next().and_then(format_of) else { continue };
        let weight = weight(parts);
        if weight > best.1 {
            best = (format, weight);
        }
    }
    best.0
}

fn format_of(media: &str) -> Option<Format> {
    match media.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Some(Format::OpenMetrics),
        "text/plain" | "text/*" | "*/*" => Some(Format::Plain),
        _ => None,
    }
}

fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> f32 {
    let weight = parameters.find_map(|parameter| parameter.strip_prefix("q="));
    weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scraper_gets_the_format_it_prefers() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(negotiate(prometheus_3), Format::OpenMetrics);
        assert_eq!(negotiate("Application/OpenMetrics-Text"), Format::OpenMetrics);
        let others = [
            "",
            "*/*",
            "text/html, */*;q=0.8",
            "application/json",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text; q=0.2, text/plain; q=0.9",
        ];
        for plain in others {
            assert_eq!(negotiate(plain), Format::Plain, "{plain:?}");
        }
    }
}
