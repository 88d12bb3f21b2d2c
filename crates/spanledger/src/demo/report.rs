//! What the demo's Parquet files hold, read back with the Parquet library.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array as _, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use spanledger_component::Error;

use crate::table;

/// What one model's calls add up to.
#[derive(Default)]
struct Sums {
    calls: u64,
    input: i64,
    output: i64,
    /// In 1e-12 USD; `None` when no call had a price.
    cost: Option<i128>,
    nanos: i64,
}

/// A table of calls, tokens, cost and latency by model.
pub(crate) fn calls(lake: &Path) -> Result<String, Error> {
    let mut models: BTreeMap<String, Sums> = BTreeMap::new();
    for path in paths(&lake.join("v1/spans"))? {
        for batch in read(&path)? {
            add(&mut models, &batch)
                .ok_or_else(|| Error::new(format!("{}: not the columns expected", path.display())))?;
        }
    }
    let head = ["model", "calls", "input tokens", "output tokens", "cost USD", "mean seconds"];
    let rows: Vec<_> = models.iter().map(|(model, sums)| row(model, sums)).collect();
    Ok(format!("Read back from the Parquet files:\n{}\n", table::render(&head, &rows)))
}

/// The files below the lake.
pub(crate) fn files(lake: &Path) -> Result<String, Error> {
    let paths: Vec<_> = paths(&lake.join("v1"))?.iter().map(|path| path.display().to_string()).collect();
    Ok(format!("Files written:\n{}", paths.join("\n")))
}

fn row(model: &str, sums: &Sums) -> Vec<String> {
    let mean = sums.nanos as f64 / 1e9 / sums.calls.max(1) as f64;
    let cost = sums.cost.map(|cost| format!("{:.6}", cost as f64 / 1e12));
    vec![
        model.to_owned(),
        sums.calls.to_string(),
        sums.input.to_string(),
        sums.output.to_string(),
        cost.unwrap_or_else(|| "unknown".to_owned()),
        format!("{mean:.2}"),
    ]
}

fn add(models: &mut BTreeMap<String, Sums>, batch: &RecordBatch) -> Option<()> {
    let column = |name| batch.column_by_name(name);
    let model = column("request_model")?.as_string_opt::<i32>()?;
    let billable = column("billable")?.as_boolean_opt()?;
    let input = column("input_tokens")?.as_primitive_opt::<Int64Type>()?;
    let output = column("output_tokens")?.as_primitive_opt::<Int64Type>()?;
    let cost = column("cost_total")?.as_primitive_opt::<Decimal128Type>()?;
    let nanos = column("duration_ns")?.as_primitive_opt::<Int64Type>()?;
    for row in (0..batch.num_rows()).filter(|row| billable.value(*row)) {
        let name = if model.is_valid(row) { model.value(row) } else { "" };
        let sums = models.entry(name.to_owned()).or_default();
        sums.calls += 1;
        sums.input += if input.is_valid(row) { input.value(row) } else { 0 };
        sums.output += if output.is_valid(row) { output.value(row) } else { 0 };
        sums.nanos += nanos.value(row);
        if cost.is_valid(row) {
            *sums.cost.get_or_insert(0) += cost.value(row);
        }
    }
    Some(())
}

fn read(path: &Path) -> Result<Vec<RecordBatch>, Error> {
    let place = || format!("read {}", path.display());
    let file = File::open(path).map_err(|error| Error::caused(place(), error))?;
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let batches = reader.map_err(|error| Error::caused(place(), error))?.collect::<Result<_, _>>();
    batches.map_err(|error| Error::caused(place(), error))
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = |folder: &Path| {
        fs::read_dir(folder).map_err(|error| Error::caused(format!("list {}", folder.display()), error))
    };
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in list(&folder)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
