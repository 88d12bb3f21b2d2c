//! Reads a whole log that nobody has open, and says what is wrong with it. Nothing is changed on disk.

use std::{io, path::Path, sync::Arc};

use xxhash_rust::xxh3::xxh3_128;

use crate::{
    LogId, OpenError, Options, Position, State,
    control::{Control, Quarantined},
    disk::Disk,
    head::{HEAD_BYTES, Head, file_name},
    lost::quarantined,
    record::{Kind, Meta},
    recovery::{io_error, recover},
    scan::{Damage, Raw, Scan, Step},
    segment::Segment,
    totals::{SIGNALS, Totals},
    wal::LOCK_FILE,
    windows,
};

const CHUNK_BYTES: usize = 1 << 20;
/// Problems that are listed; the rest is only counted.
const LISTED_MAX: usize = 1_000;

/// What a log holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The name of the log.
    pub log: LogId,
    /// Segments that count.
    pub segments: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Data records that read well or can be repaired.
    pub records: u64,
    /// Their items, by signal.
    pub items: [u64; SIGNALS],
    /// Control records, snapshots included.
    pub control_records: u64,
    /// What its control records add up to.
    pub state: Arc<State>,
    /// Control records that a newer program wrote, and this one passes over.
    pub unknown_control_records: u64,
    /// Bytes at the end of which nobody was told that they are durable. They are no problem.
    pub torn_bytes: u64,
    /// What is wrong, by segment and offset; no more than a thousand are listed.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problems_total: u64,
}

impl Report {
    /// Whether all is as it was written.
    pub fn is_clean(&self) -> bool {
        self.problems_total == 0
    }

    fn add(&mut self, problem: Problem) {
        self.problems_total += 1;
        if self.problems.len() < LISTED_MAX {
            self.problems.push(problem);
        }
    }
}

/// One place that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// The first and last position concerned, if it concerns any.
    pub positions: Option<(Position, Position)>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What is needed is whole; what it could be repaired from is not.
    Weakened,
    /// Damaged, and repaired whenever it is read.
    Repaired,
    /// Cannot be read; the log knows of it already.
    Quarantined,
    /// Cannot be read; the log does not know of it yet.
    Lost,
}

/// Reads through the log in `options.directory`.
pub(crate) fn verify(options: &Options, disk: &dyn Disk) -> Result<Report, OpenError> {
    let directory = &options.directory;
    let files = disk.list(directory).map_err(|source| io_error("list", directory, source))?;
    // A lock file would be made where there is none.
    let _lock = match files.iter().any(|(name, _)| name == LOCK_FILE) {
        true => {
            let path = directory.join(LOCK_FILE);
            let lock = disk.lock(&path).map_err(|source| io_error("lock", &path, source))?;
            Some(lock.ok_or_else(|| OpenError::Locked { directory: directory.clone() })?)
        }
        false => None,
    };
    let found = recover(options, disk, LogId::default())?;
    let segments = found.view.segments;
    let state = found.view.state.clone();
    let mut report = Report { log: found.id, segments: segments.len() as u64, state, ..Report::default() };
    for path in &found.unreadable {
        report.add(Problem::new(path, 0, 0, Severity::Lost, "nothing in the file can be read"));
    }
    for (_, missing) in found.damaged.iter().filter(|(path, _)| path.is_none()) {
        let file = file_name(missing.segment);
        report.add(Problem::of_range(Path::new(&file), missing, Severity::Lost));
    }
    for name in windows::damaged(disk, directory, &files) {
        report.add(Problem::new(
            Path::new(&name),
            0,
            0,
            Severity::Lost,
            "the requests it remembers cannot be read, so that repeats of them would be stored",
        ));
    }
    let mut segments = segments.iter().peekable();
    while let Some(segment) = segments.next() {
        let after = match segments.peek() {
            Some(next) => next.head.totals,
            None => found.view.totals,
        };
        let check = Check {
            disk,
            segment,
            state: &found.view.state,
            report: &mut report,
            totals: segment.head.totals,
        };
        check.run(&after).map_err(|source| io_error("read", &segment.path, source))?;
    }
    Ok(report)
}

/// The check of one segment.
struct Check<'a> {
    disk: &'a dyn Disk,
    segment: &'a Segment,
    state: &'a Arc<State>,
    report: &'a mut Report,
    totals: Totals,
}

