//! A world: one seed, one thread, several lives of a collector, and what is true at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use tokio::runtime::Builder;

use crate::client::{Client, Sent};
use crate::clock::WorldClock;
use crate::collector::{self, Settings};
use crate::components::{Scrape, Stage};
use crate::disk::SimulatedDisk;
use crate::faults::Faults;
use crate::judge::{judge, judge_counters};
use crate::life::{self, End};
use crate::rows;
use crate::store::SimulatedStore;
use crate::trace::Trace;
use crate::violation::{Invariant, Violation, Violations};

/// Lives that begin while something may be wrong.
const LIVES_MAX: u32 = 40;
/// Starts in a row that may fail before the disk is mended.
const FAILED_STARTS_MAX: u32 = 3;

/// How a world went.
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// A number that stands for everything that happened, in order.
    pub trace_hash: u64,
    /// How many things happened.
    pub events: u64,
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// The last events.
    pub tail: String,
    /// How often which fault happened.
    pub faults: Faults,
    /// What the store holds, by path.
    pub objects: BTreeMap<String, Bytes>,
    /// The client's own record.
    pub(crate) sent: Vec<Sent>,
}

/// Everything that outlives the collector.
pub(crate) struct World {
    pub(crate) random: Rng,
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) disk: SimulatedDisk,
    pub(crate) store: SimulatedStore,
    pub(crate) client: Client,
    pub(crate) trace: Trace,
    pub(crate) violations: Violations,
    pub(crate) settings: Settings,
    /// The config was changed, and takes effect with the next start.
    pub(crate) has_new_config: bool,
    pub(crate) faults: Faults,
    /// What the last scrape saw.
    pub(crate) scrape: Scrape,
    /// What may happen in this world.
    pub(crate) nature: Nature,
    pub(crate) actions_left: u32,
    /// Everything that was wrong is right, and stays so.
    pub(crate) is_healed: bool,
}

/// What may happen in a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nature {
    pub(crate) flips_bits: bool,
    pub(crate) loses_pages: bool,
    pub(crate) is_poisoned: bool,
    pub(crate) is_troubled: bool,
}

/// Runs the world of a seed on this thread.
pub fn run(seed: u64) -> Outcome {
    World::new(seed).run(seed)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let clock = Arc::new(WorldClock::default());
        let trace = Trace::new(clock.clone());
        let violations = Violations::default();
        let disk = SimulatedDisk::new(random.fork(), trace.clone());
        let ignores_conditions = random.u8(..6) == 0;
        let store = SimulatedStore::new(
            random.fork(),
            clock.clone(),
            trace.clone(),
            disk.clone(),
            ignores_conditions,
        );
        let client = Client::new(seed, random.fork(), clock.clone(), trace.clone(), violations.clone());
        let nature = Nature {
            flips_bits: random.bool(),
            loses_pages: random.u8(..8) == 0,
            is_poisoned: random.u8(..5) == 0,
            is_troubled: random.u8(..4) > 0,
        };
        let settings = Settings::chosen(&mut random);
        let actions_left = random.u32(20..90);
        let faults = Faults { ignored_conditions: ignores_conditions.into(), ..Faults::default() };
        Self {
            random,
            clock,
            disk,
            store,
            client,
            trace,
            violations,
            settings,
            has_new_config: false,
            faults,
            scrape: Scrape::new(),
            nature,
            actions_left,
            is_healed: false,
        }
    }

    fn run(mut self, seed: u64) -> Outcome {
        self.trace.tell(format_args!("world: seed {seed}, {:?}, {:?}", self.nature, self.settings));
        let mut failed_starts = 0;
        for _ in 0..LIVES_MAX {
            if self.actions_left == 0 {
                break;
            }
            let end = self.live();
            failed_starts = if matches!(end, End::NotStarted(_)) { failed_starts + 1 } else { 0 };
            if failed_starts > FAILED_STARTS_MAX {
                self.disk.set_trouble(None);
            }
        }
        self.heal();
        // Twice: what is delivered stays so, and what is counted goes on.
        for _ in 0..2 {
            self.live();
        }
        self.finish(seed)
    }

    /// One life of the collector, from its start to whatever ends it.
    fn live(&mut self) -> End {
        self.disk = self.disk.next_life();
        self.store = self.store.next_life(&self.disk);
        let stage = Stage::new(self.store.clone());
        stage.set();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without threads and sockets needs nothing");
        let end = runtime.block_on(async {
            self.clock.begin();
            let end = life::live(self, &stage).await;
            self.clock.end();
            end
        });
        self.trace.tell(format_args!("world: {end}"));
        match &end {
            End::Crashed => self.disk.crash(),
            End::Killed | End::Stopped | End::NotStarted(_) => self.disk.kill(),
        }
        // With the runtime goes everything that the process had begun.
        drop(runtime);
        self.check_start(&end);
        end
    }

    /// A start may fail while the disk is in trouble, and only then.
    fn check_start(&self, end: &End) {
        if let End::NotStarted(reason) = end
            && self.disk.trouble().is_none()
        {
            self.violations.add(Invariant::Heals, format!("the collector does not start: {reason}"));
        }
    }

    fn heal(&mut self) {
        self.trace.tell("world: all faults are over");
        self.disk.set_trouble(None);
        self.store.set_trouble(None);
        self.clock.mend();
        self.is_healed = true;
    }

    fn finish(mut self, seed: u64) -> Outcome {
        self.verify();
        let objects = self.store.objects();
        let sent = self.client.record();
        match rows::read(&objects) {
            Ok(rows) => {
                judge(&sent, &rows, &self.violations);
                if sent.iter().all(|sent| !sent.is_damaged) {
                    let is_settled = self.settings.settle_seconds > 0;
                    judge_counters(&self.scrape, &rows, is_settled, &self.violations);
                }
            }
            Err(reason) => self.violations.add(Invariant::NothingLost, reason),
        }
        self.faults.note_store(self.store.seen());
        self.faults.note_client(self.client.habits());
        Outcome {
            seed,
            trace_hash: self.trace.hash(),
            events: self.trace.events(),
            violations: self.violations.all(),
            tail: self.trace.tail(),
            faults: self.faults,
            objects,
            sent,
        }
    }

    /// The log reads well; what was damaged on purpose is repaired, or known to be lost.
    fn verify(&mut self) {
        self.disk = self.disk.next_life();
        match collector::verify(&self.settings, &self.disk, &self.clock) {
            Ok(report) => {
                let is_damaged = self.faults.flipped_bits + self.faults.lost_pages > 0;
                for problem in report
                    .problems
                    .iter()
                    .filter(|problem| !is_damaged || problem.severity == spanledger_wal::Severity::Lost)
                {
                    self.violations.add(Invariant::Ledgers, format!("the log does not verify: {problem:?}"));
                }
            }
            Err(error) => {
                self.violations.add(Invariant::Ledgers, format!("the log does not verify: {error}"))
            }
        }
    }
}
