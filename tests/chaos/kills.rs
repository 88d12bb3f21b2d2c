//! SIGKILL.

use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::Trial;

const KILLS: u64 = 8;

/// Killed after a random number of spans, again and again.
pub async fn at_random_times(tally: &mut Tally) {
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    for _ in 0..KILLS {
        trial.start();
        trial.acknowledge(tally.between(5, 1500) as usize).await;
        trial.kill();
        tally.crash();
    }
    trial.start();
    tally.judged(trial.judge().await);
}
