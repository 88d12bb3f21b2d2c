//! What stands in the Parquet files, read with the Parquet library.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// What a row of `spans` is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub span_id: String,
    pub log: String,
    pub position: i64,
    pub index: i32,
}

/// Every row of `spans`.
pub fn rows(lake: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in files(&lake.join("v1/spans")) {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
        for batch in reader.map(Result::unwrap) {
            let column = |name: &str| batch.column_by_name(name).unwrap();
            let texts = |name: &str| column(name).as_string::<i32>().clone();
            let (span_ids, logs) = (texts("span_id"), texts("log"));
            let positions = column("position").as_primitive::<Int64Type>();
            let indices = column("index").as_primitive::<Int32Type>();
            rows.extend((0..batch.num_rows()).map(|row| Row {
                span_id: span_ids.value(row).to_owned(),
                log: logs.value(row).to_owned(),
                position: positions.value(row),
                index: indices.value(row),
            }));
        }
    }
    rows
}

/// The span ids of every row of `spans`, sorted.
pub fn span_ids(lake: &Path) -> Vec<String> {
    let mut ids: Vec<_> = rows(lake).into_iter().map(|row| row.span_id).collect();
    ids.sort();
    ids
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
