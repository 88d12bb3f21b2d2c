//! One segment file as recovery finds it: its head, or what its snapshot tells where that is damaged.

use std::{
    io,
    path::{Path, PathBuf},
};

use prost::Message;

use crate::{
    LogId, OpenError, Options, Position,
    disk::{Disk, DiskFile},
    head::{FORMAT_VERSION, HEAD_BYTES, Head, HeadRead, Link},
    proto,
    record::{Header, Kind},
    recovery::io_error,
    scan::{Scan, Step},
    totals::Totals,
};

const SNAPSHOT_CHUNK_BYTES: usize = 64 << 10;

/// A segment that was found, with what its file says or, where that is damaged, what its snapshot says.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) head: Head,
    /// Offset behind the last record that counts, if the segment after it says so.
    pub(crate) end: Option<u64>,
    /// The head was readable, so its link to the segment before can be followed.
    pub(crate) is_linked: bool,
    /// No head and no snapshot: nothing of it can be read.
    pub(crate) is_lost: bool,
}

pub(crate) fn read(
    options: &Options,
    disk: &dyn Disk,
    (name, bytes): (String, u64),
    number: u64,
) -> Result<Found, OpenError> {
    let path = options.directory.join(&name);
    let start = read_start(disk, &path).map_err(|source| io_error("read", &path, source))?;
    let found =
        |head, is_linked, is_lost| Found { path: path.clone(), bytes, head, end: None, is_linked, is_lost };
    match Head::decode(&start) {
        HeadRead::Intact(head) => Ok(found(Head { number, ..*head }, true, false)),
        HeadRead::Newer(version) => Err(OpenError::Newer {
            directory: options.directory.clone(),
            file: name,
            found: version,
            known: FORMAT_VERSION,
        }),
        HeadRead::Damaged => {
            let rebuilt =
                rebuild_head(disk, &path, number).map_err(|source| io_error("read", &path, source))?;
            tracing::error!(path = %path.display(), rebuilt = rebuilt.is_some(), "head of a log segment is damaged");
            Ok(match rebuilt {
                Some(head) => found(head, false, false),
                None => found(empty_head(number), false, true),
            })
        }
    }
}

fn empty_head(number: u64) -> Head {
    Head {
        flags: 0,
        log_id: LogId::default(),
        number,
        generation: 0,
        base: Position::FIRST,
        size: 0,
        created_unix_ns: 0,
        previous: Link::default(),
        totals: Totals::default(),
    }
}

/// The bytes at the start of a file, as many as a head has.
fn read_start(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEAD_BYTES as usize];
    let read = disk.open(path)?.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// A head made from the snapshot that follows it.
fn rebuild_head(disk: &dyn Disk, path: &Path, number: u64) -> io::Result<Option<Head>> {
    let file = disk.open(path)?;
    let Some((header, snapshot)) = read_snapshot(&*file, None)? else { return Ok(None) };
    let log_id = LogId(snapshot.log_id.try_into().unwrap_or_default());
    let totals = snapshot.totals.unwrap_or_default().into();
    let (generation, base) = (header.generation, header.position);
    Ok(Some(Head { log_id, generation, base, totals, ..empty_head(number) }))
}

/// The snapshot that stands behind a head, of any generation if that is not known.
pub(crate) fn read_snapshot(
    file: &dyn DiskFile,
    generation: Option<u64>,
) -> io::Result<Option<(Header, proto::Snapshot)>> {
    let range = (HEAD_BYTES, u64::MAX);
    let mut scan = Scan::new(file, generation, range, Position::FIRST, SNAPSHOT_CHUNK_BYTES)?;
    let Some(Step::Record(raw)) = scan.next()? else { return Ok(None) };
    let is_snapshot = raw.header.kind == Kind::Snapshot;
    let snapshot = is_snapshot.then(|| proto::Snapshot::decode(raw.payload).ok()).flatten();
    Ok(snapshot.map(|snapshot| (raw.header, snapshot)))
}
