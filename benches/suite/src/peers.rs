//! Spanledger beside its peers, on this machine, in turns: processor time, memory, speed and latency.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use spanledger_load::{Failure, Requests};

use crate::arguments::Places;
use crate::case::{CASES, Case};
use crate::contender::{CONTENDERS, Contender, Programs};
use crate::machine::Machine;
use crate::measure::{Settings, measure};
use crate::results::{Results, ShapeCost};
use crate::{absolute, bare, page, say};

/// Measures Spanledger beside its peers. A contender whose program is not given is left out.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only contenders and loads whose names have one of these words, such as `collector` or `small-4`.
    words: Vec<String>,
    /// How often each contender is measured under each load.
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a contender is sent as much as it takes; then as long at half of the rate that it delivered.
    #[arg(long, default_value = "6", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    #[command(flatten)]
    places: Places,
    /// The program of the OpenTelemetry Collector.
    #[arg(long, env = "SPANLEDGER_OTELCOL")]
    collector: Option<PathBuf>,
    /// The program of rotel.
    #[arg(long, env = "SPANLEDGER_ROTEL")]
    rotel: Option<PathBuf>,
}

/// Measures, and writes what it came to.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let kept = arguments.places.folder.join("suite.json");
    if arguments.places.page {
        return page::write(&serde_json::from_slice(&std::fs::read(kept)?)?, &arguments.places.docs);
    }
    let chosen = Chosen::by(&arguments.words)?;
    let results = measure_all(arguments, &chosen).await?;
    say(&page::tables(&results));
    let json = serde_json::to_string_pretty(&results)?;
    // A page that lacks one would say nothing of why.
    if arguments.words.is_empty() && results.programs.len() == CONTENDERS.len() {
        std::fs::write(kept, json)?;
        return page::write(&results, &arguments.places.docs);
    }
    std::fs::write(arguments.places.folder.join("suite-part.json"), json)?;
    Ok(())
}

/// What is measured of all there is.
struct Chosen {
    contenders: Vec<&'static Contender>,
    cases: Vec<&'static Case>,
}

impl Chosen {
    /// Words that fit no contender leave all of them, and the same with loads; a word that fits neither is an error.
    fn by(words: &[String]) -> Result<Self, Failure> {
        let fits = |name: &str| words.iter().any(|word| name.contains(word.as_str()));
        let mut contenders: Vec<&Contender> = CONTENDERS.iter().filter(|one| fits(one.name)).collect();
        let mut cases: Vec<&Case> = CASES.iter().filter(|one| fits(one.name)).collect();
        let names: Vec<&str> =
            CONTENDERS.iter().map(|one| one.name).chain(CASES.iter().map(|one| one.name)).collect();
        if let Some(word) = words.iter().find(|word| names.iter().all(|name| !name.contains(word.as_str()))) {
            return Err(format!("{word} is in no name; there are {}", names.join(", ")).into());
        }
        if contenders.is_empty() {
            contenders = CONTENDERS.iter().collect();
        }
        if cases.is_empty() {
            cases = CASES.iter().collect();
        }
        Ok(Self { contenders, cases })
    }
}

async fn measure_all(arguments: &Arguments, chosen: &Chosen) -> Result<Results, Failure> {
    std::fs::create_dir_all(&arguments.places.folder)?;
    let folder = arguments.places.folder.canonicalize()?;
    let programs = arguments.programs()?;
    let present: Vec<(&Contender, &Path)> =
        chosen.contenders.iter().filter_map(|one| Some((*one, one.path(&programs)?))).collect();
    let about = present.iter().map(|(one, path)| one.about(path)).collect::<Result<_, _>>()?;
    let mut results = Results {
        machine: Machine::of(&folder)?,
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        programs: about,
        shapes: Vec::new(),
        runs: Vec::new(),
    };
    let supplies: Vec<(&Case, Arc<Requests>)> = (1..)
        .zip(&chosen.cases)
        .map(|(seed, case)| (*case, Arc::new(Requests::new(case.shape, seed))))
        .collect();
    for (case, requests) in &supplies {
        results.shapes.push(ShapeCost {
            case: case.name.to_owned(),
            bytes_a_span: requests.bytes_a_span(),
            zstd_cpu_seconds: bare::zstd_seconds_a_million(requests)?,
        });
    }
    for round in 1..=arguments.rounds {
        for (case, requests) in &supplies {
            for (contender, path) in turns(&present, round) {
                let time = Duration::from_secs(arguments.seconds.into());
                let settings = Settings { time, folder: &folder, round };
                let run = measure(contender, path, case.name, requests, &settings).await;
                let run = run.map_err(|failure| format!("{}, {}: {failure}", contender.name, case.name))?;
                say(&page::line(&run));
                results.runs.push(run);
            }
        }
    }
    Ok(results)
}

/// Each round begins with another one.
fn turns<T: Copy>(all: &[T], round: u32) -> Vec<T> {
    let mut turns = all.to_vec();
    let first = usize::try_from(round).unwrap_or_default().saturating_sub(1) % turns.len().max(1);
    turns.rotate_left(first);
    turns
}

impl Arguments {
    /// With paths that hold in any folder.
    fn programs(&self) -> Result<Programs, Failure> {
        Ok(Programs {
            spanledger: absolute(&self.places.spanledger)?,
            collector: self.collector.as_deref().map(absolute).transpose()?,
            rotel: self.rotel.as_deref().map(absolute).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(words: &[&str]) -> Option<(usize, usize)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let chosen = Chosen::by(&words).ok()?;
        Some((chosen.contenders.len(), chosen.cases.len()))
    }

    #[test]
    fn words_choose_contenders_and_loads_apart() {
        assert_eq!(chosen(&[]), Some((8, 3)));
        assert_eq!(chosen(&["collector"]), Some((3, 3)));
        assert_eq!(chosen(&["rotel-otlp", "spanledger", "small"]), Some((2, 2)));
    }

    #[test]
    fn a_word_that_is_in_no_name_is_an_error() {
        assert_eq!(chosen(&["collector", "tiny"]), None);
    }

    #[test]
    fn each_round_begins_with_another_contender() {
        let firsts: Vec<_> = (1..=4).map(|round| turns(&["a", "b", "c"], round)[0]).collect();
        assert_eq!(firsts, ["a", "b", "c", "a"]);
    }
}
