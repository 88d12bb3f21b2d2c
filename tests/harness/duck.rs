//! DuckDB, the judge of what is in the Parquet files.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tools;

/// The rows of a query. `{spans}`, `{content}` and `{logs}` stand for the files of those tables below `lake`.
pub fn query(lake: &Path, sql: &str) -> Vec<Value> {
    let table = |name: &str| {
        let files = lake.join("v1").join(name).join("**/*.parquet");
        format!("read_parquet('{}', hive_partitioning = false)", files.display())
    };
    let sql = ["spans", "content", "logs"]
        .iter()
        .fold(sql.to_owned(), |sql, name| sql.replace(&format!("{{{name}}}"), &table(name)));
    let output = Command::new(tools::python()).arg(tools::script("duck.py")).arg(&sql).output().unwrap();
    assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The one number of a query with one row and one column.
pub fn number(lake: &Path, sql: &str) -> i64 {
    let rows = query(lake, sql);
    let row = rows.first().and_then(Value::as_object).unwrap_or_else(|| panic!("no row from {sql}"));
    row.values().next().and_then(Value::as_i64).unwrap_or_else(|| panic!("no number from {sql}: {row:?}"))
}
