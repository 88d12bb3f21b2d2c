//! Control records: what branches do, written into the log they read.

use std::{fmt, ops::AddAssign, sync::Arc};

use prost::Message;

use crate::{
    Position, proto,
    totals::{SIGNALS, by_signal},
};

/// One control record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A branch is about to deliver a range.
    Plan(Plan),
    /// A plan is delivered; moves the cursor behind its range.
    Committed {
        /// The plan.
        plan: PlanId,
        /// Its branch.
        branch: String,
        /// What the branch is done with, including the plan's range.
        counts: Counts,
    },
    /// A branch is done with everything before a position. A cursor never moves back.
    Cursor {
        /// The branch.
        branch: String,
        /// The first position it still needs.
        position: Position,
        /// What the branch is done with.
        counts: Counts,
    },
    /// Processors and prices change.
    Epoch(Epoch),
    /// A connector's state is in a file.
    Checkpoint {
        /// The branch.
        branch: String,
        /// Where its state stands.
        checkpoint: Checkpoint,
        /// What it is done with.
        counts: Counts,
        /// Dead letters that are in the state now, and so none any more.
        replayed: Vec<Position>,
    },
    /// A record went to the dead letters of a branch.
    DeadLetter {
        /// The branch.
        branch: String,
        /// Which record and why.
        letter: DeadLetter,
    },
    /// A dead letter is given up for good: its items are dropped.
    DeadLetterDropped {
        /// The branch.
        branch: String,
        /// Which record.
        position: Position,
    },
    /// Bytes of the log cannot be read.
    Quarantined(Quarantined),
    /// Log time goes on while nothing arrives.
    TimeMark {
        /// Nanoseconds since 1970.
        unix_ns: u64,
    },
    /// The log has another id from here on, so that what it delivers has other names.
    Renamed,
    /// A branch begins; without this its other records are ignored.
    BranchAdded {
        /// The branch.
        branch: String,
        /// The first position it gets.
        position: Position,
        /// Items before that, by signal: [`crate::Wal::accepted_before`].
        before: [u64; SIGNALS],
    },
    /// A branch ends, with whatever waits for it.
    BranchForgotten {
        /// The branch.
        branch: String,
        /// Everything before it is done with or given up: a branch of that name begins here or later.
        position: Position,
    },
}

/// The random name of a plan; delivered files carry it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PlanId(pub [u8; 16]);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanId({self})")
    }
}

/// A range that a branch delivers as one, however often it has to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its random name.
    pub id: PlanId,
    /// The branch.
    pub branch: String,
    /// The first position.
    pub first: Position,
    /// The last position, inclusive.
    pub last: Position,
    /// Positions in between that went to the dead letters.
    pub excluded: Vec<Position>,
    /// Whether it delivers the dead letter of its one position, which the cursor has passed.
    pub replays: bool,
}

/// Everything the log took in before the cursor of a branch, by signal, each item in one of these. Cumulative: the
/// latest holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by the exporter's target.
    pub delivered: [u64; SIGNALS],
    /// Dropped by configuration.
    pub dropped: [u64; SIGNALS],
    /// Gone to the dead letters.
    pub dead_lettered: [u64; SIGNALS],
    /// Lost to damage of the log.
    pub quarantined: [u64; SIGNALS],
    /// Not for this branch: from before it began, or of pipelines that do not name it.
    pub elsewhere: [u64; SIGNALS],
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut [u64; SIGNALS], more: [u64; SIGNALS]| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        };
        add(&mut self.delivered, other.delivered);
        add(&mut self.dropped, other.dropped);
        add(&mut self.dead_lettered, other.dead_lettered);
        add(&mut self.quarantined, other.quarantined);
        add(&mut self.elsewhere, other.elsewhere);
    }
}

impl Counts {
    /// Counts a dead letter as delivered after all.
    pub fn revive(&mut self, letter: &DeadLetter) {
        move_items(&mut self.dead_lettered, &mut self.delivered, letter);
    }

    /// Counts a dead letter as given up for good.
    pub fn give_up(&mut self, letter: &DeadLetter) {
        move_items(&mut self.dead_lettered, &mut self.dropped, letter);
    }

    /// All of them, by signal.
    pub fn sum(&self) -> [u64; SIGNALS] {
        let Self { delivered, dropped, dead_lettered, quarantined, elsewhere } = self;
        let mut sum = *delivered;
        for counts in [dropped, dead_lettered, quarantined, elsewhere] {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        sum
    }
}

fn move_items(from: &mut [u64; SIGNALS], to: &mut [u64; SIGNALS], letter: &DeadLetter) {
    let signal = usize::from(letter.signal);
    if let (Some(from), Some(to)) = (from.get_mut(signal), to.get_mut(signal)) {
        let items = u64::from(letter.items).min(*from);
        *from -= items;
        *to += items;
    }
}

/// What is in force from a position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The first position it applies to; 0 in a record to be written stands for that record's own position.
    pub first: Position,
    /// Names the content-addressed file that holds it.
    pub payload_hash: Vec<u8>,
}

