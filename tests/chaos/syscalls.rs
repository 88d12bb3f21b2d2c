//! System calls that fail or are slow, by `strace -e inject`, and limits of the process that are set while it runs.

use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::disk::{command, missing, run};
use crate::load::Shape;
use crate::scenario::Tally;
use crate::trial::Trial;

/// Why this machine cannot make system calls fail; `None` if it can.
fn lacking(program: &str) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some(format!("{program} is of Linux"));
    }
    missing(program)
}

/// A strace that holds on to a process; it lets go when dropped.
struct Strace(Child);

impl Strace {
    /// Makes calls of these names fail or wait as `inject` says.
    fn attach(trial: &Trial, names: &str, inject: &str) -> Self {
        Self::attach_with(trial, names, inject, &[])
    }

    fn attach_with(trial: &Trial, names: &str, inject: &str, more: &[&str]) -> Self {
        let pid = trial.collector().pid().to_string();
        let child = command("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={names}")])
            .args(["-e", &format!("inject={names}:{inject}"), "-p", &pid])
            .args(more)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // Killed, it would leave threads stopped for a moment; interrupted, it lets go of them.
        let _ = rustix::process::kill_process(Pid::from_child(&self.0), Signal::INT);
        let _ = self.0.wait();
    }
}

/// Every fourth fdatasync fails with EIO, then every one, then none.
pub async fn fsync_fails(tally: &mut Tally) {
    if tally.skips(lacking("strace")) {
        return;
    }
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(100).await;
    let strace = Strace::attach(&trial, "fdatasync", "error=EIO:when=4+4");
    trial.acknowledge(300).await;
    drop(strace);
    tally.run();
    let strace = Strace::attach(&trial, "fdatasync", "error=EIO");
    trial.refuse(5).await;
    trial.is_alive_and_not_ready().await;
    drop(strace);
    trial.acknowledge(300).await;
    trial.is_ready().await;
    tally.run();
    trial.kill();
    tally.crash();
    trial.start();
    tally.judged(trial.judge().await);
}

/// Nothing can be written to the file system, and then it can again.
pub async fn read_only_and_back(tally: &mut Tally) {
    if tally.skips(lacking("strace")) {
        return;
    }
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    trial.start();
    for _ in 0..2 {
        trial.acknowledge(200).await;
        let strace = Strace::attach(&trial, "fdatasync,fsync,rename,unlink", "error=EROFS");
        trial.refuse(5).await;
        trial.is_alive_and_not_ready().await;
        drop(strace);
        trial.acknowledge(200).await;
        trial.is_ready().await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

/// Writes to the log are interrupted by signals.
pub async fn interrupted(tally: &mut Tally) {
    if tally.skips(lacking("strace")) {
        return;
    }
    let mut trial = Trial::new();
    trial.load(Shape::USUAL);
    trial.start();
    trial.acknowledge(100).await;
    let segment = newest_segment(&trial);
    let only = ["-P", segment.as_str()];
    let strace = Strace::attach_with(&trial, "writev", "error=EINTR:when=2+2", &only);
    trial.acknowledge(300).await;
    drop(strace);
    tally.run();
    tally.judged(trial.judge().await);
}

/// No file may grow beyond three MiB: a write is cut short there, and the next one fails.
pub async fn short_writes(tally: &mut Tally) {
    if tally.skips(lacking("prlimit")) {
        return;
    }
    // The signal that comes with the limit is ignored, as a service manager would have it.
    let ignoring = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];
    let mut trial =
        Trial::with(|setup| setup.before(&ignoring).set("exporters.parquet.rotation.max_rows=200"));
    trial.load(Shape::LARGE);
    trial.start();
    limit(&trial, "--fsize=3145728");
    trial.acknowledge(4000).await;
    tally.run();
    trial.kill();
    tally.crash();
    trial.start();
    tally.judged(trial.judge().await);
}

/// No file and no connection can be opened any more, for a while.
pub async fn no_descriptors(tally: &mut Tally) {
    if tally.skips(lacking("prlimit")) {
        return;
    }
    let mut trial = Trial::with(|setup| setup.set("extensions.wal.max_size=60MiB"));
    trial.load(Shape::LARGE);
    trial.start();
    for _ in 0..2 {
        trial.acknowledge(200).await;
        let pid = trial.collector().pid();
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        limit(&trial, &format!("--nofile={}:4096", open.saturating_sub(8)));
        tokio::time::sleep(Duration::from_secs(3)).await;
        limit(&trial, "--nofile=4096:4096");
        trial.acknowledge(500).await;
        trial.is_ready().await;
        tally.run();
    }
    tally.judged(trial.judge().await);
}

fn limit(trial: &Trial, limit: &str) {
    run("prlimit", &["--pid", &trial.collector().pid().to_string(), limit]);
}

/// The segment that is written to. Sockets are left alone: what does not block is not interrupted.
fn newest_segment(trial: &Trial) -> String {
    let log = trial.setup.folder.join("data/wal");
    let files = std::fs::read_dir(log).unwrap().map(|file| file.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|extension| extension == "seg"));
    let newest = segments.max().unwrap();
    newest.canonicalize().unwrap().to_str().unwrap().to_owned()
}
