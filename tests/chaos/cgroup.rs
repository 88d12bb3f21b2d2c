//! Control groups that slow a disk down or take memory away: of version 1 or 2, whichever has the controller.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// What a group limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    Disk,
    Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Controller {
    fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Disk, Version::One) => "blkio",
            (Self::Disk, Version::Two) => "io",
            (Self::Memory, _) => "memory",
        }
    }

    /// Where groups of it are made; an error when nowhere.
    fn parent(self) -> Result<(Version, PathBuf), String> {
        let first = Path::new(ROOT).join(self.name(Version::One));
        if first.join("tasks").exists() {
            return Ok((Version::One, first));
        }
        let second = PathBuf::from(ROOT);
        let known = fs::read_to_string(second.join("cgroup.controllers")).unwrap_or_default();
        let name = self.name(Version::Two);
        if !known.split_whitespace().any(|known| known == name) {
            return Err(format!("no control group of {ROOT} has the controller {name}"));
        }
        // What a process has written is charged to it only with both.
        for name in [name, "memory"] {
            let enabled = fs::write(second.join("cgroup.subtree_control"), format!("+{name}"));
            enabled.map_err(|error| format!("enable the controller {name} in {ROOT}: {error}"))?;
        }
        Ok((Version::Two, second))
    }
}

/// Why this machine cannot limit that; `None` if it can.
pub fn lacking(controller: Controller) -> Option<String> {
    controller.parent().err()
}

/// A control group; removed when dropped, which is when all processes in it are gone.
pub struct Group {
    version: Version,
    folder: PathBuf,
}

impl Group {
    pub fn new(controller: Controller) -> Self {
        let (version, parent) = controller.parent().unwrap();
        let folder = parent.join(format!("spanledger-chaos-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { version, folder }
    }

    /// Words that start a program in it.
    pub fn entering(&self) -> [&str; 4] {
        ["sh", "-c", "echo $$ > \"$0/cgroup.procs\"; exec \"$@\"", self.folder.to_str().unwrap()]
    }

    /// How many bytes a second may be written to a device, given as `major:minor`.
    pub fn limit_writes(&self, device: &str, bytes: Option<u64>) {
        match self.version {
            Version::One => {
                let limit = format!("{device} {}", bytes.unwrap_or(0));
                self.set("blkio.throttle.write_bps_device", &limit);
            }
            Version::Two => {
                let bytes = bytes.map_or("max".to_owned(), |bytes| bytes.to_string());
                self.set("io.max", &format!("{device} wbps={bytes}"));
            }
        }
    }

    /// How many bytes of memory its processes may have.
    pub fn limit_memory(&self, bytes: Option<u64>) {
        match self.version {
            Version::One => {
                let limit = bytes.map_or("-1".to_owned(), |bytes| bytes.to_string());
                self.set("memory.limit_in_bytes", &limit);
            }
            Version::Two => {
                // Else what is too much is swapped out.
                if self.folder.join("memory.swap.max").exists() {
                    self.set("memory.swap.max", "0");
                }
                self.set("memory.max", &bytes.map_or("max".to_owned(), |bytes| bytes.to_string()));
            }
        }
    }

    fn set(&self, name: &str, value: &str) {
        fs::write(self.folder.join(name), value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
