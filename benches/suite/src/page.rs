//! `docs/performance.md`: the part of it that is made of what was measured, and the pictures beside it.

use std::fs;
use std::path::Path;

use spanledger_load::Failure;

use crate::case::{CASES, Case, ZSTD};
use crate::contender::{CONTENDERS, Contender};
use crate::machine::warning;
use crate::picture::{Bar, bars, rounded};
use crate::results::{Results, Run, Spread};

/// What a part of a page that is written stands between.
pub(crate) struct Marks {
    pub(crate) begin: &'static str,
    pub(crate) end: &'static str,
}

const MARKS: Marks =
    Marks { begin: "<!-- suite: written by cargo xtask bench -->\n", end: "<!-- end of suite -->\n" };

/// Writes the part of the page between its marks anew, and the pictures.
pub(crate) fn write(results: &Results, docs: &Path) -> Result<(), Failure> {
    let path = docs.join("performance.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
    let part = format!("{}\n{}\n{}", head(results), tables(results), about(results));
    let page = MARKS.replace(&page, &part).map_err(|failure| format!("{}: {failure}", path.display()))?;
    fs::write(&path, page)?;
    let folder = docs.join("performance");
    fs::create_dir_all(&folder)?;
    for case in &CASES {
        let title = format!("CPU seconds a million spans: {}", case.title);
        let picture =
            picture(results, &title, |name| results.spread(case.name, name, |run| run.cpu_seconds_a_million));
        fs::write(folder.join(format!("cpu-{}.svg", case.name)), picture)?;
    }
    let peak = |name: &str| {
        let peak = results.overall(name, |run| run.peak_mib)?;
        Some(Spread { median: peak.most, ..peak })
    };
    fs::write(folder.join("memory.svg"), picture(results, "Peak resident MiB under all loads", peak))?;
    Ok(())
}

impl Marks {
    /// A page with another part between them.
    pub(crate) fn replace(&self, page: &str, part: &str) -> Result<String, Failure> {
        let Self { begin, end } = self;
        let parts = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
        let (before, after) = parts.ok_or_else(|| format!("the page lacks the lines {begin}{end}"))?;
        Ok(format!("{before}{begin}\n{part}\n{end}{after}"))
    }
}

fn picture(results: &Results, title: &str, figure: impl Fn(&str) -> Option<Spread>) -> String {
    let rows = contenders(results).filter_map(|one| {
        let (label, is_ours) = (one.title.to_owned(), one.name == OURS);
        Some(Bar { label, spread: figure(one.name)?, is_ours })
    });
    bars(title, &rows.collect::<Vec<_>>())
}

/// The one that the others are compared with.
const OURS: &str = "spanledger";

/// Those that were measured.
fn contenders(results: &Results) -> impl Iterator<Item = &'static Contender> {
    CONTENDERS.iter().filter(|one| results.runs.iter().any(|run| run.contender == one.name))
}

/// What a run came to, while others are still to be made.
pub(crate) fn line(run: &Run) -> String {
    let at_rest = if run.rested { "" } else { ", not at rest in the end" };
    format!(
        "round {}  {:<10} {:<16} {:>7} CPU s a million  {:>9} spans/s  p99 {} ms, at half the rate {} ms{at_rest}",
        run.round,
        run.case,
        run.contender,
        rounded(run.cpu_seconds_a_million),
        rounded(run.spans_a_second),
        run.full.p99_ms.map(rounded).unwrap_or_default(),
        run.half.p99_ms.map(rounded).unwrap_or_default(),
    )
}

fn head(results: &Results) -> String {
    let flags = if (results.rounds, results.seconds) == (3, 6) {
        String::new()
    } else {
        format!(" --rounds {} --seconds {}", results.rounds, results.seconds)
    };
    let measured = results.machine.text(&format!("cargo xtask bench suite{flags}"));
    format!(
        "{measured} Figures are medians of {} rounds, in brackets the least and the most; the contenders take turns.{}\n",
        results.rounds,
        warning(results.busiest()),
    )
}

