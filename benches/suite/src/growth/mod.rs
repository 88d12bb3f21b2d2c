//! Spanledger alone, as what it is given grows: what each dimension costs, as curves.

mod backlog;
mod curve;
mod dimension;
mod figure;
mod lake;
mod load;
mod overload;
mod page;
mod results;
pub(crate) mod running;
pub(crate) mod setup;

use std::time::Duration;

use clap::Args;
use spanledger_load::Failure;

use crate::arguments::Places;
use crate::machine::{Machine, busy_share};
use crate::{absolute, say};
use dimension::{DIMENSIONS, Dimension};
use results::{Point, Results};
use setup::Settings;

/// Measures how Spanledger's cost grows with each dimension of its load.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only dimensions whose names have one of these words, such as `cores` or `backlog`. Writes no page then.
    words: Vec<String>,
    /// How often each point is measured.
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long it is sent as much as it takes, after warming up.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    #[command(flatten)]
    places: Places,
}

/// Measures, and writes what it came to.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let kept = arguments.places.folder.join("growth.json");
    if arguments.places.page {
        return page::write(&serde_json::from_slice(&std::fs::read(kept)?)?, &arguments.places.docs);
    }
    let dimensions = chosen(&arguments.words)?;
    let results = measure_all(arguments, &dimensions).await?;
    say(&page::sections(&results));
    let json = serde_json::to_string_pretty(&results)?;
    if arguments.words.is_empty() {
        std::fs::write(kept, json)?;
        return page::write(&results, &arguments.places.docs);
    }
    std::fs::write(arguments.places.folder.join("growth-part.json"), json)?;
    Ok(())
}

/// An error when a word is in no name.
fn chosen(words: &[String]) -> Result<Vec<&'static Dimension>, Failure> {
    let names: Vec<&str> = DIMENSIONS.iter().map(|dimension| dimension.name).collect();
    if let Some(word) = words.iter().find(|word| names.iter().all(|name| !name.contains(word.as_str()))) {
        return Err(format!("{word} is in no name; there are {}", names.join(", ")).into());
    }
    let fits = |dimension: &&Dimension| {
        words.is_empty() || words.iter().any(|word| dimension.name.contains(word.as_str()))
    };
    Ok(DIMENSIONS.iter().filter(fits).collect())
}

async fn measure_all(arguments: &Arguments, dimensions: &[&Dimension]) -> Result<Results, Failure> {
    std::fs::create_dir_all(&arguments.places.folder)?;
    let folder = arguments.places.folder.canonicalize()?;
    let settings = Settings {
        program: absolute(&arguments.places.spanledger)?,
        time: Duration::from_secs(arguments.seconds.into()),
        folder: folder.clone(),
    };
    let mut results = Results {
        machine: Machine::of(&folder)?,
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        busiest: 0.0,
        points: Vec::new(),
    };
    for round in 1..=arguments.rounds {
        for dimension in dimensions.iter().filter(|dimension| round == 1 || dimension.is_repeated()) {
            results.busiest = results.busiest.max(busy_share().await?);
            let mut keep = |size, figures| {
                let point = Point { dimension: dimension.name.to_owned(), size, round, figures };
                say(&page::line(&point));
                results.points.push(point);
            };
            let measured = dimension.measure(&settings, &mut keep).await;
            measured.map_err(|failure| format!("{}: {failure}", dimension.name))?;
        }
    }
    Ok(results)
}
