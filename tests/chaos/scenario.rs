//! The list of scenarios, run in turn: each says what it did, and leaves a record of it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Figures;

/// One fault, in one way of bringing it about.
pub struct Scenario {
    /// Its number in the list of faults.
    pub fault: u32,
    pub name: &'static str,
    pub how: &'static str,
    pub run: fn(&mut Tally),
}

/// What a scenario did.
#[derive(Default)]
pub struct Tally {
    /// Where its random numbers go on.
    pub random: u64,
    /// Whether the machine could not do it, and why.
    pub skipped: Option<String>,
    /// How often the fault was brought about.
    pub runs: u64,
    /// What one of these times is, if it is no cycle of everything.
    unit: Option<&'static str>,
    /// How often a process died in it.
    pub crashes: u64,
    pub spans: u64,
    pub rows: u64,
    notes: Vec<String>,
}

impl Tally {
    /// The fault was brought about once more; nothing died.
    pub fn run(&mut self) {
        self.runs += 1;
    }

    /// The fault was brought about with one more request.
    pub fn request(&mut self) {
        self.runs += 1;
        self.unit = Some("requests");
    }

    /// The process died once more.
    pub fn crash(&mut self) {
        self.runs += 1;
        self.crashes += 1;
    }

    /// A trial was judged, and all was well.
    pub fn judged(&mut self, figures: Figures) {
        self.spans += figures.acknowledged as u64;
        self.rows += figures.rows as u64;
    }

    /// Something that whoever reads the run should know.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Whether the machine lacks what is needed; as root in CI everything has to be there.
    pub fn skips(&mut self, lacking: Option<String>) -> bool {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        let Some(reason) = lacking else { return false };
        assert!(
            !(is_ci && rustix::process::geteuid().is_root()),
            "in CI nothing is skipped as root: {reason}"
        );
        self.skipped = Some(reason);
        true
    }

    /// A number between two; the lower one when that is not below the upper.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        first.min(last) + (self.random >> 33) % (last.saturating_sub(first) + 1)
    }
}

/// Runs every scenario once, and again from the first as long as there is time. Fails if one of them did.
pub fn run_all(scenarios: &[Scenario]) -> ExitCode {
    let began = Instant::now();
    let minutes: u64 =
        std::env::var("SPANLEDGER_CHAOS_MINUTES").map_or(4, |minutes| minutes.parse().unwrap());
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen: Vec<&Scenario> = scenarios
        .iter()
        .filter(|scenario| words.is_empty() || words.iter().any(|word| scenario.is(word)))
        .collect();
    let mut seed = u64::from(std::process::id());
    if let Ok(given) = std::env::var("SPANLEDGER_CHAOS_SEED") {
        seed = given.parse().unwrap();
    }
    println!("{} scenarios, {minutes} minutes, SPANLEDGER_CHAOS_SEED={seed}", chosen.len());

    let mut outcomes: BTreeMap<&str, Outcome> = BTreeMap::new();
    for round in 0.. {
        for scenario in &chosen {
            let is_over = began.elapsed() > Duration::from_secs(60 * minutes);
            let is_pointless = outcomes.get(scenario.name).is_some_and(|outcome| outcome.skipped.is_some());
            if round > 0 && (is_over || is_pointless) {
                continue;
            }
            outcomes.entry(scenario.name).or_default().add(scenario, seed.wrapping_add(round));
        }
        if began.elapsed() > Duration::from_secs(60 * minutes) || chosen.is_empty() {
            break;
        }
    }
    report(&chosen, &outcomes)
}

impl Scenario {
    fn is(&self, word: &str) -> bool {
        self.name.contains(word) || self.fault.to_string() == word
    }
}

/// How a scenario went, over all rounds.
#[derive(Default)]
struct Outcome {
    runs: u64,
    unit: Option<&'static str>,
    crashes: u64,
    spans: u64,
    rows: u64,
    failures: u64,
    skipped: Option<String>,
    time: Duration,
}

impl Outcome {
    fn add(&mut self, scenario: &Scenario, seed: u64) {
        println!("\n== fault {}: {}: {}", scenario.fault, scenario.name, scenario.how);
        let mut tally = Tally { random: seed ^ u64::from(scenario.fault) << 32, ..Tally::default() };
        let began = Instant::now();
        let failed = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut tally))).is_err();
        self.time += began.elapsed();
        self.runs += tally.runs;
        self.unit = tally.unit;
        self.crashes += tally.crashes;
        self.spans += tally.spans;
        self.rows += tally.rows;
        self.failures += u64::from(failed);
        tally.notes.iter().for_each(|note| println!("   {note}"));
        let word = match (&tally.skipped, failed) {
            (_, true) => "FAILED",
            (Some(_), false) => "skipped",
            (None, false) => "held",
        };
        println!(
            "   {word}: {} runs, {} processes died, {} spans acknowledged, {} rows, {:.1} s",
            tally.runs,
            tally.crashes,
            tally.spans,
            tally.rows,
            began.elapsed().as_secs_f64()
        );
        self.skipped = tally.skipped;
        if self.skipped.is_none() && self.failures == 0 {
            self.record(scenario);
        }
    }

    /// Leaves the record that the table of faults is made of.
    fn record(&self, scenario: &Scenario) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("reliability");
        std::fs::create_dir_all(&folder).unwrap();
        let record = json!({
            "fault": scenario.fault,
            "name": scenario.name,
            "how": scenario.how,
            "result": format!("held: {} spans acknowledged, none lost, none twice", self.spans),
            "runs": self.runs,
            "unit": self.unit.unwrap_or("cycles"),
        });
        let slug = scenario.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-").to_lowercase();
        let file = folder.join(format!("{}-chaos-{slug}.json", scenario.fault));
        std::fs::write(file, format!("{record}\n")).unwrap();
    }
}

fn report(chosen: &[&Scenario], outcomes: &BTreeMap<&str, Outcome>) -> ExitCode {
    println!("\nfault  {:44} {:>6} {:>6} {:>9} {:>8}", "name", "runs", "died", "spans", "seconds");
    for scenario in chosen {
        let outcome = &outcomes[scenario.name];
        let word = match (&outcome.skipped, outcome.failures) {
            (Some(reason), _) => format!("skipped: {reason}"),
            (None, 0) => "held".to_owned(),
            (None, failures) => format!("FAILED {failures} times"),
        };
        let seconds = outcome.time.as_secs();
        println!(
            "{:5}  {:44} {:6} {:6} {:9} {seconds:8}  {word}",
            scenario.fault, scenario.name, outcome.runs, outcome.crashes, outcome.spans
        );
    }
    let sum = |figure: fn(&Outcome) -> u64| outcomes.values().map(figure).sum::<u64>();
    let (crashes, spans, failures) =
        (sum(|outcome| outcome.crashes), sum(|outcome| outcome.spans), sum(|outcome| outcome.failures));
    println!("{crashes} times a process died, {spans} spans acknowledged, {failures} scenarios failed");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
