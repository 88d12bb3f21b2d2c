//! What it was measured on.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use spanledger_load::Failure;

use crate::picture::rounded;
use crate::results::Spread;

/// The machine, in terms that say nothing of whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
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
            "Measured on {} by `{command}`: {} cores of {}, which the load generator shares, {} GiB of memory, Linux {}, {}, \
             where an fsync of 4 KiB takes {} ms. The load average before was {}.",
            self.date,
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
    fn a_folder_is_on_the_filesystem_mounted_closest_above_it() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/data xfs rw 0 0\n";
        let of = |folder: &str| filesystem(mounts, Path::new(folder));
        assert_eq!([of("/home/x"), of("/tmp/x"), of("/tmp/data/x")], ["ext4", "tmpfs", "xfs"]);
        assert_eq!(of("/tmpdata"), "ext4");
    }
}
