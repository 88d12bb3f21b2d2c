//! What it was measured on.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use spanledger_load::Failure;

use crate::picture::rounded;
use crate::results::Spread;

/// The machine, in terms that say nothing of whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    /// Of the repository; with `+` where files differ from it.
    pub(crate) commit: String,
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
    /// The load average before: what else the machine was doing.
    pub(crate) load_before: f64,
    /// What an fsync of 4 KiB takes there.
    pub(crate) fsync_ms: f64,
}

impl Machine {
    /// Looks around; `folder` is where contenders write.
    pub(crate) fn of(folder: &Path) -> Result<Self, Failure> {
        #[expect(clippy::disallowed_methods, reason = "a page of figures says of which day they are")]
        let now: chrono::DateTime<chrono::Utc> = std::time::SystemTime::now().into();
        let processor = field(&fs::read_to_string("/proc/cpuinfo")?, "model name");
        let memory = field(&fs::read_to_string("/proc/meminfo")?, "MemTotal");
        let memory_kib: f64 = memory.trim_end_matches(" kB").parse()?;
        let load = fs::read_to_string("/proc/loadavg")?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Self {
            date: now.format("%Y-%m-%d").to_string(),
            commit: commit(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor,
            memory_gib: memory_kib / f64::from(1 << 20),
            // What follows the version is whoever built it.
            kernel: kernel.trim().split('-').next().unwrap_or_default().to_owned(),
            filesystem: filesystem(&fs::read_to_string("/proc/mounts")?, &folder.canonicalize()?),
            load_before: load.split(' ').next().unwrap_or_default().parse()?,
            fsync_ms: fsync_ms(folder)?,
        })
    }
}

impl Machine {
    /// A sentence or two on what a command was run on.
    pub(crate) fn text(&self, command: &str) -> String {
        format!(
            "Measured on {} at commit {} by `{command}`: {} cores of {}, which the load generator shares, {} GiB of memory, Linux {}, {}, \
             where an fsync of 4 KiB takes {} ms. The load average before was {}.",
            self.date,
            self.commit,
            self.cores,
            self.processor,
            rounded(self.memory_gib),
            self.kernel,
            self.filesystem,
            rounded(self.fsync_ms),
            rounded(self.load_before),
        )
    }
}

/// How long the machine is watched before a run.
const WATCHED_FOR: Duration = Duration::from_secs(1);

/// The share of all cores that is busy with something else, during a second.
pub(crate) async fn busy_share() -> Result<f64, Failure> {
    let before = ticks(&fs::read_to_string("/proc/stat")?)?;
    tokio::time::sleep(WATCHED_FOR).await;
    let after = ticks(&fs::read_to_string("/proc/stat")?)?;
    Ok(busy_between(before, after))
}

/// What a page says when the machine was busy before a run; nothing when it was quiet.
pub(crate) fn warning(busiest: f64) -> String {
    const QUIET: f64 = 0.1;
    if busiest < QUIET {
        return String::new();
    }
    format!(
        "\n\n**The machine was busy with something else** before some of the runs, with up to {:.0} % of its cores: these figures are not to be relied on.",
        busiest * 100.0
    )
}

/// All ticks of all cores since the start, and those of them that were idle.
fn ticks(stat: &str) -> Result<(u64, u64), Failure> {
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
    let fields = line.ok_or("/proc/stat has no line of all cores")?.split_whitespace();
    let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>()?;
    // Idle, and idle while a disk is waited for. What guests take is part of what users take.
    let idle = ticks.iter().skip(3).take(2).sum();
    Ok((ticks.iter().take(8).sum(), idle))
}

fn busy_between(before: (u64, u64), after: (u64, u64)) -> f64 {
    let [all, idle] = [after.0.saturating_sub(before.0), after.1.saturating_sub(before.1)];
    if all == 0 { 0.0 } else { all.saturating_sub(idle) as f64 / all as f64 }
}

/// The commit that was checked out; nothing without git.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let is_changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    if is_changed { commit + "+" } else { commit }
}

/// The value of the first line of `name: value`.
fn field(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The type of the filesystem that is mounted closest above a folder.
fn filesystem(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounts.filter(|(place, _)| folder.starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_owned()).unwrap_or_default()
}

fn fsync_ms(folder: &Path) -> Result<f64, Failure> {
    const TIMES: usize = 50;
    let mut file = tempfile::tempfile_in(folder)?;
    let mut taken = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Spread::of(taken.into_iter()).map(|spread| spread.median).unwrap_or_default())
}

#[cfg(test)]
impl Machine {
    pub(crate) fn example() -> Self {
        Self {
            date: "2026-01-02".to_owned(),
            commit: "abc".to_owned(),
            cores: 2,
            processor: "one".to_owned(),
            memory_gib: 8.0,
            kernel: "6.1".to_owned(),
            filesystem: "ext4".to_owned(),
            load_before: 0.5,
            fsync_ms: 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_idle_nor_waits_for_a_disk_is_busy() {
        let ticks = |text: &str| ticks(text).unwrap();
        let before = ticks("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
        let after = ticks("cpu  140 0 110 730 120 0 0 0 90 0\n");
        assert!((busy_between(before, after) - 0.5).abs() < 1e-9);
        assert_eq!(busy_between(before, before), 0.0);
    }

    #[test]
    fn a_page_of_a_busy_machine_has_a_warning() {
        assert_eq!(warning(0.04), "");
        assert!(warning(0.4).contains("with up to 40 %"));
    }

    #[test]
    fn a_folder_is_on_the_filesystem_mounted_closest_above_it() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/data xfs rw 0 0\n";
        let of = |folder: &str| filesystem(mounts, Path::new(folder));
        assert_eq!([of("/home/x"), of("/tmp/x"), of("/tmp/data/x")], ["ext4", "tmpfs", "xfs"]);
        assert_eq!(of("/tmpdata"), "ext4");
    }
}
