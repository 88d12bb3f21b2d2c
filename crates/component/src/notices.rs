//! What senders are to be told with the answer to their next request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use memchr::memmem;

/// A sender is told something once in this time.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Of so many senders it is known when they were told something last.
const SENDERS_MAX: usize = 256;

/// For so many senders something waits at most, since every request is searched for them.
const WAITING_MAX: usize = 16;

/// What senders are to be told. Of all that is told a sender within an hour, the first counts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many wait, so that nothing is locked while none do.
    waiting: AtomicUsize,
    senders: Mutex<HashMap<Sender, Notice>>,
}

/// Who sends spans, as far as the next request tells it as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sender {
    /// `service.name` of the resource, where it has one.
    pub service_name: Option<String>,
    /// Name of the instrumentation scope, where it has one.
    pub scope_name: Option<String>,
}

#[derive(Debug)]
struct Notice {
    since: SystemTime,
    /// Until it was told.
    text: Option<String>,
}

impl Notices {
    /// Has a sender told a text at its next request, unless it was told something in the last hour. A sender without
    /// any name is never told anything.
    pub fn put(&self, sender: Sender, now: SystemTime, text: impl FnOnce() -> String) {
        if sender.patterns().next().is_none() {
            return;
        }
        let mut senders = self.0.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |notice: &Notice| now.duration_since(notice.since).is_ok_and(|since| since < EVERY);
        if senders.get(&sender).is_some_and(is_recent) {
            return;
        }
        if senders.len() >= SENDERS_MAX {
            senders.retain(|_, notice| is_recent(notice));
        }
        let waiting = senders.values().filter(|notice| notice.text.is_some()).count();
        if waiting < WAITING_MAX && senders.len() < SENDERS_MAX {
            senders.insert(sender, Notice { since: now, text: Some(text()) });
        }
        self.count(&senders);
    }

    /// What the sender of a request is to be told; `body` is an `ExportTraceServiceRequest`.
    pub fn take(&self, body: &[u8]) -> Option<String> {
        if self.0.waiting.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut senders = self.0.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its = |sender: &Sender, notice: &Notice| notice.text.is_some() && sender.has_sent(body);
        let text = senders.iter_mut().find(|(sender, notice)| is_its(sender, notice))?.1.text.take();
        self.count(&senders);
        text
    }

    fn count(&self, senders: &HashMap<Sender, Notice>) {
        let waiting = senders.values().filter(|notice| notice.text.is_some()).count();
        self.0.waiting.store(waiting, Ordering::Relaxed);
    }
}

impl Sender {
    /// Whether a request has both names where protobuf has them.
    fn has_sent(&self, body: &[u8]) -> bool {
        self.patterns().all(|pattern| memmem::find(body, &pattern).is_some())
    }

    /// The bytes of a `KeyValue` with the name of the service, and of the field with the name of the scope.
    fn patterns(&self) -> impl Iterator<Item = Vec<u8>> {
        let name = |text: &String| field(1, text.as_bytes());
        let service = self
            .service_name
            .as_ref()
            .map(|text| [field(1, b"service.name"), field(2, &name(text))].concat());
        service.into_iter().chain(self.scope_name.as_ref().map(name))
    }
}

/// A field of protobuf that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(service_name: &str, scope_name: &str) -> Sender {
        let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Sender { service_name: name(service_name), scope_name: name(scope_name) }
    }

    fn put(notices: &Notices, sender: Sender, hours: f64) {
        let now = SystemTime::UNIX_EPOCH + EVERY.mul_f64(hours);
        notices.put(sender, now, || "said".to_owned());
    }

    /// As `ResourceSpans` and `ScopeSpans` begin.
    fn body(service_name: &str, scope_name: &str) -> Vec<u8> {
        let value = field(1, service_name.as_bytes());
        let pair = [field(1, b"service.name"), field(2, &value)].concat();
        [field(1, &field(1, &pair)), field(2, &field(1, &field(1, scope_name.as_bytes())))].concat()
    }

    #[test]
    fn a_sender_is_told_once_an_hour_and_others_are_not() {
        let notices = Notices::default();
        put(&notices, sender("chat", "sdk"), 0.0);
        put(&notices, sender("chat", "sdk"), 0.1);
        assert_eq!(notices.take(&body("chatter", "sdk")), None);
        assert_eq!(notices.take(&body("chat", "sdk.other")), None);
        assert_eq!(notices.take(&body("chat", "sdk")).as_deref(), Some("said"));
        put(&notices, sender("chat", "sdk"), 0.9);
        assert_eq!(notices.take(&body("chat", "sdk")), None);
        put(&notices, sender("chat", "sdk"), 1.1);
        assert_eq!(notices.take(&body("chat", "sdk")).as_deref(), Some("said"));
    }

    #[test]
    fn a_sender_is_known_by_the_names_it_has() {
        let (notices, long) = (Notices::default(), "s".repeat(300));
        put(&notices, sender("", ""), 0.0);
        put(&notices, sender(&long, ""), 0.0);
        assert_eq!(notices.take(&body("chat", "sdk")), None);
        assert_eq!(notices.take(&body(&long, "sdk")).as_deref(), Some("said"));
        put(&notices, sender("", "sdk"), 0.0);
        assert_eq!(notices.take(&body("chat", "sdk")).as_deref(), Some("said"));
    }

    #[test]
    fn many_senders_take_no_more_room_than_some() {
        let notices = Notices::default();
        for number in 0..10_000 {
            put(&notices, sender(&format!("service {number}"), "sdk"), 0.0);
        }
        let told =
            (0..10_000).filter(|number| notices.take(&body(&format!("service {number}"), "sdk")).is_some());
        assert_eq!(told.count(), WAITING_MAX);
        put(&notices, sender("service 9999", "sdk"), 0.0);
        assert!(notices.take(&body("service 9999", "sdk")).is_some(), "there is room again");
    }
}
