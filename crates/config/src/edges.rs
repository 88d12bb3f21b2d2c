//! Checks of the graph as a whole: connectors between pipelines, circles, and two ways to one place.

use std::collections::{BTreeMap, BTreeSet};

use spanledger_component::{ComponentId, Signal};

use crate::pipelines::{PipelineId, Sections, Wiring};
use crate::place::Problem;

/// The pipelines and what connects them.
pub(crate) struct Edges<'a> {
    pub(crate) sections: &'a Sections<'a>,
    pub(crate) wirings: &'a [Wiring],
}

impl Edges<'_> {
    /// Everything that is wrong with how pipelines are connected.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.ambiguous_ids();
        for id in self.sections.connectors.keys() {
            problems.extend(self.one_sided(id));
        }
        match self.cycle() {
            Some(problem) => problems.push(problem),
            None => problems.extend(self.two_ways()),
        }
        problems
    }

    fn ambiguous_ids(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (id, connector) in &self.sections.connectors {
            let kinds = [
                (self.sections.receivers.contains_key(id), "receiver"),
                (self.sections.exporters.contains_key(id), "exporter"),
            ];
            for (_, kind) in kinds.into_iter().filter(|(is_there, _)| *is_there) {
                let message = format!(
                    "ambiguous ID: found both \"{id}\" {kind} and \"{id}\" connector, rename one, as \"{id}/connector\""
                );
                problems.push(Problem::at(&connector.place, format!("connectors::{id}"), message));
            }
        }
        problems
    }

    /// A connector carries from a pipeline that exports to it into one that receives from it.
    fn one_sided(&self, id: &ComponentId) -> Vec<Problem> {
        let Some(connector) = self.sections.connectors.get(id) else { return Vec::new() };
        let Some(listing) = connector.listing() else { return Vec::new() };
        let into: Vec<&Wiring> = self.wirings.iter().filter(|wiring| wiring.exporters.contains(id)).collect();
        let out_of: Vec<&Wiring> =
            self.wirings.iter().filter(|wiring| wiring.receivers.contains(id)).collect();
        let turns = |from: Signal, to: Signal| listing.turns.contains(&(from, to));
        let no_way_out = |wiring: &&&Wiring| !out_of.iter().any(|out| turns(wiring.id.signal, out.id.signal));
        let no_way_in = |wiring: &&&Wiring| !into.iter().any(|into| turns(into.id.signal, wiring.id.signal));
        let exporting = into.iter().filter(no_way_out).map(|wiring| (wiring, "exporter", "receiver"));
        let receiving = out_of.iter().filter(no_way_in).map(|wiring| (wiring, "receiver", "exporter"));
        exporting
            .chain(receiving)
            .map(|(wiring, used, other)| {
                let message = format!(
                    "connector \"{id}\" used as {used} in [{}] pipeline but not used in any supported {other} \
                     pipeline, it turns {}",
                    wiring.id,
                    turns_in_words(listing.turns)
                );
                Problem::at(&wiring.place, wiring.path(), message)
            })
            .collect()
    }

    /// The pipelines that get what a pipeline hands to its connectors, with the connector.
    fn next<'w>(&'w self, wiring: &'w Wiring) -> impl Iterator<Item = (&'w ComponentId, &'w Wiring)> {
        wiring.exporters.iter().flat_map(move |id| {
            let turns = self
                .sections
                .connectors
                .get(id)
                .and_then(|connector| connector.listing())
                .map(|listing| listing.turns);
            self.wirings.iter().filter_map(move |next| {
                let turn = (wiring.id.signal, next.id.signal);
                (next.receivers.contains(id) && turns?.contains(&turn)).then_some((id, next))
            })
        })
    }

    fn cycle(&self) -> Option<Problem> {
        let mut done = BTreeSet::new();
        for wiring in self.wirings {
            let mut trail = Vec::new();
            if let Some(found) = self.cycle_from(wiring, &mut trail, &mut done) {
                let message = format!("cycle detected: {found}");
                return Some(Problem::at(&wiring.place, wiring.path(), message));
            }
        }
        None
    }

    fn cycle_from<'w>(
        &'w self,
        wiring: &'w Wiring,
        trail: &mut Vec<(&'w PipelineId, String)>,
        done: &mut BTreeSet<&'w PipelineId>,
    ) -> Option<String> {
        if let Some(start) = trail.iter().position(|(id, _)| **id == wiring.id) {
            let circle: Vec<&str> = trail.iter().skip(start).map(|(_, step)| step.as_str()).collect();
            return Some(format!("{} -> pipeline \"{}\"", circle.join(" -> "), wiring.id));
        }
        if !done.insert(&wiring.id) {
            return None;
        }
        for (connector, next) in self.next(wiring) {
            trail.push((&wiring.id, format!("pipeline \"{}\" -> connector \"{connector}\"", wiring.id)));
            let found = self.cycle_from(next, trail, done);
            trail.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Exporters and connectors that a span must reach by one path only.
    fn two_ways(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let exporters =
            self.sections.exporters.iter().map(|(id, declared)| (EXPORTER, id, declared.listing()));
        let connectors =
            self.sections.connectors.iter().map(|(id, declared)| (CONNECTOR, id, declared.listing()));
        for (what, exporter, listing) in exporters.chain(connectors) {
            if !listing.is_some_and(|listing| listing.once) {
                continue;
            }
            for signal in Signal::ALL {
                let mut ways: BTreeMap<&ComponentId, Vec<&Wiring>> = BTreeMap::new();
                let mut memory = BTreeMap::new();
                for wiring in self.wirings.iter().filter(|wiring| wiring.id.signal == signal) {
                    let count = self.ways(wiring, exporter, &mut memory);
                    for receiver in
                        wiring.receivers.iter().filter(|id| self.sections.receivers.contains_key(id))
                    {
                        ways.entry(receiver).or_default().extend(std::iter::repeat_n(wiring, count.min(2)));
                    }
                }
                problems.extend(
                    ways.into_iter().filter_map(|(receiver, ways)| two(receiver, what, exporter, &ways)),
                );
            }
        }
        problems
    }

    /// By how many ways the rows of a pipeline reach an exporter as the same signal.
    fn ways<'w>(
        &'w self,
        wiring: &'w Wiring,
        exporter: &ComponentId,
        memory: &mut BTreeMap<&'w PipelineId, usize>,
    ) -> usize {
        if let Some(count) = memory.get(&wiring.id) {
            return *count;
        }
        let mut count = usize::from(wiring.exporters.contains(exporter));
        for (_, next) in self.next(wiring).filter(|(_, next)| next.id.signal == wiring.id.signal) {
            count = count.saturating_add(self.ways(next, exporter, memory));
        }
        memory.insert(&wiring.id, count);
        count
    }
}

const EXPORTER: (&str, &str) = ("exporter", "stand there");
const CONNECTOR: (&str, &str) = ("connector", "be counted");

fn two(
    receiver: &ComponentId,
    (kind, becomes): (&str, &str),
    exporter: &ComponentId,
    ways: &[&Wiring],
) -> Option<Problem> {
    let [first, .., last] = ways else { return None };
    let message = format!(
        "{kind} \"{exporter}\" gets what receiver \"{receiver}\" takes in by two paths (from {} and {}), so that \
         it would {becomes} twice; use one path, or a second {kind} as \"{}/2\"",
        first.id,
        last.id,
        exporter.kind()
    );
    Some(Problem::at(&last.place, last.path(), message))
}

fn turns_in_words(turns: &[(Signal, Signal)]) -> String {
    turns.iter().map(|(from, to)| format!("{from} into {to}")).collect::<Vec<_>>().join(", ")
}
