//! The volume that a log lies on: how large it is, and what a promise is worth there.

use std::{io, path::Path};

use rustix::fs::{StatVfs, statvfs};

/// The most that a log takes when nobody says otherwise.
const DEFAULT_BYTES: u64 = 10 << 30;

/// The size a log may have by default: 10 GiB, or 80 % of the volume when that is less. The directory may be missing
/// yet; then its nearest parent counts.
pub fn default_max_bytes(directory: &Path) -> io::Result<u64> {
    let volume = volume_of(directory)?;
    let bytes = volume.f_blocks.saturating_mul(volume.f_frsize);
    Ok(DEFAULT_BYTES.min(bytes / 5 * 4))
}

/// Why a log in this directory promises less than it should; `None` on an ordinary disk. The numbers are those of
/// statfs(2).
#[cfg(target_os = "linux")]
pub fn weakness(directory: &Path) -> Option<&'static str> {
    match rustix::fs::statfs(existing(directory)).ok()?.f_type {
        0x0102_1994 => Some("tmpfs is memory: what is acknowledged is gone when the machine restarts"),
        0x794c_7630 => {
            Some("overlay is a container's own layer: what is acknowledged goes with the container")
        }
        0x6969 => {
            Some("NFS: what is acknowledged is as durable as the server makes it, and locks may not hold")
        }
        _ => None,
    }
}

/// Known of Linux only.
#[cfg(not(target_os = "linux"))]
pub fn weakness(_directory: &Path) -> Option<&'static str> {
    None
}

fn volume_of(directory: &Path) -> io::Result<StatVfs> {
    Ok(statvfs(existing(directory))?)
}

fn existing(directory: &Path) -> &Path {
    directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_takes_no_more_than_its_volume_has_by_default() {
        let directory = tempfile::tempdir().unwrap();
        let bytes = default_max_bytes(&directory.path().join("not/there/yet")).unwrap();
        assert!(bytes > 0 && bytes <= DEFAULT_BYTES, "{bytes}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_looks_like_a_disk_is_named() {
        assert!(weakness(Path::new("/dev/shm")).unwrap().contains("tmpfs"));
    }
}
