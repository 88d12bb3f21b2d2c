//! A span as it was sent, so far as the meaning of a call depends on it.

/// What is to be known of a span. Attributes are names and texts; values that are no strings are JSON text.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanView<'a> {
    /// Name of the instrumentation scope.
    pub scope_name: Option<&'a str>,
    /// Name of the span.
    pub name: &'a str,
    /// When it began.
    pub start_unix_nano: i64,
    /// How long it took.
    pub duration_ns: i64,
    /// Its status says that it failed.
    pub is_error: bool,
    /// Its attributes; names are unique.
    pub attributes: &'a [(&'a str, &'a str)],
    /// Its events, in the order they were sent.
    pub events: &'a [EventView<'a>],
}

/// An event of a span.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventView<'a> {
    /// Name of the event.
    pub name: &'a str,
    /// When it happened.
    pub time_unix_nano: i64,
    /// Its attributes, like those of the span.
    pub attributes: &'a [(&'a str, &'a str)],
}