/// A connector's state in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Everything before it is folded in.
    pub position: Position,
    /// The file's name.
    pub file: String,
}

/// A record that a branch could not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record.
    pub position: Position,
    /// Why.
    pub reason: String,
    /// Names the content-addressed file that holds it.
    pub file_hash: Vec<u8>,
    /// When, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// Version of the program that gave up on it.
    pub version: String,
    /// Which signal.
    pub signal: u8,
    /// Id of the receiver that took it in.
    pub receiver: Arc<str>,
    /// When it arrived, in nanoseconds since 1970.
    pub arrival_unix_ns: u64,
    /// Items that count.
    pub items: u32,
    /// Indices of items to be left out.
    pub rejected: Arc<[u32]>,
    /// The payload hash of the epoch that was in force when it was put aside.
    pub config_hash: Vec<u8>,
}

/// Positions whose bytes cannot be read, `first` to `last`, both inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The first position lost.
    pub first: Position,
    /// The last position lost.
    pub last: Position,
    /// Number of the segment.
    pub segment: u64,
    /// Where in its file the damage begins.
    pub offset: u64,
    /// How many bytes were passed over.
    pub length: u64,
    /// What was wrong.
    pub reason: String,
    /// Items lost, by signal, as far as that is known.
    pub items: [u64; SIGNALS],
}

impl Control {
    pub(crate) fn encode(&self) -> Vec<u8> {
        proto::Control { kind: Some(self.to_kind()) }.encode_to_vec()
    }

    /// The control record in `bytes`; `None` for one that a newer program wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        proto::Control::decode(bytes).ok()?.kind.map(Self::from_kind)
    }

    /// The same record where it stands: an epoch that says no first position begins with it.
    pub(crate) fn at(mut self, position: Position) -> Self {
        if let Self::Epoch(epoch) = &mut self
            && epoch.first == Position(0)
        {
            epoch.first = position;
        }
        self
    }

    fn to_kind(&self) -> proto::control::Kind {
        use proto::control::Kind;
        match self.clone() {
            Self::Plan(plan) => Kind::Plan(plan.into()),
            Self::Committed { plan, branch, counts } => Kind::Committed(proto::Committed {
                plan: plan.0.to_vec(),
                branch,
                counts: Some(counts.into()),
            }),
            Self::Cursor { branch, position, counts } => {
                Kind::Cursor(proto::Cursor { branch, position: position.0, counts: Some(counts.into()) })
            }
            Self::Epoch(epoch) => Kind::Epoch(epoch.into()),
            Self::Checkpoint { branch, checkpoint, counts, replayed } => {
                Kind::Checkpoint(proto::Checkpoint {
                    counts: Some(counts.into()),
                    replayed: replayed.into_iter().map(|position| position.0).collect(),
                    ..checkpoint.into_proto(branch)
                })
            }
            Self::DeadLetter { branch, letter } => Kind::DeadLetter(letter.into_proto(branch)),
            Self::DeadLetterDropped { branch, position } => {
                Kind::DeadLetterDropped(proto::DeadLetterDropped { branch, position: position.0 })
            }
            Self::Quarantined(quarantined) => Kind::Quarantined(quarantined.into()),
            Self::TimeMark { unix_ns } => Kind::TimeMark(proto::TimeMark { unix_ns }),
            Self::Renamed => Kind::Renamed(proto::Renamed {}),
            Self::BranchAdded { branch, position, before } => Kind::BranchAdded(proto::BranchAdded {
                branch,
                position: position.0,
                before: before.to_vec(),
            }),
            Self::BranchForgotten { branch, position } => {
                Kind::BranchForgotten(proto::BranchForgotten { branch, position: position.0 })
            }
        }
    }

    fn from_kind(kind: proto::control::Kind) -> Self {
        use proto::control::Kind;
        match kind {
            Kind::Plan(plan) => Self::Plan(plan.into()),
            Kind::Committed(committed) => Self::Committed {
                plan: plan_id(&committed.plan),
                branch: committed.branch,
                counts: committed.counts.unwrap_or_default().into(),
            },
            Kind::Cursor(cursor) => Self::Cursor {
                branch: cursor.branch,
                position: Position(cursor.position),
                counts: cursor.counts.unwrap_or_default().into(),
            },
            Kind::Epoch(epoch) => Self::Epoch(epoch.into()),
            Kind::Checkpoint(mut checkpoint) => Self::Checkpoint {
                branch: std::mem::take(&mut checkpoint.branch),
                counts: checkpoint.counts.take().unwrap_or_default().into(),
                replayed: std::mem::take(&mut checkpoint.replayed).into_iter().map(Position).collect(),
                checkpoint: checkpoint.into(),
            },
            Kind::DeadLetter(letter) => {
                Self::DeadLetter { branch: letter.branch.clone(), letter: letter.into() }
            }
            Kind::DeadLetterDropped(dropped) => {
                Self::DeadLetterDropped { branch: dropped.branch, position: Position(dropped.position) }
            }
            Kind::Quarantined(quarantined) => Self::Quarantined(quarantined.into()),
            Kind::TimeMark(mark) => Self::TimeMark { unix_ns: mark.unix_ns },
            Kind::Renamed(proto::Renamed {}) => Self::Renamed,
            Kind::BranchAdded(added) => Self::BranchAdded {
                branch: added.branch,
                position: Position(added.position),
                before: by_signal(&added.before),
            },
            Kind::BranchForgotten(forgotten) => {
                Self::BranchForgotten { branch: forgotten.branch, position: Position(forgotten.position) }
            }
        }
    }
}

