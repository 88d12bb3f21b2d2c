//! Gives the room of deleted files back a little at a time.
//!
//! A file system frees a file in one transaction, and what is fsynced meanwhile waits for it: on a disk that is told what is
//! free (`discard`), about 90 ms for a segment of 64 MiB. So a file loses its name at once, and its bytes step by step on
//! a thread of their own.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    time::Instant,
};

/// What is freed in one step: some 2 ms of such a disk.
const STEP_BYTES: u64 = 1 << 20;
/// How many times as long as a step took the disk is left to others before the next one.
const PAUSES: u32 = 2;
/// Files that may wait for it: what a sealed range of Parquet lets go of at once, and more. Others are freed at once.
const WAITING_MAX: usize = 16;

/// Removes a file. Its room is free at once, or, of a large one, soon.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    // Held open, a file keeps its bytes when it loses its name.
    let held = OpenOptions::new().write(true).open(path);
    fs::remove_file(path)?;
    if let Ok(file) = held
        && is_worth_it(&file)
        && let Some(freeing) = thread()
    {
        // Dropped when too many wait, which frees it.
        drop(freeing.try_send(file));
    }
    Ok(())
}

/// Whether it is large, and nobody's under another name: a copy made of links is not ours to shorten.
fn is_worth_it(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() > STEP_BYTES && metadata.nlink() == 0)
}

/// Where files go that are to be freed; one thread for all logs of the process.
fn thread() -> Option<&'static SyncSender<File>> {
    static THREAD: OnceLock<Option<SyncSender<File>>> = OnceLock::new();
    let start = || {
        let (sender, files) = sync_channel(WAITING_MAX);
        let free_all = move || files.into_iter().for_each(|file| free(&file));
        std::thread::Builder::new().name("freeing".into()).spawn(free_all).ok().map(|_| sender)
    };
    THREAD.get_or_init(start).as_ref()
}

/// Shortens a file to nothing. What fails is freed when it is closed.
fn free(file: &File) {
    let mut length = file.metadata().map_or(0, |metadata| metadata.len());
    while length > 0 {
        // To where a page of the cache ends, which may be as large as a step: what is left of one is filled with zeros.
        length = (length - 1) / STEP_BYTES * STEP_BYTES;
        let began = Instant::now();
        if file.set_len(length).is_err() {
            return;
        }
        std::thread::park_timeout(began.elapsed() * PAUSES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_freed_has_no_bytes_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.seg");
        fs::write(&path, vec![1; (3 << 20) + 5]).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        free(&file);
        assert_eq!((file.metadata().unwrap().len(), file.metadata().unwrap().blocks()), (0, 0));
    }

    #[test]
    fn a_removed_file_has_no_name_and_a_linked_copy_of_it_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("1.seg"), folder.path().join("copy.seg"));
        fs::write(&path, vec![1; 3 << 20]).unwrap();
        fs::hard_link(&path, &copy).unwrap();
        let held = File::open(&copy).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        assert!(!is_worth_it(&held), "it has a name still");
        fs::remove_file(&copy).unwrap();
        assert!(is_worth_it(&held), "nobody has it any more");
    }

    #[test]
    fn a_file_that_is_not_there_is_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remove(&folder.path().join("1.seg")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
