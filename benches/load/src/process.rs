//! A program under load, and what the kernel says of it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Failure;

/// How long the processor time is watched to see whether a program is at rest.
const WATCHED_FOR: Duration = Duration::from_millis(400);
/// The share of one core below which a program is at rest.
const RESTING_SHARE: f64 = 0.05;

/// A program that runs; killed when dropped.
pub struct Process {
    child: Child,
    /// When it was started.
    pub started: Instant,
}

impl Process {
    /// Starts a program in a folder; what it prints goes to `output.log` there.
    pub fn start(command: &mut Command, folder: &Path) -> Result<Self, Failure> {
        let log = std::fs::File::create(folder.join("output.log"))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let child = command.spawn();
        let child = child.map_err(|error| format!("start {:?}: {error}", command.get_program()))?;
        Ok(Self { child, started })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Time on any core since it was started: its own, the kernel's for it, and that of its children that have ended.
    pub fn cpu_seconds(&self) -> Result<f64, Failure> {
        cpu_seconds(self.child.id())
    }

    /// What is resident in memory, in MiB.
    pub fn resident_mib(&self) -> Result<f64, Failure> {
        self.memory_mib("VmRSS:")
    }

    /// How much of it is of files, as the program itself: what the kernel may drop and read again, in MiB.
    pub fn resident_file_mib(&self) -> Result<f64, Failure> {
        self.memory_mib("RssFile:")
    }

    /// The most that was ever resident, in MiB.
    pub fn peak_resident_mib(&self) -> Result<f64, Failure> {
        self.memory_mib("VmHWM:")
    }

    /// Bytes it caused to be written to a disk.
    pub fn written_bytes(&self) -> Result<u64, Failure> {
        let io = self.read("io")?;
        let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        Ok(bytes.ok_or("/proc/PID/io has no write_bytes")?.parse()?)
    }

    /// Waits until it has next to nothing to do, but not longer than `patience`; says whether that was so, and since when.
    pub async fn rest(&self, patience: Duration) -> Result<(bool, Instant), Failure> {
        let began = Instant::now();
        while began.elapsed() < patience {
            let (before, watched) = (self.cpu_seconds()?, Instant::now());
            sleep(WATCHED_FOR).await;
            if self.cpu_seconds()? - before <= RESTING_SHARE * watched.elapsed().as_secs_f64() {
                return Ok((true, watched));
            }
        }
        Ok((false, Instant::now()))
    }

    fn memory_mib(&self, name: &str) -> Result<f64, Failure> {
        let status = self.read("status")?;
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .ok_or_else(|| format!("/proc/PID/status has no {name}"))?;
        let kib: f64 = value.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    fn read(&self, file: &str) -> Result<String, Failure> {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(&path).map_err(|error| format!("read {path}: {error}").into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time of this process on any core since it was started.
pub fn own_cpu_seconds() -> Result<f64, Failure> {
    cpu_seconds(std::process::id())
}

/// Processor time of a process and of its children that have ended.
fn cpu_seconds(id: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{id}/stat");
    let stat = std::fs::read_to_string(&path).map_err(|error| format!("read {path}: {error}"))?;
    // The name, in parentheses, may hold anything; the times are the 12th to 15th field after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat has no name")?;
    let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Ports of the loopback that were free a moment ago, all different.
pub fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let held: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<u16> =
        held.iter().map(|held| Ok(held.local_addr()?.port())).collect::<std::io::Result<_>>()?;
    ports.try_into().map_err(|_| "as many ports as asked for".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Process {
        Process::start(Command::new("sh").args(["-c", script]), folder).unwrap()
    }

    #[tokio::test]
    async fn a_program_is_at_rest_once_its_work_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let process = shell(&format!("{busy}; exec sleep 60"), folder.path());
        assert!(process.rest(Duration::from_secs(60)).await.unwrap().0);
        assert!(process.cpu_seconds().unwrap() > 0.05);
    }

    #[tokio::test]
    async fn a_program_that_always_works_is_never_at_rest() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("while :; do :; done", folder.path());
        assert!(!process.rest(WATCHED_FOR * 2).await.unwrap().0);
    }

    #[test]
    fn what_it_prints_is_kept_beside_what_it_writes() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo ready >&2", folder.path());
        process.child.wait().unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("output.log")).unwrap(), "ready\n");
    }
}
