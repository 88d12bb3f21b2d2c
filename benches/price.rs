//! What the price of a call costs: once its names are known, and against a call whose names have no price.

use std::hint::black_box;
use std::time::Instant;

use spanledger_benches::{Report, quantile};
use spanledger_genai::{CallRef, CostStatus, Prices};
use spanledger_instructions::call;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 60;
const CALLS: usize = 20_000;

/// A call as a span of one SDK tells of it.
struct Case {
    name: &'static str,
    provider: &'static str,
    model: &'static str,
    service_tier: Option<&'static str>,
}

const UNPRICED: Case =
    Case { name: "no price", provider: "acme", model: "our-own-model-2026", service_tier: None };

const CASES: [Case; 4] = [
    Case { name: "plain", provider: "openai", model: "gpt-4o-mini-2024-07-18", service_tier: None },
    Case { name: "a tier of the service", provider: "openai", model: "gpt-5", service_tier: Some("flex") },
    Case {
        name: "cache and steps by size",
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        service_tier: None,
    },
    Case { name: "times of the day", provider: "deepseek", model: "deepseek-chat", service_tier: None },
];

fn main() {
    let prices = Prices::bundled();
    let mut report = Report::new("price", "the cost of a call whose names are known, ns on one core");
    let [mut with, mut without] = [Vec::new(), Vec::new()];
    for case in &CASES {
        with.clear();
        without.clear();
        // By turns, so that what else the machine does hits both.
        for _ in 0..ROUNDS {
            with.push(nanoseconds_a_call(&prices, case));
            without.push(nanoseconds_a_call(&prices, &UNPRICED));
        }
        let mut ratios: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
        report.add(
            case.name,
            vec![
                ("priced ns", quantile(&mut with, 0.5)),
                ("unpriced ns", quantile(&mut without, 0.5)),
                ("priced / unpriced", quantile(&mut ratios, 0.5)),
            ],
        );
        let is_priced = prices.cost(&case.call(0)).status == CostStatus::Priced;
        assert!(is_priced, "{} has a price", case.name);
    }
    report.print();
}

fn nanoseconds_a_call(prices: &Prices, case: &Case) -> f64 {
    let started = Instant::now();
    for number in 0..CALLS {
        black_box(prices.cost(black_box(&case.call(number as i64))));
    }
    started.elapsed().as_secs_f64() * 1e9 / CALLS as f64
}

impl Case {
    fn call(&self, number: i64) -> CallRef<'static> {
        CallRef { service_tier: self.service_tier, ..call(self.provider, self.model, number) }
    }
}
