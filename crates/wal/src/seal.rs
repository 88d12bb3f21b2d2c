//! The last bytes of a full segment: what it held, so that nobody has to read it to know.

use std::{io, sync::Arc};

use bytes::{Buf, BufMut, Bytes};
use prost::Message;

use crate::{
    Position,
    disk::DiskFile,
    draft::{Content, Placed},
    head::{HEAD_BYTES, Head},
    proto,
    record::{HEADER_BYTES, Header, Kind},
    repeats::{self, Known},
    state::State,
    totals::Totals,
};

/// Bytes of one entry: position, arrival, body hash, rejected count, signal, reserved, receiver.
const ENTRY_BYTES: u64 = 40;

/// Gathers, while a segment fills, what its seal will say.
#[derive(Default)]
pub(crate) struct SealBuilder {
    entries: Vec<u8>,
    receivers: Vec<Arc<str>>,
}

impl SealBuilder {
    pub(crate) fn add(&mut self, placed: &Placed, header: &Header) {
        let Content::Data(meta) = &placed.draft.content else { return };
        let known = self.receivers.iter().position(|receiver| *receiver == meta.receiver);
        let receiver = known.unwrap_or_else(|| {
            self.receivers.push(meta.receiver.clone());
            self.receivers.len() - 1
        });
        self.entries.put_u64_le(header.position.0);
        self.entries.put_u64_le(header.arrival_unix_ns);
        self.entries.put_u128_le(header.body_hash);
        self.entries.put_u32_le(meta.rejected.len() as u32);
        self.entries.put_u8(header.signal);
        self.entries.put_u8(0);
        self.entries.put_u16_le(u16::try_from(receiver).unwrap_or(u16::MAX));
    }

    /// Room that the seal needs after `records` more, beside the control state.
    pub(crate) fn room_bytes(&self, records: u64) -> u64 {
        let names: usize = self.receivers.iter().map(|receiver| receiver.len() + 8).sum();
        let bytes = self.entries.len() as u64 + names as u64 + records * ENTRY_BYTES;
        bytes + bytes / 15 + 1024
    }

    pub(crate) fn finish(self, until: Position, end: u64, totals: &Totals, state: &State) -> proto::Seal {
        proto::Seal {
            until: until.0,
            end,
            totals: Some(totals.into()),
            state: Some(state.into()),
            receivers: self.receivers.iter().map(|receiver| receiver.to_string()).collect(),
            entries: self.entries,
        }
    }
}

/// The requests that the seal of a segment tells of; `None` without one.
pub(crate) fn known(file: &dyn DiskFile, head: &Head) -> io::Result<Option<Vec<Known>>> {
    let Some(seal) = read(file, head)? else { return Ok(None) };
    let entry = |mut entry: &[u8]| {
        let position = Position(entry.try_get_u64_le().ok()?);
        let arrival_unix_ns = entry.try_get_u64_le().ok()?;
        let body_hash = entry.try_get_u128_le().ok()?;
        let rejected = entry.try_get_u32_le().ok()?;
        let signal = entry.try_get_u8().ok()?;
        let _reserved = entry.try_get_u8().ok()?;
        let receiver = seal.receivers.get(usize::from(entry.try_get_u16_le().ok()?))?;
        let key = repeats::key(signal, receiver, body_hash);
        Some(Known { key, position, arrival_unix_ns, rejected })
    };
    Ok(Some(seal.entries.chunks_exact(ENTRY_BYTES as usize).filter_map(entry).collect()))
}

/// The seal of a segment, if its file ends with one.
pub(crate) fn read(file: &dyn DiskFile, head: &Head) -> io::Result<Option<proto::Seal>> {
    let length = file.length()?;
    let Some(at) = length.checked_sub(HEADER_BYTES as u64) else { return Ok(None) };
    let trailer = file.read_at(at, HEADER_BYTES)?;
    let Some((header, start)) = Header::decode_trailer(&trailer, at) else { return Ok(None) };
    if header.kind != Kind::Seal || header.generation != head.generation || start < HEAD_BYTES {
        return Ok(None);
    }
    let record = file.read_at(start, header.record_bytes() as usize)?;
    let content = header.content(&Bytes::from(record), start);
    Ok(content.and_then(|content| proto::Seal::decode(content.payload).ok()))
}
