//! The client: sends requests, resends what was not answered, and keeps its own record of what it was told.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use spanledger_component::{Clock as _, Intake, Refused, Request, Signal};

use crate::clock::WorldClock;
use crate::disk::{DamagedPage, SimulatedDisk};
use crate::lock;
use crate::spans::{SentSpan, SpanMaker, body};
use crate::trace::Trace;
use crate::violation::{Invariant, Violations};

/// How long the client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A resend is recognised for fifteen minutes; the client does not try that late.
const RESEND_WITHIN: Duration = Duration::from_secs(13 * 60);
const ATTEMPTS_MAX: u32 = 4;

/// What a request is to the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing is special about it.
    Plain,
    /// A processor panics on it, or fails.
    Poison,
    /// It is no protobuf.
    Malformed,
}

/// A request and what the client knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) body: Bytes,
    pub(crate) spans: Vec<SentSpan>,
    pub(crate) is_acknowledged: bool,
    /// Attempts that had no answer, or one that leaves open what became of it.
    pub(crate) open_attempts: u32,
    /// Its spans were sent in other bytes, too.
    pub(crate) is_rebatched: bool,
    /// A page with a part of it was damaged.
    pub(crate) is_damaged: bool,
    /// The configs that were in force when it was sent.
    pub(crate) configs: BTreeSet<u32>,
    first_sent: Duration,
    /// How often the wall clock had jumped ahead.
    jumps: u32,
}

/// The client, which lives longer than the collector. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Client(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    clock: Arc<WorldClock>,
    trace: Trace,
    violations: Violations,
}

struct Inner {
    random: Rng,
    maker: SpanMaker,
    sent: Vec<Sent>,
    jumps: u32,
    resent: u64,
    cancelled: u64,
}

/// The collector as the client reaches it now.
#[derive(Clone)]
pub(crate) struct Reached {
    pub(crate) intake: Intake,
    pub(crate) disk: SimulatedDisk,
    pub(crate) config: u32,
}

enum Answer {
    Acknowledged,
    Retryable,
    Final,
}

impl Client {
    pub(crate) fn new(
        seed: u64,
        mut random: Rng,
        clock: Arc<WorldClock>,
        trace: Trace,
        violations: Violations,
    ) -> Self {
        let maker = SpanMaker::new(seed, random.fork());
        let inner = Inner { random, maker, sent: Vec::new(), jumps: 0, resent: 0, cancelled: 0 };
        Self(Arc::new(Shared { inner: Mutex::new(inner), clock, trace, violations }))
    }

    /// Makes a request; answers its number.
    pub(crate) fn make(&self, kind: Kind) -> usize {
        let start = self.0.clock.now_unix_nano().saturating_sub(3_000_000_000);
        let mut inner = lock(&self.0.inner);
        let count = inner.random.usize(1..6);
        let poison = if inner.random.bool() { "poison" } else { "unfit" };
        let name = (kind == Kind::Poison).then_some(poison);
        let spans: Vec<_> = (0..count).map(|_| inner.maker.span(start, name)).collect();
        let body = match kind {
            Kind::Malformed => Bytes::from_static(b"\x0a\xff\xff no protobuf"),
            Kind::Plain | Kind::Poison => body(&spans),
        };
        let spans = if kind == Kind::Malformed { Vec::new() } else { spans };
        self.add(&mut inner, Sent::new(kind, body, spans))
    }

    /// Sends the spans of two requests in one, as an SDK does that gathers anew what was not answered.
    pub(crate) fn rebatch(&self) -> Option<usize> {
        let mut inner = lock(&self.0.inner);
        let is_open = |sent: &Sent| sent.kind == Kind::Plain && !sent.is_acknowledged;
        let open = inner.sent.iter_mut().rev().filter(|sent| is_open(sent)).take(2);
        let spans: Vec<SentSpan> = open
            .flat_map(|sent| {
                sent.is_rebatched = true;
                sent.spans.clone()
            })
            .collect();
        if spans.is_empty() {
            return None;
        }
        let mut sent = Sent::new(Kind::Plain, body(&spans), spans);
        sent.is_rebatched = true;
        Some(self.add(&mut inner, sent))
    }

    /// A request to be sent again: one that was not answered, or whose answer is said to be lost.
    pub(crate) fn to_resend(&self) -> Option<usize> {
        let now = self.0.clock.elapsed();
        let mut inner = lock(&self.0.inner);
        let jumps = inner.jumps;
        let is_young = |sent: &Sent| now < sent.first_sent + RESEND_WITHIN && sent.jumps == jumps;
        let young: Vec<usize> = (0..inner.sent.len())
            .rev()
            .take(12)
            .filter(|index| {
                inner.sent.get(*index).is_some_and(|sent| is_young(sent) && !sent.spans.is_empty())
            })
            .collect();
        inner.random.choice(young)
    }

