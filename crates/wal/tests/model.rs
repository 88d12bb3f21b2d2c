//! The log against a model of it, under any damage: nothing wrong is ever delivered, and nothing that is whole is lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{Arc, OnceLock},
};

use common::{append, fake_disk::FakeDisk, options};
use proptest::{prelude::*, sample::Index};
use spanledger_wal::{Control, Options, Position, ReadLimits, Stats, Wal};

const PAGE: usize = 4096;

type Files = BTreeMap<String, Vec<u8>>;

/// A record that was acknowledged, and where it stands.
struct Sent {
    position: u64,
    body: Vec<u8>,
    file: String,
    place: Range<usize>,
}

/// A log as it was written.
struct Written {
    files: Files,
    sent: Vec<Sent>,
}

/// Of any size, and no two the same: their first eight bytes rise.
fn body(index: usize) -> Vec<u8> {
    let sizes = [20, 300, 1500, 70_000, 9, 4096, 12_000, 700, 130_000, 2500];
    // Every other ten are small: a page holds several of them.
    let bytes = if index % 20 < 10 { sizes[index % 10] } else { 200 + index };
    let noise = (0..bytes).map(|at| ((at * 0x9e37 + index * 0x85eb) >> 7) as u8);
    (index as u64).to_be_bytes().into_iter().chain(noise).collect()
}

fn open(disk: &FakeDisk) -> Wal {
    let options = Options { segment_bytes: 200 << 10, ..options(Path::new("/fake")) };
    Wal::open_on(options, Arc::new(disk.clone())).unwrap()
}

/// Four segments or more; the last one is sealed or not.
fn write(is_closed: bool) -> Written {
    let disk = FakeDisk::default();
    let wal = open(&disk);
    common::add_branch(&wal, "parquet");
    let bodies: Vec<_> = (0..80).map(body).collect();
    let positions: Vec<_> = bodies.iter().map(|body| append(&wal, body.clone()).0).collect();
    let files = if is_closed { None } else { Some(disk.files()) };
    drop(wal);
    let files = files.unwrap_or_else(|| disk.files());
    let sent = positions.into_iter().zip(bodies).map(|(position, body)| {
        let (file, place) =
            files.iter().find_map(|(name, bytes)| Some((name.clone(), place_of(bytes, &body)?))).unwrap();
        Sent { position, body, file, place }
    });
    Written { sent: sent.collect(), files: files.clone() }
}

/// The bytes of the record with this body, counted as FORMAT.md says.
fn place_of(file: &[u8], body: &[u8]) -> Option<Range<usize>> {
    const META: usize = 12;
    let at = file.windows(16).position(|window| window == &body[..16])?;
    let content = META + body.len();
    let parity = content.div_ceil(15).next_multiple_of(8) + 64;
    let start = at - META - 80;
    Some(start..start + 160 + (content + parity).next_multiple_of(8))
}

fn written(is_closed: bool) -> &'static Written {
    static LOGS: OnceLock<[Written; 2]> = OnceLock::new();
    &LOGS.get_or_init(|| [write(false), write(true)])[usize::from(is_closed)]
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index),
    Fill(Index, usize, u8),
    ZeroPage(Index),
    SwapPages(Index, Index),
    StalePage(Index, Index),
    Cut(usize),
    Append(Vec<u8>),
    Remove,
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => index().prop_map(Damage::Flip),
        2 => (index(), 1_usize..10_000, any::<u8>()).prop_map(|(at, bytes, value)| Damage::Fill(at, bytes, value)),
        3 => index().prop_map(Damage::ZeroPage),
        2 => (index(), index()).prop_map(|(one, other)| Damage::SwapPages(one, other)),
        2 => (index(), index()).prop_map(|(to, from)| Damage::StalePage(to, from)),
        1 => (1_usize..50_000).prop_map(Damage::Cut),
        1 => proptest::collection::vec(any::<u8>(), 1..500).prop_map(Damage::Append),
        1 => Just(Damage::Remove),
    ]
}

fn page(index: &Index, bytes: &[u8]) -> Range<usize> {
    let start = index.index(bytes.len().div_ceil(PAGE).max(1)) * PAGE;
    start..(start + PAGE).min(bytes.len())
}

