//! The segment being written, and what is remembered of each one.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message;
use spanledger_faults::{Fault, Point};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    Options, Position,
    disk::{Disk, DiskFile},
    draft::{Placed, flags},
    frames::Frames,
    head::{HEAD_BYTES, Head, file_name},
    parity, proto,
    record::{Header, Kind, crc32c},
    seal::SealBuilder,
    state::State,
    totals::Totals,
};

/// What is remembered of a segment that holds records.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) head: Head,
    pub(crate) path: PathBuf,
    /// Offset behind the last record that counts.
    pub(crate) end: u64,
    /// Bytes of the budget that it uses.
    pub(crate) bytes: u64,
}

/// The segment that takes records.
pub(crate) struct Active {
    file: Box<dyn DiskFile>,
    pub(crate) head: Head,
    pub(crate) path: PathBuf,
    /// Offset behind everything that is written.
    pub(crate) end: u64,
    /// Offset behind the last record whose fsync returned: a mark behind it may be lost.
    pub(crate) durable_end: u64,
    state_bytes: u64,
    is_protected: bool,
    seal: SealBuilder,
}

impl Active {
    /// Makes a segment whose name appears only once it is durable, with the records in `placed` in it.
    pub(crate) fn create(
        disk: &dyn Disk,
        options: &Options,
        head: Head,
        state: &State,
        placed: &[Placed],
    ) -> io::Result<Self> {
        let path = options.directory.join(file_name(head.number));
        let temporary = path.with_extension("seg.tmp");
        let created =
            Self::write_new(disk, &temporary, options.parity, head, state, placed).and_then(|active| {
                disk.rename(&temporary, &path)?;
                Point::BeforeDirectoryFsync.pass();
                if !Fault::NoDirectoryFsync.is_planted() {
                    disk.sync_directory(&options.directory)?;
                }
                Ok(Self { path: path.clone(), ..active })
            });
        if created.is_err() {
            // Either may be there; the log does without them.
            let _ = disk.remove(&temporary);
            let _ = disk.remove(&path);
        }
        created
    }

    fn write_new(
        disk: &dyn Disk,
        path: &Path,
        is_protected: bool,
        head: Head,
        state: &State,
        placed: &[Placed],
    ) -> io::Result<Self> {
        let file = disk.create(path)?;
        let snapshot = Bytes::from(snapshot(&head, state).encode_to_vec());
        let mut frames = Frames::default();
        frames.push_bytes(&head.encode());
        push_summary(&mut frames, Kind::Snapshot, &head, head.base, &snapshot, is_protected);
        let mut active = Self {
            file,
            head,
            path: path.to_owned(),
            end: 0,
            durable_end: 0,
            state_bytes: snapshot.len() as u64,
            is_protected,
            seal: SealBuilder::default(),
        };
        active.append_frames(frames, placed)?;
        Ok(active)
    }

    /// Whether a record fits, with room left for the seal.
    pub(crate) fn room_bytes(&self, records: u64) -> u64 {
        let seal = self.seal.room_bytes(records) + 2 * self.state_bytes;
        self.head.size.saturating_sub(self.end + seal)
    }

    /// Writes the records and makes them durable. After an error nothing more may be written here.
    pub(crate) fn append(&mut self, placed: &[Placed]) -> io::Result<()> {
        self.append_frames(Frames::at(self.end), placed)
    }

    fn append_frames(&mut self, mut frames: Frames, placed: &[Placed]) -> io::Result<()> {
        let durable = placed.first().map_or(self.head.base, |first| first.position).previous();
        frames.reserve(placed.iter().map(|placed| placed.draft.record_bytes()));
        for placed in placed {
            let header = placed.draft.header(placed.position, self.head.generation, durable);
            frames.push(&header, placed.draft.meta(), placed.draft.payload(), placed.draft.parity());
            self.seal.add(placed, &header);
        }
        Point::BeforeWrite.pass();
        let is_early = Fault::AnswerBeforeFsync.is_planted();
        if is_early {
            // Of what was answered before.
            self.file.sync()?;
        }
        self.file.append(&mut frames.slices())?;
        Point::BeforeFsync.pass();
        if !is_early {
            sync(&*self.file)?;
        }
        self.end += frames.bytes();
        self.durable_end = self.end;
        Ok(())
    }

    /// Notes that everything before `until` is durable. Nobody waits for it, so it is not fsynced; after an error
    /// nothing more may be written here. Answers the bytes that were written.
    pub(crate) fn mark(&mut self, until: Position) -> io::Result<u64> {
        let mut frames = Frames::at(self.end);
        push_summary(&mut frames, Kind::Mark, &self.head, until, &Bytes::new(), false);
        self.file.append(&mut frames.slices())?;
        self.end += frames.bytes();
        Ok(frames.bytes())
    }

    /// Writes the seal behind the last record. Without one the segment reads just as well, only slower.
    pub(crate) fn seal(self, until: Position, totals: &Totals, state: &State) -> io::Result<u64> {
        let payload = Bytes::from(self.seal.finish(until, self.end, totals, state).encode_to_vec());
        let mut frames = Frames::at(self.end);
        push_summary(&mut frames, Kind::Seal, &self.head, until, &payload, self.is_protected);
        self.file.append(&mut frames.slices())?;
        sync(&*self.file)?;
        Ok(frames.bytes())
    }
}

/// Makes durable what was written.
fn sync(file: &dyn DiskFile) -> io::Result<()> {
    if Fault::NoFsync.is_planted() {
        return Ok(());
    }
    let synced = file.sync();
    if synced.is_err() && Fault::FsyncRetried.is_planted() { file.sync() } else { synced }
}

/// What stood in force at a head; its record follows.
fn snapshot(head: &Head, state: &State) -> proto::Snapshot {
    proto::Snapshot {
        log_id: head.log_id.0.to_vec(),
        totals: Some((&head.totals).into()),
        state: Some(state.into()),
    }
}

/// Adds a snapshot, a seal or a mark: its position is the first that it does not sum up.
fn push_summary(
    frames: &mut Frames,
    kind: Kind,
    head: &Head,
    position: Position,
    payload: &Bytes,
    is_protected: bool,
) {
    let parity = if is_protected { parity::of(&[], payload) } else { Bytes::new() };
    let header = Header {
        kind,
        flags: flags(&parity),
        signal: 0,
        generation: head.generation,
        position,
        durable: position.previous(),
        arrival_unix_ns: head.totals.last_arrival_unix_ns,
        body_hash: xxh3_128(payload),
        meta_bytes: 0,
        payload_bytes: payload.len() as u32,
        payload_crc: crc32c(&[payload]),
        parity_bytes: parity.len() as u32,
        items: 0,
    };
    frames.push(&header, &[], payload, &parity);
}

/// Bytes that a fresh segment uses before its first record, roughly.
pub(crate) fn overhead_bytes(state: &State) -> u64 {
    let state = proto::State::from(state).encoded_len() as u64;
    HEAD_BYTES + 2048 + 4 * state
}
