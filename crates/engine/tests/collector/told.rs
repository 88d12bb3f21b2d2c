//! What the log tells while a test runs, on the thread of the test.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber, span};

/// The lines with one message, as `LEVEL reason`.
pub(crate) struct Told {
    lines: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
}

impl Told {
    /// Listens until it is dropped.
    pub(crate) fn listen(message: &'static str) -> Self {
        let lines = Arc::default();
        let listener = Listener { message, lines: Arc::clone(&lines) };
        Self { lines, _listening: tracing::subscriber::set_default(listener) }
    }

    /// What was told so far.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

struct Listener {
    message: &'static str,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        if line.message == self.message {
            let told = format!("{} {}", event.metadata().level(), line.reason);
            self.lines.lock().unwrap().push(told);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    reason: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.message, "{value:?}").unwrap(),
            "reason" => write!(self.reason, "{value:?}").unwrap(),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "reason" {
            value.clone_into(&mut self.reason);
        }
    }
}
