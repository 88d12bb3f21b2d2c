//! A scriptable exporter, and the target it delivers to.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use spanledger_component::{
    Batch, Context, Delivery, Error, ExportError, Exporter, ExporterFactory, Plan, Retry, Rows, Signal,
    Stability,
};
use spanledger_schema::{Logs, Spans, Table as _, logs, spans};
use tokio::sync::watch;

use crate::scene::{Config, Scene, lock};

/// The exporter type `scripted`: holds names until it is sealed.
pub struct Scripted {
    holds: usize,
    held: Vec<Name>,
    holding: bool,
    target: Target,
}

impl ExporterFactory for Scripted {
    const TYPE: &'static str = "scripted";
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const STABILITY: Stability = Stability::Alpha;
    type Config = Config;

    fn build(config: &Config, context: &Context) -> Result<Box<dyn Exporter>, Error> {
        let target = Scene::of(config, context)?.target(&context.id.to_string());
        Ok(Box::new(Self { holds: config.holds, held: Vec::new(), holding: false, target }))
    }
}

/// What a row is taken for: the name of a span, or the event name of a log record.
pub type Name = String;

/// Where a scripted exporter delivers: like an object store, it takes a plan once.
#[derive(Debug, Clone, Default)]
pub struct Target(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    taken: Mutex<Taken>,
    tries: watch::Sender<u64>,
    is_shut: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Script {
    rejected: BTreeSet<Name>,
    rejected_at_seal: BTreeSet<Name>,
    panicking: BTreeSet<Name>,
    busy: u64,
    failing: u64,
    panics_of_delivery: u64,
}

#[derive(Debug, Default)]
struct Taken {
    names: Vec<Name>,
    plans: Vec<Plan>,
    tried: Vec<Plan>,
}

impl Target {
    /// Exporting a row of that name is rejected.
    pub fn reject(&self, name: &str) {
        lock(&self.0.script).rejected.insert(name.to_owned());
    }

    /// Rows of that name are taken again.
    pub fn accept(&self, name: &str) {
        let mut script = lock(&self.0.script);
        let Script { rejected, rejected_at_seal, panicking, .. } = &mut *script;
        for names in [rejected, rejected_at_seal, panicking] {
            names.remove(name);
        }
    }

    /// Sealing a range with a row of that name is rejected.
    pub fn reject_at_seal(&self, name: &str) {
        lock(&self.0.script).rejected_at_seal.insert(name.to_owned());
    }

    /// Exporting a row of that name panics, and leaves the batch half inside.
    pub fn panic_on(&self, name: &str) {
        lock(&self.0.script).panicking.insert(name.to_owned());
    }

    /// The next exports are not taken now, so many times.
    pub fn be_busy(&self, times: u64) {
        lock(&self.0.script).busy = times;
    }

    /// The next deliveries fail, so many times.
    pub fn fail(&self, times: u64) {
        lock(&self.0.script).failing = times;
    }

    /// The next deliveries panic, so many times.
    pub fn panic_in_delivery(&self, times: u64) {
        lock(&self.0.script).panics_of_delivery = times;
    }

    /// Deliveries wait until [`Target::open`].
    pub fn shut(&self) {
        self.0.is_shut.send_replace(true);
    }

    /// Deliveries go on.
    pub fn open(&self) {
        self.0.is_shut.send_replace(false);
    }

    /// Waits until so many deliveries were begun.
    pub async fn tries(&self, count: u64) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.tries.subscribe().wait_for(|tries| *tries >= count).await;
    }

    /// The names of the rows that were delivered, in the order of their delivery.
    pub fn names(&self) -> Vec<Name> {
        lock(&self.0.taken).names.clone()
    }

    /// The plans that were delivered.
    pub fn plans(&self) -> Vec<Plan> {
        lock(&self.0.taken).plans.clone()
    }

    /// The plans whose delivery was begun, each as often as it was.
    pub fn tried(&self) -> Vec<Plan> {
        lock(&self.0.taken).tried.clone()
    }

    fn take(&self, names: &[Name]) {
        lock(&self.0.taken).names.extend_from_slice(names);
    }

    async fn wait_open(&self) {
        let _ = self.0.is_shut.subscribe().wait_for(|is_shut| !is_shut).await;
    }

    /// Counts one down; whether there was one.
    fn happens(&self, count: fn(&mut Script) -> &mut u64) -> bool {
        let mut script = lock(&self.0.script);
        let left = count(&mut script);
        let happens = *left > 0;
        *left = left.saturating_sub(1);
        happens
    }
}

