//! What the control records add up to.

use std::collections::BTreeMap;

use crate::{
    Position,
    control::{Checkpoint, Control, Counts, DeadLetter, Epoch, Plan, Quarantined},
    proto,
    totals::{SIGNALS, by_signal},
};

/// How many dead letters of a branch, and how many quarantined ranges, are listed; the older ones are only counted.
const LISTED_MAX: usize = 1_000;

/// The control state of a log at some position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Every branch that was added and not forgotten, by name.
    pub branches: BTreeMap<String, Branch>,
    /// Where branches that were forgotten are to begin if they come back, as long as what is before is retained.
    pub forgotten: BTreeMap<String, Position>,
    /// The epochs of the positions still retained, oldest first.
    pub epochs: Vec<Epoch>,
    /// The newest ranges that could not be read.
    pub quarantined: Vec<Quarantined>,
    /// How many there were in all.
    pub quarantined_total: u64,
    /// How many positions those had.
    pub quarantined_positions: u64,
    /// How many items, by signal, as far as that is known.
    pub quarantined_items: [u64; SIGNALS],
    /// How many bytes on disk.
    pub quarantined_bytes: u64,
    /// The newest time mark, in nanoseconds since 1970; 0 if there is none.
    pub time_mark_unix_ns: u64,
}

/// One branch as the log knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// The first position it was to get.
    pub added: Position,
    /// The first position it still needs.
    pub cursor: Position,
    /// The plan that is not yet committed.
    pub plan: Option<Plan>,
    /// The newest checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The position of the one before it, which is a reserve as long as the log has room for what followed; 0 without.
    pub reserve: Position,
    /// What it is done with.
    pub counts: Counts,
    /// Of what is delivered, what is named after an id that the log had before.
    pub delivered_under_old_ids: [u64; SIGNALS],
    /// The newest records it could not take.
    pub dead_letters: Vec<DeadLetter>,
    /// How many there are, those that are not listed included.
    pub dead_letters_total: u64,
}

impl State {
    pub(crate) fn apply(&mut self, control: Control) {
        match control {
            Control::Epoch(epoch) => self.epochs.push(epoch),
            Control::Quarantined(quarantined) => self.quarantine(quarantined),
            Control::TimeMark { unix_ns } => self.time_mark_unix_ns = unix_ns.max(self.time_mark_unix_ns),
            Control::Renamed => {
                for branch in self.branches.values_mut() {
                    branch.delivered_under_old_ids = branch.counts.delivered;
                }
            }
            Control::BranchAdded { branch, position, before } => {
                let position = self.forgotten.remove(&branch).unwrap_or_default().max(position);
                let counts = Counts { elsewhere: before, ..Counts::default() };
                let added = Branch { added: position, cursor: position, counts, ..Branch::default() };
                self.branches.entry(branch).or_insert(added);
            }
            Control::BranchForgotten { branch, position } => {
                self.branches.remove(&branch);
                self.forgotten.insert(branch, position);
            }
            Control::Plan(plan) => self.on_branch(&plan.branch.clone(), |branch| branch.plan = Some(plan)),
            Control::Committed { plan, branch, counts } => self.on_branch(&branch, |branch| {
                if let Some(done) = branch.plan.take_if(|open| open.id == plan) {
                    branch.cursor = branch.cursor.max(done.last.next());
                    branch.counts = counts;
                    if done.replays {
                        branch.end_letters(&[done.first]);
                    }
                }
            }),
            Control::Cursor { branch, position, counts } => self.on_branch(&branch, |branch| {
                branch.cursor = branch.cursor.max(position);
                branch.counts = counts;
            }),
            Control::Checkpoint { branch, checkpoint, counts, replayed } => {
                self.on_branch(&branch, |branch| {
                    branch.end_letters(&replayed);
                    branch.cursor = branch.cursor.max(checkpoint.position);
                    branch.counts = counts;
                    let before = branch.checkpoint.replace(checkpoint);
                    branch.reserve = before.map_or(Position(0), |before| before.position);
                });
            }
            Control::DeadLetter { branch, letter } => self.on_branch(&branch, |branch| {
                match branch.dead_letters.iter_mut().find(|known| known.position == letter.position) {
                    // It was tried again, and cannot be taken for that reason now.
                    Some(known) => *known = letter,
                    None => {
                        push_listed(&mut branch.dead_letters, letter);
                        branch.dead_letters_total += 1;
                    }
                }
            }),
            Control::DeadLetterDropped { branch, position } => self.on_branch(&branch, |branch| {
                for letter in branch.end_letters(&[position]) {
                    branch.counts.give_up(&letter);
                }
            }),
        }
    }