/// The tables of all loads, and of what the programs are without load.
pub(crate) fn tables(results: &Results) -> String {
    let measured = |case: &&Case| results.runs.iter().any(|run| run.case == case.name);
    let loads: String = CASES.iter().filter(measured).map(|case| load(results, case)).collect();
    format!("{loads}{}{}\n{}", causes(results), footprint(results), goals(results))
}

/// Why requests were refused or failed; nothing when none was.
fn causes(results: &Results) -> String {
    let mut lines: Vec<String> = results
        .runs
        .iter()
        .flat_map(|run| {
            let said = |(kind, message): (&String, &String)| {
                format!("- {}, {}: {kind}, first: {message}\n", run.contender, run.case)
            };
            run.causes.iter().map(said)
        })
        .collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        String::new()
    } else {
        format!("### Refusals and failures\n\n{}\n", lines.concat())
    }
}

fn load(results: &Results, case: &Case) -> String {
    let shape = results.shapes.iter().find(|shape| shape.case == case.name);
    let (bytes, zstd) = shape.map_or((0.0, 0.0), |shape| (shape.bytes_a_span, shape.zstd_cpu_seconds));
    let rows: String = contenders(results).map(|one| contender_row(results, case, one)).collect();
    format!(
        "### {title}: {} bytes a span

![processor time](performance/cpu-{}.svg)

| | CPU s a million spans | Spanledger takes | goal | spans/s acknowledged | delivered | p50 / p99 / p99.9 ms | at half of what it delivers | written, bytes a span | peak MiB | refused or failed | never sent | generator's cores | arrived |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}| zstd(1) of the same bytes, nothing else | {} | {} | {} | | | | | | | | | | |

",
        rounded(bytes),
        case.name,
        rounded(zstd),
        ratio(results, case, Some(zstd)),
        goal(case, ZSTD),
        title = title(case),
    )
}

