//! The open range: what was exported since the last seal.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;

use parquet::errors::ParquetError;
use spanledger_component::{Error, Plan, Rows};
use tokio::time::Instant;

use crate::delivery::Object;
use crate::file::File;
use crate::partition::{self, Day};
use crate::run::{Key, Run};
use crate::table::Table;

/// What was exported and is not sealed: runs that gather, and files that grow.
#[derive(Default)]
pub(crate) struct Range {
    opened: Option<Instant>,
    spans: Run,
    logs: Run,
    /// By table and day. Of the tables, `content` goes before `spans`, so that readers who join find both.
    files: BTreeMap<(&'static str, Day), File>,
    rows: u64,
}

/// A range that is sealed.
pub(crate) struct Sealed {
    /// Its files.
    pub(crate) objects: Vec<Object>,
}

impl Range {
    /// When its first row came; `None`: it has no rows.
    pub(crate) fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Size of what is encoded, all files together.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.files.values().map(File::bytes).sum()
    }

    /// Takes in rows; encodes what has gathered when a run is full, by rows or because the runs keep more than
    /// `run_bytes_max` from being freed. Metrics are refused.
    pub(crate) fn add(&mut self, rows: &Rows, run_bytes_max: usize) -> Result<(), Error> {
        match rows {
            Rows::Spans(spans) => {
                if self.spans.lacks_room_for(rows.len()) {
                    self.encode_spans()?;
                }
                self.spans.add_spans(spans).map_err(|error| Error::caused("gather spans", error))?;
            }
            Rows::Logs(logs) => {
                if self.logs.lacks_room_for(rows.len()) {
                    self.encode_logs()?;
                }
                self.logs.add_logs(logs).map_err(|error| Error::caused("gather log records", error))?;
            }
            Rows::Metrics(_) => return Err(Error::new("metrics are not written to Parquet")),
        }
        self.rows += rows.len() as u64;
        self.opened.get_or_insert_with(Instant::now);
        if self.spans.bytes() + self.logs.bytes() >= run_bytes_max {
            self.encode_spans()?;
            self.encode_logs()?;
        }
        Ok(())
    }

    /// Encodes what is left and ends the files.
    pub(crate) fn seal(mut self, plan: &Plan) -> Result<Sealed, Error> {
        self.encode_spans()?;
        self.encode_logs()?;
        let objects = self.files.into_iter().map(|((table, day), file)| {
            let path = partition::path(table, day, plan);
            let content =
                file.finish(plan).map_err(|error| Error::caused(format!("end file {path}"), error))?;
            Ok(Object { table, path, content })
        });
        Ok(Sealed { objects: objects.collect::<Result<_, Error>>()? })
    }

    fn encode_spans(&mut self) -> Result<(), Error> {
        let run = mem::take(&mut self.spans);
        self.encode(&run, Table::content())?;
        self.encode(&run, Table::spans())
    }

    fn encode_logs(&mut self) -> Result<(), Error> {
        let run = mem::take(&mut self.logs);
        self.encode(&run, Table::content_of_logs())?;
        self.encode(&run, Table::logs())
    }

    fn encode(&mut self, run: &Run, table: &'static Table) -> Result<(), Error> {
        for keys in run.sorted_for(table).chunk_by(|one, next| one.day == next.day) {
            let Some(first) = keys.first() else { continue };
            self.append(table, first.day, run, keys)
                .map_err(|error| Error::caused(format!("encode rows of table {}", table.name), error))?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        table: &'static Table,
        day: Day,
        run: &Run,
        keys: &[Key],
    ) -> Result<(), ParquetError> {
        let file = match self.files.entry((table.name, day)) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => place.insert(File::try_new(table)?),
        };
        file.append(table, run.batches(), keys)
    }
}
