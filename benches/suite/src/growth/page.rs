//! `docs/growth.md`: the part of it that is made of what was measured, and the pictures beside it.

use std::fs;
use std::path::Path;

use spanledger_load::Failure;

use super::curve::{exponent, noise, rise};
use super::dimension::{Curve, DIMENSIONS, Dimension};
use super::results::{Point, Results};
use crate::machine::warning;
use crate::page::Marks;
use crate::picture::lines::{Panel, lines};
use crate::picture::rounded;
use crate::results::Spread;

const MARKS: Marks =
    Marks { begin: "<!-- growth: written by cargo xtask bench -->\n", end: "<!-- end of growth -->\n" };

/// Writes the part of the page between its marks anew, and the pictures.
pub(crate) fn write(results: &Results, docs: &Path) -> Result<(), Failure> {
    let path = docs.join("growth.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
    let page = MARKS.replace(&page, &format!("{}\n\n{}", head(results), sections(results)));
    fs::write(&path, page.map_err(|failure| format!("{}: {failure}", path.display()))?)?;
    let folder = docs.join("growth");
    fs::create_dir_all(&folder)?;
    for dimension in measured(results) {
        let panels: Vec<Panel> = dimension
            .curves
            .iter()
            .map(|curve| Panel { title: curve.figure, points: results.curve(dimension.name, curve.figure) })
            .collect();
        let picture = lines(dimension.title, dimension.unit, &panels);
        fs::write(folder.join(format!("{}.svg", dimension.name)), picture)?;
    }
    Ok(())
}

/// What a point came to, while others are still to be measured.
pub(crate) fn line(point: &Point) -> String {
    let figures: Vec<String> =
        point.figures.iter().map(|(name, figure)| format!("{} {name}", rounded(*figure))).collect();
    format!(
        "round {}  {:<12} {:>7}  {}",
        point.round,
        point.dimension,
        rounded(point.size),
        figures.join(", ")
    )
}

fn head(results: &Results) -> String {
    let flags = if (results.rounds, results.seconds) == (2, 1) {
        String::new()
    } else {
        format!(" --rounds {} --seconds {}", results.rounds, results.seconds)
    };
    let measured = results.machine.text(&format!("cargo xtask bench growth{flags}"));
    format!("{measured}{}", warning(results.busiest))
}

fn measured(results: &Results) -> impl Iterator<Item = &'static Dimension> {
    DIMENSIONS.iter().filter(|dimension| !results.sizes(dimension.name).is_empty())
}

/// The summary, and a section for each dimension.
pub(crate) fn sections(results: &Results) -> String {
    let rows: String = measured(results)
        .flat_map(|dimension| {
            dimension.curves.iter().map(move |curve| summary_row(results, dimension, curve))
        })
        .collect();
    let sections: String = measured(results).map(|dimension| section(results, dimension)).collect();
    format!(
        "### What grows how

| | | exponent | linear is | noise | |
|---|---|---|---|---|---|
{rows}
{sections}"
    )
}

fn summary_row(results: &Results, dimension: &Dimension, curve: &Curve) -> String {
    let points = results.curve(dimension.name, curve.figure);
    let exponent = exponent(&points).map(|exponent| format!("{exponent:.2}")).unwrap_or_default();
    let linear = curve.linear.map(|linear| linear.to_string()).unwrap_or_default();
    let verdict = match curve.linear {
        None => String::new(),
        Some(linear) => rise(&points, linear).map_or_else(
            || "linear or better".to_owned(),
            |rise| {
                let (from, to) = (size(rise.from), size(rise.to));
                format!("**worse: {:.2} x from {from} to {to} {}**", rise.times, dimension.unit)
            },
        ),
    };
    format!(
        "| {} | {} | {exponent} | {linear} | {:.2} x | {verdict} |\n",
        dimension.title,
        curve.figure,
        noise(&points)
    )
}

fn section(results: &Results, dimension: &Dimension) -> String {
    let names: Vec<&str> =
        dimension.curves.iter().map(|curve| curve.figure).chain(dimension.columns.iter().copied()).collect();
    let rows: String = results
        .sizes(dimension.name)
        .into_iter()
        .map(|at| {
            let cells: Vec<String> = names
                .iter()
                .map(|name| results.spread(dimension.name, at, name).map(cell).unwrap_or_default())
                .collect();
            format!("| {} | {} |\n", size(at), cells.join(" | "))
        })
        .collect();
    format!(
        "### {}

{}

![{} by {}](growth/{}.svg)

| {} | {} |
|{}
{rows}
",
        dimension.title,
        dimension.about,
        names.first().copied().unwrap_or_default(),
        dimension.unit,
        dimension.name,
        dimension.unit,
        names.join(" | "),
        "---|".repeat(names.len() + 1),
    )
}

/// The middle, with the least and the most where rounds differ.
fn cell(spread: Spread) -> String {
    let [least, median, most] = [spread.least, spread.median, spread.most].map(rounded);
    if least == most { median } else { format!("{median} ({least} to {most})") }
}

/// As short as it can be told.
fn size(size: f64) -> String {
    if size.fract() == 0.0 && size >= 1000.0 { rounded(size) } else { size.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::figure::{self, figures};
    use super::*;
    use crate::machine::Machine;

    fn results(points: &[(&str, f64, f64)]) -> Results {
        let points = points.iter().map(|(dimension, size, cpu)| Point {
            dimension: (*dimension).to_owned(),
            size: *size,
            round: 1,
            figures: figures([(figure::CPU, Some(*cpu))]),
        });
        Results { machine: Machine::example(), rounds: 1, seconds: 1, busiest: 0.0, points: points.collect() }
    }

    fn row(results: &Results, title: &str) -> String {
        let sections = sections(results);
        sections.lines().find(|line| line.starts_with(title)).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_curve_stands_with_its_exponent_and_whether_a_unit_grows_dearer() {
        let squares = results(&[("span-size", 1.0, 5.0), ("span-size", 4.0, 80.0)]);
        let row = row(&squares, "| Size of a span | CPU");
        assert!(row.contains("| 2.00 | 1 | 1.00 x | **worse: 4.00 x from 1 to 4 KB a span** |"), "{row}");
    }

    #[test]
    fn what_stays_below_linear_is_said_to() {
        let flat = results(&[("exporters", 1.0, 5.0), ("exporters", 2.0, 8.0)]);
        let row = row(&flat, "| Exporters | CPU");
        assert!(row.ends_with("| linear or better |"), "{row}");
    }

    #[test]
    fn the_table_of_a_dimension_has_a_row_for_each_size_that_was_measured() {
        let results = results(&[("series", 1000.0, 5.0), ("series", 10.0, 4.0)]);
        let sections = sections(&results);
        assert!(sections.contains("| 10 | 4.00 |") && sections.contains("| 1,000 | 5.00 |"), "{sections}");
        assert!(!sections.contains("### Exporters"), "{sections}");
    }

    #[test]
    fn the_page_says_how_it_is_made_again() {
        assert!(head(&results(&[])).contains("`cargo xtask bench growth --rounds 1 --seconds 1`"));
    }
}