#[async_trait]
impl Exporter for Scripted {
    #[expect(clippy::panic, reason = "that is what the script says")]
    async fn export(&mut self, batch: &Batch) -> Result<(), ExportError> {
        if self.target.happens(|script| &mut script.busy) {
            return Err(Retry::transient(Error::new("the target is busy")).into());
        }
        let names: Vec<Name> = batch.rows.iter().flat_map(names).collect();
        for name in &names {
            if lock(&self.target.0.script).rejected.contains(name) {
                return Err(ExportError::Reject { source: Error::new(format!("{name} is rejected")) });
            }
        }
        for name in &names {
            if lock(&self.target.0.script).panicking.contains(name) {
                panic!("{name} makes the exporter panic");
            }
            if self.holds > 0 {
                self.held.push(name.clone());
            }
        }
        if self.holds == 0 {
            self.target.wait_open().await;
            self.target.take(&names);
        }
        self.holding |= self.holds > 0 && !names.is_empty();
        Ok(())
    }

    fn seal_by(&self) -> Option<Instant> {
        let now = tokio::time::Instant::now().into_std();
        let is_full = self.held.len() >= self.holds;
        let wait = if is_full { Duration::ZERO } else { Duration::from_secs(3600) };
        (self.holding || !self.held.is_empty()).then_some(now + wait)
    }

    fn seal(&mut self, plan: &Plan) -> Result<Box<dyn Delivery>, ExportError> {
        let names = mem::take(&mut self.held);
        self.holding = false;
        let rejected = lock(&self.target.0.script).rejected_at_seal.clone();
        match names.iter().find(|name| rejected.contains(*name)) {
            Some(name) => Err(ExportError::Reject { source: Error::new(format!("{name} cannot be sealed")) }),
            None => Ok(Box::new(Sealed { names, plan: plan.clone(), target: self.target.clone() })),
        }
    }

    fn abandon(&mut self) {
        self.held.clear();
        self.holding = false;
    }
}

struct Sealed {
    names: Vec<Name>,
    plan: Plan,
    target: Target,
}

#[async_trait]
impl Delivery for Sealed {
    #[expect(clippy::panic, reason = "that is what the script says")]
    async fn deliver(&self) -> Result<(), Retry> {
        lock(&self.target.0.taken).tried.push(self.plan.clone());
        self.target.0.tries.send_modify(|tries| *tries += 1);
        self.target.wait_open().await;
        if self.target.happens(|script| &mut script.panics_of_delivery) {
            panic!("the delivery panics");
        }
        if self.target.happens(|script| &mut script.failing) {
            return Err(Retry::transient(Error::new("the target is away")));
        }
        let mut taken = lock(&self.target.0.taken);
        if !taken.plans.iter().any(|plan| plan.id == self.plan.id) {
            taken.plans.push(self.plan.clone());
            taken.names.extend_from_slice(&self.names);
        }
        Ok(())
    }
}

/// The names of rows; metrics have none.
pub fn names(rows: &Rows) -> Vec<Name> {
    let span_names = |rows: &Spans| rows.get(spans::NAME).iter().flatten().map(str::to_owned).collect();
    let event_names = |rows: &Logs| rows.get(logs::EVENT_NAME).iter().flatten().map(str::to_owned).collect();
    match rows {
        Rows::Spans(rows) => span_names(rows),
        Rows::Logs(rows) => event_names(rows),
        Rows::Metrics(_) => Vec::new(),
    }
}
