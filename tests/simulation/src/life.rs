//! What happens in one life of the collector: a schedule drawn from the seed, until something ends it.

use std::fmt;
use std::time::Duration;

use futures::FutureExt as _;
use spanledger_component::Host;
use spanledger_engine::Running;
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::client::{Kind, Reached};
use crate::collector;
use crate::components::Stage;
use crate::disk::Trouble;
use crate::judge::judge_scrape;
use crate::lock;
use crate::store::StoreTrouble;
use crate::violation::Invariant;
use crate::world::World;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Everything that waits is delivered in this time once all is well: the longest pause between attempts is half a minute.
const HEALED_WITHIN: Duration = Duration::from_secs(600);

/// What ended a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The power failed.
    Crashed,
    /// The process was killed.
    Killed,
    /// It was stopped in order.
    Stopped,
    /// It did not start.
    NotStarted(String),
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed => out.write_str("the power fails"),
            Self::Killed => out.write_str("the process is killed"),
            Self::Stopped => out.write_str("the collector has stopped"),
            Self::NotStarted(reason) => write!(out, "the collector did not start: {reason}"),
        }
    }
}

/// Lives one life.
pub(crate) async fn live(world: &mut World, stage: &Stage) -> End {
    let disk = world.disk.clone();
    let mut sending = JoinSet::new();
    let lived = async {
        let running = match start(world).await {
            Ok(running) => running,
            Err(end) => return end,
        };
        let mut life =
            Life { world, stage, host: running.host(), running: Some(running), sending: &mut sending };
        if life.world.is_healed { life.last().await } else { life.run().await }
    };
    let ended = tokio::select! {
        biased;
        () = disk.died() => None,
        end = lived => Some(end),
    };
    match ended {
        Some(end) => end,
        None => died(world),
    }
}

/// It died at an operation of the disk.
fn died(world: &mut World) -> End {
    world.faults.kills_at_operations += 1;
    if world.random.bool() {
        return End::Killed;
    }
    world.faults.torn_writes += 1;
    world.power_fails()
}

async fn start(world: &mut World) -> Result<Running, End> {
    world.change_config();
    if !world.is_healed && world.random.u8(..6) == 0 {
        // The next start is interrupted, too.
        world.disk.die_in(world.random.u64(1..12));
    }
    let World { settings, disk, clock, random, .. } = world;
    let started = collector::start(settings, disk, clock, random).await;
    match started {
        Err(_) if world.disk.is_dead() => Err(died(world)),
        started => started.map_err(|error| End::NotStarted(error.to_string())),
    }
}

impl World {
    /// The life that begins has another config, if it was changed during the last one.
    fn change_config(&mut self) {
        if std::mem::take(&mut self.has_new_config) {
            self.settings.change(&mut self.random);
            self.faults.config_changes += 1;
        }
    }

    fn power_fails(&mut self) -> End {
        self.faults.power_losses += 1;
        self.faults.lost_names += 1;
        self.faults.dropped_pages += u64::from(self.faults.failed_syncs > 0);
        End::Crashed
    }
}

struct Life<'a> {
    world: &'a mut World,
    stage: &'a Stage,
    running: Option<Running>,
    host: Arc<dyn Host>,
    /// The client's requests under way.
    sending: &'a mut JoinSet<()>,
}

