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
const SCAN_CHUNK_BYTES: usize = 1 << 20;

/// A segment that was found, with what its file says or, where that is damaged, what its snapshot says.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) head: Head,
    /// Offset behind the last record that counts, if the segment after it says so.
    pub(crate) end: Option<u64>,
    pub(crate) source: Source,
}

/// Where a head was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From itself, so its link to the segment before can be followed.
    Head,
    /// From the snapshot behind it.
    Snapshot,
    /// From the first record that can be read: what came before that is not known.
    Records,
    /// Nothing in the file can be read.
    Nothing,
}

impl Found {
    pub(crate) fn is_lost(&self) -> bool {
        self.source == Source::Nothing
    }
}

pub(crate) fn read(
    options: &Options,
    disk: &dyn Disk,
    (name, bytes): (String, u64),
    number: u64,
) -> Result<Found, OpenError> {
    let path = options.directory.join(&name);
    let start = read_start(disk, &path).map_err(|source| io_error("read", &path, source))?;
    let found = |head, source| Found { path: path.clone(), bytes, head, end: None, source };
    match Head::decode(&start) {
        HeadRead::Intact(head) => Ok(found(Head { number, ..*head }, Source::Head)),
        HeadRead::Newer(version) => Err(OpenError::Newer {
            directory: options.directory.clone(),
            file: name,
            found: version,
            known: FORMAT_VERSION,
        }),
        HeadRead::Damaged => {
            let (head, source) =
                rebuild_head(disk, &path, number).map_err(|source| io_error("read", &path, source))?;
            tracing::error!(path = %path.display(), rebuilt_from = ?source, "head of a log segment is damaged");
            Ok(found(head, source))
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
    disk.open(path)?.read_at(0, HEAD_BYTES as usize)
}

/// A head made from the snapshot that follows it, or from the first record that can be read.
fn rebuild_head(disk: &dyn Disk, path: &Path, number: u64) -> io::Result<(Head, Source)> {
    let file = disk.open(path)?;
    if let Some((header, snapshot)) = read_snapshot(&*file, None)? {
        let log_id = LogId(snapshot.log_id.try_into().unwrap_or_default());
        let totals = snapshot.totals.unwrap_or_default().into();
        let (generation, base) = (header.generation, header.position);
        let head = Head { log_id, generation, base, totals, ..empty_head(number) };
        return Ok((head, Source::Snapshot));
    }
    let range = (HEAD_BYTES, u64::MAX);
    let mut scan = Scan::new(&*file, None, range, Position::FIRST, SCAN_CHUNK_BYTES)?;
    while let Some(step) = scan.next()? {
        let header = match step {
            Step::Record(raw) => Some(raw.header),
            Step::Damage(damage) => damage.header,
        };
        if let Some(Header { generation, position: base, .. }) = header {
            return Ok((Head { generation, base, ..empty_head(number) }, Source::Records));
        }
    }
    Ok((empty_head(number), Source::Nothing))
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
