//! What worlds left behind as files, for a judge that is none of ours: DuckDB.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use crate::client::Kind;
use crate::lock;
use crate::world::Outcome;

/// The objects of many worlds in a folder, and what their clients know.
pub struct Lake {
    folder: TempDir,
    record: Mutex<fs::File>,
}

/// Lines that no world may give.
const QUERY: &str = "
with rows as (
    select regexp_extract(filename, 'seed-([0-9]+)/', 1)::ubigint as seed, *
    from read_parquet('{lake}/*/lake/v1/spans/**/*.parquet', filename = true, hive_partitioning = false)
),
sent as (from read_csv('{lake}/sent.csv')),
counted as (select seed, trace_id, span_id, count(*) as n from rows group by all)
select 'I1 acknowledged, and has no row' as what, seed, span_id
from sent where must_be_there and not exists
    (from counted where counted.seed = sent.seed and counted.trace_id = sent.trace_id and counted.span_id = sent.span_id)
union all
select 'I2 has ' || n || ' rows', seed, span_id
from counted join sent using (seed, trace_id, span_id) where n > 1 and is_sent_once
union all
select 'I2 one place of the log has ' || count(*) || ' rows', seed, any_value(span_id)
from rows group by seed, log, position, index having count(*) > 1
union all
select 'I4 nobody sent it', seed, span_id
from counted where not exists
    (from sent where counted.seed = sent.seed and counted.trace_id = sent.trace_id and counted.span_id = sent.span_id)
";

impl Lake {
    /// An empty one.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut record = fs::File::create(folder.path().join("sent.csv")).unwrap();
        writeln!(record, "seed,trace_id,span_id,must_be_there,is_sent_once").unwrap();
        Self { folder, record: Mutex::new(record) }
    }

    /// Adds what a world left behind.
    pub fn add(&self, outcome: &Outcome) {
        let seed = outcome.seed;
        for (path, content) in outcome.objects.iter().filter(|(path, _)| path.contains("/v1/spans/")) {
            let path = self.folder.path().join(format!("seed-{seed}")).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let mut lines = String::new();
        for sent in &outcome.sent {
            let must = sent.is_acknowledged && sent.kind == Kind::Plain && !sent.is_damaged;
            let once = !sent.is_rebatched && !sent.is_damaged;
            for span in &sent.spans {
                lines += &format!("{seed},{},{},{must},{once}\n", span.trace_id, span.span_id);
            }
        }
        lock(&self.record).write_all(lines.as_bytes()).unwrap();
    }

    /// What DuckDB finds wrong, a line each; `None` where there is no Python with it.
    pub fn judge(&self) -> Option<Vec<String>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = std::env::var_os("SPANLEDGER_PYTHON")
            .map_or_else(|| root.join("target/tools/python/bin/python"), PathBuf::from);
        if !python.exists() {
            return None;
        }
        let sql = QUERY.replace("{lake}", &self.folder.path().to_string_lossy());
        let output = Command::new(python).arg(root.join("tests/support/duck.py")).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
    }
}