    fn on_branch(&mut self, name: &str, change: impl FnOnce(&mut Branch)) {
        match self.branches.get_mut(name) {
            Some(branch) => change(branch),
            None => tracing::warn!(branch = name, "control record of a branch that was not added is ignored"),
        }
    }

    fn quarantine(&mut self, quarantined: Quarantined) {
        if self.first_unknown(quarantined.first) > quarantined.last {
            return;
        }
        self.quarantined_total += 1;
        self.quarantined_positions += quarantined.last.next().0.saturating_sub(quarantined.first.0);
        self.quarantined_bytes += quarantined.length;
        for (total, items) in self.quarantined_items.iter_mut().zip(quarantined.items) {
            *total += items;
        }
        push_listed(&mut self.quarantined, quarantined);
    }

    /// Whether a position is known to be unreadable.
    pub fn is_quarantined(&self, position: Position) -> bool {
        self.quarantined.iter().any(|range| range.first <= position && position <= range.last)
    }

    /// The first position from `position` on that is not known to be unreadable.
    pub(crate) fn first_unknown(&self, mut position: Position) -> Position {
        let holding = |position| {
            let mut ranges = self.quarantined.iter();
            ranges.find(|range| range.first <= position && position <= range.last)
        };
        while let Some(range) = holding(position).filter(|range| range.last < Position(u64::MAX)) {
            position = range.last.next();
        }
        position
    }

    /// The first position that some branch still needs; `None` without branches.
    pub fn cursor_min(&self) -> Option<Position> {
        self.branches.values().map(|branch| branch.cursor).min()
    }

    /// The first position that is of use to some branch: which it needs, or would need if its newest checkpoint were lost.
    pub(crate) fn useful_min(&self) -> Option<Position> {
        let useful = |branch: &Branch| match branch.reserve {
            Position(0) => branch.cursor,
            reserve => reserve.min(branch.cursor),
        };
        self.branches.values().map(useful).min()
    }

    /// Forgets what matters only to positions before `first_retained`: epochs that ended, branches that were forgotten.
    pub(crate) fn prune_epochs(&mut self, first_retained: Position) {
        let ended = self.epochs.windows(2).take_while(|pair| match pair {
            [_, next] => next.first <= first_retained,
            _ => false,
        });
        let ended = ended.count();
        self.epochs.drain(..ended);
        self.forgotten.retain(|_, position| *position > first_retained);
    }
}

fn push_listed<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= LISTED_MAX {
        list.remove(0);
    }
    list.push(item);
}

impl From<&State> for proto::State {
    fn from(state: &State) -> Self {
        let branches = state.branches.iter().map(|(name, branch)| branch.to_proto(name));
        Self {
            branches: branches.collect(),
            forgotten: state
                .forgotten
                .iter()
                .map(|(branch, position)| proto::BranchForgotten {
                    branch: branch.clone(),
                    position: position.0,
                })
                .collect(),
            epochs: state.epochs.iter().cloned().map(Into::into).collect(),
            quarantined: state.quarantined.iter().cloned().map(Into::into).collect(),
            quarantined_total: state.quarantined_total,
            quarantined_positions: state.quarantined_positions,
            quarantined_items: state.quarantined_items.to_vec(),
            quarantined_bytes: state.quarantined_bytes,
            time_mark_unix_ns: state.time_mark_unix_ns,
        }
    }
}

impl From<proto::State> for State {
    fn from(state: proto::State) -> Self {
        let branches = state.branches.into_iter().map(|branch| (branch.name.clone(), branch.into()));
        Self {
            branches: branches.collect(),
            forgotten: state
                .forgotten
                .into_iter()
                .map(|forgotten| (forgotten.branch, Position(forgotten.position)))
                .collect(),
            epochs: state.epochs.into_iter().map(Into::into).collect(),
            quarantined: state.quarantined.into_iter().map(Into::into).collect(),
            quarantined_total: state.quarantined_total,
            quarantined_positions: state.quarantined_positions,
            quarantined_items: by_signal(&state.quarantined_items),
            quarantined_bytes: state.quarantined_bytes,
            time_mark_unix_ns: state.time_mark_unix_ns,
        }
    }
}