    /// Sends a request until it is answered, or patience ends.
    pub(crate) async fn send(self, number: usize, reached: Reached) {
        for attempt in 1..=ATTEMPTS_MAX {
            let Some(body) = self.begin_attempt(number, reached.config, attempt) else { return };
            let answer = tokio::time::timeout(self.patience(), hand_in(&reached.intake, body)).await;
            if reached.disk.is_dead() {
                // Nobody hears what a dead process says.
                return;
            }
            match self.note(number, answer.ok()) {
                Answer::Final => return,
                Answer::Acknowledged if !self.chance(8) => return,
                Answer::Acknowledged => {}
                Answer::Retryable if self.chance(6) => return,
                Answer::Retryable => {
                    let wait = Duration::from_millis(lock(&self.0.inner).random.u64(50..1_500));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Most wait; some close the connection in mid-request.
    fn patience(&self) -> Duration {
        let mut inner = lock(&self.0.inner);
        if inner.random.u8(..20) > 0 {
            return PATIENCE;
        }
        inner.cancelled += 1;
        Duration::from_micros(inner.random.u64(1..4_000))
    }

    fn begin_attempt(&self, number: usize, config: u32, attempt: u32) -> Option<Bytes> {
        let now = self.0.clock.elapsed();
        let mut inner = lock(&self.0.inner);
        let jumps = inner.jumps;
        let is_first = inner.sent.get(number).is_some_and(|sent| sent.configs.is_empty());
        inner.resent += u64::from(!is_first);
        let sent = inner.sent.get_mut(number)?;
        if is_first {
            (sent.first_sent, sent.jumps) = (now, jumps);
        } else if now >= sent.first_sent + RESEND_WITHIN || sent.jumps != jumps {
            return None;
        }
        sent.configs.insert(config);
        // Until an answer says otherwise.
        sent.open_attempts += 1;
        self.0.trace.tell(format_args!("client: sends request {number}, attempt {attempt}"));
        Some(sent.body.clone())
    }

    fn note(&self, number: usize, answer: Option<Result<(), Refused>>) -> Answer {
        let mut inner = lock(&self.0.inner);
        let Some(sent) = inner.sent.get_mut(number) else { return Answer::Final };
        match answer {
            None => {
                self.0.trace.tell(format_args!("client: request {number} is not answered"));
                Answer::Retryable
            }
            Some(Ok(())) => {
                self.0.trace.tell(format_args!("client: request {number} is acknowledged"));
                if sent.kind == Kind::Malformed {
                    self.0
                        .violations
                        .add(Invariant::Refusals, format!("request {number} is no request and was taken"));
                }
                sent.is_acknowledged = true;
                Answer::Acknowledged
            }
            Some(Err(refused)) => {
                self.0.trace.tell(format_args!("client: request {number} is refused: {refused}"));
                let is_retryable = matches!(refused, Refused::Full { .. } | Refused::Stopping { .. });
                if is_retryable == (sent.kind == Kind::Malformed) {
                    let what = format!("request {number}, {:?}, was refused: {refused}", sent.kind);
                    self.0.violations.add(Invariant::Refusals, what);
                }
                // A write that failed may be on the disk all the same. A gate that is shut lets nothing pass.
                let is_open = matches!(refused, Refused::Full { .. });
                sent.open_attempts -= u32::from(!is_open);
                if is_retryable { Answer::Retryable } else { Answer::Final }
            }
        }
    }

    fn add(&self, inner: &mut Inner, sent: Sent) -> usize {
        inner.sent.push(sent);
        inner.sent.len() - 1
    }

    fn chance(&self, one_in: u8) -> bool {
        lock(&self.0.inner).random.u8(..one_in) == 0
    }

    /// The wall clock jumped ahead: what was sent before is older than it seems.
    pub(crate) fn clock_jumped(&self) {
        lock(&self.0.inner).jumps += 1;
    }

    /// Marks the requests of which a part stood in a page that is lost, by their bytes.
    pub(crate) fn note_damage(&self, page: &DamagedPage) {
        let mut inner = lock(&self.0.inner);
        for sent in inner.sent.iter_mut().filter(|sent| !sent.body.is_empty()) {
            if let Some(start) = find(&page.before, &sent.body) {
                // With header, parity and trailer around it.
                let around = 512 + sent.body.len() / 8;
                let whole = start.saturating_sub(around)..start + sent.body.len() + around;
                sent.is_damaged |= overlaps(&whole, &page.range);
            }
        }
        let damaged = inner.sent.iter().filter(|sent| sent.is_damaged).count();
        self.0
            .trace
            .tell(format_args!("client: {damaged} requests stood in lost pages of {}", page.path.display()));
    }

    /// The client's own record.
    pub(crate) fn record(&self) -> Vec<Sent> {
        lock(&self.0.inner).sent.clone()
    }

    /// How often it sent something again, and how often it did not wait for the answer.
    pub(crate) fn habits(&self) -> (u64, u64) {
        let inner = lock(&self.0.inner);
        (inner.resent, inner.cancelled)
    }
}

impl Sent {
    fn new(kind: Kind, body: Bytes, spans: Vec<SentSpan>) -> Self {
        Self {
            kind,
            body,
            spans,
            is_acknowledged: false,
            open_attempts: 0,
            is_rebatched: false,
            is_damaged: false,
            configs: BTreeSet::new(),
            first_sent: Duration::ZERO,
            jumps: 0,
        }
    }
}

async fn hand_in(intake: &Intake, body: Bytes) -> Result<(), Refused> {
    let room = intake.reserve(body.len()).await?;
    intake.accept(Request { signal: Signal::Traces, body }, room).await.map(drop)
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}

fn overlaps(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}
