//! The judge: what the senders know, held against what DuckDB finds in the files.

use std::collections::HashSet;
use std::path::Path;

use super::{Sent, duck};

/// What a judgement counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub acknowledged: usize,
    pub unknown: usize,
    pub rows: usize,
}

/// Whether what was acknowledged is in the files exactly once, and nothing else is but what may be; else what is wrong.
pub fn judge(sent: &Sent, lake: &Path) -> Result<Figures, String> {
    let rows = duck::query(lake, "select span_id, count(*) as n from {spans} group by all");
    let there: HashSet<String> = rows.iter().map(|row| row["span_id"].as_str().unwrap().to_owned()).collect();
    let (acknowledged, unknown) = (sent.acknowledged(), sent.unknown());

    let mut wrong = Vec::new();
    let lost = acknowledged.difference(&there).count();
    if lost > 0 {
        wrong.push(format!("{lost} of {} acknowledged spans are lost", acknowledged.len()));
    }
    let twice = rows.iter().filter(|row| row["n"] != 1).count();
    if twice > 0 {
        wrong.push(format!("{twice} spans stand there more than once"));
    }
    let strange = there.iter().filter(|id| !acknowledged.contains(*id) && !unknown.contains(*id)).count();
    if strange > 0 {
        wrong.push(format!("{strange} spans were never sent"));
    }
    let places = "select count(*) - count(distinct (log, position, index)) from {spans}";
    let repeated = duck::number(lake, places);
    if repeated > 0 {
        wrong.push(format!("(log, position, index) is not unique in {repeated} rows"));
    }
    let figures = Figures { acknowledged: acknowledged.len(), unknown: unknown.len(), rows: there.len() };
    if wrong.is_empty() { Ok(figures) } else { Err(wrong.join("; ")) }
}
