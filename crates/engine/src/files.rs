//! Small files beside the log: epoch payloads, checkpoints, dead letters. Written whole and durably, or not at all.

use std::io::{self, IoSlice};
use std::path::Path;

use spanledger_component::Error;
use spanledger_faults::Point;
use spanledger_wal::{Disk, Wal};
use xxhash_rust::xxh3::xxh3_128;

/// Writes a file that is there whole after a crash, or not at all. What stood under the name is replaced.
pub(crate) fn write_durable(disk: &dyn Disk, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let attempt = || format!("write {}", folder.join(name).display());
    try_write_durable(disk, folder, name, bytes).map_err(|error| Error::caused(attempt(), error))
}

fn try_write_durable(disk: &dyn Disk, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    disk.create_directory(folder)?;
    let temporary = folder.join(format!(".{name}.new"));
    let file = disk.create(&temporary)?;
    file.append(&mut [IoSlice::new(bytes)])?;
    file.sync()?;
    Point::BeforeRename.pass();
    disk.rename(&temporary, &folder.join(name))?;
    sync_names(disk, folder)
}

/// The folder itself may be new: its name has to be durable too.
fn sync_names(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    disk.sync_directory(folder)?;
    folder.parent().map_or(Ok(()), |parent| disk.sync_directory(parent))
}

/// Has what these files take counted in the budget of the log.
pub(crate) fn charge(wal: &Wal) {
    let folders = ["checkpoints", "dead-letters", "epochs"].map(|name| wal.directory().join(name));
    // A folder that is not there takes nothing.
    let files = folders.iter().filter_map(|folder| wal.disk().list(folder).ok()).flatten();
    wal.set_bytes_beside(files.map(|(_, bytes)| bytes).sum());
}

/// Writes bytes under the name of their hash, which is returned. What is there already is made durable: whoever wrote it
/// may have been killed before it was.
pub(crate) fn write_content(disk: &dyn Disk, folder: &Path, bytes: &[u8]) -> Result<[u8; 16], Error> {
    let hash = xxh3_128(bytes).to_be_bytes();
    let name = hex(&hash);
    let is_there = disk.read(&folder.join(&name)).is_ok_and(|there| there == bytes);
    let written = match is_there {
        true => disk
            .open(&folder.join(&name))
            .and_then(|file| file.sync())
            .and_then(|()| sync_names(disk, folder)),
        false => try_write_durable(disk, folder, &name, bytes),
    };
    written.map_err(|error| Error::caused(format!("write {}", folder.join(&name).display()), error))?;
    Ok(hash)
}

/// The name that [`write_content`] gives these bytes.
pub(crate) fn content_name(bytes: &[u8]) -> String {
    hex(&xxh3_128(bytes).to_be_bytes())
}

/// Reads what [`write_content`] wrote; an error when it is missing or is not what its name says.
pub(crate) fn read_content(disk: &dyn Disk, folder: &Path, hash: &[u8]) -> Result<Vec<u8>, Error> {
    read_named(disk, folder, &hex(hash))
}

/// The same by name.
pub(crate) fn read_named(disk: &dyn Disk, folder: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(name);
    let bytes = disk.read(&path).map_err(|error| Error::caused(format!("read {}", path.display()), error))?;
    match content_name(&bytes) == name {
        true => Ok(bytes),
        false => Err(Error::new(format!(
            "{} is damaged: its content does not have the hash of its name",
            path.display()
        ))),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use spanledger_wal::RealDisk;

    use super::*;

    #[test]
    fn content_is_found_under_its_hash_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let hash = write_content(&RealDisk, folder.path(), b"pipelines").unwrap();
        assert_eq!(read_content(&RealDisk, folder.path(), &hash).unwrap(), b"pipelines");
        fs::write(folder.path().join(hex(&hash)), b"pipelinez").unwrap();
        assert!(read_content(&RealDisk, folder.path(), &hash).unwrap_err().to_string().contains("damaged"));
    }
}
