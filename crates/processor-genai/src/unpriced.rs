//! Says in the log output which models have no price, and what to do about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use spanledger_component::Clock;
use spanledger_genai::{Call, CostStatus, Field};
use tracing::warn;

/// How often at most a model is named.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// How many models are named in that time.
const NAMED_MAX: usize = 32;

/// Longer names are cut.
const NAME_CHARS_MAX: usize = 100;

/// Which models were named lately. It changes nothing about rows.
#[derive(Debug)]
pub(crate) struct Unpriced {
    /// The processor's id.
    id: String,
    clock: Arc<dyn Clock>,
    named: Mutex<HashMap<(String, String), SystemTime>>,
}

impl Unpriced {
    pub(crate) fn new(id: &str, clock: Arc<dyn Clock>) -> Self {
        Self { id: id.to_owned(), clock, named: Mutex::default() }
    }

    /// Names the model of a call that has no price.
    pub(crate) fn note(&self, call: &Call<'_>) {
        let (model, provider) = (call.model.as_deref(), call.text(Field::Provider));
        let is_unknown = matches!(call.cost.status, CostStatus::UnknownModel | CostStatus::UnknownProvider);
        let (true, Some(model)) = (is_unknown, model) else { return };
        let cut = |name: &str| name.chars().take(NAME_CHARS_MAX).collect::<String>();
        let (model, provider) = (cut(model), cut(provider.unwrap_or_default()));
        if !self.is_due(&model, &provider) {
            return;
        }
        let id = &self.id;
        warn!(
            ?model,
            ?provider,
            "no price is known for this model, so its calls have no cost. Say what they cost under \
             processors::{id}::prices::overrides, as `- {{match: {{equals: {model:?}}}, prices: {{input_mtok: 1.5, output_mtok: 6}}}}` \
             in USD for a million tokens, or `free: true`; where it is a gateway's name for another model, say which under \
             processors::{id}::prices::aliases, as `{model:?}: provider/model`"
        );
    }

    fn is_due(&self, model: &str, provider: &str) -> bool {
        let now = self.clock.now();
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &SystemTime| now.duration_since(*at).is_ok_and(|since| since < EVERY);
        let pair = (model.to_owned(), provider.to_owned());
        if named.get(&pair).is_some_and(is_recent) {
            return false;
        }
        if named.len() >= NAMED_MAX {
            named.retain(|_, at| is_recent(at));
        }
        let is_room = named.len() < NAMED_MAX;
        if is_room {
            named.insert(pair, now);
        }
        is_room
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Hours(AtomicU64);

    impl Clock for Hours {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + EVERY * u32::try_from(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    #[test]
    fn a_model_is_named_once_an_hour_and_not_too_many_of_them() {
        let clock = Arc::new(Hours::default());
        let unpriced = Unpriced::new("genai", clock.clone());
        assert!(unpriced.is_due("a", "acme"));
        assert!(!unpriced.is_due("a", "acme"));
        assert!(unpriced.is_due("a", "other"));
        clock.0.store(1, Ordering::Relaxed);
        assert!(unpriced.is_due("a", "acme"));
        let named = (0..1000).filter(|number| unpriced.is_due(&number.to_string(), "acme")).count();
        assert!(named < NAMED_MAX, "{named}");
    }
}