impl Damage {
    fn apply(&self, files: &mut Files, file: &Index) {
        let name = files.keys().nth(file.index(files.len())).unwrap().clone();
        let bytes = files.get_mut(&name).unwrap();
        match self {
            Self::Flip(index) if !bytes.is_empty() => {
                let bit = index.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            Self::Fill(index, length, value) if !bytes.is_empty() => {
                let at = index.index(bytes.len());
                let end = (at + length).min(bytes.len());
                bytes[at..end].fill(*value);
            }
            Self::ZeroPage(index) => {
                let page = page(index, bytes);
                bytes[page].fill(0);
            }
            Self::SwapPages(one, other) => {
                let (one, other) = (page(one, bytes), page(other, bytes));
                if one.len() == other.len() {
                    let (first, second) = (bytes[one.clone()].to_vec(), bytes[other.clone()].to_vec());
                    bytes[one].copy_from_slice(&second);
                    bytes[other].copy_from_slice(&first);
                }
            }
            Self::StalePage(to, from) => {
                let (to, from) = (page(to, bytes), page(from, bytes));
                if to.len() == from.len() {
                    bytes.copy_within(from, to.start);
                }
            }
            Self::Cut(length) => bytes.truncate(bytes.len().saturating_sub(*length)),
            Self::Append(garbage) => bytes.extend(garbage),
            Self::Remove if files.len() > 1 => _ = files.remove(&name),
            Self::Flip(_) | Self::Fill(..) | Self::Remove => {}
        }
    }
}

impl Sent {
    /// Whether nothing of it was touched.
    fn is_whole(&self, before: &Files, after: &Files) -> bool {
        let now = after.get(&self.file).and_then(|bytes| bytes.get(self.place.clone()));
        now == before[&self.file].get(self.place.clone())
    }
}

/// Everything that can be read, in small steps, and how many items could not.
fn read_all(wal: &Wal) -> (Vec<Vec<u8>>, u64) {
    let limits = ReadLimits { items: 3, bytes: u64::MAX };
    let (mut from, mut bodies, mut lost) = (Position::FIRST, Vec::new(), 0);
    loop {
        let read = wal.read(from, None, limits).unwrap();
        if read.next == from {
            return (bodies, lost);
        }
        from = read.next;
        bodies.extend(read.records.into_iter().map(|record| record.body.to_vec()));
        if read.passes_damage {
            let done = [bodies.len() as u64 + lost, 0, 0, 0, 0, 0, 0, 0];
            lost += wal.lost_before(from, &done)[0];
        }
    }
}

/// What was delivered of a damaged log, and how many items were passed over.
struct Read {
    delivered: Vec<u64>,
    lost: u64,
    stats: Stats,
}

/// Reads a damaged log twice, over a reopening, and compares it with what was sent.
fn check(log: &Written, damaged: &Files) -> Result<Read, TestCaseError> {
    let disk = FakeDisk::with_files(damaged);
    let mut last = Read { delivered: Vec::new(), lost: 0, stats: Stats::default() };
    for round in 0..2 {
        let wal = open(&disk);
        let (read, lost) = read_all(&wal);
        // What readers find is written by the log thread; any later control record comes after it.
        wal.record(Control::TimeMark { unix_ns: 1 }).wait().unwrap();
        let state = wal.state();
        let position =
            |body: &Vec<u8>| log.sent.iter().find(|sent| sent.body == *body).map(|sent| sent.position);
        let positions: Option<Vec<u64>> = read.iter().map(position).collect();
        prop_assert!(positions.is_some(), "a body that was never sent");
        let positions = positions.unwrap();
        prop_assert!(
            positions.windows(2).all(|pair| pair[0] < pair[1]),
            "out of order or twice: {:?}",
            positions
        );
        let is_whole = |sent: &Sent| sent.is_whole(&log.files, damaged);
        let last_whole = log.sent.iter().rev().find(|sent| is_whole(sent)).map_or(0, |sent| sent.position);
        for sent in &log.sent {
            let is_delivered = positions.contains(&sent.position);
            prop_assert!(is_delivered || !is_whole(sent), "{} is whole and lost", sent.position);
            // The last ones, of which no whole one proves that they were answered for, may look torn. And a log that
            // lost its branches does not know that anybody misses the first segment.
            let is_reported = state.is_quarantined(Position(sent.position));
            let is_accounted =
                is_delivered || is_reported || state.branches.is_empty() || sent.position > last_whole;
            prop_assert!(is_accounted, "{} is lost in silence: {:?}", sent.position, state.quarantined);
        }
        prop_assert!(round == 0 || positions == last.delivered, "another answer after reopening");
        last = Read { delivered: positions, lost, stats: wal.stats() };
    }
    Ok(last)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn under_any_damage_nothing_wrong_is_delivered_and_nothing_whole_is_lost(
        is_closed in any::<bool>(),
        damage in proptest::collection::vec((any::<Index>(), damage()), 1..6),
    ) {
        let log = written(is_closed);
        let mut files = log.files.clone();
        damage.iter().for_each(|(file, damage)| damage.apply(&mut files, file));
        check(log, &files)?;
    }

    #[test]
    fn a_page_zeroed_anywhere_is_repaired_or_reported_and_all_else_is_delivered(
        is_closed in any::<bool>(),
        file in any::<Index>(),
        at in any::<Index>(),
    ) {
        let log = written(is_closed);
        let mut files = log.files.clone();
        Damage::ZeroPage(at).apply(&mut files, &file);
        let Read { delivered, lost, stats } = check(log, &files)?;
        prop_assert_eq!(stats.accepted_items[0], delivered.len() as u64 + stats.quarantined_items[0]);
        prop_assert_eq!(stats.accepted_items[0], delivered.len() as u64 + lost);
        // A page is at most a stripe of these.
        for large in log.sent.iter().filter(|sent| sent.body.len() >= 65_536) {
            prop_assert!(delivered.contains(&large.position), "{} is not repaired", large.position);
        }
    }

    #[test]
    fn damage_within_one_stripe_of_a_record_is_repaired(
        is_closed in any::<bool>(),
        record in any::<Index>(),
        stripe in 0_usize..15,
        value in any::<u8>(),
    ) {
        let log = written(is_closed);
        let mut files = log.files.clone();
        let sent = &log.sent[record.index(log.sent.len())];
        let content = sent.place.start + 80..sent.place.start + 80 + 12 + sent.body.len();
        let stripe_bytes = content.len().div_ceil(15).next_multiple_of(8);
        let start = (content.start + stripe * stripe_bytes).min(content.end);
        let bytes = files.get_mut(&sent.file).unwrap();
        bytes[start..(start + stripe_bytes).min(content.end)].fill(value);
        prop_assert_eq!(check(log, &files)?.delivered.len(), log.sent.len());
    }
}
