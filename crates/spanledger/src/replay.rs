//! The verb `replay`: records that the log still holds go to an exporter once more.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use spanledger_component::{Error, Registry, Replay, Replayed, WalSettings};
use spanledger_engine::offline;
use spanledger_telemetry::Meter;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, PATIENCE, encode, expect_ok, parse};
use crate::args::{ConfigArgs, ReplayArgs};
use crate::{load, run, show};

/// Has a running collector do it, or does it itself on a log that nobody uses. 1 when it did not come to its end, or
/// when something was left out, which is printed.
pub(crate) async fn replay(
    config: ConfigArgs,
    registry: Arc<Registry>,
    args: ReplayArgs,
) -> Result<ExitCode, Error> {
    let ReplayArgs { exporter, rows_of, from, to, filters, again, wal, timeout, json, admin } = args;
    let what = Replay { exporter, rows_of, from, to, filters, again };
    let replayed = match wal {
        Some(folder) => offline(config, registry, &folder, &what, *timeout).await?,
        None => ask(&Admin::find(admin, &config, &registry)?, &what, *timeout).await?,
    };
    match json {
        true => {
            show::text(&serde_json::to_string(&replayed).map_err(|error| Error::caused("print JSON", error))?)
        }
        false => tell(&what, &replayed),
    }
    let Replayed { unreadable_items, released_positions, refused_records, stopped, .. } = &replayed;
    let is_whole =
        (*unreadable_items, *released_positions, *refused_records) == (0, 0, 0) && stopped.is_none();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(admin: &Admin, what: &Replay, timeout: Duration) -> Result<Replayed, Error> {
    let Replay { exporter, rows_of, from, to, filters, again } = what;
    let mut path =
        format!("/replay?timeout={}ms&again={again}&exporter={}", timeout.as_millis(), encode(exporter));
    let mut add = |key: &str, value: &str| path.extend(["&", key, "=", &encode(value)]);
    rows_of.iter().for_each(|id| add("rows_of", id));
    from.iter().for_each(|bound| add("from", &bound.to_string()));
    to.iter().for_each(|bound| add("to", &bound.to_string()));
    filters.iter().for_each(|(key, value)| add("where", &format!("{key}={value}")));
    let answer = admin.ask("PUT", &path, timeout + PATIENCE).await?;
    expect_ok(admin, &answer)?;
    parse(&answer.body)
}

async fn offline(
    mut config: ConfigArgs,
    registry: Arc<Registry>,
    folder: &Path,
    what: &Replay,
    timeout: Duration,
) -> Result<Replayed, Error> {
    if !offline::holds_a_log(folder) {
        return Err(Error::new(format!("there is no log in {}", folder.display())));
    }
    config.sets.push(format!("extensions.wal.directory={}", folder.display()));
    let loaded = load::load(&config, &registry)?;
    run::start_logs(&loaded.graph.service.telemetry);
    let wal = WalSettings { directory: folder.to_owned(), ..run::default_wal() };
    let options = run::options(registry, Meter::default(), wal);
    let stop = CancellationToken::new();
    let mut signals = run::Signals::listen()?;
    let mut replaying = std::pin::pin!(offline::replay(loaded.graph, options, what, timeout, stop.clone()));
    tokio::select! {
        replayed = &mut replaying => replayed,
        () = signals.stop() => {
            stop.cancel();
            replaying.await
        }
    }
}

fn tell(what: &Replay, replayed: &Replayed) {
    let Replayed { from, until, records, items, .. } = replayed;
    show::text(&format!(
        "replayed {records} records with {items} items to {}: positions from {from} to before {until}",
        what.exporter
    ));
    if replayed.unreadable_items > 0 {
        show::error(&format!("{} items cannot be read: they are damaged on disk", replayed.unreadable_items));
    }
    if replayed.released_positions > 0 {
        show::error(&format!(
            "{} positions were given up by the log before they were read: extensions.wal.retain keeps them longer",
            replayed.released_positions
        ));
    }
    for refusal in &replayed.refused {
        show::error(&format!("position {} was refused: {}", refusal.position, refusal.reason));
    }
    match replayed.refused_records.saturating_sub(replayed.refused.len() as u64) {
        0 => {}
        more => show::error(&format!("and {more} more records were refused")),
    }
    if let Some(stopped) = &replayed.stopped {
        show::error(&format!(
            "it did not come to its end: {stopped}; go on with --from {until}, where what was under way may be delivered already"
        ));
    }
}
