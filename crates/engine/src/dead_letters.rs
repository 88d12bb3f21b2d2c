//! Dead letters: the one record that a branch cannot take, kept as it arrived, with the reason.

use std::path::PathBuf;

use spanledger_component::{Clock, Error, Letters, Position, Signal};
use spanledger_wal::{Branch, Control, DeadLetter, Record, Wal};
use tracing::{error, warn};

use crate::files;
use crate::window::signal_index;

/// The newest of every branch, oldest first.
pub(crate) fn all(wal: &Wal) -> Vec<spanledger_component::DeadLetter> {
    let state = wal.state();
    let of_branches = state.branches.iter().flat_map(|(branch, of_branch)| {
        of_branch.dead_letters.iter().map(move |letter| described(wal, branch, letter))
    });
    of_branches.collect()
}

fn described(wal: &Wal, branch: &str, letter: &DeadLetter) -> spanledger_component::DeadLetter {
    let signal = Signal::ALL.into_iter().find(|signal| signal_index(*signal) == letter.signal);
    let file = folder(wal).join(files::hex(&letter.file_hash));
    spanledger_component::DeadLetter {
        branch: branch.to_owned(),
        position: Position(letter.position.0),
        reason: letter.reason.clone(),
        unix_nano: letter.unix_ns,
        version: letter.version.clone(),
        config: files::hex(&letter.config_hash),
        signal: signal.map_or_else(|| format!("signal {}", letter.signal), |signal| signal.to_string()),
        receiver: letter.receiver.to_string(),
        arrival_unix_nano: letter.arrival_unix_ns,
        items: letter.items.into(),
        bytes: wal.disk().open(&file).and_then(|file| file.length()).ok(),
        file,
    }
}

fn folder(wal: &Wal) -> PathBuf {
    wal.directory().join("dead-letters")
}

/// Those of a branch that are meant.
pub(crate) fn of_branch(wal: &Wal, branch: &str, which: &Letters) -> Vec<DeadLetter> {
    let state = wal.state();
    let letters = state.branches.get(branch).map(|branch| branch.dead_letters.as_slice()).unwrap_or_default();
    let is_branch = which.branch.as_deref().is_none_or(|meant| meant == branch);
    let is_meant =
        |letter: &&DeadLetter| is_branch && which.position.is_none_or(|meant| meant.0 == letter.position.0);
    letters.iter().filter(is_meant).cloned().collect()
}

/// Those of a branch whose reason may have gone: another version of the program put them aside, or another config.
pub(crate) fn outdated(wal: &Wal, branch: &str) -> Vec<Position> {
    let config_hash = config_hash(wal);
    let is_outdated = |letter: &DeadLetter| {
        letter.version != env!("CARGO_PKG_VERSION") || letter.config_hash != config_hash
    };
    let letters = of_branch(wal, branch, &Letters::default());
    letters.iter().filter(|letter| is_outdated(letter)).map(|letter| Position(letter.position.0)).collect()
}

/// Where those of a branch stand.
pub(crate) fn positions(wal: &Wal, branch: &str) -> Vec<Position> {
    let letters = of_branch(wal, branch, &Letters::default());
    letters.iter().map(|letter| Position(letter.position.0)).collect()
}

fn config_hash(wal: &Wal) -> Vec<u8> {
    wal.state().epochs.last().map(|epoch| epoch.payload_hash.clone()).unwrap_or_default()
}

/// Gives a letter up for good.
pub(crate) async fn give_up(wal: &Wal, branch: &str, letter: &DeadLetter) -> Result<(), Error> {
    let dropped = Control::DeadLetterDropped { branch: branch.to_owned(), position: letter.position };
    wal.record(dropped).await.map_err(|error| Error::caused("note in the log what is given up", error))?;
    warn!(branch, position = letter.position.0, items = letter.items, "dead letter was given up for good");
    remove(wal, letter);
    Ok(())
}

/// A dead letter of a branch, if it is listed.
pub(crate) fn find(wal: &Wal, branch: &str, position: Position) -> Option<DeadLetter> {
    let state = wal.state();
    let letters = &state.branches.get(branch)?.dead_letters;
    letters.iter().find(|letter| letter.position.0 == position.0).cloned()
}

/// The record as it stood in the log.
pub(crate) fn read(wal: &Wal, letter: &DeadLetter) -> Result<Record, Error> {
    Ok(Record {
        position: letter.position,
        arrival_unix_ns: letter.arrival_unix_ns,
        signal: letter.signal,
        receiver: letter.receiver.clone(),
        items: letter.items,
        rejected: letter.rejected.clone(),
        body: files::read_content(wal.disk(), &folder(wal), &letter.file_hash)?.into(),
    })
}

/// Removes the file of a letter that is none any more, unless another one may need it.
pub(crate) fn remove(wal: &Wal, letter: &DeadLetter) {
    let state = wal.state();
    let needs = |branch: &Branch| {
        let are_all_listed = branch.dead_letters_total == branch.dead_letters.len() as u64;
        !are_all_listed || branch.dead_letters.iter().any(|other| other.file_hash == letter.file_hash)
    };
    if !state.branches.values().any(needs) {
        // One that cannot be removed only takes room.
        let _ = wal.disk().remove(&folder(wal).join(files::hex(&letter.file_hash)));
        files::charge(wal);
    }
}

/// Keeps the record's body and notes in the log, once, why `branch` did not get it. Durable when it returns.
pub(crate) async fn keep(
    wal: &Wal,
    clock: &dyn Clock,
    branch: &str,
    record: &Record,
    reason: &str,
) -> Result<(), Error> {
    if find(wal, branch, Position(record.position.0)).is_some() {
        // It was put there before a crash, which the plan that names it did not survive.
        return Ok(());
    }
    let folder = folder(wal);
    let hash = files::write_content(wal.disk(), &folder, &record.body)?;
    files::charge(wal);
    error!(branch, position = record.position.0, reason, file = %folder.join(files::hex(&hash)).display(),
        "record cannot be delivered and went to the dead letters");
    note(wal, clock, branch, record, reason, &hash).await
}

/// Notes that a letter was tried again, and why it still cannot be taken.
pub(crate) async fn keep_again(
    wal: &Wal,
    clock: &dyn Clock,
    branch: &str,
    letter: &DeadLetter,
    reason: &str,
) -> Result<(), Error> {
    warn!(
        branch,
        position = letter.position.0,
        reason,
        "dead letter was tried again and still cannot be delivered"
    );
    let letter = DeadLetter {
        reason: reason.to_owned(),
        unix_ns: clock.now_unix_nano(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config_hash: config_hash(wal),
        ..letter.clone()
    };
    write(wal, branch, letter).await
}

async fn note(
    wal: &Wal,
    clock: &dyn Clock,
    branch: &str,
    record: &Record,
    reason: &str,
    hash: &[u8],
) -> Result<(), Error> {
    let letter = DeadLetter {
        position: record.position,
        reason: reason.to_owned(),
        file_hash: hash.to_vec(),
        unix_ns: clock.now_unix_nano(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        signal: record.signal,
        receiver: record.receiver.clone(),
        arrival_unix_ns: record.arrival_unix_ns,
        items: record.items,
        rejected: record.rejected.clone(),
        config_hash: config_hash(wal),
    };
    write(wal, branch, letter).await
}

async fn write(wal: &Wal, branch: &str, letter: DeadLetter) -> Result<(), Error> {
    let position = letter.position;
    let noted = wal.record(Control::DeadLetter { branch: branch.to_owned(), letter }).await;
    noted
        .map(drop)
        .map_err(|error| Error::caused(format!("note the dead letter of position {position}"), error))
}