fn plan_id(bytes: &[u8]) -> PlanId {
    PlanId(bytes.try_into().unwrap_or_default())
}

impl From<Plan> for proto::Plan {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id.0.to_vec(),
            branch: plan.branch,
            first: plan.first.0,
            last: plan.last.0,
            excluded: plan.excluded.into_iter().map(|position| position.0).collect(),
            replays: plan.replays,
        }
    }
}

impl From<proto::Plan> for Plan {
    fn from(plan: proto::Plan) -> Self {
        Self {
            id: plan_id(&plan.id),
            branch: plan.branch,
            first: Position(plan.first),
            last: Position(plan.last),
            excluded: plan.excluded.into_iter().map(Position).collect(),
            replays: plan.replays,
        }
    }
}

impl From<Counts> for proto::Counts {
    fn from(counts: Counts) -> Self {
        Self {
            delivered: counts.delivered.to_vec(),
            dropped: counts.dropped.to_vec(),
            dead_lettered: counts.dead_lettered.to_vec(),
            quarantined: counts.quarantined.to_vec(),
            elsewhere: counts.elsewhere.to_vec(),
        }
    }
}

impl From<proto::Counts> for Counts {
    fn from(counts: proto::Counts) -> Self {
        Self {
            delivered: by_signal(&counts.delivered),
            dropped: by_signal(&counts.dropped),
            dead_lettered: by_signal(&counts.dead_lettered),
            quarantined: by_signal(&counts.quarantined),
            elsewhere: by_signal(&counts.elsewhere),
        }
    }
}

impl From<Epoch> for proto::Epoch {
    fn from(epoch: Epoch) -> Self {
        Self { first: epoch.first.0, payload_hash: epoch.payload_hash }
    }
}

impl From<proto::Epoch> for Epoch {
    fn from(epoch: proto::Epoch) -> Self {
        Self { first: Position(epoch.first), payload_hash: epoch.payload_hash }
    }
}

impl Checkpoint {
    pub(crate) fn into_proto(self, branch: String) -> proto::Checkpoint {
        proto::Checkpoint {
            branch,
            position: self.position.0,
            file: self.file,
            ..proto::Checkpoint::default()
        }
    }
}

impl From<proto::Checkpoint> for Checkpoint {
    fn from(checkpoint: proto::Checkpoint) -> Self {
        Self { position: Position(checkpoint.position), file: checkpoint.file }
    }
}

impl DeadLetter {
    pub(crate) fn into_proto(self, branch: String) -> proto::DeadLetter {
        proto::DeadLetter {
            branch,
            position: self.position.0,
            reason: self.reason,
            file_hash: self.file_hash,
            unix_ns: self.unix_ns,
            version: self.version,
            signal: self.signal.into(),
            receiver: self.receiver.to_string(),
            arrival_unix_ns: self.arrival_unix_ns,
            items: self.items,
            rejected: self.rejected.to_vec(),
            config_hash: self.config_hash,
        }
    }
}

impl From<proto::DeadLetter> for DeadLetter {
    fn from(letter: proto::DeadLetter) -> Self {
        Self {
            position: Position(letter.position),
            reason: letter.reason,
            file_hash: letter.file_hash,
            unix_ns: letter.unix_ns,
            version: letter.version,
            signal: u8::try_from(letter.signal).unwrap_or(u8::MAX),
            receiver: letter.receiver.into(),
            arrival_unix_ns: letter.arrival_unix_ns,
            items: letter.items,
            rejected: letter.rejected.into(),
            config_hash: letter.config_hash,
        }
    }
}

impl From<Quarantined> for proto::Quarantined {
    fn from(quarantined: Quarantined) -> Self {
        Self {
            first: quarantined.first.0,
            last: quarantined.last.0,
            segment: quarantined.segment,
            offset: quarantined.offset,
            length: quarantined.length,
            reason: quarantined.reason,
            items: quarantined.items.to_vec(),
        }
    }
}

impl From<proto::Quarantined> for Quarantined {
    fn from(quarantined: proto::Quarantined) -> Self {
        Self {
            first: Position(quarantined.first),
            last: Position(quarantined.last),
            segment: quarantined.segment,
            offset: quarantined.offset,
            length: quarantined.length,
            reason: quarantined.reason,
            items: by_signal(&quarantined.items),
        }
    }
}
