//! Small files beside the log: epoch payloads, checkpoints, dead letters. Written whole and durably, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use spanledger_component::Error;
use spanledger_wal::Wal;
use xxhash_rust::xxh3::xxh3_128;

/// Writes a file that is there whole after a crash, or not at all. What stood under the name is replaced.
pub(crate) fn write_durable(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let attempt = || format!("write {}", folder.join(name).display());
    try_write_durable(folder, name, bytes).map_err(|error| Error::caused(attempt(), error))
}

fn try_write_durable(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let temporary = folder.join(format!(".{name}.new"));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))?;
    sync_folder(folder)?;
    // The folder itself may be new: its name has to be durable too.
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Has what these files take counted in the budget of the log.
pub(crate) fn charge(wal: &Wal) {
    let folders = ["checkpoints", "dead-letters", "epochs"].map(|name| wal.directory().join(name));
    // A folder that is not there takes nothing.
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    wal.set_bytes_beside(files.filter_map(|file| Some(file.metadata().ok()?.len())).sum());
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes bytes under the name of their hash, which is returned. Nothing is written when they are there already.
pub(crate) fn write_content(folder: &Path, bytes: &[u8]) -> Result<[u8; 16], Error> {
    let hash = xxh3_128(bytes).to_be_bytes();
    let name = hex(&hash);
    if !folder.join(&name).exists() {
        write_durable(folder, &name, bytes)?;
    }
    Ok(hash)
}

/// Reads what [`write_content`] wrote; an error when it is missing or is not what its name says.
pub(crate) fn read_content(folder: &Path, hash: &[u8]) -> Result<Vec<u8>, Error> {
    let path = folder.join(hex(hash));
    let bytes = fs::read(&path).map_err(|error| Error::caused(format!("read {}", path.display()), error))?;
    match xxh3_128(&bytes).to_be_bytes() == hash {
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
    use super::*;

    #[test]
    fn content_is_found_under_its_hash_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let hash = write_content(folder.path(), b"pipelines").unwrap();
        assert_eq!(read_content(folder.path(), &hash).unwrap(), b"pipelines");
        fs::write(folder.path().join(hex(&hash)), b"pipelinez").unwrap();
        assert!(read_content(folder.path(), &hash).unwrap_err().to_string().contains("damaged"));
    }
}