impl Life<'_> {
    /// Does what the seed says until the life ends.
    async fn run(&mut self) -> End {
        loop {
            if self.world.actions_left == 0 {
                return self.end().await;
            }
            self.world.actions_left -= 1;
            if let Some(end) = self.act().await {
                return end;
            }
            self.check_running();
            let pause = self.world.random.u64(1..400);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn act(&mut self) -> Option<End> {
        match self.world.random.u8(..100) {
            0..40 => self.send(),
            40..50 => {
                let seconds = self.world.random.u64(1..40);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            50..58 => self.resend(),
            58..66 => self.scrape(),
            66..70 => self.flush().await,
            70..77 => self.trouble_store(),
            77..82 => self.trouble_disk(),
            82..87 => self.world.disk.die_in(self.world.random.u64(1..60)),
            87..90 => self.damage(),
            90..92 => self.wrong_clock(),
            92..94 => self.rebatch(),
            94 => self.world.has_new_config = true,
            _ => return Some(self.end().await),
        }
        None
    }

    /// Ends the life in one of the ways there are.
    async fn end(&mut self) -> End {
        self.world.has_new_config |= self.world.random.u8(..4) == 0;
        match self.world.random.u8(..6) {
            0 => self.stop().await,
            1 => {
                self.world.faults.drains += 1;
                self.world.trace.tell("world: drains");
                let drained = self.host.drain(Duration::from_secs(30)).await;
                self.world.trace.tell(format_args!("world: drained: {}", drained.is_ok()));
                self.stop().await
            }
            2 | 3 => End::Killed,
            _ => self.world.power_fails(),
        }
    }

    async fn stop(&mut self) -> End {
        self.world.trace.tell("world: stops");
        let Some(running) = self.running.take() else { return End::Stopped };
        let stopped = running.stop().await.waiting.len();
        self.world.trace.tell(format_args!("world: stopped, {stopped} branches have something left"));
        End::Stopped
    }

    fn reached(&self) -> Option<Reached> {
        let intake = lock(&self.stage.intake).clone()?;
        Some(Reached { intake, disk: self.world.disk.clone(), config: self.world.settings.config })
    }

    fn send_request(&mut self, number: usize) {
        if let Some(reached) = self.reached() {
            self.sending.spawn(self.world.client.clone().send(number, reached));
        }
    }

    fn send(&mut self) {
        for _ in 0..self.world.random.u8(1..8) {
            let kind = match self.world.random.u8(..60) {
                0 => Kind::Malformed,
                1..4 if self.world.nature.is_poisoned => Kind::Poison,
                _ => Kind::Plain,
            };
            self.world.faults.poison += u64::from(kind == Kind::Poison);
            let number = self.world.client.make(kind);
            self.send_request(number);
        }
    }

    fn resend(&mut self) {
        if let Some(number) = self.world.client.to_resend() {
            self.send_request(number);
        }
    }

    fn rebatch(&mut self) {
        if let Some(number) = self.world.client.rebatch() {
            self.world.faults.rebatches += 1;
            self.send_request(number);
        }
    }

    /// What a scrape sees may only rise, also over crashes.
    fn scrape(&mut self) {
        let Some(scrape) = lock(&self.stage.metrics).clone() else { return };
        self.world.faults.scrapes += 1;
        self.world.trace.tell(format_args!("world: scrapes {} series", scrape.len()));
        let may_begin_anew = self.world.faults.lost_pages > 0;
        self.world.scrape = judge_scrape(&self.world.scrape, scrape, may_begin_anew, &self.world.violations);
    }

    async fn flush(&mut self) {
        let flushed = self.host.flush(None, Duration::from_secs(5)).await;
        self.world.trace.tell(format_args!("world: flushed: {}", flushed.is_ok()));
    }

    fn trouble_store(&mut self) {
        let trouble = match self.world.random.u8(..6) {
            0 => Some(StoreTrouble::Away),
            1 => Some(StoreTrouble::Storm),
            2 | 3 => Some(StoreTrouble::Lossy),
            _ => None,
        };
        self.world.faults.store_outages += u64::from(trouble == Some(StoreTrouble::Away));
        self.world.trace.tell(format_args!("world: trouble of the store: {trouble:?}"));
        self.world.store.set_trouble(trouble);
    }

    fn trouble_disk(&mut self) {
        if !self.world.nature.is_troubled {
            return;
        }
        let faults = &mut self.world.faults;
        let trouble = match self.world.random.u8(..9) {
            0 | 1 => {
                faults.failed_syncs += 1;
                Some(Trouble::FailingSyncs(self.world.random.u32(1..5)))
            }
            2 => {
                (faults.full_disks, faults.short_writes) = (faults.full_disks + 1, faults.short_writes + 1);
                Some(Trouble::Full)
            }
            3 => {
                faults.read_only_disks += 1;
                Some(Trouble::ReadOnly)
            }
            4 => {
                faults.out_of_handles += 1;
                Some(Trouble::NoHandles)
            }
            5 => {
                faults.stalls += 1;
                let stall = Duration::from_secs(self.world.random.u64(5..60));
                self.world.disk.stall_until(self.world.clock.elapsed() + stall);
                None
            }
            _ => None,
        };
        self.world.trace.tell(format_args!("world: trouble of the disk: {trouble:?}"));
        self.world.disk.set_trouble(trouble);
    }

    fn damage(&mut self) {
        if self.world.nature.loses_pages && self.world.random.u8(..3) == 0 {
            if let Some(page) = self.world.disk.damage_page() {
                self.world.faults.lost_pages += 1;
                self.world.client.note_damage(&page);
            }
        } else if self.world.nature.flips_bits
            && let Some(offset) = self.world.disk.flip_bit()
        {
            self.world.faults.flipped_bits += 1;
            self.world.faults.flipped_head_bits += u64::from(offset < 4096);
        }
    }

    fn wrong_clock(&mut self) {
        self.world.faults.clock_jumps += 1;
        let clock = self.world.clock.clone();
        match self.world.random.u8(..4) {
            0 => {
                clock.set_ahead(DAY_SECONDS);
                self.world.client.clock_jumped();
            }
            1 => clock.set_ahead(-DAY_SECONDS),
            2 => clock.freeze(),
            _ => {
                clock.mend();
                self.world.client.clock_jumped();
            }
        }
        self.world.trace.tell("world: the wall clock is set");
    }

    fn check_running(&mut self) {
        let Some(running) = &mut self.running else { return };
        if let Some(error) = running.failed().now_or_never() {
            self.world.violations.add(Invariant::Heals, format!("a component failed: {error}"));
        }
    }

    /// The last lives: everything that was accepted is delivered, and every ledger balances.
    async fn last(&mut self) -> End {
        while self.sending.join_next().await.is_some() {}
        if let Err(left) = self.host.flush(None, HEALED_WITHIN).await {
            self.world.violations.add(Invariant::Heals, format!("this is left: {left:?}"));
        }
        // A snapshot of what was flushed is handed out with it.
        self.scrape();
        // What waits for other spans of the same call is settled while nothing arrives.
        tokio::time::sleep(Duration::from_secs(self.world.settings.settle_seconds + 5)).await;
        self.scrape();
        for branch in self.host.status().branches {
            let is_lost = branch.ledger.quarantined > 0 && self.world.faults.lost_pages == 0;
            if branch.ledger.imbalance != 0 || branch.ledger.waiting != 0 || is_lost {
                self.world.violations.add(Invariant::Ledgers, format!("{}: {:?}", branch.id, branch.ledger));
            }
        }
        self.check_running();
        // An idle log looks every ten seconds for what it can delete.
        tokio::time::sleep(Duration::from_secs(30)).await;
        if let Err(reason) = self.host.ready() {
            self.world.violations.add(Invariant::Heals, format!("the collector is not ready: {reason}"));
        }
        if self.world.random.bool() { self.stop().await } else { self.world.power_fails() }
    }
}
