//! Curves on two logarithmic axes, where a straight line is a power of the size.

use std::fmt::Write as _;

use super::{STYLE, escaped, rounded};
use crate::results::Spread;

const TITLE_HEIGHT: f64 = 60.0;
const PLOT_WIDTH: f64 = 230.0;
const PLOT_HEIGHT: f64 = 180.0;
const LEFT_WIDTH: f64 = 66.0;
const RIGHT_WIDTH: f64 = 14.0;
const BOTTOM_HEIGHT: f64 = 48.0;
/// Room beyond the outermost points, as a share of an axis.
const MARGIN: f64 = 0.06;
/// Sizes closer than this are not both written below the axis.
const LABELS_APART: f64 = 30.0;

/// One figure over all sizes.
pub(crate) struct Panel<'panel> {
    pub(crate) title: &'panel str,
    pub(crate) points: Vec<(f64, Spread)>,
}

/// The panels side by side.
pub(crate) fn lines(title: &str, unit: &str, panels: &[Panel<'_>]) -> String {
    let panel_width = LEFT_WIDTH + PLOT_WIDTH + RIGHT_WIDTH;
    let width = panel_width * panels.len() as f64;
    let height = TITLE_HEIGHT + PLOT_HEIGHT + BOTTOM_HEIGHT;
    let drawn: String = panels
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let left = panel_width * place as f64 + LEFT_WIDTH;
            format!(
                r#"<g transform="translate({left:.0} {TITLE_HEIGHT:.0})">{}</g>{}"#,
                panel(one, unit),
                "\n"
            )
        })
        .collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="sans-serif" font-size="12">
{STYLE}
<text x="8" y="22" font-size="13" font-weight="bold">{}</text>
{drawn}</svg>
"##,
        escaped(title)
    )
}

/// Drawn from its upper left corner; what is not above 0 has no place on such axes.
fn panel(panel: &Panel<'_>, unit: &str) -> String {
    let points: Vec<(f64, Spread)> =
        panel.points.iter().filter(|(size, spread)| *size > 0.0 && spread.least > 0.0).copied().collect();
    let mut drawn = format!(
        r##"<text y="-10">{}</text><rect width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}" fill="none" stroke="#8b949e"/>"##,
        escaped(panel.title)
    );
    let (Some(across), Some(up)) = (
        Axis::over(points.iter().map(|(size, _)| *size), PLOT_WIDTH),
        Axis::over(points.iter().flat_map(|(_, spread)| [spread.least, spread.most]), PLOT_HEIGHT),
    ) else {
        return drawn;
    };
    for value in up.ticks() {
        let y = PLOT_HEIGHT - up.place(value);
        let _ = write!(
            drawn,
            r##"<line x2="{PLOT_WIDTH}" y1="{y:.1}" y2="{y:.1}" stroke-opacity="0.15"/><text x="-6" y="{:.1}" text-anchor="end">{}</text>"##,
            y + 4.0,
            short(value)
        );
    }
    let mut last = f64::NEG_INFINITY;
    let mut path = Vec::new();
    for (size, Spread { least, median, most }) in &points {
        let x = across.place(*size);
        let [low, y, high] = [*least, *median, *most].map(|value| PLOT_HEIGHT - up.place(value));
        path.push(format!("{x:.1},{y:.1}"));
        let _ = write!(
            drawn,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="{low:.1}" y2="{high:.1}"/><circle cx="{x:.1}" cy="{y:.1}" r="3" fill="#2f81f7"/>"##
        );
        if x - last > LABELS_APART {
            last = x;
            let below = PLOT_HEIGHT + 16.0;
            let _ = write!(
                drawn,
                r##"<text x="{x:.1}" y="{below}" text-anchor="middle">{}</text>"##,
                short(*size)
            );
        }
    }
    let _ = write!(
        drawn,
        r##"<polyline points="{}" fill="none" stroke="#2f81f7" stroke-width="2"/><text x="{}" y="{}" text-anchor="middle">{}</text>"##,
        path.join(" "),
        PLOT_WIDTH / 2.0,
        PLOT_HEIGHT + 36.0,
        escaped(unit)
    );
    drawn
}

/// A logarithmic axis.
struct Axis {
    from: f64,
    to: f64,
    length: f64,
}

impl Axis {
    /// From the least to the most, with some room; `None` of nothing.
    fn over(values: impl Iterator<Item = f64>, length: f64) -> Option<Self> {
        let (least, most) =
            values.map(f64::ln).fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        // Where all are nearly the same, noise should not look like growth.
        let range = (most - least).max(4_f64.ln());
        let middle = f64::midpoint(least, most);
        let half = range * (0.5 + MARGIN);
        least.is_finite().then_some(Self { from: middle - half, to: middle + half, length })
    }

    fn place(&self, value: f64) -> f64 {
        self.length * (value.ln() - self.from) / (self.to - self.from)
    }

    /// Powers of ten, or where these are few also their doubles and halves.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.to - self.from) / 10_f64.ln();
        let factors: &[f64] = if decades > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = (self.from / 10_f64.ln()).floor() as i32;
        let all = (first..=first + decades.ceil() as i32 + 1)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        all.filter(|value| (self.from..=self.to).contains(&value.ln())).collect()
    }
}

/// As an axis has it: thousands and millions by a letter.
fn short(value: f64) -> String {
    let (value, letter) = match value {
        1e6.. => (value / 1e6, "M"),
        1e3.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = if value < 0.1 { rounded(value) } else { format!("{value:.1}") };
    format!("{}{letter}", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<(f64, Spread)> {
        values
            .iter()
            .map(|(size, value)| (*size, Spread { least: *value, median: *value, most: *value }))
            .collect()
    }

    #[test]
    fn a_power_is_a_straight_line() {
        let axis = Axis::over([1.0, 10.0, 100.0].into_iter(), 100.0).unwrap();
        let [low, middle, high] = [1.0, 10.0, 100.0].map(|value| axis.place(value));
        assert!(
            (middle - low - (high - middle)).abs() < 1e-9 && low > 0.0 && high < 100.0,
            "{low} {middle} {high}"
        );
    }

    #[test]
    fn a_size_of_zero_has_no_place_and_does_no_harm() {
        let panel = Panel { title: "t", points: points(&[(0.0, 1.0), (1.0, 2.0), (4.0, 3.0)]) };
        let picture = lines("a < b", "GiB", &[panel]);
        assert_eq!(picture.matches("<circle").count(), 2, "{picture}");
        assert!(
            picture.contains("a &lt; b") && !picture.contains("NaN") && !picture.contains("inf"),
            "{picture}"
        );
    }

    #[test]
    fn of_nothing_there_is_an_empty_frame() {
        assert!(lines("t", "u", &[Panel { title: "t", points: Vec::new() }]).contains("<rect"));
    }

    #[test]
    fn ticks_are_round_numbers_and_short() {
        let axis = Axis::over([900.0, 120_000.0].into_iter(), 100.0).unwrap();
        let ticks: Vec<String> = axis.ticks().into_iter().map(short).collect();
        assert_eq!(ticks, ["1k", "2k", "5k", "10k", "20k", "50k", "100k"]);
        assert_eq!([0.5, 64.0, 2_000_000.0].map(short), ["0.5", "64", "2M"]);
    }
}
