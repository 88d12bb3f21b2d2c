//! What waits for the log thread, in order.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::{AppendError, Position, draft::Draft, repeats::Repeated};

/// Bytes that may wait for the log thread. Callers hold memory for what they send, so this is a last resort.
const QUEUE_BYTES_MAX: u64 = 256 << 20;

/// An append that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where it stands.
    pub position: Position,
    /// What was answered when it was stored, if it was stored before: see [`crate::Options::repeat_window`].
    pub repeats: Option<Repeated>,
}

type Answer = Result<Appended, AppendError>;

/// An append under way: resolves to its place once it is durable. Dropping it does not undo the append.
#[must_use = "an append is durable only once this resolved"]
pub struct Appending(oneshot::Receiver<Answer>);

impl Appending {
    pub(crate) fn answered(answer: Answer) -> Self {
        let (waiter, appending) = Waiter::new();
        waiter.answer(answer);
        appending
    }

    /// Waits on a thread that is not part of an async runtime.
    pub fn wait(self) -> Result<Appended, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Stopped))
    }
}

impl Future for Appending {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(AppendError::Stopped)))
    }
}

/// A draft and who waits for it.
pub(crate) struct Pending {
    pub(crate) draft: Draft,
    waiter: Waiter,
}

impl Pending {
    pub(crate) fn new(draft: Draft) -> (Self, Appending) {
        let (waiter, appending) = Waiter::new();
        (Self { draft, waiter }, appending)
    }

    pub(crate) fn split(self) -> (Draft, Waiter) {
        (self.draft, self.waiter)
    }
}

/// The one to be told how an append went.
pub(crate) struct Waiter(oneshot::Sender<Answer>);

impl Waiter {
    pub(crate) fn new() -> (Self, Appending) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), Appending(receiver))
    }

    pub(crate) fn answer(self, answer: Answer) {
        // Nobody may be waiting any more; the append stands all the same.
        let _ = self.0.send(answer);
    }
}

/// Why nothing more is taken.
pub(crate) enum Closed {
    Full,
    Stopped,
}

impl From<Closed> for AppendError {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Full => Self::Unavailable { reason: "too much waits for the disk".into() },
            Closed::Stopped => Self::Stopped,
        }
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
    /// For a log that has no thread.
    wake_task: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Pending>,
    bytes: u64,
    stopped: bool,
    nudged: bool,
}

impl Inner {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.stopped && !self.nudged
    }
}

impl Queue {
    pub(crate) fn push(&self, pending: Pending) -> Result<(), Closed> {
        let mut inner = self.lock();
        let bytes = inner.bytes + pending.draft.record_bytes();
        if inner.stopped {
            return Err(Closed::Stopped);
        }
        if bytes > QUEUE_BYTES_MAX && !inner.waiting.is_empty() {
            return Err(Closed::Full);
        }
        inner.bytes = bytes;
        inner.waiting.push_back(pending);
        drop(inner);
        self.wake_up();
        Ok(())
    }

    /// Waits for the next ones, about `bytes_max` at most; none after `patience`. `None` once stopped and empty.
    pub(crate) fn take(&self, bytes_max: u64, patience: Duration) -> Option<Vec<Pending>> {
        let waited = self.wake.wait_timeout_while(self.lock(), patience, |inner| inner.is_idle());
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if inner.waiting.is_empty() && inner.stopped {
            return None;
        }
        inner.nudged = false;
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(next) = inner.waiting.front() {
            bytes += next.draft.record_bytes();
            if bytes > bytes_max && !taken.is_empty() {
                break;
            }
            taken.extend(inner.waiting.pop_front());
        }
        inner.bytes -= taken.iter().map(|pending| pending.draft.record_bytes()).sum::<u64>();
        Some(taken)
    }

    /// Waits, without a thread, until there is something to take, or for `patience`.
    pub(crate) async fn ready(&self, patience: Duration) {
        let is_idle = || self.lock().is_idle();
        let ready = async {
            while is_idle() {
                self.wake_task.notified().await;
            }
        };
        // Nothing came: that is something to do, too.
        let _ = timeout(patience, ready).await;
    }

    /// Lets the log thread look for what it can delete.
    pub(crate) fn nudge(&self) {
        self.lock().nudged = true;
        self.wake_up();
    }

    /// Takes nothing more in; what waits is still written.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.wake_up();
    }

    fn wake_up(&self) {
        self.wake.notify_one();
        self.wake_task.notify_one();
    }

    /// Drops what waits, after the log thread ended; their appends resolve as stopped.
    pub(crate) fn abandon(&self) {
        let mut inner = self.lock();
        inner.stopped = true;
        inner.waiting.clear();
        inner.bytes = 0;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
