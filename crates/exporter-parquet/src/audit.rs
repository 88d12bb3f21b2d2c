//! Reading back what was delivered: every file of a log and exporter, held against itself, against the others and
//! against what the log counts.

use std::collections::{BTreeMap, BTreeSet};

use spanledger_component::{Audit, ComponentId, Delivered, LogId, Position, Retry, Signal};

use crate::inspect::{Inspected, inspect};
use crate::partition;
use crate::store::Store;

/// Reads all files of the log and the exporter; a file at a time is in memory.
pub(crate) async fn audit(
    store: &Store,
    (log, exporter): (LogId, &ComponentId),
    delivered: &Delivered,
) -> Result<Audit, Retry> {
    let mut audit = Audit::default();
    let mut tables: BTreeMap<String, Files> = BTreeMap::new();
    let own = format!("{log}-{}-", partition::file_word(exporter));
    let mut named: Vec<_> =
        store.list().await?.into_iter().filter_map(|path| Some((range_of(&path, &own)?, path))).collect();
    named.sort();
    for (range, path) in named {
        let content = store.read(&path).await?;
        audit.files += 1;
        audit.bytes += content.len() as u64;
        let file = inspect(&content, &log.to_string(), &exporter.to_string())
            .and_then(|file| fits_name(file, range, &path));
        let file = match file {
            Ok(file) => file,
            Err(problem) => {
                audit.problem(format!("{} {problem}", store.address(&path)));
                continue;
            }
        };
        let files = tables.entry(file.table.clone()).or_default();
        if let Err(problem) = files.add(&file) {
            audit.problem(format!("{} {problem}", store.address(&path)));
        }
        let is_counted = file.range.0 >= delivered.from && Some(file.range) != delivered.open;
        if let Some(signal) = signal_of(&file.table).filter(|_| is_counted) {
            *audit.rows.entry(signal).or_default() += file.rows.len() as u64;
        }
    }
    compare(&mut audit, delivered);
    Ok(audit)
}

/// What the rows of all files must add up to.
fn compare(audit: &mut Audit, delivered: &Delivered) {
    for (signal, expected) in delivered.items.iter().filter(|(signal, _)| **signal != Signal::Metrics) {
        let found = audit.rows.get(signal).copied().unwrap_or_default();
        let items = signal.items().replace('_', " ");
        if found < *expected {
            audit.problem(format!(
                "{expected} {items} were delivered, {found} are there: files were removed or lost, or cannot be read"
            ));
        } else if found > *expected {
            audit.problem(format!(
                "{expected} {items} were delivered, {found} are there: the log is an older copy"
            ));
        }
    }
}

fn signal_of(table: &str) -> Option<Signal> {
    match table {
        "spans" => Some(Signal::Traces),
        "logs" => Some(Signal::Logs),
        _ => None,
    }
}

/// The range in the name of a file that begins with `own`; `None` for the files of others.
fn range_of(path: &str, own: &str) -> Option<(Position, Position)> {
    let name = path.rsplit('/').next()?.strip_prefix(own)?.strip_suffix(".parquet")?;
    let (first, last) = name.split_once('-')?;
    let position = |hex: &str| u64::from_str_radix(hex, 16).ok().map(Position);
    Some((position(first)?, position(last)?))
}

fn fits_name(file: Inspected, range: (Position, Position), path: &str) -> Result<Inspected, String> {
    let folder = format!("v1/{}/", file.table);
    match file.range == range && path.starts_with(&folder) {
        true => Ok(file),
        false => Err(format!(
            "is of table {} and positions {} to {} by its footer, and has another name",
            file.table, file.range.0, file.range.1
        )),
    }
}

/// The files of a table so far, in the order of their first positions.
#[derive(Default)]
struct Files {
    /// The plan of the newest range, and the range.
    newest: Option<(String, (Position, Position))>,
    /// Rows that a later file may have too: those of ranges which reach as far as the newest.
    rows: BTreeSet<(i64, i32)>,
}

impl Files {
    fn add(&mut self, file: &Inspected) -> Result<(), String> {
        let (first, last) = file.range;
        let end = self.newest.as_ref().map(|(_, range)| range.1);
        if end.is_some_and(|end| end < first) {
            self.rows.clear();
        }
        let doubled = file.rows.iter().filter(|row| !self.rows.insert(**row)).count();
        let overlapping = self.newest.as_ref().filter(|(plan, range)| *plan != file.plan && first <= range.1);
        // What went to the dead letters is delivered later, in a range of its own.
        let overlapping = overlapping.filter(|_| first != last).map(|(plan, range)| {
            format!(
                "is of positions {first} to {last}, which overlap {} to {} of plan {plan}",
                range.0, range.1
            )
        });
        if end.is_none_or(|end| end < last) {
            self.newest = Some((file.plan.clone(), file.range));
        }
        match (doubled, overlapping) {
            (0, None) => Ok(()),
            (0, Some(overlapping)) => Err(overlapping),
            (doubled, _) => Err(format!("has {doubled} rows that stand in this table twice")),
        }
    }
}