impl Check<'_> {
    fn run(mut self, after: &Totals) -> io::Result<()> {
        let file = self.disk.open(&self.segment.path)?;
        let length = file.length()?;
        self.report.bytes += length;
        if !Head::is_whole(&file.read_at(0, HEAD_BYTES as usize)?) {
            self.add(0, HEAD_BYTES, Severity::Repaired, "head of the segment is damaged");
        }
        let (generation, base) = (self.segment.head.generation, self.segment.head.base);
        let mut scan = Scan::new(&*file, generation, (HEAD_BYTES, self.segment.end), base, CHUNK_BYTES)?;
        scan.check_redundancy();
        let mut is_damaged = false;
        while let Some(step) = scan.next()? {
            match step {
                Step::Record(raw) => self.record(&raw),
                Step::Damage(damage) => {
                    is_damaged = true;
                    self.damage(&damage);
                }
            }
        }
        let is_counted = (self.totals.records, self.totals.bytes, self.totals.items)
            == (after.records, after.bytes, after.items);
        if !is_counted && !is_damaged {
            self.add(0, length, Severity::Lost, "records are missing that the log has counted");
        }
        let place = scan.place();
        self.end(&mut Scan::new(&*file, generation, (self.segment.end, length), place.1, CHUNK_BYTES)?)
    }

    /// What stands behind the records that count: a seal, or what nobody was answered for.
    fn end(&mut self, scan: &mut Scan<'_>) -> io::Result<()> {
        scan.check_redundancy();
        while let Some(step) = scan.next()? {
            match step {
                Step::Record(raw) if raw.header.kind == Kind::Seal => self.redundancy(&raw),
                Step::Record(raw) => self.report.torn_bytes += raw.header.record_bytes(),
                Step::Damage(damage) => self.report.torn_bytes += damage.length,
            }
        }
        Ok(())
    }

    fn record(&mut self, raw: &Raw) {
        self.redundancy(raw);
        let header = &raw.header;
        let is_sound = match header.kind {
            Kind::Data => {
                self.report.records += 1;
                if let Some(items) = self.report.items.get_mut(usize::from(header.signal)) {
                    *items += u64::from(header.items);
                }
                self.totals.add(header);
                Meta::decode(&raw.meta).is_some()
            }
            Kind::Control => {
                self.report.control_records += 1;
                self.report.unknown_control_records += u64::from(Control::decode(&raw.payload).is_none());
                true
            }
            Kind::Snapshot => {
                self.report.control_records += 1;
                true
            }
            Kind::Seal | Kind::Mark => true,
        };
        if !is_sound || xxh3_128(&raw.payload) != header.body_hash && header.kind != Kind::Mark {
            self.add(
                raw.offset,
                header.record_bytes(),
                Severity::Lost,
                "content of a record does not fit its header",
            );
        }
    }

    fn redundancy(&mut self, raw: &Raw) {
        let (offset, bytes) = (raw.offset, raw.header.record_bytes());
        if let Some(part) = raw.repaired {
            self.add(offset, bytes, Severity::Repaired, &format!("{part} of a record is damaged"));
        } else if let Some(part) = raw.weakened {
            self.add(offset, bytes, Severity::Weakened, &format!("{part} of a record is damaged"));
        }
    }

    fn damage(&mut self, damage: &Damage) {
        damage.data_header().inspect(|header| self.totals.add(header));
        let last = damage.last.unwrap_or(damage.first).max(damage.first);
        let is_known = self.state.first_unknown(damage.first) > last;
        let severity = if is_known { Severity::Quarantined } else { Severity::Lost };
        let range = quarantined(self.segment.head.number, damage, last);
        self.report.add(Problem::of_range(&self.segment.path, &range, severity));
    }

    fn add(&mut self, offset: u64, length: u64, severity: Severity, what: &str) {
        self.report.add(Problem::new(&self.segment.path, offset, length, severity, what));
    }
}

impl Problem {
    fn new(path: &Path, offset: u64, length: u64, severity: Severity, what: &str) -> Self {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { file, offset, length, positions: None, severity, what: what.to_owned() }
    }

    fn of_range(path: &Path, range: &Quarantined, severity: Severity) -> Self {
        let problem = Self::new(path, range.offset, range.length, severity, &range.reason);
        Self { positions: Some((range.first, range.last)), ..problem }
    }
}
