//! Dead letters: the one record that a branch cannot take, kept as it arrived, with the reason.

use std::path::PathBuf;

use spanledger_component::{Clock, Error, Position};
use spanledger_wal::{Control, DeadLetter, Record, Wal};
use tracing::error;

use crate::files;

/// The newest of every branch, oldest first.
pub(crate) fn all(wal: &Wal) -> Vec<spanledger_component::DeadLetter> {
    let state = wal.state();
    let of_branches = state.branches.iter().flat_map(|(branch, of_branch)| {
        of_branch.dead_letters.iter().map(move |letter| spanledger_component::DeadLetter {
            branch: branch.clone(),
            position: Position(letter.position.0),
            reason: letter.reason.clone(),
            unix_nano: letter.unix_ns,
            version: letter.version.clone(),
            file: folder(wal).join(files::hex(&letter.file_hash)),
        })
    });
    of_branches.collect()
}

fn folder(wal: &Wal) -> PathBuf {
    wal.directory().join("dead-letters")
}

/// Keeps the record's body and notes in the log, once, why `branch` did not get it. Durable when it returns.
pub(crate) async fn keep(
    wal: &Wal,
    clock: &dyn Clock,
    branch: &str,
    record: &Record,
    reason: &str,
) -> Result<(), Error> {
    let known =
        wal.state().branches.get(branch).is_some_and(|branch| {
            branch.dead_letters.iter().any(|letter| letter.position == record.position)
        });
    if known {
        // It was put there before a crash, which the plan that names it did not survive.
        return Ok(());
    }
    let folder = folder(wal);
    let hash = files::write_content(&folder, &record.body)?;
    files::charge(wal);
    error!(branch, position = record.position.0, reason, file = %folder.join(files::hex(&hash)).display(),
        "record cannot be delivered and went to the dead letters");
    let letter = DeadLetter {
        position: record.position,
        reason: reason.to_owned(),
        file_hash: hash.to_vec(),
        unix_ns: clock.now_unix_nano(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let noted = wal.record(Control::DeadLetter { branch: branch.to_owned(), letter }).await;
    let position = Position(record.position.0);
    noted
        .map(drop)
        .map_err(|error| Error::caused(format!("note the dead letter of position {position}"), error))
}