impl Branch {
    /// Takes those out that are delivered after all, or given up for good.
    fn end_letters(&mut self, positions: &[Position]) -> Vec<DeadLetter> {
        let is_ended = |letter: &mut DeadLetter| positions.contains(&letter.position);
        let ended: Vec<_> = self.dead_letters.extract_if(.., is_ended).collect();
        self.dead_letters_total = self.dead_letters_total.saturating_sub(ended.len() as u64);
        ended
    }

    fn to_proto(&self, name: &str) -> proto::Branch {
        let letters = self.dead_letters.iter().cloned();
        proto::Branch {
            name: name.to_owned(),
            added: self.added.0,
            cursor: self.cursor.0,
            plan: self.plan.clone().map(Into::into),
            checkpoint: self.checkpoint.clone().map(|checkpoint| checkpoint.into_proto(String::new())),
            counts: Some(self.counts.into()),
            dead_letters: letters.map(|letter| letter.into_proto(String::new())).collect(),
            dead_letters_total: self.dead_letters_total,
            delivered_under_old_ids: self.delivered_under_old_ids.to_vec(),
            reserve: self.reserve.0,
        }
    }
}

impl From<proto::Branch> for Branch {
    fn from(branch: proto::Branch) -> Self {
        Self {
            added: Position(branch.added),
            cursor: Position(branch.cursor),
            plan: branch.plan.map(Into::into),
            checkpoint: branch.checkpoint.map(Into::into),
            counts: branch.counts.unwrap_or_default().into(),
            dead_letters: branch.dead_letters.into_iter().map(Into::into).collect(),
            dead_letters_total: branch.dead_letters_total,
            delivered_under_old_ids: by_signal(&branch.delivered_under_old_ids),
            reserve: Position(branch.reserve),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlanId;

    fn with_branch() -> State {
        let mut state = State::default();
        let before = [0; SIGNALS];
        state.apply(Control::BranchAdded { branch: "parquet".into(), position: Position(1), before });
        state
    }

    fn plan(id: u8, last: u64) -> Plan {
        let (first, last) = (Position(1), Position(last));
        Plan { id: PlanId([id; 16]), branch: "parquet".into(), first, last, excluded: vec![], replays: false }
    }

    #[test]
    fn a_commit_moves_the_cursor_behind_its_plan() {
        let mut state = with_branch();
        state.apply(Control::Plan(plan(1, 9)));
        let counts = Counts { delivered: [9, 0, 0, 0, 0, 0, 0, 0], ..Counts::default() };
        state.apply(Control::Committed { plan: PlanId([1; 16]), branch: "parquet".into(), counts });
        let branch = &state.branches["parquet"];
        assert_eq!((branch.cursor, branch.counts, &branch.plan), (Position(10), counts, &None));
    }

    #[test]
    fn a_commit_of_another_plan_changes_nothing() {
        let mut state = with_branch();
        state.apply(Control::Plan(plan(1, 9)));
        let before = state.clone();
        let counts = Counts::default();
        state.apply(Control::Committed { plan: PlanId([2; 16]), branch: "parquet".into(), counts });
        assert_eq!(state, before);
    }

    #[test]
    fn a_cursor_never_moves_back() {
        let mut state = with_branch();
        for position in [5, 3] {
            let position = Position(position);
            state.apply(Control::Cursor { branch: "parquet".into(), position, counts: Counts::default() });
        }
        assert_eq!(state.cursor_min(), Some(Position(5)));
    }

    #[test]
    fn only_epochs_that_ended_before_the_first_retained_position_are_forgotten() {
        let mut state = State::default();
        for first in [1, 10, 20] {
            state.apply(Control::Epoch(Epoch { first: Position(first), payload_hash: vec![first as u8] }));
        }
        state.prune_epochs(Position(15));
        assert_eq!(state.epochs.iter().map(|epoch| epoch.first.0).collect::<Vec<_>>(), [10, 20]);
    }

    #[test]
    fn a_branch_that_was_forgotten_begins_behind_what_it_had_when_it_comes_back() {
        let mut state = with_branch();
        let forgotten = Control::BranchForgotten { branch: "parquet".into(), position: Position(9) };
        state.apply(forgotten);
        let mut state = State::from(proto::State::from(&state));
        let before = [0; SIGNALS];
        state.apply(Control::BranchAdded { branch: "parquet".into(), position: Position(1), before });
        assert_eq!(state.branches["parquet"].cursor, Position(9));
        assert_eq!(state.forgotten.len(), 0);
    }

    #[test]
    fn a_state_survives_its_snapshot() {
        let mut state = with_branch();
        state.apply(Control::Plan(plan(1, 9)));
        state.apply(Control::Epoch(Epoch { first: Position(1), payload_hash: vec![1; 16] }));
        for position in [3, 4] {
            let checkpoint = Checkpoint { position: Position(position), file: format!("metrics-{position}") };
            state.apply(Control::Checkpoint {
                branch: "parquet".into(),
                checkpoint,
                counts: Counts::default(),
                replayed: vec![],
            });
        }
        assert_eq!((state.cursor_min(), state.useful_min()), (Some(Position(4)), Some(Position(3))));
        let letter = DeadLetter {
            position: Position(2),
            reason: "no".into(),
            file_hash: vec![2; 16],
            unix_ns: 7,
            version: "0.1.0".into(),
            signal: 2,
            receiver: "otlp".into(),
            arrival_unix_ns: 6,
            items: 3,
            rejected: [1].into(),
            config_hash: vec![3; 16],
        };
        state.apply(Control::DeadLetter { branch: "parquet".into(), letter });
        state.apply(Control::TimeMark { unix_ns: 77 });
        assert_eq!(State::from(proto::State::from(&state)), state);
    }

    #[test]
    fn a_letter_is_noted_once_and_ends_when_it_is_delivered_counted_or_dropped() {
        let letter = |position, reason: &str| DeadLetter {
            position: Position(position),
            reason: reason.into(),
            file_hash: vec![],
            unix_ns: 0,
            version: String::new(),
            signal: 1,
            receiver: "otlp".into(),
            arrival_unix_ns: 0,
            items: 4,
            rejected: [].into(),
            config_hash: vec![],
        };
        let branch = || "parquet".to_owned();
        let mut state = State::default();
        state.apply(Control::BranchAdded { branch: branch(), position: Position(1), before: [0; SIGNALS] });
        for (position, reason) in [(2, "no"), (3, "no"), (2, "still not"), (4, "no")] {
            state.apply(Control::DeadLetter { branch: branch(), letter: letter(position, reason) });
        }
        let counts = Counts { dead_lettered: [0, 12, 0, 0, 0, 0, 0, 0], ..Counts::default() };
        state.apply(Control::Cursor { branch: branch(), position: Position(9), counts });
        let listed = |state: &State| {
            let letters = &state.branches["parquet"].dead_letters;
            letters.iter().map(|letter| (letter.position.0, letter.reason.clone())).collect::<Vec<_>>()
        };
        let (no, still_not) = ("no".to_owned(), "still not".to_owned());
        assert_eq!(listed(&state), [(2, still_not), (3, no.clone()), (4, no.clone())]);
        assert_eq!(state.branches["parquet"].dead_letters_total, 3);

        state.apply(Control::DeadLetterDropped { branch: branch(), position: Position(2) });
        let dropped = state.branches["parquet"].counts;
        assert_eq!((dropped.dead_lettered[1], dropped.dropped[1]), (8, 4));
        let plan = Plan { replays: true, first: Position(3), ..plan(7, 3) };
        state.apply(Control::Plan(plan));
        state.apply(Control::Committed { plan: PlanId([7; 16]), branch: branch(), counts: dropped });
        assert_eq!(listed(&state), [(4, no)]);
        assert_eq!(state.branches["parquet"].cursor, Position(9), "it is before the cursor");
        let checkpoint = Checkpoint { position: Position(9), file: "c".into() };
        let replayed = vec![Position(4)];
        state.apply(Control::Checkpoint { branch: branch(), checkpoint, counts: dropped, replayed });
        assert_eq!((listed(&state), state.branches["parquet"].dead_letters_total), (vec![], 0));
    }
}
