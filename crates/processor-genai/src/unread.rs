//! Tells senders of calls whose model or usage was not understood.

use std::sync::Arc;

use spanledger_component::{Clock, Notices, Sender};
use spanledger_genai::{Call, CallKind, SpanView};

/// Longer names of spans are cut.
const NAME_CHARS_MAX: usize = 100;

/// Tells senders what was not understood. It changes nothing about rows.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) notices: Notices,
}

impl Unread {
    /// Has the sender of a call told what is missing, if anything is. Whose call failed may not know it.
    pub(crate) fn note(&self, call: &Call<'_>, span: &SpanView<'_>, sender: impl FnOnce() -> Sender) {
        let Some(what) = missing(call).filter(|_| !span.is_error) else { return };
        let name: String = span.name.chars().take(NAME_CHARS_MAX).collect();
        self.notices.put(sender(), self.clock.now(), || {
            format!(
                "of the span {name:?} {what} not understood: no attribute of a known GenAI convention says it. \
                 `spanledger explain` tells what was read"
            )
        });
    }
}

/// What a call should say and does not. Rerankers bill searches.
fn missing(call: &Call<'_>) -> Option<&'static str> {
    let has_tokens = call.usage.input_tokens.or(call.usage.output_tokens).is_some();
    let is_used = has_tokens || !matches!(call.kind, CallKind::Llm | CallKind::Embedding);
    match (call.is_billable, call.model.is_some(), is_used) {
        (false, _, _) | (true, true, true) => None,
        (true, true, false) => Some("the token usage was"),
        (true, false, true) => Some("the model was"),
        (true, false, false) => Some("model and token usage were"),
    }
}