fn title(case: &Case) -> String {
    let mut letters = case.title.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

fn contender_row(results: &Results, case: &Case, one: &Contender) -> String {
    let cpu = results.spread(case.name, one.name, |run| run.cpu_seconds_a_million);
    let ratio =
        if one.name == OURS { String::new() } else { ratio(results, case, cpu.map(|cpu| cpu.median)) };
    let middle = |figure: fn(&Run) -> f64| {
        results.spread(case.name, one.name, figure).map(|spread| rounded(spread.median)).unwrap_or_default()
    };
    let within = |quantile: fn(&Run) -> Option<f64>| {
        results
            .spread(case.name, one.name, quantile)
            .map_or_else(|| "–".to_owned(), |spread| rounded(spread.median))
    };
    let at_full =
        [within(|run| run.full.p50_ms), within(|run| run.full.p99_ms), within(|run| run.full.p999_ms)];
    let at_half =
        [within(|run| run.half.p50_ms), within(|run| run.half.p99_ms), within(|run| run.half.p999_ms)];
    let note =
        if results.runs_of(case.name, one.name).all(|run| run.rested) { "" } else { ", still working" };
    let refused: u64 =
        results.runs_of(case.name, one.name).map(|run| run.refused_requests + run.failed_requests).sum();
    let unsent: u64 = results.runs_of(case.name, one.name).map(|run| run.unsent_requests).sum();
    let arrived = results.spread(case.name, one.name, |run| run.arrived_share);
    let arrived = arrived.map(|share| format!("{:.1} %", share.median * 100.0)).unwrap_or_default();
    format!(
        "| {} | {}{note} | {ratio} | {} | {} | {} | {} | {} | {} | {} | {refused} | {unsent} | {} | {arrived} |\n",
        one.title,
        cpu.map(spread).unwrap_or_default(),
        goal(case, one.name),
        middle(|run| run.spans_a_second),
        middle(|run| run.delivered_spans_a_second),
        at_full.join(" / "),
        at_half.join(" / "),
        middle(|run| run.written_bytes_a_span),
        middle(|run| run.peak_mib),
        middle(|run| run.generator_cores),
    )
}

fn spread(spread: Spread) -> String {
    format!("{} ({} to {})", rounded(spread.median), rounded(spread.least), rounded(spread.most))
}

/// Spanledger's processor time by that of another.
fn ratio(results: &Results, case: &Case, other: Option<f64>) -> String {
    let ours = results.spread(case.name, OURS, |run| run.cpu_seconds_a_million);
    match (ours, other) {
        (Some(ours), Some(other)) if other > 0.0 => format!("{:.2} x", ours.median / other),
        _ => String::new(),
    }
}

fn goal(case: &Case, other: &str) -> String {
    let goal = case.goals.iter().find(|(name, _)| *name == other);
    goal.map(|(_, most)| format!("at most {most} x")).unwrap_or_default()
}

fn footprint(results: &Results) -> String {
    let rows: String = contenders(results)
        .map(|one| {
            let middle = |figure| {
                results.overall(one.name, figure).map(|spread| rounded(spread.median)).unwrap_or_default()
            };
            let megabytes = results.programs.iter().find(|about| about.contender == one.name);
            let megabytes = megabytes.map(|about| rounded(about.stripped_mb)).unwrap_or_default();
            let (ready, idle) = (middle(|run| run.ready_ms), middle(|run| run.idle_mib));
            let file = middle(|run| run.idle_file_mib);
            format!("| {} | {ready} | {idle} | {file} | {megabytes} |\n", one.title)
        })
        .collect();
    format!(
        "### Without load

| | first acknowledgement after ms | idle MiB | of it the program's file | program, stripped, MB |
|---|---|---|---|---|
{rows}"
    )
}

/// The goals that are no ratio of processor time.
fn goals(results: &Results) -> String {
    let middle = |figure| results.overall(OURS, figure).map(|spread| spread.median);
    let megabytes = |name: &str| {
        results.programs.iter().find(|about| about.contender == name).map(|about| about.stripped_mb)
    };
    let fsync_ms = results.machine.fsync_ms;
    let mut rows = vec![
        ("first acknowledgement, ms".to_owned(), middle(|run| run.ready_ms), Some(50.0)),
        ("idle MiB".to_owned(), middle(|run| run.idle_mib), Some(12.0)),
        (
            "program, stripped, MB (a third of the Collector)".to_owned(),
            megabytes(OURS),
            megabytes("collector-nop").map(|megabytes| megabytes / 3.0),
        ),
    ];
    for case in &CASES {
        let p99 = results.spread(case.name, OURS, |run| run.half.p99_ms).map(|spread| spread.median);
        let name = format!("p99 at half of the rate, ms (an fsync and 10 ms), {}", case.title);
        rows.push((name, p99, Some(fsync_ms + 10.0)));
    }
    let rows: String = rows
        .into_iter()
        .filter_map(|(name, measured, goal)| {
            Some(format!("| {name} | {} | at most {} |\n", rounded(measured?), rounded(goal?)))
        })
        .collect();
    format!("### Spanledger's other goals\n\n| | measured | goal |\n|---|---|---|\n{rows}")
}

fn about(results: &Results) -> String {
    let rows: String = contenders(results)
        .map(|one| {
            let version = results.programs.iter().find(|about| about.contender == one.name);
            let version = version.map(|about| about.version.as_str()).unwrap_or_default();
            format!("| {} | {version} | {} | {} |\n", one.title, one.does, one.lacks)
        })
        .collect();
    format!(
        "### Who does what

| | version | does | does not |
|---|---|---|---|
{rows}
![memory](performance/memory.svg)
"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::contender::About;
    use crate::machine::Machine;
    use crate::results::{Latency, ShapeCost};

    const LATENCY: Latency = Latency { p50_ms: Some(1.0), p99_ms: Some(2.0), p999_ms: None };

    fn run(contender: &str, round: u32, cpu_seconds_a_million: f64) -> Run {
        Run {
            contender: contender.to_owned(),
            case: "small-4".to_owned(),
            round,
            ready_ms: 40.0,
            idle_mib: 12.0,
            idle_file_mib: 8.0,
            acknowledged_spans: 1e6,
            refused_requests: 0,
            failed_requests: 0,
            unsent_requests: 0,
            causes: BTreeMap::from([("gRPC 14".to_owned(), "no room".to_owned())]),
            arrived_share: (contender == "collector-queue").then_some(0.5),
            generator_cores: 0.3,
            busy_before: 0.4,
            cpu_seconds: cpu_seconds_a_million,
            cpu_seconds_a_million,
            spans_a_second: 1e5,
            delivered_spans_a_second: 80_000.0,
            full: LATENCY,
            half: LATENCY,
            written_bytes_a_span: 0.0,
            peak_mib: 50.0,
            rested: contender != "collector-queue",
        }
    }

    fn results() -> Results {
        let shape = ShapeCost { case: "small-4".to_owned(), bytes_a_span: 800.0, zstd_cpu_seconds: 1.0 };
        let about = About { contender: OURS.to_owned(), version: "0.1.0".to_owned(), stripped_mb: 9.0 };
        let machine = Machine::example();
        let runs = vec![
            run(OURS, 1, 12.0),
            run("collector-nop", 1, 16.0),
            run("collector-queue", 1, 200.0),
            run(OURS, 2, 8.0),
            run("collector-nop", 2, 24.0),
        ];
        Results { machine, rounds: 2, seconds: 6, programs: vec![about], shapes: vec![shape], runs }
    }

    fn row(title: &str) -> String {
        let tables = tables(&results());
        tables.lines().find(|line| line.contains(title)).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_peer_has_its_middle_and_spread_the_ratio_to_it_and_the_goal_in_one_row() {
        let nop = row("(a)");
        assert!(nop.contains("| 20.0 (16.0 to 24.0) | 0.50 x | at most 0.8 x |"), "{nop}");
    }

    #[test]
    fn who_was_still_working_in_the_end_is_marked() {
        assert!(row("(c)").contains("still working"));
        assert!(!row("(a)").contains("still working"));
    }

    #[test]
    fn latency_at_half_the_rate_stands_beside_an_fsync_and_ten_milliseconds() {
        assert!(row("p99 at half of the rate").ends_with("small, 4 a request | 2.00 | at most 11.0 |"));
    }

    #[test]
    fn what_did_not_arrive_where_it_was_sent_on_to_shows() {
        assert!(row("(c)").ends_with("| 0 | 0 | 0.30 | 50.0 % |"), "{}", row("(c)"));
        assert!(row("(a)").ends_with("| 0 | 0 | 0.30 |  |"), "{}", row("(a)"));
    }

    #[test]
    fn why_requests_were_refused_is_told_once() {
        let tables = tables(&results());
        assert_eq!(
            tables.matches("- collector-nop, small-4: gRPC 14, first: no room").count(),
            1,
            "{tables}"
        );
    }

    #[test]
    fn a_busy_machine_is_told_of() {
        assert!(head(&results()).contains("up to 40 %"));
    }

    #[test]
    fn who_was_not_measured_is_not_in_the_tables() {
        assert_eq!(row("rotel"), "");
    }

    #[test]
    fn the_page_says_how_it_is_made_again() {
        assert!(head(&results()).contains("`cargo xtask bench suite --rounds 2 --seconds 6`"));
    }

    #[test]
    fn only_what_is_between_the_marks_is_written() {
        let marks = Marks { begin: "<begin>\n", end: "<end>\n" };
        let page = marks.replace("before\n<begin>\nold\n<end>\nafter\n", "new\n").unwrap();
        assert_eq!(page, "before\n<begin>\n\nnew\n\n<end>\nafter\n");
        assert!(marks.replace("no marks", "new").is_err());
    }
}
